"""Which DICOM files of a folder are cines."""

import re
from pathlib import Path

from ..sniff import is_dicom
from ..source import SourceError
from .header import NoCineError
from .source import DicomSource


def find_cines(folder: Path, *, min_frames: int = 2) -> list[Path]:
    """The files in ``folder`` and the folders in it of which `is_cine` holds.

    Sorted by path, in which runs of digits compare as numbers.
    """
    files = (file for file in folder.rglob("*") if is_dicom(file) and is_cine(file, min_frames=min_frames))
    return sorted(files, key=lambda file: natural_order(file.relative_to(folder)))


def is_cine(file: Path, *, min_frames: int = 2) -> bool:
    """Whether a DICOM file announces ultrasound of at least ``min_frames`` frames; only its header is read.

    A study holds reports, stills and a directory file, too: these are none. A file too damaged to tell is taken for a
    cine, so that whoever opens it hears why it cannot be read, and nothing is passed over in silence.
    """
    source = DicomSource(file)
    try:
        frames = source.open().frame_count
    except NoCineError:
        return False
    except SourceError:
        return True
    finally:
        source.close()
    return frames is None or frames >= min_frames


def natural_order(path: Path) -> list[tuple[int, str]]:
    """A key for sorting in which IM9 comes before IM10."""
    parts = re.findall(r"\d+|\D+", str(path).lower())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
