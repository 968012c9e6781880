"""The published schema, held against real messages by a validator that knows nothing of us."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from fetalstream.sinks.questions import Answer, Question, encode_answer, encode_question
from fetalstream.sinks.wire import Heartbeat, Writer

SCHEMA: dict[str, Any] = json.loads((Path(__file__).parents[2] / "docs" / "events.schema.json").read_text())
BEAT = Heartbeat(interval_seconds=1.0, requests_port=5556, next={"plane.left": 3})


def fits(value: Any, kind: str | None = None) -> bool:
    """Whether a body, or a thing of the given kind, is as the schema says."""
    schema = SCHEMA if kind is None else {"$ref": f"#/$defs/{kind}", "$defs": SCHEMA["$defs"]}
    return Draft202012Validator(schema).is_valid(value)


def test_it_is_a_schema():
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
def test_every_message_fits(story, encoding):
    writer = Writer(epoch="e", encoding=encoding)
    for event in [*story("s"), BEAT]:
        _, header, body = writer.parts(event)[1]
        decoded = json.loads(body) if encoding == "json" else msgspec.msgpack.decode(body)
        assert fits(decoded), decoded
        assert fits(json.loads(header), "Header"), header


def test_questions_and_answers_fit():
    question = Question(ask="replay", topics=("plane.",), epoch="e", first={"plane.left": 3}, number=7)
    answer = Answer(answer="replay", epoch="e", next={"plane.left": 9}, more=True, number=7)
    assert fits(json.loads(encode_question(question)), "Question")
    assert fits({"ask": "snapshot"}, "Question")
    assert fits(json.loads(encode_answer(answer, [])[0]), "Answer")


def test_what_breaks_the_contract_does_not_fit(story):
    whole: dict[str, Any] = json.loads(msgspec.json.encode(story("s")[2]))
    assert fits(whole)
    for broken in (
        {**whole, "kind": "plane.unheard"},
        {**whole, "score": "0.9"},
        {**whole, "sequence": 1.5},
        {name: value for name, value in whole.items() if name != "stream"},
        [],
    ):
        assert not fits(broken)
    assert not fits({"ask": "everything"}, "Question")
    assert not fits({"ask": "snapshot", "topics": ["x" * 65]}, "Question")


def test_a_later_minor_version_with_more_fields_still_fits(story):
    for event in story("s"):
        assert fits({**json.loads(msgspec.json.encode(event)), "certainty": 0.5})
