"""Where a publisher may listen: on this machine; with keys, anywhere."""

from ipaddress import ip_address

from .sink import SinkError

_MOST_PORT = 65535
REQUESTS_SUFFIX = ".requests"


def bindable(endpoint: str, *, encrypted: bool = False) -> str:
    """The endpoint in ZeroMQ's own spelling.

    Raises `SinkError` when it is none, or when other machines could reach it without a key.
    """
    scheme, separator, address = endpoint.partition("://")
    if not separator or scheme not in ("tcp", "ipc") or not address:
        raise SinkError(f"{endpoint!r} is no endpoint; allowed: tcp://127.0.0.1:PORT, ipc://FILE")
    if scheme == "ipc":
        return endpoint
    host, colon, port = address.rpartition(":")
    if not colon or not (port == "*" or (port.isdecimal() and int(port) <= _MOST_PORT)):
        raise SinkError(f"{endpoint!r} names no port; allowed: tcp://127.0.0.1:0 to :65535, or :* for any free one")
    if host == "localhost":  # ZeroMQ asks no name service when it binds
        host = "127.0.0.1"
    if not (encrypted or _is_loopback(host)):
        raise SinkError(
            f"{endpoint!r} could be read by other machines, without a key; allowed: tcp://127.0.0.1:{port}, ipc://FILE;"
            " or make a key (fetalstream keys create NAME), name it in the sink (key: NAME), and allow each client's "
            "(fetalstream keys allow)"
        )
    return f"tcp://{host}:{port}"


def requests_endpoint(bound: str) -> str:
    """Where to answer requests, given the endpoint at which events are published in truth.

    On this machine any free port will do; elsewhere firewalls must be told, so it is the next one.
    """
    if bound.startswith("ipc://"):
        return bound + REQUESTS_SUFFIX
    host, _, port = bound.removeprefix("tcp://").rpartition(":")
    if _is_loopback(host):
        return f"tcp://{host}:*"
    if int(port) == _MOST_PORT:
        raise SinkError(f"{bound!r}: the port after it is needed for requests; allowed: up to :{_MOST_PORT - 1}")
    return f"tcp://{host}:{int(port) + 1}"


def requests_at(endpoint: str, port: int | None) -> str | None:
    """Where a client asks a publisher it reads at ``endpoint``; None for one that takes no requests.

    The host is the client's own choice, never the publisher's.
    """
    if endpoint.startswith("ipc://"):
        return endpoint + REQUESTS_SUFFIX
    if port is None:
        return None
    host = endpoint.removeprefix("tcp://").rpartition(":")[0]
    return f"tcp://{host}:{port}"


def port_of(bound: str) -> int | None:
    """The port of a bound endpoint; None for a file."""
    return int(bound.rpartition(":")[2]) if bound.startswith("tcp://") else None


def is_this_machine(endpoint: str) -> bool:
    """Whether publisher and client share a clock."""
    host = endpoint.removeprefix("tcp://").rpartition(":")[0]
    return endpoint.startswith("ipc://") or host == "localhost" or _is_loopback(host)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:  # "*", a name, an interface
        return False
