"""The law of visiting a source: real sources of a known rate, real causes of failure, and an end in time."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from pydicom.examples import get_path

from fetalstream.pipeline.doctor import Finding, Status
from fetalstream.pipeline.doctor.stream import WATCH_SECONDS, StreamVisit


def visit(uri: str, *, open_seconds: float | None = None, watch_seconds: float = WATCH_SECONDS) -> dict[str, Finding]:
    return {
        finding.area: finding
        for finding in StreamVisit(uri, open_seconds=open_seconds, watch_seconds=watch_seconds).look()
    }


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A server that accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def write_video(path: Path, *, rate: int = 25, colour_range: int = 1, x264: str = "colorprim=bt709") -> Path:
    noise = np.random.default_rng(1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"preset": "ultrafast", "x264-params": x264})
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        stream.codec_context.color_range = colour_range
        for _ in range(2 * rate):
            pixels = noise.integers(0, 256, (30, 40), dtype=np.uint8).repeat(8, axis=0).repeat(8, axis=1)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="gray").reformat(format="yuv420p")))
        container.mux(stream.encode())
    return path


def test_the_measured_rate_is_that_of_the_source():
    found = visit("device://lavfi/testsrc2=size=320x240:rate=30")
    assert found["source"].status is Status.OK
    assert found["rate"].facts["announced_fps"] == 30
    assert found["rate"].facts["fps"] == pytest.approx(30, rel=0.1)
    assert found["stream"].facts["states"] == ["running"]


def test_a_source_that_gives_less_than_it_announces_is_caught():
    found = visit("device://lavfi/testsrc2=size=320x240:rate=30,setpts=2*PTS")["rate"]
    assert found.status is Status.WARNING
    assert found.facts["announced_fps"] == 30
    assert found.facts["fps"] == pytest.approx(15, rel=0.1)
    assert "(30 announced)" in found.what


@pytest.mark.parametrize(("colour_range", "words"), [(1, "limited range"), (2, "full range")])
def test_a_file_tells_codec_layout_and_range(tmp_path: Path, colour_range: int, words: str):
    found = visit(str(write_video(tmp_path / "clip.mp4", colour_range=colour_range)))
    what = found["picture"].what
    assert what.startswith("320 x 240 px, h264, yuv")
    assert words in what
    assert found["stream"].facts["states"] == ["running", "ended"]


def test_interlaced_video_is_a_warning(tmp_path: Path):
    clip = write_video(tmp_path / "clip.mkv", x264="interlaced=1:tff=1")
    found = visit(str(clip))["picture"]
    assert found.status is Status.WARNING
    assert "interlaced" in found.what
    assert "progressive" in found.todo


def test_a_dicom_cine_tells_its_hashed_name_and_its_scale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FETALSTREAM_HOME", str(tmp_path / "home"))
    path = tmp_path / "DOE_JANE"
    path.write_bytes(Path(str(get_path("ybr_color"))).read_bytes())
    found = visit(str(path))
    assert found["source"].facts["name"].startswith("us-")
    assert "JPEG Baseline" in found["picture"].what
    assert found["picture"].facts["spacing_mm"] > 0
    assert "DOE" not in str(found)


def test_a_server_that_says_nothing_ends_at_the_sources_deadline(silent_port: int):
    began = time.monotonic()
    (finding,) = visit(f"rtsp://me:geheim@127.0.0.1:{silent_port}/live?open_seconds=1").values()
    assert time.monotonic() - began < 4
    assert finding.status is Status.PROBLEM
    assert "says nothing" in finding.todo
    assert "geheim" not in str(finding)


def test_what_hangs_beyond_every_deadline_of_its_own_is_left_behind(silent_port: int):
    began = time.monotonic()
    (finding,) = visit(f"rtsp://me:geheim@127.0.0.1:{silent_port}/live?open_seconds=8", open_seconds=0.5).values()
    assert time.monotonic() - began < 3
    assert finding.status is Status.PROBLEM
    assert "hangs" in finding.what
    assert "geheim" not in str(finding)


@pytest.mark.parametrize(
    ("uri", "words", "step"),
    [
        ("nowhere.mp4", "no such file", "correct the path"),
        ("kvm://me:geheim@box/0", "no source is called 'kvm'", "one of these names"),
        ("rtsp://me:geheim@127.0.0.1:1/live", "refuses the connection", "start the server"),
        ("phantom://?sed=3", "option 'sed' is unknown", "fetalstream live would end"),
        ("capture://97", "capture device", ""),
    ],
)
def test_what_cannot_be_opened_says_why_and_what_to_do(uri: str, words: str, step: str):
    (finding,) = visit(uri).values()
    assert finding.status is Status.PROBLEM
    assert words in finding.what
    assert step in finding.todo
    assert "geheim" not in str(finding)


def test_a_file_that_is_no_video_is_a_problem(tmp_path: Path):
    text = tmp_path / "notes.mp4"
    text.write_text("this is no video\n" * 100)
    (finding,) = visit(str(text)).values()
    assert finding.status is Status.PROBLEM
    assert "cannot be read as video" in finding.what
