"""The law of a live run whose disk is full: it goes on, says so, and its record is whole in the end."""

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from fetalstream.sinks import AnyEvent, SinkDegraded, SinkRecovered, StreamEnded
from fetalstream.sinks.store_file import reading

RUN = """
import json, resource, sys, threading, time
from pathlib import Path
import msgspec, numpy as np
from fetalstream.models.testing import GreyHead, grey_model
from fetalstream.pipeline.assemble import build_run
from fetalstream.pipeline.settings import load_config
from fetalstream.sinks.store import StoreSink
from fetalstream.sinks.testing import ListSink
from fetalstream.sources import Frame, Picture
from fetalstream.sources.testing import ListSource

path, recovers = Path(sys.argv[1]), sys.argv[2] == "recovers"
head = GreyHead(("femur", "abdomen"))

def let_grow(bytes_more):
    wal = path.with_name(path.name + "-wal")
    limit = resource.RLIM_INFINITY if bytes_more is None else wal.stat().st_size + bytes_more
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

def frames():
    for index in range(400):
        if index == 300 and recovers:
            let_grow(None)
        label = ("femur", "background", "abdomen", "background")[index // 10 % 4]
        time.sleep(0.008)
        grey = np.full((8, 8), head.grey_of(label), dtype=np.uint8)
        yield Frame(index=index, pts_seconds=index / 25, captured_ns=time.monotonic_ns(), picture=Picture.of(grey))

bus, store = ListSink(), StoreSink(path)
source = ListSource(frames())
assign = ["sinks=[]", "signal.gates=[]", "fan.find=false", "smoothing.time_constant_seconds=0.05"]
config = load_config("live", assignments=assign)
parts = {"source": source, "info": source.open(), "model": grey_model(), "sinks": [store, bus]}
run = build_run(config, **parts, stream="s", stamped=True)
seen = []
let_grow(24_000)
outcome = run.run(lambda: seen.append(run.telemetry.snapshot().sinks))
store.close()
print(json.dumps({
    "bus": [msgspec.to_builtins(event) | {"kind": event.__struct_config__.tag} for event in bus.events],
    "behind": outcome.behind,
    "most_waiting": max((standing.waiting for standings in seen for standing in standings), default=0),
    "embedded": outcome.ended.frames_embedded,
}))
"""


def run(path: Path, how: str) -> tuple[list[AnyEvent], dict]:
    done = subprocess.run([sys.executable, "-c", RUN, str(path), how], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    return [msgspec.convert(event, type=AnyEvent) for event in told["bus"]], told


def stored(path: Path) -> list[AnyEvent]:
    with reading(path) as store:
        return [msgspec.json.decode(record.event, type=AnyEvent) for record in store.checked_records()]


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_when_there_is_room_again_the_store_has_everything_the_bus_has(tmp_path: Path):
    bus, told = run(tmp_path / "events.db", "recovers")
    assert told["embedded"] > 300
    assert sum(isinstance(event, SinkDegraded) for event in bus) == 1
    (recovered,) = [event for event in bus if isinstance(event, SinkRecovered)]
    assert (recovered.sink, recovered.events_lost) == ("store", 0)
    assert recovered.events_late > 5
    assert told["most_waiting"] > 5
    assert told["behind"] == []
    assert stored(tmp_path / "events.db") == bus
    assert [event.sequence for event in bus] == list(range(len(bus)))


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_when_there_is_none_to_the_end_the_run_ends_well_and_says_how_many_events_are_missing(tmp_path: Path):
    bus, told = run(tmp_path / "events.db", "stays full")
    assert isinstance(bus[-1], StreamEnded)
    held = stored(tmp_path / "events.db")
    assert held == bus[: len(held)]
    ((sink, reason, waiting, lost),) = told["behind"]
    assert (sink, waiting, lost) == ("store", len(bus) - len(held), 0)
    assert "disk" in reason
