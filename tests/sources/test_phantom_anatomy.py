"""Bodies, hearts, and single labelled pictures."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from fetalstream.models.planes import BACKGROUND, Plane
from fetalstream.sources import Frame, SourceError
from fetalstream.sources.phantom import Pathology, PhantomSource, render_plane
from fetalstream.sources.phantom.anatomy import BACKGROUND as PHANTOM_BACKGROUND
from fetalstream.sources.phantom.anatomy import TARGETS, draw_pose, paint_body, unit_mm
from fetalstream.sources.phantom.canvas import Canvas, Pose, code
from fetalstream.sources.phantom.fetus import Fetus, Tissue
from fetalstream.sources.phantom.labelled import _cut
from fetalstream.sources.phantom.scan import Sector


def painted(plane: str, *, off: float = 0.0, fetus: Fetus | None = None, phase: float = 0.0) -> Canvas:
    fetus, target = fetus or Fetus(seed=2, weeks=22), TARGETS[plane]
    canvas = Canvas(Sector(depth_mm=100))
    canvas.clear(Tissue.FLUID)
    pose = Pose(y_mm=50, scale_mm=unit_mm(target.body, fetus))
    paint_body(canvas, target.body, fetus, pose, target.z + off, phase, 0.0)
    return canvas


def area(canvas: Canvas, level_db: float) -> int:
    return int((canvas.echo == code(level_db)).sum())


def test_background_is_called_the_same_on_both_sides() -> None:
    assert PHANTOM_BACKGROUND == BACKGROUND


@pytest.mark.parametrize("plane", TARGETS)
def test_a_body_is_out_of_sight_at_its_exits(plane: str) -> None:
    target = TARGETS[plane]
    assert painted(plane).owner.any()
    for end in target.exits:
        assert not painted(plane, off=end - target.z).owner.any()


@pytest.mark.parametrize("plane", TARGETS)
def test_leaving_a_plane_changes_its_picture_step_by_step(plane: str) -> None:
    steps = [painted(plane, off=share * TARGETS[plane].tolerance).echo.astype(int) for share in (0, 0.25, 0.5, 1)]
    distances = [float(np.abs(step - steps[0]).mean()) for step in steps]
    assert all(b > a for a, b in pairwise(distances))


def test_each_plane_of_the_brain_has_what_defines_it() -> None:
    cuts = {plane: painted(plane) for plane in ("transthalamic", "transventricular", "transcerebellar")}
    thalami = {plane: area(cut, Tissue.THALAMUS) for plane, cut in cuts.items()}
    plexus = {plane: area(cut, Tissue.PLEXUS) for plane, cut in cuts.items()}
    cerebellum = {plane: area(cut, Tissue.CEREBELLUM) for plane, cut in cuts.items()}
    assert max(thalami, key=lambda p: thalami[p]) == "transthalamic"
    assert max(plexus, key=lambda p: plexus[p]) == "transventricular"
    assert max(cerebellum, key=lambda p: cerebellum[p]) == "transcerebellar"


def test_the_ventricles_empty_in_systole() -> None:
    full, empty = (area(painted("four_chamber", phase=phase), Tissue.BLOOD) for phase in (0.0, 0.4))
    assert empty < 0.9 * full


def test_a_small_left_ventricle_holds_less_blood_and_a_septal_defect_more() -> None:
    def blood(pathology: Pathology) -> int:
        return area(painted("four_chamber", fetus=Fetus(seed=2, weeks=22, pathology=pathology)), Tissue.BLOOD)

    assert blood("small_left_ventricle") < 0.9 * blood("normal")
    assert blood("septal_defect") > 1.03 * blood("normal")


def test_a_deviated_axis_turns_the_heart_and_nothing_else() -> None:
    normal, turned = (
        painted("four_chamber", fetus=Fetus(seed=2, weeks=22, pathology=p)) for p in ("normal", "axis_deviation")
    )
    assert not np.array_equal(normal.echo, turned.echo)
    assert np.array_equal(normal.owner, turned.owner)


@pytest.mark.parametrize("bpm", [110, 140, 170])
def test_the_heart_rate_can_be_measured_in_the_pixels(bpm: int) -> None:
    source = PhantomSource(seed=8, seconds=20, realtime=False, width_px=200, height_px=150, heart_rate_bpm=bpm, fps=25)
    start, end = next((i.start_seconds, i.end_seconds) for i in source.intervals() if i.plane == "four_chamber")
    source.open()
    inside = [f for f in source.items() if isinstance(f, Frame) and start + 0.3 <= f.pts_seconds < end - 0.3]
    clip = np.stack([f.picture.pixels for f in inside]).astype(np.float32)
    lively = clip.std(axis=0)
    assert _beats_per_minute(clip[:, lively > np.quantile(lively, 0.95)], fps=25) == pytest.approx(bpm, abs=6)


def _beats_per_minute(series: NDArray[np.float32], *, fps: float) -> float:
    """The rate whose wave and first overtone, beside a slow drift, explain most of the series (t n)."""
    t = np.arange(len(series)) / fps
    drift = [np.ones_like(t), t, t**2, t**3]

    def explained(bpm: float) -> float:
        turn = 2 * np.pi * bpm / 60 * t
        waves = np.stack([*drift, *(f(k * turn) for k in (1, 2) for f in (np.sin, np.cos))], axis=1)
        basis = np.linalg.qr(waves)[0].astype(np.float32)
        return float(np.sum((basis.T @ series) ** 2))

    return float(max(np.arange(95.0, 210.0, 1.0), key=explained))


@pytest.mark.parametrize("plane", [*TARGETS, BACKGROUND])
def test_a_labelled_picture_is_grey_bare_and_coloured_with_a_screen(plane: str) -> None:
    bare, truth = render_plane(plane, 3, width_px=200, height_px=150)
    framed, _ = render_plane(plane, 3, screen=True, width_px=200, height_px=150)
    assert bare.shape == (150, 200)
    assert framed.shape == (150, 200, 3)
    assert bare.dtype == framed.dtype == np.uint8
    assert truth.plane == plane


def test_equal_arguments_give_equal_pictures_and_other_seeds_others() -> None:
    one, same, other = (render_plane("abdomen", seed, width_px=200, height_px=150)[0] for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(("quality", "label"), [(1.0, "femur"), (0.5, "femur"), (0.49, BACKGROUND), (0.0, BACKGROUND)])
def test_below_half_the_quality_the_label_is_background(quality: float, label: str) -> None:
    truth = render_plane("femur", 0, quality=quality, width_px=64, height_px=64)[1]
    assert (truth.plane, truth.lifted, truth.frozen) == (label, False, False)
    assert truth.quality == pytest.approx(quality)


@pytest.mark.parametrize("plane", [*TARGETS, BACKGROUND])
def test_no_picture_called_background_shows_another_plane(plane: str) -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        off = float(rng.uniform(0.5, 1.0))
        backdrop = "beside" if plane == BACKGROUND else None
        body, z, oblique = _cut(plane, backdrop, off, rng)
        for name, target in TARGETS.items():
            near = target.body == body and abs(z - target.z) < 0.5 * target.tolerance
            assert not near or name == plane or oblique > 0.25, (name, z, oblique)


def test_pictures_of_one_plane_vary_in_brightness_and_place() -> None:
    pictures = [render_plane("transthalamic", seed, width_px=128, height_px=96)[0].astype(float) for seed in range(12)]
    assert np.std([p.mean() for p in pictures]) > 4
    assert np.mean([np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in pairwise(pictures)]) < 0.7


@pytest.mark.parametrize(
    ("plane", "options"), [("kidneys", {}), ("", {}), ("abdomen", {"quality": 1.2}), ("abdomen", {"weeks": 3.0})]
)
def test_a_picture_that_cannot_be_drawn_is_refused(plane: str, options: dict[str, float]) -> None:
    with pytest.raises(SourceError, match=r"allowed: "):
        render_plane(plane, 0, quality=options.get("quality"), weeks=options.get("weeks"))


def test_the_names_are_planes() -> None:
    assert all(Plane(name) for name in TARGETS)


@pytest.mark.parametrize("seed", range(20))
def test_the_back_of_the_fetus_never_hides_its_heart(seed: int) -> None:
    pose = draw_pose("torso", Fetus(), np.random.default_rng(seed), depth_mm=100, wall_mm=15, variety=1.0)
    back = pose.matrix[:, :2] @ np.array([0.0, 1.0]) / pose.scale_mm
    assert back[1] > -0.75  # the spine is not right under the probe
