"""The live page in every state it can be in, told by events and shown phantom pictures: for screenshots and tests.

Nothing here analyses anything: what the page says is what these scenes tell it.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import msgspec

from fetalstream.models.planes import Plane
from fetalstream.pipeline.signal.fan import Fan, masked, outline_px
from fetalstream.pipeline.signal.fan_finder import find_fan
from fetalstream.sinks import AnyEvent, ModelRef, Operation, QualityItem
from fetalstream.sinks.dashboard import About, Dashboard, Status
from fetalstream.sinks.pictures import Shown
from fetalstream.sources import Frame
from fetalstream.sources.phantom.source import PhantomSource

SEED, FPS, SECONDS = 7, 25.0, 34.0
MODEL = ModelRef(name="compact", sha256="0bf1ede1ccefa44bf881f31b6c95ee5cece0ff7a18610cc4e1283b67880d34e2", version="1")
HEART = ModelRef(name="chd", sha256="cd" * 32, version="1")
PARTS = ("age", "heart", "captures")
CORE = ("transventricular", "transcerebellar", "four_chamber", "abdomen", "femur")
WHOLE = tuple(map(str, Plane))
GOOD = tuple(
    QualityItem(name=name, ok=True, score=0.8)
    for name in ("sharpness", "gain", "zoom", "in_fan", "stillness", "confidence")
)
_KINDS: dict[str, type[Any]] = {str(kind.__struct_config__.tag): kind for kind in AnyEvent.__args__}  # type: ignore[attr-defined]


class Phantom:
    """Frames of one phantom scan, and where its planes are."""

    def __init__(self) -> None:
        source = PhantomSource(seed=SEED, fps=FPS, seconds=SECONDS, realtime=False, screen=True)
        source.open()
        self.visits = {visit.plane: visit for visit in reversed(source.intervals())}
        self._frames = [item for item in source.items() if isinstance(item, Frame)]
        found = find_fan([self._frames[index].picture.pixels for index in (10, 60, 110, 160)])
        assert found is not None
        self.fan: Fan = found

    def middle(self, plane: str) -> float:
        """Media time in the middle of a plane's visit."""
        return (self.visits[plane].start_seconds + self.visits[plane].end_seconds) / 2

    def shown(self, pts_seconds: float) -> Shown:
        """The picture at a media time, black outside its fan, captured just now."""
        frame = self._frames[round(pts_seconds * FPS)]
        now_ns = time.monotonic_ns()
        return Shown(masked(frame.picture, self.fan).grey, pts_seconds, None, None, now_ns, outline_px(self.fan))


class Stage:
    """A page, and what it is told.

    Args:
        parts: what is switched on; see `About`.
    """

    def __init__(self, phantom: Phantom, *, parts: tuple[str, ...] = PARTS) -> None:
        self.phantom = phantom
        about = About(source=f"phantom://?seed={SEED}", model="compact", parts=parts)
        self._folder = TemporaryDirectory(prefix="fetalstream-page-")
        self.dashboard = Dashboard(about, port=0, captures=Path(self._folder.name))
        self.status = Status()
        self.dashboard.connect(read_status=lambda: self.status, operate=self._operate)
        self.wishes: list[Operation] = []
        self._sequence = 0

    def _operate(self, operation: Operation) -> bool:
        self.wishes.append(operation)
        return True

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.dashboard.port}/"

    def tell(self, kind: str, **fields: Any) -> None:
        """An event by its kind."""
        event = _KINDS[kind](stream="stage", sequence=self._sequence, **fields)
        self._sequence += 1
        self.dashboard.write(event)

    def now(self, **changes: Any) -> None:
        """The status, but for these."""
        self.status = msgspec.structs.replace(self.status, **changes)

    def show(self, pts_seconds: float) -> None:
        self.dashboard.show(self.phantom.shown(pts_seconds))

    def begin(self) -> None:
        """A stream that runs; nothing in view."""
        self.tell(
            "stream.started",
            source=f"phantom://?seed={SEED}",
            model=MODEL,
            labels=("background", *WHOLE),
            config_sha256="ab" * 32,
            software="fetalstream",
        )
        self.tell("stream.state", state="running")
        health = {"frames_read": 412, "dropped": 6, "results_per_second": 24.6}
        self.now(phase="running", state="running", latency_p50_ms=41.0, pts_seconds=16.4, **health)

    def items(self, protocol: str, planes: tuple[str, ...], done: tuple[str, ...] = (), **poor: str) -> None:
        """A checklist; ``poor`` gives a reason by plane. Planes that no label means are not judged."""
        for plane in planes:
            reasons = (poor[plane],) if plane in poor else ()
            state = "done" if plane in done else "poor" if plane in poor else "missing"
            if plane not in WHOLE:
                state, reasons = "not_judged", ("not judged by this model",)
            about = {"protocol": protocol, "item": plane, "plane": plane, "state": state, "reasons": reasons}
            self.tell("checklist.changed", seen=int(state == "done"), wanted=1, **about)

    def visit(self, plane: str, *, capture: bool = True) -> None:
        """A plane has come and gone."""
        visit, middle = self.phantom.visits[plane], self.phantom.middle(plane)
        self.show(middle)
        if not capture:
            time.sleep(0.25)  # thumbnails are taken five times a second
        self.tell("plane.entered", plane=plane, start_seconds=visit.start_seconds, score=0.82)
        best = {"best_frame_index": round(middle * FPS), "best_pts_seconds": middle, "best_score": 0.97}
        span = {"start_seconds": visit.start_seconds, "end_seconds": visit.end_seconds}
        self.tell("plane.left", plane=plane, score=0.9, frames=60, **span, **best)
        if capture:
            self.capture(plane)

    def capture(self, plane: str, cause: str = "auto") -> None:
        name = f"{self._sequence:04}-{plane}"
        cv2.imwrite(f"{self._folder.name}/{name}.png", self.phantom.shown(self.phantom.middle(plane)).grey)
        found = {"frame_index": 1, "pts_seconds": 1.0, "score": 0.97, "quality": 0.9}
        self.tell("capture.saved", capture_id=name, plane=plane, cause=cause, still=f"{name}.png", **found)

    def enter(self, plane: str, score: float = 0.94, items: tuple[QualityItem, ...] = GOOD) -> None:
        """A plane is in view."""
        middle = self.phantom.middle(plane)
        self.now(plane=plane, scores={"background": 1 - score, plane: score}, pts_seconds=middle)
        self.show(middle)
        self.tell("plane.entered", plane=plane, start_seconds=middle - 1, score=score)
        self.tell("quality.changed", plane=plane, pts_seconds=middle, items=items)

    def close(self) -> None:
        self.dashboard.close()
        self._folder.cleanup()


