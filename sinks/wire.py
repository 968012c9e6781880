"""How events travel: three message parts, topic, header and body (see docs/events.md)."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal, get_args
from urllib.parse import quote

import msgspec

from .complaints import harmless
from .event import AnyEvent, StreamEnded, StreamStarted
from .record import ModelRef
from .sink import SinkError

Encoding = Literal["msgpack", "json"]

SCHEMA_VERSION = "2.0"
"""Major.minor: a new minor adds fields or kinds, a new major breaks."""
MOST_HEADER_BYTES = 4096
MOST_BODY_BYTES = 2**20
HEARTBEAT_TOPIC = "bus.heartbeat"
EVENT_TOPICS = frozenset(str(kind.__struct_config__.tag) for kind in get_args(AnyEvent))
MESSAGE_PARTS = 3
_MOST_STREAMS = 64


Number = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Topic = Annotated[str, msgspec.Meta(max_length=64)]
Epoch = Annotated[str, msgspec.Meta(max_length=64)]


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The second part of a message, always JSON, so that anybody can tell what the third part is.

    The first five attributes have CloudEvents' names and meanings; all may be read without looking into the body.

    Attributes:
        specversion: of CloudEvents.
        id: epoch, type and sequence; no other message has it.
        source: the stream, as a URI: "fetalstream:" and its percent-encoded identity.
        type: kind of the event, equal to the topic.
        time: wall clock when it was published, RFC 3339 in UTC.
        monotonic_ns: the publisher's monotonic clock at the same moment; increases from message to message.
        encoding: of the body.
        schema: version of this contract.
        epoch: identity of the publisher's run; a restarted publisher has another.
        sequence: running number within epoch and topic, from 0: a jump tells how many messages were missed.
        model, config_sha256: what speaks in this stream; null where it is not known (heartbeats).
        research_use_only: no result is for diagnosis.
    """

    specversion: Literal["1.0"] = "1.0"
    id: str
    source: str
    type: str
    time: str
    monotonic_ns: Number
    encoding: Encoding
    schema: str = SCHEMA_VERSION
    epoch: Epoch
    sequence: Number
    model: ModelRef | None
    config_sha256: str | None
    research_use_only: bool = True


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag=HEARTBEAT_TOPIC):
    """The publisher lives. Not an event: it goes over the bus only.

    Attributes:
        interval_seconds: how long until the next one, at most.
        requests_port: TCP port, on the publisher's host, of its ROUTER socket for snapshots and replay; null for ipc,
            where the socket's file is the endpoint's with ".requests" behind it.
        next: for each topic the sequence number of its next message. Who expects a lower one has missed the last ones.
    """

    interval_seconds: float
    requests_port: Annotated[int, msgspec.Meta(ge=1, le=65535)] | None
    next: Annotated[dict[Topic, Number], msgspec.Meta(max_length=64)]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A decoded message; its topic is the event's kind."""

    topic: str
    header: Header
    event: AnyEvent | Heartbeat


Parts = tuple[bytes, bytes, bytes]
"""Topic, header and body of one message."""


class Writer:
    """Events to message parts, numbering each topic of one epoch. For one thread at a time."""

    def __init__(self, *, epoch: str, encoding: Encoding) -> None:
        self.epoch = epoch
        self.next: dict[str, int] = {}
        self._encoding: Encoding = encoding
        self._body = msgspec.msgpack.Encoder() if encoding == "msgpack" else msgspec.json.Encoder()
        self._header = msgspec.json.Encoder()
        self._speakers: dict[str, StreamStarted] = {}
        self._last_ns = 0

    def parts(self, event: AnyEvent | Heartbeat) -> tuple[Header, Parts]:
        """The next message, with its header in both forms; raises `SinkError` for an event too large to travel."""
        topic = kind_of(event)
        stream = "" if isinstance(event, Heartbeat) else event.stream
        if isinstance(event, StreamStarted):
            self._remember(event)
        speaker = self._speakers.get(stream)
        body = self._body.encode(event)
        if len(body) > MOST_BODY_BYTES:
            raise SinkError(f"an event of kind {topic!r} has {len(body)} bytes; allowed: {MOST_BODY_BYTES}")
        sequence = self.next.get(topic, 0)
        self._last_ns = max(self._last_ns + 1, time.monotonic_ns())
        header = Header(
            id=f"{self.epoch}/{topic}/{sequence}",
            source=f"fetalstream:{quote(stream[:255], safe='')}",
            type=topic,
            time=datetime.now(UTC).isoformat(timespec="milliseconds"),
            monotonic_ns=self._last_ns,
            encoding=self._encoding,
            epoch=self.epoch,
            sequence=sequence,
            model=speaker.model if speaker else None,
            config_sha256=speaker.config_sha256 if speaker else None,
        )
        encoded = self._header.encode(header)
        if len(encoded) > MOST_HEADER_BYTES:
            raise SinkError(f"a header has {len(encoded)} bytes; allowed: {MOST_HEADER_BYTES}")
        self.next[topic] = sequence + 1
        if isinstance(event, StreamEnded):
            self._speakers.pop(stream, None)
        return header, (topic.encode(), encoded, body)

    def _remember(self, started: StreamStarted) -> None:
        self._speakers[started.stream] = started
        if len(self._speakers) > _MOST_STREAMS:  # streams that never ended
            del self._speakers[next(iter(self._speakers))]


def kind_of(event: AnyEvent | Heartbeat) -> str:
    """The tag of an event's type, such as "plane.left"."""
    return str(event.__struct_config__.tag)


_header_decoder = msgspec.json.Decoder(Header)
_body_decoders = {
    "json": msgspec.json.Decoder(AnyEvent | Heartbeat),
    "msgpack": msgspec.msgpack.Decoder(AnyEvent | Heartbeat),
}


def decode(parts: Sequence[bytes]) -> Message:
    """What `Writer` made, whoever sent it: raises `SinkError` for anything else, and runs no code from the wire."""
    if len(parts) != MESSAGE_PARTS:
        raise SinkError(f"a message has topic, header and body, not {len(parts)} parts")
    topic, header_bytes, body = parts
    if len(header_bytes) > MOST_HEADER_BYTES or len(body) > MOST_BODY_BYTES:
        sizes = f"header of {len(header_bytes)} and body of {len(body)} bytes"
        raise SinkError(f"{sizes}: too long; allowed: {MOST_HEADER_BYTES} and {MOST_BODY_BYTES}")
    try:
        _check_version(header_bytes)
        header = _header_decoder.decode(header_bytes)
        event = _body_decoders[header.encoding].decode(body)
    # UnicodeDecodeError is a ValueError, as msgspec's errors are; nesting without end is a RecursionError.
    except (ValueError, RecursionError) as error:
        raise SinkError(f"not an event: {harmless(error)}") from None
    kind = kind_of(event)
    if topic != kind.encode() or header.type != kind:
        raise SinkError(f"topic {topic[:64]!r} or type {header.type[:64]!r} does not fit an event of kind {kind!r}")
    return Message(topic=kind, header=header, event=event)


class _Version(msgspec.Struct):
    schema: str


_version_decoder = msgspec.json.Decoder(_Version)


def _check_version(header_bytes: bytes) -> None:
    """Before all else: a header of another major need not have our fields."""
    schema = _version_decoder.decode(header_bytes).schema
    if schema.partition(".")[0] != SCHEMA_VERSION.partition(".")[0]:
        raise SinkError(f"message of schema {schema[:16]!r}; this program reads {SCHEMA_VERSION}")
