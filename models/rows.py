"""Tables of text: a .csv of named columns, as spreadsheets write it."""

import csv
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path

from .encoder import ModelError


def read_rows(path: Path, *, needed: Sequence[str], what: str) -> list[tuple[int, dict[str, str]]]:
    """Reads a .csv parted by "," or ";", in UTF-8; fields come without outer blanks.

    Args:
        path: the file.
        needed: columns that it must have; in no row may these be empty.
        what: it is, in words.

    Returns:
        Of each row the number of its (last) line in the file, and its fields.

    Raises:
        ModelError: one line that names the file, the line and what is wrong there.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(_rows(path, file.read(), needed))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ModelError(f"{path} cannot be read as {what} in UTF-8: {reason}") from error


def _rows(path: Path, text: str, needed: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    head = text.partition("\n")[0]
    reader = csv.DictReader(StringIO(text, newline=""), delimiter=";" if head.count(";") > head.count(",") else ",")
    names = [name.strip() for name in reader.fieldnames or ()]
    if missing := [name for name in needed if name not in names]:
        there = ", ".join(names) or "nothing"
        raise ModelError(f"{path} lacks the column {', '.join(missing)}; its first line has {there}")
    for raw in reader:
        number = reader.line_num  # not the number of the row: empty lines are passed over, a field may span several
        row = {key.strip(): (value or "").strip() for key, value in raw.items() if isinstance(key, str)}
        if empty := [name for name in needed if not row[name]]:
            raise ModelError(f"{path}, line {number}: {' and '.join(empty)} must not be empty")
        yield number, row
