"""Where a publisher may listen: on this machine, until there are keys."""

from ipaddress import ip_address

from .sink import SinkError


def loopback_only(endpoint: str) -> str:
    """The endpoint in ZeroMQ's own spelling; raises `SinkError` when it is none, or reaches beyond this machine."""
    scheme, separator, address = endpoint.partition("://")
    if not separator or scheme not in ("tcp", "ipc") or not address:
        raise SinkError(f"{endpoint!r} is no endpoint; allowed: tcp://127.0.0.1:PORT, ipc://FILE")
    if scheme == "ipc":
        return endpoint
    host, colon, port = address.rpartition(":")
    if not colon or not (port == "*" or (port.isdecimal() and int(port) <= 65535)):
        raise SinkError(f"{endpoint!r} names no port; allowed: tcp://127.0.0.1:0 to :65535, or :* for any free one")
    if host == "localhost":  # ZeroMQ asks no name service when it binds
        host = "127.0.0.1"
    if not _is_loopback(host):
        raise SinkError(
            f"{endpoint!r} could be read by other machines, without a key; allowed: tcp://127.0.0.1:{port}, ipc://FILE"
        )
    return f"tcp://{host}:{port}"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:  # "*", a name, an interface
        return False
