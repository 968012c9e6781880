"""The law of the page's conversation: nothing told is lost, only the newest is shown, nobody waits for anybody."""

import functools
import io
import itertools
import logging
import socket
import threading
import time
from contextlib import ExitStack

import numpy as np
import pytest
from PIL import Image
from websockets.exceptions import ConnectionClosed

from fetalstream.sinks.complaints import Complaints
from fetalstream.sinks.dashboard import Status, hub, pictures, protocols, server, talk
from fetalstream.sinks.dashboard.story import MOST_RECENT
from fetalstream.sinks.findings import ChecklistChanged
from fetalstream.sinks.operator import Operation, OperatorMarked
from fetalstream.sinks.pictures import Shown

from .browsing import Browser, served
from .conftest import MakePage, shown

FEW = 50
SECONDS = 20.0


class EncoderError(Exception):
    """What no code of ours expects."""


def marks(count: int, first: int = 0) -> list[OperatorMarked]:
    return [
        OperatorMarked(stream="s", sequence=number, text=str(number), plane="", pts_seconds=None)
        for number in range(first, first + count)
    ]


def test_a_newcomer_is_told_how_things_stand_and_then_everything_in_order(page: MakePage, story):
    dashboard, _ = page()
    told = [event for event in story("s") if type(event).__name__ != "FrameScores"]
    for event in told[:10]:
        dashboard.write(event)
    with Browser(dashboard.port) as browser:
        browser.until(lambda: len(browser.events) == 10)
        for event in story("s")[11:]:
            dashboard.write(event)
        browser.until(lambda: len(browser.events) == len(told))
        assert browser.numbers == list(range(len(told)))
        assert browser.kinds() == [event.__struct_config__.tag for event in told]
        assert "frame.scores" not in browser.kinds()
        assert browser.hello["about"]["model"] == "compact"


def test_who_reloads_in_mid_stream_has_missed_nothing(page: MakePage):
    dashboard, _ = page()
    writing = threading.Event()

    def write() -> None:
        for event in marks(150):
            dashboard.write(event)
            time.sleep(0.005)
        writing.set()

    thread = threading.Thread(target=write)
    thread.start()
    while not writing.is_set():
        with Browser(dashboard.port) as browser:
            browser.listen(0.2)
            assert browser.numbers == list(range(len(browser.numbers)))
    thread.join()
    with Browser(dashboard.port) as browser:
        browser.until(lambda: len(browser.events) == 150)
        assert [told["event"]["text"] for told in browser.events] == [str(number) for number in range(150)]


def test_what_still_holds_is_told_however_long_ago_it_was(page: MakePage):
    dashboard, _ = page()
    item = ChecklistChanged(
        stream="s", sequence=0, protocol="core_4", item="femur", plane="femur", state="done", seen=1, wanted=1
    )
    dashboard.write(item)
    for event in marks(MOST_RECENT + 10, first=1):
        dashboard.write(event)
    with Browser(dashboard.port) as browser:
        browser.until(lambda: browser.events[-1]["n"] == MOST_RECENT + 10)
        assert browser.events[0]["event"]["item"] == "femur"
        assert len(browser.events) < MOST_RECENT / 2


def test_a_browser_that_was_away_too_long_gets_the_whole_story_anew(page: MakePage, monkeypatch):
    monkeypatch.setattr(talk, "MOST_UNDER_WAY", 3)
    dashboard, _ = page()
    with Browser(dashboard.port, acks=False) as browser:
        browser.listen(0.5)
        assert browser.count == 3
        for event in marks(MOST_RECENT * 2):
            dashboard.write(event)
        browser.listen(0.5)
        assert (browser.count, browser.hellos) == (3, 1)
        browser.say(do="ack", count=browser.count)
        browser.until(lambda: browser.hellos == 2)
        assert browser.events[-1]["n"] == MOST_RECENT * 2 - 1


def test_a_picture_is_the_newest_cropped_to_its_fan_and_tells_when_it_was_captured(page: MakePage):
    dashboard, _ = page()
    with Browser(dashboard.port) as browser:
        dashboard.show(shown(1.0, captured_ns=5_000_000))
        browser.until(lambda: bool(browser.pictures))
    (picture,) = browser.pictures
    grey = np.asarray(Image.open(io.BytesIO(picture["jpeg"])))
    assert grey.shape == (picture["height_px"], picture["width_px"]) == (112, 132)
    assert (picture["pts_seconds"], picture["captured_ms"]) == (1.0, 5.0)
    assert picture["outline_px"][0] == [6, 6]
    assert abs(int(grey[56, 66]) - 65) <= 2
    assert grey[:4].mean() < 2


