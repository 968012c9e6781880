"""The list of heart cines that a head is trained on or judged by."""

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .. import FetalStreamError
from ..models.train.clip_checks import check_parts

COLUMNS = ("clip", "patient", "label", "site", "split")
NEEDED = COLUMNS[:3]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartCine:
    """A row of a manifest.

    Attributes:
        path: of the cine: a video, a DICOM file or a folder of pictures.
        patient, label: whose it is, and what the patient's heart has.
        site, split: where it was taken, and to which part it belongs; empty where the manifest does not say.
    """

    path: Path
    patient: str
    label: str
    site: str = ""
    split: str = ""


def read_manifest(path: Path) -> list[HeartCine]:
    """Reads a CSV file with the columns clip, patient and label, and perhaps site and split.

    Paths are relative to the manifest. Raises `FetalStreamError` with the line that cannot be used.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FetalStreamError(f"{path} cannot be read as a manifest of clips: {error}") from error
    if not lines:
        raise FetalStreamError(f"{path} is empty; a manifest has the columns {', '.join(COLUMNS)}")
    if missing := [name for name in NEEDED if name not in lines[0]]:
        raise FetalStreamError(f"{path} lacks the columns {', '.join(missing)}; it has {', '.join(map(str, lines[0]))}")
    return [_cine(path, number, line) for number, line in enumerate(lines, start=2)]


def _cine(manifest: Path, number: int, line: dict[str, str | None]) -> HeartCine:
    fields = {name: (line.get(name) or "").strip() for name in COLUMNS}
    if empty := [name for name in NEEDED if not fields[name]]:
        raise FetalStreamError(f"{manifest}, line {number}: {', '.join(empty)} is empty")
    cine = manifest.parent / fields["clip"]
    if not cine.exists():
        raise FetalStreamError(f"{manifest}, line {number}: there is no {cine}")
    return HeartCine(
        path=cine, patient=fields["patient"], label=fields["label"], site=fields["site"], split=fields["split"]
    )


def read_manifests(paths: Sequence[Path], *, split: str | None = None) -> list[HeartCine]:
    """The cines of all manifests, of one split or of all; a patient in two splits is a leak, across manifests too."""
    cines = [cine for path in paths for cine in read_manifest(path)]
    splits = sorted({cine.split for cine in cines})
    check_parts([[cine.patient for cine in cines if cine.split == name] for name in splits])
    chosen = [cine for cine in cines if split in (None, cine.split)]
    if not chosen:
        raise FetalStreamError(f"no cine is of split {split!r}; there are: {', '.join(filter(None, splits)) or 'none'}")
    return chosen


def digest_of(path: Path) -> str:
    """SHA-256 of a file's bytes; of a folder's files in the order of their names."""
    files = sorted(file for file in path.iterdir() if file.is_file()) if path.is_dir() else [path]
    total = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            total.update(hashlib.file_digest(stream, "sha256").digest())
    return total.hexdigest()
