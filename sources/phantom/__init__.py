"""A procedural fetal ultrasound: the stand-in for a capture card, with known truth."""

from .events import ScanEvent
from .fetus import Pathology
from .labelled import render_plane
from .script import Interval, Script
from .source import PhantomSource
from .truth import Truth

__all__ = ["Interval", "Pathology", "PhantomSource", "ScanEvent", "Script", "Truth", "render_plane"]
