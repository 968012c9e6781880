"""The live page of a command: there before the model is, connected to the run, and kept open after it."""

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ...sinks import Sink
from ...sinks.dashboard import Dashboard, Status
from ...sinks.sink import SinkError
from ..live_page import dashboard_for, status_of

if TYPE_CHECKING:
    from rich.console import Console

    from ..config import Config, UiSection
    from ..run import StreamRun

_EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104 - compared with, not listened at


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
