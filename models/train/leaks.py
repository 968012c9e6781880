"""Pictures that are nearly the same though they are said to be of different patients: a split cannot part them."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from .labels import Labelled

SAME_COSINE = 0.995
"""Of embeddings whose common part, the mean, is taken away; frames next to each other in a cine reach it."""

_BLOCK = 1024


class Pair(NamedTuple):
    """Two keys of different patients, and the cosine between their centred embeddings."""

    key: str
    other: str
    cosine: float


def near_duplicates(data: Labelled, *, same_cosine: float = SAME_COSINE) -> list[Pair]:
    """Pairs across patients that look like copies, the most alike first.

    A patient listed under two numbers, or a picture exported twice, makes figures look better than they are.
    """
    return sorted(_pairs(data, same_cosine), key=lambda pair: (-pair.cosine, pair.key, pair.other))


def _pairs(data: Labelled, same_cosine: float) -> Iterator[Pair]:
    centred = data.embedding - data.embedding.mean(axis=0)
    unit = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-12)
    for start in range(0, len(unit), _BLOCK):
        cosines = unit[start : start + _BLOCK] @ unit[start:].T
        for row, column in np.argwhere(cosines >= same_cosine).tolist():
            one, other = start + row, start + column
            if one < other and data.patients[one] != data.patients[other]:
                yield Pair(data.keys[one], data.keys[other], float(cosines[row, column]))
