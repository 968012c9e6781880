"""Events and, on request, pictures to 3D Slicer and whoever else speaks OpenIGTLink. Needs pyigtl (extra ``slicer``).

The messages are pyigtl's; its server is not used, for it serves one client, reads without bound, spins when a client
has gone, and takes over the program's signals.

Devices, each with its OpenIGTLink type (http://openigtlink.org/protocols):

    FetalPlane    STRING   the plane in view, such as "four_chamber"; empty when there is none
    FetalEvent    STRING   each event but "frame.scores", as JSON in ASCII
    FetalStream   STATUS   state of source and signal: 1 when all is well
    FetalImage    IMAGE    the picture, grey, black outside the fan; only when ``pictures_fps`` is above 0
"""

import json
import struct
import time
from importlib import import_module
from typing import Any

import msgspec
import numpy as np

from .broadcast import Broadcast
from .event import AnyEvent, FrameScores, PlaneEntered, PlaneLeft, SignalChanged, StreamEnded, StreamState
from .pictures import Shown
from .post import is_this_machine
from .sink import SinkError, Standing
from .wire import kind_of

DEFAULT_PORT = 18944
MOST_STRING_BYTES = 2**16 - 1
_OK, _CONNECTION_LOST, _NOT_READY, _EXITING = 1, 7, 13, 19
_STATE_CODES = {
    "opening": _NOT_READY,
    "running": _OK,
    "stalled": _CONNECTION_LOST,
    "reconnecting": _CONNECTION_LOST,
    "ended": _EXITING,
    "failed": _CONNECTION_LOST,
}
"""States of a source as status codes of OpenIGTLink (http://openigtlink.org/protocols/v2_status.html)."""


class OpenIgtLinkSink:
    """Listens for clients; each newcomer hears at once how things stand. No client can hold up the stream.

    Args:
        host: where to listen. OpenIGTLink has no login and no encryption: other than this machine only when `exposed`.
        port: 0 takes a free one.
        pictures_fps: most pictures a second; 0 sends none.
        exposed: listen where other machines can connect and see everything.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = DEFAULT_PORT,
        *,
        pictures_fps: float = 0.0,
        exposed: bool = False,
    ) -> None:
        if not exposed and not is_this_machine(host):
            raise SinkError(
                f"openigtlink: at {host!r} other machines could connect, without login or encryption; "
                "listen at 127.0.0.1, or say exposed: true on a network that is safe"
            )
        self.pictures_fps = pictures_fps
        self._igtl = _pyigtl()
        self._encoder = msgspec.json.Encoder()
        self._state = (_NOT_READY, "opening", "")
        self._signal = ("open", "")
        self._closed = False
        self._server = Broadcast(host, port)
        self.port = self._server.port
        """Where it listens in truth."""
        self._say_plane("")
        self._say_status()

    @property
    def standing(self) -> Standing:
        """Whether the server lives (see `BackgroundSink`)."""
        return Standing("openigtlink", self._server.failure, 0, 0)

    def write(self, event: AnyEvent) -> None:
        if self._closed:
            raise SinkError(f"openigtlink port {self.port} is closed, no event can be sent")
        if isinstance(event, FrameScores):
            return
        if isinstance(event, PlaneEntered | PlaneLeft):
            self._say_plane(event.plane if isinstance(event, PlaneEntered) else "")
        elif isinstance(event, StreamState):
            self._state = (_STATE_CODES.get(event.state, _NOT_READY), event.state, event.reason)
            self._say_status()
        elif isinstance(event, StreamEnded):
            self._state = (_EXITING, "ended", event.reason)
            self._say_status()
        elif isinstance(event, SignalChanged):
            self._signal = (event.state, event.reason)
            self._say_status()
        self._server.send(self._string("FetalEvent", self._json(event)))

    def show(self, picture: Shown) -> None:
        """Hand over a picture; see `PictureSink`."""
        if not self._closed and self._server.clients:
            self._server.show(lambda: self._image(picture))

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._server.close()

    def _say_plane(self, plane: str) -> None:
        self._server.send(self._string("FetalPlane", plane), keep="plane")

    def _say_status(self) -> None:
        code, name, message = self._state
        if code == _OK and self._signal[0] != "open":
            code, (name, message) = _NOT_READY, self._signal
        self._server.send(self._status("FetalStream", code, name, message), keep="status")

    def _json(self, event: AnyEvent) -> str:
        text = json.dumps(json.loads(self._encoder.encode(event)), separators=(",", ":"))
        if len(text) <= MOST_STRING_BYTES:
            return text
        short = {"kind": kind_of(event), "sequence": event.sequence, "too_long_bytes": len(text)}
        return json.dumps(short, separators=(",", ":"))

    def _string(self, device: str, text: str) -> bytes:
        return self._igtl.StringMessage(_ascii(text), device_name=device).pack()

    def _status(self, device: str, code: int, name: str, message: str) -> bytes:
        """pyigtl has no STATUS: code (uint16), sub code (int64), name (char[20]), message."""
        body = struct.pack(">Hq20s", code, 0, _ascii(name).encode()) + _ascii(message).encode() + b"\0"
        made = self._igtl.messages.MessageBase(device_name=device)
        made._message_type = "STATUS"  # noqa: SLF001 - how pyigtl's own types name themselves
        made._pack_content = lambda: body  # noqa: SLF001
        return made.pack()

    def _image(self, picture: Shown) -> bytes:
        """(h w) grey as one slice (1 h w); x to the right and y down, in millimetres where the spacing is known."""
        spacing_mm = picture.spacing_mm or 1.0
        made = self._igtl.ImageMessage(
            picture.grey[np.newaxis],
            ijk_to_world_matrix=np.diag([spacing_mm, spacing_mm, 1.0, 1.0]),
            timestamp=time.time() if picture.wall_ns is None else picture.wall_ns / 1e9,
            device_name="FetalImage",
        )
        return made.pack()


def _ascii(text: str) -> str:
    """Letters outside ASCII as escapes: OpenIGTLink's strings have no other sure encoding."""
    return text.encode("ascii", "backslashreplace").decode()


def _pyigtl() -> Any:
    """Imported when used; it has no types of its own."""
    try:
        return import_module("pyigtl")
    except ImportError:
        raise SinkError("the openigtlink sink needs pyigtl: pip install 'fetalstream[slicer]'") from None
