"""Heads of known size: HC18's layout, similarities from a model, and files that cannot be read."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fetalstream.models.encoder import ModelError
from fetalstream.models.hc18 import Head, hc18_heads
from fetalstream.models.heads.age_text import AgeTexts, load_age_templates
from fetalstream.models.towers import Architecture, load_towers
from fetalstream.models.train.age_table import embed_heads, read_age_table, write_age_table


def test_the_public_layout_is_read(data_dir: Path) -> None:
    heads = hc18_heads(data_dir / "hc18_original")
    assert len(heads) == 40
    assert heads[0] == Head(data_dir / "hc18_original/training_set/001_HC.png", 0.0896585200514, 56.81)


def test_masks_are_not_taken_for_pictures(data_dir: Path) -> None:
    heads = hc18_heads(data_dir / "hc18")
    assert len(heads) == 799
    assert {head.path.parent.name for head in heads} == {"images"}


def write_heads(folder: Path, rows: str, header: str = "filename,pixel size(mm),head circumference (mm)") -> Path:
    folder.mkdir(exist_ok=True)
    Image.fromarray(np.full((54, 80), 70, dtype=np.uint8)).save(folder / "001_HC.png")
    Image.fromarray(np.full((54, 80), 90, dtype=np.uint8)).save(folder / "001_2HC.png")
    (folder / "table.csv").write_text(f"{header}\n{rows}\n")
    return folder


@pytest.mark.parametrize(
    ("rows", "header", "said"),
    [
        ("009_HC.png,0.1,150", None, "line 2: 009_HC.png is not there"),
        ("001_HC.png,wide,150", None, "line 2: pixel size and circumference are numbers"),
        ("001_HC.png,0.1,-4", None, "line 2: pixel size and circumference are above 0 mm"),
        ("001_HC.png", None, "line 2: pixel size and circumference are numbers"),
        ("001_HC.png,0.1", "filename,pixel size(mm)", "has no column for head"),
    ],
)
def test_a_table_that_cannot_be_is_refused_with_its_line(
    rows: str, header: str | None, said: str, tmp_path: Path
) -> None:
    folder = write_heads(tmp_path / "heads", rows, **({"header": header} if header else {}))
    with pytest.raises(ModelError, match=said):
        hc18_heads(folder)


def test_a_model_is_asked_and_its_answers_come_back_from_the_file(
    tiny: Architecture, tiny_weights: Path, tmp_path: Path
) -> None:
    heads = hc18_heads(write_heads(tmp_path / "heads", "001_HC.png,0.1,150\n001_2HC.png,0.1,152"))
    towers = load_towers(tiny, tiny_weights, device="cpu", dtype="float32")
    texts = AgeTexts(load_age_templates(), towers.text, folder=tmp_path / "text")
    table = embed_heads(heads, towers.image, texts)
    assert np.ptp(table.similarity, axis=1).min() > 0.01
    write_age_table(tmp_path / "age.npz", table, heads)
    back = read_age_table(tmp_path / "age.npz")
    np.testing.assert_array_equal(back.similarity, table.similarity)
    assert (back.head_mm.tolist(), back.patients) == ([150, 152], ("001", "001"))


def _saved(path: Path, **arrays: object) -> None:
    good = {
        "similarity": np.zeros((2, 175)),
        "true_hc_mm": np.array([150.0, 160.0]),
        "filename": np.array(["1_a", "2_a"]),
    }
    np.savez(path, **{name: array for name, array in (good | arrays).items() if array is not None})  # pyright: ignore


BAD_FILES = {
    "missing": (lambda path: None, "there is no such file of similarities"),
    "text": (lambda path: path.write_text("similar"), "is no .npz file, or its end is missing"),
    "cut": (lambda path: (_saved(path), path.write_bytes(path.read_bytes()[:900])), "is no .npz file, or its end is"),
    "no truth": (lambda path: _saved(path, true_hc_mm=None), "lacks true_hc_mm; it holds similarity, filename"),
    "168 days": (lambda path: _saved(path, similarity=np.zeros((2, 168))), r"one per day, not \(2, 168\)"),
    "not finite": (lambda path: _saved(path, similarity=np.full((2, 175), np.inf)), "350 of 350 are not"),
    "unpaired": (lambda path: _saved(path, true_hc_mm=np.array([150.0])), "do not pair up"),
    "negative": (lambda path: _saved(path, true_hc_mm=np.array([150.0, -1])), "above 0 mm"),
    "words": (lambda path: _saved(path, true_hc_mm=np.array(["a", "b"])), "are numbers"),
    "objects": (lambda path: _saved(path, filename=np.array([object(), 1], dtype=object)), "is no sound .npz file"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_bad_file_is_refused_in_one_line(kind: str, tmp_path: Path) -> None:
    make, message = BAD_FILES[kind]
    make(tmp_path / "age.npz")
    with pytest.raises(ModelError, match=message) as raised:
        read_age_table(tmp_path / "age.npz")
    assert "\n" not in str(raised.value)
