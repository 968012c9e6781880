"""What is known of a phantom's frame without looking at it."""

from dataclasses import dataclass

from .fetus import Pathology


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """The truth of one frame.

    Attributes:
        plane: a name of ``models.planes.Plane``, or "background".
        quality: [0, 1], 1 in the ideal plane; a plane is named from 0.5 on.
        frozen: the picture is a still.
        lifted: the probe is off the skin.
        cardiac_phase: [0, 1), 0 is end-diastole.
        pathology: of the fetus's heart, seen or not.
    """

    plane: str
    quality: float
    frozen: bool = False
    lifted: bool = False
    cardiac_phase: float = 0.0
    pathology: Pathology = "normal"
