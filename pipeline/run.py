"""Running one stream: five threads, four bounded channels, one outcome.

    source -> [frames] -> look -> [looked] -> prepare -> [prepared] -> encode -> [scored] -> analyse -> sinks

``look`` sees each frame at the source's pace (`Watch`): behind a closed gate, or without news, it goes no further.

Under LATEST the first two channels drop: frames that came faster than they could be looked at, and frames that a newer
one has overtaken before the encoder was free. ``prepare`` takes a frame no sooner than the encoder has room for it, so
what is encoded is always the newest there is, and the age of a result stays under two encodings however slow the model.
"""

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

import torch

from .. import FetalStreamError, __version__
from ..models.encoder import Model
from ..sinks import ModelRef, Operation, StreamEnded, StreamStarted
from ..sinks.sink import Standing
from ..sources import Frame, Item, Source, SourceInfo, SourceState, StateChange
from .analyst import SECONDS_DIGITS, Analyst
from .channel import Channel, ChannelClosedError, Policy
from .companion import Onlooker
from .crew import Crew
from .flow import Flow
from .messages import Looked, Notice, Nudge, Prepared, Scored, SignalChange
from .outlets import Outlets
from .planes.hindsight import Hindsight
from .recorder import Recorder
from .sampling import Sampler
from .signal.watch import Watch
from .telemetry import Telemetry

TICK_SECONDS = 0.1
"""How often the waiting thread looks up (for signals and screens)."""

DROPPED_UNSEEN, DROPPED_BUSY = "look_busy", "encoder_busy"
"""Reasons of the only drops there are: a newer frame came before this one was looked at, or the encoder was free."""

LOOKED_CAPACITY = 2
"""Pictures that may wait for a busy encoder under BLOCK, whole in memory; under LATEST as many as frames may."""

SCORED_CAPACITY = 256
"""Results are small; this many may wait for a sink that is writing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a stream ended.

    Attributes:
        ended: its last event.
        wall_seconds: from the first event to the last.
        failed: the source failed (the last event says why); an exception of a stage is raised instead.
        behind: sinks that have not taken every event, and why.
    """

    ended: StreamEnded
    wall_seconds: float
    failed: bool
    behind: tuple[Standing, ...] = ()


