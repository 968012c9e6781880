import contextlib
import pickle
import time
import types
import typing
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetalstream.sinks import AnyEvent, PlaneEntered, SinkError, StreamState
from fetalstream.sinks.wire import MOST_BODY_BYTES, Heartbeat, Parts, Writer, decode, kind_of

ENTERED = PlaneEntered(stream="s", sequence=0, plane="femur", start_seconds=1.0, score=0.9)


def written(event: AnyEvent) -> Parts:
    return Writer(epoch="e", encoding="json").parts(event)[1]


def strategy_of(annotation: typing.Any) -> st.SearchStrategy:
    """Values of an event's field that the wire can carry: no NaN, integers of 64 bits."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return st.one_of(*map(strategy_of, arguments))
    if origin is tuple:
        return st.lists(strategy_of(arguments[0]), max_size=5).map(tuple)
    if origin is dict:
        return st.dictionaries(*map(strategy_of, arguments), max_size=3)
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        hints = typing.get_type_hints(annotation, include_extras=True)
        names = annotation.__struct_fields__
        return st.builds(annotation, **{name: strategy_of(hints[name]) for name in names})
    if origin is typing.Annotated and arguments[0] is int:
        return st.integers(arguments[1].ge, arguments[1].le)
    if origin is typing.Annotated:
        return st.text(max_size=arguments[1].max_length) if arguments[0] is str else strategy_of(arguments[0])
    if annotation is float:
        return st.floats(allow_nan=False, allow_infinity=False)
    return st.integers(-(2**63), 2**63 - 1) if annotation is int else st.from_type(annotation)


events = st.one_of(*(strategy_of(kind) for kind in typing.get_args(AnyEvent)))


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
@given(event=events)
def test_any_event_arrives_as_it_was_sent(encoding, event):
    header, parts = Writer(epoch="e", encoding=encoding).parts(event)
    message = decode(parts)
    assert message.event == event
    assert message.topic == kind_of(event)
    assert message.header == header


def test_every_kind_of_event_has_a_topic_of_its_own(story):
    topics = [kind_of(event) for event in story("s")]
    assert len(set(topics)) == len(topics) == len(typing.get_args(AnyEvent))


def test_each_topic_is_numbered_from_0(story):
    writer = Writer(epoch="e", encoding="json")
    first = [writer.parts(event)[0].sequence for event in story("a")]
    second = [writer.parts(event)[0].sequence for event in story("b")]
    assert (set(first), set(second)) == ({0}, {1})


def test_the_header_and_a_json_body_can_be_read_without_this_package():
    topic, header_bytes, body = written(ENTERED)
    header = msgspec.json.decode(header_bytes)
    assert topic == b"plane.entered"
    assert {name: header[name] for name in ("specversion", "id", "source", "type")} == {
        "specversion": "1.0",
        "id": "e/plane.entered/0",
        "source": "fetalstream:s",
        "type": "plane.entered",
    }
    assert (header["encoding"], header["schema"], header["epoch"], header["sequence"]) == ("json", "2.0", "e", 0)
    assert header["research_use_only"] is True
    assert msgspec.json.decode(body)["kind"] == "plane.entered"


def test_times_are_those_of_publishing_and_the_monotonic_one_always_grows():
    writer = Writer(epoch="e", encoding="json")
    before_ns, before = time.monotonic_ns(), datetime.now(UTC)
    headers = [writer.parts(ENTERED)[0] for _ in range(1000)]
    numbers = [header.monotonic_ns for header in headers]
    assert before_ns < numbers[0]
    assert numbers == sorted(set(numbers))
    assert all(timedelta(seconds=-1) < datetime.fromisoformat(h.time) - before < timedelta(minutes=1) for h in headers)


def test_every_header_tells_which_weights_and_which_configuration_spoke_in_its_stream(story):
    writer = Writer(epoch="e", encoding="json")
    headers: dict[str, list] = {"a": [], "b": []}
    started, *rest = story("b")
    other = [msgspec.structs.replace(started, config_sha256="ee" * 32), *rest]
    for pair in zip(story("a"), other, strict=True):  # two streams at a time
        for event in pair:
            headers[event.stream].append(writer.parts(event)[0])
    assert {header.config_sha256 for header in headers["a"]} == {"cd" * 32}
    assert {header.config_sha256 for header in headers["b"]} == {"ee" * 32}
    assert {header.model.sha256 for header in headers["a"] if header.model} == {"ab" * 32}
    later = writer.parts(StreamState(stream="a", sequence=9, state="running"))[0]
    assert (later.model, later.config_sha256) == (None, None)  # a stream that has ended speaks no more


def test_streams_that_never_end_are_not_remembered_forever(story):
    writer = Writer(epoch="e", encoding="json")
    for index in range(1000):
        writer.parts(story(f"s{index}")[0])
    assert len(writer._speakers) <= 64


def test_the_name_of_a_stream_becomes_a_uri():
    header, _ = Writer(epoch="e", encoding="json").parts(
        StreamState(stream="Müller scan/1 ?", sequence=0, state="running")
    )
    assert header.source == "fetalstream:M%C3%BCller%20scan%2F1%20%3F"


def test_an_event_too_large_to_travel_is_refused_where_it_is_made():
    with pytest.raises(SinkError, match=r"'stream.state' has \d+ bytes; allowed: 1048576"):
        written(StreamState(stream="s", sequence=0, state="running", reason="x" * MOST_BODY_BYTES))


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
@given(beat=strategy_of(Heartbeat))
def test_a_heartbeat_arrives_as_it_was_sent(encoding, beat):
    assert decode(Writer(epoch="e", encoding=encoding).parts(beat)[1]).event == beat


def test_fields_of_a_later_minor_version_are_passed_over():
    _, header, body = written(ENTERED)
    later = {**msgspec.json.decode(body), "certainty": 0.5}
    newer = header.replace(b'"2.0"', b'"2.7","flavour":"new"')
    assert decode((b"plane.entered", newer, msgspec.json.encode(later))).event == ENTERED


TOPIC, HEADER, BODY = written(ENTERED)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ((TOPIC, BODY), "not 2 parts"),
        ((), "not 0 parts"),
        ((b"plane.left", HEADER, BODY), "does not fit an event of kind 'plane.entered'"),
        ((TOPIC, HEADER.replace(b'"2.0"', b'"3.0"'), BODY), "schema '3.0'; this program reads 2.0"),
        ((TOPIC, b'{"schema":"1.1","sequence":7}', BODY), "schema '1.1'; this program reads 2.0"),
        ((TOPIC, HEADER.replace(b'"sequence":0', b'"sequence":-1'), BODY), "not an event"),
        ((TOPIC, HEADER.replace(b'"sequence":0', b'"sequence":9999999999999999999'), BODY), "not an event"),
        ((TOPIC, HEADER.replace(b'"epoch":"e"', b'"epoch":"' + b"e" * 99 + b'"'), BODY), "not an event"),
        ((TOPIC, HEADER.replace(b'"type":"plane.entered"', b'"type":"plane.left"'), BODY), "does not fit"),
        ((TOPIC, HEADER.replace(b'"json"', b'"pickle"'), BODY), "not an event"),
        ((TOPIC, HEADER.replace(b'"json"', b'"msgpack"'), BODY), "not an event"),
        ((TOPIC, HEADER, pickle.dumps(ENTERED.score)), "not an event"),
        ((TOPIC, HEADER, BODY.replace(b"0.9", b'"0.9"')), "not an event"),
        ((TOPIC, HEADER, BODY.replace(b"plane.entered", b"plane.unheard")), "not an event"),
        ((TOPIC, HEADER, BODY.replace(b"plane.entered", b"plane\\nWARNING\\u001b[2J")), "not an event"),
        ((TOPIC, HEADER, b"[" * 100_000), "not an event"),
        ((TOPIC, HEADER, b"\xff" * 10), "not an event"),
        ((TOPIC, HEADER + b" " * 4096, BODY), "too long"),
        ((TOPIC, HEADER, BODY + b" " * MOST_BODY_BYTES), "too long"),
    ],
)
def test_what_is_no_event_is_refused_in_one_line(parts, message):
    with pytest.raises(SinkError, match=message) as caught:
        decode(parts)
    assert "\n" not in str(caught.value)


@given(parts=st.lists(st.binary(max_size=200), max_size=4))
def test_random_bytes_are_refused(parts):
    with pytest.raises(SinkError):
        decode(parts)


@given(body=st.binary(max_size=300), encoding=st.sampled_from([b"json", b"msgpack"]))
def test_random_bodies_are_refused(body, encoding):
    with pytest.raises(SinkError):
        decode((TOPIC, HEADER.replace(b"json", encoding), body))


@given(position=st.integers(0, len(BODY) - 1), value=st.integers(0, 255))
def test_a_torn_body_gives_an_event_or_a_refusal(position, value):
    torn = BODY[:position] + bytes([value]) + BODY[position + 1 :]
    with contextlib.suppress(SinkError):
        assert isinstance(decode((TOPIC, HEADER, torn)).event, PlaneEntered)
