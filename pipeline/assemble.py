"""From configuration to running parts: the one place where names become objects."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..models.encoder import Model
from ..models.heads.probe import ProbeHead
from ..sinks import Sink
from ..sources import Source, SourceError, SourceInfo
from ..sources.uri import parse_uri
from . import plugins
from .analyst import Analyst
from .config import Config, PluginSinkSection, ProbeSection, SamplingSection, SinkSection, ZeroShotSection
from .recorder import Recorder
from .run import Flow, StreamRun
from .sampling import EveryFrame, FixedRate, Sampler
from .segments import Rules, Segmenter
from .settings import ConfigError
from .smoothing import ExponentialSmoothing

WARM_UP_SIDE_PX = 256


def load_model(config: Config) -> Model:
    """Load encoder and head, and run one batch through them, so that the first frame is not the slowest.

    Raises `ModelError` for files that do not fit, `ConfigError` for a head the model cannot carry.
    """
    section, head = config.model, config.head
    options: dict[str, Any] = {"weights": section.weights, "device": section.device, "dtype": section.dtype}
    if isinstance(head, ZeroShotSection):
        options |= head.model_dump(exclude={"kind"}, exclude_none=True)
    loader = plugins.load("models", section.kind)
    try:
        model: Model = loader(**options)
    except TypeError as error:
        if isinstance(head, ZeroShotSection) and "unexpected keyword" in str(error):
            message = f"head.kind='zero_shot': model {section.kind!r} has no text tower; allowed: own, probe"
            raise ConfigError(message) from None
        raise
    if isinstance(head, ProbeSection):
        model = Model(encoder=model.encoder, planes=ProbeHead.load(head.file, encoder=model.encoder.identity))
    blank = np.zeros((WARM_UP_SIDE_PX, WARM_UP_SIDE_PX), dtype=np.uint8)
    for batch_frames in sorted({1, config.flow.batch_frames}):
        model.planes(model.encoder.encode([model.encoder.prepare(blank)] * batch_frames))
    return model


@contextmanager
def opened_source(uri: str, *, realtime: bool) -> Iterator[tuple[Source, SourceInfo]]:
    """The source a URI or path names, open; closed at the end. Raises `SourceError` when it is none or won't open."""
    kind, _ = parse_uri(uri)
    if kind not in (known := plugins.names("sources")):
        raise SourceError(f"{uri!r}: no source is called {kind!r}; there are: {', '.join(known)}")
    source: Source = plugins.load("sources", kind)(uri, realtime=realtime)
    info = source.open()
    try:
        yield source, info
    finally:
        source.close()


@contextmanager
def opened_sinks(sections: Sequence[SinkSection]) -> Iterator[list[Sink]]:
    """All sinks, or none: if one cannot be opened, those before it are closed again. Closes all at the end."""
    sinks: list[Sink] = []
    try:
        for section in sections:
            sinks.append(_open_sink(section))  # noqa: PERF401 - what is open so far must be known when the next fails
        yield sinks
    finally:
        for sink in sinks:
            sink.close()


def _open_sink(section: SinkSection) -> Sink:
    if isinstance(section, PluginSinkSection):
        return plugins.load("sinks", section.name)(**section.options)
    return plugins.load("sinks", section.kind)(**section.model_dump(exclude={"kind"}))


def build_run(
    config: Config, *, source: Source, info: SourceInfo, model: Model, sinks: Sequence[Sink], stream: str, stamped: bool
) -> StreamRun:
    """Fresh state for one stream around a model that may serve many.

    Args:
        stream: identity of the stream in its events.
        stamped: whether events carry wall time and latency (live) or can be repeated byte for byte (review).
    """
    recorder = Recorder(stream, stamped=stamped)
    smoothing = config.smoothing
    analyst = Analyst(
        labels=model.planes.labels,
        smoothing=ExponentialSmoothing(
            time_constant_seconds=smoothing.time_constant_seconds, max_gap_seconds=smoothing.max_gap_seconds
        ),
        segmenter=Segmenter(model.planes.labels, Rules(**config.segments.model_dump())),
        max_gap_seconds=smoothing.max_gap_seconds,
        recorder=recorder,
        frame_scores=config.frame_scores,
    )
    flow = config.flow
    return StreamRun(
        source=source,
        info=info,
        model=model,
        flow=Flow(
            policy=flow.policy,
            queue_frames=flow.queue_frames,
            batch_frames=flow.batch_frames,
            batch_wait_seconds=None if flow.batch_wait_ms is None else flow.batch_wait_ms / 1000,
            cpu_threads=flow.cpu_threads,
        ),
        sampler=_sampler(config.sampling),
        analyst=analyst,
        recorder=recorder,
        sinks=sinks,
        config_sha256=config.sha256,
    )


def _sampler(section: SamplingSection) -> Sampler:
    return EveryFrame() if section.kind == "every_frame" else FixedRate(section.rate_fps)
