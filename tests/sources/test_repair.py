"""The law of picture repair: whole pictures of full range, whatever the stream holds; made with real encoders."""

from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import psutil
import pytest
from av import VideoFrame
from av.video.stream import VideoStream

from fetalstream.sources import Frame, Pixels, SourceError
from fetalstream.sources.av_link import AvLink, AvTarget
from fetalstream.sources.capture import CaptureLink, from_uri
from fetalstream.sources.card import Mode, Shot
from fetalstream.sources.deinterlace import Deinterlacer, whole_frames
from fetalstream.sources.file import FileSource
from fetalstream.sources.link import Arrival
from fetalstream.sources.studio_range import ENOUGH_PICTURES, EXPAND, StudioRange
from fetalstream.sources.testing import ListCard

SIZE = (96, 128)
LIMITED, FULL = 1, 2
Draw = Callable[[int], Pixels]


def bar(moment: float) -> Pixels:
    """(96 128) a bright bar that moves 8 px each time."""
    grey = np.full(SIZE, 60, dtype=np.uint8)
    left = 20 + round(moment * 8)
    grey[:, left : left + 24] = 200
    return grey


def woven(index: int) -> Pixels:
    """Even lines of one moment, odd lines of half a frame later."""
    grey = bar(index)
    grey[1::2] = bar(index + 0.5)[1::2]
    return grey


