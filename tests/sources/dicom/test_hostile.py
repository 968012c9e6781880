"""Files that are broken or mean harm: a clear error or a good beginning, in little memory, and never a crash."""

import json
import random
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEG2000Lossless, RLELossless

from fetalstream.sources import SourceError
from fetalstream.sources.dicom import Limits

MEBIBYTES = 256
"""What reading any of them may use, beyond the interpreter and its libraries."""
FILES = 280

BASES = (
    "examples_ybr_color.dcm",  # JPEG, 30 frames
    "examples_palette.dcm",
    "SC_rgb_rle_2frame.dcm",
    "examples_jpeg2k.dcm",
    "SC_rgb_jls_lossy_line.dcm",
    "image_dfl.dcm",  # deflated
    "SC_ybr_full_422_uncompressed.dcm",
    "MR_small.dcm",  # 16 bits
    "ExplVR_BigEnd.dcm",
    "MR_small_RLE.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
)
ABSURD_LENGTHS = (0xFFFFFFFF, 0x7FFFFFFF, 0x10000000, 0, 1)
ABSURD_NUMBERS = (0, 1, 2, 3, 8, 16, 255, 256, 4096, 65535)
NUMBERS = (0x00280010, 0x00280011, 0x00280002, 0x00280100, 0x00280101, 0x00280103, 0x00280006)
HEADER_BYTES = 3000


def flip_bits(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice([1, 1, 20, 200])):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def scramble_header(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.randrange(1, 20)):
        data[rng.randrange(132, min(len(data), HEADER_BYTES))] = rng.randrange(256)


def cut(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(len(data)) :]


def claim_lengths(data: bytearray, rng: random.Random) -> None:
    for _ in range(3):
        at = rng.randrange(132, min(len(data), HEADER_BYTES) - 4)
        data[at : at + 4] = struct.pack("<I", rng.choice(ABSURD_LENGTHS))


def claim_sizes(data: bytearray, rng: random.Random) -> None:
    for tag in NUMBERS:
        at = data.find(struct.pack("<HH", tag >> 16, tag & 0xFFFF))
        if at > 0 and rng.random() < 0.5:
            data[at + 8 : at + 10] = struct.pack("<H", rng.choice(ABSURD_NUMBERS))
    at = data.find(struct.pack("<HH", 0x0028, 0x0008))
    if at > 0:
        data[at + 8 : at + 10] = rng.choice([b"99", b"-1", b"1e", b"00", b"9e"])


def scramble_pixels(data: bytearray, rng: random.Random) -> None:
    start = max(data.rfind(b"\xe0\x7f\x10\x00"), 0)
    for _ in range(rng.randrange(1, 60)):
        data[rng.randrange(start, min(len(data), start + 600))] = rng.randrange(256)


def blank(data: bytearray, rng: random.Random) -> None:
    start, length = rng.randrange(len(data)), rng.randrange(1, 5000)
    data[start : start + length] = bytes(min(length, len(data) - start))


def repeat(data: bytearray, rng: random.Random) -> None:
    start, length = rng.randrange(len(data)), rng.randrange(1, 5000)
    data[start:start] = data[start : start + length]


HARM = (flip_bits, scramble_header, cut, claim_lengths, claim_sizes, scramble_pixels, blank, repeat)


def read_in_little_memory(folder: Path) -> dict[str, Any]:
    """What `hostile.py` reports of the files in ``folder``."""
    script = Path(__file__).with_name("hostile.py")
    command = [sys.executable, "-W", "ignore", str(script), str(folder), str(MEBIBYTES)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=250)
    current = folder.parent / "current"
    assert done.returncode == 0, (
        f"died at {current.read_text() if current.exists() else 'start'}: {done.stderr[-2000:]}"
    )
    assert done.stderr == ""
    return json.loads(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="limits and measures a process as Linux does")
