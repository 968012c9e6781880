"""One publisher, many subscribers, some of them bad: who gets what, how late, and what it costs.

    python benchmarks/bus_soak.py --seconds 60 --rate 1000 --subscribers 10

Of the subscribers one is stopped by SIGSTOP, one reads a byte a second, one dies and comes back every second; the rest
are ours. The publisher is this process; its resident memory is looked at once a second. Prints a table and one JSON
object last. Exits with 1 when a good subscriber has not got everything in order.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import psutil

from fetalstream.sinks import PlaneEntered, Stamp, StreamEnded
from fetalstream.sinks.publisher import Publisher

PEERS = Path(__file__).with_name("bus_peers.py")
BAD = ("sleeper", "drip", "crasher")


def start(kind: str, endpoint: str, stack: ExitStack) -> subprocess.Popen[str]:
    command = [sys.executable, str(PEERS), kind, endpoint]
    child = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True))
    stack.callback(lambda: os.killpg(child.pid, signal.SIGKILL) if child.poll() is None else None)
    return child


def event(sequence: int) -> PlaneEntered:
    stamp = Stamp(captured_ns=time.monotonic_ns(), latency_ms=0.0, wall_time=datetime.now(UTC).isoformat())
    return PlaneEntered(stream="soak", sequence=sequence, stamp=stamp, plane="femur", start_seconds=1.0, score=0.9)


def wait_for(children: list[subprocess.Popen[str]], publisher: Publisher, sequence: int) -> int:
    """Until each has said that it is ready; the sleeper needs events for that."""
    for child in children:
        assert child.stdout is not None
        os.set_blocking(child.stdout.fileno(), False)
        while child.stdout.readline() != "ready\n":
            publisher.write(event(sequence))
            sequence += 1
            time.sleep(0.02)
        os.set_blocking(child.stdout.fileno(), True)
    return sequence


def publish(publisher: Publisher, first: int, *, rate: float, seconds: float) -> tuple[list[int], float]:
    """At a steady rate. Returns resident memory each second, and the longest `write` in milliseconds."""
    process, memory_bytes, slowest_seconds = psutil.Process(), list[int](), 0.0
    started = time.perf_counter()
    for index in range(round(rate * seconds)):
        due = started + index / rate
        if (early := due - time.perf_counter()) > 0:
            time.sleep(early)
        if index % round(rate) == 0:
            memory_bytes.append(process.memory_info().rss)
        before = time.perf_counter()
        publisher.write(event(first + index))
        slowest_seconds = max(slowest_seconds, time.perf_counter() - before)
    memory_bytes.append(process.memory_info().rss)
    return memory_bytes, slowest_seconds * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rate", type=float, default=1000, help="events per second")
    parser.add_argument("--subscribers", type=int, default=10, help="three of them bad")
    options = parser.parse_args()
    publisher = Publisher("tcp://127.0.0.1:*")
    with ExitStack() as stack:
        good = [start("good", publisher.endpoint, stack) for _ in range(options.subscribers - len(BAD))]
        bad = [start(kind, publisher.endpoint, stack) for kind in BAD]
        first = wait_for(good + bad, publisher, 0)
        os.kill(bad[0].pid, signal.SIGSTOP)
        cpu = psutil.Process().cpu_times()
        memory_bytes, slowest_ms = publish(publisher, first, rate=options.rate, seconds=options.seconds)
        used = psutil.Process().cpu_times()
        published = first + round(options.rate * options.seconds)
        ended = StreamEnded(
            stream="soak",
            sequence=published,
            reason="ended",
            frames_read=0,
            frames_embedded=0,
            frames_dropped={},
            frames_skipped={},
            media_seconds=options.seconds,
        )
        publisher.write(ended)
        results = [json.loads(child.communicate(timeout=60)[0].splitlines()[-1]) for child in good]
        closing = time.perf_counter()
        publisher.close()
        closing_seconds = time.perf_counter() - closing
    complete = all(r["in_order"] and not r["missing"] and r["first"] + r["events"] == published for r in results)
    half = len(memory_bytes) // 2
    summary = {
        "events": published - first,
        "rate": options.rate,
        "subscribers": options.subscribers,
        "complete": complete,
        "p50_ms": max(r["p50_ms"] for r in results),
        "p99_ms": max(r["p99_ms"] for r in results),
        "most_ms": max(r["most_ms"] for r in results),
        "slowest_write_ms": round(slowest_ms, 3),
        "memory_mb": [round(value / 1e6, 1) for value in memory_bytes],
        "grown_in_second_half_mb": round((memory_bytes[-1] - memory_bytes[half]) / 1e6, 2),
        "publisher_cpu_percent": round(100 * (used.user + used.system - cpu.user - cpu.system) / options.seconds, 1),
        "closing_seconds": round(closing_seconds, 2),
    }
    for number, result in enumerate(results):
        print(f"good {number}: {result}")
    print(json.dumps(summary))
    sys.exit(not complete)


if __name__ == "__main__":
    main()
