"""Captures of a study, for its report: found again by their sidecars, made small; what is gone is said."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import cv2
import numpy as np

from ...sinks import CaptureDiscarded, CaptureKept, CaptureSaved
from ...sinks.captures import SIDECAR
from ...sinks.sidecar import Sidecar, read_sidecar
from ...sinks.sink import SinkError
from ...sources import Pixels
from .record import Record
from .sheets import compressed
from .small_clip import Box, ClipError, small_clip

STILL_QUALITY = 90
MOST_STILL_BYTES, MOST_CLIP_BYTES = 6_000_000, 6_000_000
"""What all stills, and all clips, may add to a report: base64 makes a third more of it."""
_LARGEST_STILL_BYTES, _LARGEST_CLIP_BYTES = 1 << 26, 1 << 28

GONE = "its files are gone from the folder of captures"
NO_FOLDER = "the folder of captures was not found"
NOT_MASKED = "not shown: it was not masked, and names may stand in it"
NO_ROOM = "left out, to keep this file small"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One capture as a report shows it.

    Attributes:
        saved: what the record says of it.
        is_kept: the operator wants it; nothing replaces it.
        sidecar: None where its files are gone.
        still: WebP, cut to what is not black; empty where it is not shown, see ``refused``.
        width_px, height_px: of ``still``.
        clip: MP4, smaller than the capture's own; empty where there is none, see ``clip_refused``.
        refused, clip_refused: why not, in words; of a capture that has no clip, "".
    """

    saved: CaptureSaved
    is_kept: bool
    sidecar: Sidecar | None = None
    still: bytes = b""
    width_px: int = 0
    height_px: int = 0
    clip: bytes = b""
    refused: str = ""
    clip_refused: str = ""


def read_captures(record: Record, roots: Sequence[Path], *, unmasked: bool = False) -> tuple[Shot, ...]:
    """The captures that were there when the study ended, by media time.

    Where not all fit, stills and clips of those that the operator wished for come first, then the best.

    Args:
        roots: where captures may lie (see `roots_of`).
        unmasked: show those, too, that are not black outside the fan.
    """
    found = [_found(saved, roots, is_kept=is_kept) for saved, is_kept in _living(record)]
    shots: list[Shot] = []
    still_bytes = clip_bytes = 0
    for shot, path in sorted(found, key=lambda one: _rank(one[0])):
        shown = _shown(shot, path, unmasked=unmasked, clip_room=MOST_CLIP_BYTES - clip_bytes)
        if still_bytes + len(shown.still) > MOST_STILL_BYTES:
            shown = replace(shown, still=b"", clip=b"", refused=NO_ROOM, clip_refused="")
        still_bytes += len(shown.still)
        clip_bytes += len(shown.clip)
        shots.append(shown)
    return tuple(sorted(shots, key=lambda shot: (shot.saved.pts_seconds, shot.saved.capture_id)))


def are_lost(shots: Sequence[Shot]) -> bool:
    """There are captures, and the folder of none of them was found."""
    return bool(shots) and all(shot.refused == NO_FOLDER for shot in shots)


def _rank(shot: Shot) -> tuple[bool, float]:
    return not shot.is_kept, -shot.saved.score * shot.saved.quality


def _living(record: Record) -> Iterator[tuple[CaptureSaved, bool]]:
    """What was saved and neither replaced nor discarded, and whether the operator wants it."""
    living: dict[str, CaptureSaved] = {}
    kept: set[str] = set()
    for event in record.events:
        if isinstance(event, CaptureSaved):
            living.pop(event.replaces, None)
            living[event.capture_id] = event
        elif isinstance(event, CaptureDiscarded):
            living.pop(event.capture_id, None)
        elif isinstance(event, CaptureKept):
            kept.add(event.capture_id)
    return ((saved, saved.cause == "operator" or name in kept) for name, saved in living.items())


def _found(saved: CaptureSaved, roots: Sequence[Path], *, is_kept: bool) -> tuple[Shot, Path]:
    """The capture with its sidecar, and the path of its still."""
    there = False
    for root in roots:
        for still in _places(root, saved):
            there = there or still.parent.is_dir()
            try:
                sidecar = read_sidecar(still.with_suffix(SIDECAR))
            except SinkError:
                continue
            if _is_of(sidecar, saved):
                return Shot(saved=saved, is_kept=is_kept or sidecar.kept, sidecar=sidecar), still
    return Shot(saved=saved, is_kept=is_kept, refused=GONE if there else NO_FOLDER), Path()


def _places(root: Path, saved: CaptureSaved) -> Iterator[Path]:
    """Where the still may be: in the exam's folder of ``root``, or in ``root``. A record leads nowhere else."""
    told = PurePosixPath(saved.still)
    if told.is_absolute() or ".." in told.parts or len(told.parts) > 2 or not told.name:
        return
    yield root / told
    yield root / told.name


def _is_of(sidecar: Sidecar, saved: CaptureSaved) -> bool:
    """A later exam may have put another capture under the same name."""
    return (sidecar.capture_id, sidecar.stream, sidecar.plane, sidecar.frame_index) == (
        saved.capture_id,
        saved.stream,
        saved.plane,
        saved.frame_index,
    )


def _shown(shot: Shot, path: Path, *, unmasked: bool, clip_room: int) -> Shot:
    """The same with its pictures."""
    sidecar = shot.sidecar
    if sidecar is None:
        return shot
    if not (sidecar.masked or unmasked):
        return replace(shot, refused=NOT_MASKED)
    try:
        pixels = _pixels(path)
    except OSError as error:
        return replace(shot, refused=GONE if isinstance(error, FileNotFoundError) else f"not shown: {error.strerror}")
    except ValueError as error:
        return replace(shot, refused=f"not shown: {error}")
    box = _box(pixels)
    cut = pixels[box.top : box.bottom, box.left : box.right]
    height_px, width_px = cut.shape[:2]
    shot = replace(shot, still=compressed(cut, "webp", quality=STILL_QUALITY), width_px=width_px, height_px=height_px)
    if sidecar.clip is None or not shot.saved.clip:
        return shot
    if clip_room <= 0:  # to make it small takes long
        return replace(shot, clip_refused=NO_ROOM)
    try:
        clip = small_clip(path.with_suffix(".mp4"), box, most_bytes=_LARGEST_CLIP_BYTES)
    except ClipError as error:
        return replace(shot, clip_refused=str(error))
    return replace(shot, clip=clip) if len(clip) <= clip_room else replace(shot, clip_refused=NO_ROOM)


def _pixels(path: Path) -> Pixels:
    """(h w) or (h w 3) uint8 RGB. Raises `OSError`, or `ValueError` for what is no such picture."""
    if path.stat().st_size > _LARGEST_STILL_BYTES:
        raise ValueError("its file is too large for a still")
    read = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
    if read is None or read.dtype != np.uint8 or (read.ndim == 3 and read.shape[2] != 3):
        raise ValueError("its file is no picture of ours")
    return np.asarray(read if read.ndim == 2 else cv2.cvtColor(read, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def _box(pixels: Pixels) -> Box:
    """What is not black; all of a picture that is."""
    lit = pixels if pixels.ndim == 2 else pixels.max(axis=2)
    rows, columns = np.flatnonzero(lit.any(axis=1)), np.flatnonzero(lit.any(axis=0))
    if not len(rows):
        return Box(0, 0, pixels.shape[1], pixels.shape[0])
    return Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
