"""The law of metrics: what is scraped during a run is what the run says of itself in the end."""

import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from fetalstream.models.testing import grey_model
from fetalstream.pipeline.assemble import build_run, opened_source
from fetalstream.pipeline.config import MetricsSection
from fetalstream.pipeline.metrics import MetricsError, metrics_page
from fetalstream.pipeline.run import StreamRun
from fetalstream.pipeline.settings import load_config
from fetalstream.pipeline.timings import BOUNDS_SECONDS, Timings
from fetalstream.sinks import AnyEvent
from fetalstream.sinks.sink import Sink, SinkTroubleError
from fetalstream.sinks.testing import ListSink

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def scrape(port: int) -> Samples:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[f"fetalstream_{name}", tuple(sorted(labels.items()))]


@pytest.fixture
def section() -> MetricsSection:
    return MetricsSection(enabled=True, port=free_port())


@contextmanager
def live_run(sinks: list[Sink], *, seconds: float = 3, assign: tuple[str, ...] = ()) -> Iterator[StreamRun]:
    config = load_config("live", assignments=["sinks=[]", "frame_scores=true", *assign])
    with opened_source(f"phantom://?seed=7&seconds={seconds}&fps=25&screen=1", realtime=True) as (source, info):
        parts = {"source": source, "info": info, "model": grey_model(seconds_per_batch=0.03), "sinks": sinks}
        yield build_run(config, **parts, stream="phantom", stamped=True)


def test_a_run_on_a_phantom_can_be_watched_over_http_while_it_lasts(section):
    sink = ListSink()
    during: list[Samples] = []
    with metrics_page(section) as follow:
        assert scrape(section.port)["fetalstream_info", (("version", "0.1.0"),)] == 1
        with live_run([sink]) as run:
            follow(run)
            outcome = run.run(lambda: during.append(scrape(section.port)))
            last = scrape(section.port)
    ended = outcome.ended
    assert len(during) > 10
    middle = during[len(during) // 2]
    assert value(middle, "source_state", state="running") == 1
    assert 0 < value(middle, "frames_read_total") < ended.frames_read
    assert value(middle, "results_per_second") > 5
    reads = [value(samples, "frames_read_total") for samples in during]
    assert reads == sorted(reads)

    assert value(last, "frames_read_total") == ended.frames_read == 75
    assert value(last, "frames_embedded_total") == ended.frames_embedded
    assert value(last, "media_seconds_total") == pytest.approx(ended.media_seconds, abs=0.01)
    for reason, count in ended.frames_dropped.items():
        assert value(last, "frames_dropped_total", reason=reason) == count
    for reason, count in ended.frames_skipped.items():
        assert value(last, "frames_skipped_total", reason=reason) == count
    kinds = [event.__struct_config__.tag for event in sink.events]
    for kind in set(kinds):
        assert value(last, "events_total", kind=str(kind)) == kinds.count(kind)
    assert value(last, "source_state", state="ended") == 1
    assert value(last, "queue_items", queue="frames") == 0
    assert value(last, "latency_seconds_count") == ended.frames_embedded
    assert value(last, "stage_seconds_count", stage="encode") == ended.frames_embedded  # live: batches of one
    assert value(last, "stage_seconds_sum", stage="encode") >= 0.03 * ended.frames_embedded
    assert value(last, "stage_seconds_bucket", stage="encode", le="0.025") == 0
    assert value(last, "latency_seconds_bucket", le="+Inf") == ended.frames_embedded
    assert last["process_resident_memory_bytes", ()] > 1e7


def test_no_name_of_a_stream_or_file_is_on_the_page(section):
    with metrics_page(section) as follow, live_run([], seconds=1) as run:
        follow(run)
        run.run()
        with urllib.request.urlopen(f"http://127.0.0.1:{section.port}/metrics", timeout=10) as answer:
            text = answer.read().decode()
    assert "phantom" not in text
    assert "seed" not in text


class FullDisk(ListSink):
    def write(self, event: AnyEvent) -> None:
        raise SinkTroubleError(sink="disk", where="/disk", reason="full")


def test_a_sink_in_trouble_is_on_the_page_with_what_waits_for_it(section):
    during: list[Samples] = []
    with metrics_page(section) as follow, live_run([FullDisk()], seconds=1.5) as run:
        follow(run)
        run.run(lambda: during.append(scrape(section.port)))
    last = during[-1]
    assert value(last, "sink_in_trouble", sink="disk") == 1
    assert value(last, "sink_events_waiting", sink="disk") >= 3
    assert value(last, "events_total", kind="sink.degraded") == 1


def test_switched_off_nothing_listens():
    section = MetricsSection(port=free_port())
    with metrics_page(section), socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", section.port)) != 0


def test_afterwards_the_port_is_free_and_no_thread_is_left(section):
    for _ in range(2):
        with metrics_page(section):
            scrape(section.port)
    assert not any(thread.name == "metrics" for thread in threading.enumerate())


def test_a_client_that_says_nothing_holds_up_nobody(section):
    with metrics_page(section), socket.create_connection(("127.0.0.1", section.port)):
        started = time.monotonic()
        scrape(section.port)
        assert time.monotonic() - started < 3


def test_a_port_that_is_taken_is_one_line(section):
    with (
        metrics_page(section),
        pytest.raises(MetricsError, match=f"port {section.port} on 127.0.0.1 cannot be listened at: Address already"),
        metrics_page(section),
    ):
        pass


def test_other_machines_can_read_it_only_when_somebody_said_so():
    section = MetricsSection(enabled=True, host="0.0.0.0", port=free_port())
    with pytest.raises(MetricsError, match="other machines could read it"), metrics_page(section):
        pass
    with metrics_page(section.model_copy(update={"exposed": True})):
        scrape(section.port)


def test_without_prometheus_client_it_says_what_to_install():
    code = "import sys; sys.modules['prometheus_client'] = None; from fetalstream.pipeline.cli.app import main; main()"
    command = [sys.executable, "-c", code, "live", "phantom://", "--headless", "--set", "metrics.enabled=true"]
    done = subprocess.run([*command, "--set", "sinks=[]"], capture_output=True, text=True, timeout=100)
    assert done.returncode == 1
    assert done.stderr == "error: metrics need prometheus_client: pip install 'fetalstream[metrics]'\n"


@given(st.lists(st.floats(-1, 10, allow_nan=False), max_size=50))
def test_each_duration_is_counted_once_under_the_first_bound_that_holds_it(seconds: list[float]):
    timings = Timings()
    for one in seconds:
        timings.add("stage", one)
    histogram = timings.histograms().get("stage")
    assert (histogram is None) == (not seconds)
    if histogram is not None:
        assert sum(histogram.counts) == len(seconds)
        for position, bound in enumerate(BOUNDS_SECONDS):
            assert sum(histogram.counts[: position + 1]) == sum(one <= bound for one in seconds)
        assert histogram.sum_seconds == pytest.approx(sum(max(0.0, one) for one in seconds))
