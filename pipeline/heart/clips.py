"""Clips from frames of the heart: resampled by media time, no picture twice. Pure: no video, no clock, no threads.

The same code cuts clips for training and in a stream, so a head meets in use what it was trained on.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from ...models.heads.clip_timing import ClipTiming

REPEATED = "repeated picture"
SAME_TIME = "repeated time stamp"
SPARSE = "too few frames"
UNSTEADY = "not steadily in view"

_SAME_SECONDS = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartClip:
    """Frames that together show a beating heart.

    Attributes:
        indexes: (t) of the frames, each once, rising.
        pts_seconds: (t) their media times, rising.
    """

    indexes: tuple[int, ...]
    pts_seconds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class _Seen:
    index: int
    pts_seconds: float
    score: float


class HeartClips:
    """Rolling clips of one stable segment after the other.

    Points of a clip lie ``timing.period_seconds`` apart; each takes the frame nearest to it. A clip is refused, never
    mended, when a point has no frame of its own within half a period: a frame that stood for two points would pass a
    picture off as motion.

    Args:
        timing: of the clips.
        min_score: mean score of the plane over a clip's frames under which it is refused.

    Attributes:
        refused: how many frames (`REPEATED`, `SAME_TIME`) and clips (`SPARSE`, `UNSTEADY`) were refused.
    """

    def __init__(self, timing: ClipTiming, *, min_score: float = 0.5) -> None:
        self.timing = timing
        self._min_score = min_score
        self._frames: list[_Seen] = []
        self._start_seconds: float | None = None
        self._refused: Counter[str] = Counter()

    @property
    def refused(self) -> Mapping[str, int]:
        return dict(self._refused)

    @property
    def oldest_index(self) -> int | None:
        """No later clip holds a frame before this one."""
        return self._frames[0].index if self._frames else None

    def add(self, index: int, pts_seconds: float, *, score: float = 1.0, repeats: bool = False) -> list[HeartClip]:
        """The next frame of the segment -> the clips that it completes, usually none or one.

        Args:
            index: of the frame.
            pts_seconds: its media time. Where it falls, or leaps by more than a clip, a new segment begins.
            score: how surely it shows the plane, in [0, 1].
            repeats: its picture is that of the frame before.
        """
        if repeats and self._frames:
            self._refused[REPEATED] += 1
            return []
        if self._frames:
            gap_seconds = pts_seconds - self._frames[-1].pts_seconds
            if abs(gap_seconds) <= _SAME_SECONDS:
                self._refused[SAME_TIME] += 1
                return []
            if gap_seconds < 0 or gap_seconds > self.timing.seconds:
                self.end()
        self._frames.append(_Seen(index, pts_seconds, score))
        if self._start_seconds is None:
            self._start_seconds = pts_seconds
        return self._complete(pts_seconds)

    def end(self) -> None:
        """The segment has ended: no clip reaches over its end."""
        self._frames.clear()
        self._start_seconds = None

    def _complete(self, pts_seconds: float) -> list[HeartClip]:
        clips: list[HeartClip] = []
        assert self._start_seconds is not None
        length_seconds = (self.timing.frames - 1) * self.timing.period_seconds
        while pts_seconds >= self._start_seconds + length_seconds - _SAME_SECONDS:
            if (clip := self._clip(self._start_seconds)) is not None:
                clips.append(clip)
            self._start_seconds += self.timing.stride_seconds
            earliest = self._start_seconds - self.timing.period_seconds / 2
            keep = bisect_left(self._frames, earliest, key=lambda frame: frame.pts_seconds)
            del self._frames[: min(keep, len(self._frames) - 1)]  # the last is what the next is compared with
        return clips

    def _clip(self, start_seconds: float) -> HeartClip | None:
        points = [start_seconds + number * self.timing.period_seconds for number in range(self.timing.frames)]
        chosen = [self._nearest(point) for point in points]
        far = self.timing.period_seconds / 2 + _SAME_SECONDS
        if len({frame.index for frame in chosen}) < len(points) or any(
            abs(frame.pts_seconds - point) > far for frame, point in zip(chosen, points, strict=True)
        ):
            self._refused[SPARSE] += 1
            return None
        if sum(frame.score for frame in chosen) < self._min_score * len(chosen):
            self._refused[UNSTEADY] += 1
            return None
        return HeartClip(
            indexes=tuple(frame.index for frame in chosen), pts_seconds=tuple(frame.pts_seconds for frame in chosen)
        )

    def _nearest(self, point: float) -> _Seen:
        after = bisect_left(self._frames, point, key=lambda frame: frame.pts_seconds)
        around = self._frames[max(after - 1, 0) : after + 1]
        return min(around, key=lambda frame: abs(frame.pts_seconds - point))
