import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fetalstream.sources import Damage, Frame, SourceError, SourceState, StateChange
from fetalstream.sources.images import ImageFolderSource, from_uri


def save(path: Path, value: int, *, size: tuple[int, int] = (24, 16), mode: str = "L") -> Path:
    """A plain picture: size is (width, height)."""
    Image.new(mode, size, value if mode in ("L", "I;16") else (value, value // 2, 0)).save(path)
    return path


def read(source: ImageFolderSource) -> list:
    source.open()
    items = list(source.items())
    source.close()
    return items


def test_numbers_in_names_count_as_numbers(tmp_path):
    for number in (10, 9, 100, 1):
        save(tmp_path / f"frame{number}.png", number)
    frames = [item for item in read(ImageFolderSource(tmp_path)) if isinstance(item, Frame)]
    assert [int(frame.picture.pixels[0, 0]) for frame in frames] == [1, 9, 10, 100]
    assert [frame.pts_seconds for frame in frames] == pytest.approx([0, 0.04, 0.08, 0.12])
    assert [frame.index for frame in frames] == [0, 1, 2, 3]


@pytest.mark.parametrize("suffix", [".png", ".PNG", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"])
def test_each_kind_of_picture_is_read(tmp_path, suffix):
    save(tmp_path / f"a{suffix}", 200)
    running, frame, end = read(ImageFolderSource(tmp_path))
    assert (running, end) == (StateChange(SourceState.RUNNING), StateChange(SourceState.ENDED))
    assert np.abs(frame.picture.pixels.astype(int) - 200).max() <= 1


def test_sizes_and_colours_may_mix(tmp_path):
    save(tmp_path / "1.png", 10, size=(24, 16))
    save(tmp_path / "2.png", 10, size=(8, 40), mode="RGB")
    Image.new("RGB", (5, 5), (7, 7, 7)).save(tmp_path / "3.png")
    save(tmp_path / "4.png", 0xABCD, mode="I;16")
    Image.new("RGBA", (5, 5), (200, 100, 0, 0)).save(tmp_path / "5.png")
    pictures = [item.picture for item in read(ImageFolderSource(tmp_path)) if isinstance(item, Frame)]
    assert [picture.pixels.shape for picture in pictures] == [(16, 24), (40, 8, 3), (5, 5), (16, 24), (5, 5, 3)]
    assert [(picture.height_px, picture.width_px) for picture in pictures] == [p.pixels.shape[:2] for p in pictures]
    assert pictures[3].pixels[0, 0] == 0xAB
    assert pictures[4].pixels[0, 0].tolist() == [200, 100, 0]


def test_a_picture_lies_as_its_camera_was_held(tmp_path):
    image = Image.new("L", (24, 16), 50)
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "a.jpg", exif=exif)
    frame = read(ImageFolderSource(tmp_path))[1]
    assert frame.picture.pixels.shape == (24, 16)


def test_a_picture_that_cannot_be_read_leaves_a_gap_and_is_said(tmp_path):
    for number in range(4):
        save(tmp_path / f"{number}.png", number, size=(200, 200))
    whole = (tmp_path / "1.png").read_bytes()
    (tmp_path / "1.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "2.png").write_text("no picture")
    items = read(ImageFolderSource(tmp_path, fps=10))
    assert [type(item) for item in items] == [StateChange, Frame, Damage, Damage, Frame, StateChange]
    assert items[2] == Damage(what=f"{tmp_path.name}/1.png: cannot be read as a picture", lost_packets=1, pts_seconds=0)
    assert (items[4].index, items[4].pts_seconds) == (1, pytest.approx(0.3))


def test_a_folder_of_which_nothing_can_be_read_fails(tmp_path):
    (tmp_path / "1.png").write_text("no picture")
    assert read(ImageFolderSource(tmp_path))[-1].state == SourceState.FAILED


def test_flipped_bits_never_stop_the_folder_nor_reach_the_terminal(tmp_path, capfd, recwarn):
    rng = np.random.default_rng(0)
    for suffix in (".png", ".jpg", ".bmp", ".tif"):
        noise = Image.fromarray(rng.integers(0, 256, (20, 20, 3)).astype(np.uint8))
        noise.save(tmp_path / f"a{suffix}")
        data = (tmp_path / f"a{suffix}").read_bytes()
        for index in range(30):
            torn = bytearray(data)
            for position in rng.integers(0, min(len(torn), 200), size=3):
                torn[position] ^= 1 << int(rng.integers(8))
            (tmp_path / f"{index}{suffix}").write_bytes(torn)
    items = read(ImageFolderSource(tmp_path))
    assert len(items) == 2 + 4 * 31
    for item in items:
        if isinstance(item, Frame):
            assert item.picture.rgb.ndim == 3
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.mkdir(), "holds no pictures (allowed: bmp, jpeg, jpg, png, tif, tiff)"),
        (lambda path: path.write_text("x"), "is not a folder of pictures"),
        (lambda path: None, "there is no such folder"),
    ],
)
def test_what_is_no_folder_of_pictures_is_refused(tmp_path, make, message):
    path = tmp_path / "target"
    make(path)
    with pytest.raises(SourceError) as caught:
        ImageFolderSource(path).open()
    assert str(caught.value) == f"{path}: {message}"


def test_a_folder_that_may_not_be_read_is_refused(as_nobody):
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0)
        try:
            with pytest.raises(SourceError, match="cannot be read: Permission denied"):
                ImageFolderSource(name).open()
        finally:
            Path(name).chmod(0o700)


def test_hidden_files_and_other_files_are_passed_over(tmp_path):
    save(tmp_path / "a.png", 1)
    (tmp_path / "._a.png").write_text("of another system")
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "folder.png").mkdir()
    assert ImageFolderSource(tmp_path).open().frame_count == 1


def test_a_uri_sets_the_rate(tmp_path):
    save(tmp_path / "a.png", 1)
    info = from_uri(f"images:{tmp_path}?fps=12.5&realtime=yes").open()
    assert (info.announced_fps, info.is_live) == (12.5, True)
    assert info.uri == f"images:{tmp_path.name}"


@pytest.mark.parametrize("fps", ["0", "-1", "nan", "inf", "many"])
def test_a_rate_that_is_none_is_refused(tmp_path, fps):
    with pytest.raises(SourceError, match="fps="):
        from_uri(f"images:{tmp_path}?fps={fps}")