def test_a_large_picture_is_made_smaller_with_its_outline(page: MakePage):
    dashboard, _ = page()
    with Browser(dashboard.port) as browser:
        dashboard.show(shown(size_px=(3000, 2000)))
        browser.until(lambda: bool(browser.pictures))
    (picture,) = browser.pictures
    assert picture["width_px"] == 1280
    assert max(x for x, _ in picture["outline_px"]) < 1280


def test_the_last_picture_waits_for_who_comes_later(page: MakePage):
    dashboard, _ = page()
    for index in range(FEW):
        dashboard.show(shown(index / 25))
    time.sleep(0.3)
    with Browser(dashboard.port) as browser:
        browser.until(lambda: bool(browser.pictures))
        assert browser.pictures[0]["pts_seconds"] == (FEW - 1) / 25


def test_who_says_nothing_is_sent_two_pictures_and_then_the_newest(page: MakePage):
    dashboard, _ = page()
    with Browser(dashboard.port, acks=False) as browser:
        for index in range(FEW):
            dashboard.show(shown(index / 25))
            time.sleep(0.01)
        browser.listen(0.5)
        assert len(browser.pictures) == talk.MOST_PICTURES_UNDER_WAY
        browser.say(do="ack", count=browser.count)
        browser.until(lambda: len(browser.pictures) > talk.MOST_PICTURES_UNDER_WAY)
        assert browser.pictures[-1]["pts_seconds"] == (FEW - 1) / 25


def test_nobody_waits_for_who_never_reads(page: MakePage):
    dashboard, _ = page()
    noise = np.random.default_rng(1).integers(0, 255, (1200, 1200)).astype(np.uint8)
    silent = [Browser(dashboard.port, acks=False) for _ in range(5)]
    with Browser(dashboard.port) as browser:
        slowest = 0.0
        for index in range(40):
            started = time.monotonic()
            dashboard.show(shown()._replace(grey=noise, pts_seconds=index / 25, outline_px=()))
            slowest = max(slowest, time.monotonic() - started)
            browser.until(lambda index=index: len(browser.pictures) == index + 1)
        assert len(browser.pictures) == 40
        assert slowest < 0.5  # hands over, never sends
    for one in silent:
        one.__exit__()


def test_ten_browsers_at_once_of_which_three_never_read_hear_all_and_hold_up_nobody(page: MakePage):
    dashboard, _ = page()
    count, slowest = 300, 0.0
    with ExitStack() as stack:
        silent = [stack.enter_context(Browser(dashboard.port, acks=False)) for _ in range(3)]
        reading = [stack.enter_context(Browser(dashboard.port)) for _ in range(7)]
        for event in marks(count):
            started = time.perf_counter()
            dashboard.write(event)
            dashboard.show(shown(event.sequence / 25))
            slowest = max(slowest, time.perf_counter() - started)
        newest = (count - 1) / 25
        for browser in reading:
            browser.until(lambda browser=browser: bool(browser.pictures) and len(browser.events) == count)
            browser.until(lambda browser=browser: browser.pictures[-1]["pts_seconds"] == newest)
            assert browser.numbers == list(range(count))
        assert slowest < 0.5  # hands over, never sends
        assert len(silent) + len(reading) == 10


def test_who_deals_with_nothing_for_too_long_is_cut_off(page: MakePage, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(talk, "PATIENCE_SECONDS", 0.5)
    dashboard, _ = page()
    with Browser(dashboard.port, acks=False) as browser:
        assert browser.close_code() == talk.TOO_SLOW


def test_who_has_stopped_reading_altogether_is_gone_for_good(page: MakePage, monkeypatch: pytest.MonkeyPatch):
    """Not even the goodbye can be sent: the connection is cut, and what waited for it is let go."""
    monkeypatch.setattr(talk, "PATIENCE_SECONDS", 0.5)
    monkeypatch.setattr(talk, "CLOSE_SECONDS", 0.3)
    monkeypatch.setattr(protocols, "LEAVE_SECONDS", 0.3)
    dashboard, _ = page()
    noise = np.random.default_rng(1).integers(0, 255, (1280, 1280)).astype(np.uint8)
    head = "GET /live HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    key = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", dashboard.port))
        deaf.sendall((head + key).encode())
        seen = 0
        end = time.monotonic() + 20
        while seen == 0 or served(dashboard.port):
            seen = max(seen, served(dashboard.port))
            dashboard.show(shown()._replace(grey=noise, outline_px=()))
            assert time.monotonic() < end
            time.sleep(0.05)
    assert seen == 1


