"""The phantom as a source: order, pacing, determinism, its address."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from fetalstream.sources import Frame, Item, SourceError, SourceState, StateChange
from fetalstream.sources.phantom import PhantomSource, ScanEvent


def frames_of(source: PhantomSource) -> list[Frame]:
    source.open()
    return [item for item in source.items() if isinstance(item, Frame)]


def small(**options: object) -> PhantomSource:
    merged: dict[str, object] = {"realtime": False, "width_px": 160, "height_px": 120, "seconds": 0.2, **options}
    return PhantomSource(**merged)  # pyright: ignore[reportArgumentType]


def test_running_comes_first_and_ended_last() -> None:
    source = small()
    source.open()
    items = list(source.items())
    assert items[0] == StateChange(SourceState.RUNNING)
    assert items[-1] == StateChange(SourceState.ENDED)
    assert [item.index for item in items[1:-1] if isinstance(item, Frame)] == [0, 1, 2, 3, 4]


def test_media_time_is_the_index_over_the_rate() -> None:
    frames = frames_of(small(fps=50, seconds=0.1))
    assert [frame.pts_seconds for frame in frames] == [0.0, 0.02, 0.04, 0.06, 0.08]


def test_what_open_says_is_what_comes() -> None:
    source = small(seconds=0.4)
    info = source.open()
    frames = [item for item in source.items() if isinstance(item, Frame)]
    assert info.frame_count == len(frames) == 10
    assert (info.width_px, info.height_px) == (160, 120)
    assert frames[0].picture.pixels.shape == (120, 160)
    assert not info.is_live


def test_equal_seeds_give_equal_bytes_paced_or_not() -> None:
    fast, paced = frames_of(small(seed=4)), frames_of(small(seed=4, realtime=True))
    # Also when the pictures are asked for in another order.
    for a, b in reversed(list(zip(fast, paced, strict=True))):
        assert a.picture.pixels.tobytes() == b.picture.pixels.tobytes()
        assert a.pts_seconds == b.pts_seconds


def test_pictures_may_be_asked_for_by_several_threads_at_once() -> None:
    alone = [frame.picture.pixels for frame in frames_of(small(seed=4, seconds=0.6))]
    frames = frames_of(small(seed=4, seconds=0.6))
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda frame: frame.picture.pixels, frames))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


def test_iterating_draws_nothing() -> None:
    source = PhantomSource(seconds=40, realtime=False, width_px=1600, height_px=1200)
    source.open()
    start = time.process_time()
    assert sum(isinstance(item, Frame) for item in source.items()) == 1000
    assert time.process_time() - start < 1.0  # drawing them would take some ten times as long


def test_other_seeds_give_other_pictures() -> None:
    one, other = frames_of(small(seed=1))[0], frames_of(small(seed=2))[0]
    assert not np.array_equal(one.picture.pixels, other.picture.pixels)


def test_a_bare_fan_is_grey_and_knows_its_spacing() -> None:
    frame = frames_of(small())[0]
    assert frame.picture.pixels.ndim == 2
    assert frame.spacing_mm is not None
    assert frame.spacing_mm > 0


def test_a_screen_has_colour_and_no_spacing() -> None:
    frame = frames_of(small(screen=True, width_px=400, height_px=300))[0]
    pixels = frame.picture.pixels.astype(int)
    assert pixels.shape == (300, 400, 3)
    assert np.ptp(pixels, axis=2).max() > 80  # coloured marks
    assert frame.spacing_mm is None


def test_realtime_keeps_the_schedule_of_the_clock_and_does_not_drift() -> None:
    source = small(realtime=True, fps=50, seconds=0.9)
    source.open()
    due: list[tuple[float, float]] = []
    start = time.monotonic()
    for item in source.items():
        if isinstance(item, Frame):
            due.append((item.pts_seconds, item.captured_ns / 1e9 - start))
            if item.index == 10:
                time.sleep(0.4)  # a slow consumer: what is late comes at once, the rest on time
    assert all(seen >= pts - 1e-3 for pts, seen in due)
    assert due[-1][1] == pytest.approx(due[-1][0], abs=0.3)  # a schedule that had slipped would be 0.4 s late


def test_closing_from_another_thread_ends_a_stream_that_waits() -> None:
    source = small(realtime=True, fps=1, seconds=None)
    source.open()
    threading.Timer(0.15, source.close).start()
    start = time.monotonic()
    items = list(source.items())
    assert time.monotonic() - start < 0.6
    assert items[-1] == StateChange(SourceState.ENDED, "closed")


def test_a_source_closed_before_it_is_read_still_says_that_it_ended() -> None:
    source = small(seconds=None)
    source.open()
    source.close()
    source.close()
    assert list(source.items()) == [StateChange(SourceState.RUNNING), StateChange(SourceState.ENDED, "closed")]


def test_an_endless_stream_goes_on_until_it_is_closed() -> None:
    source = small(seconds=None)
    assert source.open().frame_count is None
    items: Iterator[Item] = source.items()
    seen = [next(items) for _ in range(200)]
    assert isinstance(seen[-1], Frame)
    assert seen[-1].index == 198
    source.close()
    assert isinstance(next(items), StateChange)


def test_items_before_open_is_refused() -> None:
    with pytest.raises(SourceError, match=r"items\(\) before open\(\)"):
        next(small().items())


def test_an_address_says_everything_a_constructor_can() -> None:
    address = (
        "phantom://?seed=3&seconds=2&fps=30&screen=yes&realtime=0&size=320x240"
        "&heart_rate_bpm=150&pathology=septal_defect&events=freeze:0.5-1,gain:1-2:+6"
    )
    source = PhantomSource.from_uri(address)
    info = source.open()
    assert (info.width_px, info.height_px, info.announced_fps, info.frame_count, info.is_live) == (
        320,
        240,
        30,
        60,
        False,
    )
    assert source.truth(20).frozen
    assert source.truth(0).pathology == "septal_defect"


def test_an_address_without_options_is_the_default_phantom() -> None:
    assert PhantomSource.from_uri("phantom://").open().is_live


@pytest.mark.parametrize(
    ("uri", "complaint"),
    [
        ("phantom://?sede=3", "option 'sede' is unknown; allowed: events, fps"),
        ("phantom://?seed=three", "seed='three' is not a whole number"),
        ("phantom://?seed=-1", "seed=-1 is out of range"),
        ("phantom://?fps=0", "fps=0.0 is out of range; allowed: 1 to 200"),
        ("phantom://?fps=nan", "fps=nan is out of range"),
        ("phantom://?seconds=-4", "seconds=-4.0 is out of range"),
        ("phantom://?screen=maybe", "screen='maybe' is no switch; allowed: 1 or 0"),
        ("phantom://?size=800", "size='800' cannot be read"),
        ("phantom://?size=8x6", "width_px=8 is out of range"),
        ("phantom://?heart_rate_bpm=9000", "heart_rate_bpm=9000.0 is out of range"),
        ("phantom://?pathology=cold", "pathology='cold' is unknown; allowed: normal"),
        ("phantom://?events=dance:1-2", "event 'dance' is unknown; allowed: freeze, gain, lift"),
        ("phantom://?events=freeze:2-1", "event freeze lasts from 2.0 to 1.0 s"),
        ("phantom://?events=gain:1-2", "event 'gain:1-2' cannot be read"),
        ("phantom://?events=lift:1..2-3", "event 'lift:1..2-3' cannot be read"),
        ("phantom://host/path", "is no phantom; write phantom://"),
        ("rtsp://host", "'rtsp://host' is no phantom"),
    ],
)
def test_a_wrong_address_is_refused_in_one_line(uri: str, complaint: str) -> None:
    with pytest.raises(SourceError) as caught:
        PhantomSource.from_uri(uri)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_freeze_gives_identical_pictures_and_then_goes_on() -> None:
    frozen = ScanEvent("freeze", 0.2, 0.4)
    frames = frames_of(small(seconds=0.6, events=[frozen]))
    stills = [f.picture.pixels for f in frames if 0.2 <= f.pts_seconds < 0.4]
    assert len(stills) == 5
    assert all(np.array_equal(stills[0], still) for still in stills)
    assert not np.array_equal(stills[-1], frames[11].picture.pixels)


def test_gain_brightens_and_a_lifted_probe_sees_only_its_own_face() -> None:
    events = [ScanEvent("gain", 0.08, 0.16, 8.0), ScanEvent("lift", 0.16, 0.2)]
    frames = frames_of(small(events=events, seed=6))
    plain, loud, lifted = (frames[k].picture.pixels.astype(float) for k in (1, 2, 4))
    assert loud.mean() > plain.mean() + 8
    assert lifted[:20].mean() > 2 * lifted[60:].mean()
    assert lifted[60:].mean() < 0.5 * plain[60:].mean()
