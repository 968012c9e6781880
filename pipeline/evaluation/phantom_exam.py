"""A model against phantoms it never saw: whole sweeps, whose truth is known at every frame."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...models import BACKGROUND
from ...models.encoder import Model
from ...models.metrics import Report, bootstrap_by_patient, expected_calibration_error, report
from ...sources.phantom import Interval as Visit
from ...sources.phantom import PhantomSource
from ...sources.phantom.anatomy import TARGETS
from ...sources.phantom.render import Renderer
from ...sources.phantom.scan import Sector
from ..config import Config
from ..planes.agreement import Interval, compare
from ..planes.segments import Left
from ..planes.tracking import segmenter_for, smoothing_for

FPS = 25
CLASSES = (BACKGROUND, *TARGETS)

_BATCH = 8
_SIZE_PX = (800, 600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """The scores of one sweep, and its truth.

    Attributes:
        seed: whose fetus.
        labels: columns of ``scores``.
        pts_seconds: (b), rising, evenly spaced.
        scores: (b n) float32 in [0, 1].
        truth: (b) of `CLASSES`.
        visits: true intervals of planes within [0, duration_seconds).
        duration_seconds: of the whole sweep.
    """

    seed: int
    labels: tuple[str, ...]
    pts_seconds: NDArray[np.float64]
    scores: NDArray[np.float32]
    truth: tuple[str, ...]
    visits: tuple[Visit, ...]
    duration_seconds: float

    @property
    def said(self) -> list[str]:
        """(b) the label with the highest score."""
        return [self.labels[int(column)] for column in self.scores.argmax(axis=1)]


def sweep(
    model: Model, seed: int, *, seconds: float, every: int = 1, progress: Callable[[int], None] | None = None
) -> Sweep:
    """Runs the model over a phantom; every second one shows a device's screen around its fan.

    Args:
        model: a loaded one.
        seed: of the phantom.
        seconds: length of the sweep.
        every: 1 looks at each of the 25 frames in a second, 5 at each fifth.
        progress: is told how many more frames are done.
    """
    screen = seed % 2 == 1
    script = PhantomSource(seed=seed, realtime=False).script
    width_px, height_px = _SIZE_PX
    renderer = Renderer(Sector(depth_mm=92.0), width_px=width_px, height_px=height_px, screen=screen, seed=seed)
    times = np.arange(0, round(seconds * FPS), every) / FPS
    scores: list[NDArray[np.float32]] = []
    truth: list[str] = []
    labels: tuple[str, ...] = ()
    for start in range(0, len(times), _BATCH):
        moments = [script.moment(float(time)) for time in times[start : start + _BATCH]]
        prepared = [model.encoder.prepare(renderer.picture(view)) for view, _ in moments]
        given = model.planes(model.encoder.encode(prepared))
        labels = given.labels
        scores.append(given.scores)
        truth += [found.plane for _, found in moments]
        if progress:
            progress(len(moments))
    return Sweep(
        seed=seed,
        labels=labels,
        pts_seconds=times,
        scores=np.concatenate(scores),
        truth=tuple(truth),
        visits=tuple(script.intervals(seconds)),
        duration_seconds=seconds,
    )


def summary(sweeps: Sequence[Sweep], config: Config, *, rounds: int = 500) -> dict[str, Any]:
    """What ``fetalstream evaluate phantoms --json`` prints.

    Per frame, with the strongest label: ``in_plane`` over the frames that truly show a plane ("background" said of one
    is a miss), ``all_frames`` with the background as a class. Per event, with the configuration's smoothing and rules.
    Intervals come from drawing whole sweeps anew.
    """
    truth = np.array([name for one in sweeps for name in one.truth])
    said = np.array([name for one in sweeps for name in one.said])
    confidence = np.concatenate([one.scores.max(axis=1) for one in sweeps])
    whose = np.array([str(one.seed) for one in sweeps for _ in one.truth])
    shown = truth != BACKGROUND
    background_minutes = sum(_background_seconds(one) for one in sweeps) / 60
    return {
        "sweeps": len(sweeps),
        "frames": len(truth),
        "in_plane": _figures(truth[shown], said[shown], tuple(TARGETS), whose[shown], rounds),
        "all_frames": _figures(truth, said, CLASSES, whose, rounds),
        "false_plane_frames": float((said[~shown] != BACKGROUND).mean()) if not shown.all() else 0.0,
        "background_minutes": background_minutes,
        "expected_calibration_error": expected_calibration_error(confidence, truth == said),
        "events": _events(sweeps, config, background_minutes),
    }


def _figures(
    truth: NDArray[np.str_], said: NDArray[np.str_], classes: Sequence[str], whose: NDArray[np.str_], rounds: int
) -> dict[str, Any] | None:
    if not len(truth):
        return None
    found = report(list(truth), list(said), classes)

    def macro_f1(rows: NDArray[np.intp]) -> float:
        return report(list(truth[rows]), list(said[rows]), classes).macro.f1

    return {
        "accuracy": found.accuracy,
        "macro": _ratios(found),
        "per_class": {name: asdict(one) for name, one in found.per_class.items()},
        "confusion": {"labels": list(classes), "counts": found.confusion.tolist()},
        "interval_95": {"macro_f1": list(bootstrap_by_patient(list(whose), macro_f1, rounds=rounds))},
    }


def _ratios(found: Report) -> dict[str, float]:
    return {"precision": found.macro.precision, "recall": found.macro.recall, "f1": found.macro.f1}


def _background_seconds(one: Sweep) -> float:
    return one.duration_seconds - sum(visit.end_seconds - visit.start_seconds for visit in one.visits)


def _events(sweeps: Sequence[Sweep], config: Config, background_minutes: float) -> dict[str, Any]:
    """Events against true visits; a false one meets no true visit of its plane."""
    agreements = [
        compare(
            list(plane_intervals(one, config)),
            [Interval(*visit) for visit in one.visits],
            duration_seconds=one.duration_seconds,
            rate_fps=FPS,
        )
        for one in sweeps
    ]
    missed = sum(len(one.missed) for one in agreements)
    false = sum(len(one.false_alarms) for one in agreements)
    delays = [delay for one in agreements for delay in one.onset_delays_seconds]
    return {
        "visits": missed + len(delays),
        "missed": missed,
        "false": false,
        "false_per_background_minute": false / background_minutes if background_minutes else None,
        "macro_f1_per_frame": float(np.mean([one.macro_f1 for one in agreements])),
        "median_onset_delay_seconds": float(np.median(delays)) if delays else None,
    }


def plane_intervals(one: Sweep, config: Config) -> Iterator[Interval]:
    """What the product's smoothing and rules make of a sweep's scores."""
    smoothing, segmenter = smoothing_for(config, one.labels), segmenter_for(config, one.labels)
    for index, (pts_seconds, scores) in enumerate(zip(one.pts_seconds, one.scores, strict=True)):
        smoothed = smoothing.update(float(pts_seconds), scores)
        yield from _left(segmenter.update(index, float(pts_seconds), smoothed, scores))
    yield from _left(segmenter.finish())


def _left(changes: Sequence[object]) -> Iterator[Interval]:
    for change in changes:
        if isinstance(change, Left):
            yield Interval(change.plane, change.start_seconds, change.end_seconds)
