import tempfile
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from fetalstream.sources import Damage, Frame, SourceError, SourceState, StateChange
from fetalstream.sources.file import FileSource, from_uri

ENDED = StateChange(SourceState.ENDED)


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.avi", "a.mkv", "a.gif", "a.ts"])
def test_every_frame_of_every_container_comes_with_its_own_time(make_clip, read_out, plain_times, name):
    path = make_clip(name, frames=20)
    result = read_out(path)
    expected = plain_times(path)
    assert result.times == pytest.approx([time - expected[0] for time in expected])
    assert [frame.index for frame in result.frames] == list(range(20))
    assert result.items[0] == StateChange(SourceState.RUNNING)
    assert result.items[-1] == ENDED
    assert result.damage == []


@pytest.mark.data
def test_real_cines_give_as_many_frames_as_their_containers_hold(data_dir, read_out, plain_times):
    for path in sorted((data_dir / "video").glob("*.mp4")):
        result = read_out(path)
        assert len(result.frames) == result.info.frame_count == len(plain_times(path))
        assert result.damage == []


def test_the_information_names_the_file_but_not_its_folders(make_clip, read_out):
    info = read_out(make_clip("scan 3 (right).mp4", frames=5)).info
    assert info.uri == "file:scan 3 (right).mp4"
    assert info.name == "scan_3_right"
    assert (info.width_px, info.height_px) == (96, 64)
    assert info.announced_fps == 25.0
    assert info.frame_count == 5
    assert not info.is_live


def test_a_variable_frame_rate_is_kept(make_clip, read_out):
    times_ms = [0, 40, 50, 90, 1090, 1100, 1500, 1507]
    result = read_out(make_clip("pauses.mkv", frames=8, times_ms=times_ms))
    assert result.times == pytest.approx([ms / 1000 for ms in times_ms], abs=1e-6)


def test_media_time_starts_at_the_first_frame_wherever_the_container_starts(make_clip, read_out):
    result = read_out(make_clip("late.mkv", frames=4, times_ms=[5000, 5040, 5080, 5120]))
    assert result.times == pytest.approx([0, 0.04, 0.08, 0.12], abs=1e-6)


def test_iterating_converts_no_pixels(make_clip, read_out, monkeypatch):
    path = make_clip("a.mp4", frames=5)
    monkeypatch.setattr("fetalstream.sources.av_picture._convert", lambda *_: pytest.fail("converted"))
    assert len(read_out(path).frames) == 5


def test_pictures_kept_until_the_decoder_is_gone_are_the_same_as_pictures_taken_at_once(make_clip):
    path = make_clip("a.mp4", frames=30)
    at_once, source = [], FileSource(path)
    source.open()
    at_once = [item.picture.pixels for item in source.items() if isinstance(item, Frame)]
    later = FileSource(path)
    later.open()
    kept = [item.picture for item in later.items() if isinstance(item, Frame)]
    later.close()
    assert all(np.array_equal(one, other.pixels) for one, other in zip(at_once, kept, strict=True))


def test_writing_into_a_picture_does_not_reach_the_pictures_after_it(make_clip, read_out):
    path = make_clip("grey.mp4", frames=10, grey=True)
    untouched = [frame.picture.pixels for frame in read_out(path).frames]
    source = FileSource(path)
    source.open()
    for index, frame in enumerate(item for item in source.items() if isinstance(item, Frame)):
        assert np.array_equal(frame.picture.pixels, untouched[index])
        frame.picture.pixels[:] = 0


@pytest.mark.parametrize("kind", [0, 1, 2], ids=["grey", "colour", "mjpeg"])
def test_reading_twice_gives_the_same_bytes(make_clip, read_out, kind):
    path = make_clip(("a.mp4", "b.mp4", "c.avi")[kind], frames=12, grey=kind == 0)
    first, second = (read_out(path).frames for _ in range(2))
    assert [frame.pts_seconds for frame in first] == [frame.pts_seconds for frame in second]
    assert all(np.array_equal(a.picture.pixels, b.picture.pixels) for a, b in zip(first, second, strict=True))


# What cannot be opened.


def _text(path: Path) -> None:
    path.write_text("patient,plane\n" * 50)


def _png(path: Path) -> None:
    path.write_bytes(cv2.imencode(".png", np.zeros((8, 8), np.uint8))[1].tobytes())


def _jpeg(path: Path) -> None:
    path.write_bytes(cv2.imencode(".jpg", np.zeros((8, 8), np.uint8))[1].tobytes())


