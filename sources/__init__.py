"""Where pictures come from. Knows no model and no sink."""

from .frame import Damage, Frame, Item, Picture, Pixels, SourceState, StateChange
from .source import DicomObject, Source, SourceError, SourceInfo

__all__ = [
    "Damage",
    "DicomObject",
    "Frame",
    "Item",
    "Picture",
    "Pixels",
    "Source",
    "SourceError",
    "SourceInfo",
    "SourceState",
    "StateChange",
]
