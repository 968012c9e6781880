"""Pictures come out as pydicom's own, whatever the photometric interpretation and the compression."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom import dcmread
from pydicom.pixels.processing import apply_color_lut, apply_windowing
from pydicom.pixels.utils import pixel_array
from pydicom.uid import JPEGBaseline8Bit

from fetalstream.sources import SourceError

COLOUR_FILES = [
    # name, photometric interpretation, compression
    ("examples_rgb_color.dcm", "RGB", "none"),
    ("ExplVR_BigEnd.dcm", "RGB, planar", "none, big-endian"),
    ("SC_rgb_small_odd_big_endian.dcm", "RGB, odd length", "none, big-endian"),
    ("SC_rgb_small_odd.dcm", "RGB, odd length", "none"),
    ("SC_ybr_full_422_uncompressed.dcm", "YBR_FULL_422", "none"),
    ("SC_rgb_dcmtk_+eb+cy+np.dcm", "YBR_FULL_422", "JPEG"),
    ("SC_rgb_dcmtk_+eb+cy+n1.dcm", "YBR_FULL", "JPEG"),
    ("SC_rgb_dcmtk_+eb+cr.dcm", "RGB", "JPEG"),
    ("SC_jpeg_no_color_transform.dcm", "RGB", "JPEG"),
    ("SC_rgb_rle_2frame.dcm", "RGB", "RLE"),
    ("SC_rgb_jls_lossy_line.dcm", "RGB", "JPEG-LS"),
    ("SC_rgb_jls_lossy_sample.dcm", "RGB", "JPEG-LS"),
    ("examples_jpeg2k.dcm", "YBR_RCT", "JPEG 2000"),
    ("SC_rgb_gdcm_KY.dcm", "RGB", "JPEG 2000"),
]


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
@pytest.mark.parametrize(("name", "photometric", "compression"), COLOUR_FILES)
def test_colour_equals_pydicoms_to_one_level(
    name: str, photometric: str, compression: str, package_file: Callable[[str], Path], read: Callable
):
    path = package_file(name)
    is_jpeg = dcmread(path, stop_before_pixels=True).file_meta.TransferSyntaxUID == JPEGBaseline8Bit
    # JPEG decoders differ by a few levels among each other: the same one on both sides.
    expected = pixel_array(path, decoding_plugin="pillow" if is_jpeg else "")
    frames = read(path).frames
    got = np.stack([frame.picture.rgb for frame in frames]).reshape(expected.shape)
    assert np.abs(got.astype(int) - expected).max() <= 1, (photometric, compression)


def test_a_real_cine_equals_pydicoms_to_one_level_in_every_frame(real_cine: Path, read: Callable):
    expected = pixel_array(real_cine, decoding_plugin="pillow")
    frames = read(real_cine).frames
    assert len(frames) == len(expected) == 30
    worst = max(
        int(np.abs(frame.picture.rgb.astype(int) - one).max()) for frame, one in zip(frames, expected, strict=True)
    )
    assert worst <= 1


def test_a_palette_gives_the_colours_it_holds(package_file: Callable[[str], Path], read: Callable):
    path = package_file("examples_palette.dcm")
    cine = dcmread(path)
    expected = apply_color_lut(cine.pixel_array, cine)
    (frame,) = read(path).frames
    assert np.array_equal(frame.picture.rgb, expected if expected.max() < 256 else expected >> 8)


def test_a_segmented_palette_is_unrolled(make_cine: Callable[..., Path], read: Callable):
    indices = np.arange(256, dtype=np.uint8).reshape(16, 16)
    words = np.array([0, 2, 0, 256, 1, 254, 65280], dtype="<u2")  # two entries as they are, then a ramp to the end
    flat = np.array([0, 1, 0, 1, 255, 0], dtype="<u2")
    channel = {"SegmentedRedPaletteColorLookupTableData": words.tobytes()}
    for colour in ("Green", "Blue"):
        channel[f"Segmented{colour}PaletteColorLookupTableData"] = flat.tobytes()
    descriptors = {f"{colour}PaletteColorLookupTableDescriptor": [256, 0, 16] for colour in ("Red", "Green", "Blue")}
    path = make_cine([indices], PhotometricInterpretation="PALETTE COLOR", **descriptors, **channel)
    (frame,) = read(path).frames
    red = frame.picture.rgb[..., 0].reshape(-1)
    assert red[0] == 0
    assert red[1] == 1
    assert red[255] == 255
    assert np.all(np.diff(red.astype(int)) >= 0)
    assert not frame.picture.rgb[..., 1:].any()


def test_a_cine_without_a_palette_says_so(make_cine: Callable[..., Path], read: Callable):
    path = make_cine([np.zeros((8, 8), np.uint8)], PhotometricInterpretation="PALETTE COLOR")
    with pytest.raises(SourceError, match="palette is missing"):
        read(path)


def test_monochrome1_is_inverted(make_cine: Callable[..., Path], read: Callable):
    stored = np.arange(256, dtype=np.uint8).reshape(16, 16)
    (frame,) = read(make_cine([stored], PhotometricInterpretation="MONOCHROME1")).frames
    assert np.array_equal(frame.picture.pixels, 255 - stored)


def test_monochrome2_of_8_bits_passes_unchanged(make_cine: Callable[..., Path], read: Callable):
    stored = np.arange(256, dtype=np.uint8).reshape(16, 16)
    (frame,) = read(make_cine([stored])).frames
    assert np.array_equal(frame.picture.pixels, stored)


RANGES = [
    # bits stored, elements, stored value -> shown
    (16, {}, {0: 0, 0x8000: 128, 0xFFFF: 255}),
    (12, {}, {0: 0, 0x800: 128, 0xFFF: 255}),
    (16, {"SmallestImagePixelValue": 100, "LargestImagePixelValue": 355}, {0: 0, 100: 0, 228: 128, 355: 255}),
    (16, {"WindowCenter": 1000, "WindowWidth": 201}, {0: 0, 900: 0, 1100: 255, 4000: 255}),
    (16, {"WindowCenter": 1000, "WindowWidth": 0.5}, {0: 0, 0xFFFF: 255}),  # no window at all
    (16, {"RescaleSlope": 2, "RescaleIntercept": -100, "WindowCenter": 0, "WindowWidth": 201}, {0: 0, 100: 255}),
]


@pytest.mark.parametrize(("bits", "elements", "shown"), RANGES)
def test_grey_of_16_bits_is_shown_through_its_window_or_its_range(
    bits: int, elements: dict[str, float], shown: dict[int, int], make_cine: Callable[..., Path], read: Callable
):
    stored = np.array([list(shown)], dtype=np.uint16)
    (frame,) = read(make_cine([stored], BitsStored=bits, HighBit=bits - 1, **elements)).frames
    assert frame.picture.pixels[0].tolist() == pytest.approx(list(shown.values()), abs=1)


def test_a_window_on_signed_pixels_equals_pydicoms(make_cine: Callable[..., Path], read: Callable):
    stored = np.linspace(-32768, 32767, 64 * 64).astype(np.int16).reshape(64, 64)
    path = make_cine([stored], WindowCenter=-500, WindowWidth=20000)
    cine = dcmread(path)
    windowed = apply_windowing(cine.pixel_array, cine)
    expected = (windowed - windowed.min()) / (windowed.max() - windowed.min()) * 255
    (frame,) = read(path).frames
    assert np.abs(frame.picture.pixels - expected).max() <= 1


def test_colour_of_16_bits_keeps_its_high_byte(package_file: Callable[[str], Path], read: Callable):
    path = package_file("SC_rgb_rle_16bit.dcm")
    (frame,) = read(path).frames
    assert np.array_equal(frame.picture.rgb, pixel_array(path) >> 8)


def grey_jpeg() -> bytes:
    ramp = np.tile(np.arange(64, dtype=np.uint8) * 4, (48, 1))
    stream = io.BytesIO()
    Image.fromarray(np.stack([ramp] * 3, axis=-1)).save(stream, "JPEG", quality=95, subsampling=1)
    return stream.getvalue()


NO_COLOUR: list[tuple[str, dict]] = [
    ("YBR_FULL_422 JPEG", {"compressed": [grey_jpeg()], "PhotometricInterpretation": "YBR_FULL_422"}),
    ("RGB", {"frames": [np.stack([np.arange(64, dtype=np.uint8).reshape(8, 8)] * 3, axis=-1)]}),
]


@pytest.mark.parametrize(("what", "cine"), NO_COLOUR)
def test_a_picture_without_colour_is_grey_whatever_it_is_stored_as(
    what: str, cine: dict, make_cine: Callable[..., Path], read: Callable
):
    if "compressed" in cine:
        cine = cine | {"SamplesPerPixel": 3, "PlanarConfiguration": 0}
    (frame,) = read(make_cine(**cine)).frames
    assert frame.picture.pixels.ndim == 2, what


def planar(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)).reshape(pixels.shape)


def test_planes_one_behind_the_other_are_put_together(make_cine: Callable[..., Path], read: Callable):
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (12, 20, 3)).astype(np.uint8)
    (frame,) = read(make_cine([planar(pixels)], PlanarConfiguration=1)).frames
    assert np.array_equal(frame.picture.pixels, pixels)


def test_lossless_jpeg_is_read_when_its_decoder_is_there_and_named_when_not(
    package_file: Callable[[str], Path], read: Callable
):
    path = package_file("SC_rgb_jpeg_gdcm.dcm")
    try:
        (frame,) = read(path).frames
    except SourceError as error:
        assert "dicom-lossless" in str(error)  # noqa: PT017 - either is right
    else:
        assert np.array_equal(frame.picture.rgb, pixel_array(path))