def faults(**reasons: str) -> tuple[QualityItem, ...]:
    """Items of which some are not ok."""
    bad = [QualityItem(name=name, ok=False, score=0.2, reason=reason) for name, reason in reasons.items()]
    return (*bad, *(item for item in GOOD if item.name not in reasons))


def heart(stage: Stage, **changes: Any) -> None:
    """A heart score; ``changes`` to it."""
    found: dict[str, Any] = {"level": "exam", "score": 0.21, "low": 0.08, "high": 0.44, "abstains": False, "reason": ""}
    found |= {"clips": 3, "frame_indexes": tuple(range(48)), "start_seconds": 1.0, "end_seconds": 3.0, "head": HEART}
    found |= {"trained_on": "phantom hearts", "prevalence": 0.01, "positive_predictive_value": None}
    stage.tell("chd.scored", **(found | changes))


def age(stage: Stage, **changes: Any) -> None:
    """An age; ``changes`` to it."""
    found: dict[str, Any] = {"age_days": 148.6, "low_days": 141.0, "high_days": 156.0, "coverage": 0.95, "frames": 12}
    found |= {"head": HEART, "spacing_mm": 0.2, "method": "calibrated", "pts_seconds": 1.6}
    stage.tell("age.estimated", **(found | changes))


def _connecting(stage: Stage) -> None:
    stage.now(phase="running", state="opening")


def _nothing_yet(stage: Stage) -> None:
    stage.begin()
    stage.items("core_4", CORE)
    stage.tell("chd.unavailable", reason="no head file is configured (chd.head)")
    stage.tell("age.unavailable", reason="a captured screen has no pixel spacing: say --spacing-mm")
    stage.now(scores={"background": 0.9, "femur": 0.08})
    stage.show(0.3)


def _faults(stage: Stage) -> None:
    stage.begin()
    stage.items("core_4", CORE, four_chamber="the chest is cut off by the fan's edge")
    wrong = {"gain": "too dark: turn the gain up", "in_fan": "part of the chest is outside the fan: move the probe"}
    stage.enter("four_chamber", 0.71, faults(**wrong))
    heart(stage, level="clip", clips=1)


def _captured(stage: Stage) -> None:
    stage.begin()
    seen = ("transcerebellar", "spine_sagittal", "femur", "abdomen", "transventricular", "transthalamic")
    for plane in seen:
        stage.visit(plane)
    why = {"lips_nose": "not sharp: hold still", "kidneys": "too small: zoom in"}
    stage.items("isuog_midtrimester", (*WHOLE, "bladder", "placenta"), seen, **why)
    stage.enter("four_chamber", 0.93)
    heart(stage)
    age(stage)


