"""The law of kept clips: they come back as they were, and what cannot be kept stands in nobody's way."""

from pathlib import Path

import numpy as np
import pytest

from fetalstream.models.clip_cache import CineClips, ClipCache
from fetalstream.models.heads.clip_timing import ClipTiming
from fetalstream.models.testing import GreyEncoder

FOUND = CineClips(clips=np.ones((2, 16, 1), np.float32), thumbnails=np.zeros((16, 4, 4), np.uint8))


def cache(folder: Path) -> ClipCache:
    return ClipCache(folder, encoder=GreyEncoder(), flavour="float32", timing=ClipTiming())


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    cache(tmp_path / "kept").write("digest", FOUND)
    back = cache(tmp_path / "kept").read("digest")
    assert back is not None
    assert np.array_equal(back.clips, FOUND.clips)
    assert np.array_equal(back.thumbnails, FOUND.thumbnails)
    assert cache(tmp_path / "kept").read("another") is None


@pytest.mark.parametrize("in_the_way", ["kept", "kept/a file"])
def test_where_nothing_can_be_kept_a_warning_says_so_and_the_work_goes_on(
    in_the_way: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "kept").write_bytes(b"")
    cache(tmp_path / in_the_way).write("digest", FOUND)
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == ["clips are not kept"]


def test_a_name_that_a_folder_has_costs_a_warning_and_leaves_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept = cache(tmp_path)
    kept.write("digest", FOUND)
    (file,) = tmp_path.iterdir()
    file.unlink()
    file.mkdir()
    kept.write("digest", FOUND)
    assert f"clips are not kept: {file} cannot be written: Is a directory" in caplog.text
    assert [one.name for one in tmp_path.iterdir()] == [file.name]
