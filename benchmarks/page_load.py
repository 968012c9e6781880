"""Ten browsers at once, some of which never read: is the pipeline as fast as alone? ``python benchmarks/page_load.py``

Live runs on the phantom, in each round one without a page, and one with a page that is watched by nobody and then by
all browsers: what else the machine does meanwhile hits all. ``--fps 25`` is a scan, ``--fps 200`` more than the
pipeline can take, so that every millisecond the page costs shows. The browsers are websocket clients in a process of
their own; they share the machine's cores, as no real browser would, unless ``--nice`` makes them wait for the pipeline.

Prints one JSON object: frames analysed a second without a page, with one that is unwatched, and watched, the ratios to
those without, the part of a core that the page's thread takes, pictures that reached a browser that reads (a second,
median and worst age in ms when they arrived), and the slowest hand-over of a picture (ms).
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from fetalstream.pipeline.assemble import build_run, load_model, opened_source
from fetalstream.pipeline.live_page import status_of
from fetalstream.pipeline.run import StreamRun
from fetalstream.pipeline.settings import load_config
from fetalstream.sinks import Sink
from fetalstream.sinks.dashboard import About, Dashboard
from fetalstream.sinks.pictures import Shown


class TimedDashboard(Dashboard):
    """Keeps how long the pipeline was held up by a picture at most."""

    slowest_seconds = 0.0

    def show(self, picture: Shown) -> None:
        started = time.perf_counter()
        super().show(picture)
        self.slowest_seconds = max(self.slowest_seconds, time.perf_counter() - started)


SETTLE_SECONDS = 3.0
"""Until the fan is known and the rate is steady."""


def measure(*, fps: float, browsers: int, silent: int, seconds: float, rounds: int, niceness: int) -> dict[str, Any]:
    """The whole figure."""
    config = load_config("live", assignments=["sinks=[]"])
    model = load_model(config)

    @contextmanager
    def running(sinks: Sequence[Sink]) -> Iterator[StreamRun]:
        with opened_source(f"phantom://?seed=7&screen=1&fps={fps:g}", realtime=True) as (source, info):
            parts: dict[str, Any] = {"source": source, "info": info, "model": model, "sinks": sinks}
            run = build_run(config, **parts, stream="benchmark", stamped=True)
            thread = threading.Thread(target=run.run)
            thread.start()
            time.sleep(SETTLE_SECONDS)
            try:
                yield run
            finally:
                run.stop()
                thread.join()

    def rates(run: StreamRun) -> tuple[float, float]:
        """Frames a second, and the part of a core that the page's thread took."""
        before, cpu, started = run.telemetry.snapshot().frames_embedded, _page_cpu_seconds(), time.monotonic()
        time.sleep(seconds)
        took = time.monotonic() - started
        frames = run.telemetry.snapshot().frames_embedded - before
        return frames / took, (_page_cpu_seconds() - cpu) / took

    without: list[tuple[float, float]] = []
    unwatched: list[tuple[float, float]] = []
    watched: list[tuple[float, float]] = []
    seen: list[dict[str, float]] = []
    slowest_seconds = 0.0
    for _ in range(rounds):
        with running([]) as run:
            without.append(rates(run))
        with closing(TimedDashboard(About(source="phantom", model="compact", parts=()), port=0)) as page:
            with running([page]) as run:
                page.connect(read_status=lambda run=run: status_of(run.telemetry.snapshot()), operate=run.operate)
                unwatched.append(rates(run))
                with _clients(page.port, browsers, silent, niceness) as clients:
                    watched.append(rates(run))
                    seen.append(json.loads(clients.communicate("\n", timeout=60)[0]))
            slowest_seconds = max(slowest_seconds, page.slowest_seconds)
    without_rate, _ = np.array(without).T
    unwatched_rate, unwatched_cpu = np.array(unwatched).T
    watched_rate, watched_cpu = np.array(watched).T
    return {
        "fps": fps,
        "browsers": browsers,
        "of_which_never_read": silent,
        "without_page_per_second": round(float(np.median(without_rate)), 2),
        "unwatched_per_second": round(float(np.median(unwatched_rate)), 2),
        "watched_per_second": round(float(np.median(watched_rate)), 2),
        "ratio_unwatched": round(float(np.median(unwatched_rate / without_rate)), 3),
        "ratio_watched": round(float(np.median(watched_rate / without_rate)), 3),
        "ratios_unwatched": [round(float(ratio), 3) for ratio in unwatched_rate / without_rate],
        "ratios_watched": [round(float(ratio), 3) for ratio in watched_rate / without_rate],
        "page_cores_unwatched": round(float(np.median(unwatched_cpu)), 3),
        "page_cores_watched": round(float(np.median(watched_cpu)), 3),
        "pictures_per_second": round(float(np.median([one["per_second"] for one in seen])), 2),
        "picture_age_ms": round(float(np.median([one["median_ms"] for one in seen])), 1),
        "picture_age_worst_ms": round(max(one["worst_ms"] for one in seen), 1),
        "slowest_hand_over_ms": round(1000 * slowest_seconds, 2),
    }


