"""The law of measuring: known faults turn the measure that is theirs, on drawn pictures and on real ones."""

import csv
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from fetalstream.pipeline.evaluation.quality_exam import FAULTS
from fetalstream.pipeline.exam.quality import judge
from fetalstream.pipeline.signal.fan import Fan, FanKind, FanShape
from fetalstream.pipeline.signal.fan_finder import find_fan
from fetalstream.pipeline.signal.look_closer import LookCloser
from fetalstream.pipeline.signal.looks import Looks
from fetalstream.sources import Pixels
from fetalstream.sources.phantom import PhantomSource
from fetalstream.sources.phantom.events import parse_events
from fetalstream.sources.phantom.render import Renderer
from fetalstream.sources.phantom.scan import Sector

from ..scenery import sector

SIZE = (480, 640)
SPENT_SECONDS = 2e-3
"""Of processor, for a frame of 1024 x 768: four times what it is (docs/quality.md)."""


def head(*, x: float = 320, y: float = 240, long: float = 150, short: float = 120, seed: int = 0) -> Pixels:
    """(480 640) uint8: a skull with speckle in it and around it."""
    rng = np.random.default_rng(seed)
    speckle = np.clip(cv2.GaussianBlur(rng.gamma(1.2, 50, SIZE).astype(np.float32), (0, 0), 1.0), 0, 255)
    picture = speckle.astype(np.uint8)
    axes = (round(long), round(short))
    cv2.ellipse(picture, (round(x), round(y)), axes, 0, 0, 360, 20, -1)
    picture = np.maximum(picture, (speckle * 0.5).astype(np.uint8))
    cv2.ellipse(picture, (round(x), round(y)), axes, 0, 0, 360, 220, 9)
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.7), np.uint8)


def look(picture: Pixels, fan: Fan | None = None) -> Looks:
    return LookCloser().measure(picture, fan, 0.0, 0)


@pytest.mark.parametrize(("long", "short"), [(70, 55), (110, 90), (150, 120), (190, 160)])
def test_the_share_that_a_head_fills_is_measured(long: float, short: float):
    found = look(head(long=long, short=short))
    assert found.fill_share == pytest.approx(np.pi * long * short / (SIZE[0] * SIZE[1]), rel=0.2)
    assert found.edge_share == 0


@pytest.mark.parametrize(
    ("x", "least", "most"), [(320, 0.0, 0.0), (560, 0.15, 0.45), (90, 0.15, 0.45)], ids=["middle", "right", "left"]
)
def test_the_part_of_the_outline_beyond_the_edge_is_measured(x: float, least: float, most: float):
    assert least <= look(head(x=x)).edge_share <= most


def test_what_lies_outside_the_fan_counts_for_nothing():
    fan, inside = sector(size=SIZE, lean=0.9), head(y=280, long=110, short=90)
    dark, bright = (np.where(fan.mask > 0, inside, np.uint8(grey)) for grey in (0, 255))
    assert look(dark, fan).brightness == pytest.approx(look(bright, fan).brightness, rel=0.03)
    assert look(dark, fan).fill_share == pytest.approx(look(bright, fan).fill_share, rel=0.1)


def test_a_fan_of_another_size_is_the_whole_picture():
    assert look(head(), sector(size=(240, 320))) == look(head())


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (7, 900), (1080, 1920)])
@pytest.mark.parametrize("grey", [0, 128, 255])
def test_any_picture_can_be_measured(size: tuple[int, int], grey: int):
    found = look(np.full(size, grey, np.uint8))
    shares = (found.sharpness, found.saturated_share, found.fill_share, found.edge_share, found.motion_share)
    assert all(0 <= share <= 1 for share in shares)
    assert found.brightness == pytest.approx(grey)


def test_a_fan_of_a_few_pixels_can_be_measured():
    shape = FanShape(box_px=(10, 10, 12, 12))
    fan = Fan(width_px=640, height_px=480, shape=shape, kind=FanKind.LINEAR, confidence=1.0)
    assert 0 <= look(head(), fan).fill_share <= 1


@pytest.mark.parametrize("fps", [12.5, 25, 50])
def test_motion_means_the_same_at_any_rate(fps: float):
    sliding = [head(x=250 + 100 * index / fps) for index in range(round(fps))]  # 100 px a second
    assert _motion(sliding, fps) == pytest.approx(0.072, abs=0.02)


def test_what_stands_still_has_no_motion_though_its_noise_lives():
    rng = np.random.default_rng(3)
    noisy = [np.clip(head() + rng.normal(0, 6, SIZE), 0, 255).astype(np.uint8) for _ in range(20)]
    assert _motion(noisy, 25) < 0.02


