import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from fetalstream.sources import abandon
from fetalstream.sources.abandon import Errand, left_behind, under_way


@pytest.fixture(autouse=True)
def only_ours(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Threads that earlier tests left behind may come back at any time; here they are not counted."""
    others = abandon._under_way
    with monkeypatch.context() as patch:
        patch.setattr(abandon, "_under_way", set[Errand]())
        yield
    others -= {errand for errand in others if errand.ended}


def test_a_call_that_hangs_is_left_behind_counted_and_tidied_up_when_it_comes_back():
    hang, tidied = threading.Event(), threading.Event()

    def work(errand: Errand) -> None:
        hang.wait()
        assert errand.abandoned
        tidied.set()

    errand = Errand("test", work)
    assert not errand.wait(0.05)
    errand.abandon()
    assert left_behind() == 1
    hang.set()
    assert errand.wait(5)
    assert tidied.is_set()
    assert left_behind() == 0


def test_abandoning_what_has_ended_counts_nothing():
    errand = Errand("test", lambda _: None)
    assert errand.wait(5)
    errand.abandon()
    assert left_behind() == 0


def test_what_is_under_way_is_counted():
    done = threading.Event()

    def work(_: Errand) -> None:
        done.wait()

    errand = Errand("test", work)
    assert (under_way(), errand.ended) == (1, False)
    done.set()
    assert errand.wait(5)
    assert under_way() == 0


def test_the_end_of_the_process_waits_until_threads_have_tidied_up():
    code = """
import sys, time
from fetalstream.sources.abandon import Errand
def work(errand):
    while not errand.abandoned:
        time.sleep(0.01)
    time.sleep(0.3)
    sys.stdout.write("tidied up")
Errand("test", work)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "tidied up")


def test_the_end_of_the_process_does_not_wait_for_ever():
    code = """
import threading
from fetalstream.sources import abandon
abandon.EXIT_SECONDS = 0.5
abandon.Errand("test", lambda _: threading.Event().wait())
"""
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert time.monotonic() - began > 0.5
