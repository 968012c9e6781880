"""The parts of the configuration for what is found and kept beside the planes."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from .section import Score, Seconds, Section


class AgeSection(Section):
    """Gestational age from frames of the head; needs pixel spacing and a model with a text tower."""

    enabled: bool = False
    head: Path | None = None
    """Decoder written by ``fetalstream train ga``; null: the published zero-shot rule, which gives no interval."""
    every_seconds: Seconds = 2.0
    """At most so often is an age told."""


class ChdSection(Section):
    """Heart clips; without a head there is no score, and one event says so."""

    enabled: bool = True
    head: Path | None = None
    """Head file written by ``fetalstream train chd``; "phantom" is the embedded one, which knows phantoms only."""
    prevalence: Annotated[float, Field(gt=0, lt=1)] = 0.01
    """Share of affected hearts among those scanned."""


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


class UiSection(Section):
    """The live page."""

    enabled: bool = False
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8765
    token_variable: str | None = None
    """Environment variable that holds the token; needed where host is not this machine, made up if null."""
    pictures_fps: Annotated[float, Field(gt=0, le=60)] = 25.0
    """Most pictures a second that a browser is sent."""
