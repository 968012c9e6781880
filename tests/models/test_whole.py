"""The law of files of results: whole or not there, and what stood there before stays."""

from pathlib import Path

import pytest

from fetalstream.models.encoder import ModelError
from fetalstream.models.whole import check_folder, whole_file

from .disks import run_on_a_full_disk


def stop_amid(path: Path) -> None:
    with whole_file(path) as file:
        file.write(b"second")
        raise KeyboardInterrupt


def test_what_ends_well_takes_the_name_and_what_does_not_leaves_all_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "result"
    with whole_file(path) as file:
        file.write(b"first")
        assert not path.exists()
    with pytest.raises(KeyboardInterrupt):
        stop_amid(path)
    assert path.read_bytes() == b"first"
    assert [one.name for one in tmp_path.iterdir()] == ["result"]


def test_a_full_disk_leaves_the_head_that_was_there(tmp_path: Path) -> None:
    path = tmp_path / "head.safetensors"
    path.write_bytes(b"the head of yesterday")
    done = run_on_a_full_disk(
        f"""
from pathlib import Path
import torch
from fetalstream.models.encoder import ModelError
from fetalstream.models.heads.head_file import save_head
try:
    save_head(Path({str(path)!r}), {{"weight": torch.zeros(1000)}}, {{}})
except ModelError as error:
    print(error)
""",
        most_file_bytes=2000,
    )
    assert (done.stdout, done.stderr) == (f"{path} cannot be written: File too large\n", "")
    assert path.read_bytes() == b"the head of yesterday"
    assert [one.name for one in tmp_path.iterdir()] == ["head.safetensors"]


def test_where_no_file_can_be_is_told_before_the_work(tmp_path: Path) -> None:
    check_folder(tmp_path / "head.safetensors")
    with pytest.raises(ModelError, match=r"there is no folder .*nowhere"):
        check_folder(tmp_path / "nowhere" / "head.safetensors")
    with pytest.raises(ModelError, match="cannot be written: it is a folder"):
        check_folder(tmp_path)
