"""Network cameras and encoders: ``rtsp://user:password@host:port/path?transport=udp``."""

import socket
import time
from contextlib import suppress
from urllib.parse import SplitResult, urlsplit, urlunsplit

from .av_link import LOW_LATENCY, AvLink, AvTarget
from .credentials import Login, find_login, hide_in_process_title, masked, with_login
from .link import LinkError
from .live import LiveSource
from .live_options import NAMES, live_options, safe_label, split_options
from .source import Source, SourceError

TRANSPORTS = ("tcp", "udp")
_OPTIONS = NAMES | {"transport"}
_DEFAULT_PORTS = {"rtsp": 554, "rtsps": 322}
_KNOCK_SECONDS = 1.0
"""How long one knock at the server's door may take; a packet that is lost is sent again after a second."""


def from_uri(uri: str, *, realtime: bool = True) -> Source:
    """The source of an ``rtsp://`` or ``rtsps://`` URI; it is live whatever ``realtime`` says.

    Options, taken out before connecting: ``transport`` (tcp or udp) and those of `live_options`. Anything else in the
    query is the camera's. A login that is not in the URI comes from the environment or the keyring.
    """
    del realtime
    return rtsp_source(uri)


def rtsp_source(uri: str) -> LiveSource:
    """See `from_uri`."""
    hide_in_process_title(uri)
    rest, ours, others = split_options(uri, _OPTIONS)
    url = f"{rest}?{'&'.join(others)}" if others else rest
    parts, port = _checked(url)
    transport = ours.get("transport", TRANSPORTS[0]).lower()
    if transport not in TRANSPORTS:
        raise SourceError(f"option transport={transport!r} is unknown; allowed: {', '.join(TRANSPORTS)}")
    patience, latency_seconds = live_options(ours)
    host = parts.hostname or ""
    place = f"{host}:{port}"

    def connect() -> AvLink:
        return AvLink(
            AvTarget(
                url=_for_library(parts, find_login(url)),
                shown=place,
                # Sound and metadata are not even asked for.
                options={**LOW_LATENCY, "rtsp_transport": transport, "allowed_media_types": "video"},
                open_seconds=patience.open_seconds,
                read_seconds=patience.silence_seconds,
                prepare=lambda: knock(host, port, within_seconds=patience.open_seconds),
            )
        )

    return LiveSource(
        connect,
        uri=masked(url),
        name=safe_label(f"{host}{parts.path}"),
        patience=patience,
        latency_seconds=latency_seconds,
    )


def knock(host: str, port: int, *, within_seconds: float) -> None:
    """Wait until something listens; raises `LinkError` with a reason a person can act on.

    Cheaper than an attempt to open, and quicker: a server that is switched on again is found within a second, where a
    connection that hangs would only be given up at its deadline.
    """
    until = time.monotonic() + within_seconds
    while True:
        try:
            socket.create_connection((host, port), timeout=min(_KNOCK_SECONDS, within_seconds)).close()
        except TimeoutError:
            if time.monotonic() >= until:
                raise LinkError(f"{host}:{port} does not answer (is it switched on and in this network?)") from None
        except socket.gaierror:
            raise LinkError(f"the host name {host!r} is unknown") from None
        except ConnectionRefusedError:
            raise LinkError(f"{host}:{port} refuses the connection; does the server run?") from None
        except OSError as error:
            raise LinkError(f"{host}:{port} cannot be reached: {(error.strerror or str(error)).lower()}") from None
        else:
            return


def _checked(url: str) -> tuple[SplitResult, int]:
    with suppress(ValueError):  # a port that is no number, brackets that do not match
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
        if parts.hostname and port is not None:
            return parts, port
    raise SourceError(
        f"{masked(url)!r} is no address of a stream; write rtsp://HOST:PORT/PATH (in a password, write / as %2F)"
    )


def _for_library(parts: SplitResult, login: Login | None) -> str:
    return with_login(urlunsplit(parts), login)
