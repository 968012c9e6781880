"""Whether the endpoints of the configuration can be opened, and who is in the way."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from ... import FetalStreamError
from ...sinks.publisher import Publisher
from ..config import SinkSection, ZmqSection
from .finding import Finding, ok, problem

_LISTENING = "0A"


def look_at_ports(sections: Sequence[SinkSection]) -> Iterator[Finding]:
    """Opens each ZeroMQ endpoint as a run would, and closes it again."""
    endpoints = [section.endpoint for section in sections if isinstance(section, ZmqSection)]
    if not endpoints:
        yield ok("ports", "no ZeroMQ endpoint is configured; nobody can listen")
    for endpoint in endpoints:
        try:
            publisher = Publisher(endpoint)
        except FetalStreamError as error:
            holder = holder_of(endpoint)
            by = f" ({holder} holds it)" if holder else ""
            yield problem(
                "ports",
                f"{error}{by}",
                todo=_todo(holder),
                endpoint=endpoint,
                holder=holder,
            )
        else:
            publisher.close()
            yield ok("ports", f"{endpoint} can be opened", endpoint=endpoint)


def _todo(holder: str) -> str:
    stop = f"stop {holder}" if holder else "stop the other program"
    return f"{stop}, or name another endpoint under sinks in the configuration"


def holder_of(endpoint: str) -> str:
    """Which process listens there, as "python3 (process 4711)"; empty where that cannot be told (only Linux tells)."""
    scheme, _, address = endpoint.partition("://")
    port = address.rpartition(":")[2]
    if scheme != "tcp" or not port.isdecimal():
        return ""
    sockets = {f"socket:[{inode}]" for inode in _listeners(int(port))}
    return next(_owners(sockets), "") if sockets else ""


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
