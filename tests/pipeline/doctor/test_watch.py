"""The law of watching: what a few seconds of a stream show, told from lists."""

import numpy as np
import pytest

from fetalstream.pipeline.doctor import Status
from fetalstream.pipeline.doctor.stream_findings import describe
from fetalstream.pipeline.doctor.watch import Signal, Watch
from fetalstream.pipeline.signal.gates import Gates
from fetalstream.sources import Damage, Frame, Item, Picture, SourceInfo, SourceState, StateChange
from fetalstream.sources.clock import Repair
from fetalstream.sources.frame import Stored

NS = 1_000_000_000
RUNNING = StateChange(SourceState.RUNNING)
RNG = np.random.default_rng(5)


def frame(index: int, seconds: float, *, pixels: np.ndarray | None = None, stored: Stored | None = None) -> Frame:
    shown = RNG.integers(0, 256, (240, 320), dtype=np.uint8) if pixels is None else pixels
    picture = Picture(width_px=shown.shape[1], height_px=shown.shape[0], convert=lambda: shown, stored=stored)
    return Frame(index=index, pts_seconds=seconds, captured_ns=round(seconds * NS), picture=picture)


def stream(fps: float, seconds: float = 4.0, **options) -> list[Item]:
    return [RUNNING, *(frame(index, index / fps, **options) for index in range(round(seconds * fps)))]


def watch(items: list[Item], wanted_seconds: float = 3.0, signal: Signal | None = None) -> Watch:
    found = Watch(wanted_seconds, signal=signal or Signal(Gates()))
    for item in items:
        if not found.take(item):
            break
    return found


def findings(items: list[Item], signal: Signal | None = None, **info) -> dict[str, tuple[Status, str]]:
    source = SourceInfo(uri="list:", name="list", **info)
    found = describe(source, watch(items, signal=signal), "")
    return {finding.area: (finding.status, finding.what) for finding in found}


@pytest.mark.parametrize("fps", [5, 12.5, 25, 29.97, 60])
def test_the_rate_is_that_of_the_clock(fps: float):
    rate = watch(stream(fps)).rate()
    assert rate is not None
    assert rate.fps == pytest.approx(fps, rel=1e-6)
    assert rate.longest_gap_ms == pytest.approx(1000 / fps, rel=1e-3)
    assert rate.seconds == pytest.approx(3.0, abs=1.1 / fps)


def test_pictures_that_were_let_go_count():
    half = [item for item in stream(50) if not isinstance(item, Frame) or item.index % 2 == 0]
    rate = watch(half).rate()
    assert rate is not None
    assert rate.fps == pytest.approx(50, rel=1e-6)


def test_what_waited_in_a_queue_and_comes_at_once_is_no_measure():
    burst = [frame(index, 0.001 * index) for index in range(10)]
    steady = [frame(10 + index, 0.04 * (index + 1)) for index in range(100)]
    rate = watch([*burst, *steady]).rate()
    assert rate is not None
    assert rate.fps == pytest.approx(25, rel=1e-6)


def test_two_pictures_make_no_rate():
    assert watch(stream(25, seconds=0.08)).rate() is None
    assert findings(stream(25, seconds=0.08))["rate"] == (
        Status.OK,
        "too short to measure (2 pictures), none announced",
    )


@pytest.mark.parametrize(
    ("announced", "status"),
    [(25.0, Status.OK), (26.0, Status.OK), (None, Status.OK), (20.0, Status.OK), (30.0, Status.WARNING)],
)
def test_a_rate_below_the_announced_one_is_a_warning(announced: float | None, status: Status):
    found, what = findings(stream(25), announced_fps=announced)["rate"]
    assert found is status
    assert "25.0 frames/s" in what


def test_bursts_are_a_warning():
    torn = [item for item in stream(25) if not isinstance(item, Frame) or not 1.5 < item.pts_seconds < 2.0]
    status, what = findings(torn)["rate"]
    assert status is Status.WARNING
    assert "longest gap 5" in what


