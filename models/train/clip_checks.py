"""Leaks that have made published figures of heart classifiers too good; each of these fails with a plain sentence.

They run on every training and every evaluation, not only in tests: a leak comes with the data.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
import torch
from einops import rearrange
from numpy.typing import NDArray
from torch import Tensor

from ..encoder import Encoder
from ..heads.clip_answer import Floats
from ..heads.clip_head import Clips
from .clip_table import ClipTable, by_patient
from .folds import LeakError

SAME_LEVELS = 1.5
"""Mean difference in grey levels, over thumbnails of the same moments, under which two cines are one."""

_CHANCE_ERRORS = 3.5


def check_blind(predict: Callable[[ClipTable], Floats], table: ClipTable) -> Floats:
    """Predicts, and again with every label turned round: scores that move have read the truth.

    Args:
        predict: table -> (n) scores.
        table: what to predict.

    Returns:
        The scores.
    """
    scores = predict(table)
    defect = next((label for label in table.labels if label != table.normal), "affected")
    turned = {p.name: table.normal if p.affected else defect for p in by_patient(table)}
    if not np.array_equal(scores, predict(table.relabelled(turned.__getitem__))):
        raise LeakError("scores change when labels are changed: the truth chooses something at prediction")
    return scores


def check_frames_apart(encoder: Encoder, prepared: Sequence[Tensor], clip: Clips) -> None:
    """Refuses a clip (1 t d) whose frames are not those of its pictures, in order and each by itself.

    A reshape of (b t c) that takes time for colour gives embeddings that look sound and are of no picture. The first
    and the last frame are encoded alone and compared with what stands at their places; those between are not.

    Args:
        encoder: the one that the embeddings are said to be of.
        prepared: t pictures (c s s).
        clip: their embeddings.
    """
    if len(prepared) != clip.shape[1]:
        raise LeakError(f"{clip.shape[1]} embeddings stand for {len(prepared)} pictures")
    for place in (0, len(prepared) - 1):
        alone = encoder.encode([prepared[place]]).embedding[0].float().cpu()
        error = (torch.from_numpy(clip[0, place]) - alone).norm() / alone.norm().clamp_min(1e-6)
        if float(error) > 0.05:
            raise LeakError(
                f"frame {place} of a clip has another embedding than its picture alone has "
                f"({float(error):.0%} apart): frames, colours or clips have been mixed"
            )


def check_no_twins(names: Sequence[str], thumbnails: NDArray[np.uint8], digests: Sequence[str]) -> None:
    """Refuses cines that are one: equal bytes or, copied and coded anew, equal pictures in their thumbnails.

    Args:
        names: (n) of the cines, patient and label included, as the message should tell them.
        thumbnails: (n t h w), small grey pictures of each at the same moments.
        digests: (n) of their bytes.
    """
    same: defaultdict[str, list[str]] = defaultdict(list)
    for name, digest in zip(names, digests, strict=True):
        same[digest].append(name)
    if twins := next((group for group in same.values() if len(group) > 1), None):
        raise LeakError(f"{' and '.join(twins[:3])} are one cine, byte for byte: a cine stands once in a manifest")
    flat = rearrange(thumbnails, "n t h w -> n (t h w)").astype(np.float32)
    for row in range(len(flat) - 1):
        near = np.abs(flat[row + 1 :, ::7] - flat[row, ::7]).mean(axis=1) < 2 * SAME_LEVELS
        for other in (np.flatnonzero(near) + row + 1).tolist():
            if np.abs(flat[other] - flat[row]).mean() < SAME_LEVELS:
                raise LeakError(f"{names[row]} and {names[other]} show the same pictures: a copy stands once")


def check_unseen(seen: NDArray[np.uint8], table: ClipTable) -> None:
    """Refuses to judge a head on cines that it was trained on; ``seen`` and ``table.digests`` are (n 8) uint8."""
    known = {bytes(row) for row in seen}
    shared = sorted({name for name, row in zip(table.cines, table.digests, strict=True) if bytes(row) in known})
    if shared:
        raise LeakError(f"the head was trained on {len(shared)} of these cines, such as {shared[0]}")


def check_one_row_each(patients: Sequence[str]) -> None:
    """Refuses figures "by patient" over rows of which a patient has several: those are figures by clip."""
    if len(set(patients)) < len(patients):
        raise LeakError(
            f"figures by patient want one row for each; {len(patients)} rows are of {len(set(patients))} patients"
        )


def check_chance(auroc: float, *, normal: int, affected: int) -> None:
    """Refuses an AUROC that shuffled labels cannot have given by chance.

    Without anything to learn its variance is (n + m + 1) / (12 n m) for n normal and m affected patients (Mann and
    Whitney 1947).
    """
    error = float(np.sqrt((normal + affected + 1) / (12 * normal * affected)))
    if abs(auroc - 0.5) > _CHANCE_ERRORS * error:
        raise LeakError(
            f"with shuffled labels the AUROC is {auroc:.3f}, not about 0.5 (chance allows 0.5 +/- "
            f"{_CHANCE_ERRORS * error:.3f}): something other than the pictures connects training and test"
        )
