"""Ctrl-C and SIGTERM: the first ends a run in order, the second ends it now."""

import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType


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
