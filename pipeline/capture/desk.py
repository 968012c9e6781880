"""Where captures are decided and handed to the disk, and what became of them is told. For the thread of the events."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ...sinks import AnyEvent, CaptureDiscarded, CaptureFailed, CaptureKept, CaptureSaved
from ...sinks.capture_writer import CaptureWriter, Discard, Done, Keep
from ...sinks.captures import CLIP, STILL, Capture, CaptureFolder, capture_name
from ...sinks.stills import Still
from ..recorder import Recorder
from .choice import Album, Contender, Kept, fingerprint
from .maker import SECONDS_DIGITS, CaptureMaker
from .ring import CaptureRing

FINISH_SECONDS = 20.0
"""At the end of a stream its last captures are given so long."""

NO_FAN = "its fan is not known; what is burned in around it might name the patient"
GONE = "it is no longer in memory: capture.memory_mib is too small for capture.pre_seconds and post_seconds"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A frame that is to be captured.

    Attributes:
        plane: what it shows, "" when nobody says.
        visit: number of the visit it is of, -1 for none.
        cause: "auto", "operator" or "freeze".
        due_seconds: media time by which its clip is complete.
        is_poor: its quality is too low to be kept of itself.
    """

    plane: str
    visit: int
    cause: str
    contender: Contender
    due_seconds: float = -math.inf
    is_poor: bool = False


