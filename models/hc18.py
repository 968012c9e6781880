"""The public layout of HC18 (van den Heuvel et al. 2018): pictures of heads beside a table of their size."""

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .encoder import ModelError

_COLUMNS = {"filename": "filename", "pixel size": "spacing", "pixel_size": "spacing", "head circumference": "head"}
_COLUMNS |= {"head_circumference": "head"}
_MASKS = "masks"


@dataclass(frozen=True, slots=True)
class Head:
    """One picture: its file, its width of a pixel and the true circumference of its head, both in mm."""

    path: Path
    spacing_mm: float
    head_mm: float


def patient_of(filename: str) -> str:
    """``010_HC.png`` and ``010_2HC.png`` show one patient."""
    return filename.partition("_")[0]


def hc18_heads(folder: Path) -> list[Head]:
    """Reads a folder that holds one ``*.csv`` and its pictures, beside it or one folder down.

    Raises:
        ModelError: one line that names the folder, or the line of the table, and what is wrong there.
    """
    tables = sorted(folder.glob("*.csv"))
    if len(tables) != 1:
        raise ModelError(f"{folder} holds {len(tables)} .csv files; HC18 has one beside its pictures")
    try:
        return list(_rows(tables[0]))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ModelError(f"{tables[0]} cannot be read as a table in UTF-8: {error}") from error


def _rows(table: Path) -> Iterator[Head]:
    with table.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        names = list(reader.fieldnames or ())
        place = {key: name for name in names for start, key in _COLUMNS.items() if name.strip().startswith(start)}
        if missing := {"filename", "spacing", "head"} - place.keys():
            raise ModelError(f"{table} has no column for {', '.join(sorted(missing))}; it has {', '.join(names)}")
        found = [*table.parent.glob("*.png"), *table.parent.glob("*/*.png")]
        pictures = {path.name: path for path in found if path.parent.name != _MASKS}
        for number, row in enumerate(reader, start=2):
            path = pictures.get(str(row[place["filename"]]).strip())
            if path is None:
                raise ModelError(f"{table}, line {number}: {row[place['filename']]} is not there")
            try:
                spacing_mm, head_mm = float(row[place["spacing"]]), float(row[place["head"]])
            except (TypeError, ValueError) as error:
                raise ModelError(f"{table}, line {number}: pixel size and circumference are numbers") from error
            if not all(math.isfinite(length) and length > 0 for length in (spacing_mm, head_mm)):
                raise ModelError(f"{table}, line {number}: pixel size and circumference are above 0 mm")
            yield Head(path, spacing_mm, head_mm)
