"""The planes this project names, after the ISUOG mid-trimester guideline (2022), and how they group."""

from enum import StrEnum
from types import MappingProxyType

BACKGROUND = "background"
"""The label of "none of these": every plane head must be able to give it."""


class Plane(StrEnum):
    """A standard plane of the mid-trimester scan."""

    TRANSTHALAMIC = "transthalamic"
    TRANSVENTRICULAR = "transventricular"
    TRANSCEREBELLAR = "transcerebellar"
    LIPS_NOSE = "lips_nose"
    PROFILE = "profile"
    SPINE_SAGITTAL = "spine_sagittal"
    SPINE_CORONAL = "spine_coronal"
    FOUR_CHAMBER = "four_chamber"
    LVOT = "lvot"
    RVOT = "rvot"
    THREE_VESSEL = "three_vessel"
    ABDOMEN = "abdomen"
    KIDNEYS = "kidneys"
    FEMUR = "femur"
    CERVIX = "cervix"


GROUPS: MappingProxyType[str, frozenset[str]] = MappingProxyType(
    {
        "brain": frozenset({Plane.TRANSTHALAMIC, Plane.TRANSVENTRICULAR, Plane.TRANSCEREBELLAR}),
        "heart": frozenset({Plane.FOUR_CHAMBER, Plane.LVOT, Plane.RVOT, Plane.THREE_VESSEL}),
        "spine": frozenset({Plane.SPINE_SAGITTAL, Plane.SPINE_CORONAL}),
    }
)
"""Coarse names, and the planes each stands for; a head may speak coarsely or finely."""

_TITLES = {
    "four_chamber": "Four-chamber",
    "lips_nose": "Lips and nose",
    "lvot": "LVOT",
    "rvot": "RVOT",
    "spine_coronal": "Spine, coronal",
    "spine_sagittal": "Spine, sagittal",
    "three_vessel": "Three-vessel",
}


def title(plane: str) -> str:
    """How a plane is called by people: "four_chamber" is "Four-chamber", "femur" is "Femur"."""
    return _TITLES.get(plane, plane.replace("_", " ").capitalize())
