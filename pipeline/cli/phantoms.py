"""Phantom pictures with truth, handed to the training code and to its evaluation: models know no source."""

import cv2
import numpy as np
from numpy.random import Generator
from rich.console import Console
from rich.progress import Progress

from ... import FetalStreamError
from ...models.outputs import ModelIdentity
from ...sources.frame import Pixels
from ...sources.phantom import PhantomSource, render_plane
from ...sources.phantom.anatomy import BACKGROUND, TARGETS
from ...sources.phantom.render import Renderer
from ...sources.phantom.scan import Sector
from ..assemble import load_model
from ..config import Config
from ..evaluation.phantom_exam import FPS, Sweep, sweep

TRAINING_SEEDS = 1_000_000
"""Training draws seeds from here on; those below are for tests, demonstrations and evaluation."""

_SIZE_PX = (400, 300)
_FREE = 0.25


def training_phantom(number: int) -> tuple[Pixels, str]:
    """A picture (h w) uint8 and its label: a plane in any quality, a moment of a sweep, or no plane at all."""
    rng = np.random.default_rng(number)
    seed = int(rng.integers(TRAINING_SEEDS, 2**31 - 1))
    return _moment(seed, rng) if rng.random() < 0.35 else _single(seed, rng)


def unseen_sweeps(
    config: Config, *, first_seed: int, seeds: int, seconds: float, every: int = 1
) -> tuple[ModelIdentity, list[Sweep]]:
    """The configured model on whole sweeps that no training drew, with a progress bar.

    Raises `FetalStreamError` when training draws from those seeds.
    """
    chosen = unseen_seeds(first_seed, seeds)
    model = load_model(config)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("frames", total=seeds * len(range(0, round(seconds * FPS), every)))

        def advance(frames: int) -> None:
            progress.advance(task, frames)

        sweeps = [sweep(model, seed, seconds=seconds, every=every, progress=advance) for seed in chosen]
    return model.encoder.identity, sweeps


def unseen_seeds(first_seed: int, seeds: int) -> range:
    """Raises `FetalStreamError` when training draws from those seeds."""
    if first_seed + seeds > TRAINING_SEEDS:
        raise FetalStreamError(
            f"--first-seed {first_seed} with --seeds {seeds}: from {TRAINING_SEEDS} on phantoms were trained on"
        )
    return range(first_seed, first_seed + seeds)


def _single(seed: int, rng: Generator) -> tuple[Pixels, str]:
    free = rng.random() < _FREE
    plane = BACKGROUND if free else str(rng.choice(sorted(TARGETS)))
    # near the limit the difference is small and must be learnt; far from it there is little to learn
    quality = None if free else float(rng.triangular(0.25, 0.7, 1.0))
    pixels, truth = render_plane(
        plane, seed, quality=quality, width_px=_SIZE_PX[0], height_px=_SIZE_PX[1], screen=bool(rng.random() < 0.3)
    )
    return _grey(pixels), truth.plane


def _moment(seed: int, rng: Generator) -> tuple[Pixels, str]:
    screen = bool(rng.random() < 0.4)
    script = PhantomSource(seed=seed, realtime=False).script
    view, truth = script.moment(float(rng.uniform(0, 60)))
    renderer = Renderer(Sector(depth_mm=92.0), width_px=_SIZE_PX[0], height_px=_SIZE_PX[1], screen=screen, seed=seed)
    return _grey(renderer.picture(view)), truth.plane


def _grey(pixels: Pixels) -> Pixels:
    return pixels if pixels.ndim == 2 else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
