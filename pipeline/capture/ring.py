"""The last seconds of a stream as pictures that may leave: what a capture takes its still and its clip from."""

import threading
from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np

from ...sinks.stills import Still, Tints
from ...sources import Frame, Pixels
from ..signal.fan import Fan

COLOUR_FROM = 8
"""Channels that differ by less are a codec's noise and no colour: brightness alone is kept."""

MOST_TINTED_SHARE = 0.2
"""With fewer coloured pixels than this a picture is held as grey, and those apart: B-mode with marks costs a third."""


SLACK_SECONDS = 1e-6
"""Sums of frame times are not exact."""


@dataclass(slots=True)
class _Held:
    """A picture and the frames that show it: a source that repeats itself costs nothing."""

    epoch: int
    still: Still
    last_index: int


class CaptureRing:
    """Holds what was seen, black outside the fan; pictures whose fan nobody knows never get in.

    Fed by the preparing thread (it is an `Onlooker`), read by the one that makes events; safe for both.

    Args:
        most_bytes: of the pictures together; beyond that the oldest go, however much they may still be wanted.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._held: deque[_Held] = deque()
        self._bytes = 0
        self._blind = True
        self._lost: tuple[int, int] | None = None  # epoch and number of the newest frame that is gone

    @property
    def size_bytes(self) -> int:
        """What the pictures hold in memory."""
        with self._lock:
            return self._bytes

    @property
    def is_blind(self) -> bool:
        """Whether the newest frame was one that must not leave."""
        with self._lock:
            return self._blind

    def see(self, frame: Frame, fan: Fan | None) -> None:
        """Keep the frame within its fan; see `Onlooker`."""
        picture = frame.picture
        fits = fan is not None and (picture.width_px, picture.height_px) == (fan.width_px, fan.height_px)
        if fan is None or not fits:
            with self._lock:
                self._blind = True
            return
        pixels, tints = _within(picture.pixels, fan)
        left, top, _, _ = fan.box_px
        still = Still(
            frame_index=frame.index,
            pts_seconds=frame.pts_seconds,
            width_px=picture.width_px,
            height_px=picture.height_px,
            left_px=left,
            top_px=top,
            pixels=pixels,
            tints=tints,
            wall_ns=frame.wall_ns,
            spacing_mm=frame.spacing_mm,
            dicom_number=frame.dicom_number,
        )
        with self._lock:
            self._blind = False
            self._add(still, frame.epoch)

    def trim(self, epoch: int, before_seconds: float) -> None:
        """Let go of what is of an earlier epoch, or of this one and older than ``before_seconds``."""
        with self._lock:
            while self._held:
                oldest = self._held[0]
                if oldest.epoch > epoch or (oldest.epoch == epoch and oldest.still.pts_seconds >= before_seconds):
                    break
                self._forget_oldest()

    def remove(self, epoch: int, *, start_seconds: float, end_seconds: float) -> None:
        """What was seen within [start_seconds, end_seconds] should not have been let in."""
        with self._lock:
            self._held = deque(
                held
                for held in self._held
                if held.epoch != epoch or not start_seconds <= held.still.pts_seconds <= end_seconds
            )
            self._bytes = sum(held.still.size_bytes for held in self._held)

    def at(self, epoch: int, frame_index: int) -> Still | None:
        """What this frame showed; None when it was never let in, or is gone."""
        with self._lock:
            for held in reversed(self._held):
                if held.epoch == epoch and held.still.frame_index <= frame_index:
                    return held.still if frame_index <= held.last_index else None
        return None

    def has_lost(self, epoch: int, frame_index: int) -> bool:
        """Whether what this frame showed may have been here, and is gone."""
        with self._lock:
            return self._lost is not None and (epoch, frame_index) <= self._lost

    def newest(self) -> tuple[int, Still] | None:
        """Epoch and picture of the newest frame that was let in."""
        with self._lock:
            return (self._held[-1].epoch, self._held[-1].still) if self._held else None

    def around(self, epoch: int, still: Still, *, start_seconds: float, end_seconds: float) -> tuple[Still, ...]:
        """The pictures within [start_seconds, end_seconds] that have the size of ``still``, in order of time."""
        size = (still.width_px, still.height_px)
        with self._lock:
            return tuple(
                held.still
                for held in self._held
                if held.epoch == epoch
                and start_seconds - SLACK_SECONDS <= held.still.pts_seconds <= end_seconds + SLACK_SECONDS
                and (held.still.width_px, held.still.height_px) == size
            )

    def _add(self, still: Still, epoch: int) -> None:
        if self._held:
            last = self._held[-1]
            if last.epoch == epoch and last.last_index < still.frame_index and _same(last.still, still):
                last.last_index = still.frame_index
                return
        self._held.append(_Held(epoch, still, still.frame_index))
        self._bytes += still.size_bytes
        while self._bytes > self._most_bytes:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        oldest = self._held.popleft()
        self._lost = (oldest.epoch, oldest.last_index)
        self._bytes -= oldest.still.size_bytes


def _same(a: Still, b: Still) -> bool:
    same_place = (a.left_px, a.top_px, a.width_px, a.height_px) == (b.left_px, b.top_px, b.width_px, b.height_px)
    return same_place and np.array_equal(a.pixels, b.pixels) and _same_tints(a.tints, b.tints)


def _same_tints(a: Tints | None, b: Tints | None) -> bool:
    if a is None or b is None:
        return a is b
    return np.array_equal(a.places, b.places) and np.array_equal(a.rgb, b.rgb)


def _within(pixels: Pixels, fan: Fan) -> tuple[Pixels, Tints | None]:
    """The box around the fan, black outside the fan: (h w) where there is little colour in it, else (h w 3)."""
    left, top, right, bottom = fan.box_px
    rows, columns = slice(top, bottom), slice(left, right)
    mask = fan.mask[rows, columns]
    box = np.asarray(cv2.bitwise_and(pixels[rows, columns], fan.mask_for(pixels)[rows, columns]), dtype=np.uint8)
    if box.ndim == 2:
        return box, None
    coloured = _coloured(box)
    count = cv2.countNonZero(coloured)
    if count > MOST_TINTED_SHARE * mask.size:
        return box, None
    grey = np.asarray(cv2.cvtColor(box, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    if count == 0:
        return grey, None
    places = np.flatnonzero(coloured).astype(np.uint32)
    return grey, Tints(places, box.reshape(-1, 3)[places])


def _coloured(box: Pixels) -> Pixels:
    """(h w 3) -> (h w), not 0 where channels differ by `COLOUR_FROM` or more."""
    red, green, blue = cv2.split(box)
    spread = cv2.subtract(cv2.max(cv2.max(red, green), blue), cv2.min(cv2.min(red, green), blue))
    return np.asarray(cv2.threshold(spread, COLOUR_FROM - 1, 255, cv2.THRESH_BINARY)[1], dtype=np.uint8)
