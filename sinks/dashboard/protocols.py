"""uvicorn's protocols with bounds: how many connections there are, and how long one may be silent or stay unread."""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

MOST_CONNECTIONS = 96
REQUEST_SECONDS = 10.0
"""How long a connection may take over its request's head."""
NEXT_SECONDS = 40.0
"""How long a connection may then take to have its answer read and the head of its next request sent. Longer than the
server waits for a next request's first byte (30 s): connections that are merely at rest end by that."""
LEAVE_SECONDS = 2.0
"""How long a connection that is over may take to read what was sent; then it is cut."""


class BoundedHttp(H11Protocol):
    """Lets no more than so many in, and none that gets nowhere: its time runs anew from step to step of a request."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._request_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        if len(self.connections) >= MOST_CONNECTIONS:
            transport.abort()
            return
        super().connection_made(transport)
        self._allow(REQUEST_SECONDS)

    def handle_events(self) -> None:
        if not self.transport:  # aborted before it began
            return
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            self._allow(NEXT_SECONDS)

    def on_response_complete(self) -> None:
        self._allow(NEXT_SECONDS)
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._request_timer is not None:
            self._request_timer.cancel()
            super().connection_lost(exc)

    def _allow(self, seconds: float) -> None:
        """Be cut off in so many seconds, unless there is some progress until then."""
        if self._request_timer is not None:
            self._request_timer.cancel()
        self._request_timer = self.loop.call_later(seconds, self._cut)

    def _cut(self) -> None:
        if self in self.connections:  # else it is a websocket by now
            self.transport.abort()


class BoundedSocket(WebSocketsSansIOProtocol):
    """Is gone soon after it is over, whether the other side reads or not."""

    def on_task_complete(self, task: "asyncio.Task[None]") -> None:
        super().on_task_complete(task)
        if not self.transport.is_closing() or self.transport.get_write_buffer_size():
            self.loop.call_later(LEAVE_SECONDS, self.transport.abort)
