"""A live page that is told what a test or a photographer wants it to show; see page_states.py.

Nothing here analyses anything: what the page says is what it is told, by events and phantom pictures.
"""

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import msgspec

from fetalstream.models.planes import Plane
from fetalstream.pipeline.exam.protocol import ScanProtocol
from fetalstream.pipeline.live_page import wanted_of
from fetalstream.pipeline.signal.fan import Fan, masked, outline_px
from fetalstream.pipeline.signal.fan_finder import find_fan
from fetalstream.sinks import AnyEvent, ModelRef, Operation, QualityItem
from fetalstream.sinks.dashboard import About, Dashboard, Status
from fetalstream.sinks.pictures import Shown
from fetalstream.sources import Frame
from fetalstream.sources.phantom.source import PhantomSource

SEED, FPS, SECONDS = 7, 25.0, 34.0
MODEL = ModelRef(name="compact", sha256="0bf1ede1ccefa44bf881f31b6c95ee5cece0ff7a18610cc4e1283b67880d34e2", version="1")
PARTS = ("age", "heart", "captures")
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
        protocol: whose words the checklist uses.
        parts: what is switched on; see `About`.
    """

    def __init__(self, phantom: Phantom, protocol: ScanProtocol, *, parts: tuple[str, ...] = PARTS) -> None:
        self.phantom = phantom
        words: dict[str, Any] = {"protocol": protocol.title, "wanted": wanted_of(protocol)}
        about = About(source=f"phantom://?seed={SEED}", model="compact", parts=parts, **words)
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