@pytest.mark.parametrize(
    ("stored", "status", "words"),
    [
        (Stored("yuv420p", full_range=False), Status.OK, "limited range (16-235, expanded), progressive"),
        (Stored("yuvj420p", full_range=True), Status.OK, "full range, progressive"),
        (Stored("yuv420p", full_range=None), Status.OK, "range not said, taken for limited"),
        (Stored("yuv420p", full_range=False, interlaced=True), Status.WARNING, "interlaced"),
    ],
)
def test_how_the_picture_was_stored_is_told(stored: Stored, status: Status, words: str):
    found, what = findings(stream(25, stored=stored), codec="h264")["picture"]
    assert found is status
    assert what.startswith("320 x 240 px, h264, ")
    assert words in what


def test_black_that_is_grey_in_a_stream_called_full_is_found():
    squeezed = RNG.integers(16, 236, (240, 320), dtype=np.uint8)
    full = Stored("bgr24", full_range=True)
    assert findings(stream(25, pixels=squeezed, stored=full))["range"][0] is Status.WARNING
    assert "range" not in findings(stream(25, stored=full))
    limited = Stored("yuv420p", full_range=False)
    assert "range" not in findings(stream(25, pixels=squeezed, stored=limited))


def test_a_size_that_changes_and_one_that_is_small_are_warnings():
    changed = [*stream(25, 1.0), *(frame(25 + n, 1 + n / 25, pixels=np.zeros((480, 640), np.uint8)) for n in range(25))]
    assert findings(changed)["picture"] == (Status.WARNING, "320 x 240 px and 640 x 480 px")
    small = stream(25, pixels=np.zeros((120, 160), np.uint8))
    assert findings(small)["picture"][0] is Status.WARNING


@pytest.mark.parametrize(
    ("item", "status", "words"),
    [
        (StateChange(SourceState.STALLED, "no picture for 0.8 s"), Status.WARNING, "no picture for 0.8 s"),
        (StateChange(SourceState.FAILED, "gone for good"), Status.PROBLEM, "gone for good"),
        (StateChange(SourceState.RUNNING, "card gives fps 30 instead of 60"), Status.WARNING, "instead of 60"),
        (Damage(what="3 packets torn"), Status.WARNING, "3 packets torn"),
    ],
)
def test_what_disturbs_a_stream_is_told(item: Item, status: Status, words: str):
    found, what = findings([*stream(25, 2.0), item])["stream"]
    assert found is status
    assert words in what


def test_repaired_time_stamps_are_counted():
    items = stream(25)
    bad = items[30]
    assert isinstance(bad, Frame)
    items[30] = Frame(
        index=bad.index,
        pts_seconds=bad.pts_seconds,
        captured_ns=bad.captured_ns,
        picture=bad.picture,
        repair=next(iter(Repair)),
    )
    status, what = findings(items)["stream"]
    assert status is Status.WARNING
    assert what.startswith("1 of ")


def test_a_still_picture_is_told_as_frozen_and_a_black_one_as_black():
    still = RNG.integers(0, 256, (240, 320), dtype=np.uint8)
    assert findings(stream(25, pixels=still))["signal"][1].startswith("frozen")
    assert findings(stream(25, pixels=np.zeros((240, 320), np.uint8)))["signal"][1].startswith("black")


def test_only_what_a_run_asks_of_pictures_is_asked():
    still = RNG.integers(0, 256, (240, 320), dtype=np.uint8)
    status, what = findings(stream(25, pixels=still), Signal(None))["signal"]
    assert (status, what.split(";")[0]) == (Status.OK, "every picture is analysed, as signal.gates=[] says")
    moving = [frame(index, index / 25, pixels=RNG.integers(0, 256, (240, 320), dtype=np.uint8)) for index in range(90)]
    status, what = findings([RUNNING, *moving], Signal(Gates(), finds_fan=False))["signal"]
    assert (status, what) == (Status.OK, "a living picture, the whole picture counts as fan, as fan.find=false says")


def test_no_picture_at_all_is_a_problem_with_the_sources_reason():
    found = findings([RUNNING, StateChange(SourceState.FAILED, "not one picture could be decoded")])
    assert found == {"picture": (Status.PROBLEM, "not one picture could be decoded")}