def test_the_clock_can_be_asked_for(page: MakePage):
    dashboard, _ = page()
    with Browser(dashboard.port) as browser:
        before = time.monotonic_ns() / 1e6
        browser.say(do="ping", sent_ms=12.5)
        browser.until(lambda: bool(browser.pongs))
        assert browser.pongs[0]["sent_ms"] == 12.5
        assert before <= browser.pongs[0]["now_ms"] <= time.monotonic_ns() / 1e6


def test_a_wish_reaches_the_run_and_is_answered(page: MakePage, story):
    dashboard, desk = page()
    dashboard.write(story("s")[0])
    with Browser(dashboard.port) as browser:
        browser.say(do="operate", id=1, wish="capture")
        browser.say(do="operate", id=2, wish="override", value="femur")
        browser.until(lambda: len(browser.answers) == 2)
        assert desk.wishes == [Operation(wish="capture"), Operation(wish="override", value="femur")]
        assert all(answer["ok"] for answer in browser.answers.values())


@pytest.mark.parametrize(
    ("wish", "value", "why"),
    [
        ("override", "tonsil", "no plane 'tonsil'"),
        ("keep", "../../etc/passwd", "no capture"),
        ("discard", "nowhere", "no capture"),
    ],
)
def test_a_wish_that_names_what_is_not_there_is_not_handed_on(page: MakePage, wish: str, value: str, why: str):
    dashboard, desk = page()
    with Browser(dashboard.port) as browser:
        browser.say(do="operate", id=1, wish=wish, value=value)
        browser.until(lambda: bool(browser.answers))
        assert not browser.answers[1]["ok"]
        assert why in browser.answers[1]["why"]
        assert desk.wishes == []


def test_after_the_end_a_wish_is_refused_in_words(page: MakePage):
    dashboard, desk = page()
    desk.is_over, desk.status = True, Status(phase="over", state="ended")
    with Browser(dashboard.port) as browser:
        browser.until(lambda: browser.status.get("status", {}).get("phase") == "over")
        browser.say(do="operate", id=1, wish="capture")
        browser.until(lambda: bool(browser.answers))
        assert browser.answers[1]["why"] == "the scan is over"


def test_a_wish_that_fails_by_our_own_fault_is_not_left_without_an_end_and_is_told(
    page: MakePage, caplog: pytest.LogCaptureFixture
):
    def broken(_: Operation) -> bool:
        raise EncoderError

    dashboard, desk = page()
    dashboard.connect(read_status=lambda: desk.status, operate=broken)
    with caplog.at_level(logging.WARNING), Browser(dashboard.port) as other, Browser(dashboard.port) as browser:
        browser.say(do="operate", id=1, wish="capture")
        assert browser.close_code() == talk.FAILED  # the page says "Perhaps not done", and begins anew
        dashboard.write(marks(1)[0])
        other.until(lambda: bool(other.events))
    assert "a browser could not be served (EncoderError)" in caplog.text


def test_wishes_by_the_hundred_are_not_handed_on(page: MakePage):
    dashboard, desk = page()
    with Browser(dashboard.port) as browser:
        for number in range(60):
            browser.say(do="operate", id=number, wish="mark")
        browser.until(lambda: len(browser.answers) == 60)
        refused = [answer for answer in browser.answers.values() if not answer["ok"]]
        assert len(desk.wishes) == 60 - len(refused)
        assert len(refused) > 10


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("not json", talk.UNKNOWN_WORDS),
        (b"\x00\x01", talk.UNKNOWN_WORDS),
        ('{"do":"shout"}', talk.UNKNOWN_WORDS),
        ('{"do":"operate","id":1,"wish":"explode"}', talk.UNKNOWN_WORDS),
        ('{"do":"operate","id":1,"wish":"mark","value":"' + "x" * 300 + '"}', talk.UNKNOWN_WORDS),
        ('{"do":"ack","count":-1}', talk.UNKNOWN_WORDS),
        ('{"do":"ping","sent_ms":' + "1" * 5000 + "}", 1009),
    ],
)
def test_what_cannot_be_understood_ends_the_conversation_and_nothing_else(
    page: MakePage, caplog: pytest.LogCaptureFixture, said: str, code: int
):
    dashboard, _ = page()
    with Browser(dashboard.port) as other, Browser(dashboard.port) as browser:
        browser.say_raw(said)
        assert browser.close_code() == code
        dashboard.write(marks(1)[0])
        other.until(lambda: bool(other.events))
    assert "could not be served" not in caplog.text


