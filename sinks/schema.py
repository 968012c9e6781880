"""The wire contract as JSON Schema, made from the types themselves."""

from typing import Any

import msgspec

from .event import AnyEvent
from .questions import Answer, Question
from .wire import SCHEMA_VERSION, Header, Heartbeat


def wire_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of every body on the bus; headers, questions and answers are under ``$defs`` beside it."""
    (body, *_), definitions = msgspec.json.schema_components(
        (AnyEvent | Heartbeat, Header, Question, Answer), ref_template="#/$defs/{name}"
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"FetalStream events, schema {SCHEMA_VERSION}",
        "description": "A body: an event or a heartbeat. Headers are $defs/Header. Research use only.",
        **body,
        "$defs": dict(sorted(definitions.items())),
    }


def wire_schema_text() -> str:
    """The same, ready to be a file."""
    return msgspec.json.format(msgspec.json.encode(wire_schema()), indent=2).decode() + "\n"
