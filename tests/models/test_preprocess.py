"""Preprocessing against the evaluation code's own ingredients: Pillow's pad and open_clip's transform."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import cast

import av
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from open_clip.transform import image_transform
from PIL import Image

from fetalstream.models.encoder import ModelError
from fetalstream.models.preprocess import (
    CLIP_MEAN,
    CLIP_STD,
    IMAGENET_MEAN,
    IMAGENET_STD,
    InputSpec,
    normalise,
    open_image,
    prepare,
    read_image,
    stack,
)

FETALCLIP = InputSpec(size_px=224)
MOBILE = InputSpec(size_px=256, mean=IMAGENET_MEAN, std=IMAGENET_STD)
EVERY_NTH = 8  # with 1 the whole data set is compared (about 20 s)


def pillow_square(image: Image.Image) -> Image.Image:
    """The published rule, in words: RGBA to RGB, black, half of the missing pixels rounded down goes left and above."""
    image = image.convert("RGB") if image.mode == "RGBA" else image
    side = max(image.size)
    square = Image.new(image.mode, (side, side))
    square.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return square


def pillow_bytes(image: Image.Image, size_px: int) -> NDArray[np.uint8]:
    """(3 s s): Pillow's pad and resize, before mean and deviation."""
    resized = pillow_square(image).resize((size_px, size_px), Image.Resampling.BICUBIC).convert("RGB")
    return np.moveaxis(np.asarray(resized), -1, 0)


def distance(prepared: torch.Tensor, reference: NDArray[np.uint8]) -> int:
    return int((prepared.int() - torch.from_numpy(reference.astype(np.int32))).abs().max())


def real_images(data_dir: Path) -> list[Path]:
    return [path for path in sorted(data_dir.rglob("*.png")) if "masks" not in path.parts]


@pytest.mark.data
@pytest.mark.parametrize("spec", [FETALCLIP, MOBILE], ids=["224", "256"])
def test_real_images_are_within_one_255th_of_pillow(data_dir: Path, spec: InputSpec) -> None:
    paths = real_images(data_dir)
    assert len(paths) == 799 + 40 + 74 + 11
    worst = {
        path: distance(
            prepare(read_image(Image.open(path)), spec.size_px), pillow_bytes(Image.open(path), spec.size_px)
        )
        for path in paths[::EVERY_NTH]
    }
    assert max(worst.values()) <= 1, max(worst, key=worst.__getitem__)


@pytest.mark.data
def test_frames_of_real_cines_are_within_one_255th_of_pillow(data_dir: Path) -> None:
    cines = sorted((data_dir / "video").glob("*.mp4"))
    assert len(cines) == 3
    for cine in cines:
        with av.open(str(cine)) as container:
            images = [frame.to_image() for frame in islice(container.decode(video=0), 0, None, 4 * EVERY_NTH)]
        assert images
        for image in images:
            assert distance(prepare(read_image(image), 224), pillow_bytes(image, 224)) <= 1, cine


@pytest.mark.data
@pytest.mark.parametrize("spec", [FETALCLIP, MOBILE], ids=["clip", "imagenet"])
def test_equal_bytes_give_exactly_what_open_clips_transform_gives(data_dir: Path, spec: InputSpec) -> None:
    transform = cast(
        "Callable[[Image.Image], torch.Tensor]",
        image_transform(spec.size_px, is_train=False, mean=spec.mean, std=spec.std),
    )
    for path in real_images(data_dir)[::100]:
        image = Image.open(path)
        bytes_of_pillow = torch.from_numpy(pillow_bytes(image, spec.size_px).copy())
        expected = transform(pillow_square(image))
        assert torch.equal(normalise(bytes_of_pillow[None], spec)[0], expected)
        ours = normalise(stack([prepare(read_image(image), spec.size_px)]), spec)[0]
        assert float((ours - expected).abs().max()) <= 1.001 / 255 / min(spec.std)


@pytest.mark.parametrize(
    ("height_px", "width_px", "black_above", "black_left"),
    [(6, 6, 0, 0), (3, 6, 1, 0), (6, 3, 0, 1), (5, 6, 0, 0), (6, 1, 0, 2)],  # an odd pixel goes below or right
)
def test_the_pad_is_black_centred_and_rounds_as_published(
    height_px: int, width_px: int, black_above: int, black_left: int
) -> None:
    white = np.full((height_px, width_px), 255, np.uint8)
    padded = prepare(white, 6)[0].numpy()
    expected = np.zeros((6, 6), np.uint8)
    expected[black_above : black_above + height_px, black_left : black_left + width_px] = 255
    np.testing.assert_array_equal(padded, expected)
    np.testing.assert_array_equal(padded, np.asarray(pillow_square(Image.fromarray(white))))


