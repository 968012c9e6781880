"""A real RTSP server that is killed, paused, restarted and torn under a source that reads it."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from fetalstream.sources import Frame, SourceError, SourceState
from fetalstream.sources.rtsp import from_uri

if TYPE_CHECKING:
    from ...servers.running import RtspServer, StartServer
    from ..conftest import Settled
    from .conftest import Follow, Follower

pytestmark = pytest.mark.server

RUNNING, STALLED, RECONNECTING = SourceState.RUNNING, SourceState.STALLED, SourceState.RECONNECTING
STALLED_WITHIN_SECONDS = 1.0
BACK_WITHIN_SECONDS = 2.0
REFUSES = "refuses the connection; does the server run?"


@pytest.fixture(autouse=True)
def _no_login_around(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FETALSTREAM_RTSP_USER", raising=False)
    monkeypatch.delenv("FETALSTREAM_RTSP_PASSWORD", raising=False)


def assert_time_rises(follower: Follower) -> None:
    times = [frame.pts_seconds for frame in follower.frames]
    assert all(before < after for before, after in pairwise(times))
    indices = [frame.index for frame in follower.frames]
    assert all(before < after for before, after in pairwise(indices))


def seconds_until_stalled(follower: Follower, *, after: float) -> float:
    """From the last picture to the word that none comes."""
    moment, _ = follower.wait_for(STALLED, after=after)
    return moment - max(came for came in follower.frame_times() if came < moment)


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_a_server_that_is_killed_is_told_and_found_again(transport: str, rtsp_server: StartServer, follow: Follow):
    server = rtsp_server()
    follower = follow(from_uri(f"{server.uri}?transport={transport}"))
    follower.wait_for_frames(20)
    assert (follower.info.width_px, follower.info.height_px, follower.info.announced_fps) == (320, 240, 25.0)
    assert follower.info.codec == "h264"

    killed = server.kill()
    assert seconds_until_stalled(follower, after=killed) < STALLED_WITHIN_SECONDS
    follower.wait_until(lambda: any(REFUSES in state.reason for state in follower.states))
    time.sleep(1.0)  # long enough for the pauses between attempts to have grown

    back = server.start()
    moment, state = follower.wait_for(RUNNING, after=killed)
    assert moment - back < BACK_WITHIN_SECONDS
    assert state.reason.startswith("connected again after ")
    follower.wait_for_frames(20)
    assert [state.state for state in follower.states] == [RUNNING, STALLED, RECONNECTING, RECONNECTING, RUNNING]
    assert {frame.epoch for frame in follower.frames} == {0, 1}
    assert_time_rises(follower)
    # An outage takes as long in media time as it took.
    before = max((frame for frame in follower.frames if frame.epoch == 0), key=lambda frame: frame.index)
    after = min((frame for frame in follower.frames if frame.epoch == 1), key=lambda frame: frame.index)
    outage_seconds = (after.captured_ns - before.captured_ns) / 1e9
    assert after.pts_seconds - before.pts_seconds == pytest.approx(outage_seconds, abs=0.01)


def test_a_server_that_pauses_stalls_the_source_and_goes_on_in_the_same_epoch(rtsp_server: StartServer, follow: Follow):
    server = rtsp_server()
    follower = follow(from_uri(server.uri))
    follower.wait_for_frames(20)
    paused = server.send(signal.SIGSTOP)
    assert seconds_until_stalled(follower, after=paused) < STALLED_WITHIN_SECONDS
    resumed = server.send(signal.SIGCONT)
    moment, _ = follower.wait_for(RUNNING, after=paused)
    assert moment - resumed < BACK_WITHIN_SECONDS
    follower.wait_for_frames(20)
    told = [(state.state, state.reason.partition(" after ")[0]) for state in follower.states[1:]]
    assert told == [
        (STALLED, "no picture for 0.8 s, the connection stands"),
        (RUNNING, "pictures come again"),
    ]
    assert {frame.epoch for frame in follower.frames} == {0}
    assert_time_rises(follower)


def test_a_server_that_hangs_for_long_is_given_up_and_found_again(rtsp_server: StartServer, follow: Follow):
    server = rtsp_server()
    follower = follow(from_uri(f"{server.uri}?silence_seconds=1&open_seconds=1"))
    follower.wait_for_frames(20)
    paused = server.send(signal.SIGSTOP)
    follower.wait_for(RECONNECTING, after=paused)
    follower.wait_until(lambda: "no picture within 1 s of connecting" in follower.states[-1].reason)
    resumed = server.send(signal.SIGCONT)
    moment, _ = follower.wait_for(RUNNING, after=paused)
    assert moment - resumed < BACK_WITHIN_SECONDS
    follower.wait_for_frames(20)
    assert follower.frames[-1].epoch == 1
    assert_time_rises(follower)


@pytest.mark.parametrize(("codec", "name"), [("h264", "h264"), ("h265", "hevc"), ("jpeg", "mjpeg")])
def test_what_encoders_send_is_read(codec: str, name: str, rtsp_server: StartServer, follow: Follow):
    follower = follow(from_uri(rtsp_server("--codec", codec).uri))
    follower.wait_for_frames(20)
    assert (follower.info.codec, follower.info.width_px, follower.info.height_px) == (name, 320, 240)
    ball = [frame.picture.grey.max() > 200 and frame.picture.grey.min() < 50 for frame in follower.frames]
    assert all(ball), "a white ball on black"
    assert follower.damage == []


def test_sound_is_not_asked_for(
    rtsp_server: StartServer, follow: Follow, left_open: Callable[[], tuple[int, int]], settled: Settled
):
    def descriptors(*options: str) -> int:
        """How many a connection over UDP takes: two for each kind of content, and one."""
        server = rtsp_server("--fps", "10", *options)
        before = left_open()[1]
        follower = follow(from_uri(f"{server.uri}?transport=udp"))
        follower.wait_for_frames(3)
        taken = left_open()[1] - before
        follower.close()
        assert settled(lambda: left_open()[1] == before)
        return taken

    descriptors()  # what the libraries open once, they have now opened
    assert descriptors("--sound") == descriptors()


def test_a_picture_that_changes_its_size_goes_on_and_is_told(rtsp_server: StartServer, follow: Follow):
    server = rtsp_server("--switch-size", "480x360")
    follower = follow(from_uri(server.uri))
    follower.wait_for_frames(10)
    for width_px, height_px in ((480, 360), (320, 240)):
        changed = server.send(signal.SIGUSR1)
        follower.wait_for(RUNNING, after=changed)
        follower.wait_for_frames(10)
        assert follower.frames[-1].picture.pixels.shape[:2] == (height_px, width_px)
    assert [state.reason for state in follower.states[1:]] == [
        "pictures are now 480 x 360 px, before 320 x 240",
        "pictures are now 320 x 240 px, before 480 x 360",
    ]
    assert {frame.epoch for frame in follower.frames} == {0}


def test_a_torn_stream_goes_on_and_what_was_lost_is_told(rtsp_server: StartServer, follow: Follow):
    server = rtsp_server("--tear", "0.002", "--key-every", "10")
    follower = follow(from_uri(server.uri))
    follower.wait_until(lambda: len(follower.damage) >= 3 and len(follower.frames) >= 50, within_seconds=30)
    assert sum(damage.lost_packets for damage in follower.damage) >= 3
    assert all(damage.what.startswith("127.0.0.1-live: ") for damage in follower.damage)
    assert SourceState.FAILED not in [state.state for state in follower.states]
    assert_time_rises(follower)


def test_halves_of_key_pictures_are_not_taken_for_pictures(rtsp_server: StartServer, follow: Follow):
    server = rtsp_server("--slices", "--key-every", "10")
    follower = follow(from_uri(server.uri))
    follower.wait_for_frames(60, within_seconds=20)
    # The test picture is a white ball on black. A half that is missing is filled with a flat green.
    for frame in follower.frames:
        rgb = frame.picture.rgb.astype(np.int16)
        green = (rgb[..., 1] - rgb[..., [0, 2]].max(axis=-1)) > 40
        assert green.mean() < 0.01, f"frame {frame.index} is torn"


def test_the_picture_is_the_newest_however_slow_the_reader(rtsp_server: StartServer):
    server = rtsp_server("--key-every", "5")
    source = from_uri(server.uri)
    source.open()
    naps, turned = 0, 0.0
    for item in source.items():
        if not isinstance(item, Frame):
            continue
        if naps >= 4 and item.picture.grey.mean() > 200:
            break
        naps += 1
        if naps == 4:
            turned = server.send(signal.SIGUSR2)
        time.sleep(0.4)  # ten pictures come meanwhile
    source.close()
    # One nap may begin just before the picture turns white; where there is no backlog the next look finds it.
    assert time.monotonic() - turned < 1.5


@pytest.fixture
def locked_server(rtsp_server: StartServer) -> RtspServer:
    return rtsp_server("--login", "ann:ge/heim@")


def test_a_login_opens_the_door_from_uri_and_environment_and_shows_nowhere(
    locked_server: RtspServer, follow: Follow, monkeypatch: pytest.MonkeyPatch
):
    place = f"127.0.0.1:{locked_server.port}"
    with pytest.raises(SourceError, match=f"{place} asks for a user and password"):
        from_uri(locked_server.uri).open()
    with pytest.raises(SourceError, match=f"{place} asks for a user and password") as caught:
        from_uri(f"rtsp://ann:wrong@{place}/live").open()
    assert "wrong" not in str(caught.value)

    told = follow(from_uri(f"rtsp://ann:ge%2Fheim%40@{place}/live"))
    told.wait_for_frames(3)
    assert told.info.uri == f"rtsp://***@{place}/live"

    monkeypatch.setenv("FETALSTREAM_RTSP_USER", "ann")
    monkeypatch.setenv("FETALSTREAM_RTSP_PASSWORD", "ge/heim@")
    found = follow(from_uri(locked_server.uri))
    found.wait_for_frames(3)
    locked_server.kill()
    for follower in (told, found):
        follower.wait_until(lambda follower=follower: follower.states[-1].state is RECONNECTING)
        shown = f"{follower.source!r} {follower.info} {follower.items}"
        assert "heim" not in shown


def test_a_stream_that_does_not_exist_is_named_as_such(rtsp_server: StartServer):
    server = rtsp_server()
    with pytest.raises(SourceError, match=f"127.0.0.1:{server.port} has no such stream"):
        from_uri(f"rtsp://127.0.0.1:{server.port}/other").open()


def test_a_latency_that_is_known_is_taken_off_the_capture_times(rtsp_server: StartServer, follow: Follow):
    server = rtsp_server()
    follower = follow(from_uri(f"{server.uri}?latency_ms=5000"))
    follower.wait_for_frames(5)
    came, frame = next((moment, item) for moment, item in follower.items if item in follower.frames)
    assert 5.0 <= came - frame.captured_ns / 1e9 < 5.5