def _core(stage: Stage) -> None:
    stage.begin()
    for plane in ("transcerebellar", "transventricular", "abdomen"):
        stage.visit(plane)
    done = ("transcerebellar", "transventricular", "abdomen")
    stage.items("core_4", (*CORE, "bladder"), done, femur="end not in the fan")
    stage.enter("transcerebellar", 0.97)
    heart(stage, trained_on="hearts of 418 patients", positive_predictive_value=0.04, score=0.62, low=0.41, high=0.8)
    age(stage, low_days=None, high_days=None, coverage=None, method="zero_shot", head=None)


def _abstains(stage: Stage) -> None:
    _captured(stage)
    heart(stage, abstains=True, score=0.48, low=0.09, high=0.9, reason="the interval is too wide, record another clip")


def _no_protocol(stage: Stage) -> None:
    stage.begin()
    for plane in ("transcerebellar", "femur"):
        stage.visit(plane, capture=False)
    stage.enter("abdomen", 0.9)


def _override(stage: Stage) -> None:
    _captured(stage)
    stage.tell("operator.override", plane="three_vessel", plane_said="four_chamber", pts_seconds=13.0)


def _source(state: str, reason: str) -> Callable[[Stage], None]:
    def scene(stage: Stage) -> None:
        _core(stage)
        middle = stage.phantom.middle("transcerebellar")
        left = {"plane": "transcerebellar", "score": 0.9, "frames": 9, "start_seconds": 1.0, "end_seconds": 2.0}
        stage.tell("plane.left", **left, best_frame_index=1, best_pts_seconds=middle, best_score=0.5, reason=state)
        stage.tell("stream.state", state=state, reason=reason)
        stage.now(state=state, state_reason=reason, plane=None)

    return scene


def _signal(state: str, reason: str) -> Callable[[Stage], None]:
    def scene(stage: Stage) -> None:
        _core(stage)
        stage.tell("signal.changed", state=state, reason=reason, pts_seconds=16.4, epoch=0)
        stage.now(signal=state, plane=None, scores={})

    return scene


def _paused(stage: Stage) -> None:
    _core(stage)
    stage.tell("operator.paused", paused=True, pts_seconds=16.4)


def _ended(stage: Stage) -> None:
    _source("ended", "")(stage)
    counts = {"frames_read": 850, "frames_embedded": 840, "frames_dropped": {}, "frames_skipped": {}}
    stage.tell("stream.ended", reason="ended", media_seconds=34.0, **counts)
    stage.now(phase="over")


def _disk_full(stage: Stage) -> None:
    _core(stage)
    stage.tell("sink.degraded", sink="store", reason="database or disk is full")
    stage.tell("capture.failed", plane="femur", pts_seconds=18.0, reason="no space left on the disk")


SCENES: dict[str, Callable[[Stage], None]] = {
    "loading": lambda _: None,
    "connecting": _connecting,
    "looking_for_fan": Stage.begin,
    "nothing_in_view": _nothing_yet,
    "faults": _faults,
    "captured": _captured,
    "core": _core,
    "abstains": _abstains,
    "no_protocol": _no_protocol,
    "override": _override,
    "stalled": _source("stalled", "no picture for 0.8 s, the connection stands"),
    "reconnecting": _source("reconnecting", "the connection was closed"),
    "failed": _source("failed", "rtsp://scanner/live: gave up after 5 tries"),
    "frozen": _signal("frozen", "nothing has moved since 15.80 s"),
    "not_b_mode": _signal("not_b_mode", "12.4% of the fan is coloured, as in colour Doppler"),
    "no_signal": _signal("no_signal", "one colour fills 98% of where echoes should be"),
    "paused": _paused,
    "ended": _ended,
    "disk_full": _disk_full,
}
"""Each tells a fresh stage what leads to a state of the page."""

KEYS: dict[str, tuple[str, str]] = {"help": ("captured", "?"), "choose": ("captured", "o"), "log": ("captured", "l")}
"""States that a key leads to: from which scene, and which key."""

STILL = frozenset({"stalled", "reconnecting", "failed", "ended", "loading", "connecting", "looking_for_fan"})
"""Scenes in which no picture comes."""


@contextmanager
def staged(name: str, phantom: Phantom) -> Iterator[Stage]:
    """A page in the state of this name."""
    stage = Stage(phantom)
    try:
        SCENES[name](stage)
        yield stage
    finally:
        stage.close()


def keep_live(stage: Stage, name: str) -> None:
    """Show the picture of now once more, where pictures would come; to be called again and again."""
    if name not in STILL:
        stage.show(stage.status.pts_seconds)