def test_broken_files_give_an_error_or_a_good_beginning(package_file: Callable[[str], Path], tmp_path: Path):
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "0000.dcm").write_bytes(package_file(BASES[0]).read_bytes())
    for seed in range(1, FILES):
        rng = random.Random(seed)
        data = bytearray(package_file(BASES[seed % len(BASES)]).read_bytes())
        HARM[seed // len(BASES) % len(HARM)](data, rng)
        (folder / f"{seed:04}.dcm").write_bytes(data)
    report = read_in_little_memory(folder)
    assert report["broken"] == []
    assert sum(report["counts"].values()) == FILES
    assert min(report["counts"].get(kind, 0) for kind in ("error", "failed", "prefix and damage", "whole")) > 0
    assert report["peak_mebibytes"] < MEBIBYTES
    assert report["slowest_seconds"] < 5


# Bombs: files that are small and claim to be huge.


def nested(depth: int) -> bytes:
    """A private sequence in a sequence in a sequence ..., none of known length."""
    start = struct.pack("<HH2sHI", 0x0009, 0x1001, b"SQ", 0, 0xFFFFFFFF) + struct.pack(
        "<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF
    )
    end = struct.pack("<HHI", 0xFFFE, 0xE00D, 0) + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    return start * depth + end * depth


def insert_before_pixels(path: Path, data: bytes) -> None:
    whole = path.read_bytes()
    at = whole.rindex(b"\x28\x00\x10\x00US")
    path.write_bytes(whole[:at] + data + whole[at:])


def grow_deflated(path: Path, megabytes: int) -> None:
    """Appends noughts to a deflated data set, which hardly makes the file longer."""
    whole = path.read_bytes()
    start = 144 + int.from_bytes(whole[140:144], "little")  # behind the meta information
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    pieces = [packer.compress(zlib.decompress(whole[start:], -zlib.MAX_WBITS))]
    pieces += [packer.compress(bytes(1 << 20)) for _ in range(megabytes)]
    path.write_bytes(whole[:start] + b"".join(pieces) + packer.flush())


def test_a_thousand_nested_sequences_are_skipped(make_cine: Callable[..., Path], read: Callable):
    path = make_cine([np.zeros((24, 32), np.uint8)] * 3)
    insert_before_pixels(path, nested(5000))
    assert len(read(path).frames) == 3


def test_more_elements_than_allowed_are_refused(make_cine: Callable[..., Path], read: Callable):
    path = make_cine([np.zeros((24, 32), np.uint8)])
    insert_before_pixels(path, struct.pack("<HH2sH", 0x0009, 0x1001, b"LO", 0) * 2000)
    assert len(read(path).frames) == 1
    with pytest.raises(SourceError, match="more data elements than allowed"):
        read(path, limits=Limits(max_elements=1000))


def test_a_value_larger_than_allowed_is_refused(make_cine: Callable[..., Path], read: Callable):
    path = make_cine([np.zeros((24, 32), np.uint8)], FrameTimeVector=[40] * 2000)
    with pytest.raises(SourceError, match="larger values than allowed"):
        read(path, limits=Limits(max_header_bytes=1000))


@pytest.mark.parametrize(("rows", "columns"), [(65535, 65535), (20000, 20000), (1, 0), (0, 0)])
def test_a_size_that_cannot_be_is_refused_before_anything_is_allocated(
    rows: int, columns: int, make_cine: Callable[..., Path], read: Callable
):
    with pytest.raises(SourceError, match=r"more than the 67108864 allowed|have no size"):
        read(make_cine([np.zeros((24, 32), np.uint8)], Rows=rows, Columns=columns))


def test_what_unpacks_to_more_than_allowed_is_refused(make_cine: Callable[..., Path], read: Callable):
    path = make_cine([np.zeros((24, 32), np.uint8)] * 3, syntax=DeflatedExplicitVRLittleEndian)
    grow_deflated(path, megabytes=64)
    assert path.stat().st_size < 100_000
    assert len(read(path).frames) == 3
    with pytest.raises(SourceError, match="unpacks to more than 1048576 bytes"):
        read(path, limits=Limits(max_inflated_bytes=1 << 20))


def test_a_palette_cannot_unroll_without_end(make_cine: Callable[..., Path], read: Callable):
    words = np.array([0, 1, 0, *([1, 65535, 65535] * 5000)], dtype="<u2")  # 327 million entries
    elements: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for colour in ("Red", "Green", "Blue"):
        elements[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        elements[f"Segmented{colour}PaletteColorLookupTableData"] = words.tobytes()
    assert len(read(make_cine([np.zeros((24, 32), np.uint8)], **elements)).frames) == 1


def j2k_header(rows: int, columns: int, tile: int) -> bytes:
    size = struct.pack(">HHHIIIIIIIIHBBB", 0xFF51, 41, 0, columns, rows, 0, 0, tile, tile, 0, 0, 1, 7, 1, 1)
    return b"\xff\x4f" + size + bytes(200)


TINY_BOMBS = [
    # what, transfer syntax, frame
    ("JPEG 2000 of 3072 tiles", JPEG2000Lossless, j2k_header(48, 64, 1)),
    ("JPEG 2000 of four thousand million pixels", JPEG2000Lossless, j2k_header(65535, 65535, 65535)),
    (
        "RLE that repeats without end",
        RLELossless,
        struct.pack("<16I", 1, 64, *[0] * 14) + b"\x81\x00" * 60_000,
    ),
    ("RLE of no segment", RLELossless, bytes(64)),
    ("RLE whose segments lie elsewhere", RLELossless, struct.pack("<16I", 1, 0xFFFFFFF0, *[0] * 14) + bytes(100)),
]


@pytest.mark.parametrize(("what", "syntax", "frame"), TINY_BOMBS)
def test_a_compressed_frame_that_claims_too_much_is_lost_and_no_more(
    what: str, syntax: str, frame: bytes, make_cine: Callable[..., Path], read: Callable
):
    got = read(make_cine(compressed=[frame], syntax=syntax))
    assert got.frames == [], what
    assert got.damage[0].lost_packets == 1


def test_a_compressed_frame_larger_than_allowed_is_lost_and_no_more(
    make_cine: Callable[..., Path], jpeg: Callable[..., bytes], pictures: Callable, read: Callable
):
    small, large = jpeg(pictures(1)[0], quality=30), jpeg(pictures(1)[0], quality=100)
    got = read(make_cine(compressed=[small, large + bytes(4000), small]), limits=Limits(max_frame_bytes=48 * 64))
    assert len(got.frames) == 2
    assert "the most allowed" in got.damage[0].what


@pytest.mark.parametrize("vr", [b"UL", b"IS", b"LO", b"OB", b"SQ", b"FD"])
def test_a_wrong_type_is_an_error_or_read_anyway(vr: bytes, make_cine: Callable[..., Path], read: Callable):
    path = make_cine([np.zeros((24, 32), np.uint8)])
    path.write_bytes(path.read_bytes().replace(b"\x28\x00\x10\x00US", b"\x28\x00\x10\x00" + vr))
    try:
        assert len(read(path).frames) == 1
    except SourceError as error:
        assert str(error).startswith("DICOM file #")  # noqa: PT017 - either is right


def test_a_wanted_sequence_in_place_of_a_number_is_no_number(make_cine: Callable[..., Path], read: Callable):
    path = make_cine([np.zeros((24, 32), np.uint8)], SequenceOfUltrasoundRegions=[Dataset()])
    path.write_bytes(path.read_bytes().replace(b"\x18\x00\x11\x60SQ", b"\x18\x00\x63\x10SQ"))
    assert read(path).frames[0].spacing_mm is None
