"""The parts of the configuration for what is found and kept beside the planes."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, FilePath, field_validator

from .section import Score, Seconds, Section

EMBEDDED_CHD = "phantom"


class AgeSection(Section):
    """Gestational age from frames of the head; needs pixel spacing and a model with a text tower."""

    enabled: bool = False
    head: FilePath | None = None
    """Decoder written by ``fetalstream train ga``; null: the published zero-shot rule, which gives no interval."""
    prompts: str = "gestational_age"
    """Sentences with {weeks}, {days} and {spacing}: gestational_age, or a file."""
    planes: Annotated[tuple[str, ...], Field(min_length=1)] = ("transthalamic", "brain")
    """Planes whose frames speak; a plane head that knows no finer name says "brain"."""
    spacing_mm: Annotated[float, Field(gt=0, le=10)] | None = None
    """Millimetres per pixel where the source knows none, such as a captured screen; true for one depth setting only."""
    every_seconds: Seconds = 2.0
    """At most so often is an age told."""


class ChdSection(Section):
    """Heart clips; without a head there is no score, and one event says so."""

    enabled: bool = True
    head: Path | None = None
    """Head file written by ``fetalstream train chd``; "phantom" is the embedded one, which knows phantoms only."""
    prevalence: Annotated[float, Field(gt=0, lt=1)] = 0.01
    """Share of affected hearts among those scanned."""

    @field_validator("head")
    @classmethod
    def _head_is_there(cls, head: Path | None) -> Path | None:
        if head is not None and str(head) != EMBEDDED_CHD and not head.is_file():
            raise ValueError(f'there is no such file; "{EMBEDDED_CHD}" is the embedded head, which knows phantoms only')
        return head


class QualitySection(Section):
    """What makes a picture worth keeping, and where each item turns (docs/quality.md)."""

    enabled: bool = True
    """Measure each frame; else the best frame is that with the highest score, and nothing is told of quality."""
    hold_seconds: Seconds = 0.4
    """How long an item must be different before that is told."""
    min_sharpness: Score = 0.45
    """Sharpness under which a picture is soft; published standard planes have 0.6 to 1."""
    min_brightness: Annotated[float, Field(ge=0, le=255)] = 40.0
    """Mean grey of tissue under which it is too dark."""
    max_brightness: Annotated[float, Field(gt=0, le=255)] = 165.0
    """Mean grey of tissue above which it is too bright."""
    max_white_share: Annotated[float, Field(gt=0, le=1)] = 0.04
    """White part of the fan above which the gain is too high."""
    min_fill_share: Annotated[float, Field(gt=0, le=1)] = 0.12
    """Part of the fan that a head, chest or abdomen should fill."""
    max_edge_share: Annotated[float, Field(gt=0, le=1)] = 0.2
    """Part of its outline that may lie beyond the fan's edge."""
    max_motion_share: Annotated[float, Field(gt=0, le=1)] = 0.15
    """Part of the fan that may change within 0.08 s."""
    min_score: Score = 0.6
    """Score of a plane under which it is not clearly this one."""
    min_margin: Score = 0.3
    """Lead over the next label under which it is not clearly this one."""


class CaptureSection(Section):
    """The best frame and a short clip of each plane, kept on the disk."""

    folder: Path | None = None
    """Where captures go; null keeps none."""
    pre_seconds: Annotated[float, Field(ge=0, le=30)] = 2.0
    """How much of a clip lies before its best frame."""
    post_seconds: Annotated[float, Field(ge=0, le=30)] = 1.0
    """How much lies after it."""
    clips: bool = True
    """Keep clips beside stills."""
    min_quality: Score = 0.5
    """Quality under which nothing is kept of itself; the operator's wish always is."""
    per_plane: Annotated[int, Field(ge=0, le=100)] = 1
    """How many captures of a plane are wanted where the protocol does not say."""
    memory_mib: Annotated[int, Field(ge=8, le=65_536)] = 256
    """What pictures may hold in memory: half of it the last seconds, half what waits for the disk."""


class UiSection(Section):
    """The live page."""

    enabled: bool = False
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8765
    token_variable: str | None = None
    """Environment variable that holds the token; needed where host is not this machine, made up if null."""
    pictures_fps: Annotated[float, Field(gt=0, le=60)] = 25.0
    """Most pictures a second that a browser is sent."""
    names: tuple[str, ...] = ()
    """Host names under which browsers reach the page through a proxy; then the token is needed here too."""
