"""A page on loopback, and the phantom pictures and events that are shown on it."""

from collections.abc import Callable, Generator
from contextlib import ExitStack, closing
from typing import Any

import numpy as np
import pytest

from fetalstream.sinks.dashboard import About, Dashboard, Status
from fetalstream.sinks.operator import Operation
from fetalstream.sinks.pictures import Shown

ABOUT = About(source="phantom://?seed=7", model="compact", parts=("heart", "captures"))


class Desk:
    """Where wishes arrive."""

    def __init__(self) -> None:
        self.wishes: list[Operation] = []
        self.status = Status(phase="running", state="running")
        self.is_over = False

    def operate(self, operation: Operation) -> bool:
        self.wishes.append(operation)
        return not self.is_over


MakePage = Callable[..., tuple[Dashboard, Desk]]


@pytest.fixture
def page() -> Generator[MakePage]:
    """Makes pages at free ports, connected to a desk; closes them at the end."""
    with ExitStack() as stack:

        def make(**options: Any) -> tuple[Dashboard, Desk]:
            dashboard = stack.enter_context(closing(Dashboard(ABOUT, **{"port": 0, **options})))
            desk = Desk()
            dashboard.connect(read_status=lambda: desk.status, operate=desk.operate)
            return dashboard, desk

        yield make


def shown(pts_seconds: float = 0.0, *, size_px: tuple[int, int] = (160, 120), captured_ns: int | None = 10**9) -> Shown:
    """A grey box on black; its brightness says when it was."""
    width, height = size_px
    grey = np.zeros((height, width), np.uint8)
    grey[10 : height - 10, 20 : width - 20] = 40 + round(pts_seconds * 25) % 200
    corners = ((20, 10), (width - 21, 10), (width - 21, height - 11), (20, height - 11))
    return Shown(grey, pts_seconds, None, None, captured_ns, corners)
