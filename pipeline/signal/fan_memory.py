"""Fans that have been found, by the device whose screen surrounds them."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from ... import FetalStreamError
from .fan import Fan, FanKind, FanShape
from .glance import Glance, Grid

EVERY = 3
"""Every third picked pixel in both directions, one of 24 to 30 px: no name can be read from what is kept."""

BRIGHT = 40
MIN_BRIGHT_CELLS = 12
"""With less furniture on it, a screen cannot be told from another."""

SAME_AGREEMENT = 0.6
"""Part of the bright cells that two looks at one screen share; its clock and its gain may have changed."""

MOST_FANS = 64

Cells = NDArray[np.bool_]
"""(h w) bool"""


class MemoryFileError(FetalStreamError):
    """A file of remembered fans cannot be read or written; the message names it."""


class Surroundings(NamedTuple):
    """What a screen shows around a fan: ``outside`` (h w) says where, ``bright`` (h w) what stands there."""

    outside: Cells
    bright: Cells

    @classmethod
    def of(cls, glance: Glance) -> "Surroundings":
        """From a glance that was taken with the fan."""
        outside = ~glance.inside[::EVERY, ::EVERY]
        return cls(outside, _bright(glance.grey, outside))

    @property
    def tells(self) -> bool:
        """Whether there is enough to know the screen by."""
        return bool(np.count_nonzero(self.bright) >= MIN_BRIGHT_CELLS)

    def agreement(self, grey: Grid) -> float:
        """[0, 1]: how well the same places look as they did; 1 where neither then nor now there was anything."""
        if grey[::EVERY, ::EVERY].shape != self.outside.shape:
            return 0.0
        now = _bright(grey, self.outside)
        either = np.count_nonzero(now | self.bright)
        return 1.0 if either < MIN_BRIGHT_CELLS else np.count_nonzero(now & self.bright) / either


class FanMemory:
    """Remembers fans while a stream runs, and, where a file is given, from one run to the next.

    Args:
        path: read now, and written at once to see that it can be: raises `MemoryFileError`. A disk that fills up later
            costs what would be remembered, not the run. With two runs at a time, the last to write wins.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._known: list[tuple[Fan, Surroundings]] = []
        self._path = path
        if path is not None:
            self._load(path)
            self._save(path)

    def __len__(self) -> int:
        return len(self._known)

    def remember(self, fan: Fan, surroundings: Surroundings) -> None:
        """Keep ``fan`` instead of the one known in these surroundings; a screen that tells nothing is not kept."""
        if not surroundings.tells:
            return
        self._known = [
            (known, around)
            for known, around in self._known
            if not (_size(known) == _size(fan) and _alike(around, surroundings))
        ]
        self._known = [*self._known[-MOST_FANS + 1 :], (fan, surroundings)]
        if self._path is not None:
            with suppress(MemoryFileError):
                self._save(self._path)

    def recall(self, *, width_px: int, height_px: int, grey: Grid) -> Fan | None:
        """The fan of the screen of this size that looks like this; None when it is not known."""
        rated = [
            (around.agreement(grey), number, fan)
            for number, (fan, around) in enumerate(self._known)
            if _size(fan) == (width_px, height_px)
        ]
        agreement, _, fan = max(rated, default=(0.0, 0, None), key=lambda one: one[:2])
        return fan if agreement >= SAME_AGREEMENT else None

    # Files.

    def _load(self, path: Path) -> None:
        try:
            entries = msgspec.json.decode(path.read_bytes(), type=list[_Entry])
            self._known += [entry.restored() for entry in entries[-MOST_FANS:]]
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise MemoryFileError(f"{str(path)!r} cannot be read as remembered fans: {why}") from None

    def _save(self, path: Path) -> None:
        """Everything, whole or not at all."""
        whole = msgspec.json.encode([_Entry.of(fan, around) for fan, around in self._known])
        beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(whole)
            beside.replace(path)
        except OSError as error:
            with suppress(OSError):
                beside.unlink(missing_ok=True)
            raise MemoryFileError(f"{str(path)!r} cannot be written: {error.strerror}") from None


class _Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fan in a file; the cells are text, one row after the other: "." inside, "-" dark, "#" bright."""

    width_px: int
    height_px: int
    kind: FanKind
    confidence: float
    shape: FanShape
    screen: tuple[str, ...]

    @classmethod
    def of(cls, fan: Fan, around: Surroundings) -> "_Entry":
        codes = np.where(around.bright, "#", np.where(around.outside, "-", "."))
        return cls(
            width_px=fan.width_px,
            height_px=fan.height_px,
            kind=fan.kind,
            confidence=fan.confidence,
            shape=fan.shape,
            screen=tuple("".join(row) for row in codes.tolist()),
        )

    def restored(self) -> tuple[Fan, Surroundings]:
        if not (0 < self.width_px <= 16_384 and 0 < self.height_px <= 16_384):
            raise ValueError(f"a picture of {self.width_px} x {self.height_px} px")
        fan = Fan(
            width_px=self.width_px,
            height_px=self.height_px,
            shape=self.shape,
            kind=self.kind,
            confidence=self.confidence,
        )
        return fan, Surroundings(_cells(self.screen, "-#"), _cells(self.screen, "#"))


def _cells(rows: Sequence[str], letters: str) -> Cells:
    return np.array([[letter in letters for letter in row] for row in rows], dtype=np.bool_)


def _bright(grey: Grid, outside: Cells) -> Cells:
    return (grey[::EVERY, ::EVERY] > BRIGHT) & outside


def _size(fan: Fan) -> tuple[int, int]:
    return fan.width_px, fan.height_px


def _alike(a: Surroundings, b: Surroundings) -> bool:
    """Whether two looks show one screen, judged where both fans leave it free."""
    if a.outside.shape != b.outside.shape:
        return False
    both = a.outside & b.outside
    either = np.count_nonzero((a.bright | b.bright) & both)
    return bool(either > 0 and np.count_nonzero(a.bright & b.bright & both) >= SAME_AGREEMENT * either)
