"""The whole examination, the quick things first; nothing in it can hang."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from ..assemble import gates_for
from ..config import Config
from ..signal.gates import Gates
from .bounded import within
from .devices import look_at_devices
from .disk import look_at_disk, output_folders
from .finding import Finding, problem, warning
from .machine import look_at_clock, look_at_gpu, look_at_libraries, look_at_processor, look_at_python
from .model import look_at_model
from .ports import look_at_metrics, look_at_page, look_at_ports
from .stream import StreamVisit
from .watch import Signal

_QUICK_SECONDS = 10.0
_TORCH_SECONDS = 60.0
_MODEL_SECONDS = 300.0
"""Large weights on a slow disk take their time."""


class _Look(NamedTuple):
    """One thing to look at.

    Attributes:
        area: shown while it lasts, and when it does not come to an end.
        work: gives the findings.
        seconds: its deadline.
        is_vital: whether a live run fails when this does.
    """

    area: str
    work: Callable[[], Iterator[Finding]]
    seconds: float = _QUICK_SECONDS
    is_vital: bool = True


def examine(
    config: Config | None,
    source: str | None = None,
    *,
    fixed_page_port: bool = False,
    on_look: Callable[[str], None] = lambda _: None,
) -> Iterator[Finding]:
    """Findings, one by one, as they are made.

    Args:
        config: of the run; None when it could not be read: then only the machine and the source are looked at.
        source: URI or path, None for none.
        fixed_page_port: the page's port was named; no other is taken where it is in use.
        on_look: told the area that is looked at next.
    """
    for look in _machine():
        yield from _findings(look, on_look)
    if config is not None:
        yield from _findings(_Look("ports", partial(look_at_ports, config.sinks)), on_look)
        yield from _findings(_Look("page", partial(look_at_page, config, fixed_port=fixed_page_port)), on_look)
        yield from _findings(_Look("metrics", partial(look_at_metrics, config.metrics)), on_look)
        for folder in output_folders(config):
            yield from _findings(_Look("disk", partial(look_at_disk, folder)), on_look)
    visit = None if source is None else StreamVisit(source, signal=_signal_of(config))
    if visit is not None:
        on_look("source")
        yield from visit.look()  # it has deadlines of its own
    if config is not None:
        rate = visit.rate if visit else None
        size_px = visit.size_px if visit else None
        work = partial(look_at_model, config, fps=rate.fps if rate else None, size_px=size_px)
        yield from _findings(_Look("model", work, _MODEL_SECONDS), on_look)


def _signal_of(config: Config | None) -> Signal:
    """As a run with this configuration looks at pictures."""
    return Signal(Gates() if config is None else gates_for(config.signal), finds_fan=config is None or config.fan.find)


def _machine() -> Iterator[_Look]:
    yield _Look("python", look_at_python)
    yield _Look("libraries", look_at_libraries)
    yield _Look("processor", look_at_processor, _TORCH_SECONDS)
    yield _Look("gpu", look_at_gpu, _TORCH_SECONDS, is_vital=False)
    yield _Look("clock", look_at_clock)
    yield _Look("devices", look_at_devices, is_vital=False)


def _findings(look: _Look, on_look: Callable[[str], None]) -> list[Finding]:
    on_look(look.area)
    failed = problem if look.is_vital else warning
    try:
        return within(look.seconds, look.area, lambda: list(look.work()))
    except TimeoutError as error:
        return [failed(look.area, f"hangs: {error}", todo="look for a dead device, driver or network drive")]
    except Exception as error:  # one look that fails must not hide what the others find
        what = f"could not be looked at ({type(error).__name__}: {str(error)[:200]})"
        return [failed(look.area, what, todo="tell the authors, with these words")]
