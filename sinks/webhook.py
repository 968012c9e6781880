"""Events to somebody's web server: each again and again until it is taken, without anybody waiting for it."""

import os
import random
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from .database import DatabaseErrors, reason_of
from .event import AnyEvent, FrameScores
from .outbox import Letter, Outbox
from .post import Answer, Mailbox, Reply
from .sink import SinkError, SinkTroubleError, Standing
from .wire import kind_of

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 60.0
CLOSE_SECONDS = 2.0
"""How long closing waits for deliveries; what remains waits on disk for the next run."""


class WebhookSink:
    """Queues each event on disk and posts it from a thread of its own (`Mailbox`), oldest first, one at a time.

    An event is sent until the server answers 2xx, with growing pauses, over restarts: it arrives at least once, and
    each time with the same ``Idempotency-Key``. What a server refuses for good (400, 413, 414, 415, 422) is set aside
    in the queue's file and counts as lost. ``write`` never waits for the network.

    Args:
        url: https, or http on this machine.
        queue: file of the queue; one per sink.
        topics: beginnings of the kinds to send, such as "plane."; empty: all but "frame.scores".
        token_variable: environment variable that holds a bearer token; the token itself belongs in no configuration.
        timeout_seconds: how long to wait for each sign of life of the server.
        most_waiting: events kept in the queue; beyond that the oldest are lost, and counted.
        plain_http: allow http to other machines, where anybody on the way can read along.
    """

    def __init__(
        self,
        url: str,
        queue: Path | str,
        *,
        topics: Sequence[str] = (),
        token_variable: str | None = None,
        timeout_seconds: float = 10.0,
        most_waiting: int = 10_000,
        plain_http: bool = False,
    ) -> None:
        token = None if token_variable is None else _token(token_variable)
        self._mailbox = Mailbox(url, token=token, timeout_seconds=timeout_seconds, plain_http=plain_http)
        self._queue = Path(queue)
        self._outbox = Outbox(self._queue, most=most_waiting)
        self._topics = tuple(topics)
        self._encoder = msgspec.json.Encoder()
        self._reason = ""
        self._crowded_out = 0
        self._refused = 0
        self._news = threading.Event()
        self._closing = threading.Event()
        self._close_at = float("inf")
        self._courier = threading.Thread(target=self._deliver, name="webhook", daemon=True)
        self._courier.start()

    @property
    def standing(self) -> Standing:
        """What keeps events from being delivered (see `BackgroundSink`)."""
        return Standing("webhook", self._reason, len(self._outbox), self._crowded_out + self._refused)

    def write(self, event: AnyEvent) -> None:
        if self._closing.is_set():
            raise SinkError(f"{self._queue}: is closed, no event can be queued")
        kind = kind_of(event)
        if not (kind.startswith(self._topics) if self._topics else not isinstance(event, FrameScores)):
            return
        try:
            lost = self._outbox.put(kind=kind, stream=event.stream, body=self._encoder.encode(event))
        except DatabaseErrors as error:
            raise SinkTroubleError(sink="webhook", where=str(self._queue), reason=reason_of(error)) from None
        self._crowded_out += lost
        self._news.set()

    def close(self) -> None:
        if self._closing.is_set():
            return
        self._close_at = time.monotonic() + CLOSE_SECONDS
        self._closing.set()
        self._news.set()
        self._courier.join(CLOSE_SECONDS)
        self._outbox.close()

    # What follows runs in the courier's thread.

    def _deliver(self) -> None:
        failures = 0
        try:
            while (letter := self._next()) is not None:
                reply = self._mailbox.post(letter)
                self._reason = reply.reason
                if reply.answer is not Answer.LATER:
                    failures = 0
                    self._settle(letter, reply)
                    continue
                failures += 1
                pause_seconds = pause_after(failures) if reply.pause_seconds is None else reply.pause_seconds
                if self._closing.wait(pause_seconds):
                    break
        except Exception as error:  # whatever it is, the stream goes on, and somebody must see it
            self._reason = f"deliveries have stopped: {type(error).__name__}: {error}"
        finally:
            self._mailbox.close()

    def _next(self) -> Letter | None:
        """Waits for the next letter; None when it is time to go."""
        while True:
            self._news.clear()
            letter = self._outbox.oldest() if time.monotonic() < self._close_at else None
            if letter is not None or self._closing.is_set():
                return letter
            self._news.wait()

    def _settle(self, letter: Letter, reply: Reply) -> None:
        """Let go of a letter that has been answered; on a full disk, as soon as that is possible again."""
        while True:
            try:
                if reply.answer is Answer.TAKEN:
                    self._outbox.delivered(letter)
                else:
                    self._outbox.refused(letter, reply.reason)
                    self._refused += 1
            except DatabaseErrors as error:
                self._reason = f"the queue: {reason_of(error)}"
            else:
                self._reason = reply.reason
                return
            if self._closing.wait(FIRST_PAUSE_SECONDS):
                return


def pause_after(failures: int) -> float:
    """Seconds to wait after so many failures in a row: doubling, and never the same for two who wait."""
    longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(failures - 1, 16))
    return longest * random.uniform(0.5, 1.0)


def _token(variable: str) -> str:
    token = os.environ.get(variable, "")
    if not token.strip() or not token.isascii() or not token.isprintable():
        raise SinkError(f"webhook token: environment variable {variable!r} must hold one line of ASCII")
    return token.strip()
