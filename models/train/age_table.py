"""Similarities of heads of known size: the file that the age rule is judged on and its decoder is fitted on."""

import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..encoder import Encoder, ModelError
from ..growth import counts
from ..hc18 import Head, patient_of
from ..heads.age_text import AgeTexts, prompt_spacing
from ..heads.gestational_age import check_similarity
from ..heads.zero_shot import LOGIT_SCALE
from ..preprocess import open_image

NEEDED = ("similarity", "true_hc_mm", "filename")


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeTable:
    """n heads.

    Attributes:
        similarity: (n 175) mean over templates of 100 * cosine, for 14w0d to 38w6d.
        head_mm: (n) true circumferences.
        patients: (n) whose they are.
    """

    similarity: NDArray[np.floating]
    head_mm: NDArray[np.float64]
    patients: tuple[str, ...]

    def __post_init__(self) -> None:
        check_similarity(self.similarity)
        if not (self.head_mm.shape == (len(self.similarity),) and len(self.patients) == len(self.similarity)):
            raise ModelError(
                f"{len(self.similarity)} curves, heads of shape {self.head_mm.shape} and {len(self.patients)} patients "
                "do not pair up"
            )
        if not (np.isfinite(self.head_mm).all() and (self.head_mm > 0).all()):
            raise ModelError("head circumferences are finite and above 0 mm")

    def __len__(self) -> int:
        return len(self.similarity)

    def rows(self, chosen: NDArray[np.bool_]) -> Self:
        """Those of (n) that are chosen."""
        return type(self)(
            similarity=self.similarity[chosen],
            head_mm=self.head_mm[chosen],
            patients=tuple(name for name, keep in zip(self.patients, chosen, strict=True) if keep),
        )

    def counted(self) -> Self:
        """Those whose size the evaluation counts."""
        return self.rows(counts(self.head_mm))


def read_age_table(path: Path) -> AgeTable:
    """Reads an .npz with ``similarity``, ``true_hc_mm`` and ``filename``, in HC18's layout.

    ``patient`` names the patients; without it they are what stands before the first "_" of the file's name (HC18's
    ``010_HC.png`` and ``010_2HC.png`` show one).

    Raises:
        ModelError: one line that names the file and what is wrong with it.
    """
    if not path.is_file():
        raise ModelError(f"{path}: there is no such file of similarities")
    if not zipfile.is_zipfile(path):
        raise ModelError(f"{path} is no .npz file, or its end is missing; one with {', '.join(NEEDED)} was expected")
    try:
        with np.load(path, allow_pickle=False) as file:
            if missing := [name for name in NEEDED if name not in file.files]:
                raise ModelError(f"{path} lacks {', '.join(missing)}; it holds {', '.join(file.files) or 'nothing'}")
            similarity, head_mm = file["similarity"], file["true_hc_mm"]
            named: Sequence[object] = list(file["filename"])
            patients: Sequence[object] = (
                list(file["patient"]) if "patient" in file.files else [str(name).partition("_")[0] for name in named]
            )
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise ModelError(f"{path} is no sound .npz file: {' '.join(str(error).split())[:120]}") from error
    if not (np.issubdtype(similarity.dtype, np.floating) and np.issubdtype(head_mm.dtype, np.number)):
        raise ModelError(f"{path}: similarity and true_hc_mm are numbers, not {similarity.dtype} and {head_mm.dtype}")
    try:
        return AgeTable(similarity=similarity, head_mm=head_mm.astype(np.float64), patients=tuple(map(str, patients)))
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error


def embed_heads(
    heads: Sequence[Head], encoder: Encoder, texts: AgeTexts, *, progress: Callable[[int], None] = lambda _: None
) -> AgeTable:
    """Asks a model for the similarities of heads. One picture at a time; what costs is each new pixel spacing.

    Args:
        heads: pictures of known size.
        encoder, texts: of the same weights.
        progress: is told how many heads are done.

    Raises:
        ModelError: a picture that cannot be read, by name.
    """
    if encoder.identity.sha256 != texts.identity.sha256:
        raise ModelError("pictures and sentences are embedded by the same weights")
    curves: list[NDArray[np.float32]] = []
    for done, head in enumerate(heads, start=1):
        pixels = open_image(head.path)
        height_px, width_px = pixels.shape[:2]
        table = texts.table(prompt_spacing(head.spacing_mm, width_px=width_px, height_px=height_px))
        unit = encoder.encode([encoder.prepare(pixels)]).unit().float().cpu()
        curves.append((LOGIT_SCALE * unit[0] @ table.T).numpy())
        progress(done)
    return AgeTable(
        similarity=np.stack(curves) if curves else np.empty((0, 175), dtype=np.float32),
        head_mm=np.array([head.head_mm for head in heads], dtype=np.float64),
        patients=tuple(patient_of(head.path.name) for head in heads),
    )


def write_age_table(path: Path, table: AgeTable, heads: Sequence[Head]) -> None:
    """Writes what `read_age_table` reads."""
    try:
        with path.open("wb") as file:
            np.savez_compressed(
                file,
                similarity=table.similarity,
                true_hc_mm=table.head_mm,
                filename=np.array([head.path.name for head in heads]),
                patient=np.array(table.patients),
            )
    except OSError as error:
        raise ModelError(f"{path} cannot be written: {error.strerror}") from error
