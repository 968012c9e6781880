"""Looking at things that may hang (a network drive, a driver, a graphics card) without hanging oneself."""

from collections.abc import Callable
from typing import TypeVar

from ...sources.abandon import Errand

T = TypeVar("T")


def within(seconds: float, name: str, work: Callable[[], T]) -> T:
    """What ``work`` returns or raises; `TimeoutError` when it has not within ``seconds``, and is left behind."""
    results: list[T] = []
    failures: list[BaseException] = []

    def run(_: Errand) -> None:
        try:
            results.append(work())
        except BaseException as failure:  # carried to the thread that waits
            failures.append(failure)

    errand = Errand(f"doctor-{name}", run)
    if not errand.wait(seconds):
        errand.abandon()
        raise TimeoutError(f"no answer within {seconds:g} s")
    if failures:
        raise failures[0]
    return results[0]
