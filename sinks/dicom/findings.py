"""What documents say: planes and where they are seen, age, heart; from captures or from the record of a review."""

from dataclasses import dataclass

from ..findings import AgeEstimated, ChdScored
from ..record import ModelRef
from .reference import Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaneFinding:
    """A standard plane that was seen.

    Attributes:
        key: tells it from all others of its exam; the same whenever the same exam is exported.
        plane: its name.
        score: in [0, 1]; of the frame.
        quality: in [0, 1]; None when nobody judged it.
        pts_seconds: media time of the frame.
        at: the picture that shows it.
        model: the weights that spoke.
        config_sha256: the configuration they spoke under.
    """

    key: str
    plane: str
    score: float
    quality: float | None
    pts_seconds: float
    at: Reference
    model: ModelRef
    config_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartFinding:
    """A heart score and the frames it was made of; ``at`` is None where nothing can point there."""

    scored: ChdScored
    at: Reference | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """All findings of one stream.

    Attributes:
        stream: its identity.
        planes: in the order they were seen; not empty.
        age: the last word on gestational age; None where there is none.
        hearts: of the exam as a whole, else of each clip.
        remarks: why there is no age or no heart score, in words.
        cine: the whole source, where that is a DICOM object: what the age was made of.
    """

    stream: str
    planes: tuple[PlaneFinding, ...]
    age: AgeEstimated | None = None
    hearts: tuple[HeartFinding, ...] = ()
    remarks: tuple[str, ...] = ()
    cine: Reference | None = None

    @property
    def references(self) -> list[Reference]:
        """Every picture they point at, in order."""
        hearts = [heart.at for heart in self.hearts if heart.at is not None]
        cine = [] if self.cine is None else [self.cine]
        return [*(finding.at for finding in self.planes), *hearts, *cine]
