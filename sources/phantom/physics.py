"""From maps of tissue to what a receiver would show: speckle, mirrors, shadows, depth gain, noise, log compression.

Everything is complex baseband: (samples lines 2) float32, real and imaginary part. White complex scatterers blurred by
the point-spread function give fully developed speckle (a Rayleigh envelope); the carrier only turns their phase, and is
left out.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from ..frame import Pixels
from .canvas import FLOOR_DB, Canvas, code
from .scan import Plane2, Sector

_TILE = 1024
_TILE_MM = 0.26  # millimetres per pixel of the scatterers' tile
_NOISE_PAD = 64
_DB = np.log(10) / 20  # dB -> natural log of amplitude


@dataclass(frozen=True, slots=True)
class Settings:
    """What a sonographer turns at.

    Attributes:
        gain_db: overall gain.
        range_db: dynamic range of the log compression.
        absorption_db_per_mm: what tissue swallows beyond what the depth gain expects (there and back).
        noise_db: electronic noise at full depth.
        haze_db: reverberation below the probe's face.
        focus: depth of the transmit focus, as a fraction of the depth.
        smoothing: share of speckle reduction, [0, 1].
        gamma: of the grey map; above 1 darkens the middle.
    """

    gain_db: float = 0.0
    range_db: float = 60.0
    absorption_db_per_mm: float = 0.05
    noise_db: float = -56.0
    haze_db: float = -34.0
    focus: float = 0.55
    smoothing: float = 0.35
    gamma: float = 1.0


@dataclass(frozen=True, slots=True)
class Anchor:
    """What scatterers move with.

    Attributes:
        matrix: (2 3) float32, mm in the picture -> mm in the tissue.
        z_mm: elevation of the plane in the tissue; as it changes, speckle slowly turns into other speckle.
    """

    matrix: Plane2
    z_mm: float = 0.0

    @property
    def mixing(self) -> Plane2:
        """(2 4) float32: how the two fields of `scatterers` are mixed; power stays the same."""
        c, s = np.cos(self.z_mm / 2.5), np.sin(self.z_mm / 2.5)
        return np.array([[c, 0, s, 0], [0, c, 0, s]], dtype=np.float32)


@lru_cache(maxsize=4)
def scatterers(seed: int, mottle: float = 0.45) -> Plane2:
    """(1024 1024 4) float32: two independent periodic fields of complex scatterers, unit power.

    ``mottle`` makes tissue uneven at the scale of a few millimetres, as real parenchyma is; 0 is ideal.
    """
    rng = np.random.default_rng([seed, 77])
    field = rng.standard_normal((_TILE, _TILE, 4), dtype=np.float32)
    # Band-limited, so that speckle glides when tissue moves by less than a pixel of the tile.
    field = cv2.GaussianBlur(np.pad(field, ((4, 4), (4, 4), (0, 0)), mode="wrap"), (5, 5), 0.7)[4:-4, 4:-4]
    if mottle > 0:
        for along, across, share in ((9.0, 2.2, 0.8), (4.0, 4.0, 0.7), (16.0, 12.0, 0.8)):  # strands, lobules, regions
            coarse = rng.standard_normal((_TILE, _TILE), dtype=np.float32)
            coarse = cv2.GaussianBlur(np.pad(coarse, 64, mode="wrap"), (0, 0), along, sigmaY=across)[64:-64, 64:-64]
            field *= np.exp(mottle * share * coarse / coarse.std())[..., None]
    return np.asarray(field / np.sqrt(2 * np.mean(field[..., 0] ** 2)), dtype=np.float32)


class Receiver:
    """Makes beams of a canvas, for one sector; keeps its buffers, so it belongs to one thread."""

    def __init__(self, sector: Sector, tile: Plane2, seed: int) -> None:
        self._sector, self._tile = sector, tile
        rng = np.random.default_rng([seed, 78])
        self._noise = _band_limited(rng, sector)
        self._echo_amplitude = _amplitude_table()
        self._coordinates = np.empty_like(sector.points_mm)
        waves = cv2.GaussianBlur(rng.standard_normal((1, sector.lines + 80), dtype=np.float32), (0, 0), 9)[:, 40:-40]
        self._contact = np.exp(0.22 * waves / waves.std()).astype(np.float32)  # no probe couples evenly along its face
        self._depth = np.linspace(0, 1, sector.samples, dtype=np.float32)[:, None]

    def beams(self, canvas: Canvas, mother: Anchor, fetus: Anchor, settings: Settings, key: int) -> Pixels:
        """-> (samples lines) uint8.

        Args:
            mother, fetus: what their scatterers move with.
            key: which noise to add; equal keys, equal noise.
        """
        envelope = self.envelope(canvas, mother, fetus, settings, key)
        if settings.smoothing > 0:
            soft = cv2.GaussianBlur(envelope, (5, 3), 0)
            envelope = cv2.addWeighted(envelope, 1 - settings.smoothing, soft, settings.smoothing, 1e-6)
        log = cv2.log(envelope + np.float32(1e-6))
        scale = 255 / (settings.range_db * _DB)
        grey = np.clip(log * np.float32(scale) + np.float32(255 + scale * settings.gain_db * _DB), 0, 255)
        return np.asarray(cv2.LUT(grey.astype(np.uint8), _grey_map(settings.gamma)), dtype=np.uint8)

    def envelope(
        self, canvas: Canvas, mother: Anchor, fetus: Anchor, settings: Settings, key: int
    ) -> NDArray[np.float32]:
        """-> (samples lines) float32, linear; 1 is white."""
        field = self._scattered(canvas, mother, fetus)
        mirror = cv2.LUT(canvas.glint, _GLINT)
        # Where echo strength jumps along the beam there is an interface facing it.
        jump = cv2.GaussianBlur(canvas.echo, (5, 3), 0)
        jump = cv2.Sobel(jump, cv2.CV_32F, 0, 1, ksize=3)
        mirror += cv2.multiply(jump, jump, scale=3.2e-7)
        # No living surface is a mirror: it glitters with the tissue behind it.
        mirror *= 0.35 + 0.75 * cv2.magnitude(field[..., 0], field[..., 1])
        strength = cv2.LUT(canvas.echo, self._echo_amplitude)
        loss = self._loss(canvas, settings)
        strength *= loss
        strength += self._clutter(strength)
        strength += self._haze(settings)
        strength *= self._contact
        mirror *= self._contact
        mirror *= loss
        field *= strength[..., None]
        field[..., 0] += mirror
        field = self._blurred(field, settings.focus)
        field += self._noise_for(key) * np.exp(_DB * (settings.noise_db - 26 * (1 - self._depth[..., None]))).astype(
            np.float32
        )
        return np.asarray(cv2.magnitude(field[..., 0], field[..., 1]), dtype=np.float32)

    def _scattered(self, canvas: Canvas, mother: Anchor, fetus: Anchor) -> NDArray[np.float32]:
        points = self._sector.points_mm
        cv2.transform(points, mother.matrix, dst=self._coordinates)
        cv2.copyTo(cv2.transform(points, fetus.matrix), canvas.owner, self._coordinates)
        x, y = cv2.split(self._coordinates * np.float32(1 / _TILE_MM))
        both = cv2.remap(self._tile, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
        field = cv2.transform(both, mother.mixing)
        return np.asarray(cv2.copyTo(cv2.transform(both, fetus.mixing), canvas.owner, field), dtype=np.float32)

    def _loss(self, canvas: Canvas, settings: Settings) -> NDArray[np.float32]:
        step = self._sector.sample_mm
        table = np.full(256, -settings.absorption_db_per_mm * step, dtype=np.float32)
        table[: code(-52)] = 0.12 * step  # fluid swallows nothing: what lies behind is enhanced
        lost = cv2.LUT(canvas.echo, table)
        lost -= cv2.LUT(canvas.bone, (np.arange(256, dtype=np.float32) / 255) ** 1.5 * np.float32(14.0 * step))
        total = cv2.blur(np.cumsum(lost, axis=0, dtype=np.float32), (7, 1))
        return np.asarray(cv2.exp(np.clip(total, -42, 9) * np.float32(_DB)), dtype=np.float32)

    def _haze(self, settings: Settings) -> NDArray[np.float32]:
        depth_mm = self._depth * self._sector.depth_mm
        return np.exp(_DB * settings.haze_db - depth_mm / 9.0).astype(np.float32)

    def _clutter(self, strength: NDArray[np.float32]) -> NDArray[np.float32]:
        """What side lobes and reverberation bring in from the neighbourhood: fluid is never quite black."""
        size = (self._sector.lines, self._sector.samples)
        small = cv2.resize(strength, (size[0] // 4, size[1] // 4), interpolation=cv2.INTER_AREA)
        small = cv2.blur(small, (17, 9)) * np.float32(0.045)
        return np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_LINEAR), dtype=np.float32)

    def _blurred(self, field: NDArray[np.float32], focus: float) -> NDArray[np.float32]:
        axial, narrow, wide = _gauss(0.95), _gauss(0.95), _gauss(1.7)
        sharp = cv2.sepFilter2D(field, -1, narrow, axial)
        broad = cv2.sepFilter2D(sharp, -1, wide, np.ones(1, np.float32))
        share = np.clip(((self._depth - focus) / 0.45) ** 2, 0, 1)
        # Blending two blurs changes the power of white noise; divide by what the blend would leave of it.
        both = np.convolve(narrow, wide)
        centre = np.pad(narrow, (len(both) - len(narrow)) // 2)
        power = ((1 - share) * centre[None] + share * both[None]) ** 2
        norm = np.sqrt(power.sum(axis=1, keepdims=True) * (axial**2).sum())
        sharp *= ((1 - share) / norm)[..., None].astype(np.float32)
        sharp += broad * (share / norm)[..., None].astype(np.float32)
        return sharp

    def _noise_for(self, key: int) -> NDArray[np.float32]:
        mixed = (key * 2654435761) & 0xFFFFFFFF
        down, right = (mixed >> 8) % _NOISE_PAD, (mixed >> 17) % _NOISE_PAD
        return self._noise[down : down + self._sector.samples, right : right + self._sector.lines]


def _band_limited(rng: np.random.Generator, sector: Sector) -> NDArray[np.float32]:
    noise = rng.standard_normal((sector.samples + _NOISE_PAD, sector.lines + _NOISE_PAD, 2), dtype=np.float32)
    noise = cv2.GaussianBlur(noise, (3, 5), 0)
    return np.asarray(noise / noise.std(), dtype=np.float32)


def _amplitude_table() -> NDArray[np.float32]:
    table = np.exp(_DB * FLOOR_DB * (1 - np.arange(256, dtype=np.float32) / 255))
    table[0] = 0
    return table.astype(np.float32)


def _gauss(sigma: float) -> NDArray[np.float32]:
    reach = int(np.ceil(2.6 * sigma))
    k = np.exp(-0.5 * (np.arange(-reach, reach + 1, dtype=np.float32) / sigma) ** 2)
    return (k / k.sum()).astype(np.float32)


@lru_cache(maxsize=32)
def _grey_map(gamma: float) -> NDArray[np.uint8]:
    return (255 * (np.arange(256) / 255) ** gamma + 0.5).astype(np.uint8)


_GLINT = (1.1 * (np.arange(256, dtype=np.float32) / 255) ** 2.8).astype(np.float32)
