"""From configuration to running parts: the one place where names become objects."""

import inspect
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..models.encoder import Model
from ..models.heads.probe import ProbeHead
from ..models.heads.zero_shot import RejectRule
from ..sinks import Sink
from ..sources import Source, SourceError, SourceInfo
from ..sources.credentials import masked
from ..sources.uri import parse_uri
from . import plugins
from .analyst import Analyst
from .companion import Background, Companion, Onlooker
from .companions import companions_for
from .config import (
    AdaptiveSection,
    Config,
    FanSection,
    FixedRateSection,
    ModelSection,
    PluginSinkSection,
    ProbeSection,
    SamplingSection,
    SignalSection,
    SinkSection,
    ZeroShotSection,
)
from .flow import Flow
from .messages import Nudge
from .outlets import Outlets
from .planes.hindsight import RULES, Course, Hindsight
from .planes.segments import Segmenter
from .planes.tracking import dwell_for, judge_for, segmenter_for, smoothing_for
from .recorder import Recorder
from .run import StreamRun
from .sampling import EveryFrame, FixedRate, Motion, Sampler
from .settings import ConfigError
from .showcase import Showcase
from .signal.fan_memory import FanMemory
from .signal.fan_watch import FanWatch
from .signal.gates import GateRules, Gates, GateState
from .signal.look_closer import LookCloser
from .signal.watch import Watch

WARM_UP_SIDE_PX = 256


def load_model(config: Config) -> Model:
    """Load encoder and head, and run one batch through them, so that the first frame is not the slowest.

    Raises `ModelError` for files that do not fit, `ConfigError` for a head the model cannot carry.
    """
    section, head = config.model, config.head
    loader = plugins.load("models", section.kind)
    takes = inspect.signature(loader).parameters
    options: dict[str, Any] = {"device": section.device, "dtype": section.dtype}
    if (weights := _weights(section, required=takes["weights"].default is inspect.Parameter.empty)) is not None:
        options["weights"] = weights
    if isinstance(head, ZeroShotSection):
        if "prompts" not in takes:
            raise ConfigError(f"head.kind='zero_shot': model {section.kind!r} has no text tower; allowed: own, probe")
        options |= _zero_shot_options(head)
    model: Model = loader(**options)
    if isinstance(head, ProbeSection):
        model = replace(model, planes=ProbeHead.load(head.file, encoder=model.encoder.identity))
    if not config.age.enabled:
        model = replace(model, texts=None)  # it is still mapped to its file
    blank = np.zeros((WARM_UP_SIDE_PX, WARM_UP_SIDE_PX), dtype=np.uint8)
    for batch_frames in sorted({1, config.flow.batch_frames}):
        model.planes(model.encoder.encode([model.encoder.prepare(blank)] * batch_frames))
    return model


def _weights(section: ModelSection, *, required: bool) -> Path | None:
    """The file the user named, else the pulled one where the model has none embedded."""
    if section.weights is None and not required:
        return None
    from ..models.weights import KNOWN, find  # brings the hub's client, which the embedded model does without

    if section.weights is not None:
        return find(section.weights)
    if section.kind in KNOWN:
        return find(section.kind)
    raise ConfigError(
        f"model.weights is missing: model {section.kind!r} comes without weights; name a file (--weights)"
    )


def _zero_shot_options(head: ZeroShotSection) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if head.prompts is not None:
        options["prompts"] = head.prompts
    if head.min_similarity is not None or head.min_margin is not None:
        options["rule"] = RejectRule(min_similarity=head.min_similarity, min_margin=head.min_margin)
    return options


@contextmanager
def opened_source(uri: str, *, realtime: bool) -> Generator[tuple[Source, SourceInfo]]:
    """The source a URI or path names, open; closed at the end. Raises `SourceError` when it is none or won't open."""
    kind, _ = parse_uri(uri)
    if kind not in (known := plugins.names("sources")):
        raise SourceError(f"{masked(uri)!r}: no source is called {kind!r}; there are: {', '.join(known)}")
    source: Source = plugins.load("sources", kind)(uri, realtime=realtime)
    info = source.open()
    try:
        yield source, info
    finally:
        source.close()


@contextmanager
def opened_sinks(sections: Sequence[SinkSection]) -> Generator[list[Sink]]:
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
        stamped: whether events carry wall time and latency (live) or can be repeated byte for byte (review). A live
            stream goes on when a sink is in trouble (see `Outlets`).
    """
    recorder = Recorder(stream, stamped=stamped)
    labels = model.planes.labels
    companions = companions_for(config, model=model, info=info, recorder=recorder, labels=labels)
    looks_back = config.smoothing.kind == "viterbi" and not stamped
    analyst = (_looking_back if looks_back else _analyst)(config, labels, recorder, companions)
    flow = config.flow
    run = StreamRun(
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
        watch=Watch(
            sees_colour=model.encoder.sees_colour,
            gates=gates_for(config.signal),
            fans=_fans(config.fan),
            motion=_motion(config.sampling),
            closer=LookCloser() if config.quality.enabled else None,
        ),
        analyst=analyst,
        recorder=recorder,
        outlets=Outlets(sinks, recorder=recorder, live=stamped),
        onlookers=[Showcase(sinks), *(one for one in companions if isinstance(one, Onlooker))],
        config_sha256=config.sha256,
    )
    for companion in companions:
        if isinstance(companion, Background):
            companion.wake_with(lambda: run.operate(Nudge()))
    return run


def _analyst(
    config: Config,
    labels: Sequence[str],
    recorder: Recorder,
    companions: Sequence[Companion],
    *,
    decided: tuple[Course, Segmenter] | None = None,
) -> Analyst:
    smoothing, segmenter = decided or (smoothing_for(config, labels), segmenter_for(config, labels))
    return Analyst(
        labels=labels,
        smoothing=smoothing,
        segmenter=segmenter,
        max_gap_seconds=config.smoothing.max_gap_seconds,
        recorder=recorder,
        frame_scores=config.frame_scores,
        companions=companions,
        judge=judge_for(config, labels),
    )


def _looking_back(
    config: Config, labels: Sequence[str], recorder: Recorder, companions: Sequence[Companion]
) -> Hindsight:
    course = Course()
    analyst = _analyst(config, labels, recorder, companions, decided=(course, Segmenter(labels, RULES)))
    return Hindsight(analyst, course, dwell_for(config), max_gap_seconds=config.smoothing.max_gap_seconds)


def _sampler(section: SamplingSection) -> Sampler:
    if isinstance(section, FixedRateSection):
        return FixedRate(section.rate_fps)
    return FixedRate(section.max_fps) if isinstance(section, AdaptiveSection) else EveryFrame()


def _motion(section: SamplingSection) -> Motion | None:
    if not isinstance(section, AdaptiveSection):
        return None
    return Motion(min_fps=section.min_fps, changed_share=section.changed_share)


def gates_for(section: SignalSection) -> Gates | None:
    """Fresh ones for one stream; None where none is wanted."""
    if not section.gates:
        return None
    limits = section.model_dump(exclude={"gates"})
    return Gates(GateRules(closing=frozenset(GateState(name) for name in section.gates), **limits))


def _fans(section: FanSection) -> FanWatch | None:
    return FanWatch(FanMemory(section.memory)) if section.find else None
