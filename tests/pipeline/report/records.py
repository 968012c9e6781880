"""Records as reviews leave them, and cines to go with them."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np

from fetalstream.pipeline.recorder import Recorder
from fetalstream.pipeline.report.cines import fingerprint
from fetalstream.sinks import (
    AgeEstimated,
    AnyEvent,
    CaptureDiscarded,
    CaptureSaved,
    ChdScored,
    ChecklistChanged,
    ModelRef,
    OperatorMarked,
    OperatorOverride,
    PartLeft,
    PlaneEntered,
    PlaneLeft,
    QualityChanged,
    QualityItem,
    SignalChanged,
    StreamDamaged,
    StreamEnded,
    StreamStarted,
)
from fetalstream.sinks.jsonl import JsonLinesSink
from fetalstream.sources import Frame
from fetalstream.sources.phantom import PhantomSource

FPS = 25
SECONDS = 12
FRAMES = FPS * SECONDS
MODEL = ModelRef(name="compact", sha256="ab" * 32, version="1")
HEAD = ModelRef(name="phantom-hearts", sha256="cd" * 32, version="1")
PATIENT = "DOE JANE"


def write_cine(path: Path, *, frames: int = FRAMES, seed: int = 21) -> Path:
    """A phantom scan with a device's screen around it, as a device would store it."""
    phantom = PhantomSource(seed=seed, seconds=frames / FPS, width_px=480, height_px=360, screen=True, realtime=False)
    phantom.open()
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "ultrafast", "crf": "16", "bf": "2"})
        stream.width, stream.height, stream.pix_fmt = 480, 360, "yuv420p"
        for item in phantom.items():
            if isinstance(item, Frame):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(item.picture.rgb, format="rgb24")))
        container.mux(stream.encode())
    return path


class Story:
    """Makes the events of one record, in order."""

    def __init__(self, name: str = "scan") -> None:
        self.events: list[AnyEvent] = []
        self._recorder = Recorder(name, stamped=False)

    def tell(self, kind: type[AnyEvent], **fields: Any) -> None:
        self.events.append(self._recorder.make(kind, **fields))

    def start(self, source: str = "file:scan.mp4") -> None:
        self.tell(
            StreamStarted,
            source=source,
            model=MODEL,
            labels=("background", "four_chamber", "femur", "abdomen"),
            config_sha256="ef" * 32,
            software="fetalstream 0.1.0",
        )

    def visit(self, plane: str, start: float, end: float, *, best: float, score: float = 0.9, reason: str = "") -> None:
        self.tell(PlaneEntered, plane=plane, start_seconds=start, score=score)
        self.leave(plane, start, end, best=best, score=score, reason=reason)

    def leave(self, plane: str, start: float, end: float, *, best: float, score: float = 0.9, reason: str = "") -> None:
        self.tell(
            PlaneLeft,
            plane=plane,
            start_seconds=start,
            end_seconds=end,
            score=score - 0.05,
            frames=round((end - start) * FPS),
            best_frame_index=round(best * FPS),
            best_pts_seconds=best,
            best_score=score,
            reason=reason,
        )

    def end(self, reason: str = "ended", *, frames: int = FRAMES, dropped: int = 0) -> None:
        self.tell(
            StreamEnded,
            reason=reason,
            frames_read=frames,
            frames_embedded=frames - dropped,
            frames_dropped={"encoder_busy": dropped} if dropped else {},
            frames_skipped={"frozen": 20},
            media_seconds=frames / FPS,
        )


def plain_story() -> Story:
    """Two planes, and nothing beside them."""
    story = Story()
    story.start()
    story.visit("femur", 1.0, 3.0, best=2.0)
    story.visit("four_chamber", 5.0, 8.0, best=6.0, score=0.97)
    story.end()
    return story