def _playlist(path: Path) -> None:
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://localhost:1/a.ts\n#EXT-X-ENDLIST\n")


@pytest.mark.parametrize(
    ("name", "write", "reason"),
    [
        ("empty.mp4", lambda path: path.write_bytes(b""), "is empty"),
        ("text.mp4", _text, "cannot be read as video"),
        ("text.txt", _text, "no video"),
        ("png.mp4", _png, r"is a still picture \(png\)"),
        ("jpeg.avi", _jpeg, r"is a still picture \(jpeg\)"),
        ("list.m3u8", _playlist, "video"),
        ("zeros.mkv", lambda path: path.write_bytes(bytes(5000)), "cannot be read as video"),
        ("folder.mp4", lambda path: path.mkdir(), "is a folder"),
        ("missing.mp4", lambda path: None, "no such file"),
    ],
)
def test_what_is_no_video_is_refused_in_one_line_that_names_it(tmp_path, name, write, reason):
    path = tmp_path / name
    write(path)
    with pytest.raises(SourceError, match=reason) as caught:
        FileSource(path).open()
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_sound_alone_is_no_video(tmp_path):
    wave = b"RIFF" + (36 + 8000).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
    wave += bytes.fromhex("0100 0100 401f0000 401f0000 0100 0800") + b"data" + (8000).to_bytes(4, "little")
    (tmp_path / "doppler.avi").write_bytes(wave + bytes([128]) * 8000)
    with pytest.raises(SourceError, match="holds no video stream"):
        FileSource(tmp_path / "doppler.avi").open()


@pytest.mark.parametrize("locked", ["file", "folder"])
def test_what_may_not_be_read_is_refused(locked, as_nobody):
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "a.mp4"
        path.write_bytes(b"something")
        {"file": path, "folder": path.parent}[locked].chmod(0)
        try:
            with pytest.raises(SourceError, match="cannot be read: Permission denied"):
                FileSource(path).open()
        finally:
            path.parent.chmod(0o700)


# What is torn.


