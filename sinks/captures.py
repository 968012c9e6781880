"""Captures on the disk: ``NAME.png``, ``NAME.mp4`` and, last of all, ``NAME.json``. A capture exists when that does.

Each exam has a folder of its own, which one program writes at a time. Whatever a killed one left unfinished is swept
away by the next that starts in the same parent.
"""

import fcntl
import os
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from .sidecar import Sidecar, read_sidecar, sidecar_text
from .sink import SinkError
from .stills import Still, mp4, png
from .whole import UNFINISHED, settle, write_whole

STILL, CLIP, SIDECAR = ".png", ".mp4", ".json"
OPEN_MARK = ".open"
"""Lies in the folder of an exam while somebody writes it, locked; a killed program leaves it unlocked."""

UNLABELLED = "unlabelled"
"""In names, where no plane is known."""

_NAME = re.compile(r"(?P<number>\d{4,})-[\w-]+-\d+\.\d\ds")
_LOCK_TRIES, _LOCK_SECONDS = 20, 0.05


def capture_name(number: int, plane: str, pts_seconds: float) -> str:
    """Stem of a capture's files, also its identity: ``0003-femur-12.48s``, media time last; it names no patient."""
    safe = re.sub(r"[^A-Za-z0-9_]+", "_", plane).strip("_")[:40] or UNLABELLED
    return f"{number:04d}-{safe}-{max(0.0, pts_seconds):.2f}s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """What is to be written; ``clip`` is empty or holds the frames around ``still``, which ``sidecar`` speaks of."""

    sidecar: Sidecar
    still: Still
    clip: tuple[Still, ...] = ()

    @property
    def size_bytes(self) -> int:
        """What its pictures hold in memory."""
        return sum(one.size_bytes for one in (*self.clip, self.still))


class CaptureFolder:
    """The captures of one exam, in ``root / exam``. For one thread at a time.

    Making it makes the folders, locks the exam's, and sweeps what killed programs left under ``root``. Raises
    `SinkError` when the folder cannot be made or another program writes it.
    """

    def __init__(self, root: Path, exam: str) -> None:
        self.path = root / (re.sub(r"[^\w.-]+", "_", exam).strip(".") or "exam")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(self.path, tries=_LOCK_TRIES)
            if self._lock is None:
                raise SinkError(f"{str(self.path)!r} is being written by another program; give each its own folder")
            _sweep_all(root, but=self.path)
            self.next_number = 1 + sweep(self.path)
        except OSError as error:
            raise SinkError(f"captures cannot be kept in {str(self.path)!r}: {error.strerror}") from None

    def existing(self) -> list[Sidecar]:
        """The captures that are there, oldest first; sidecars that are none are passed over."""
        found: list[Sidecar] = []
        for path in sorted(self.path.glob(f"*{SIDECAR}")):
            with suppress(SinkError):
                found.append(read_sidecar(path))
        return found

    def save(self, capture: Capture) -> str:
        """Write all files of a capture, its sidecar last, and then delete the one it replaces.

        A still whose clip cannot be written is kept without it; returns why, "" when all is well. Raises `SinkError`
        for a still that cannot be; nothing of it is left then, and the one it should replace is there still.
        """
        sidecar, clip_trouble = capture.sidecar, ""
        try:
            write_whole(self._file(sidecar.capture_id, STILL), png(capture.still))
            if capture.clip and sidecar.clip is not None:
                clip_trouble = self._save_clip(capture, fps=sidecar.clip.fps)
                sidecar = msgspec.structs.replace(sidecar, clip=None) if clip_trouble else sidecar
            write_whole(self._file(sidecar.capture_id, SIDECAR), sidecar_text(sidecar).encode())
        except BaseException:
            with suppress(OSError):
                self._delete(sidecar.capture_id)
            raise
        if sidecar.replaces:
            self.discard(sidecar.replaces)
        return clip_trouble

    def _save_clip(self, capture: Capture, *, fps: float) -> str:
        try:
            write_whole(self._file(capture.sidecar.capture_id, CLIP), mp4(capture.clip, frame_seconds=1 / fps))
        except SinkError as error:
            return str(error)
        return ""

    def keep(self, capture_id: str) -> None:
        """Note in the sidecar that nothing may replace the capture. Raises `SinkError`."""
        path = self._file(capture_id, SIDECAR)
        write_whole(path, sidecar_text(msgspec.structs.replace(read_sidecar(path), kept=True)).encode())

    def discard(self, capture_id: str) -> None:
        """Delete a capture, its sidecar first: from then on it does not exist. Raises `SinkError`."""
        try:
            self._delete(capture_id)
            settle(self.path)
        except OSError as error:
            raise SinkError(f"{capture_id} cannot be deleted from {str(self.path)!r}: {error.strerror}") from None

    def clear(self) -> None:
        """Delete every capture that is there: a review begins anew. Raises `SinkError`."""
        for sidecar in self.existing():
            self.discard(sidecar.capture_id)
        self.next_number = 1

    def close(self) -> None:
        """Let go of the folder; an exam without any capture leaves none. Any number of times."""
        if self._lock is None:
            return
        with suppress(OSError):
            (self.path / OPEN_MARK).unlink(missing_ok=True)
        os.close(self._lock)
        self._lock = None
        with suppress(OSError):
            self.path.rmdir()  # refuses where there is anything in it

    def _file(self, capture_id: str, suffix: str) -> Path:
        if not _NAME.fullmatch(capture_id):
            raise SinkError(f"{capture_id!r} is no name of a capture")
        return self.path / f"{capture_id}{suffix}"

    def _delete(self, capture_id: str) -> None:
        for suffix in (SIDECAR, STILL, CLIP):
            self._file(capture_id, suffix).unlink(missing_ok=True)


def sweep(folder: Path) -> int:
    """Delete what is unfinished in an exam's folder: files being written, stills and clips without a sidecar.

    Only names that this module gives are touched. Returns the highest number that was ever given there, 0 for none.
    """
    highest = 0
    for path in sorted(folder.iterdir()):
        name = _NAME.fullmatch(path.stem)
        if name is not None:
            highest = max(highest, int(name["number"]))
            orphan = path.suffix in (STILL, CLIP) and not path.with_suffix(SIDECAR).exists()
            if orphan:
                path.unlink(missing_ok=True)
        elif path.name.startswith(UNFINISHED):
            path.unlink(missing_ok=True)
    return highest


def _sweep_all(root: Path, *, but: Path) -> None:
    """Sweep exams whose program was killed; those of living ones are locked, those that ended well have no mark."""
    for mark in root.glob(f"*/{OPEN_MARK}"):
        if mark.parent != but:
            with suppress(OSError):  # another's folder: what is wrong with it must not stop us
                _sweep_abandoned(mark)


def _sweep_abandoned(mark: Path) -> None:
    if (lock := _locked(mark.parent, tries=1)) is None:
        return
    try:
        sweep(mark.parent)
        mark.unlink()
    finally:
        os.close(lock)
    with suppress(OSError):
        mark.parent.rmdir()  # refuses where there is anything in it


def _locked(folder: Path, *, tries: int) -> int | None:
    """A descriptor that holds the exam's lock until it is closed (a kill does that too); None when another holds it."""
    descriptor = os.open(folder / OPEN_MARK, os.O_RDWR | os.O_CREAT, 0o666)
    for turn in range(tries):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if turn + 1 < tries:  # a sweep holds it for a moment
                time.sleep(_LOCK_SECONDS)
        else:
            return descriptor
    os.close(descriptor)
    return None
