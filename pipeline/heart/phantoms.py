"""Cines of simulated hearts with their labels, as files and a manifest: what the demonstration head is trained on.

They go through files, so that the phantoms take the very way that a hospital's own cines take.
"""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from ... import FetalStreamError
from ...sources import Pixels
from ...sources.phantom import Pathology, PhantomSource
from ...sources.phantom.render import Renderer
from ...sources.phantom.scan import Sector
from .manifest import COLUMNS

FPS = Fraction(25, 2)
FRAMES = 20
_SETTLED_SECONDS = 0.2
_DEPTH_MM = 92.0
_DRAWN_PX, _KEPT_PX = (800, 600), (400, 300)
_TURN: tuple[Pathology, ...] = (
    "normal", "small_left_ventricle", "normal", "septal_defect", "normal", "axis_deviation",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartPhantom:
    """One simulated patient; everything about it follows from its seed.

    Attributes:
        seed: of fetus, poses and noise.
        pathology: every second patient is normal, the others take turns.
        screen: whether a device's screen surrounds the fan.
        heart_rate_bpm: 125 to 155.
    """

    seed: int
    pathology: Pathology
    screen: bool
    heart_rate_bpm: float

    @classmethod
    def of(cls, seed: int) -> "HeartPhantom":
        """The patient of this seed."""
        rng = np.random.default_rng([seed, 61])
        return cls(
            seed=seed,
            pathology=_TURN[seed % len(_TURN)],
            screen=bool(rng.random() < 0.5),
            heart_rate_bpm=float(rng.uniform(125, 155)),
        )

    @property
    def name(self) -> str:
        return f"phantom-{self.seed}"

    def cines(self, count: int) -> Iterator[list[Pixels]]:
        """``count`` times `FRAMES` pictures (300 400) uint8 at `FPS`, each from another visit to the heart."""
        width_px, height_px = _DRAWN_PX
        script = PhantomSource(
            seed=self.seed, realtime=False, heart_rate_bpm=self.heart_rate_bpm, pathology=self.pathology
        ).script
        renderer = Renderer(
            Sector(depth_mm=_DEPTH_MM), width_px=width_px, height_px=height_px, screen=self.screen, seed=self.seed
        )
        visits = [visit for visit in script.intervals(45.0 * count) if visit.plane == "four_chamber"][:count]
        rng = np.random.default_rng([self.seed, 62])
        for visit in visits:
            last = visit.end_seconds - float(FRAMES / FPS)
            start = rng.uniform(visit.start_seconds + _SETTLED_SECONDS, max(last, visit.start_seconds + 0.25))
            moments = (script.moment(start + float(number / FPS))[0] for number in range(FRAMES))
            yield [_small(renderer.picture(view)) for view in moments]


def write_heart_phantoms(
    out: Path, *, patients: int, first_seed: int, cines: int = 3, progress: Callable[[int], None] = lambda _: None
) -> Path:
    """Writes ``patients`` times ``cines`` files (lossless, grey) below ``out`` and the manifest beside them.

    Args:
        out: a folder; made where it is missing.
        patients: how many, with seeds from ``first_seed`` on.
        cines: of each patient.
        progress: is told how many patients are done.

    Returns:
        The manifest, ``out/clips.csv``.

    Raises:
        FetalStreamError: ``out`` cannot be written.
    """
    manifest = out / "clips.csv"
    try:
        (out / "clips").mkdir(parents=True, exist_ok=True)
        with manifest.open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(COLUMNS)
            for done, seed in enumerate(range(first_seed, first_seed + patients), start=1):
                patient = HeartPhantom.of(seed)
                for number, pictures in enumerate(patient.cines(cines)):
                    path = Path("clips", f"{patient.name}-{number}.mkv")
                    _write(out / path, pictures)
                    rows.writerow([path.as_posix(), patient.name, patient.pathology, ""])
                progress(done)
    except OSError as error:
        raise FetalStreamError(f"{out} cannot be written: {error.strerror or error}") from error
    return manifest


def _small(pixels: Pixels) -> Pixels:
    """As bright as a stream would see it, and no larger than an encoder needs."""
    grey = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, _KEPT_PX, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _write(path: Path, pictures: list[Pixels]) -> None:
    height_px, width_px = pictures[0].shape[:2]
    opened: Any = av.open(str(path), "w")  # PyAV's types are half written
    with opened as container:
        stream = container.add_stream("ffv1", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = width_px, height_px, "gray"
        for pixels in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="gray")))
        container.mux(stream.encode())
