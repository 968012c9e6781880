"""The live page in every state it can be in, for screenshots and tests: which events lead to each."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from page_stage import GOOD, WHOLE, Phantom, Stage

from fetalstream.models.heads.clip_answer import STRADDLES
from fetalstream.pipeline.exam.protocol import load_protocol
from fetalstream.sinks import ModelRef, QualityItem

HEART = ModelRef(name="chd", sha256="cd" * 32, version="1")
CORE = ("transventricular", "transcerebellar", "four_chamber", "abdomen", "femur")
GUIDELINE = load_protocol("isuog_midtrimester")


def faults(**reasons: str) -> tuple[QualityItem, ...]:
    """Items of which some are not ok."""
    bad = [QualityItem(name=name, ok=False, score=0.2, reason=reason) for name, reason in reasons.items()]
    return (*bad, *(item for item in GOOD if item.name not in reasons))


def heart(stage: Stage, **changes: Any) -> None:
    """A heart score; ``changes`` to it."""
    found: dict[str, Any] = {
        "level": "exam",
        "score": 0.21,
        "low": 0.08,
        "high": 0.44,
        "threshold": 0.5,
        "abstains": False,
        "reason": "",
    }
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
    stage.tell("chd.unavailable", reason="no heart head is configured (chd.head): four-chamber clips are not scored")
    stage.tell("age.unavailable", reason="the model has no text tower: age is read by fetalclip and mobile")
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


def _core_4(stage: Stage) -> None:
    """As `fetalstream demo` begins: an item that two planes do for, and each poor for reasons of its own."""
    stage.begin()
    planes = {"brain": "transthalamic", "abdomen": "abdomen", "femur": "femur", "heart": "four_chamber"}
    small, moves = "it is small in the picture: zoom in or reduce the depth", "the picture moves: hold the probe still"
    poor = {
        "brain": (moves, small),
        "abdomen": ("it was good for 0.3 s only: hold it for 0.5 s",),
        "femur": ("part of it is outside the fan: move the probe until all of it is in the picture",),
        "heart": (small,),
    }
    for plane in ("abdomen", "transventricular"):
        stage.visit(plane)
    for item, plane in planes.items():
        about = {"protocol": "core_4", "item": item, "plane": plane, "state": "poor", "reasons": poor[item]}
        stage.tell("checklist.changed", seen=0, wanted=1, **about)
    stage.enter("transventricular", 0.88, faults(stillness=moves, zoom=small))
    stage.tell("chd.unavailable", reason="the heart was in view, but gave no clip: a clip wants 16 frames over 1.28 s")
    stage.tell("age.unavailable", reason="no pixel spacing: the picture does not say how large the head is; age.sp")


def _abstains(stage: Stage) -> None:
    _captured(stage)
    heart(stage, abstains=True, score=0.48, low=0.09, high=0.9, reason=STRADDLES)


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
    "core_4": _core_4,
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
    stage = Stage(phantom, load_protocol("core_4") if name == "core_4" else GUIDELINE)
    try:
        SCENES[name](stage)
        yield stage
    finally:
        stage.close()


def keep_live(stage: Stage, name: str) -> None:
    """Show the picture of now once more, where pictures would come; to be called again and again."""
    if name not in STILL:
        stage.show(stage.status.pts_seconds)
