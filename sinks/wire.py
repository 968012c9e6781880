"""How events travel: three message parts, topic, header and body (see docs/events.md)."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from .event import AnyEvent
from .sink import SinkError

Encoding = Literal["msgpack", "json"]

SCHEMA_VERSION = "1.1"
"""Major.minor: a new minor adds fields or kinds, a new major breaks."""
MOST_HEADER_BYTES = 1024
MOST_BODY_BYTES = 2**20
_PARTS = 3


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The second part of a message, always JSON, so that anybody can tell what the third part is.

    Attributes:
        encoding: of the body.
        epoch: identity of the publisher's run; a restarted publisher has another.
        sequence: running number within epoch and topic, from 0: a jump tells how many messages were missed.
        schema: version of this contract.
    """

    encoding: Encoding
    epoch: str
    sequence: int
    schema: str = SCHEMA_VERSION


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A decoded message; its topic is the event's kind."""

    topic: str
    header: Header
    event: AnyEvent


class Writer:
    """Events to message parts, numbering each topic of one epoch. For one thread at a time."""

    def __init__(self, *, epoch: str, encoding: Encoding) -> None:
        self._epoch = epoch
        self._encoding: Encoding = encoding
        self._body = msgspec.msgpack.Encoder() if encoding == "msgpack" else msgspec.json.Encoder()
        self._header = msgspec.json.Encoder()
        self._next_sequence: dict[str, int] = {}

    def parts(self, event: AnyEvent) -> tuple[bytes, bytes, bytes]:
        """Topic, header and body of the next message."""
        topic = kind_of(event)
        sequence = self._next_sequence.get(topic, 0)
        self._next_sequence[topic] = sequence + 1
        header = Header(encoding=self._encoding, epoch=self._epoch, sequence=sequence)
        return topic.encode(), self._header.encode(header), self._body.encode(event)


def kind_of(event: AnyEvent) -> str:
    """The tag of an event's type, such as "plane.left"."""
    return str(event.__struct_config__.tag)


_header_decoder = msgspec.json.Decoder(Header)
_body_decoders = {"json": msgspec.json.Decoder(AnyEvent), "msgpack": msgspec.msgpack.Decoder(AnyEvent)}


def decode(parts: Sequence[bytes]) -> Message:
    """What `Writer` made, whoever sent it: raises `SinkError` for anything else, and runs no code from the wire."""
    if len(parts) != _PARTS:
        raise SinkError(f"a message has topic, header and body, not {len(parts)} parts")
    topic, header_bytes, body = parts
    if len(header_bytes) > MOST_HEADER_BYTES or len(body) > MOST_BODY_BYTES:
        sizes = f"header of {len(header_bytes)} and body of {len(body)} bytes"
        raise SinkError(f"{sizes}: too long; allowed: {MOST_HEADER_BYTES} and {MOST_BODY_BYTES}")
    try:
        header = _header_decoder.decode(header_bytes)
        if header.schema.partition(".")[0] != SCHEMA_VERSION.partition(".")[0]:
            raise SinkError(f"message of schema {header.schema!r}; this program reads {SCHEMA_VERSION}")
        event = _body_decoders[header.encoding].decode(body)
    # UnicodeDecodeError is a ValueError, as msgspec's errors are; nesting without end is a RecursionError.
    except (ValueError, RecursionError) as error:
        raise SinkError(f"not an event: {error}") from None
    if topic != kind_of(event).encode():
        raise SinkError(f"topic {topic[:64]!r} does not fit an event of kind {kind_of(event)!r}")
    return Message(topic=topic.decode(), header=header, event=event)
