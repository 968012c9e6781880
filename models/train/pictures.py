"""The real pictures a data folder holds, what is known of each, and which split its patient belongs to."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ..encoder import ModelError
from ..planes import BACKGROUND, GROUPS, Plane
from ..planes_db import PlanesRow, planes_table
from ..sononet import CLASSES

Grey = NDArray[np.uint8]

BRAIN = GROUPS["brain"]
NO_CORE_PLANE = frozenset(
    {BACKGROUND, Plane.LIPS_NOSE, Plane.PROFILE, Plane.SPINE_SAGITTAL, Plane.SPINE_CORONAL, Plane.KIDNEYS}
)
"""What FETAL_PLANES_DB's "Other" may be: it holds faces, spines and kidneys too, and adult vessels."""

FETAL_PLANES: dict[str, frozenset[str]] = {
    "Fetal brain": BRAIN,
    "Fetal abdomen": frozenset({Plane.ABDOMEN}),
    "Fetal femur": frozenset({Plane.FEMUR}),
    "Fetal thorax": GROUPS["heart"],
    "Maternal cervix": frozenset({Plane.CERVIX}),
    "Other": NO_CORE_PLANE,
}
BRAIN_PLANES: dict[str, str] = {
    "Trans-thalamic": Plane.TRANSTHALAMIC,
    "Trans-ventricular": Plane.TRANSVENTRICULAR,
    "Trans-cerebellum": Plane.TRANSCEREBELLAR,
}

SCREEN_BOX = (slice(115, 734), slice(81, 874))
"""Rows and columns of the picture proper on SonoNet's example screens."""

_KEPT_WIDTH_PX = 440
_CINE_STEP = 4


class Split(StrEnum):
    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A real picture.

    Attributes:
        name: file name, with the frame number for a cine.
        origin: "hc18", "planes", "examples" or "cines".
        patient: unique over all origins; no patient stands in two splits.
        kind: what it is balanced by, such as "Fetal femur".
        allowed: the labels it may rightly get: one where the plane is known, several where only its group is.
        grey: (h w) uint8, at most 440 px wide.
    """

    name: str
    origin: str
    patient: str
    kind: str
    allowed: frozenset[str]
    split: Split
    grey: Grey


def read_examples(data_dir: Path) -> list[Example]:
    """All pictures below ``data_dir``: hc18/, planes/, sononet_examples/ and video/, each optional but ``planes``."""
    if not (data_dir / "planes").is_dir():
        raise ModelError(f"{data_dir} holds no folder 'planes' (the layout of FETAL_PLANES_DB); it is needed to train")
    return [*_planes(data_dir / "planes"), *_hc18(data_dir / "hc18"), *_screens(data_dir), *_cines(data_dir / "video")]


def split_patients(kinds_of: Mapping[str, Iterable[str]], turn: tuple[Split, ...]) -> dict[str, Split]:
    """Patient -> split, the same on every machine.

    Patients are grouped by the rarest kind that each has, put in an order that a hash decides, and dealt out in
    ``turn``; so each split gets its share of the rare kinds and a patient stays whole.
    """
    counts = Counter(kind for kinds in kinds_of.values() for kind in kinds)
    strata: defaultdict[str, list[str]] = defaultdict(list)
    for patient, kinds in kinds_of.items():
        strata[min(kinds, key=lambda kind: (counts[kind], kind))].append(patient)
    return {
        patient: turn[position % len(turn)]
        for patients in strata.values()
        for position, patient in enumerate(sorted(patients, key=_digest))
    }


def read_grey(path: Path) -> Grey:
    """(h w) uint8 of a picture file; raises `ModelError` when it is none."""
    grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if grey is None:
        raise ModelError(f"{path} cannot be read as a picture")
    return np.asarray(grey, dtype=np.uint8)


def planes_splits(rows: Iterable[PlanesRow]) -> dict[str, Split]:
    """Patient -> split of a FETAL_PLANES_DB table: three fifths of the patients train, one each validates and tests."""
    kinds: defaultdict[str, list[str]] = defaultdict(list)
    for row in rows:
        kinds[row.patient].append(row.plane)
    return split_patients(kinds, (Split.TRAIN, Split.VALIDATION, Split.TRAIN, Split.TEST, Split.TRAIN))


def _planes(folder: Path) -> Iterator[Example]:
    rows = planes_table(folder)
    splits = planes_splits(rows)
    for row in rows:
        brain = BRAIN_PLANES.get(row.brain_plane)
        yield Example(
            name=row.path.name,
            origin="planes",
            patient=f"planes:{row.patient}",
            kind=row.plane if brain is None else f"{row.plane}, {brain}",
            allowed=FETAL_PLANES[row.plane] if brain is None else frozenset({brain}),
            split=splits[row.patient],
            grey=_shrink(read_grey(row.path)),
        )


def _hc18(folder: Path) -> Iterator[Example]:
    paths = sorted((folder / "images").glob("*.png"))
    patients = {path: path.name.split("_")[0] for path in paths}
    turn = (*[Split.TRAIN] * 4, Split.VALIDATION, *[Split.TRAIN] * 4, Split.TEST)
    splits = split_patients({patient: ["head"] for patient in patients.values()}, turn)
    for path, patient in patients.items():
        yield Example(
            name=path.name,
            origin="hc18",
            patient=f"hc18:{patient}",
            kind="head",
            allowed=BRAIN,
            split=splits[patient],
            grey=_shrink(read_grey(path)),
        )


def _screens(data_dir: Path) -> Iterator[Example]:
    labels = dict(CLASSES)
    for path in sorted((data_dir / "sononet_examples").glob("*.png")):
        label = str(labels[path.stem])
        yield Example(
            name=path.name,
            origin="examples",
            patient=f"examples:{path.stem}",
            kind=label,
            allowed=frozenset({label}),
            split=Split.TRAIN,
            grey=_shrink(read_grey(path)[SCREEN_BOX]),
        )


def _cines(folder: Path) -> Iterator[Example]:
    paths = sorted(folder.glob("*.mp4"))
    turn = (Split.TRAIN, Split.VALIDATION, Split.TRAIN)
    splits = split_patients({path.name: ["cine"] for path in paths}, turn)
    for path in paths:
        capture = cv2.VideoCapture(str(path))
        number = 0
        while capture.grab():
            if number % _CINE_STEP == 0:
                grey = np.asarray(cv2.cvtColor(capture.retrieve()[1], cv2.COLOR_BGR2GRAY), dtype=np.uint8)
                yield Example(
                    name=f"{path.name}#{number}",
                    origin="cines",
                    patient=f"cines:{path.name}",
                    kind=path.name,
                    allowed=frozenset({BACKGROUND}),
                    split=splits[path.name],
                    grey=_shrink(grey),
                )
            number += 1
        capture.release()


def _shrink(grey: Grey) -> Grey:
    height_px, width_px = grey.shape
    scale = _KEPT_WIDTH_PX / width_px
    if scale >= 1:
        return grey
    size = (_KEPT_WIDTH_PX, max(round(height_px * scale), 1))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


PhantomMaker = Callable[[int], tuple[Grey, str]]
"""Seed -> a phantom picture (h w) uint8 and its label; models know no source, so the caller brings it."""