@dataclass(kw_only=True)
class StreamRun:
    """One stream, from its first frame to its last event.

    Attributes:
        source, info: opened already; whoever opened it closes it.
        model: encoder and plane head.
        sampler, watch, analyst, recorder: fresh ones, for this stream alone.
        outlets: the sinks, which get every event in order; whoever made them closes them.
        onlookers: see each frame before it is let go, masked or not at all.
        config_sha256: goes into the first event.
        telemetry: counts to read from any thread.
    """

    source: Source
    info: SourceInfo
    model: Model
    flow: Flow
    sampler: Sampler
    watch: Watch
    analyst: Analyst | Hindsight
    recorder: Recorder
    outlets: Outlets
    onlookers: Sequence[Onlooker]
    config_sha256: str
    telemetry: Telemetry = field(default_factory=Telemetry)

    def __post_init__(self) -> None:
        flow = self.flow
        self._frames: Channel[Item] = Channel(
            flow.queue_frames, policy=flow.policy, droppable=lambda item: isinstance(item, Frame)
        )
        self._looked: Channel[Looked | Notice] = Channel(
            flow.queue_frames if flow.policy is Policy.LATEST else LOOKED_CAPACITY,
            policy=flow.policy,
            droppable=lambda item: isinstance(item, Looked),
        )
        self.recorder.watch_drops(lambda: self._frames.dropped + self._looked.dropped)
        self._prepared: Channel[Prepared | Notice] = Channel(flow.batch_frames)
        self._scored: Channel[Scored | Notice] = Channel(SCORED_CAPACITY)
        self._crew = Crew(self._tear_down)
        self._last_state = StateChange(SourceState.OPENING)

    def run(self, on_tick: Callable[[], None] = lambda: None) -> Outcome:
        """Run to the end and write the last event; blocks. ``on_tick`` is called about ten times a second.

        Raises the first failure of any stage, after the last event has been written.
        """
        started = time.monotonic()
        self.outlets.write(self._first_event())
        self._crew.start("read", self._read)
        self._crew.start("look", self._look)
        self._crew.start("prepare", self._prepare)
        self._crew.start("encode", self._encode)
        self._crew.start("analyse", self._analyse)
        failure = self._wait(on_tick)
        if failure is not None:
            with suppress(FetalStreamError):  # a sink that failed may fail again: the first failure is the one to tell
                self._last_event(f"failed: {failure}")
                self.outlets.finish()
            raise failure
        ended = self._last_event(self._end_reason())
        behind = self.outlets.finish()
        self.telemetry.sinks(behind)
        return Outcome(
            ended=ended,
            wall_seconds=time.monotonic() - started,
            failed=self._last_state.state is SourceState.FAILED,
            behind=behind,
        )

    def depths(self) -> dict[str, int]:
        """How many items wait between the stages; from any thread."""
        waiting = {"frames": self._frames, "looked": self._looked, "prepared": self._prepared, "scored": self._scored}
        return {name: len(channel) for name, channel in waiting.items()}

    def stop(self) -> None:
        """End in order: no more frames, what is under way is finished. From any thread or signal handler."""
        self.source.close()

    def cancel(self) -> None:
        """End now: what is under way is dropped, the last event is still written."""
        self._crew.cancel()

    def operate(self, operation: Operation | Nudge) -> bool:
        """Hand a wish of the operator to whoever makes the events; from any thread. False: the stream has ended."""
        try:
            self._scored.put(operation)
        except ChannelClosedError:
            return False
        return True

    def _wait(self, on_tick: Callable[[], None]) -> BaseException | None:
        try:
            while not self._crew.join(TICK_SECONDS):
                on_tick()
        except BaseException as failure:  # raised again once the last event is out
            self._crew.cancel()
            self._crew.settle()
            return failure
        return None

    def _tear_down(self) -> None:
        self.source.close()
        for channel in (self._frames, self._looked, self._prepared):
            channel.cancel()
        self._scored.finish()  # what has been seen is still told

    # The stages, each in a thread of its own.

    def _read(self) -> None:
        for item in self.source.items():
            if isinstance(item, Frame):
                self.telemetry.frame_read(item.pts_seconds, item.epoch)
                if not self.sampler.wants(item.pts_seconds, item.epoch):
                    self.telemetry.frame_skipped("sampling")
                    continue
            self._frames.put(item)
        self._frames.finish()

    def _look(self) -> None:
        while (item := self._frames.get()) is not None:
            if isinstance(item, Frame):
                self._look_at(item)
            else:
                self._looked.put(item)
        self._looked.finish()

    def _look_at(self, frame: Frame) -> None:
        started_ns = time.monotonic_ns()
        sight = self.watch.look(frame)
        fan = self.watch.fan_to_show
        for onlooker in self.onlookers:
            onlooker.see(frame, fan)
        self.telemetry.timings.add("queue", (started_ns - frame.captured_ns) / 1e9)
        self.telemetry.timings.add("look", (time.monotonic_ns() - started_ns) / 1e9)
        if sight.change is not None:
            self._looked.put(sight.change)
        if sight.pixels is None:
            self.telemetry.frame_skipped(sight.left_out)
        else:
            self._looked.put(Looked(frame=frame, pixels=sight.pixels, looks=sight.looks))

    def _prepare(self) -> None:
        torch.set_num_threads(1)  # the cores belong to the encoder
        while True:
            self._prepared.wait_for_room()
            item = self._looked.get()
            if item is None:
                break
            self._prepared.put(self._prepared_of(item) if isinstance(item, Looked) else item)
        self._prepared.finish()

    def _prepared_of(self, looked: Looked) -> Prepared:
        started = time.monotonic()
        prepared = Prepared.of(looked.frame, self.model.encoder.prepare(looked.pixels), looked.looks)
        self.telemetry.timings.add("prepare", time.monotonic() - started)
        return prepared

    def _encode(self) -> None:
        take = partial(self._prepared.get_batch, self.flow.batch_frames, max_wait_seconds=self.flow.batch_wait_seconds)
        cpu_threads = self.flow.cpu_threads or os.cpu_count() or 1
        while batch := take():
            # OpenMP keeps this number per thread, MKL per process: it is set after the preparer has set its own.
            torch.set_num_threads(cpu_threads)
            frames = [message for message in batch if isinstance(message, Prepared)]
            rows = iter(())
            if frames:
                started = time.monotonic()
                features = self.model.encoder.encode([frame.pixels for frame in frames])
                rows = iter(zip(self.model.planes(features).scores, features.embedding.numpy(force=True), strict=True))
                self.telemetry.timings.add("encode", time.monotonic() - started)
                self.telemetry.frames_embedded(len(frames))
            for message in batch:
                self._scored.put(Scored.of(message, *next(rows)) if isinstance(message, Prepared) else message)
        self._scored.finish()

    def _analyse(self) -> None:
        try:
            self._tell()
        except BaseException:
            self._scored.cancel()
            raise

    def _tell(self) -> None:
        while (message := self._scored.get()) is not None:
            started = time.monotonic()
            for event in self.analyst.feed(message):
                self.outlets.write(event)
            self.outlets.tick()
            self.telemetry.sinks(self.outlets.standings)
            self.telemetry.timings.add("tell", time.monotonic() - started)
            self._count_drops()
            if isinstance(message, Scored):
                self.telemetry.result(
                    plane=self.analyst.plane,
                    scores=self.analyst.smoothed,
                    pts_seconds=message.pts_seconds,
                    captured_ns=message.captured_ns,
                    now_ns=time.monotonic_ns(),
                )
            elif isinstance(message, StateChange):
                self._last_state = message
                self.telemetry.state(message.state.value, message.reason)
            elif isinstance(message, SignalChange):
                self.telemetry.signal(message.state.value, message.reason, message.pts_seconds)

    def _count_drops(self) -> None:
        self.telemetry.frames_dropped(DROPPED_UNSEEN, self._frames.dropped)
        self.telemetry.frames_dropped(DROPPED_BUSY, self._looked.dropped)

    # Events.

    def _first_event(self) -> StreamStarted:
        identity = self.model.encoder.identity
        return self.recorder.make(
            StreamStarted,
            source=self.info.uri,
            model=ModelRef(name=identity.name, sha256=identity.sha256, version=identity.version),
            labels=self.analyst.labels,
            config_sha256=self.config_sha256,
            software=f"fetalstream {__version__}",
        )

    def _end_reason(self) -> str:
        state, reason = self._last_state.state, self._last_state.reason
        if state in (SourceState.ENDED, SourceState.FAILED):
            return f"{state.value}: {reason}" if reason else state.value
        return "stopped"

    def _last_event(self, reason: str) -> StreamEnded:
        """Whatever happened, the stream's record is closed: planes leave, counts are written."""
        last_words = list(self.analyst.finish("the run ended"))  # all of them, whatever sinks do: folders are let go
        for event in last_words:
            self.outlets.write(event)
        self.outlets.tick(last=True)
        self._count_drops()
        counts = self.telemetry.snapshot()
        ended = self.recorder.make(
            StreamEnded,
            reason=reason,
            frames_read=counts.frames_read,
            frames_embedded=counts.frames_embedded,
            frames_dropped=dict(counts.dropped),
            frames_skipped=dict(counts.skipped),
            media_seconds=round(counts.media_seconds, SECONDS_DIGITS),
        )
        self.outlets.write(ended)
        return ended