@given(
    height_px=st.integers(1, 300),
    width_px=st.integers(1, 300),
    size_px=st.sampled_from([1, 32, 224]),
    colour=st.booleans(),
    seed=st.integers(0, 9),
)
def test_even_pixel_noise_of_any_size_is_within_two_255ths_of_pillow(
    height_px: int, width_px: int, size_px: int, colour: bool, seed: int
) -> None:
    shape = (height_px, width_px, 3) if colour else (height_px, width_px)
    pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    prepared = prepare(pixels, size_px)
    assert prepared.shape == (3 if colour else 1, size_px, size_px)
    assert prepared.dtype == torch.uint8
    assert distance(prepared, pillow_bytes(Image.fromarray(pixels), size_px)) <= 2


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "LA", "1"])
def test_pillow_images_of_any_mode_become_grey_or_rgb(mode: str) -> None:
    image = Image.radial_gradient("L").convert(mode)
    pixels = read_image(image)
    assert pixels.dtype == np.uint8
    assert pixels.shape == ((256, 256) if mode == "L" else (256, 256, 3))
    np.testing.assert_array_equal(pixels, np.asarray(image if mode == "L" else image.convert("RGB")))


@pytest.mark.parametrize(
    "view",
    [lambda a: a[::2, ::2], lambda a: a.transpose(1, 0), lambda a: a[:, ::-1]],
    ids=["every second pixel", "transposed", "mirrored"],
)
def test_views_and_read_only_memory_are_taken_as_they_are(
    view: Callable[[NDArray[np.uint8]], NDArray[np.uint8]], recwarn: pytest.WarningsRecorder
) -> None:
    pixels = view(np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8))
    pixels.flags.writeable = False
    before = pixels.copy()
    assert torch.equal(prepare(pixels, 32), prepare(before, 32))
    np.testing.assert_array_equal(pixels, before)
    assert not recwarn.list


def test_grey_stays_one_plane_until_it_meets_colour() -> None:
    grey, colour = torch.full((1, 4, 4), 7, dtype=torch.uint8), torch.full((3, 4, 4), 9, dtype=torch.uint8)
    assert stack([grey, grey]).shape == (2, 1, 4, 4)
    mixed = stack([grey, colour, grey])
    assert mixed.shape == (3, 3, 4, 4)
    assert mixed[:, :, 0, 0].tolist() == [[7] * 3, [9] * 3, [7] * 3]


def test_grey_is_normalised_as_three_equal_channels() -> None:
    grey = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)
    assert torch.equal(normalise(grey, FETALCLIP), normalise(grey.expand(1, 3, 16, 16), FETALCLIP))
    white = normalise(torch.full((1, 1, 1, 1), 255, dtype=torch.uint8), FETALCLIP).flatten().tolist()
    assert white == pytest.approx([(1 - mean) / std for mean, std in zip(CLIP_MEAN, CLIP_STD, strict=True)])


def test_the_asked_dtype_is_only_the_last_step() -> None:
    batch = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)
    assert torch.equal(normalise(batch, MOBILE, dtype=torch.bfloat16), normalise(batch, MOBILE).bfloat16())


def test_many_threads_prepare_as_one_does() -> None:
    rng = np.random.default_rng(3)
    pictures = [rng.integers(0, 256, (90 + n, 120, 3), dtype=np.uint8) for n in range(32)]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda pixels: prepare(pixels, 64), pictures))
    assert all(torch.equal(a, prepare(b, 64)) for a, b in zip(together, pictures, strict=True))


@pytest.mark.parametrize(
    ("change", "message"), [({"size_px": 0}, "not 0"), ({"std": (1.0, 0.0, 1.0)}, "std is above 0")]
)
def test_an_impossible_input_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        InputSpec(**({"size_px": 224} | change))  # pyright: ignore[reportArgumentType]


def bmp(width_px: int) -> bytes:
    """A picture of 4 x 4 whose header says another width."""
    file = BytesIO()
    Image.new("L", (4, 4), 90).save(file, "BMP")
    content = bytearray(file.getvalue())
    content[18:22] = width_px.to_bytes(4, "little")
    return bytes(content)


def test_a_picture_file_is_read_as_its_pixels(tmp_path: Path):
    (tmp_path / "p.bmp").write_bytes(bmp(4))
    assert open_image(tmp_path / "p.bmp").tolist() == [[90] * 4] * 4


@pytest.mark.parametrize("content", [None, b"no picture", bmp(4)[:-9], bmp(1_000_000_000)])
def test_what_is_no_whole_picture_is_told_by_its_name(content: bytes | None, tmp_path: Path):
    if content is not None:
        (tmp_path / "p.bmp").write_bytes(content)
    with pytest.raises(ModelError, match=r"p\.bmp cannot be read as a picture") as told:
        open_image(tmp_path / "p.bmp")
    assert "\n" not in str(told.value)