def failure_of(port: int) -> int | None:
    """The code with which a browser is turned away after its first words, or before."""
    try:
        with Browser(port, acks=False) as browser:
            return browser.close_code()
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None


def test_an_error_of_ours_in_serving_a_browser_is_told(
    page: MakePage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def broken(_: Shown) -> bytes:
        raise EncoderError

    monkeypatch.setattr(hub, "encoded", broken)
    monkeypatch.setattr(server, "Complaints", functools.partial(Complaints, quiet_seconds=0.2))
    monkeypatch.setattr(server, "COMPLAIN_SECONDS", 0.05)
    dashboard, _ = page()
    dashboard.show(shown())
    with caplog.at_level(logging.WARNING, "fetalstream.sinks"):
        for _ in range(3):  # it comes back, as the page does
            assert failure_of(dashboard.port) == talk.FAILED
        end = time.monotonic() + SECONDS
        while "times more" not in caplog.text:  # while the page is still open
            assert time.monotonic() < end, caplog.text
            failure_of(dashboard.port)
    assert "a browser could not be served (EncoderError)" in caplog.text


def test_pictures_are_wanted_at_the_full_rate_only_while_somebody_watches(page: MakePage):
    dashboard, _ = page(pictures_fps=20.0)
    slow, _ = page(pictures_fps=2.0)
    assert (dashboard.pictures_fps, slow.pictures_fps) == (pictures.THUMBNAILS_PER_SECOND, 2.0)
    with Browser(dashboard.port), Browser(slow.port):
        assert (dashboard.pictures_fps, slow.pictures_fps) == (20.0, 2.0)
    end = time.monotonic() + SECONDS
    while dashboard.pictures_fps > pictures.THUMBNAILS_PER_SECOND:
        assert time.monotonic() < end
        time.sleep(0.02)


def test_pictures_that_come_at_just_the_rate_of_thumbnails_are_all_remembered(monkeypatch: pytest.MonkeyPatch):
    """A frame's time early or late, as they come when nobody watches."""
    now = [0.0]
    monkeypatch.setattr(pictures.time, "monotonic", lambda: now[0])
    memory = pictures.Memory()
    jitter = itertools.cycle((0.0, 0.04, -0.04, 0.0, -0.04, 0.04))
    for index in range(FEW):
        now[0] = 1000 + index / pictures.THUMBNAILS_PER_SECOND + next(jitter)
        memory.see(shown(index / pictures.THUMBNAILS_PER_SECOND))
    for index in range(FEW):
        pts_seconds = index / pictures.THUMBNAILS_PER_SECOND
        memory.keep_best(str(index), pts_seconds, 1.0)
        jpeg = memory.best(str(index))
        assert jpeg is not None
        grey = np.asarray(Image.open(io.BytesIO(jpeg)))
        middle = grey[grey.shape[0] // 2, grey.shape[1] // 2]
        assert abs(int(middle) - int(shown(pts_seconds).grey[60, 80])) <= 2


def say_without_end(browser: Browser) -> None:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        browser.say(do="ping", sent_ms=1)


def test_who_talks_without_end_is_cut_off(page: MakePage):
    dashboard, _ = page()
    with Browser(dashboard.port) as other, Browser(dashboard.port, acks=False) as browser:
        with pytest.raises(ConnectionClosed):
            say_without_end(browser)
        dashboard.write(marks(1)[0])
        other.until(lambda: bool(other.events))


def test_what_was_told_last_before_the_end_arrives(page: MakePage):
    dashboard, _ = page()
    with Browser(dashboard.port) as browser:
        for event in marks(1000):
            dashboard.write(event)
        thread = threading.Thread(target=dashboard.close)
        thread.start()
        browser.until(lambda: len(browser.events) == 1000)
        thread.join()


def test_closing_tells_the_browsers_and_is_quick(page: MakePage):
    dashboard, _ = page()
    with Browser(dashboard.port) as browser, Browser(dashboard.port, acks=False):
        started = time.monotonic()
        dashboard.close()
        assert time.monotonic() - started < 5
        assert browser.close_code() == 1012
    assert dashboard.standing.reason == ""
