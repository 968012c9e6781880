"""One fetus: its measures and what is peculiar to it."""

from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

Pathology = Literal["normal", "small_left_ventricle", "septal_defect", "axis_deviation"]
PATHOLOGIES: tuple[Pathology, ...] = get_args(Pathology)


class Tissue:
    """Echo strength in dB below white."""

    FLUID = -80.0
    BLOOD = -66.0
    CSF = -58.0
    CARTILAGE = -50.0
    THALAMUS = -47.0
    BRAIN = -41.0
    MYOCARDIUM = -37.0
    MUSCLE = -40.0
    KIDNEY = -40.0
    LIVER = -35.0
    LUNG = -32.0
    FAT = -31.0
    PLACENTA = -29.0
    UTERUS = -34.0
    CEREBELLUM = -33.5
    CHOROID = -27.0
    PLEXUS = -23.0
    SKIN = -24.0


@dataclass(frozen=True)
class Fetus:
    """Measures follow the age (simple mid-trimester lines); the rest is drawn from the seed.

    Attributes:
        seed: of everything random in its anatomy.
        weeks: gestational age.
        pathology: of the heart.
        cephalic_index: width of the head over its length.
    """

    seed: int = 0
    weeks: float = 21.0
    pathology: Pathology = "normal"
    cephalic_index: float = 0.79
    axis_rad: float = field(default=float(np.radians(45)))

    @property
    def head_mm(self) -> float:
        """Half the biparietal diameter."""
        return (2.9 * self.weeks - 11) / 2

    @property
    def trunk_mm(self) -> float:
        """Radius of the abdomen."""
        return (2.95 * self.weeks - 10) / 2

    @property
    def femur_mm(self) -> float:
        """Length of the femoral shaft."""
        return 2.55 * self.weeks - 18.5

    def rng(self, part: int) -> np.random.Generator:
        """Random numbers for one part of the body, the same each time."""
        return np.random.default_rng([self.seed, part])
