"""What the pipeline counts, for Prometheus: an HTTP page that is made when it is asked for. Needs prometheus_client
(extra ``metrics``).

It holds numbers only: no picture, no file name, no name of a stream.
"""

import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from itertools import accumulate
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from .. import FetalStreamError, __version__
from ..sinks.post import is_this_machine
from .config import MetricsSection
from .run import StreamRun
from .timings import BOUNDS_SECONDS, Histogram

STATES = ("opening", "running", "stalled", "reconnecting", "ended", "failed")
REQUEST_SECONDS = 5.0
"""How long a client may take over its request."""


class MetricsError(FetalStreamError):
    """The page cannot be served."""


@contextmanager
def metrics_page(section: MetricsSection) -> Generator[Callable[[StreamRun], None]]:
    """While inside, the page is served, when it is switched on; what this yields takes the run to tell about.

    Raises `MetricsError` when it cannot be served where it should be.
    """
    if not section.enabled:
        yield lambda _: None
        return
    if not section.exposed and not is_this_machine(section.host):
        raise MetricsError(
            f"metrics.host={section.host!r}: other machines could read it; listen at 127.0.0.1, or say exposed: true"
        )
    prometheus = _prometheus()
    collector = _Collector(prometheus.core)
    registry = prometheus.CollectorRegistry()
    registry.register(collector)
    prometheus.ProcessCollector(registry=registry)
    try:
        page = prometheus.make_wsgi_app(registry)
        server = make_server(section.host, section.port, page, _Server, _Handler)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise MetricsError(f"metrics: port {section.port} on {section.host} cannot be listened at: {reason}") from None
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="metrics", daemon=True)
        thread.start()
        try:
            yield collector.follow
        finally:
            server.shutdown()
            thread.join()


class _Collector:
    """Reads a run's counts at each request; the run itself does nothing for it."""

    def __init__(self, core: Any) -> None:
        self._core = core
        self._run: StreamRun | None = None

    def follow(self, run: StreamRun) -> None:
        self._run = run

    def collect(self) -> Iterator[Any]:
        core, run = self._core, self._run
        info = core.InfoMetricFamily("fetalstream", "The program, and the model that speaks.")
        if run is None:
            info.add_metric([], {"version": __version__})
            yield info
            return
        identity = run.model.encoder.identity
        info.add_metric([], {"version": __version__, "model": identity.name, "model_sha256": identity.sha256})
        yield info
        counts = run.telemetry.snapshot()
        yield self._counter("frames_read", "Frames the source gave.", [((), counts.frames_read)])
        yield self._counter("frames_embedded", "Frames the model has seen.", [((), counts.frames_embedded)])
        yield self._counter("frames_dropped", "Frames lost for want of time.", _by(counts.dropped), ["reason"])
        yield self._counter("frames_skipped", "Frames left out on purpose.", _by(counts.skipped), ["reason"])
        yield self._counter("media_seconds", "Media time read.", [((), counts.media_seconds)])
        yield self._counter("events", "Events told.", _by(run.outlets.counts), ["kind"])
        yield self._gauge("results_per_second", "Over the latest results.", [((), counts.results_per_second)])
        yield self._gauge("queue_items", "What waits between the stages.", _by(run.depths()), ["queue"])
        states = [((state,), float(state == counts.state)) for state in STATES]
        yield self._gauge("source_state", "1 for the state the source is in.", states, ["state"])
        yield self._gauge("signal_open", "1 while a model may look at the picture.", [((), counts.signal == "open")])
        yield self._gauge("plane_in_view", "1 while a standard plane is in view.", [((), counts.plane is not None)])
        troubles = [((standing.sink,), 1.0) for standing in counts.sinks]
        yield self._gauge("sink_in_trouble", "1 for each sink that takes no events.", troubles, ["sink"])
        waiting = [((standing.sink,), standing.waiting) for standing in counts.sinks]
        yield self._gauge("sink_events_waiting", "Events that wait for a sink in trouble.", waiting, ["sink"])
        yield from self._durations(run.telemetry.timings.histograms())

    def _durations(self, histograms: dict[str, Histogram]) -> Iterator[Any]:
        latency = self._core.HistogramMetricFamily("fetalstream_latency_seconds", "From capture to result.")
        stages = self._core.HistogramMetricFamily(
            "fetalstream_stage_seconds", "How long a stage takes: per frame, per batch (encode).", labels=["stage"]
        )
        for name, histogram in histograms.items():
            bounds = [*map(str, BOUNDS_SECONDS), "+Inf"]
            buckets = list(zip(bounds, accumulate(histogram.counts), strict=True))
            if name == "latency":
                latency.add_metric([], buckets, histogram.sum_seconds)
            else:
                stages.add_metric([name], buckets, histogram.sum_seconds)
        yield latency
        yield stages

    def _counter(self, name: str, says: str, values: "_Values", labels: list[str] | None = None) -> Any:
        return _filled(self._core.CounterMetricFamily(f"fetalstream_{name}", says, labels=labels or []), values)

    def _gauge(self, name: str, says: str, values: "_Values", labels: list[str] | None = None) -> Any:
        return _filled(self._core.GaugeMetricFamily(f"fetalstream_{name}", says, labels=labels or []), values)


_Values = Iterable[tuple[tuple[str, ...], float]]


def _filled(family: Any, values: _Values) -> Any:
    for labels, value in values:
        family.add_metric(labels, float(value))
    return family


def _by(counts: Mapping[str, float]) -> _Values:
    return [((name,), count) for name, count in sorted(counts.items())]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Handler(WSGIRequestHandler):
    timeout = REQUEST_SECONDS

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name
        """Requests are no news."""


def _prometheus() -> Any:
    """Imported when used."""
    try:
        import_module("prometheus_client.core")
        return import_module("prometheus_client")
    except ImportError:
        raise MetricsError("metrics need prometheus_client: pip install 'fetalstream[metrics]'") from None
