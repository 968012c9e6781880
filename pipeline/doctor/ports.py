"""Whether the endpoints of the configuration can be opened, and who is in the way."""

import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

from ... import FetalStreamError
from ..assemble import opened_sinks
from ..config import SinkSection, ZmqSection
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
