"""Writes captures behind the stream's back, so that a slow disk never holds it up."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from .captures import Capture, CaptureFolder
from .sink import SinkError


@dataclass(frozen=True, slots=True)
class Keep:
    """The capture is not to be replaced."""

    capture_id: str


@dataclass(frozen=True, slots=True)
class Discard:
    """The capture is to be deleted."""

    capture_id: str


Task = Capture | Keep | Discard


@dataclass(frozen=True, slots=True)
class Done:
    """A task that is over; ``trouble`` is why it failed, or ``clip_trouble`` why a capture is without its clip."""

    task: Task
    trouble: str = ""
    clip_trouble: str = ""


class CaptureWriter:
    """Does tasks one after the other, in a thread that lives while there are any. Methods are for one other thread.

    Args:
        folder: where; its owner is this writer from now on.
        most_waiting: captures that may wait for the disk.
        most_bytes: what their pictures may hold in memory together.
    """

    def __init__(self, folder: CaptureFolder, *, most_waiting: int = 8, most_bytes: int = 1 << 27) -> None:
        self._folder = folder
        self._most_waiting, self._most_bytes = most_waiting, most_bytes
        self._changed = threading.Condition()
        self._tasks: deque[Task] = deque()
        self._done: deque[Done] = deque()
        self._running = False
        self._held_bytes = 0
        self.on_done: Callable[[], object] = lambda: None
        """Called from the writing thread after each task."""

    @property
    def held_bytes(self) -> int:
        """What the pictures that wait hold in memory."""
        with self._changed:
            return self._held_bytes

    def put(self, task: Task, *, wait: bool = False) -> str:
        """Have a task done; returns at once, with the reason if there is no room ("" when all is well).

        With ``wait`` it returns when there is room. A single capture is taken however large it is.
        """
        with self._changed:
            if isinstance(task, Capture):
                if wait:
                    self._changed.wait_for(lambda: self._has_room(task))
                elif not self._has_room(task):
                    return f"the disk is too slow: {len(self._tasks)} captures wait for it already"
                self._held_bytes += task.size_bytes
            self._tasks.append(task)
            if not self._running:
                self._running = True
                threading.Thread(target=self._work, name="captures").start()
        return ""

    def done(self) -> list[Done]:
        """What is over since the last call, in order."""
        with self._changed:
            over = list(self._done)
            self._done.clear()
        return over

    def finish(self, timeout_seconds: float | None) -> bool:
        """Wait until nothing waits and let go of the folder; False when the time (None: any) was too short."""
        with self._changed:
            idle = self._changed.wait_for(lambda: not self._running, timeout_seconds)
        if idle:
            self._folder.close()
        return idle

    def _has_room(self, capture: Capture) -> bool:
        if not self._held_bytes:
            return True
        waiting = sum(isinstance(task, Capture) for task in self._tasks)
        return waiting < self._most_waiting and self._held_bytes + capture.size_bytes <= self._most_bytes

    def _work(self) -> None:
        while True:
            with self._changed:
                if not self._tasks:
                    self._running = False
                    self._changed.notify_all()
                    return
                task = self._tasks.popleft()
            done = self._do(task)
            with self._changed:
                self._done.append(done)
                if isinstance(task, Capture):
                    self._held_bytes -= task.size_bytes
                self._changed.notify_all()
            self.on_done()

    def _do(self, task: Task) -> Done:
        try:
            if isinstance(task, Capture):
                return Done(task, clip_trouble=self._folder.save(task))
            if isinstance(task, Keep):
                self._folder.keep(task.capture_id)
            else:
                self._folder.discard(task.capture_id)
        except SinkError as error:
            return Done(task, str(error))
        except MemoryError:
            return Done(task, "there is not enough memory to write it")
        except Exception as error:  # else nobody would be told, and a review would wait for ever
            return Done(task, f"it cannot be written: {type(error).__name__}: {error}")
        return Done(task)
