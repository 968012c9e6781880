"""The live page as a sink: it is told events and shown pictures like any other, and takes the operator's wishes."""

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from ..event import AnyEvent, FrameScores
from ..pictures import Shown
from ..sink import SinkError, Standing
from .hub import Hub, Operate, ReadStatus, Wiring
from .pictures import THUMBNAILS_PER_SECOND
from .status import About

if TYPE_CHECKING:
    from .server import PageServer

DEFAULT_PORT = 8765
PICTURES_FPS = 25.0
NEEDED = "the live page needs starlette, uvicorn and websockets: pip install 'fetalstream[ui]'"


class Dashboard:
    """Serves the page from the moment it is made; needs the extra ``ui``.

    Args:
        about: what is known before the stream begins.
        host, port: where it listens; port 0 takes a free one.
        another_port: take a free one too where ``port`` is taken.
        token: who comes from another machine must have it; made up where one is needed and none is given.
        names: host names under which browsers reach the page through a proxy; then the token is always needed.
        pictures_fps: most pictures a second; while no browser is there, no more are taken than thumbnails need.
        captures: folder with the stills of captures; None where none are kept.
    """

    def __init__(
        self,
        about: About,
        *,
        host: str = "127.0.0.1",
        port: int = DEFAULT_PORT,
        another_port: bool = False,
        token: str | None = None,
        names: tuple[str, ...] = (),
        pictures_fps: float = PICTURES_FPS,
        captures: Path | None = None,
    ) -> None:
        self._watched_fps = pictures_fps
        self._wiring = Wiring()
        self._lock = threading.Lock()
        self._newest: Shown | None = None
        self._closed = False
        self._server = _server_type()(
            host,
            port,
            another_port=another_port,
            token=token,
            names=names,
            about=about,
            captures=captures,
            wiring=self._wiring,
        )
        self.port = self._server.port
        """Where it listens in truth."""

    @property
    def token(self) -> str | None:
        """What a browser must know; None where none is demanded."""
        return self._server.access.token

    @property
    def pictures_fps(self) -> float:
        """How many it wants now: each costs the pipeline time to mask, and an open page may be watched by nobody."""
        hub = self._server.hub
        is_watched = hub is not None and hub.browsers > 0
        return self._watched_fps if is_watched else min(self._watched_fps, THUMBNAILS_PER_SECOND)

    @property
    def standing(self) -> Standing:
        """Whether the page is served (see `BackgroundSink`)."""
        return Standing("page", "" if self._closed else self._server.failure, 0, 0)

    def new_link(self) -> str:
        """Path of a link that lets one browser in, once; "/" where no token is demanded."""
        return "/" if self.token is None else f"/enter/{self._server.access.new_link()}"

    def connect(self, *, read_status: ReadStatus, operate: Operate) -> None:
        """The run is there: where its status is read (from the server's thread), and where wishes go."""
        self._wiring.read_status = read_status
        self._wiring.operate = operate

    def write(self, event: AnyEvent) -> None:
        if self._closed:
            raise SinkError(f"page, port {self.port}: is closed, no event can be shown")
        if not isinstance(event, FrameScores):
            self._server.call(lambda hub: hub.tell(event))

    def show(self, picture: Shown) -> None:
        """Hand over a picture; see `PictureSink`. One that the server has not got round to gives way."""
        with self._lock:
            waiting, self._newest = self._newest, picture
        if waiting is None and not self._closed:
            self._server.call(self._take)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._server.close()

    def _take(self, hub: Hub) -> None:
        with self._lock:
            picture, self._newest = self._newest, None
        if picture is not None:
            hub.show(picture)


def _server_type() -> "type[PageServer]":
    """Imported when used."""
    try:
        from .server import PageServer
    except ImportError as error:
        if (error.name or "").partition(".")[0] in ("starlette", "uvicorn", "websockets", "h11", "anyio"):
            raise SinkError(NEEDED) from None
        raise
    return PageServer
