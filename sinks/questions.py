"""What is asked of a publisher over its ROUTER socket, and what it answers (see docs/events.md)."""

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec

from .complaints import harmless
from .sink import SinkError
from .wire import MESSAGE_PARTS, Epoch, Number, Parts, Topic

MOST_QUESTION_BYTES = 4096
MOST_ANSWER_BYTES = 2**18
MOST_ANSWER_MESSAGES = 256


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One part, JSON, at most 4 KiB.

    Attributes:
        ask: "snapshot" for the last message of each topic of each stream, "replay" for what was missed.
        topics: beginnings of topics, as for a subscription; "" is every topic's.
        epoch: of the publisher that is asked for a replay; another one answers with no messages.
        first: for a replay: by topic, the sequence number from which on messages are wanted; 0 for those not named.
        number: comes back in the answer.
    """

    ask: Literal["snapshot", "replay"]
    topics: Annotated[tuple[Topic, ...], msgspec.Meta(max_length=32)] = ("",)
    epoch: Epoch = ""
    first: Annotated[dict[Topic, Number], msgspec.Meta(max_length=32)] = {}
    number: Number = 0


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """First part of an answer, JSON; topic, header and body of each message follow, in the order they were sent.

    Attributes:
        answer: what was asked for.
        epoch: of the publisher that answers.
        next: by topic, the sequence number of the next message it will send.
        more: whether the replay goes on behind these messages; ask again, from behind the last of each topic.
        number: of the question.
    """

    answer: Literal["snapshot", "replay"]
    epoch: Epoch
    next: Annotated[dict[Topic, Number], msgspec.Meta(max_length=64)]
    more: bool
    number: Number


_encoder = msgspec.json.Encoder()
_question_decoder = msgspec.json.Decoder(Question)
_answer_decoder = msgspec.json.Decoder(Answer)


def encode_question(question: Question) -> bytes:
    return _encoder.encode(question)


def decode_question(part: bytes) -> Question:
    """Raises `SinkError` for whatever is no question."""
    if len(part) > MOST_QUESTION_BYTES:
        raise SinkError(f"a question of {len(part)} bytes; allowed: {MOST_QUESTION_BYTES}")
    try:
        return _question_decoder.decode(part)
    except (ValueError, RecursionError) as error:
        raise SinkError(f"not a question: {harmless(error)}") from None


def encode_answer(answer: Answer, messages: Sequence[Parts]) -> list[bytes]:
    return [_encoder.encode(answer), *(part for message in messages for part in message)]


def decode_answer(parts: Sequence[bytes]) -> tuple[Answer, list[Sequence[bytes]]]:
    """The answer and the messages behind it, yet to be decoded. Raises `SinkError` for whatever is none."""
    if len(parts) % MESSAGE_PARTS != 1:
        raise SinkError(f"an answer has one part and three for each message, not {len(parts)}")
    try:
        answer = _answer_decoder.decode(parts[0])
    except (ValueError, RecursionError) as error:
        raise SinkError(f"not an answer: {harmless(error)}") from None
    return answer, [parts[start : start + MESSAGE_PARTS] for start in range(1, len(parts), MESSAGE_PARTS)]
