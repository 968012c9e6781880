"""Speckle, shadows, depth gain: what makes a phantom's picture an ultrasound picture."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from fetalstream.sources.phantom.canvas import Canvas, Pose, code
from fetalstream.sources.phantom.fetus import Tissue
from fetalstream.sources.phantom.physics import Anchor, Receiver, Settings, scatterers
from fetalstream.sources.phantom.scan import ScanConverter, Sector
from fetalstream.sources.phantom.shapes import curve, ellipse, section

QUIET = Settings(noise_db=-200, haze_db=-200, absorption_db_per_mm=0, smoothing=0)
SECTOR = Sector()


@pytest.fixture(scope="module")
def receiver() -> Receiver:
    receiver = Receiver(SECTOR, scatterers(0, 0.0), 0)
    receiver._contact[:] = 1  # an ideal probe
    return receiver


def tissue(level_db: float = -30.0) -> Canvas:
    canvas = Canvas(SECTOR)
    canvas.clear(level_db)
    return canvas


def envelope(
    receiver: Receiver, canvas: Canvas, settings: Settings = QUIET, *, pose: Pose | None = None, z_mm: float = 0.0
) -> NDArray[np.float32]:
    anchor = Anchor((pose or Pose()).anchor, z_mm)
    return receiver.envelope(canvas, anchor, anchor, settings, 1)


def test_speckle_of_even_tissue_is_rayleigh(receiver: Receiver) -> None:
    inner = envelope(receiver, tissue())[60:-60, 20:-20]
    assert inner.mean() / inner.std() == pytest.approx(1.91, abs=0.08)


def test_the_point_spread_grows_away_from_the_focus_but_keeps_the_power(receiver: Receiver) -> None:
    field = envelope(receiver, tissue(), replace(QUIET, focus=0.4))
    focal, deep = field[180:210], field[-60:-20]
    assert np.sqrt((deep**2).mean()) == pytest.approx(np.sqrt((focal**2).mean()), rel=0.15)
    assert _width(deep) > 1.25 * _width(focal)


def _width(field: NDArray[np.float32]) -> float:
    """Lag in lines at which neighbouring beams' speckle is no longer alike."""
    centred = field - field.mean()
    likeness = [float((centred[:, lag:] * centred[:, : centred.shape[1] - lag]).mean()) for lag in range(12)]
    return float(np.sum(np.clip(likeness, 0, None)) / likeness[0])


def test_twice_the_decibels_are_twice_the_distance(receiver: Receiver) -> None:
    loud, soft = envelope(receiver, tissue(-20)), envelope(receiver, tissue(-32))
    assert 20 * np.log10(loud.mean() / soft.mean()) == pytest.approx(12, abs=0.5)


def test_bone_shines_and_darkens_what_lies_behind_it(receiver: Receiver) -> None:
    canvas = tissue()
    canvas.place(Pose())
    canvas.stroke(curve([(-12, 40), (12, 40)]), 0.98, width=2.0, bone=0.9)
    field = envelope(receiver, canvas)
    at, middle = round(40 / SECTOR.sample_mm), SECTOR.lines // 2
    behind, beside = field[at + 40 :, middle - 8 : middle + 8], field[at + 40 :, :40]
    assert field[at - 4 : at + 8, middle - 8 : middle + 8].max() > 8 * beside.mean()
    assert behind.mean() < 0.3 * beside.mean()


def test_what_lies_behind_fluid_is_enhanced(receiver: Receiver) -> None:
    canvas = tissue()
    canvas.place(Pose())
    canvas.fill(ellipse(0, 45, 15, 15), Tissue.FLUID)
    field = envelope(receiver, canvas, replace(QUIET, absorption_db_per_mm=0.05))
    middle = SECTOR.lines // 2
    assert field[-100:, middle - 15 : middle + 15].mean() > 1.2 * field[-100:, :30].mean()


