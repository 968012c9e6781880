"""The page's server: a thread of its own with an event loop of its own; the pipeline only ever drops things off."""

import asyncio
import socket
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from contextlib import suppress
from pathlib import Path

import uvicorn

from ..complaints import Complaints
from ..sink import SinkError
from .access import Access
from .hub import Hub, Wiring
from .messages import MOST_CLIENT_BYTES
from .protocols import BoundedHttp, BoundedSocket
from .site import Site
from .status import About

START_SECONDS = 30.0
STOP_SECONDS = 5.0
SETTLE_SECONDS = 0.5
"""How long the last events may take to reach the browsers."""
GRACE_SECONDS = 1
COMPLAIN_SECONDS = 1.0
"""How often it is looked whether complaints that were held back are due."""
KEEP_ALIVE_SECONDS = 30
BACKLOG = 64
MOST_HEAD_BYTES = 16 * 2**10


class PageServer:
    """Listens from the moment it is made. Raises `SinkError` where it cannot.

    Args:
        host, port: where; port 0 takes a free one.
        another_port: take a free one too where ``port`` is taken.
        token, names: see `Access`.
        about, captures, wiring: see `Hub`.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        another_port: bool,
        token: str | None,
        names: tuple[str, ...],
        about: About,
        captures: Path | None,
        wiring: Wiring,
    ) -> None:
        self._listening = _listen(host, port, another_port=another_port)
        self.port: int = self._listening.getsockname()[1]
        try:
            self.access = Access(host, self.port, token=token, names=names)
        except SinkError:
            self._listening.close()
            raise
        self.failure = ""
        """Why the page is no longer served; empty as long as it is."""
        self._make_hub = lambda: Hub(about, captures=captures, wiring=wiring)
        self._complaints = Complaints(f"page, port {self.port}")
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: uvicorn.Server | None = None
        self.hub: Hub | None = None
        self._thread = threading.Thread(target=self._run, name="fetalstream-page", daemon=True)
        self._thread.start()
        if not self._ready.wait(START_SECONDS) or self.failure:
            raise SinkError(f"page: the server has not started: {self.failure or 'no answer'}")

    def call(self, work: Callable[[Hub], None]) -> None:
        """Have something done in the server's thread; returns at once. Nothing happens when it has ended."""
        loop, hub = self._loop, self.hub
        if loop is None or hub is None:
            return
        try:
            loop.call_soon_threadsafe(work, hub)
        except RuntimeError:  # the loop is closed
            self.failure = self.failure or "the server has ended"

    def close(self) -> None:
        """Let browsers have the last events, tell them that it is over, and stop; any number of times."""
        if self._server is not None and not self._server.should_exit:
            if self._loop is not None and self.hub is not None:
                with suppress(RuntimeError, TimeoutError, CancelledError):  # the loop has ended, or is far too busy
                    asyncio.run_coroutine_threadsafe(self.hub.settle(SETTLE_SECONDS), self._loop).result(STOP_SECONDS)
            self._server.should_exit = True
        self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:  # whatever it is: the stream goes on, and says that its page is gone
            self.failure = f"{type(error).__name__}: {error}"
        finally:
            self._listening.close()
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        hub = self.hub = self._make_hub()
        site = Site(hub, self.access, self._complaints)
        config = uvicorn.Config(
            site.app,
            http=BoundedHttp,
            ws=BoundedSocket,
            ws_max_size=MOST_CLIENT_BYTES,
            ws_ping_interval=None,  # browsers tell by themselves what they have dealt with
            ws_per_message_deflate=False,  # pictures are compressed
            h11_max_incomplete_event_size=MOST_HEAD_BYTES,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            proxy_headers=False,
        )
        self._server = uvicorn.Server(config)
        following = asyncio.create_task(hub.follow())
        following.add_done_callback(self._stop_if_failed)
        complaining = asyncio.create_task(self._complain())
        self._ready.set()
        try:
            await self._server.serve(sockets=[self._listening])
        finally:
            following.cancel()
            complaining.cancel()
            await asyncio.gather(following, complaining, return_exceptions=True)
            hub.close()
            self._complaints.flush(everything=True)

    async def _complain(self) -> None:
        while True:
            await asyncio.sleep(COMPLAIN_SECONDS)
            self._complaints.flush()

    def _stop_if_failed(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None and self._server is not None:
            self.failure = f"{type(error).__name__}: {error}"
            self._server.should_exit = True


def _listen(host: str, port: int, *, another_port: bool) -> socket.socket:
    """A listening socket, not inherited by other programs."""
    ports = (port, 0) if another_port and port else (port,)
    reason = ""
    for candidate in ports:
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(
                host, candidate, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            listening = socket.socket(family, kind, protocol)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            continue
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen(BACKLOG)
        except OSError as error:
            listening.close()
            reason = error.strerror or str(error)
            continue
        return listening
    raise SinkError(f"page: port {port} on {host} cannot be listened at: {reason}")
