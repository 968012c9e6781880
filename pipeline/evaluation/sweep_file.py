"""Scores of sweeps with their truth, kept in a file: what costs is looking, not judging."""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ... import FetalStreamError
from ...sources.phantom import Interval
from .phantom_exam import Sweep

FORMAT_VERSION = 1


class SweepFileError(FetalStreamError):
    """A file of scores cannot be read or written; the message names it."""


def write_sweeps(path: Path, sweeps: Sequence[Sweep], *, model: str) -> None:
    """Writes an .npz that `read_sweeps` reads; scores in half precision, which no threshold notices.

    Args:
        model: whose scores these are, for people.
    """
    content: dict[str, Any] = {"format_version": FORMAT_VERSION, "sweeps": len(sweeps), "model": model}
    for number, one in enumerate(sweeps):
        content |= {
            f"{number}.seed": one.seed,
            f"{number}.labels": np.array(one.labels),
            f"{number}.pts_seconds": one.pts_seconds,
            f"{number}.scores": one.scores.astype(np.float16),
            f"{number}.truth": np.array(one.truth),
            f"{number}.planes": np.array([visit.plane for visit in one.visits], dtype=np.str_),
            f"{number}.times": np.array([[v.start_seconds, v.end_seconds] for v in one.visits]).reshape(-1, 2),
            f"{number}.duration_seconds": one.duration_seconds,
        }
    try:
        with path.open("wb") as file:
            np.savez_compressed(file, **content)
    except OSError as error:
        raise SweepFileError(f"{path} cannot be written: {error.strerror}") from error


def read_sweeps(path: Path) -> tuple[str, list[Sweep]]:
    """-> whose scores they are, and the sweeps.

    Raises:
        SweepFileError: one line that names the file and what is wrong with it.
    """
    if not path.is_file() or not zipfile.is_zipfile(path):
        raise SweepFileError(f"{path} is no .npz file of scores; 'evaluate segments --keep FILE' makes one")
    try:
        with np.load(path, allow_pickle=False) as file:
            if (version := int(file["format_version"])) != FORMAT_VERSION:
                raise SweepFileError(f"{path} is of format {version}; {FORMAT_VERSION} is known")
            return str(file["model"]), [_sweep(file, number) for number in range(int(file["sweeps"]))]
    except (KeyError, ValueError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise SweepFileError(f"{path} holds no whole sweeps: {' '.join(str(error).split())[:120]}") from error


def _sweep(file: Any, number: int) -> Sweep:
    def part(name: str) -> Any:
        return file[f"{number}.{name}"]

    labels, scores, times = tuple(map(str, part("labels"))), part("scores").astype(np.float32), part("pts_seconds")
    truth = tuple(map(str, part("truth")))
    if not scores.shape == (len(times), len(labels)) == (len(truth), len(labels)):
        raise ValueError(f"sweep {number} has {len(times)} times, {len(truth)} truths and scores {scores.shape}")
    return Sweep(
        seed=int(part("seed")),
        labels=labels,
        pts_seconds=times,
        scores=scores,
        truth=truth,
        visits=tuple(
            Interval(str(plane), float(start), float(end))
            for plane, (start, end) in zip(part("planes"), part("times"), strict=True)
        ),
        duration_seconds=float(part("duration_seconds")),
    )
