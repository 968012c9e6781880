"""The commands around the bus, run as a user runs them."""

import json
import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import pytest

from fetalstream.sinks import PlaneEntered, StreamState
from fetalstream.sinks.publisher import Publisher
from fetalstream.sinks.schema import wire_schema_text

OPEN = "sinks=[{kind: zmq, endpoint: 'tcp://0.0.0.0:5555'}]"
CLOSED = "sinks=[{kind: zmq, key: nobody}]"
COMMAND = [sys.executable, "-m", "fetalstream"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FETALSTREAM_HOME", str(tmp_path))
    return tmp_path


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=60)


def entered(sequence: int) -> PlaneEntered:
    return PlaneEntered(stream="s", sequence=sequence, plane="femur", start_seconds=1.0, score=0.9)


def test_the_contract_is_printed():
    done = run("events", "schema")
    assert done.stdout == wire_schema_text()
    assert json.loads(done.stdout)["$defs"]["PlaneEntered"]["properties"]["plane"] == {"type": "string"}


def test_keys_are_made_allowed_and_listed_and_open_the_connection(home: Path):
    for name in ("clinic", "laptop"):
        done = run("keys", "create", name)
        assert done.returncode == 0, done.stderr
        assert str(home / "keys" / f"{name}.key_secret") in done.stdout
    assert run("keys", "allow", str(home / "keys" / "laptop.key")).returncode == 0
    listed = run("keys", "list").stdout.splitlines()
    assert [line.split()[0::2] for line in listed] == [["own", "clinic"], ["own", "laptop"], ["allowed", "laptop"]]
    secrets = [
        line for file in (home / "keys").glob("*_secret") for line in file.read_text().splitlines() if "secret-" in line
    ]
    assert len(secrets) == 2
    assert not any(line.split('"')[1] in "".join(listed) for line in secrets)
    publisher = Publisher("tcp://127.0.0.1:*", key="clinic")
    for sequence in range(3):
        publisher.write(entered(sequence))
    keys = ("--key", "laptop", "--server-key", str(home / "keys" / "clinic.key"))
    done = run("listen", publisher.endpoint, *keys, "--history", "--json", "--count", "3")
    assert [json.loads(line)["sequence"] for line in done.stdout.splitlines()] == [0, 1, 2]
    publisher.close()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["keys", "create", "../../x"], "is no name for a key"),
        (["keys", "allow", "nothing.key"], "is neither a public key"),
        (["listen", "--key", "laptop"], "the publisher's public key is missing"),
        (["listen", "--key", "laptop", "--server-key", "x"], "no such secret key"),
        (["live", "phantom://", "--set", OPEN], "fetalstream keys create NAME"),
        (["live", "phantom://", "--set", CLOSED], "no such secret key"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(home: Path, arguments: list[str], said: str):
    done = run(*arguments)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_listener_that_comes_late_is_told_how_much_and_gets_the_state():
    publisher = Publisher("tcp://127.0.0.1:*")
    publisher.write(StreamState(stream="s", sequence=0, state="running"))
    for sequence in range(5):
        publisher.write(entered(sequence))
    done = run("listen", publisher.endpoint, "--count", "2")
    publisher.close()
    assert done.stdout.splitlines() == [
        "            stream.state      s: running",
        "  0:01.000  plane.entered     femur score 0.90",
    ]
    assert done.stderr.splitlines() == ["joined after 6 events; the last of each kind follow (2)"]


def read_until(stream: IO[str], words: str) -> None:
    """Busy machines say other things between: a silence that was none, a late join."""
    said: list[str] = []
    while words not in (line := stream.readline()):
        said.append(line)
        assert line, f"{words!r} was never said, but {said}"


def test_a_listener_says_when_its_publisher_dies_and_when_another_comes():
    publisher = Publisher("tcp://127.0.0.1:*")
    endpoint = publisher.endpoint
    command = [*COMMAND, "listen", endpoint, "--json"]
    pipes = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with pipes as child, ExitStack() as stack:
        stack.callback(child.kill)  # a failure below must not wait for it
        assert child.stdout is not None
        assert child.stderr is not None
        publisher.write(entered(0))
        assert json.loads(child.stdout.readline())["sequence"] == 0
        publisher.close()
        read_until(child.stderr, "no sign of life")
        publisher = Publisher(endpoint)
        publisher.write(entered(0))
        read_until(child.stderr, f"another publisher answers (epoch {publisher.epoch})")
        assert json.loads(child.stdout.readline())["sequence"] == 0
        os.kill(child.pid, signal.SIGINT)
        child.wait(10)
    publisher.close()
