"""The public layout of FETAL_PLANES_DB (Burgos-Artizzu et al. 2020): a table beside a folder of pictures."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .encoder import ModelError

PLANES = ("Fetal brain", "Fetal abdomen", "Fetal femur", "Fetal thorax", "Maternal cervix", "Other")
"""What its column "Plane" may say."""

_COLUMNS = ("Image_name", "Patient_num", "Plane")


@dataclass(frozen=True, slots=True)
class PlanesRow:
    """One line of the FETAL_PLANES_DB table."""

    path: Path
    patient: str
    plane: str
    brain_plane: str


def planes_table(planes_dir: Path) -> list[PlanesRow]:
    """The table of a folder in the public layout of FETAL_PLANES_DB: ``*.csv`` with ``;``, pictures in Images/.

    Raises:
        ModelError: one line that names the folder, or the line of the table, and what is wrong there.
    """
    if not planes_dir.is_dir():
        raise ModelError(f"{planes_dir} is no folder; FETAL_PLANES_DB is a .csv beside Images/")
    tables = sorted(planes_dir.glob("*.csv"))
    if len(tables) != 1:
        raise ModelError(f"{planes_dir} holds {len(tables)} .csv files; FETAL_PLANES_DB has one beside Images/")
    try:
        return list(_rows(tables[0]))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ModelError(f"{tables[0]} cannot be read as a table in UTF-8: {error}") from error


def _rows(table: Path) -> Iterator[PlanesRow]:
    with table.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, delimiter=";")
        there = [name.strip() for name in reader.fieldnames or ()]
        if missing := [name for name in _COLUMNS if name not in there]:
            raise ModelError(
                f"{table} lacks the column {', '.join(missing)}; its first line, parted at ';', has {', '.join(there)}"
            )
        for number, raw in enumerate(reader, start=2):
            row = {key.strip(): (value or "").strip() for key, value in raw.items() if isinstance(key, str)}
            if row.get("Plane") not in PLANES:
                allowed = ", ".join(PLANES)
                raise ModelError(f"{table}, line {number}: plane {row.get('Plane')!r}; allowed are {allowed}")
            if not row.get("Image_name") or not row.get("Patient_num"):
                raise ModelError(f"{table}, line {number}: Image_name and Patient_num must not be empty")
            path = table.parent / "Images" / f"{row['Image_name']}.png"
            if not path.is_file():
                raise ModelError(f"{table}, line {number}: {path} is not there")
            yield PlanesRow(path, row["Patient_num"], row["Plane"], row.get("Brain_plane", ""))