class CaptureDesk:
    """Takes orders.

    Args:
        ring: where pictures come from.
        folder: where they go.
        writer: for that folder.
        album: what is there and what is wanted.
        maker, recorder: of the stream.
        pre_seconds: how much of a clip lies before its still; None makes no clips.
        is_live: outcomes are told as they come, and what the disk has no time for fails. Else captures wait for the
            disk, and outcomes are told at the end, in the order of the orders, so that a review can be repeated.
    """

    def __init__(
        self,
        *,
        ring: CaptureRing,
        folder: CaptureFolder,
        writer: CaptureWriter,
        album: Album,
        maker: CaptureMaker,
        recorder: Recorder,
        pre_seconds: float | None,
        is_live: bool,
    ) -> None:
        self._ring, self._folder, self._writer, self._album = ring, folder, writer, album
        self._maker, self._recorder = maker, recorder
        self._pre_seconds, self._is_live = pre_seconds, is_live
        self._next_number = folder.next_number
        self._captured_ns: dict[str, int | None] = {}
        self._given_way: dict[str, Kept] = {}
        self._known: dict[str, tuple[str, float]] = {}  # plane and time of each capture

    def wake_with(self, nudge: Callable[[], object]) -> None:
        """Have ``nudge`` called when there are outcomes to tell while the stream goes on."""
        if (
            self._is_live
        ):  # else nobody listens, and a full channel could make the disk wait for us while we wait for it
            self._writer.on_done = nudge

    @property
    def held_bytes(self) -> int:
        """What the pictures that wait for the disk hold in memory."""
        return self._writer.held_bytes

    def take(self, order: Order, until_seconds: float) -> Iterator[AnyEvent]:
        """Capture a frame, if the album wants it, with what was seen until ``until_seconds``."""
        contender = order.contender
        still = self._ring.at(contender.epoch, contender.frame_index)
        if still is None:
            gone = self._ring.has_lost(contender.epoch, contender.frame_index)
            yield self.failed(order.plane, contender.pts_seconds, GONE if gone else NO_FAN)
            return
        one = Kept(
            capture_id=capture_name(self._next_number, order.plane, contender.pts_seconds),
            plane=order.plane,
            visit=order.visit,
            merit=contender.merit,
            cause=order.cause,
            is_fixed=order.cause == "operator",
            is_poor=order.is_poor,
            fingerprint=fingerprint(still.pixels),
        )
        verdict = self._album.judge(one)
        if not verdict.save:
            return
        capture = self._maker.make(
            contender,
            capture_id=one.capture_id,
            plane=order.plane,
            cause=order.cause,
            still=still,
            clip=self._clip(order, still, until_seconds),
            replaces=verdict.replaces,
        )
        refused = self._writer.put(capture, wait=not self._is_live)
        if refused:
            yield self.failed(order.plane, contender.pts_seconds, refused)
            return
        self._next_number += 1
        self._captured_ns[one.capture_id] = contender.captured_ns
        self._known[one.capture_id] = (order.plane, contender.pts_seconds)
        if verdict.replaces and (old := self._album.remove(verdict.replaces)) is not None:
            self._given_way[one.capture_id] = old
        self._album.add(one)

    def keep(self, capture_id: str) -> str:
        """The operator wants a capture, "" for the newest; returns why that cannot be, "" when it can."""
        capture_id = capture_id or self._album.newest() or ""
        if self._album.fix(capture_id) is None:
            return _no_such(capture_id)
        return self._writer.put(Keep(capture_id))

    def discard(self, capture_id: str) -> str:
        """The operator does not want a capture; as `keep`."""
        capture_id = capture_id or self._album.newest() or ""
        if self._album.remove(capture_id, unwanted=True) is None:
            return _no_such(capture_id)
        return self._writer.put(Discard(capture_id))

    def know(self, capture_id: str, plane: str, pts_seconds: float) -> None:
        """A capture was there before."""
        self._known[capture_id] = (plane, pts_seconds)

    def failed(self, plane: str, pts_seconds: float, reason: str) -> CaptureFailed:
        """Nothing was kept, and why."""
        return self._recorder.make(
            CaptureFailed, plane=plane, pts_seconds=round(pts_seconds, SECONDS_DIGITS), reason=reason
        )

    def outcomes(self) -> Iterator[AnyEvent]:
        """What has become of captures meanwhile."""
        if self._is_live:
            yield from self._told()

    def finish(self) -> Iterator[AnyEvent]:
        """Wait for the disk, for a bounded time, and tell what is left to tell."""
        done = self._writer.finish(FINISH_SECONDS if self._is_live else None)
        yield from self._told()
        if not done:
            for capture_id in self._captured_ns:
                yield self.failed(*self._known[capture_id], f"it was not written within {FINISH_SECONDS:g} s")

    def _clip(self, order: Order, still: Still, until_seconds: float) -> tuple[Still, ...]:
        if self._pre_seconds is None:
            return ()
        return self._ring.around(
            order.contender.epoch,
            still,
            start_seconds=still.pts_seconds - self._pre_seconds,
            end_seconds=max(still.pts_seconds, min(order.due_seconds, until_seconds)),
        )

    def _told(self) -> Iterator[AnyEvent]:
        for done in self._writer.done():
            yield self._outcome(done)
            if done.clip_trouble and isinstance(done.task, Capture):
                plane, pts_seconds = self._known[done.task.sidecar.capture_id]
                yield self.failed(plane, pts_seconds, f"the still is kept, its clip is not: {done.clip_trouble}")

    def _outcome(self, done: Done) -> AnyEvent:
        task = done.task
        capture_id = task.sidecar.capture_id if isinstance(task, Capture) else task.capture_id
        plane, pts_seconds = self._known[capture_id]
        captured_ns = self._captured_ns.pop(capture_id, None) if isinstance(task, Capture) else None
        if done.trouble:
            if isinstance(task, Capture):
                self._album.remove(capture_id)
                if (old := self._given_way.pop(capture_id, None)) is not None:
                    self._album.add(old)
            return self.failed(plane, pts_seconds, done.trouble)
        if isinstance(task, Keep):
            return self._recorder.make(CaptureKept, capture_id=capture_id, plane=plane)
        if isinstance(task, Discard):
            return self._recorder.make(CaptureDiscarded, capture_id=capture_id, plane=plane)
        self._given_way.pop(capture_id, None)
        sidecar, stem = task.sidecar, f"{self._folder.path.name}/{capture_id}"
        return self._recorder.make(
            CaptureSaved,
            captured_ns=captured_ns,
            capture_id=capture_id,
            plane=plane,
            frame_index=sidecar.frame_index,
            pts_seconds=sidecar.pts_seconds,
            score=sidecar.score,
            quality=sidecar.quality,
            cause=sidecar.cause,
            still=stem + STILL,
            clip=stem + CLIP if sidecar.clip and not done.clip_trouble else "",
            replaces=sidecar.replaces,
        )


def _no_such(capture_id: str) -> str:
    return f"there is no capture {capture_id!r}" if capture_id else "there is no capture yet"
