"""Whether the endpoints and pages of the configuration can be opened, and who is in the way."""

import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

from ... import FetalStreamError
from ..assemble import opened_sinks
from ..config import Config, MetricsSection, SinkSection, ZmqSection
from ..live_page import dashboard_for
from ..metrics import metrics_page
from .finding import Finding, ok, problem

_IPC = "ipc://"
_LISTENING = "0A"


def look_at_ports(sections: Sequence[SinkSection]) -> Iterator[Finding]:
    """Opens each ZeroMQ endpoint as a run would, and closes it again."""
    endpoints = [section for section in sections if isinstance(section, ZmqSection)]
    if not endpoints:
        yield ok("ports", "no ZeroMQ endpoint is configured; nobody can listen")
    for section in endpoints:
        yield _try_to_open(section)


def look_at_page(config: Config, *, fixed_port: bool = False) -> Iterator[Finding]:
    """Serves the live page as a run would, where it is wanted, and closes it again.

    ``fixed_port``: where its port is taken, no other one is.
    """
    section = config.ui
    if not section.enabled:
        return
    holder = holder_of(f"tcp://{section.host}:{section.port}")
    try:
        dashboard = dashboard_for(config, "doctor", fixed_port=fixed_port)
    except FetalStreamError as error:
        what = f"{error}; it is in use by {holder}" if holder else str(error)
        yield problem("page", what, todo="install what it needs, or correct the ui section (port, token_variable)")
        return
    port = dashboard.port
    dashboard.close()
    if section.port in (0, port):
        yield ok("page", f"the live page can be served at port {port}", port=port)
    else:
        by = f" by {holder}" if holder else ""
        yield ok("page", f"port {section.port} is in use{by}; the live page would take a free one", port=None)


def look_at_metrics(section: MetricsSection) -> Iterator[Finding]:
    """Serves the numbers for Prometheus as a run would, where they are wanted, and closes again."""
    if not section.enabled:
        return
    try:
        with metrics_page(section):
            yield ok("metrics", f"numbers for Prometheus can be served at port {section.port}", port=section.port)
    except FetalStreamError as error:
        yield problem("metrics", str(error), todo="install what it needs, or name another metrics.port")


def _try_to_open(section: ZmqSection) -> Finding:
    endpoint, holder = section.endpoint, holder_of(section.endpoint)
    if endpoint.startswith(_IPC) and holder:
        # Not even tried: ZeroMQ takes a file's name away from whoever listens at it.
        return problem("ports", f"{endpoint!r} is in use by {holder}", todo=_todo(holder), endpoint=endpoint)
    try:
        with opened_sinks([section]):
            return ok("ports", f"{endpoint} can be opened", endpoint=endpoint)
    except FetalStreamError as error:
        what = f"{str(error).partition(';')[0]}: {holder}" if holder else str(error)
        return problem("ports", what, todo=_todo(holder), endpoint=endpoint, holder=holder)


def _todo(holder: str) -> str:
    stop = f"stop {holder}" if holder else "stop the other program"
    return f"{stop}, or name another endpoint under sinks in the configuration"


def holder_of(endpoint: str) -> str:
    """Which process listens there, as "python3 (process 4711)"; empty when none does, or nobody can tell.

    Of TCP ports only Linux tells, and of other users' processes only root is told.
    """
    if endpoint.startswith(_IPC):
        return "another program" if _answers(endpoint.removeprefix(_IPC)) else ""
    port = endpoint.rpartition(":")[2]
    if not port.isdecimal():
        return ""
    sockets = {f"socket:[{inode}]" for inode in _listeners(int(port))}
    return next(_owners(sockets), "") if sockets else ""


def _answers(path: str) -> bool:
    """Whether somebody listens at a local socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(path)
        except OSError:
            return False
        return True


def _listeners(port: int) -> Iterator[str]:
    """Inodes of the sockets that listen at ``port``, from the kernel's tables."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in _lines(table)[1:]:
            fields = line.split()
            if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                yield fields[9]


def _owners(sockets: set[str]) -> Iterator[str]:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(str(handle.readlink()) in sockets for handle in (process / "fd").iterdir()):
                yield f"{(process / 'comm').read_text().strip()} (process {process.name})"
        except OSError:  # another user's, or gone by now
            continue


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="ascii").splitlines()
    except OSError:
        return []
