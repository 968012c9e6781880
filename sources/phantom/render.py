"""One moment in, one picture out."""

from dataclasses import dataclass, replace
from threading import Lock

import cv2
import numpy as np

from ..frame import Pixels
from .anatomy import Body, paint_body
from .canvas import Canvas, Pose
from .fetus import Fetus, Tissue
from .physics import Anchor, Receiver, Settings, scatterers
from .scan import Plane2, ScanConverter, Sector
from .screen import FULL_BOX, SCREEN_BOX, draw_frozen, draw_screen
from .womb import Womb, paint_parts, paint_womb

_TILES = 4  # fields of scatterers are costly to make: streams share a few and enter them at different places
_ORIGIN, _AS_DELIVERED = Pose(), Settings()


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Everything the picture of one moment depends on.

    Attributes:
        womb: what surrounds the fetus.
        fetus: whose body is seen.
        body: which part of it, None when the probe is beside it.
        pose: where that part lies.
        z: height of the cut in units of the body.
        oblique: [0, 1], how far the cut is turned out of every standard plane (heads only).
        phase: [0, 1) of the heart's beat.
        slide_mm, sweep_mm: how far the probe has moved along and across the mother's belly.
        settings: the machine's knobs.
        lifted: the probe is off the skin.
        frozen: the device shows a still.
        key: which electronic noise; the same key gives the same noise.
    """

    womb: Womb
    fetus: Fetus
    body: Body | None = None
    pose: Pose = _ORIGIN
    z: float = 0.0
    oblique: float = 0.0
    phase: float = 0.0
    slide_mm: float = 0.0
    sweep_mm: float = 0.0
    settings: Settings = _AS_DELIVERED
    lifted: bool = False
    frozen: bool = False
    key: int = 0


class Renderer:
    """Pictures of one probe and one screen. Holds buffers, and a lock around them: any thread may ask."""

    def __init__(
        self,
        sector: Sector,
        *,
        width_px: int,
        height_px: int,
        screen: bool,
        seed: int,
        zoom: float = 1.0,
        tint: tuple[float, float, float] = (1.0, 1.0, 1.0),
    ) -> None:
        """``zoom`` magnifies the middle of the fan; ``tint`` colours it (red, green, blue; only with a screen)."""
        box = SCREEN_BOX if screen else FULL_BOX
        self.converter = ScanConverter(sector, width_px=width_px, height_px=height_px, box=box, zoom=zoom)
        self._lock = Lock()
        greys = np.arange(256, dtype=np.float32)[:, None] * np.asarray(tint, dtype=np.float32)
        self._tint = None if tint == (1.0, 1.0, 1.0) else np.clip(greys, 0, 255).astype(np.uint8)[None]
        self._canvas = Canvas(sector)
        self._receiver = Receiver(sector, scatterers(seed % _TILES), seed)
        self._enter_mm = np.random.default_rng([seed, 31]).uniform(0, 200, 4).astype(np.float32)
        self._screens = None
        if screen:
            live = draw_screen(self.converter, sector, width_px=width_px, height_px=height_px)
            self._screens = (live, draw_frozen(live))

    def picture(self, view: View) -> Pixels:
        """-> (h w) uint8 grey without a screen, (h w 3) uint8 RGB with one."""
        with self._lock:
            fan = self.converter.picture(self.beams(view))
        if self._screens is None:
            return fan
        colour = cv2.cvtColor(fan, cv2.COLOR_GRAY2RGB)
        if self._tint is not None:
            cv2.LUT(colour, self._tint, dst=colour)
        return np.asarray(cv2.max(colour, self._screens[view.frozen], dst=colour), dtype=np.uint8)

    def beams(self, view: View) -> Pixels:
        """-> (samples lines) uint8, before scan conversion."""
        settings = view.settings
        z_mm = view.z * view.pose.scale_mm * (4.0 if view.body in ("thigh", "back") else 1.0)
        if view.lifted:
            self._air()
            settings = replace(settings, haze_db=settings.haze_db + 16)
        else:
            paint_womb(self._canvas, view.womb, slide_mm=view.slide_mm, z_mm=view.sweep_mm)
            paint_parts(self._canvas, view.womb, slide_mm=view.slide_mm, z_mm=view.sweep_mm)
            if view.body is not None:
                paint_body(self._canvas, view.body, view.fetus, view.pose, view.z, view.phase, view.oblique)
        mother = Anchor(self._entered(Pose(x_mm=-view.slide_mm), 0), view.sweep_mm)
        fetus = Anchor(self._entered(view.pose, 2), z_mm)
        return self._receiver.beams(self._canvas, mother, fetus, settings, view.key)

    def _entered(self, pose: Pose, at: int) -> Plane2:
        matrix = pose.anchor.copy()
        matrix[:, 2] += self._enter_mm[at : at + 2]
        return matrix

    def _air(self) -> None:
        """A probe in the air hears its own face: bright bands that repeat and die away."""
        self._canvas.clear(Tissue.FLUID)
        self._canvas.place(Pose())
        x = np.linspace(-90, 90, 30, dtype=np.float32)
        radius = self._canvas.sector.radius_mm
        face = np.sqrt(np.maximum(radius**2 - np.minimum(np.abs(x), radius) ** 2, 0)) - radius
        for k in range(6):
            band = np.stack([x * (1 + (1.2 + 2.6 * k) / radius), face + (1.2 + 2.6 * k)], axis=1).astype(np.float32)
            self._canvas.stroke(band, 0.95 * 0.66**k, width=1.0, side=1.0)
