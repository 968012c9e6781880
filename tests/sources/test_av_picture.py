from fractions import Fraction

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame

from fetalstream.sources import Picture
from fetalstream.sources.av_picture import picture_of

LIMITED, FULL = 1, 2
RAMP = np.tile(np.arange(256, dtype=np.uint8), (32, 1))


def planar(format_name: str, color_range: int, *, chroma: int = 128) -> VideoFrame:
    """256 x 32 px: every luma once per row, the same chroma everywhere."""
    frame = VideoFrame(256, 32, format_name)
    frame.color_range = color_range
    for index, plane in enumerate(frame.planes):
        samples = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        if index == 0:
            samples[:32, :256] = RAMP
        else:
            samples[:] = chroma
    return frame


@pytest.mark.parametrize("format_name", ["yuv420p", "yuv422p", "yuv444p", "yuvj420p", "yuvj444p"])
@pytest.mark.parametrize("color_range", [0, LIMITED, FULL])
def test_grey_video_gives_one_plane_equal_to_its_conversion_to_colour(format_name, color_range):
    frame = planar(format_name, color_range)
    pixels = picture_of(frame).pixels
    expected = frame.to_ndarray(format="rgb24")
    assert pixels.shape == (32, 256)
    assert np.abs(pixels[..., None].astype(int) - expected.astype(int)).max() <= 1


def test_limited_range_luma_fills_the_full_range_and_is_clipped_beyond():
    pixels = picture_of(planar("yuv420p", LIMITED)).pixels[0]
    assert [pixels[luma] for luma in (0, 16, 126, 235, 255)] == [0, 0, 128, 255, 255]


@pytest.mark.parametrize(
    ("format_name", "color_range", "full_range"),
    [
        ("yuv420p", 0, None),
        ("yuv420p", LIMITED, False),
        ("yuv420p", FULL, True),
        ("yuvj420p", 0, True),
        ("gray", 0, True),
        ("rgb24", 0, True),
    ],
)
def test_a_picture_tells_how_it_was_stored(format_name: str, color_range: int, full_range: bool | None):
    frame = planar(format_name, color_range) if format_name != "rgb24" else VideoFrame(256, 32, format_name)
    assert picture_of(frame).stored == (format_name, full_range, False)


@pytest.mark.parametrize("format_name", ["nv12", "nv21"])
def test_interleaved_chroma_is_understood(format_name):
    assert picture_of(planar(format_name, FULL)).pixels.shape == (32, 256)
    assert picture_of(planar(format_name, FULL, chroma=120)).pixels.shape == (32, 256, 3)


def test_a_grey_format_passes_as_it_is():
    assert np.array_equal(picture_of(planar("gray", 0)).pixels, RAMP)


@pytest.mark.parametrize("format_name", ["rgb24", "bgr24", "bgr0", "gbrp"])
def test_colour_formats_that_hold_no_colour_give_one_plane(format_name):
    grey = np.repeat(RAMP[:, :, None], 3, axis=2)
    frame = VideoFrame.from_ndarray(grey, format="rgb24").reformat(format=format_name)
    assert picture_of(frame).pixels.shape == (32, 256)


def test_a_single_coloured_block_makes_the_picture_colour():
    frame = planar("yuv420p", LIMITED)
    np.frombuffer(memoryview(frame.planes[2]), np.uint8)[5] = 129
    assert picture_of(frame).pixels.shape == (32, 256, 3)


@pytest.mark.parametrize("format_name", ["yuv420p", "yuvj420p", "yuv444p", "yuv420p10le", "rgb24", "gbrp"])
@pytest.mark.parametrize("colorspace", [1, 5, 2], ids=["bt709", "bt601", "untold"])
def test_colour_is_converted_by_the_frames_own_matrix_and_range(format_name, colorspace):
    rng = np.random.default_rng(3)
    noise = rng.integers(0, 256, (32, 64, 3)).astype(np.uint8)
    frame = VideoFrame.from_ndarray(noise, format="rgb24").reformat(format=format_name)
    frame.colorspace = colorspace
    pixels = picture_of(frame).pixels
    assert np.array_equal(pixels, frame.to_ndarray(format="rgb24"))
    assert pixels.base is None or not np.shares_memory(pixels, np.frombuffer(memoryview(frame.planes[0]), np.uint8))


