"""An endless, seeded stream of training views, mixed from real pictures, phantoms, textures and slates."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ..compact_net import INPUT_PX
from ..planes import BACKGROUND, Plane
from . import augment, screens
from .augment import Field, Grey
from .pictures import Example, PhantomMaker

LABELS: tuple[str, ...] = (BACKGROUND, *(str(plane) for plane in Plane))

SHARES: dict[str, float] = {
    "hc18": 0.13,
    "planes": 0.26,
    "examples": 0.10,
    "cines": 0.03,
    "mixed": 0.07,
    "texture": 0.02,
    "slate": 0.02,
    "phantom": 0.37,
}
"""How often each origin is drawn; an origin that is not there leaves its share to the others."""

_WILD: dict[str, float] = {"planes": 0.3, "examples": 0.3, "hc18": 0.15}
"""How often a picture is changed so far that its label no longer holds and only the teacher speaks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One training picture, as teacher and student see it.

    Attributes:
        teacher: (224 288) uint8, the whole picture stretched; None where the teacher has no say (phantoms, slates).
        student: (224 224) uint8, the same picture with harder changes, padded to a square, perhaps inside a screen.
        window: where the picture lies within the student's square.
        allowed: (n) bool over `LABELS`: what it may be called; all True when only the teacher knows.
        origin: key of `SHARES`.
    """

    teacher: Grey | None
    student: Grey
    window: screens.Window
    allowed: NDArray[np.bool_]
    origin: str


class ViewMaker:
    """Number -> `View`, the same for the same seed, whatever was made before: so a run can go on where it stopped."""

    def __init__(self, examples: Sequence[Example], *, phantom: PhantomMaker | None = None, seed: int = 0) -> None:
        self._by_kind: dict[str, dict[str, list[Example]]] = {}
        for example in examples:
            self._by_kind.setdefault(example.origin, {}).setdefault(example.kind, []).append(example)
        self._phantom = phantom
        self._seed = seed
        present = {*self._by_kind, "mixed", "texture", "slate", *(["phantom"] if phantom else [])}
        self._origins = [origin for origin in SHARES if origin in present]
        share = np.array([SHARES[origin] for origin in self._origins])
        self._share = share / share.sum()
        self._makers: dict[str, Callable[[Generator], View]] = {
            "mixed": self._mixed,
            "texture": self._texture,
            "slate": self._slate,
            "phantom": self._phantom_view,
        }

    def __call__(self, number: int) -> View:
        rng = np.random.default_rng((self._seed, number))
        origin = self._origins[int(rng.choice(len(self._origins), p=self._share))]
        make = self._makers.get(origin)
        return make(rng) if make else self._real(origin, rng)

    def _draw(self, origin: str, rng: Generator) -> Example:
        kinds = sorted(self._by_kind[origin])
        crowd = np.sqrt([len(self._by_kind[origin][kind]) for kind in kinds])  # rare kinds often, not all the time
        of_kind = self._by_kind[origin][kinds[int(rng.choice(len(kinds), p=crowd / crowd.sum()))]]
        return of_kind[int(rng.integers(len(of_kind)))]

    def _real(self, origin: str, rng: Generator) -> View:
        example = self._draw(origin, rng)
        wild = rng.random() < _WILD.get(origin, 0.0)
        aspect = augment.draw_aspect(example.grey, rng)
        picture = augment.place(example.grey, aspect, augment.WILD if wild else augment.GENTLE, rng)
        allowed = frozenset(LABELS) if wild else example.allowed
        return _finish(_vary(picture, rng), aspect, allowed, origin, rng)

    def _mixed(self, rng: Generator) -> View:
        """Two pictures in one: a soft-edged patch, the brighter of both, or an average."""
        origins = [origin for origin in ("hc18", "planes", "examples") if origin in self._by_kind]
        one, other = (self._draw(origins[int(rng.integers(len(origins)))], rng) for _ in range(2))
        aspect = augment.draw_aspect(one.grey, rng)
        first, second = (augment.place(example.grey, aspect, augment.WILD, rng) for example in (one, other))
        choice = rng.integers(4)
        if choice < 2:
            blob = augment.smooth_noise((augment.HEIGHT_PX, augment.WIDTH_PX), rng.uniform(60, 200), rng)
            weight = 1 / (1 + np.exp(-6 * (blob - np.float32(rng.normal(0, 0.7)))))
            picture = first * weight + second * (1 - weight)
        elif choice == 2:
            picture = np.maximum(first, second * np.float32(rng.uniform(0.4, 1)))
        else:
            weight = np.float32(rng.uniform(0.3, 0.7))
            picture = first * weight + second * (1 - weight)
        return _finish(_vary(picture.astype(np.float32), rng), aspect, frozenset(LABELS), "mixed", rng)

    def _texture(self, rng: Generator) -> View:
        return _finish(
            _vary(screens.texture(rng), rng), float(rng.uniform(0.9, 1.8)), frozenset(LABELS), "texture", rng
        )

    def _slate(self, rng: Generator) -> View:
        student = screens.slate(INPUT_PX, rng)
        return View(teacher=None, student=student, window=_WHOLE, allowed=_mask({BACKGROUND}), origin="slate")

    def _phantom_view(self, rng: Generator) -> View:
        assert self._phantom is not None
        grey, label = self._phantom(int(rng.integers(2**31)))
        aspect = augment.draw_aspect(grey, rng)
        reach = augment.Reach(zoom=1.15, stretch=1.06, shift=0.04, turn_degrees=6)
        picture = augment.place(grey, aspect, reach, rng)
        view = _finish(_vary(picture, rng, often=0.3), aspect, frozenset({label}), "phantom", rng, often=0.2)
        return View(teacher=None, student=view.student, window=view.window, allowed=view.allowed, origin="phantom")


_WHOLE = (0.0, 0.0, 1.0, 1.0)


def _mask(labels: frozenset[str] | set[str]) -> NDArray[np.bool_]:
    return np.array([label in labels for label in LABELS])


def _vary(picture: Field, rng: Generator, often: float = 1.0) -> Field:
    """What teacher and student both see: another probe, another gain."""
    if rng.random() < 0.2 * often:
        picture = augment.reshape_sector(picture, rng)
    if rng.random() < 0.8 * often:
        picture = augment.change_gain(picture, rng)
    return picture


def _finish(
    picture: Field, aspect: float, allowed: frozenset[str], origin: str, rng: Generator, often: float = 1.0
) -> View:
    """Makes the student's task harder than the teacher's, so that it ends up steadier."""
    teacher = np.clip(picture, 0, 255).astype(np.uint8)
    changes: tuple[tuple[float, Callable[[Field, Generator], Field]], ...] = (
        (0.2, augment.add_shadow),
        (0.3, augment.add_speckle),
        (0.3, augment.soften),
        (0.4, lambda given, draw: augment.change_gain(given, draw, 0.7)),
        (0.2, augment.add_marks),
        (0.1, augment.compress),
    )
    for chance, change in changes:
        if rng.random() < chance * often:
            picture = change(picture, rng)
    if rng.random() < 0.22:
        student, window = screens.on_screen(picture, aspect, INPUT_PX, rng)
    else:
        student, window = screens.square(picture, aspect, INPUT_PX)
    return View(teacher=teacher, student=student, window=window, allowed=_mask(allowed), origin=origin)