def full_story() -> Story:
    """Something of every kind."""
    story = Story()
    tell = story.tell
    story.start()
    for item, plane in (("heart", "four_chamber"), ("thigh", "femur"), ("belly", "abdomen")):
        tell(ChecklistChanged, protocol="core_4", item=item, plane=plane, state="missing", seen=0, wanted=1)
    tell(
        ChecklistChanged, protocol="core_4", item="bladder", plane="bladder", state="not_judged", seen=0, wanted=1,
        reasons=("this model does not know it",),
    )  # fmt: skip
    tell(PlaneEntered, plane="femur", start_seconds=1.0, score=0.7)
    tell(QualityChanged, plane="femur", pts_seconds=1.2, items=(
        QualityItem(name="sharpness", ok=True, score=0.9),
        QualityItem(name="zoom", ok=False, score=0.3, reason="too small: zoom in"),
    ))  # fmt: skip
    story.leave("femur", 1.0, 3.0, best=2.0)
    tell(
        ChecklistChanged, protocol="core_4", item="thigh", plane="femur", state="poor", seen=0, wanted=1,
        reasons=("too small: zoom in",), best_frame_index=50, best_pts_seconds=2.0, pts_seconds=3.0,
    )  # fmt: skip
    tell(SignalChanged, state="frozen", reason="nothing has moved since 3.40 s", pts_seconds=4.0, epoch=0)
    tell(SignalChanged, state="open", reason="", pts_seconds=4.8, epoch=0)
    tell(PlaneEntered, plane="four_chamber", start_seconds=5.0, score=0.8)
    tell(QualityChanged, plane="four_chamber", pts_seconds=5.1, items=(
        QualityItem(name="sharpness", ok=True, score=0.9),
        QualityItem(name="zoom", ok=True, score=0.8),
    ))  # fmt: skip
    story.leave("four_chamber", 5.0, 8.0, best=6.0, score=0.97)
    tell(
        ChecklistChanged, protocol="core_4", item="heart", plane="four_chamber", state="done", seen=1, wanted=1,
        best_frame_index=152, best_pts_seconds=6.08, pts_seconds=8.0,
    )  # fmt: skip
    for level, clips in (("clip", 1), ("exam", 1)):
        tell(
            ChdScored, level=level, score=0.12, low=0.05, high=0.31, threshold=0.4, abstains=False, reason="",
            frame_indexes=tuple(range(140, 156)), start_seconds=5.6, end_seconds=5.9, clips=clips, head=HEAD,
            trained_on="phantom hearts", prevalence=0.01, positive_predictive_value=0.08,
        )  # fmt: skip
    tell(
        PartLeft, part="brain", start_seconds=8.2, end_seconds=8.9, score=0.8, frames=17, reason="transthalamic",
    )  # fmt: skip
    for second, days in ((2.0, 148.0), (6.0, 150.0), (9.0, 149.6)):
        tell(
            AgeEstimated, age_days=days, low_days=days - 5, high_days=days + 6, coverage=0.9, frames=round(second * 5),
            spacing_mm=0.21, method="calibrated", head=HEAD, pts_seconds=second,
        )  # fmt: skip
    tell(
        CaptureSaved, capture_id="c1", plane="four_chamber", frame_index=152, pts_seconds=6.08, score=0.97,
        quality=0.8, cause="auto", still="c1.png", clip="c1.mp4",
    )  # fmt: skip
    tell(CaptureDiscarded, capture_id="c1", plane="four_chamber")
    tell(OperatorOverride, plane="abdomen", plane_said="", pts_seconds=9.0)
    tell(OperatorMarked, text="look again", plane="", pts_seconds=9.5)
    tell(StreamDamaged, what="scan.mp4: 2 packets torn", lost_packets=2, pts_seconds=10.0)
    story.end()
    return story


def write_record(folder: Path, events: Sequence[AnyEvent], *, cine: Path | None = None, **summary: Any) -> Path:
    """``folder`` with events.jsonl and summary.json."""
    sink = JsonLinesSink(folder / "events.jsonl", append=False)
    for event in events:
        sink.write(event)
    sink.close()
    told = {"wall_seconds": 3.5, "reviewed_at": "2026-03-01T09:15:02Z", **summary}
    if cine is not None:
        told["cine"] = {"sha256": fingerprint(cine)}
    (folder / "summary.json").write_text(json.dumps(told))
    return folder


@cache
def decoded(path: Path, index: int) -> np.ndarray:
    """Frame ``index`` by PyAV alone: (h w 3) uint8 RGB."""
    with av.open(str(path)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number == index:
                return frame.to_ndarray(format="rgb24")
    raise AssertionError(f"{path} has no frame {index}")
