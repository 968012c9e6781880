"""What is found under which path. Files of the page are read once at the start: no request ever names a file."""

import asyncio
from collections import OrderedDict
from importlib.resources import files

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from ..complaints import Complaints
from .access import Access
from .hub import MOST_BROWSERS, Hub
from .pictures import thumbnail_of_file
from .shield import ENTRANCE, App, Shield
from .talk import Talk

MOST_THUMBNAILS = 300
FULL = 1013
_TYPES = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


class Site:
    """The page behind its shield; ``app`` is an ASGI application.

    Args:
        hub: what there is to tell.
        access: who may see it.
        complaints: where refusals and failures are told.
    """

    def __init__(self, hub: Hub, access: Access, complaints: Complaints) -> None:
        self._hub = hub
        self._access = access
        self._complaints = complaints
        self._files = page_files()
        self._thumbnails: OrderedDict[str, bytes] = OrderedDict()
        routes = [
            Route("/", self._index),
            Route("/static/{name}", self._static),
            Route(f"{ENTRANCE}{{code}}", self._enter, methods=["GET"]),
            Route("/captures/{capture_id}", self._capture),
            Route("/seen/{plane}", self._seen),
            WebSocketRoute("/live", self._live),
        ]
        self.app: App = Shield(Starlette(routes=routes), access, complaints)  # pyright: ignore[reportArgumentType]

    async def _index(self, request: Request) -> Response:
        response = self._file("index.html")
        if self._access.has_token(request.headers.get("authorization")):
            self._admit(response)
        return response

    async def _static(self, request: Request) -> Response:
        return self._file(request.path_params["name"])

    async def _enter(self, request: Request) -> Response:
        """A one-time link: from here on a cookie will do."""
        if self._access.token is None or not self._access.use_link(request.path_params["code"]):
            return Response("This link has been used or is too old.\n", 401, media_type="text/plain")
        response = RedirectResponse("/", 303)
        self._admit(response)
        return response

    async def _capture(self, request: Request) -> Response:
        capture_id: str = request.path_params["capture_id"]
        path = self._hub.still(capture_id)
        if path is None:
            return _nothing()
        jpeg = self._thumbnails.get(capture_id) or await asyncio.to_thread(thumbnail_of_file, path)
        if jpeg is None:
            return _nothing()
        self._thumbnails[capture_id] = jpeg
        if len(self._thumbnails) > MOST_THUMBNAILS:
            self._thumbnails.popitem(last=False)
        return Response(jpeg, media_type="image/jpeg")

    async def _seen(self, request: Request) -> Response:
        jpeg = self._hub.memory.best(request.path_params["plane"])
        return _nothing() if jpeg is None else Response(jpeg, media_type="image/jpeg")

    async def _live(self, socket: WebSocket) -> None:
        await socket.accept()
        try:
            if self._hub.browsers >= MOST_BROWSERS:
                await socket.close(FULL, "too many browsers")
            else:
                await Talk(socket, self._hub).run()
        except WebSocketDisconnect:
            pass  # it has gone while it was told something
        except Exception as error:  # ours: the browser comes back and may fail again, and somebody must know why
            self._complaints.add("a browser could not be served", type(error).__name__)

    def _file(self, name: str) -> Response:
        content = self._files.get(name)
        if content is None:
            return _nothing()
        return Response(content, media_type=_TYPES[name.rpartition(".")[2]])

    def _admit(self, response: Response) -> None:
        response.set_cookie(self._access.cookie_name, self._access.cookie, httponly=True, samesite="strict")


def page_files() -> dict[str, bytes]:
    """The page's own files by name."""
    folder = files("fetalstream.sinks.dashboard").joinpath("static")
    return {
        entry.name: entry.read_bytes()
        for entry in folder.iterdir()
        if entry.is_file() and entry.name.rpartition(".")[2] in _TYPES
    }


def _nothing() -> Response:
    return Response("nothing is here\n", 404, media_type="text/plain")
