"""Labels for `train probe` and `evaluate probe` of all real pictures in a data folder, by the broad name of the plane.

    python benchmarks/probe_labels.py ../shared/data labels.csv

Patients of different sets are different patients. What SonoNet's examples show beyond brain, heart, abdomen and femur
is left out; the cines show no fetus and are background.
"""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

from fetalstream.models.hc18 import patient_of
from fetalstream.models.planes_db import planes_table
from fetalstream.models.train.planes_labels import label_of

EXAMPLES = {"3VV": "heart", "4CH": "heart", "LVOT": "heart", "RVOT": "heart"}
EXAMPLES |= {"ABDOMINAL": "abdomen", "BRAIN-TV": "brain", "FEMUR": "femur"}


def rows(data: Path) -> Iterator[tuple[str, str | None, str]]:
    """Key, label and patient of each picture and cine."""
    for path in sorted((data / "hc18" / "images").glob("*.png")):
        yield path.name, "brain", f"hc18-{patient_of(path.name)}"
    for row in planes_table(data / "planes"):
        yield row.path.name, label_of(row, brain_planes=False), f"planes-{row.patient}"
    for stem, label in EXAMPLES.items():
        yield f"{stem}.png", label, f"examples-{stem}"
    for path in sorted((data / "video").glob("*.mp4")):
        yield path.stem, "background", f"cines-{path.stem}"


def main() -> None:
    data, out = map(Path, sys.argv[1:3])
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("key", "label", "patient"))
        writer.writerows(rows(data))


if __name__ == "__main__":
    main()