def _motion(pictures: list[Pixels], fps: float) -> float:
    """Of the last."""
    closer = LookCloser()
    return [closer.measure(one, None, index / fps, 0).motion_share for index, one in enumerate(pictures)][-1]


def test_after_a_pause_or_in_another_epoch_nothing_is_known_of_motion():
    closer = LookCloser()
    closer.measure(head(x=200), None, 0.0, 0)
    assert closer.measure(head(x=300), None, 5.0, 0).motion_share == 0
    assert closer.measure(head(x=200), None, 5.04, 1).motion_share == 0


def test_equal_frames_give_equal_measures():
    def run() -> list[Looks]:
        closer = LookCloser()
        return [closer.measure(head(x=300 + 3 * index), None, index / 25, 0) for index in range(15)]

    assert run() == run()


def test_a_frame_costs_little():
    """Processor time of this thread, the mean over frames: the outline is sought in one of twelve."""
    closer = LookCloser()
    big = np.asarray(cv2.resize(head(), (1024, 768)), np.uint8)
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        best = min(_spent(closer, big, start) for start in range(5))
    finally:
        cv2.setNumThreads(threads)
    assert best < SPENT_SECONDS


def _spent(closer: LookCloser, picture: Pixels, start: int) -> float:
    started = time.thread_time()
    for index in range(50):
        closer.measure(picture, None, 2 * start + index / 25, 0)
    return (time.thread_time() - started) / 50


@pytest.mark.data
@pytest.mark.parametrize(
    ("fault", "item", "least"),
    [("blurred by 0.5 %", "sharpness", 1.0), ("gain -18 dB", "gain", 0.8), ("gain +28 dB", "gain", 0.9)],
)
def test_real_planes_are_good_as_published_and_turn_when_degraded(data_dir: Path, fault: str, item: str, least: float):
    table = csv.DictReader(next((data_dir / "planes").glob("*.csv")).open(encoding="utf-8-sig"), delimiter=";")
    names = [row["Image_name"] for row in table if row["Plane"] == "Fetal brain"]
    was_good = turned = 0
    for name in names:
        picture = _read(data_dir / "planes" / "Images" / f"{name}.png")
        fan = find_fan([picture])
        before, after = (
            {found.name: found.ok for found in judge(look(one, fan), plane="transthalamic")}
            for one in (picture, FAULTS[fault](picture))
        )
        was_good += before[item]
        turned += before[item] and not after[item]
    assert was_good >= 0.95 * len(names)
    assert turned >= least * was_good


@pytest.mark.data
def test_the_outline_of_real_heads_agrees_with_those_drawn_by_hand(data_dir: Path):
    found, true = [], []
    for path in sorted((data_dir / "hc18" / "images").glob("*.png"))[::10]:
        picture = _read(path)
        mask = _read(data_dir / "hc18" / "masks" / path.name)
        fan = find_fan([picture])
        area = np.count_nonzero(fan.mask) if fan else picture.size
        found.append(look(picture, fan).fill_share)
        true.append(np.count_nonzero(mask) / area)
    assert float(np.median(np.abs(np.array(found) - np.array(true)))) < 0.05
    assert np.corrcoef(found, true)[0, 1] > 0.8


def _read(path: Path) -> Pixels:
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), np.uint8)


@pytest.mark.parametrize(
    ("events", "item", "start_seconds"),
    [("gain:0-9:-20", "gain", 5.6), ("gain:0-9:+20", "gain", 5.6), ("", "stillness", 7.4)],
    ids=["gain down", "gain up", "probe on its way"],
)
def test_faults_of_a_phantom_are_found_and_its_ideal_planes_are_not(events: str, item: str, start_seconds: float):
    faulty, ideal = (_phantom(of, item, start) for of, start in ((events, start_seconds), ("", 5.6)))
    assert all(ideal)
    assert np.mean(faulty) <= 0.2


def _phantom(events: str, item: str, start_seconds: float) -> list[bool]:
    """Whether the item is ok, over ten frames of which the first has none before it to compare with."""
    script = PhantomSource(seed=7, realtime=False, events=parse_events(events)).script
    renderer = Renderer(Sector(depth_mm=92.0), width_px=800, height_px=600, screen=False, seed=7)
    closer = LookCloser()
    found: list[bool] = []
    for seconds in start_seconds + np.arange(10) / 25:
        view, _ = script.moment(float(seconds))
        items = judge(closer.measure(renderer.picture(view), None, float(seconds), 0), plane="transthalamic")
        found += [one.ok for one in items if one.name == item]
    return found
