"""From configuration to what turns scores into segments: whoever judges it builds what a stream has."""

from collections.abc import Sequence

from ..config import Config
from ..exam.quality import Judge, Limits
from ..settings import ConfigError
from .plane_filter import Dwell, PlaneFilter
from .segments import Rules, Segmenter
from .smoothing import ExponentialSmoothing, Smoothing


def smoothing_for(config: Config, labels: Sequence[str]) -> Smoothing:
    """A fresh one for one stream, of the configured kind. Raises `ConfigError` for one that looks ahead."""
    section = config.smoothing
    if section.kind == "viterbi":
        raise ConfigError(
            "smoothing.kind='viterbi' needs the whole recording, which only a review has; allowed here: "
            "hidden_markov, low_pass"
        )
    if section.kind == "hidden_markov":
        return PlaneFilter(labels, dwell_for(config), max_gap_seconds=section.max_gap_seconds)
    return ExponentialSmoothing(
        time_constant_seconds=section.time_constant_seconds, max_gap_seconds=section.max_gap_seconds
    )


def dwell_for(config: Config) -> Dwell:
    """The hidden Markov model of the configuration."""
    return Dwell(**config.dwell.model_dump())


def segmenter_for(config: Config, labels: Sequence[str]) -> Segmenter:
    """A fresh one for one stream, with the configured rules."""
    return Segmenter(labels, Rules(**config.segments.model_dump()))


def judge_for(config: Config, labels: Sequence[str]) -> Judge | None:
    """Of pictures, with the configured limits; None where nobody measures."""
    return Judge(labels, limits_for(config)) if config.quality.enabled else None


def limits_for(config: Config) -> Limits:
    """Where items of quality turn."""
    return Limits(**config.quality.model_dump(exclude={"enabled", "hold_seconds"}))
