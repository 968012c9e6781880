"""The list of heart cines that a head is trained on or judged by."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ... import FetalStreamError
from ...models.rows import read_rows
from ...models.train.folds import refuse_parted
from ...sources.images import picture_files

NEEDED = ("clip", "patient", "label")
COLUMNS = (*NEEDED, "split")


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartCine:
    """A row of a manifest.

    Attributes:
        path: of the cine: a video, a DICOM file or a folder of pictures.
        patient, label: whose it is, and what the patient's heart has.
        split: to which part it belongs; empty where the manifest does not say.
    """

    path: Path
    patient: str
    label: str
    split: str = ""


def read_manifest(path: Path) -> list[HeartCine]:
    """Reads a CSV file with the columns clip, patient and label, and perhaps split; parted by "," or ";".

    Paths are relative to the manifest; columns of other names are passed over.

    Raises:
        FetalStreamError: one line that names the file, the line and what is wrong there.
    """
    cines: list[HeartCine] = []
    for number, row in read_rows(path, needed=NEEDED, what="a manifest of clips"):
        cine = path.parent / row["clip"]
        if not cine.exists():
            raise FetalStreamError(f"{path}, line {number}: there is no {cine}")
        cines.append(HeartCine(path=cine, patient=row["patient"], label=row["label"], split=row.get("split", "")))
    if not cines:
        raise FetalStreamError(f"{path} holds no clip")
    return cines


def read_manifests(paths: Sequence[Path], *, split: str | None = None) -> list[HeartCine]:
    """The cines of all manifests, of one split or of all; a patient in two splits is a leak, across manifests too."""
    cines = [cine for path in paths for cine in read_manifest(path)]
    splits = sorted({cine.split for cine in cines})
    names = [f"split {name!r}" if name else "no split" for name in splits]
    refuse_parted([cine.patient for cine in cines], [splits.index(cine.split) for cine in cines], names)
    chosen = [cine for cine in cines if split in (None, cine.split)]
    if not chosen:
        raise FetalStreamError(f"no cine is of split {split!r}; there are: {', '.join(filter(None, splits)) or 'none'}")
    return chosen


def digest_of(path: Path) -> str:
    """SHA-256 of the digest of a file, or of those of a folder's pictures one after the other.

    Raises:
        FetalStreamError: it cannot be read, or the folder holds no picture.
    """
    files = picture_files(path) if path.is_dir() else [path]
    total = hashlib.sha256()
    for file in files:
        try:
            with file.open("rb") as stream:
                total.update(hashlib.file_digest(stream, "sha256").digest())
        except OSError as error:
            raise FetalStreamError(f"{file} cannot be read: {error.strerror or error}") from error
    return total.hexdigest()
