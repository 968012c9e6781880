"""What all browsers of a page share. Lives in the server's thread alone."""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec

from ..event import AnyEvent, PlaneLeft, StreamStarted
from ..findings import ChecklistChanged
from ..operator import CaptureDiscarded, CaptureSaved, Operation, OperatorPaused
from ..pictures import Shown
from .messages import Hello, Now
from .pictures import Memory, encoded
from .status import About, Sample, Status, sample_of
from .story import Story

STATUS_SECONDS = 0.125
STRIP_SECONDS = 30.0
SETTLE_STEP_SECONDS = 0.01
MOST_BROWSERS = 32

ReadStatus = Callable[[], Status]
Operate = Callable[[Operation], bool]


class Listener(Protocol):
    """One browser, as the hub sees it."""

    def wake(self) -> None:
        """There is something new."""
        ...

    def check(self, now_seconds: float) -> None:
        """Whether it still answers; called several times a second."""
        ...

    @property
    def knows_all(self) -> bool:
        """Whether it has dealt with every event."""
        ...


@dataclass(slots=True)
class Wiring:
    """Where the page gets its status from, and takes wishes to; set when a run is there, from any thread."""

    read_status: ReadStatus = Status
    operate: Operate = lambda _: False


class Hub:
    """Takes events, pictures and status; keeps the newest of each for who comes next.

    Args:
        about: what is told of the stream before its first event.
        captures: folder of the captures; None where none are kept.
        wiring: how the run is reached.
    """

    def __init__(self, about: About, *, captures: Path | None, wiring: Wiring) -> None:
        self.about = about
        self.epoch = secrets.token_hex(8)
        self.story = Story()
        self.memory = Memory()
        self.captures_folder = captures
        self.status_number = 0
        self.status_json = b""
        self.picture_number = 0
        self._status = Status()
        self._wiring = wiring
        self._history: deque[Sample] = deque(maxlen=round(STRIP_SECONDS / STATUS_SECONDS))
        self._shown: Shown | None = None
        self._picture: tuple[int, bytes] = (0, b"")
        self._listeners: set[Listener] = set()
        self._stills: dict[str, str] = {}
        self._planes: set[str] = set()
        self._paused = False
        self._encoder = msgspec.json.Encoder()
        self._hands = ThreadPoolExecutor(1, thread_name_prefix="fetalstream-page-wishes")

    @property
    def browsers(self) -> int:
        """How many are connected."""
        return len(self._listeners)

    def join(self, listener: Listener) -> None:
        self._listeners.add(listener)

    def leave(self, listener: Listener) -> None:
        self._listeners.discard(listener)

    def tell(self, event: AnyEvent) -> None:
        """The next event."""
        if isinstance(event, StreamStarted):
            self._stills.clear()
            self._history.clear()
            self._paused = False
            self.memory.forget()
            self._planes = set(event.labels)
        elif isinstance(event, ChecklistChanged):
            self._planes.add(event.plane)
        elif isinstance(event, PlaneLeft):
            self.memory.keep_best(event.plane, event.best_pts_seconds, event.best_score)
        elif isinstance(event, CaptureSaved):
            self._stills.pop(event.replaces, None)
            self._stills[event.capture_id] = event.still
        elif isinstance(event, CaptureDiscarded):
            self._stills.pop(event.capture_id, None)
        elif isinstance(event, OperatorPaused):
            self._paused = event.paused
        self.story.add(event)
        self._wake()

    def show(self, shown: Shown) -> None:
        """The newest picture; encoded when the first browser wants it."""
        self._shown = shown
        self.picture_number += 1
        self.memory.see(shown)
        self._wake()

    def picture(self) -> bytes:
        """The newest picture as a message, encoded once for all."""
        number, data = self._picture
        if number != self.picture_number and self._shown is not None:
            data = encoded(self._shown)
            self._picture = (self.picture_number, data)
        return data

    def hello(self) -> bytes:
        """All that a browser needs to begin."""
        story = self.story
        return self._encoder.encode(
            Hello(
                about=self.about,
                epoch=self.epoch,
                next=story.next,
                events=story.snapshot(),
                history=list(self._history),
            )
        )

    async def follow(self) -> None:
        """Read the status again and again, and look after the browsers; until cancelled."""
        while True:
            self._status = self._wiring.read_status()
            now_seconds = time.monotonic()
            sample = sample_of(self._status, now_seconds * 1000, paused=self._paused)
            self._history.append(sample)
            self.status_json = self._encoder.encode(Now(status=self._status, sample=sample))
            self.status_number += 1
            for listener in tuple(self._listeners):
                listener.check(now_seconds)
            self._wake()
            await asyncio.sleep(STATUS_SECONDS)

    async def operate(self, operation: Operation) -> str:
        """Hand a wish to the run; "" when it is on its way, else why not. May wait for the run, not for its effect."""
        if operation.wish == "override" and operation.value and operation.value not in self._planes:
            return f"there is no plane {operation.value!r}"
        if operation.wish in ("keep", "discard") and operation.value and operation.value not in self._stills:
            return f"there is no capture {operation.value!r}"
        loop = asyncio.get_running_loop()
        if await loop.run_in_executor(self._hands, self._wiring.operate, operation):
            return ""
        return "the scan is over" if self._status.phase == "over" else "the scan has not begun yet"

    def still(self, capture_id: str) -> Path | None:
        """The file of a capture that is there; its name comes from an event of ours, never from a request."""
        name = self._stills.get(capture_id)
        if name is None or self.captures_folder is None:
            return None
        path = (self.captures_folder / name).resolve()
        return path if path.is_relative_to(self.captures_folder.resolve()) else None

    async def settle(self, seconds: float) -> None:
        """Wait until every browser has dealt with every event, but no longer than this."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not all(listener.knows_all for listener in self._listeners):
            await asyncio.sleep(SETTLE_STEP_SECONDS)

    def close(self) -> None:
        self._hands.shutdown(wait=False, cancel_futures=True)

    def _wake(self) -> None:
        for listener in self._listeners:
            listener.wake()
