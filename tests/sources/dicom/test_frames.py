"""Where frames lie: offset tables right, wrong and missing, fragments, and files cut short."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fetalstream.sources import Damage, Frame, SourceState, StateChange

COUNT = 5


@pytest.fixture
def coded(jpeg: Callable[..., bytes], pictures: Callable) -> list[bytes]:
    """Five compressed pictures, no two alike."""
    return [jpeg(picture) for picture in pictures(COUNT)]


def brightness(frames: list[Frame]) -> list[int]:
    """Tells the test's pictures apart: their first pixel."""
    return [int(frame.picture.pixels[0, 0]) for frame in frames]


EXPECTED = [0, 7, 14, 21, 28]


@pytest.mark.parametrize("table", ["basic", "extended", "none"])
@pytest.mark.parametrize("fragments", [1, 3])
def test_every_frame_is_found_by_whatever_table_there_is(
    table: str, fragments: int, coded: list[bytes], make_cine: Callable[..., Path], read: Callable
):
    got = read(make_cine(compressed=coded, table=table, fragments=1 if table == "extended" else fragments))
    assert brightness(got.frames) == pytest.approx(EXPECTED, abs=6)
    assert [frame.index for frame in got.frames] == list(range(COUNT))
    assert got.damage == []


def test_a_table_that_points_nowhere_is_not_believed(
    coded: list[bytes], make_cine: Callable[..., Path], read: Callable
):
    path = make_cine(compressed=coded, table="basic")
    data = bytearray(path.read_bytes())
    table = data.index(b"\xfe\xff\x00\xe0", data.rindex(b"\xe0\x7f\x10\x00")) + 8
    data[table + 4 : table + 8] = b"\x03\x00\x00\x00"
    path.write_bytes(data)
    assert brightness(read(path).frames) == pytest.approx(EXPECTED, abs=6)


def test_frames_beyond_the_announced_number_are_read_and_said(
    coded: list[bytes], make_cine: Callable[..., Path], read: Callable
):
    got = read(make_cine(compressed=coded, NumberOfFrames=3))
    assert len(got.frames) == COUNT
    assert "announces 3 frames and holds 5" in got.damage[0].what


@pytest.mark.parametrize("number", ["0", "-4", "99999999999", None])
def test_a_number_of_frames_that_makes_no_sense_is_not_believed(
    number: str | None, coded: list[bytes], make_cine: Callable[..., Path], read: Callable
):
    got = read(make_cine(compressed=coded, NumberOfFrames=number))
    assert len(got.frames) == COUNT


@pytest.mark.parametrize("compressed", [True, False])
def test_a_file_cut_short_gives_its_good_frames_then_damage_then_ended(
    compressed: bool, coded: list[bytes], make_cine: Callable[..., Path], read: Callable, pictures: Callable
):
    path = make_cine(compressed=coded) if compressed else make_cine(pictures(COUNT))
    path.write_bytes(path.read_bytes()[:-1500])
    got = read(path)
    assert 1 <= len(got.frames) < COUNT
    assert brightness(got.frames) == pytest.approx(EXPECTED[: len(got.frames)], abs=6)
    *_, damage, last = got.items
    assert isinstance(damage, Damage)
    assert f"announces {COUNT} frames and holds {len(got.frames)}" in damage.what
    assert damage.pts_seconds == got.times[-1]
    assert last == StateChange(SourceState.ENDED)


def test_a_frame_that_cannot_be_decoded_is_withheld_and_its_time_passes(
    coded: list[bytes], make_cine: Callable[..., Path], read: Callable
):
    coded[2] = coded[2][:200] + bytes(len(coded[2]) - 200)
    coded[3] = b"\xff\xd8\xff" + bytes(64)
    got = read(make_cine(compressed=coded))
    assert got.times == pytest.approx([0, 0.04, 0.16])
    assert [frame.index for frame in got.frames] == [0, 1, 2]
    (damage,) = got.damage
    assert damage.lost_packets == 2
    assert damage.pts_seconds == pytest.approx(0.04)
    assert "2 frames from 3 on are lost" in damage.what


def test_a_cine_without_one_good_frame_ends_with_failed(make_cine: Callable[..., Path], read: Callable):
    got = read(make_cine(compressed=[b"\xff\xd8\xff" + bytes(64)] * 2))
    assert got.frames == []
    assert isinstance(got.items[-1], StateChange)
    assert got.items[-1].state is SourceState.FAILED


def test_a_picture_of_another_size_than_announced_is_not_decoded(
    jpeg: Callable[..., bytes], make_cine: Callable[..., Path], read: Callable
):
    bomb = jpeg(np.asarray(Image.new("L", (6000, 6000)), dtype=np.uint8))
    got = read(make_cine(compressed=[bomb]))
    assert got.frames == []
    assert "is 6000 x 6000 px" in got.damage[0].what
