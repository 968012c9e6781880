"""Age from the whole similarity curve: a Gaussian process with a conformal interval, and its file.

The curve over 175 days holds more than its peak. Each curve is centred and scaled to unit deviation (its level and
height say more about the picture than about the age), compared with those of known age by exp(-d^2 / 2 l^2), and the
logarithm of the age is their weighted sum: the mean of a Gaussian process (Rasmussen and Williams 2006, eq. 2.25). How
it is fitted and how its interval is calibrated stands in `models.train.age`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from ..encoder import ModelError
from ..files import check_header
from ..outputs import ModelIdentity
from .gestational_age import AGE_DAYS, Age, NoAge, check_similarity
from .head_file import ForeignHeadError, check_encoder, encoder_in, encoder_metadata, save_head

KIND = "fetalstream.gestational_age"
FORMAT_VERSION = "1"
UNLIKE = "its similarities are unlike those of every head the decoder was fitted on"

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """The numbers of a decoder.

    Attributes:
        curves: (n 175) `shape_of` the curves of known age.
        weights: (n), of their kernels.
        length: of the kernel.
        centre, scale: log age in weeks = centre + scale * what the process says.
        spread_weeks, spread: (g) rising ages and the usual error of the process there.
        quantile: of error over spread, the interval's half width.
        level: share of heads the interval is meant to cover, in (0, 1).
        min_kernel: a curve whose nearest known one has a kernel below this is refused.
        first_weeks, last_weeks: youngest and oldest age known; answers are held between.
    """

    curves: Floats
    weights: Floats
    length: float
    centre: float
    scale: float
    spread_weeks: Floats
    spread: Floats
    quantile: float
    level: float
    min_kernel: float
    first_weeks: float
    last_weeks: float

    def __post_init__(self) -> None:
        if self.curves.shape != (len(self.weights), len(AGE_DAYS)) or not len(self.weights):
            raise ValueError(f"curves are (n {len(AGE_DAYS)}) and weights (n), not {self.curves.shape}")
        if self.spread.shape != self.spread_weeks.shape or (np.diff(self.spread_weeks) <= 0).any():
            raise ValueError("spread and spread_weeks are (g), the latter rising")
        if not (0 < self.level < 1 and self.length > 0 and self.scale > 0 and self.quantile >= 0):
            raise ValueError("level lies in (0, 1); length and scale are above 0, quantile is not below")
        if not (self.spread.min() > 0 and self.first_weeks < self.last_weeks):
            raise ValueError("spread is above 0 and first_weeks before last_weeks")
        arrays = (self.curves, self.weights, self.spread_weeks, self.spread)
        if not all(np.isfinite(array).all() for array in arrays):
            raise ValueError("every number is finite")


class AgeDecoder:
    """Similarity curves in, ages with intervals out.

    Args:
        fitted: its numbers.
        encoder: the weights whose similarities it was fitted on.
        prompts_sha256: digest of the sentences they were similar to.
        recipe: what it was fitted on, for people.
    """

    def __init__(self, fitted: Fitted, *, encoder: ModelIdentity, prompts_sha256: str, recipe: str = "") -> None:
        self.fitted = fitted
        self.encoder = encoder
        self.prompts_sha256 = prompts_sha256
        self.recipe = recipe

    def __call__(self, similarity: NDArray[np.floating]) -> list[Age | NoAge]:
        """(b 175) scores as `zero_shot_days` takes them -> b answers; a curve like none that is known gets none."""
        weeks, low, high, nearest = decode(self.fitted, similarity)
        return [
            Age(days=7 * w, low_days=7 * a, high_days=7 * z, level=self.fitted.level)
            if near >= self.fitted.min_kernel
            else NoAge(reason=UNLIKE)
            for w, a, z, near in zip(*(part.tolist() for part in (weeks, low, high, nearest)), strict=True)
        ]

    def save(self, path: Path) -> None:
        """Writes one safetensors file: the numbers, and whose similarities they are for; see `save_head`."""
        fitted = self.fitted
        arrays = {name: torch.from_numpy(getattr(fitted, name)) for name in _ARRAYS}
        metadata = {name: repr(float(getattr(fitted, name))) for name in _NUMBERS} | {
            "kind": KIND,
            "format_version": FORMAT_VERSION,
            **encoder_metadata(self.encoder),
            "prompts_sha256": self.prompts_sha256,
            "recipe": self.recipe,
        }
        save_head(path, arrays, metadata)

    @classmethod
    def load(cls, path: Path, *, encoder: ModelIdentity, prompts_sha256: str) -> Self:
        """Reads what `save` wrote.

        Raises:
            ModelError: the file is no decoder or is damaged.
            ForeignHeadError: it was fitted on another encoder or on other sentences.
        """
        if not path.is_file():
            raise ModelError(f"{path}: there is no such age decoder")
        try:
            with safe_open(path, framework="pt") as file:
                metadata = file.metadata() or {}
                check_header(metadata, kind=KIND, format_version=FORMAT_VERSION, path=path)
                numbers: dict[str, Any] = {name: float(metadata[name]) for name in _NUMBERS}
                arrays: dict[str, Any] = {name: file.get_tensor(name).double().numpy() for name in _ARRAYS}
                fitted = Fitted(**arrays, **numbers)
                trained_on = encoder_in(metadata)
                sentences, recipe = metadata["prompts_sha256"], metadata.get("recipe", "")
        except (SafetensorError, KeyError, ValueError, TypeError, OSError) as error:
            raise ModelError(f"{path} is a damaged age decoder: {' '.join(str(error).split())}") from error
        check_encoder(trained_on, encoder, path=path, made="fitted", gives="ages")
        if sentences != prompts_sha256:
            raise ForeignHeadError(
                f"{path} was fitted on the answers to other sentences (sha256 {sentences[:12]}, "
                f"not {prompts_sha256[:12]}): its ages would mean nothing"
            )
        return cls(fitted, encoder=trained_on, prompts_sha256=sentences, recipe=recipe)


_ARRAYS: Sequence[str] = ("curves", "weights", "spread_weeks", "spread")
_NUMBERS: Sequence[str] = (
    "length",
    "centre",
    "scale",
    "quantile",
    "level",
    "min_kernel",
    "first_weeks",
    "last_weeks",
)


def shape_of(similarity: NDArray[np.floating]) -> Floats:
    """(b 175) -> (b 175): each curve with mean 0 and deviation 1; a flat one becomes 0."""
    check_similarity(similarity)
    curves = similarity.astype(np.float64)
    curves -= curves.mean(axis=1, keepdims=True)
    deviation = curves.std(axis=1, keepdims=True)
    return curves / np.where(deviation > 1e-9, deviation, 1.0)


def kernel(a: Floats, b: Floats, length: float) -> Floats:
    """(n d), (m d) -> (n m) of exp(-distance^2 / 2 length^2)."""
    squares = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1)[None] - 2 * a @ b.T
    return np.exp(-np.maximum(squares, 0) / (2 * length**2))


def decode(fitted: Fitted, similarity: NDArray[np.floating]) -> tuple[Floats, Floats, Floats, Floats]:
    """(b 175) -> age in weeks, ends of its interval, and the kernel of the nearest known curve, (b) each."""
    near = kernel(shape_of(similarity), fitted.curves, fitted.length)
    logs = fitted.centre + fitted.scale * (near @ fitted.weights)
    ends = np.log([fitted.first_weeks, fitted.last_weeks])
    logs = np.clip(logs, *ends)
    half = fitted.quantile * np.interp(np.exp(logs), fitted.spread_weeks, fitted.spread)
    return np.exp(logs), np.exp(logs - half), np.exp(logs + half), near.max(axis=1)
