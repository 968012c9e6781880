"""The law of tables of text: as spreadsheets write them, and a mistake is told by its line."""

from pathlib import Path

import pytest

from fetalstream.models.encoder import ModelError
from fetalstream.models.rows import read_rows


def read(tmp_path: Path, content: bytes) -> list[tuple[int, dict[str, str]]]:
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    return read_rows(path, needed=("key", "label"), what="a table")


@pytest.mark.parametrize(
    "content",
    [
        b"key,label\na,brain\nb,femur\n",
        b"key;label\na;brain\nb;femur\n",
        b"\xef\xbb\xbfkey,label\r\na,brain\r\nb,femur\r\n",
        b" key , label \n a ,\tbrain\nb,femur",
        b'"key","label"\n"a","brain"\n"b","femur"\n',
        b"key,label\na,brain,one more\nb,femur\n",
    ],
    ids=["comma", "semicolon", "mark and Windows' lines", "blanks", "quotes", "a field too many"],
)
def test_tables_are_read_as_spreadsheets_write_them(content: bytes, tmp_path: Path) -> None:
    assert read(tmp_path, content) == [(2, {"key": "a", "label": "brain"}), (3, {"key": "b", "label": "femur"})]


def test_a_field_may_hold_the_separator_and_a_line_break(tmp_path: Path) -> None:
    ((_, row),) = read(tmp_path, b'key,label\n"a, b\nc","brain"\n')
    assert row == {"key": "a, b\nc", "label": "brain"}


@pytest.mark.parametrize(
    ("content", "line"),
    [(b"key,label\na,\n", 2), (b"key,label\n\n\na,brain\n\nb,\n", 6), (b'key,label\n"a\nb",brain\nc,\n', 4)],
    ids=["plain", "after empty lines", "after a field of two lines"],
)
def test_a_mistake_is_told_by_the_line_that_an_editor_shows(content: bytes, line: int, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=rf"table\.csv, line {line}: label must not be empty"):
        read(tmp_path, content)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "lacks the column key, label; its first line has nothing"),
        (b"key\na\n", "lacks the column label; its first line has key"),
        (b"key,label\n\xff,brain\n", "cannot be read as a table in UTF-8"),
    ],
)
def test_what_is_no_such_table_is_told_by_name(content: bytes, said: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=rf"table\.csv {said}") as told:
        read(tmp_path, content)
    assert "\n" not in str(told.value)