def write(
    path: Path,
    draw: Draw,
    *,
    codec: str = "libx264",
    layout: str = "yuv420p",
    options: dict[str, str] | None = None,
    color_range: int | None = None,
    frames: int = 8,
) -> Path:
    """A clip whose planes hold just what ``draw`` gives; "yuv" layouts get it as luma, without any conversion."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        assert isinstance(stream, VideoStream)
        stream.height, stream.width = SIZE
        stream.pix_fmt, stream.options = layout, dict[str, object](options or {})
        if color_range is not None:
            stream.codec_context.color_range = color_range
        for index in range(frames):
            container.mux(stream.encode(stored(draw(index), layout, color_range)))
        container.mux(stream.encode())
    return path


def stored(pixels: Pixels, layout: str, color_range: int | None) -> VideoFrame:
    if layout == "yuv420p":
        chroma = np.full((SIZE[0] // 2, SIZE[1]), 128, dtype=np.uint8)
        frame = VideoFrame.from_ndarray(np.vstack([pixels, chroma]), format=layout)
    elif layout == "bgr0":
        frame = VideoFrame.from_ndarray(np.repeat(pixels[..., None], 3, axis=2), format="rgb24").reformat(format=layout)
    else:
        frame = VideoFrame.from_ndarray(pixels, format=layout)
    if color_range is not None:
        frame.color_range = color_range
    return frame


INTERLACED = {
    "libx264": {"x264-params": "interlaced=1:tff=1", "crf": "10"},
    "mpeg2video": {"flags": "+ildct+ilme", "qscale": "2"},
}


def read(path: Path) -> list[Frame]:
    source = FileSource(path)
    source.open()
    return [item for item in source.items() if isinstance(item, Frame)]


def combing(pixels: Pixels) -> float:
    """How much lines differ from the mean of their neighbours."""
    grey = pixels.astype(float)
    return float(np.abs(grey[1:-1] - (grey[:-2] + grey[2:]) / 2).mean())


@pytest.mark.parametrize("codec", INTERLACED)
def test_interlaced_video_comes_out_whole_with_its_count_and_its_times(codec: str, tmp_path: Path):
    torn = combing(woven(2))
    path = write(tmp_path / "a.mkv", woven, codec=codec, options=INTERLACED[codec])
    plain = write(tmp_path / "b.mkv", bar)
    frames = read(path)
    assert torn > 5
    assert max(combing(frame.picture.grey) for frame in frames) < 0.1 * torn
    assert [frame.pts_seconds for frame in frames] == [frame.pts_seconds for frame in read(plain)]
    assert [frame.index for frame in frames] == list(range(8))
    assert all(frame.picture.stored is not None and frame.picture.stored.interlaced for frame in frames)


def test_all_lines_of_a_picture_show_one_of_the_two_moments(tmp_path: Path):
    frames = read(write(tmp_path / "a.mkv", woven, options=INTERLACED["libx264"]))
    for index, frame in enumerate(frames[1:-1], start=1):
        lefts = (frame.picture.grey > 130).argmax(axis=1)
        assert np.ptp(lefts[2:-2]) <= 1
        assert min(abs(int(lefts[40]) - (20 + 8 * index + moment)) for moment in (0, 4)) <= 1


def test_progressive_video_is_not_touched(tmp_path: Path):
    path = write(tmp_path / "a.mkv", woven, options={"crf": "0"})
    for index, frame in enumerate(read(path)):
        assert frame.picture.stored is not None
        assert not frame.picture.stored.interlaced
        assert frame.picture.grey.tobytes() == EXPAND[woven(index)].tobytes()


def test_frames_that_are_not_interlaced_go_through_at_once_and_the_same_object():
    deinterlacer = Deinterlacer()
    frame = stored(bar(0), "yuv420p", None)
    assert deinterlacer.feed(frame)[0].frame is frame
    assert deinterlacer.flush() == []


def test_a_change_of_size_midway_loses_no_frame_and_no_stamp(tmp_path: Path):
    decoded: list[VideoFrame] = []
    for name in ("a", "b"):
        path = write(tmp_path / f"{name}.mkv", woven, options=INTERLACED["libx264"])
        with av.open(str(path)) as container:
            decoded += list(container.decode(video=0))
    small = [frame.reformat(width=64, height=48) for frame in decoded[8:]]
    sizes = [(whole.frame.width, whole.was_interlaced) for whole in whole_frames([*decoded[:8], *small])]
    assert [width for width, _ in sizes] == [128] * 8 + [64] * 8
    stamps = [whole.frame.pts for whole in whole_frames(decoded)]
    assert stamps == [frame.pts for frame in decoded]


def test_what_the_filter_cannot_work_on_comes_out_as_it_went_in(tmp_path: Path):
    with av.open(str(write(tmp_path / "a.mkv", woven, options=INTERLACED["libx264"]))) as container:
        tiny = [frame.reformat(width=2, height=2) for frame in container.decode(video=0)]
    assert all(frame.interlaced_frame for frame in tiny)
    assert [whole.frame.pts for whole in whole_frames(tiny)] == [frame.pts for frame in tiny]


def test_a_live_link_tells_when_an_interlaced_frame_came_not_when_it_was_whole(tmp_path: Path):
    path = write(tmp_path / "a.mkv", woven, options=INTERLACED["libx264"])
    link = AvLink(AvTarget(url=str(path), shown="test", open_seconds=5, read_seconds=5, ends=True, paced=True))
    link.open()
    arrivals: list[Arrival] = []
    while isinstance(arrival := link.read(), Arrival):
        arrivals.append(arrival)
    link.close()
    assert len(arrivals) == 8
    assert max(combing(arrival.picture.grey) for arrival in arrivals) < 1
    waits = np.diff([arrival.captured_ns for arrival in arrivals]) / 1e9
    assert waits.min() > 0.01  # paced at 0.04 s; a pair made whole at once would share its time
    assert [arrival.stamp_seconds for arrival in arrivals] == pytest.approx([index / 25 for index in range(8)])


# Range.


def ramp(_: int) -> Pixels:
    """(96 128) every grey from 16 to 235, and some beyond."""
    return np.broadcast_to(np.linspace(10, 245, SIZE[1]).astype(np.uint8), SIZE).copy()


RANGES = [
    ("libx264", "yuv420p", LIMITED, True),
    ("libx264", "yuv420p", None, True),  # where nothing is said, YUV is limited
    ("libx264", "yuv420p", FULL, False),
    ("ffv1", "gray", LIMITED, True),
    ("ffv1", "gray", None, False),
    ("ffv1", "gray", FULL, False),
    ("ffv1", "bgr0", LIMITED, True),
    ("ffv1", "bgr0", None, False),
    ("ffv1", "bgr0", FULL, False),
]


@pytest.mark.parametrize(("codec", "layout", "color_range", "expanded"), RANGES)
def test_pictures_are_of_full_range_whatever_the_file_says(
    codec: str, layout: str, color_range: int | None, expanded: bool, tmp_path: Path
):
    options = {"crf": "0"} if codec == "libx264" else {}
    path = write(tmp_path / "a.mkv", ramp, codec=codec, layout=layout, options=options, color_range=color_range)
    expected = EXPAND[ramp(0)] if expanded else ramp(0)
    for frame in read(path):
        for pixels in (frame.picture.grey, frame.picture.rgb[..., 0]):
            assert np.abs(pixels.astype(int) - expected).max() <= 1


def screen(*, limited: bool, seed: int = 0) -> Pixels:
    """(96 128 3) BGR: black paper, speckle, white text, as a card gives it."""
    rng = np.random.default_rng(seed)
    grey = np.zeros(SIZE, dtype=np.uint8)
    grey[20:80, 30:100] = np.clip(rng.gamma(2, 30, (60, 70)), 0, 250)
    grey[4:12, 4:40] = 255
    if limited:
        grey = np.rint(16 + grey * (219 / 255)).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def captured(pictures: list[Pixels], *, is_limited: bool | None = None) -> list[Pixels]:
    link = CaptureLink(
        lambda: ListCard([Shot(pixels=pixels) for pixels in pictures]),
        shown="card",
        mode=Mode(),
        is_limited=is_limited,
    )
    link.open()
    return [link.read().picture.grey for _ in pictures]


def test_a_card_that_sends_studio_range_is_found_out_by_its_pictures_and_expanded():
    sent = [screen(limited=True, seed=seed) for seed in range(ENOUGH_PICTURES + 8)]
    got = captured(sent)
    assert got[0].min() == 16
    for seed in range(ENOUGH_PICTURES, len(sent)):
        assert np.abs(got[seed].astype(int) - screen(limited=False, seed=seed)[..., 0]).max() <= 1


def test_a_card_that_sends_full_range_is_left_alone():
    sent = [screen(limited=False, seed=seed) for seed in range(ENOUGH_PICTURES + 8)]
    assert all(np.array_equal(a, b[..., 0]) for a, b in zip(captured(sent), sent, strict=True))


@pytest.mark.parametrize("is_limited", [True, False])
def test_who_knows_the_range_says_it(is_limited: bool):
    sent = [screen(limited=True, seed=seed) for seed in range(3)]
    got = captured(sent, is_limited=is_limited)
    assert got[0].min() == (0 if is_limited else 16)


def test_a_range_that_does_not_exist_is_refused():
    with pytest.raises(SourceError, match="range='wide' is unknown; allowed: auto, full, limited"):
        from_uri("capture://0?range=wide")


@pytest.mark.parametrize(
    ("pictures", "limited"),
    [
        ([np.full((40, 40), 16, np.uint8)] * 40, False),  # a dark grey slate has no white
        ([np.full((40, 40), 235, np.uint8)] * 40, False),  # nor a bright one black
        ([screen(limited=True)[..., 0]] * (ENOUGH_PICTURES - 1), False),  # not sure yet
        ([screen(limited=True)[..., 0]] * ENOUGH_PICTURES, True),
        ([screen(limited=False)[..., 0], *[screen(limited=True)[..., 0]] * 40], False),  # one full picture settles it
        ([*[screen(limited=True)[..., 0]] * 40, screen(limited=False)[..., 0]], False),  # even late
    ],
)
def test_the_range_is_judged_by_black_and_white(pictures: list[Pixels], limited: bool):
    judge = StudioRange()
    assert [judge.is_limited(picture) for picture in pictures][-1] is limited


@pytest.mark.data
def test_real_screens_are_taken_for_full_range_and_for_studio_range_once_they_are_squeezed(data_dir: Path):
    for path in sorted((data_dir / "sononet_examples").glob("*.png")):
        pixels = cv2.imread(str(path))
        assert pixels is not None
        squeezed = np.rint(16 + pixels.astype(float) * (219 / 255)).astype(np.uint8)
        for picture, limited in ((np.asarray(pixels, np.uint8), False), (squeezed, True)):
            judge = StudioRange()
            assert [judge.is_limited(picture) for _ in range(ENOUGH_PICTURES)][-1] is limited


def test_no_thread_of_the_filter_is_left_behind(tmp_path: Path):
    path = write(tmp_path / "a.mkv", woven, options=INTERLACED["libx264"])
    read(path)
    before = psutil.Process().num_threads()
    for _ in range(10):
        read(path)
    assert psutil.Process().num_threads() <= before
