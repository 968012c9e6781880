"""The law of heart clips: evenly spread by media time, every frame once, nothing mended."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetalstream.models.encoder import ModelError
from fetalstream.models.heads.clip_timing import ClipTiming
from fetalstream.pipeline.heart.clips import REPEATED, SAME_TIME, SPARSE, UNSTEADY, HeartClip, HeartClips

TIMING = ClipTiming(frames=4, seconds=0.4, stride_seconds=0.2)


def cut(times: list[float], cutter: HeartClips | None = None, **said: object) -> list[HeartClip]:
    cutter = cutter or HeartClips(TIMING)
    return [clip for index, time in enumerate(times) for clip in cutter.add(index, time, **said)]  # pyright: ignore[reportArgumentType]


def test_a_clip_takes_the_frame_nearest_to_each_point():
    times = [number * 0.03 for number in range(11)]
    (clip,) = cut(times)
    assert clip.indexes == (0, 3, 7, 10)
    assert clip.pts_seconds == pytest.approx((0.0, 0.09, 0.21, 0.3))


def test_clips_begin_a_stride_apart_and_overlap():
    clips = cut([number / 10 for number in range(9)])
    assert [clip.indexes for clip in clips] == [(0, 1, 2, 3), (2, 3, 4, 5), (4, 5, 6, 7)]


@pytest.mark.parametrize("fps", [10, 12.5, 25, 30, 50, 60])
def test_the_same_moments_are_taken_at_every_rate_that_suffices(fps: float):
    times = [number / fps for number in range(int(fps) + 1)]
    starts = [clip.pts_seconds[0] for clip in cut(times)]
    assert starts == pytest.approx([0.0, 0.2, 0.4, 0.6], abs=0.05)


def test_too_few_frames_give_no_clip_and_are_counted():
    cutter = HeartClips(TIMING)
    assert cut([number / 5 for number in range(10)], cutter) == []
    assert cutter.refused[SPARSE] > 0


def test_a_hole_gives_no_clip_over_it():
    times = [0.0, 0.1, 0.2, 0.3, 0.62, 0.72, 0.82, 0.92, 1.02, 1.12]
    clips = cut(times)
    assert clips[0].indexes == (0, 1, 2, 3)
    assert all(later - earlier < 0.16 for clip in clips for earlier, later in pairwise(clip.pts_seconds))


def test_a_repeated_picture_or_time_stamp_counts_once():
    cutter = HeartClips(TIMING)
    clips: list[HeartClip] = []
    for index, time in enumerate([0.0, 0.1, 0.1, 0.2, 0.25, 0.3]):
        clips += cutter.add(index, time, repeats=index == 4)
    assert [clip.indexes for clip in clips] == [(0, 1, 3, 5)]
    assert cutter.refused == {SAME_TIME: 1, REPEATED: 1}


def test_pictures_that_stand_still_never_make_a_clip():
    cutter = HeartClips(TIMING)
    for index in range(50):
        assert cutter.add(index, index / 10, repeats=index > 0) == []


def test_a_clip_never_reaches_over_the_end_of_a_visit():
    cutter = HeartClips(TIMING)
    assert cut([0.0, 0.1, 0.2], cutter) == []
    cutter.end()
    assert cutter.oldest_index is None
    clips = [clip for index in range(3, 8) for clip in cutter.add(index, index / 10)]
    assert [clip.indexes for clip in clips] == [(3, 4, 5, 6)]


@pytest.mark.parametrize("then", [-5.0, 60.0], ids=["backward", "a leap"])
def test_time_that_falls_or_leaps_begins_a_new_segment(then: float):
    clips = cut([0.0, 0.1, 0.2, *(then + number / 10 for number in range(4))])
    assert [clip.indexes for clip in clips] == [(3, 4, 5, 6)]


def test_frames_that_hardly_show_the_plane_give_no_clip():
    cutter = HeartClips(TIMING, min_score=0.5)
    assert cut([number / 10 for number in range(6)], cutter, score=0.4) == []
    assert cutter.refused == {UNSTEADY: 2}


@given(st.lists(st.floats(0.001, 0.3), min_size=1, max_size=120))
def test_whatever_the_times_clips_hold_each_frame_once_and_near_its_point(steps: list[float]):
    times = np.cumsum(steps).tolist()
    for clip in cut(times):
        assert len(clip.indexes) == TIMING.frames
        assert all(earlier < later for earlier, later in pairwise(clip.indexes))
        assert [times[index] for index in clip.indexes] == list(clip.pts_seconds)
        spread = [later - earlier for earlier, later in pairwise(clip.pts_seconds)]
        assert all(0 < step < 2 * TIMING.period_seconds + 1e-5 for step in spread)


@given(st.integers(1, 400))
def test_memory_stays_bounded(count: int):
    cutter = HeartClips(TIMING)
    for index in range(count):
        cutter.add(index, index / 30)
        assert cutter.oldest_index is not None
        assert index - cutter.oldest_index <= 30 * (TIMING.seconds + TIMING.stride_seconds)


@pytest.mark.parametrize("wrong", [{"frames": 3}, {"seconds": 0.0}, {"seconds": float("nan")}, {"stride_seconds": 0}])
def test_an_impossible_timing_is_refused(wrong: dict[str, float]):
    with pytest.raises(ModelError):
        ClipTiming(**wrong)  # pyright: ignore[reportArgumentType]


def test_sixteen_frames_see_at_least_two_beats_of_a_slow_fetal_heart():
    assert ClipTiming().seconds * 110 / 60 > 2
    assert ClipTiming().period_seconds == pytest.approx(1 / 12.5)
