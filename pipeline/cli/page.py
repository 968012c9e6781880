"""The live page of a command: there before the model is, connected to the run, and kept open after it."""

import os
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ...models.planes import Plane
from ...sinks import Sink
from ...sinks.dashboard import About, Dashboard, Status, Wanted
from ...sinks.sink import SinkError
from ...sources.credentials import masked
from ..exam.protocol import ScanProtocol, load_protocol

if TYPE_CHECKING:
    from rich.console import Console

    from ..config import Config, UiSection
    from ..run import StreamRun
    from ..telemetry import Snapshot

_EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104 - compared with, not listened at
_OVER = ("ended", "failed")


class LivePage:
    """The page of one run, or none where it is switched off.

    Attributes:
        sinks: what the run must write to.
        address: where a browser of this machine finds it; empty where there is none.
    """

    def __init__(self, dashboard: Dashboard | None, address: str = "") -> None:
        self.sinks: list[Sink] = [] if dashboard is None else [dashboard]
        self.address = address
        self._dashboard = dashboard

    def loaded(self) -> None:
        """The model is there; what comes next is the source."""
        if self._dashboard is not None:
            self._dashboard.connect(read_status=lambda: Status(phase="running"), operate=lambda _: False)

    def follow(self, run: "StreamRun") -> None:
        """From now on the page shows this run, and hands it what the operator wishes."""
        if self._dashboard is not None:
            self._dashboard.connect(read_status=lambda: status_of(run.telemetry.snapshot()), operate=run.operate)

    def linger(self, console: "Console") -> None:
        """Keep the page open until Ctrl-C."""
        if self._dashboard is None:
            return
        console.print(f"The live page stays open until Ctrl-C: [bold]{self.address}[/]")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            console.print("")


@contextmanager
def opened_page(
    config: "Config", uri: str, console: "Console", *, fixed_port: bool, optional: bool = False
) -> Generator[LivePage]:
    """Serve the page while inside, and say where; raises `SinkError` where it cannot be served.

    Args:
        uri: the source that is going to be watched.
        fixed_port: the user named the port: if it is taken, that is an error, and no other is taken instead.
        optional: without the extra ``ui`` say what to install, and go on without a page.
    """
    if not config.ui.enabled:
        yield LivePage(None)
        return
    try:
        dashboard = dashboard_for(config, uri, fixed_port=fixed_port)
    except SinkError as error:
        if not optional or "pip install" not in str(error):
            raise
        console.print(f"No live page: {error}", markup=False, soft_wrap=True)  # "[ui]" is no style
        yield LivePage(None)
        return
    try:
        yield LivePage(dashboard, _announce(config.ui, dashboard, console))
    finally:
        dashboard.close()


def status_of(snapshot: "Snapshot") -> Status:
    """What the page is told of a run's counts."""
    return Status(
        phase="over" if snapshot.state in _OVER else "running",
        state=snapshot.state,
        state_reason=snapshot.state_reason,
        signal=snapshot.signal,
        plane=snapshot.plane,
        scores=dict(snapshot.scores),
        pts_seconds=snapshot.pts_seconds,
        frames_read=snapshot.frames_read,
        dropped=sum(snapshot.dropped.values()),
        results_per_second=snapshot.results_per_second,
        latency_p50_ms=snapshot.latency_p50_ms,
    )


def dashboard_for(config: "Config", uri: str, *, fixed_port: bool) -> Dashboard:
    """The page a configuration asks for, listening, before anything else is there; see `opened_page`."""
    section = config.ui
    parts = {
        "age": config.age.enabled,
        "heart": config.chd.enabled,
        "captures": config.capture.folder is not None,
    }
    protocol = None if config.protocol is None else load_protocol(config.protocol)
    about = About(
        source=masked(uri),
        model=config.model.kind,
        parts=tuple(name for name, is_on in parts.items() if is_on),
        protocol="" if protocol is None else protocol.title,
        wanted=() if protocol is None else wanted_of(protocol),
    )
    return Dashboard(
        about,
        host=section.host,
        port=section.port,
        another_port=not fixed_port,
        token=_token(section),
        names=section.names,
        pictures_fps=section.pictures_fps,
        captures=config.capture.folder,
    )


def wanted_of(protocol: ScanProtocol) -> tuple[Wanted, ...]:
    """How the page calls the items of a checklist, and which planes do for each."""
    return tuple(
        Wanted(
            item=item.name,
            title=item.title,
            planes=tuple(
                dict.fromkeys((item.plane, *item.or_planes, *(str(one) for one in Plane if item.counts(one))))
            ),
        )
        for item in protocol.items
    )


def _token(section: "UiSection") -> str | None:
    if section.token_variable is None:
        return None
    token = os.environ.get(section.token_variable)
    if not token:
        raise SinkError(f"page: ui.token_variable={section.token_variable!r}: this environment variable is not set")
    return token


def _announce(section: "UiSection", dashboard: Dashboard, console: "Console") -> str:
    """Say where the page is; what lets a browser in is shown here and nowhere else."""
    host = socket.gethostname() if section.host in _EVERYWHERE else section.host
    address = f"http://{f'[{host}]' if ':' in host else host}:{dashboard.port}"
    if dashboard.token is None:
        console.print(f"Live page: [bold]{address}/[/]")
        return f"{address}/"
    console.print(f"Live page: [bold]{address}{dashboard.new_link()}[/]", soft_wrap=True)
    known = section.token_variable
    password = f"the value of {known}" if known else dashboard.token
    console.print(
        f"This link lets one browser in, once, within ten minutes. Others go to {address}/ and are asked for a name "
        f"(any) and a password: {password}",
        soft_wrap=True,
    )
    return f"{address}/"