@pytest.mark.parametrize("color_range", [LIMITED, FULL])
def test_brightness_of_a_coloured_frame_is_its_luma_at_full_range_upright_and_square(color_range):
    picture = picture_of(planar("yuv420p", color_range, chroma=100), pixel_aspect=0.5)
    grey = picture_of(planar("yuv420p", color_range), pixel_aspect=0.5).pixels
    assert picture.grey.shape == (32, 128)
    assert np.array_equal(picture.grey, grey)


def test_odd_sizes_are_whole():
    frame = VideoFrame(33, 17, "yuv420p")
    for plane in frame.planes:
        np.frombuffer(memoryview(plane), np.uint8)[:] = 128
    assert picture_of(frame).pixels.shape == (17, 33)


# Upright and square.


def marked(size: tuple[int, int]) -> np.ndarray:
    """(h w 3) black with a white top-left and a grey top-right quarter."""
    pixels = np.zeros((*size, 3), np.uint8)
    pixels[: size[0] // 2, : size[1] // 2] = 255
    pixels[: size[0] // 2, size[1] // 2 :] = 128
    return pixels


@pytest.mark.parametrize(
    ("rotation", "corners"),  # top-left, top-right, bottom-left, bottom-right as shown
    [
        ((0, False, False), (255, 128, 0, 0)),
        ((90, False, False), (128, 0, 255, 0)),
        ((-90, False, False), (0, 255, 0, 128)),
        ((180, False, False), (0, 0, 128, 255)),
        ((0, True, False), (128, 255, 0, 0)),
        ((0, False, True), (0, 0, 255, 128)),
    ],
)
def test_the_display_matrix_turns_the_picture_upright(tmp_path, rotation, corners):
    path = tmp_path / "turned.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"qp": "1"})
        stream.width, stream.height, stream.pix_fmt = 64, 32, "yuv420p"
        stream.set_display_rotation(rotation[0], hflip=rotation[1], vflip=rotation[2])
        frame = VideoFrame.from_ndarray(marked((32, 64)), format="rgb24")
        frame.pts, frame.time_base = 0, Fraction(1, 25)
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with av.open(str(path)) as container:
        picture = picture_of(next(container.decode(video=0)))
    pixels = picture.pixels
    assert (picture.height_px, picture.width_px) == pixels.shape == ((64, 32) if rotation[0] in (90, -90) else (32, 64))
    seen = pixels[8, 8], pixels[8, -8], pixels[-8, 8], pixels[-8, -8]
    assert np.abs(np.array(seen, dtype=int) - corners).max() <= 3


@pytest.mark.parametrize(
    ("pixel_aspect", "width_px"),
    [(1.0, 256), (1.005, 256), (16 / 15, 273), (0.5, 128), (9.0, 256), (0.0, 256)],
)
def test_pixels_become_square_where_they_are_clearly_not(pixel_aspect, width_px):
    picture = picture_of(planar("yuv420p", LIMITED), pixel_aspect=pixel_aspect)
    assert (picture.height_px, picture.width_px) == (32, width_px) == picture.pixels.shape


def test_a_clip_that_says_its_pixels_are_wide_is_stretched(make_clip, read_out):
    frames = read_out(make_clip("wide.mp4", frames=2, pixel_aspect=Fraction(4, 3))).frames
    assert isinstance(frames[0].picture, Picture)
    assert (frames[0].picture.width_px, frames[0].picture.height_px) == (128, 64)


@pytest.mark.data
def test_real_cines_convert_as_swscale_does(data_dir):
    for path in sorted((data_dir / "video").glob("*.mp4")):
        with av.open(str(path)) as container:
            for index, frame in enumerate(container.decode(video=0)):
                if index % 25 == 0:
                    assert np.array_equal(picture_of(frame).rgb, frame.to_ndarray(format="rgb24"))
