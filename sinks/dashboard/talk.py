"""The conversation with one browser. It is told what is new as fast as it takes it, and never holds up another.

A browser says how many messages it has dealt with. Only two pictures and 64 messages are ever under way to it, so that
what it draws is the newest there was a moment ago, and what it costs is bounded, however slow it or the network is.
"""

import asyncio
import time
from collections import deque
from contextlib import suppress

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from ..operator import Operation
from .hub import Hub
from .messages import Ack, Answer, Events, FromBrowser, Operate, Ping, Pong
from .story import Told

MOST_PICTURES_UNDER_WAY = 2
MOST_UNDER_WAY = 64
MOST_EVENTS_AT_ONCE = 200
MOST_ANSWERS = 64
PATIENCE_SECONDS = 10.0
"""A browser that deals with nothing for so long is cut off; it finds its way back by itself."""
CLOSE_SECONDS = 1.0
MESSAGES_PER_SECOND, MESSAGES_BURST = 200.0, 400.0
WISHES_PER_SECOND, WISHES_BURST = 5.0, 10.0
TOO_SLOW, UNKNOWN_WORDS, TOO_MANY_WORDS, FAILED = 1013, 1003, 1008, 1011


class Bucket:
    """So many a second, and some more at once."""

    def __init__(self, per_second: float, burst: float) -> None:
        self._per_second, self._burst = per_second, burst
        self._left, self._at = burst, time.monotonic()

    def take(self) -> bool:
        """One more; False when it is one too many."""
        now = time.monotonic()
        self._left = min(self._burst, self._left + (now - self._at) * self._per_second)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Talk:
    """One browser. Lives in the server's thread.

    Args:
        socket: accepted already.
        hub: what there is to tell.
    """

    def __init__(self, socket: WebSocket, hub: Hub) -> None:
        self._socket = socket
        self._hub = hub
        self._changed = asyncio.Event()
        self._closing: tuple[int, str] | None = None
        self._gone = asyncio.Event()
        self._encoder = msgspec.json.Encoder()
        self._decoder: msgspec.json.Decoder[FromBrowser] = msgspec.json.Decoder(FromBrowser)
        self._answers: deque[bytes] = deque(maxlen=MOST_ANSWERS)
        self._words = Bucket(MESSAGES_PER_SECOND, MESSAGES_BURST)
        self._wishes = Bucket(WISHES_PER_SECOND, WISHES_BURST)
        self._tasks: set[asyncio.Task[None]] = set()
        self._fault: Exception | None = None  # of a wish
        self._next_event: int | None = None  # None: it knows nothing yet
        self._told: int | None = None
        self._status_number = 0
        self._picture_number = 0
        self._sent = self._dealt_with = self._last_told = 0
        self._pictures_under_way: deque[int] = deque()
        self._progress_seconds = time.monotonic()

    def wake(self) -> None:
        self._changed.set()

    def check(self, now_seconds: float) -> None:
        if self._sent > self._dealt_with and now_seconds - self._progress_seconds > PATIENCE_SECONDS:
            self._end(TOO_SLOW, "nothing dealt with for too long")

    @property
    def knows_all(self) -> bool:
        return self._next_event == self._hub.story.next and self._dealt_with >= self._last_told

    async def run(self) -> None:
        """Until the browser goes, is too slow, or says what cannot be understood. Raises what is our own fault."""
        self._hub.join(self)
        tasks = [asyncio.create_task(work) for work in (self._read(), self._write(), self._wait_for_end())]
        outcomes: list[BaseException | None] = []
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._hub.leave(self)
            for task in (*tasks, *self._tasks):
                task.cancel()
            outcomes += await asyncio.gather(*tasks, *self._tasks, return_exceptions=True)
        outcomes.append(self._fault)
        errors = [one for one in outcomes if isinstance(one, Exception) and not isinstance(one, WebSocketDisconnect)]
        if errors:
            self._end(FAILED, "an error of the server")
        if self._closing is not None:
            with suppress(TimeoutError, RuntimeError, WebSocketDisconnect):
                await asyncio.wait_for(self._socket.close(*self._closing), CLOSE_SECONDS)
        if errors:
            raise errors[0]

    async def _wait_for_end(self) -> None:
        await self._gone.wait()

    def _end(self, code: int, reason: str) -> None:
        if self._closing is None:
            self._closing = (code, reason)
            self._gone.set()

    async def _write(self) -> None:
        while True:
            message = self._due()
            if message is None:
                self._changed.clear()
                await self._changed.wait()
                continue
            if self._sent == self._dealt_with:
                self._progress_seconds = time.monotonic()
            self._sent += 1
            if self._told != self._next_event:
                self._told, self._last_told = self._next_event, self._sent
            if isinstance(message, bytes):
                self._pictures_under_way.append(self._sent)
            await self._send(message)

    async def _send(self, message: str | bytes) -> None:
        try:
            if isinstance(message, str):
                await self._socket.send_text(message)
            else:
                await self._socket.send_bytes(message)
        except RuntimeError:  # from the server: the browser has just been cut off for breaking the protocol
            raise WebSocketDisconnect from None

    def _due(self) -> str | bytes | None:
        """What to send next: answers before events before status before a picture (bytes)."""
        hub = self._hub
        if self._sent - self._dealt_with >= MOST_UNDER_WAY:
            return None
        if self._next_event is None:
            self._next_event = hub.story.next
            return hub.hello().decode()
        if self._answers:
            return self._answers.popleft().decode()
        if self._next_event < hub.story.next:
            return self._news(hub.story.after(self._next_event))
        if self._status_number != hub.status_number:
            self._status_number = hub.status_number
            return hub.status_json.decode()
        if self._picture_number != hub.picture_number and len(self._pictures_under_way) < MOST_PICTURES_UNDER_WAY:
            self._picture_number = hub.picture_number
            return hub.picture()
        return None

    def _news(self, events: list[Told] | None) -> str:
        if events is None:  # so far behind that some are forgotten
            self._next_event = self._hub.story.next
            return self._hub.hello().decode()
        told = events[:MOST_EVENTS_AT_ONCE]
        self._next_event = told[-1].n + 1
        return self._encoder.encode(Events(events=told)).decode()

    async def _read(self) -> None:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if not self._words.take():
                self._end(TOO_MANY_WORDS, "too many messages")
                return
            try:
                said = self._decoder.decode(message.get("text") or b"")
            except (msgspec.DecodeError, UnicodeEncodeError):
                self._end(UNKNOWN_WORDS, "not understood")
                return
            self._hear(said)

    def _hear(self, said: FromBrowser) -> None:
        if isinstance(said, Ack):
            if self._dealt_with < said.count <= self._sent:
                self._dealt_with = said.count
                self._progress_seconds = time.monotonic()
                while self._pictures_under_way and self._pictures_under_way[0] <= said.count:
                    self._pictures_under_way.popleft()
                self.wake()
        elif isinstance(said, Ping):
            self._answer(Pong(sent_ms=said.sent_ms, now_ms=time.monotonic_ns() / 1e6))
        elif not self._wishes.take():
            self._answer(Answer(id=said.id, ok=False, why="too many wishes at once"))
        else:
            task = asyncio.create_task(self._operate(said))
            self._tasks.add(task)
            task.add_done_callback(self._wish_is_over)

    def _wish_is_over(self, task: asyncio.Task[None]) -> None:
        """What goes wrong with it is our fault, and nobody else would hear of it: this browser begins anew."""
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            self._fault = self._fault or error
            self._end(FAILED, "an error of the server")

    async def _operate(self, said: Operate) -> None:
        why = await self._hub.operate(Operation(wish=said.wish, value=said.value))
        self._answer(Answer(id=said.id, ok=not why, why=why))

    def _answer(self, answer: Pong | Answer) -> None:
        self._answers.append(self._encoder.encode(answer))
        self.wake()
