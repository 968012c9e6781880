"""Ctrl-C and SIGTERM: the first ends a run in order, the second ends it now."""

import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType


class Wish:
    """Whether somebody has pressed Ctrl-C."""

    def __init__(self) -> None:
        self.has_come = False

    def check(self) -> None:
        """Raises `KeyboardInterrupt` when it has been pressed."""
        if self.has_come:
            raise KeyboardInterrupt

    def handle(self, number: int, frame: FrameType | None) -> None:
        """A signal handler."""
        del number, frame
        self.has_come = True
        raise KeyboardInterrupt


@contextmanager
def remembering() -> Generator[Wish]:
    """While inside, Ctrl-C ends the command as ever, and is remembered: for the main thread.

    What loads for seconds imports much, and some of it swallows the exception (whatever is raised in a destructor or a
    callback is); whoever goes on asks with `Wish.check` first.
    """
    wish = Wish()
    before = signal.signal(signal.SIGINT, wish.handle)
    try:
        yield wish
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def draining(stop: Callable[[], None], cancel: Callable[[], None]) -> Generator[None]:
    """While inside: first signal calls ``stop``, any further one ``cancel``. Only for the main thread."""
    calls = 0

    def handle(number: int, frame: FrameType | None) -> None:
        del number, frame
        nonlocal calls
        calls += 1
        (stop if calls == 1 else cancel)()

    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, handle) for number in signals]
    try:
        yield
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)
