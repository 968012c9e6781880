"""Cards stand beside head files, and tell which file they are of."""

import hashlib
import re
from pathlib import Path

import pytest

from fetalstream import __version__
from fetalstream.models.encoder import ModelError
from fetalstream.models.heads.card import Card, data_table, write_card

CARD = Card(
    title="test head",
    what="Does nothing.",
    facts={"encoder": "compact 1, sha256 `abc`"},
    data=data_table({"brain": (12, 5), "femur": (3, 3)}),
    results="None.",
    limits="All.",
)


def test_a_card_names_its_file_by_hash_the_day_the_software_and_the_counts(tmp_path: Path) -> None:
    head = tmp_path / "head.safetensors"
    head.write_bytes(b"a head")
    path = write_card(head, CARD)
    text = path.read_text(encoding="utf-8")
    assert path == tmp_path / "head.md"
    assert f"| file | `head.safetensors`, sha256 `{hashlib.sha256(b'a head').hexdigest()}` |" in text
    assert re.search(rf"\| made \| 20\d\d-\d\d-\d\d with fetalstream {re.escape(__version__)} \|", text)
    assert "| encoder | compact 1, sha256 `abc` |" in text
    assert "| class | pictures | patients |\n| --- | ---: | ---: |\n| `brain` | 12 | 5 |\n| `femur` | 3 | 3 |" in text
    assert "**Research use only. Not a medical device.**" in text
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        "# Model card: test head",
        "## Data",
        "## Results",
        "## What it can't do",
    ]


def test_a_head_is_not_overwritten_by_its_card(tmp_path: Path) -> None:
    head = tmp_path / "head.md"
    head.write_bytes(b"a head")
    with pytest.raises(ModelError, match=r"head\.md holds the head"):
        write_card(head, CARD)
    assert head.read_bytes() == b"a head"


def test_a_card_that_cannot_be_written_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    head = tmp_path / "head.safetensors"
    head.write_bytes(b"a head")
    (tmp_path / "head.md").mkdir()
    with pytest.raises(ModelError, match=r"head\.md cannot be written"):
        write_card(head, CARD)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["head.md", "head.safetensors"]
