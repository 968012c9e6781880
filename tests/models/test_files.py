"""Weight files, good and bad: what is read, and the one line that says why something is not."""

import hashlib
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from fetalstream.models.encoder import ModelError
from fetalstream.models.files import MisfitError, check_fit, load_state_dict, sha256_of

STATE = {"a.weight": torch.arange(6.0).reshape(2, 3), "a.bias": torch.ones(2)}


class RunsCode:
    """What an attacker would put into a pickle."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("true",)


def equal(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return list(a) == list(b) and all(torch.equal(a[key], b[key]) for key in a)


@pytest.mark.parametrize(
    "content",
    [
        STATE,
        {"state_dict": STATE},
        {"state_dict": STATE, "epoch": 3, "args": {"lr": 1e-4}},
        {"model": STATE},
        {f"module.{key}": tensor for key, tensor in STATE.items()},
        {"state_dict": {f"module.{key}": tensor for key, tensor in STATE.items()}},
    ],
    ids=["bare", "wrapped", "wrapped beside other things", "in 'model'", "module.", "wrapped, module."],
)
def test_every_published_wrapping_gives_the_same_tensors(content: dict[str, Any], tmp_path: Path) -> None:
    torch.save(content, tmp_path / "weights.pt")
    assert equal(load_state_dict(tmp_path / "weights.pt"), STATE)


def test_files_in_torchs_old_format_are_read(tmp_path: Path) -> None:
    torch.save(STATE, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    assert equal(load_state_dict(tmp_path / "old.pt"), STATE)


def test_the_content_and_not_the_name_decides_the_format(tmp_path: Path) -> None:
    save_file(STATE, tmp_path / "weights.pt")
    torch.save(STATE, tmp_path / "weights.safetensors")
    assert equal(dict(sorted(load_state_dict(tmp_path / "weights.pt").items())), dict(sorted(STATE.items())))
    assert equal(load_state_dict(tmp_path / "weights.safetensors"), STATE)


def _torch_file(path: Path, content: object = STATE) -> None:
    torch.save(content, path)


def _cut(path: Path, share: float) -> None:
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])


def _torn_torch(path: Path) -> None:
    _torch_file(path, {"a": torch.zeros(10_000)})
    _cut(path, 0.6)


def _torn_safetensors(path: Path) -> None:
    save_file({"a": torch.zeros(10_000)}, path)
    _cut(path, 0.6)


def _hollow_torch(path: Path) -> None:
    _torch_file(path, {"a": torch.zeros(10_000)})
    middle = bytearray(path.read_bytes())
    middle[60:160] = bytes(100)
    path.write_bytes(middle)


def _code(path: Path) -> None:
    _torch_file(path, {"state_dict": STATE, "extra": RunsCode()})


BAD_FILES = {
    "missing": (lambda path: None, "there is no such weight file"),
    "folder": (Path.mkdir, "is a folder, not a weight file"),
    "empty": (Path.touch, "is empty, not a weight file"),
    "text": (lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\n"), "starts with b'version '"),
    "picture": (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(64)), r"starts with b'\\x89PNG"),
    "torn torch file": (_torn_torch, r"is torn: its end is missing \(\d+ bytes are there\)"),
    "torn safetensors file": (_torn_safetensors, "is a damaged safetensors file"),
    "overwritten torch file": (_hollow_torch, "its pickle is damaged or holds something else"),
    "code in a torch file": (_code, "is refused, only tensors.*: it asks for (posix|nt).system"),
    "code in a bare pickle": (lambda path: path.write_bytes(pickle.dumps(RunsCode(), protocol=2)), "it asks for"),
    "no tensors": (lambda path: _torch_file(path, {"epoch": 3}), "holds no state_dict"),
    "a list": (lambda path: _torch_file(path, [torch.zeros(1)]), "holds no state_dict"),
    "nothing inside": (lambda path: _torch_file(path, {}), "holds no state_dict"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_bad_file_is_refused_in_one_line_that_names_it(kind: str, tmp_path: Path) -> None:
    make, message = BAD_FILES[kind]
    path = tmp_path / "weights.pt"
    make(path)
    with pytest.raises(ModelError, match=message) as raised:
        load_state_dict(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 500


def test_code_in_a_file_never_runs(tmp_path: Path) -> None:
    witness = tmp_path / "witness"

    class Touches:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(witness),)

    torch.save({"state_dict": STATE, "x": Touches()}, tmp_path / "bad.pt")
    with pytest.raises(ModelError, match="mkdir"):
        load_state_dict(tmp_path / "bad.pt")
    assert not witness.exists()


def test_the_digest_is_that_of_the_files_bytes(tmp_path: Path) -> None:
    path = tmp_path / "bytes"
    path.write_bytes(os.urandom(3_000_000))
    assert sha256_of(path) == hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(ModelError, match="no such weight file"):
        sha256_of(tmp_path / "nothing")


def test_weights_that_fit_are_let_through() -> None:
    module = nn.Linear(3, 2)
    check_fit(module.state_dict(), module, path=Path("w.pt"), architecture="Line")


def test_what_does_not_fit_is_counted_and_the_first_few_are_named() -> None:
    module = nn.Sequential(*(nn.Linear(3, 2) for _ in range(4)))
    state = {"0.weight": torch.zeros(2, 3), "0.bias": torch.zeros(5), "head.weight": torch.zeros(1)}
    with pytest.raises(MisfitError) as raised:
        check_fit(state, module, path=Path("w.pt"), architecture="Line")
    assert str(raised.value) == (
        "w.pt does not fit Line (8 tensors): 6 missing (1.weight, 1.bias, 2.weight, ...); "
        "1 unexpected (head.weight); 1 of another shape (0.bias is (5,), not (2,))"
    )
    assert raised.value.keys == 8
