"""Which objects are read, and which are refused with their reason."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

from fetalstream.sources import SourceError

GREY = np.zeros((24, 32), np.uint8)
ULTRASOUND = "1.2.840.10008.5.1.4.1.1"

READ = [
    ("US Multi-frame", ".3.1", "US"),
    ("US Multi-frame, retired", ".3", "US"),
    ("US", ".6.1", "US"),
    ("US, retired", ".6", "US"),
    ("Secondary Capture", ".7", "OT"),
    ("Multi-frame True Colour Secondary Capture", ".7.4", "OT"),
    ("a private class of an ultrasound scanner", ".999", "US"),
]


@pytest.mark.parametrize(("what", "suffix", "modality"), READ)
def test_it_reads(what: str, suffix: str, modality: str, make_cine: Callable[..., Path], read: Callable):
    path = make_cine([GREY] * 2, SOPClassUID=ULTRASOUND + suffix, Modality=modality)
    assert len(read(path).frames) == 2, what


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("CT", {"SOPClassUID": ULTRASOUND + ".2", "Modality": "CT"}, "no ultrasound picture"),
    ("32 bits", {"BitsAllocated": 32, "BitsStored": 32}, "32 of 32 bits; allowed"),
    ("1 bit", {"BitsAllocated": 1, "BitsStored": 1}, "1 of 1 bits; allowed"),
    ("more bits stored than allocated", {"BitsStored": 12}, "12 of 8 bits; allowed"),
    ("HSV", {"PhotometricInterpretation": "HSV", "SamplesPerPixel": 3}, "interpretation HSV cannot be read; allowed"),
    ("a patient's name for a colour", {"PhotometricInterpretation": "DOE"}, r"\(unknown\) cannot be read"),
    ("grey of three samples", {"SamplesPerPixel": 3}, "1 samples per pixel, not 3"),
    ("YBR_RCT outside JPEG 2000", {"PhotometricInterpretation": "YBR_RCT"}, "YBR_RCT cannot be read"),
    ("no rows", {"Rows": None}, "have no size"),
    ("no pixels", {"PixelData": None}, "holds no pictures"),
]


@pytest.mark.parametrize(("what", "elements", "reason"), REFUSED)
def test_it_refuses(what: str, elements: dict, reason: str, make_cine: Callable[..., Path], read: Callable):
    with pytest.raises(SourceError, match=reason):
        read(make_cine([GREY], **elements))


def test_an_empty_file_is_said_to_be_empty(tmp_path: Path, read: Callable):
    (tmp_path / "empty.dcm").touch()
    with pytest.raises(SourceError, match="is empty"):
        read(tmp_path / "empty.dcm")


def frame_groups(offsets: list[float | None]) -> list[Dataset]:
    """The per-frame functional groups of an enhanced object, with times in seconds."""
    groups: list[Dataset] = []
    for offset in offsets:
        group, position = Dataset(), Dataset()
        if offset is not None:
            position.TemporalPositionTimeOffset = offset
            group.TemporalPositionSequence = [position]
        groups.append(group)
    return groups


def enhanced(offsets: list[float | None], dimensions: str) -> dict[str, Any]:
    measures, shared = Dataset(), Dataset()
    measures.PixelSpacing = [0.4, 0.4]
    shared.PixelMeasuresSequence = [measures]
    return {
        "SOPClassUID": ULTRASOUND + ".6.2",
        "DimensionOrganizationType": dimensions,
        "PerFrameFunctionalGroupsSequence": frame_groups(offsets),
        "SharedFunctionalGroupsSequence": [shared],
        "FrameTime": None,
        "FrameIncrementPointer": None,
    }


def test_an_enhanced_object_whose_frames_are_moments_is_a_cine(make_cine: Callable[..., Path], read: Callable):
    got = read(make_cine([GREY] * 3, **enhanced([0.0, 0.05, 0.15], "3D_TEMPORAL")))
    assert got.times == pytest.approx([0, 0.05, 0.15])
    assert got.frames[0].spacing_mm == pytest.approx(0.4)


@pytest.mark.parametrize("offsets", [[0.0, 0.0, 0.0], [None, None, None], [0.0, 0.0, 0.1]])
def test_a_volume_whose_frames_are_slices_is_refused(
    offsets: list[float | None], make_cine: Callable[..., Path], read: Callable
):
    with pytest.raises(SourceError, match="slices, not moments"):
        read(make_cine([GREY] * 3, **enhanced(offsets, "3D")))
