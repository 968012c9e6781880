"""The law of agreement, against counts done by hand."""

import pytest

from fetalstream.pipeline.planes.agreement import Interval, compare


def test_equal_intervals_agree_wholly():
    truth = [Interval("femur", 1.0, 3.0), Interval("abdomen", 4.0, 5.0)]
    agreement = compare(truth, truth, duration_seconds=6, rate_fps=25)
    assert agreement.macro_f1 == 1
    assert agreement.onset_delays_seconds == (0, 0)
    assert agreement.missed == agreement.false_alarms == ()


def test_f1_is_counted_per_frame_and_averaged_over_planes():
    truth = [Interval("femur", 0.0, 1.0), Interval("abdomen", 2.0, 3.0)]
    found = [Interval("femur", 0.5, 1.5), Interval("abdomen", 2.0, 3.0)]
    agreement = compare(found, truth, duration_seconds=4, rate_fps=10)
    assert agreement.per_plane_f1 == {"femur": pytest.approx(0.5), "abdomen": 1.0}  # 5 hits of 10 found and 10 true
    assert agreement.macro_f1 == pytest.approx(0.75)
    assert agreement.median_onset_delay_seconds == pytest.approx(0.25)  # of 0.5 and 0


def test_what_was_not_found_is_missed_and_what_was_not_there_is_a_false_alarm():
    truth = [Interval("femur", 0.0, 1.0)]
    found = [Interval("abdomen", 0.0, 1.0)]
    agreement = compare(found, truth, duration_seconds=2, rate_fps=10)
    assert agreement.missed == tuple(truth)
    assert agreement.false_alarms == tuple(found)
    assert agreement.macro_f1 == 0
    assert agreement.median_onset_delay_seconds is None


def test_silence_about_nothing_is_right():
    assert compare([], [], duration_seconds=2, rate_fps=10).macro_f1 == 1
