"""Bad subscribers, each in a process of its own, and what they cost the publisher and the good ones."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from fetalstream.sinks import PlaneEntered
from fetalstream.sinks.client import Client
from fetalstream.sinks.notice import Joined
from fetalstream.sinks.publisher import Publisher

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how much a peer has sent")


def entered(sequence: int) -> PlaneEntered:
    return PlaneEntered(stream="s", sequence=sequence, plane="femur", start_seconds=1.0, score=0.9)


@contextmanager
def peer(kind: str, endpoint: str) -> Generator[subprocess.Popen[str]]:
    command = [sys.executable, str(BENCHMARKS / "bus_peers.py"), kind, endpoint]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        yield child
        child.kill()


class Memory:
    """Highest resident memory of this process while it is looked at."""

    def __enter__(self) -> "Memory":
        self._process = psutil.Process()
        self._start_bytes = self._most_bytes = self._process.memory_info().rss
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def _look(self) -> None:
        while not self._done.wait(0.005):
            self._most_bytes = max(self._most_bytes, self._process.memory_info().rss)

    def __exit__(self, *exception: object) -> None:
        self._done.set()
        self._thread.join()

    @property
    def grown_mb(self) -> float:
        return (self._most_bytes - self._start_bytes) / 1e6


@LINUX
@pytest.mark.parametrize(("kind", "port"), [("endless-asker", "requests"), ("endless", "events"), ("flood", "events")])
def test_who_sends_without_end_is_cut_off_before_it_costs_memory(opened, caplog, kind, port):
    publisher = opened(Publisher("tcp://127.0.0.1:*"))
    endpoint = publisher.endpoint if port == "events" else f"tcp://127.0.0.1:{publisher._requests_port}"
    with Memory() as memory, peer(kind, endpoint) as attacker:
        assert attacker.stdout is not None
        taken_bytes = int(attacker.stdout.readline())
    assert taken_bytes < 200e6  # of 500 MB, which would have cost more than 1 GB
    assert memory.grown_mb < 250
    assert any("sends too much and is cut off" in message for message in caplog.messages)
    client = opened(Client(publisher.endpoint))
    assert isinstance(client.receive(10), Joined)


@LINUX
def test_a_crowd_is_kept_small(opened, caplog):
    publisher = opened(Publisher("tcp://127.0.0.1:*"))
    early = opened(Client(publisher.endpoint))
    assert isinstance(early.receive(10), Joined)
    with peer("crowd", publisher.endpoint) as crowd:
        assert crowd.stdout is not None
        assert int(crowd.stdout.readline()) > 256
        deadline = time.monotonic() + 10
        connections: list[object] = []
        while time.monotonic() < deadline:
            connections = [
                one
                for one in psutil.Process().net_connections("tcp")
                if one.status == "ESTABLISHED" and one.laddr and publisher.endpoint.endswith(f":{one.laddr[1]}")
            ]
            if len(connections) <= 256:
                break
            time.sleep(0.1)
        assert 200 < len(connections) <= 256
        publisher.write(entered(0))
        assert early.receive(10) == entered(0)  # who was there first stays
    assert any("more than 256 connections" in message for message in caplog.messages)


def test_a_stopped_a_dripping_and_a_crashing_subscriber_cost_the_good_ones_nothing():
    """The long run of the same: benchmarks/bus_soak.py."""
    command = [sys.executable, str(BENCHMARKS / "bus_soak.py"), "--seconds", "6", "--rate", "500", "--subscribers", "5"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    assert summary["complete"]
    assert summary["p99_ms"] < 100  # 1 ms on a machine with nothing else to do
    assert (
        summary["memory_mb"][-1] - summary["memory_mb"][0] < 16
    )  # what is remembered, and the kernel's and ours marks
    assert summary["closing_seconds"] < 2


def test_nothing_the_client_says_of_killed_publishers_is_untrue():
    """Five of the twenty restarts of benchmarks/bus_restarts.py."""
    command = [sys.executable, str(BENCHMARKS / "bus_restarts.py"), "--restarts", "5", "--seconds", "1.5"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    assert summary["faults"] == {}
    assert summary["epochs_seen"] == 5
    assert summary["came"] > 1000
    assert summary["told_missing"] > 0
