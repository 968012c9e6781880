"""The law of looking at what may hang: an answer, its error, or the deadline."""

import threading
import time

import pytest

from fetalstream.pipeline.doctor.bounded import within


def test_what_comes_in_time_is_handed_on():
    assert within(5, "quick", lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        within(5, "wrong", lambda: 1 // 0)


def test_what_hangs_is_left_behind_at_the_deadline():
    come_back = threading.Event()
    began = time.monotonic()
    with pytest.raises(TimeoutError, match=r"no answer within 0\.2 s"):
        within(0.2, "hanging", lambda: come_back.wait(30))
    assert 0.2 <= time.monotonic() - began < 2
    come_back.set()
