"""kill -9 of `fetalstream demo --headless` at random moments: what does its store hold?

Each run writes to the same store and is killed at a random moment of its life, from its first instant to its last
event. Whatever it had told anybody (a whole line of events.jsonl, an event on the bus) counts as acknowledged. After
each kill the store is opened and its chain verified; at the end it must hold every acknowledged event, in order.

    python benchmarks/store_kills.py [--kills 50] [--seconds 12] [--seed 1]
"""

import argparse
import json
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from fetalstream.sinks import FrameScores
from fetalstream.sinks.client import Client
from fetalstream.sinks.store_file import reading

RESTLESS = (
    "segments={enter_score: 0.05, leave_score: 0.05, hold_seconds: 0, release_seconds: 0}",
    "smoothing.time_constant_seconds=0",
)
"""A demo that tells of planes many times a second, so that kills meet writes."""


def free_endpoint() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{probe.getsockname()[1]}"


def killed_demo(folder: Path, after_seconds: float) -> tuple[list[bytes], set[tuple[str, int]]]:
    """Start a demo, kill it; returns its whole lines of events.jsonl and what came over the bus."""
    endpoint = free_endpoint()
    lines = folder / "events.jsonl"
    lines.unlink(missing_ok=True)
    command = [sys.executable, "-m", "fetalstream", "demo", "--headless", "--seconds", "60"]
    command += [word for setting in RESTLESS for word in ("--set", setting)]
    heard: set[tuple[str, int]] = set()
    with (
        subprocess.Popen([*command, "--endpoint", endpoint, "--out", str(folder)], stdout=subprocess.DEVNULL) as demo,
        closing(Client(endpoint, topics=("plane.", "stream.", "signal.", "sink."))) as client,
    ):
        until = time.monotonic() + after_seconds
        while (left := until - time.monotonic()) > 0:
            received = client.receive(timeout_seconds=min(left, 0.05))
            if isinstance(received, msgspec.Struct) and hasattr(received, "stream"):
                heard.add((received.stream, received.sequence))  # pyright: ignore[reportAttributeAccessIssue]
        demo.send_signal(signal.SIGKILL)
    whole, _, _ = lines.read_bytes().rpartition(b"\n") if lines.exists() else (b"", b"", b"")
    return whole.splitlines(), heard


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--kills", type=int, default=50)
    arguments.add_argument("--seconds", type=float, default=12.0, help="latest moment of a kill")
    arguments.add_argument("--seed", type=int, default=1)
    options = arguments.parse_args()
    chance = random.Random(options.seed)
    acknowledged: dict[tuple[str, int], dict[str, Any] | None] = {}
    moments: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = folder / "events.db"
        for kill in range(options.kills):
            lines, heard = killed_demo(folder, chance.uniform(0.1, options.seconds))
            told = [json.loads(line) for line in lines]
            told = [event for event in told if event["kind"] != FrameScores.__struct_config__.tag]
            acknowledged |= dict.fromkeys(heard - acknowledged.keys())
            acknowledged |= {(event["stream"], event["sequence"]): event for event in told}
            moments["before its first event" if not told else "while it ran"] += 1
            if not store.exists():
                continue
            with reading(store) as file:
                events = [json.loads(record.event) for record in file.checked_records()]
            held = {(event["stream"], event["sequence"]): event for event in events}
            missing = [key for key in acknowledged if key not in held]
            differing = [key for key, event in acknowledged.items() if event is not None and held.get(key) != event]
            assert not missing, f"kill {kill}: missing {missing}"
            assert not differing, f"kill {kill}: differing {differing}"
        with reading(store) as file:
            records = list(file.checked_records())
            streams = file.streams()
    for stream in {event for event, _ in acknowledged}:
        numbers = [e["sequence"] for e in map(json.loads, (r.event for r in records)) if e["stream"] == stream]
        assert numbers == list(range(len(numbers))), stream
    print(f"{options.kills} kills: {', '.join(f'{count} {moment}' for moment, count in moments.items())}")
    print(
        f"{len(acknowledged)} events acknowledged, {len(records)} stored in {len(streams)} streams and as many epochs"
    )
    print("every store opened, every chain whole, nothing acknowledged missing or different")
    assert records[-1].epoch + 1 == len(streams)


if __name__ == "__main__":
    main()
