import contextlib
import pickle
import types
import typing

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetalstream.sinks import AnyEvent, PlaneEntered, SinkError
from fetalstream.sinks.wire import MOST_BODY_BYTES, Header, Writer, decode, kind_of

ENTERED = PlaneEntered(stream="s", sequence=0, plane="femur", start_seconds=1.0, score=0.9)


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
        hints = typing.get_type_hints(annotation)
        names = annotation.__struct_fields__
        return st.builds(annotation, **{name: strategy_of(hints[name]) for name in names})
    if annotation is float:
        return st.floats(allow_nan=False, allow_infinity=False)
    return st.integers(-(2**63), 2**63 - 1) if annotation is int else st.from_type(annotation)


events = st.one_of(*(strategy_of(kind) for kind in typing.get_args(AnyEvent)))


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
@given(event=events)
def test_any_event_arrives_as_it_was_sent(encoding, event):
    message = decode(Writer(epoch="e", encoding=encoding).parts(event))
    assert message.event == event
    assert message.topic == kind_of(event)
    assert message.header == Header(encoding=encoding, epoch="e", sequence=0)


def test_every_kind_of_event_has_a_topic_of_its_own(story):
    topics = [kind_of(event) for event in story("s")]
    assert len(set(topics)) == len(topics) == len(typing.get_args(AnyEvent))


def test_each_topic_is_numbered_from_0(story):
    writer = Writer(epoch="e", encoding="json")
    sent = [decode(writer.parts(event)) for event in story("a") + story("b")]
    assert [message.header.sequence for message in sent] == [0] * 8 + [1] * 8


def test_the_header_and_a_json_body_can_be_read_without_this_package():
    topic, header, body = Writer(epoch="e", encoding="json").parts(ENTERED)
    assert topic == b"plane.entered"
    assert msgspec.json.decode(header) == {"encoding": "json", "epoch": "e", "sequence": 0, "schema": "1.1"}
    assert msgspec.json.decode(body)["kind"] == "plane.entered"


def test_the_same_event_gives_the_same_bytes():
    assert len({Writer(epoch="e", encoding="msgpack").parts(ENTERED) for _ in range(5)}) == 1


def test_fields_of_a_later_minor_version_are_passed_over():
    _, header, body = Writer(epoch="e", encoding="json").parts(ENTERED)
    later = {**msgspec.json.decode(body), "certainty": 0.5}
    newer = header.replace(b'"1.1"', b'"1.7"')
    assert decode((b"plane.entered", newer, msgspec.json.encode(later))).event == ENTERED


TOPIC, HEADER, BODY = Writer(epoch="e", encoding="json").parts(ENTERED)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ((TOPIC, BODY), "not 2 parts"),
        ((), "not 0 parts"),
        ((b"plane.left", HEADER, BODY), "does not fit an event of kind 'plane.entered'"),
        ((TOPIC, HEADER.replace(b'"1.1"', b'"2.0"'), BODY), "schema '2.0'; this program reads 1.1"),
        ((TOPIC, HEADER.replace(b'"json"', b'"pickle"'), BODY), "not an event"),
        ((TOPIC, HEADER.replace(b'"json"', b'"msgpack"'), BODY), "not an event"),
        ((TOPIC, HEADER, pickle.dumps(ENTERED.score)), "not an event"),
        ((TOPIC, HEADER, BODY.replace(b"0.9", b'"0.9"')), "not an event"),
        ((TOPIC, HEADER, BODY.replace(b"plane.entered", b"plane.unheard")), "not an event"),
        ((TOPIC, HEADER, b"[" * 100_000), "not an event"),
        ((TOPIC, HEADER, b"\xff" * 10), "not an event"),
        ((TOPIC, HEADER + b" " * 2000, BODY), "too long"),
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
