"""Which DICOM files of a folder are cines."""

import re
from pathlib import Path

from ..sniff import is_dicom
from ..source import SourceError
from .source import DicomSource


def find_cines(folder: Path, *, min_frames: int = 2) -> list[Path]:
    """The files in ``folder`` and the folders in it that can be opened and announce at least ``min_frames`` frames.

    Sorted by path, in which runs of digits compare as numbers. What cannot be opened is passed over: a study holds
    reports, stills and a directory file, too. Only headers are read.
    """
    files = sorted((file for file in folder.rglob("*") if is_dicom(file)), key=lambda file: _natural(folder, file))
    return [file for file in files if _frames(file) >= min_frames]


def _frames(file: Path) -> int:
    source = DicomSource(file)
    try:
        return source.open().frame_count or 0
    except SourceError:
        return 0
    finally:
        source.close()


def _natural(folder: Path, file: Path) -> list[tuple[int, str]]:
    parts = re.findall(r"\d+|\D+", str(file.relative_to(folder)).lower())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
