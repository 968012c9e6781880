"""Labels for embedded frames: a table of keys, joined to a file of embeddings."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from ..embeddings import EmbeddingTable, FrameKey
from ..encoder import ModelError
from ..outputs import ModelIdentity
from ..planes import BACKGROUND
from ..rows import read_rows

MIN_PATIENTS = 3
"""Of each class: one to teach, one to choose, one to judge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRow:
    """One line of a table of labels; ``patient`` and ``split`` may be empty."""

    line: int
    key: str
    label: str
    patient: str = ""
    split: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """n embeddings with their truth.

    Attributes:
        embedding: (n d) float32, not normalised.
        labels, patients, keys: (n) each.
        splits: (n) train, validation or test, None where the table does not say.
        encoder: whose embeddings these are.
    """

    embedding: NDArray[np.float32]
    labels: tuple[str, ...]
    patients: tuple[str, ...]
    keys: tuple[str, ...]
    encoder: ModelIdentity
    splits: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if not len(self.embedding) == len(self.labels) == len(self.patients) == len(self.keys):
            raise ModelError("embeddings, labels, patients and keys pair up")
        if len(set(self.labels)) < 2:
            raise ModelError(f"a probe tells classes apart: two labels at least, not {', '.join(set(self.labels))}")
        for label, (_, patients) in self.counts().items():
            if patients < MIN_PATIENTS:
                raise ModelError(
                    f"class {label!r} is of {patients} patients; it needs {MIN_PATIENTS}: to teach, choose and judge"
                )

    @property
    def classes(self) -> tuple[str, ...]:
        """Background first, if it is a class; the rest by name."""
        return tuple(sorted(set(self.labels), key=lambda label: (label != BACKGROUND, label)))

    @property
    def targets(self) -> NDArray[np.int64]:
        """(n) place in ``classes``."""
        place = {label: number for number, label in enumerate(self.classes)}
        return np.array([place[label] for label in self.labels], dtype=np.int64)

    def counts(self) -> dict[str, tuple[int, int]]:
        """Label -> pictures, patients."""
        pictures = Counter(self.labels)
        patients: defaultdict[str, set[str]] = defaultdict(set)
        for label, patient in zip(self.labels, self.patients, strict=True):
            patients[label].add(patient)
        return {label: (pictures[label], len(patients[label])) for label in self.classes}

    def __len__(self) -> int:
        return len(self.labels)


def read_labels(path: Path) -> list[LabelRow]:
    """Reads a .csv with the columns key and label, and if it has them patient and split; parted by "," or ";".

    Raises:
        ModelError: one line that names the file, the line and what is wrong there.
    """
    rows = read_rows(path, needed=("key", "label"), what="a table of labels")
    return [
        LabelRow(
            line=line, key=row["key"], label=row["label"], patient=row.get("patient", ""), split=row.get("split", "")
        )
        for line, row in rows
    ]


def join(table: EmbeddingTable, rows: Sequence[LabelRow], *, labels_path: Path) -> Labelled:
    """The frames of ``table`` that ``rows`` label, in the table's order; others are left out.

    A key names a frame ("CLIP#12", "FOLDER/FILE.png"), a clip or folder (all of its frames get the label), or a
    picture by its file name, with or without suffix. The patient is the row's, else what the embeddings say.

    Raises:
        ModelError: a key that names no frame or more than one picture, a frame labelled twice, a patient nobody knows;
            each with its line.
    """
    frames_of = _by_name(table.frames)
    found: dict[int, LabelRow] = {}
    for row in rows:
        where = f"{labels_path}, line {row.line}"
        places = _places(frames_of, row.key)
        if places is None:
            raise ModelError(f"{where}: {row.key!r} is the name of several pictures: write FOLDER/FILE")
        if not places:
            raise ModelError(f"{where}: no embedded frame, clip or picture is called {row.key!r}")
        for place in places:
            if (before := found.setdefault(place, row)) is not row:
                key = table.frames[place].key
                raise ModelError(f"{where}: {key!r} has a label already, from line {before.line}")
            if not (row.patient or table.frames[place].patient):
                raise ModelError(f"{where}: whose picture {row.key!r} is must be known; fill the column patient")
    chosen = sorted(found)
    if not chosen:
        raise ModelError(f"{labels_path} holds no label")
    splits = tuple(found[place].split for place in chosen)
    if any(splits) and not all(splits):
        empty = next(found[place].line for place in chosen if not found[place].split)
        raise ModelError(f"{labels_path}, line {empty}: the column split is filled in every line or in none")
    return Labelled(
        embedding=table.embedding[chosen],
        labels=tuple(found[place].label for place in chosen),
        patients=tuple(found[place].patient or table.frames[place].patient for place in chosen),
        keys=tuple(table.frames[place].key for place in chosen),
        encoder=table.encoder,
        splits=splits if all(splits) else None,
    )


def _by_name(frames: Sequence[FrameKey]) -> tuple[Mapping[str, int], Mapping[str, list[int]], Mapping[str, list[int]]]:
    """Places by key, by clip, and by file name of a picture."""
    keys = {frame.key: place for place, frame in enumerate(frames)}
    clips: defaultdict[str, list[int]] = defaultdict(list)
    files: defaultdict[str, list[int]] = defaultdict(list)
    for place, frame in enumerate(frames):
        clips[frame.clip].append(place)
        if frame.key.startswith(f"{frame.clip}/"):
            name = PurePosixPath(frame.key)
            for alias in {name.name, name.stem}:
                files[alias].append(place)
    return keys, clips, files


def _places(
    named: tuple[Mapping[str, int], Mapping[str, list[int]], Mapping[str, list[int]]], key: str
) -> Sequence[int] | None:
    """What a key names; None where a file name is not enough."""
    keys, clips, files = named
    if key in keys:
        return [keys[key]]
    if key in clips:
        return clips[key]
    places = files.get(key, [])
    return places if len(places) < 2 else None
