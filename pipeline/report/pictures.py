"""The cine, read once more for its pictures: every frame is decoded in order, so an index is the very same frame."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...sources import Frame, Pixels
from ..assemble import opened_source
from .choice import CLIP_FPS, Choice, ClipChoice
from .discretion import Discretion
from .sheets import SheetMaker, Strip, compressed, poster
from .stretches import Stretch, gaps

STRIP_WIDTH_PX, STRIP_COLUMNS, STRIP_ROWS, STRIP_QUALITY = 400, 4, 4, 50
CLIP_WIDTH_PX, CLIP_COLUMNS, CLIP_ROWS, CLIP_QUALITY = 480, 4, 4, 60
MOST_EXACT_BYTES = 6_000_000
"""Stills are kept exactly (PNG) up to this sum, further ones nearly (WebP)."""
STILL_QUALITY = 92

_EARLY_SECONDS = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Still:
    """One frame at full size, black outside the fan and cut to its box unless it is whole.

    Attributes:
        file: PNG (exact) or WebP; empty where it may not be shown, see ``refused``.
        width_px, height_px: of what is shown.
        spacing_mm: millimetres per pixel, None when the cine does not say.
    """

    frame_index: int
    pts_seconds: float
    plane: str
    file: bytes = b""
    is_exact: bool = True
    width_px: int = 0
    height_px: int = 0
    spacing_mm: float | None = None
    refused: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A short clip; the cells of ``strip`` are its frames, ``poster`` is the middle one of them (WebP) for paper."""

    choice: ClipChoice
    strip: Strip
    poster: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """What was seen of a cine.

    Attributes:
        stills: in the order of `Choice.stills`.
        frames: how many the cine gave.
        end_seconds: media time of the last one.
        gaps: where the cine leaves time out.
        is_masked: whether all pictures are black outside the fan.
    """

    strip: Strip
    stills: tuple[Still, ...]
    clips: tuple[Clip, ...]
    frames: int
    end_seconds: float
    gaps: tuple[Stretch, ...]
    is_masked: bool


def read_pictures(
    path: Path,
    choice: Choice,
    *,
    closed: Sequence[Stretch],
    frames: int | None = None,
    end_seconds: float = math.inf,
    unmasked: bool = False,
) -> Pictures:
    """Read the cine at ``path`` as far as the review did. Raises `SourceError` when it cannot be opened.

    Args:
        frames: how many frames the review read: of those behind them nobody knows whether they may be shown. None
            where the record does not say; then ``end_seconds``, of media time, is the limit.
        closed: when the review found the picture unfit.
        unmasked: show whole pictures, with whatever is burned into them.
    """
    gatherer = _Gatherer(choice, Discretion(closed, unmasked=unmasked))
    with opened_source(str(path), realtime=False) as (source, _):
        for item in source.items():
            if isinstance(item, Frame):
                is_behind = item.pts_seconds > end_seconds if frames is None else gatherer.frames == frames
                if is_behind:
                    break
                gatherer.see(item)
    return gatherer.finish(is_masked=not unmasked)


class _Gatherer:
    """Sorts frames into what they are wanted for; converts only those."""

    def __init__(self, choice: Choice, discretion: Discretion) -> None:
        self._choice = choice
        self._discretion = discretion
        self._strip = SheetMaker(width_px=STRIP_WIDTH_PX, columns=STRIP_COLUMNS, rows=STRIP_ROWS, quality=STRIP_QUALITY)
        self._clips = [_ClipGatherer(clip) for clip in choice.clips]
        self._stills: dict[int, Still] = {}
        self._exact_bytes = 0
        self._next_seconds = 0.0
        self._times: list[float] = []

    @property
    def frames(self) -> int:
        """How many have been seen."""
        return len(self._times)

    def see(self, frame: Frame) -> None:
        pts_seconds = frame.pts_seconds
        self._times.append(pts_seconds)
        is_due = pts_seconds >= self._next_seconds - _EARLY_SECONDS
        if is_due:
            step_seconds = 1 / self._choice.strip_fps
            self._next_seconds = max(self._next_seconds + step_seconds, pts_seconds - step_seconds)
        in_strip = is_due or frame.index in self._choice.strip_indexes
        clips = [clip for clip in self._clips if clip.wants(frame)]
        if in_strip or clips or frame.index in self._choice.stills:
            self._show(frame, in_strip=in_strip, clips=clips)
        else:
            self._discretion.notice(frame)

    def _show(self, frame: Frame, *, in_strip: bool, clips: "Sequence[_ClipGatherer]") -> None:
        index, pts_seconds, spacing_mm = frame.index, frame.pts_seconds, frame.spacing_mm
        makers = [clip.maker for clip in clips] + [self._strip] * in_strip

        def take(pixels: Pixels) -> None:
            for maker in makers:
                maker.add(index, pts_seconds, pixels)
            if index in self._choice.stills:
                self._keep(index, pts_seconds, spacing_mm, pixels)

        def refuse(reason: str) -> None:
            for maker in makers:
                maker.refuse(index, pts_seconds, reason)
            if index in self._choice.stills:
                plane = self._choice.stills[index]
                self._stills[index] = Still(frame_index=index, pts_seconds=pts_seconds, plane=plane, refused=reason)

        self._discretion.show(frame, take, refuse)

    def _keep(self, index: int, pts_seconds: float, spacing_mm: float | None, pixels: Pixels) -> None:
        file = compressed(pixels, "png")
        is_exact = self._exact_bytes + len(file) <= MOST_EXACT_BYTES
        if is_exact:
            self._exact_bytes += len(file)
        self._stills[index] = Still(
            frame_index=index,
            pts_seconds=pts_seconds,
            plane=self._choice.stills[index],
            file=file if is_exact else compressed(pixels, "webp", quality=STILL_QUALITY),
            is_exact=is_exact,
            width_px=pixels.shape[1],
            height_px=pixels.shape[0],
            spacing_mm=spacing_mm,
        )

    def finish(self, *, is_masked: bool) -> Pictures:
        self._discretion.finish()
        return Pictures(
            strip=self._strip.finish(),
            stills=tuple(self._stills[index] for index in self._choice.stills if index in self._stills),
            clips=tuple(clip.finish() for clip in self._clips),
            frames=self.frames,
            end_seconds=self._times[-1] if self._times else 0.0,
            gaps=tuple(gaps(self._times)),
            is_masked=is_masked,
        )


class _ClipGatherer:
    """The frames of one clip."""

    def __init__(self, choice: ClipChoice) -> None:
        self.choice = choice
        self.maker = SheetMaker(
            width_px=CLIP_WIDTH_PX,
            columns=CLIP_COLUMNS,
            rows=CLIP_ROWS,
            quality=CLIP_QUALITY,
        )
        self._next_seconds = choice.start_seconds

    def wants(self, frame: Frame) -> bool:
        choice = self.choice
        if frame.index in choice.frame_indexes:
            return True
        pts_seconds = frame.pts_seconds
        if not (choice.start_seconds <= pts_seconds < choice.end_seconds):
            return False
        if pts_seconds < self._next_seconds - 0.2 / CLIP_FPS:
            return False
        self._next_seconds = max(self._next_seconds + 1 / CLIP_FPS, pts_seconds)
        return True

    def finish(self) -> Clip:
        strip = self.maker.finish()
        return Clip(choice=self.choice, strip=strip, poster=poster(strip, quality=CLIP_QUALITY))
