"""The parts of the configuration that turn scores into segments: smoothing, dwell times, thresholds."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from .section import Score, Seconds, Section

DwellSeconds = Annotated[float, Field(ge=0.05, le=3600)]


class SmoothingSection(Section):
    kind: Literal["hidden_markov", "low_pass", "viterbi"] = "hidden_markov"
    """hidden_markov: probabilities under the dwell times of `dwell`. viterbi: the most likely course of the whole
    recording under them, for reviews alone. low_pass: first-order over scores; who gives a time constant means it."""
    time_constant_seconds: Seconds = 0.2
    """Time constant of the low-pass; 0 switches it off."""
    max_gap_seconds: Seconds = 2.0
    """Longest pause between frames that is bridged."""


class DwellSection(Section):
    """Read where smoothing.kind is hidden_markov or viterbi."""

    plane_seconds: DwellSeconds = 2.5
    """Mean length of a visit."""
    background_seconds: DwellSeconds = 1.5
    """Mean time between visits."""
    phases: Annotated[int, Field(ge=1, le=8)] = 2
    """Of a visit; more make its length surer."""
    sibling_share: Score = 0.1
    """Part of visits that pass straight to another plane of the same body part."""
    stranger_share: Score = 0.02
    """Part that pass straight to a plane of another; the rest ends in background."""
    evidence_seconds: DwellSeconds = 0.08
    """Time after which a frame counts as new evidence."""
    doubt: Annotated[float, Field(gt=0, lt=1)] = 0.05
    """Part of each score that is noise."""

    @model_validator(mode="after")
    def _parts_of_one(self) -> Self:
        if self.sibling_share + self.stranger_share > 1:
            raise ValueError(f"sibling_share {self.sibling_share} and stranger_share {self.stranger_share} exceed 1")
        return self


class SegmentsSection(Section):
    """Where smoothing.kind is low_pass, what is not given is that of `LOW_PASS_SEGMENTS`; not read for viterbi."""

    enter_score: Score = 0.6
    """Smoothed score at which a plane enters."""
    leave_score: Score = 0.4
    """Smoothed score under which it leaves; at most enter_score."""
    hold_seconds: Seconds = 0.0
    """How long a plane must stay strongest to enter."""
    release_seconds: Seconds = 0.25
    """How long it must stay weak to leave."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.leave_score > self.enter_score:
            raise ValueError(f"leave_score {self.leave_score} is above enter_score {self.enter_score}")
        return self


LOW_PASS_SEGMENTS = {"enter_score": 0.6, "leave_score": 0.4, "hold_seconds": 0.2, "release_seconds": 0.3}
"""What ``segments`` is where smoothing.kind is low_pass and the user does not say."""
