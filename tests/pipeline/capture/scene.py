"""One stream with captures, frame by frame and without threads of its own: what the tests of captures stand on."""

from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import numpy as np

from fetalstream.models.testing import GreyHead, grey_model
from fetalstream.pipeline.analyst import Analyst
from fetalstream.pipeline.capture.build import capture_companion
from fetalstream.pipeline.capture.companion import CaptureCompanion
from fetalstream.pipeline.messages import Scored, SignalChange
from fetalstream.pipeline.planes.segments import Rules, Segmenter
from fetalstream.pipeline.planes.smoothing import ExponentialSmoothing
from fetalstream.pipeline.recorder import Recorder
from fetalstream.pipeline.settings import load_config
from fetalstream.pipeline.signal.fan import Fan
from fetalstream.pipeline.signal.gates import GateState
from fetalstream.pipeline.signal.looks import Looks
from fetalstream.sinks import AnyEvent, Operation
from fetalstream.sinks.operator import Wish
from fetalstream.sources import Frame, Picture, Pixels, SourceInfo
from tests.pipeline.scenery import screen, sector

FPS = 25
FAN = sector()
HEAD = GreyHead(("femur", "abdomen"))
LABELS = HEAD.labels
GOOD = Looks(sharpness=1.0, brightness=100.0, saturated_share=0.0, fill_share=0.5, edge_share=0.0, motion_share=0.0)
SOFT = replace(GOOD, sharpness=0.1)
MOVING = replace(GOOD, motion_share=0.3)


@lru_cache(maxsize=700)
def shown(index: int) -> Pixels:
    """The screen at a frame; its echoes and what stands around them."""
    return screen(FAN, index)


E = TypeVar("E", bound=AnyEvent)


@dataclass
class CaptureScene:
    """A stream that shows what it is told; ``events`` is all that came of it.

    Attributes:
        folder: of all captures.
        live: stamped, with outcomes told as they come; else as in a review.
    """

    folder: Path
    live: bool = False
    stream: str = "scan"
    clips: bool = False
    assign: tuple[str, ...] = ()
    fan: Fan | None = FAN
    events: list[AnyEvent] = field(default_factory=list[AnyEvent])

    def __post_init__(self) -> None:
        clips = f"capture.clips={str(self.clips).lower()}"
        config = load_config("review", assignments=["sinks=[]", clips, *self.assign])
        recorder = Recorder(self.stream, stamped=self.live)
        self.companion: CaptureCompanion = capture_companion(
            config,
            self.folder,
            model=grey_model(),
            info=SourceInfo(uri="list:", name="list"),
            recorder=recorder,
            labels=LABELS,
        )
        self.analyst = Analyst(
            labels=LABELS,
            smoothing=ExponentialSmoothing(time_constant_seconds=0, max_gap_seconds=0.5),
            segmenter=Segmenter(LABELS, Rules()),
            max_gap_seconds=0.5,
            recorder=recorder,
            frame_scores=False,
            companions=[self.companion],
        )
        self.index = 0
        self.last_pixels: Pixels = shown(0)

    @property
    def exam(self) -> Path:
        """Where this stream's captures are."""
        return self.folder / self.stream

    @property
    def now_seconds(self) -> float:
        return self.index / FPS

    def show(
        self,
        plane: str,
        seconds: float,
        *,
        score: float = 0.95,
        looks: Looks = GOOD,
        pixels: Pixels | None = None,
        unseen: bool = False,
    ) -> None:
        """So many seconds of a plane ("background" for none), each frame another picture unless ``pixels`` is given.

        With ``unseen`` the frames reach the onlooker and no model, as behind a gate that is closed by a freeze.
        """
        for _ in range(round(seconds * FPS)):
            self.last_pixels = shown(self.index) if pixels is None else pixels
            frame = Frame(
                index=self.index,
                pts_seconds=self.now_seconds,
                captured_ns=0,
                picture=Picture.of(self.last_pixels),
                spacing_mm=0.4,
            )
            self.companion.see(frame, self.fan)
            if not unseen:
                rest = (1 - score) / (len(LABELS) - 1)
                scores = [score if label == plane else rest for label in LABELS]
                self._feed(
                    Scored(
                        index=self.index,
                        pts_seconds=self.now_seconds,
                        captured_ns=0,
                        epoch=0,
                        scores=np.array(scores, dtype=np.float32),
                        looks=looks,
                    )
                )
            self.index += 1

    def signal(self, state: GateState) -> None:
        """The gate opens or closes."""
        self._feed(SignalChange(state=state, reason="", pts_seconds=self.now_seconds, captured_ns=0, epoch=0))

    def freeze(self, plane: str, *, seconds: float = 2.0, score: float = 0.95, looks: Looks = GOOD) -> None:
        """The operator stops the picture: 0.6 s go by until that is known."""
        still = shown(self.index)
        self.show(plane, 0.6, score=score, looks=looks, pixels=still)
        self.signal(GateState.FROZEN)
        self.show(plane, seconds, pixels=still, unseen=True)

    def wish(self, wish: Wish, value: str = "") -> None:
        self._feed(Operation(wish=wish, value=value))

    def finish(self) -> None:
        """The stream ends."""
        self.events += self.analyst.finish("the run ended")

    def told(self, kind: type[E]) -> list[E]:
        """The events of a kind, so far."""
        return [event for event in self.events if isinstance(event, kind)]

    def _feed(self, message: Scored | SignalChange | Operation) -> None:
        self.events += self.analyst.feed(message)
