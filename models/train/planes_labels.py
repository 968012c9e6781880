"""FETAL_PLANES_DB straight to labelled embeddings: no file between, for a set that is embedded in minutes."""

from collections.abc import Callable, Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from ..encoder import Encoder, ModelError
from ..planes import BACKGROUND, Plane
from ..planes_db import PlanesRow
from ..preprocess import open_image
from .labels import Labelled
from .pictures import BRAIN_PLANES

LABELS: dict[str, str] = {
    "Fetal brain": "brain",
    "Fetal abdomen": Plane.ABDOMEN,
    "Fetal femur": Plane.FEMUR,
    "Fetal thorax": "heart",
    "Maternal cervix": Plane.CERVIX,
    "Other": BACKGROUND,
}
"""What a head calls the set's planes: the names of `planes`, so that protocols and events know them."""

_BATCH = 8


def label_of(row: PlanesRow, *, brain_planes: bool) -> str | None:
    """The label of a picture; with ``brain_planes`` that of the brain's plane, and None for a brain that shows none."""
    if brain_planes and row.plane == "Fetal brain":
        plane = BRAIN_PLANES.get(row.brain_plane)
        return None if plane is None else str(plane)
    return str(LABELS[row.plane])


def embed_planes(
    encoder: Encoder,
    rows: Sequence[PlanesRow],
    *,
    brain_planes: bool = False,
    left_out: Collection[str] = (),
    progress: Callable[[int], None] = lambda _: None,
) -> Labelled:
    """Embeds the labelled pictures of a table, but for the labels ``left_out``.

    ``progress`` is told how many of ``rows`` are done.

    Raises:
        ModelError: a picture that cannot be read, by name; too few classes or patients.
    """
    found: list[tuple[PlanesRow, str]] = []
    embeddings: list[NDArray[np.float32]] = []
    for start in range(0, len(rows), _BATCH):
        batch = [
            (row, label)
            for row in rows[start : start + _BATCH]
            if (label := label_of(row, brain_planes=brain_planes)) is not None and label not in left_out
        ]
        if batch:
            features = encoder.encode([encoder.prepare(open_image(row.path)) for row, _ in batch])
            embeddings.append(features.embedding.float().numpy(force=True))
            found += batch
        progress(min(start + _BATCH, len(rows)))
    if not found:
        raise ModelError("the table holds no picture to learn from")
    return Labelled(
        embedding=np.concatenate(embeddings),
        labels=tuple(label for _, label in found),
        patients=tuple(row.patient for row, _ in found),
        keys=tuple(row.path.name for row, _ in found),
        encoder=encoder.identity,
    )
