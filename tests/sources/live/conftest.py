"""Someone who follows a source and notes when what came."""

import threading
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from fetalstream.sources import Damage, Frame, Item, Source, SourceInfo, SourceState, StateChange


class Follower:
    """Reads a source to its end in a thread of its own; notes when each item came."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.info: SourceInfo = source.open()
        self._items: list[tuple[float, Item]] = []
        self._came = threading.Condition()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def _follow(self) -> None:
        for item in self.source.items():
            with self._came:
                self._items.append((time.monotonic(), item))
                self._came.notify_all()

    @property
    def items(self) -> list[tuple[float, Item]]:
        with self._came:
            return list(self._items)

    @property
    def frames(self) -> list[Frame]:
        return [item for _, item in self.items if isinstance(item, Frame)]

    @property
    def states(self) -> list[StateChange]:
        return [item for _, item in self.items if isinstance(item, StateChange)]

    @property
    def damage(self) -> list[Damage]:
        return [item for _, item in self.items if isinstance(item, Damage)]

    def frame_times(self) -> list[float]:
        return [moment for moment, item in self.items if isinstance(item, Frame)]

    def wait_until(self, done: Callable[[], bool], *, within_seconds: float = 10.0) -> None:
        with self._came:
            assert self._came.wait_for(done, within_seconds), f"not within {within_seconds} s; states: {self.states}"

    def wait_for_frames(self, count: int, *, within_seconds: float = 10.0) -> None:
        """Wait for so many more frames."""
        before = len(self.frames)
        self.wait_until(lambda: len(self.frames) >= before + count, within_seconds=within_seconds)

    def wait_for(self, state: SourceState, *, after: float, within_seconds: float = 10.0) -> tuple[float, StateChange]:
        """The first change to ``state`` later than ``after``, and when it came."""

        def found() -> list[tuple[float, StateChange]]:
            return [
                (moment, item)
                for moment, item in self.items
                if moment > after and isinstance(item, StateChange) and item.state is state
            ]

        self.wait_until(lambda: bool(found()), within_seconds=within_seconds)
        return found()[0]

    def close(self) -> None:
        self.source.close()
        self._thread.join(10.0)
        assert not self._thread.is_alive(), "items() hangs after close()"


Follow = Callable[[Source], Follower]


@pytest.fixture
def follow() -> Iterator[Follow]:
    """Opens a source and follows it; closes it at the end."""
    followers: list[Follower] = []

    def start(source: Source) -> Follower:
        follower = Follower(source)
        followers.append(follower)
        return follower

    yield start
    for follower in followers:
        follower.close()


@pytest.fixture
def left_open() -> Callable[[], tuple[int, int]]:
    """Tells how many threads (libraries' own included) and open descriptors this process has."""
    process = psutil.Process()
    return lambda: (process.num_threads(), process.num_fds())
