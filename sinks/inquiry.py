"""The client's side of asking a publisher: one question at a time, asked again when it is not answered."""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Literal

import zmq

from .questions import Answer, Question, decode_answer, encode_question

ANSWER_SECONDS = 1.0
ATTEMPTS = 3
_HWM = 16


class Inquiry:
    """A DEALER socket to a publisher's ROUTER. For one thread at a time.

    Args:
        socket: options set, not yet connected.
        topics: beginnings of the topics that are asked for.
    """

    def __init__(self, socket: "zmq.Socket[bytes]", endpoint: str, topics: tuple[str, ...]) -> None:
        self.socket = socket
        self.endpoint = endpoint
        self._topics = topics
        self._question: Question | None = None
        self._number = 0
        self._attempts = 0
        self._overdue_at = 0.0
        socket.setsockopt(zmq.SNDHWM, _HWM)
        socket.setsockopt(zmq.RCVHWM, _HWM)
        socket.connect(endpoint)

    @property
    def waiting(self) -> bool:
        """Whether a question is under way."""
        return self._question is not None

    @property
    def failed(self) -> bool:
        """Whether the question has been asked often enough."""
        return self.waiting and self._attempts >= ATTEMPTS and time.monotonic() >= self._overdue_at

    def ask(
        self, ask: Literal["snapshot", "replay"], *, epoch: str = "", first: Mapping[str, int] | None = None
    ) -> None:
        self._question = Question(ask=ask, topics=self._topics, epoch=epoch, first=dict(first or {}))
        self._attempts = 0
        self._send()

    def forget(self) -> None:
        """No answer is waited for any more."""
        self._question = None

    def answer(self, timeout_seconds: float) -> tuple[Answer, list[Sequence[bytes]]] | None:
        """The answer, if it comes in time; asks again when it is overdue. Raises `SinkError` for what is none."""
        if self._question is None:
            return None
        wait_seconds = max(0.0, min(timeout_seconds, self._overdue_at - time.monotonic()))
        if self.socket.poll(round(wait_seconds * 1000)):
            answer, messages = decode_answer(self.socket.recv_multipart(zmq.NOBLOCK))
            if answer.number != self._number or answer.answer != self._question.ask:
                return None  # to a question asked earlier
            self._question = None
            return answer, messages
        if time.monotonic() >= self._overdue_at and self._attempts < ATTEMPTS:
            self._send()
        return None

    def _send(self) -> None:
        assert self._question is not None
        self._number += 1
        self._attempts += 1
        self._overdue_at = time.monotonic() + ANSWER_SECONDS
        question = Question(
            ask=self._question.ask,
            topics=self._topics,
            epoch=self._question.epoch,
            first=self._question.first,
            number=self._number,
        )
        with suppress(zmq.Again):  # nobody takes questions: overdue like those that were sent
            self.socket.send(encode_question(question), zmq.NOBLOCK)
