"""What docs/events.md promises."""

import json
import os
import re
import shutil
import subprocess
import sys
import typing
from contextlib import closing
from pathlib import Path

import pytest

from fetalstream.sinks import AnyEvent, PlaneEntered
from fetalstream.sinks.desk import QUESTIONS_PER_SECOND
from fetalstream.sinks.publisher import DEFAULT_HWM, Publisher
from fetalstream.sinks.questions import (
    MOST_ANSWER_BYTES,
    MOST_ANSWER_MESSAGES,
    MOST_QUESTION_BYTES,
    Answer,
    Question,
)
from fetalstream.sinks.ring import MOST_BYTES, MOST_MESSAGES, Ring
from fetalstream.sinks.schema import wire_schema_text
from fetalstream.sinks.wire import MOST_BODY_BYTES, MOST_HEADER_BYTES, SCHEMA_VERSION, Encoding, Header, Heartbeat

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "events.md").read_text(encoding="utf-8")


def test_the_page_lists_every_kind_with_every_field():
    rows = dict(re.findall(r"^\| `([a-z]+\.[a-z.]+)` \| (.+) \|$", PAGE, re.MULTILINE))
    common = {"stream", "sequence", "stamp"}
    assert set(rows) == {kind.__struct_config__.tag for kind in typing.get_args(AnyEvent)}
    for kind in typing.get_args(AnyEvent):
        told = set(re.findall(r"`([a-z0-9_]+)`", rows[kind.__struct_config__.tag]))
        assert set(kind.__struct_fields__) - common <= told


def test_the_schema_is_that_of_the_types():
    """Once it is not: fetalstream events schema > docs/events.schema.json"""
    assert (DOCS / "events.schema.json").read_text(encoding="utf-8") == wire_schema_text()


def test_the_header_of_the_page_has_the_fields_of_a_header():
    block = re.search(r"```json\n(.+?)```", PAGE, re.DOTALL)
    assert block is not None
    assert list(json.loads(block[1])) == list(Header.__struct_fields__)
    assert json.loads(block[1])["schema"] == SCHEMA_VERSION


def test_the_page_explains_every_field_of_heartbeats_questions_and_answers():
    for kind in (Heartbeat, Question, Answer):
        assert [name for name in kind.__struct_fields__ if f"`{name}`" not in PAGE] == []


def test_the_limits_of_the_page_are_those_of_the_code():
    text = " ".join(PAGE.split())
    assert f"{DEFAULT_HWM} messages wait for each" in text
    assert f"the last {MOST_MESSAGES:,} messages or {MOST_BYTES // 2**20} MiB".replace(",", " ") in text
    assert f"at most {MOST_ANSWER_MESSAGES} messages or {MOST_ANSWER_BYTES // 2**10} KiB at a time" in text
    assert f"{QUESTIONS_PER_SECOND} answers a second" in text
    assert (MOST_HEADER_BYTES, MOST_QUESTION_BYTES, MOST_BODY_BYTES) == (4096, 4096, 2**20)


def entered(sequence: int) -> PlaneEntered:
    return PlaneEntered(stream="s", sequence=sequence, plane=f"femur {sequence}", start_seconds=1.5, score=0.9)


def follow(command: list[str], encoding: Encoding, joined: str) -> None:
    """Runs a subscriber that is not ours against a publisher whose messages are lost now and then."""
    publisher = Publisher("tcp://127.0.0.1:*", encoding=encoding)
    for sequence in range(3):
        publisher.write(entered(sequence))
    with (
        closing(publisher),
        subprocess.Popen([*command, publisher.endpoint], stdout=subprocess.PIPE, text=True) as child,
    ):
        assert child.stdout is not None
        lines = (line.strip() for line in child.stdout)
        assert next(lines) == joined
        publisher.write(entered(3))
        assert next(lines) == "plane.entered femur 3"
        publisher._send = lambda parts: None  # the network loses some
        for sequence in range(4, 604):
            publisher.write(entered(sequence))
        del publisher._send
        publisher.write(entered(604))
        assert [next(lines) for _ in range(601)] == [f"plane.entered femur {number}" for number in range(4, 605)]
        publisher._send = lambda parts: None  # and here the publisher has forgotten it besides
        publisher.write(entered(605))
        publisher._ring = Ring()
        del publisher._send
        publisher.write(entered(606))
        assert [next(lines), next(lines)] == ["lost 1 of plane.entered", "plane.entered femur 606"]
        child.kill()


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
def test_the_subscriber_of_the_page_joins_by_a_snapshot_and_gets_back_what_it_missed(encoding: Encoding):
    block = re.search(r"```python\n(.+?)```", PAGE, re.DOTALL)
    assert block is not None
    follow([sys.executable, "-c", block[1]], encoding, "joined after 3 events, 1 of them are the state")


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The C++ subscriber; its libraries are in .ci/packages.txt."""
    program = tmp_path_factory.mktemp("cpp") / "subscriber"
    command = ["g++", "-std=c++17", "-Wall", "-Wextra", "-o", program, DOCS / "subscriber.cpp", "-lzmq"]
    headers = all((Path("/usr/include") / name).exists() for name in ("zmq_addon.hpp", "nlohmann/json.hpp"))
    if (not headers or shutil.which("g++") is None) and not os.environ.get("CI"):
        pytest.skip("needs g++, cppzmq-dev and nlohmann-json3-dev")
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return program


@pytest.mark.server
@pytest.mark.parametrize("encoding", ["msgpack", "json"])
def test_the_subscriber_in_another_language_does_the_same(compiled: Path, encoding: Encoding):
    follow([str(compiled)], encoding, "joined after 3 events")