def test_a_surface_is_brighter_the_squarer_it_meets_the_beam(receiver: Receiver) -> None:
    seen: list[float] = []
    for slope in (0.0, 0.5, 1.0):
        canvas = tissue(-80)
        canvas.place(Pose(y_mm=50, turn_rad=slope))
        canvas.stroke(curve([(-6, 0), (6, 0)]), 0.8)
        seen.append(float(np.sort(envelope(receiver, canvas).ravel())[-40:].mean()))
    assert seen[0] > 1.5 * seen[1] > 2 * seen[2]


def test_gain_moves_the_grey_by_its_decibels(receiver: Receiver) -> None:
    anchor = Anchor(Pose().anchor)
    settings = replace(QUIET, range_db=60)
    plain = receiver.beams(tissue(-35), anchor, anchor, settings, 1).astype(float)
    loud = receiver.beams(tissue(-35), anchor, anchor, replace(settings, gain_db=6), 1).astype(float)
    assert loud.mean() - plain.mean() == pytest.approx(6 / 60 * 255, abs=2)


def test_noise_grows_with_depth_and_changes_with_its_key(receiver: Receiver) -> None:
    anchor = Anchor(Pose().anchor)
    noisy = replace(QUIET, noise_db=-30)
    one, same, other = (receiver.envelope(tissue(-80), anchor, anchor, noisy, key) for key in (5, 5, 6))
    assert one[-80:].mean() > 4 * one[:80].mean()
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_speckle_moves_with_the_tissue_and_fades_into_other_speckle_across_the_plane(receiver: Receiver) -> None:
    still = envelope(receiver, tissue())
    rows = 12
    moved = envelope(receiver, tissue(), pose=Pose(y_mm=rows * SECTOR.sample_mm))
    middle = slice(SECTOR.lines // 2 - 6, SECTOR.lines // 2 + 6)  # where down is along the beam

    def likeness(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
        return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])

    assert likeness(still[100:300, middle], moved[100 + rows : 300 + rows, middle]) > 0.8
    assert likeness(still[100:300, middle], moved[100:300, middle]) < 0.4
    assert likeness(still, envelope(receiver, tissue(), z_mm=0.2)) > 0.95
    assert abs(likeness(still, envelope(receiver, tissue(), z_mm=2.5 * np.pi / 2))) < 0.1


@pytest.mark.parametrize(("level_db", "stored"), [(0.0, 255), (-80.0, 0), (-40.0, 128), (20.0, 255), (-200.0, 0)])
def test_echo_strength_is_stored_in_a_byte(level_db: float, stored: int) -> None:
    assert code(level_db) == stored


def test_a_point_in_the_body_is_found_in_the_picture() -> None:
    converter = ScanConverter(SECTOR, width_px=400, height_px=300, box=(0, 0, 1, 1))
    beams = np.zeros((SECTOR.samples, SECTOR.lines), np.uint8)
    line, sample = SECTOR.to_grid(curve([(15.0, 60.0)]))[0]
    beams[round(sample) - 1 : round(sample) + 2, round(line) - 1 : round(line) + 2] = 255
    ys, xs = np.nonzero(converter.picture(beams) > 120)
    x, y = converter.origin_px
    assert xs.mean() == pytest.approx(x + 15 * converter.px_per_mm, abs=1.5)
    assert ys.mean() == pytest.approx(y + 60 * converter.px_per_mm, abs=1.5)


def test_outside_the_fan_all_is_black() -> None:
    converter = ScanConverter(SECTOR, width_px=400, height_px=300, box=(0.05, 0.05, 0.95, 0.95))
    picture = converter.picture(np.full((SECTOR.samples, SECTOR.lines), 255, np.uint8))
    assert not picture[~converter.fan].any()
    assert 0.3 < converter.fan.mean() < 0.9


@pytest.mark.parametrize(("z", "size"), [(0.0, 1.0), (0.6, 0.8), (1.0, 0.0), (-3.0, 0.0)])
def test_a_ball_is_cut_in_smaller_circles_off_its_middle(z: float, size: float) -> None:
    assert section(z, 0.0, 1.0) == pytest.approx(size)