def test_a_file_cut_short_gives_its_good_part_then_damage_then_the_end(make_clip, read_out):
    path = make_clip("a.mp4", frames=40, index_first=True)
    whole = read_out(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    result = read_out(path)
    assert 5 <= len(result.frames) < 40
    assert set(result.times) <= set(whole.times)
    assert result.times[:5] == whole.times[:5]
    *_, damage, end = result.items
    assert isinstance(damage, Damage)
    assert "cut short" in damage.what
    assert damage.pts_seconds == result.times[-1]
    assert end == ENDED


def test_a_file_cut_before_its_index_says_so(make_clip):
    path = make_clip("a.mp4", frames=40)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(SourceError, match=r"cut short, at least \d+ bytes are missing, and with them its index"):
        FileSource(path).open()


@pytest.mark.parametrize("name", ["a.mp4", "first.mp4", "a.mov", "a.avi", "a.mkv", "a.gif", "a.ts"])
def test_wherever_a_file_is_cut_it_is_refused_or_its_good_part_has_the_times_of_the_whole(make_clip, read_out, name):
    path = make_clip(name, frames=12, index_first=name.startswith("first"))
    data, whole = path.read_bytes(), read_out(path)
    for percent in range(1, 100, 3):
        path.write_bytes(data[: len(data) * percent // 100])
        try:
            result = read_out(path)
        except SourceError:
            continue
        # Packets lie in decoding order: where the file ends, a few pictures wait for others that are not there.
        assert _milliseconds(result.times) <= _milliseconds(whole.times)
        assert isinstance(result.items[-1], StateChange)
        assert result.items[-1].state == (SourceState.ENDED if result.frames else SourceState.FAILED)
        if name != "a.ts":  # a transport stream has no length that could be missed
            assert result.damage


def _milliseconds(times: list[float]) -> set[int]:
    return {round(time * 1000) for time in times}


def test_torn_packets_are_counted_and_the_stream_goes_on(make_clip, read_out):
    path = make_clip("a.mp4", frames=40, key_every=1)
    whole = read_out(path)
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat") + 4
    middle = start + (data.index(b"moov") - start) // 2
    data[middle : middle + 400] = bytes(400)
    path.write_bytes(data)
    result = read_out(path)
    assert 0 < result.lost_packets < 10
    assert len(result.frames) == 40 - result.lost_packets
    assert set(result.times) <= set(whole.times)
    assert result.times[-1] == whole.times[-1]
    assert result.items[-1] == ENDED


@pytest.mark.parametrize("name", ["a.mp4", "a.avi", "a.mkv", "a.gif", "a.ts"])
def test_flipped_bits_never_stop_the_reader_and_times_always_rise(make_clip, read_out, name):
    path = make_clip(name, frames=12)
    data = path.read_bytes()
    for seed in range(25):
        rng, torn = np.random.default_rng(seed), bytearray(data)
        for position in rng.integers(0, len(data), size=1 + 3 * seed):
            torn[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(torn)
        try:
            result = read_out(path)
        except SourceError:
            continue
        assert all(earlier < later for earlier, later in zip(result.times, result.times[1:], strict=False))
        assert result.items[-1].state in (SourceState.ENDED, SourceState.FAILED)
        for frame in result.frames:
            assert frame.picture.pixels.dtype == np.uint8


def test_a_sample_without_bytes_is_not_taken_for_the_end(make_clip, read_out):
    path = make_clip("a.mp4", frames=10, codec="mpeg4")
    data = bytearray(path.read_bytes())
    sizes = data.index(b"stsz") + 16
    assert int.from_bytes(data[sizes - 4 : sizes]) == 10
    data[sizes + 4 * 9 : sizes + 4 * 10] = bytes(4)
    path.write_bytes(data)
    result = read_out(path)
    assert len(result.frames) == 9
    assert result.damage == []


def test_the_decoder_writes_nothing_to_the_terminal(make_clip, read_out, capfd):
    path = make_clip("a.mp4", frames=12, index_first=True)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    for frame in read_out(path).frames:
        frame.picture.rgb.sum()
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")


# Playing and closing.


def test_in_real_time_each_frame_comes_when_its_time_has_come(make_clip):
    path = make_clip("a.mkv", frames=6, times_ms=[0, 30, 60, 200, 210, 300])
    source = FileSource(path, realtime=True)
    assert source.open().is_live
    frames = [item for item in source.items() if isinstance(item, Frame)]
    start_ns = frames[0].captured_ns
    for frame in frames:
        late_seconds = (frame.captured_ns - start_ns) / 1e9 - frame.pts_seconds
        assert -0.001 < late_seconds < 0.1


def test_closing_from_another_thread_ends_a_wait_at_once(make_clip):
    path = make_clip("a.mkv", frames=3, times_ms=[0, 40, 60_000])
    source = FileSource(path, realtime=True)
    source.open()
    timer = threading.Timer(0.2, source.close)
    timer.start()
    started = time.monotonic()
    items = list(source.items())
    assert time.monotonic() - started < 1.0
    assert sum(isinstance(item, Frame) for item in items) == 2
    assert items[-1] == StateChange(SourceState.ENDED, "closed before its end")


def test_closing_while_another_thread_decodes_is_safe(make_clip):
    path = make_clip("a.mp4", frames=200, codec="mpeg4")
    for delay_ms in range(0, 20, 2):
        source = FileSource(path)
        source.open()
        timer = threading.Timer(delay_ms / 1000, source.close)
        timer.start()
        items = list(source.items())
        timer.join()
        assert isinstance(items[-1], StateChange)
        assert items[-1].state == SourceState.ENDED
        source.close()


def test_a_file_is_opened_before_it_is_read_and_read_once(make_clip):
    source = FileSource(make_clip("a.mp4", frames=2))
    with pytest.raises(SourceError, match="opened before it is read"):
        source.items()
    source.open()
    list(source.items())
    with pytest.raises(SourceError, match="read once"):
        source.items()
    source.close()
    source.close()


# How it is named.


def test_a_uri_gives_path_and_pace(make_clip):
    path = make_clip("a.mp4", frames=2)
    for text, realtime in [(str(path), False), (f"file:{path}", False), (f"file:{path}?realtime=1", True)]:
        source = from_uri(text)
        assert source.open().is_live is realtime
        source.close()
    live = from_uri(str(path), realtime=True)
    assert live.open().is_live
    live.close()


@pytest.mark.parametrize(
    ("options", "message"),
    [("speed=2", "no option 'speed'; allowed: realtime"), ("realtime=maybe", "'maybe' is neither yes nor no")],
)
def test_an_option_that_does_not_exist_is_refused(tmp_path, options, message):
    with pytest.raises(SourceError, match=message):
        from_uri(f"file:{tmp_path}/a.mp4?{options}")
