"""Text embeddings on disk: asked once, safe against damage, shared by processes."""

import multiprocessing
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from fetalstream.models.outputs import ModelIdentity
from fetalstream.models.text_cache import embed_texts

TEXTS = ["a heart", "a thigh"]


class CountingTower:
    """A text tower whose embedding of a sentence follows from its length, and that counts how often it is asked."""

    def __init__(self, *, sha256: str = "a" * 64, context_length: int = 117, embed_dim: int = 4) -> None:
        self.identity = ModelIdentity(name="fake", sha256=sha256)
        self.context_length = context_length
        self.embed_dim = embed_dim
        self.asked = 0

    def encode_text(self, texts: Sequence[str]) -> Tensor:
        self.asked += 1
        return torch.stack([torch.arange(self.embed_dim) + float(len(text)) for text in texts])


def only_file(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def test_the_tower_is_asked_once_and_the_answer_is_the_same(tmp_path: Path) -> None:
    tower, later = CountingTower(), CountingTower()
    first = embed_texts(tower, TEXTS, folder=tmp_path / "text")
    second = embed_texts(later, TEXTS, folder=tmp_path / "text")
    assert torch.equal(first, second)
    assert (tower.asked, later.asked) == (1, 0)


@pytest.mark.parametrize(
    ("tower", "texts"),
    [
        (CountingTower(sha256="b" * 64), TEXTS),
        (CountingTower(context_length=77), TEXTS),
        (CountingTower(), [*TEXTS, "menus"]),
        (CountingTower(), TEXTS[::-1]),
        (CountingTower(), ["a heart a thigh"]),
    ],
    ids=["other weights", "other context", "one more", "other order", "same words"],
)
def test_other_weights_or_other_words_are_asked_anew(tower: CountingTower, texts: list[str], tmp_path: Path) -> None:
    embed_texts(CountingTower(), TEXTS, folder=tmp_path)
    tower.asked = 0
    embed_texts(tower, texts, folder=tmp_path)
    assert tower.asked == 1


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


DAMAGE = {
    "cut": _cut,
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("not a cache"),
    "other name": lambda path: save_file({"x": torch.zeros(2, 4)}, path),
    "other shape": lambda path: save_file({"embeddings": torch.zeros(2, 5)}, path),
    "other dtype": lambda path: save_file({"embeddings": torch.zeros(2, 4, dtype=torch.float16)}, path),
    "not a number": lambda path: save_file({"embeddings": torch.full((2, 4), torch.nan)}, path),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_file_is_computed_again_and_replaced(kind: str, tmp_path: Path) -> None:
    expected = embed_texts(CountingTower(), TEXTS, folder=tmp_path)
    path = only_file(tmp_path)
    DAMAGE[kind](path)
    tower = CountingTower()
    assert torch.equal(embed_texts(tower, TEXTS, folder=tmp_path), expected)
    assert tower.asked == 1
    assert torch.equal(load_file(only_file(tmp_path))["embeddings"], expected)


def test_a_folder_that_cannot_be_written_costs_a_warning_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("in the way")
    assert embed_texts(CountingTower(), TEXTS, folder=tmp_path / "file" / "text").shape == (2, 4)
    assert "text embeddings are not kept" in caplog.text


def test_the_default_folder_is_in_the_users_home_of_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FETALSTREAM_HOME", str(tmp_path))
    embed_texts(CountingTower(), TEXTS)
    assert only_file(tmp_path / "text").suffix == ".safetensors"


def _write_often(folder: Path, times: int) -> None:
    for _ in range(times):
        embed_texts(CountingTower(), TEXTS, folder=folder)
        for path in folder.glob("*.safetensors"):
            path.unlink(missing_ok=True)  # so that the next turn writes again


def test_processes_that_share_a_folder_never_read_half_a_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write_often, args=(tmp_path, 150)) for _ in range(2)]
    for writer in writers:
        writer.start()
    expected = CountingTower().encode_text(TEXTS)
    while any(writer.is_alive() for writer in writers):
        assert torch.equal(embed_texts(CountingTower(), TEXTS, folder=tmp_path), expected)
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert not caplog.records
    assert not list(tmp_path.glob(".tmp-*"))