def _page_cpu_seconds() -> float:
    """Processor time the page's thread has taken so far; 0 where there is none."""
    idents = [thread.ident for thread in threading.enumerate() if thread.name == "fetalstream-page"]
    return sum(time.clock_gettime(time.pthread_getcpuclockid(ident)) for ident in idents if ident is not None)


def _clients(port: int, browsers: int, silent: int, niceness: int) -> "subprocess.Popen[str]":
    """The browsers, connected; they report when a line is sent to them."""
    command = [sys.executable, str(Path(__file__)), "--be", str(port), str(browsers), str(silent), str(niceness)]
    started = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    assert started.stdout.readline().strip() == "ready"
    return started


async def _be_browsers(port: int, browsers: int, silent: int) -> None:
    ages_ms: list[float] = []
    counts = [0] * browsers
    async with AsyncExitStack() as stack:
        address = f"ws://127.0.0.1:{port}/live"
        sockets = [await stack.enter_async_context(connect(address, max_queue=1)) for _ in range(browsers)]

        async def read(index: int) -> None:
            count = 0
            with suppress(ConnectionClosed):
                async for data in sockets[index]:
                    count += 1
                    if isinstance(data, bytes):
                        counts[index] += 1
                        if index == silent and counts[index] > 1:  # the first may have waited for us
                            head = json.loads(data[4 : 4 + int.from_bytes(data[:4], "big")])
                            ages_ms.append(time.monotonic_ns() / 1e6 - head["captured_ms"])
                    await sockets[index].send(f'{{"do":"ack","count":{count}}}')

        readers = [asyncio.create_task(read(index)) for index in range(silent, browsers)]
        print("ready", flush=True)
        started = time.monotonic()
        await asyncio.to_thread(sys.stdin.readline)
        took = time.monotonic() - started
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
    report = {"per_second": float(np.median(counts[silent:])) / took, "median_ms": float(np.median(ages_ms))}
    print(json.dumps(report | {"worst_ms": max(ages_ms)}), flush=True)


def main() -> None:
    if sys.argv[1:2] == ["--be"]:
        port, browsers, silent, niceness = map(int, sys.argv[2:6])
        os.nice(niceness)
        asyncio.run(_be_browsers(port, browsers, silent))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fps", type=float, default=25.0, help="of the phantom")
    parser.add_argument("--browsers", type=int, default=10)
    parser.add_argument("--silent", type=int, default=3, help="how many of them never read")
    parser.add_argument("--seconds", type=float, default=8.0, help="of each third of a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--nice", type=int, default=0, help="niceness of the browsers")
    given = parser.parse_args()
    figure = measure(
        fps=given.fps,
        browsers=given.browsers,
        silent=given.silent,
        seconds=given.seconds,
        rounds=given.rounds,
        niceness=given.nice,
    )
    print(json.dumps(figure))


if __name__ == "__main__":
    main()
