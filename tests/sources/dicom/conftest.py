"""DICOM files that the tests make for themselves, with a patient whose name must never come out."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate, encapsulate_extended
from pydicom.examples import get_path
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    UltrasoundMultiFrameImageStorage,
)

from fetalstream.sources import Damage, Frame, Item, SourceInfo
from fetalstream.sources.dicom import DicomSource

SECRETS = ("DOE", "JANE", "MRN4711", "19840512", "20240229", "NURSEJOY", "STMARY")
PATIENT = {
    "PatientName": "DOE^JANE",
    "PatientID": "MRN4711",
    "PatientBirthDate": "19840512",
    "StudyDate": "20240229",
    "OperatorsName": "NURSEJOY",
    "InstitutionName": "STMARY",
}


@dataclass(frozen=True)
class ReadOut:
    """Everything one reading of a cine gave."""

    info: SourceInfo
    items: list[Item]

    @property
    def frames(self) -> list[Frame]:
        return [item for item in self.items if isinstance(item, Frame)]

    @property
    def damage(self) -> list[Damage]:
        return [item for item in self.items if isinstance(item, Damage)]

    @property
    def times(self) -> list[float]:
        return [frame.pts_seconds for frame in self.frames]


def read_out(path: Path, **options: Any) -> ReadOut:
    source = DicomSource(path, **options)
    info = source.open()
    try:
        return ReadOut(info, list(source.items()))
    finally:
        source.close()


@pytest.fixture
def read() -> Callable[..., ReadOut]:
    """Opens a file, reads it to its end, and closes it."""
    return read_out


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own, so that no test writes a salt into the user's."""
    folder = tmp_path / "home"
    monkeypatch.setenv("FETALSTREAM_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def jpeg() -> Callable[..., bytes]:
    """Makes JPEG pictures."""
    return _jpeg


@pytest.fixture(scope="session")
def pictures() -> Callable[..., list[NDArray[np.uint8]]]:
    """Makes pictures of which no two are alike."""
    return _pictures


@pytest.fixture(scope="session")
def secrets() -> tuple[str, ...]:
    """Words that stand in every cine the tests make, and must never come out."""
    return SECRETS


def _jpeg(pixels: NDArray[np.uint8], *, quality: int = 90) -> bytes:
    """(h w) or (h w 3) RGB -> a JPEG picture."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def _pictures(count: int, *, rows: int = 48, columns: int = 64, colour: bool = False) -> list[NDArray[np.uint8]]:
    """Ramps that move: (h w) or (h w 3), no two alike."""
    y, x = np.mgrid[:rows, :columns]
    grey = [((3 * x + 2 * y + 7 * index) % 256).astype(np.uint8) for index in range(count)]
    return [np.stack([one, one[::-1], 255 - one], axis=-1) for one in grey] if colour else grey


def data_set(*, frames: int, rows: int, columns: int, syntax: str = ExplicitVRLittleEndian) -> FileDataset:
    """A grey 8-bit ultrasound cine without its pixels."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UltrasoundMultiFrameImageStorage
    meta.MediaStorageSOPInstanceUID = UID("1.2.826.0.1.3680043.8.498.7")
    meta.TransferSyntaxUID = UID(syntax)
    cine = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    cine.SOPClassUID = UltrasoundMultiFrameImageStorage
    cine.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    cine.StudyInstanceUID = UID("1.2.826.0.1.3680043.8.498.1")
    cine.Modality = "US"
    for keyword, value in PATIENT.items():
        setattr(cine, keyword, value)
    cine.SamplesPerPixel = 1
    cine.PhotometricInterpretation = "MONOCHROME2"
    cine.NumberOfFrames = frames
    cine.Rows, cine.Columns = rows, columns
    cine.BitsAllocated = cine.BitsStored = 8
    cine.HighBit = 7
    cine.PixelRepresentation = 0
    cine.FrameTime = 40
    cine.FrameIncrementPointer = 0x00181063
    return cine


MakeCine = Callable[..., Path]


@pytest.fixture
def make_cine(tmp_path: Path) -> MakeCine:
    """Writes a cine of ``frames`` (arrays as they shall be stored), with whatever else is given by keyword.

    ``compressed`` gives encoded frames, ``table`` the offset table ("basic", "extended", "none"). An element given as
    None is left out.
    """

    def make(
        frames: Sequence[NDArray[Any]] = (),
        *,
        name: str = "cine.dcm",
        syntax: str = ExplicitVRLittleEndian,
        compressed: Sequence[bytes] = (),
        table: str = "basic",
        fragments: int = 1,
        **elements: Any,
    ) -> Path:
        rows, columns = frames[0].shape[:2] if len(frames) else (48, 64)
        cine = data_set(
            frames=len(frames) or len(compressed),
            rows=rows,
            columns=columns,
            syntax=JPEGBaseline8Bit if compressed and syntax == ExplicitVRLittleEndian else syntax,
        )
        if len(frames) and frames[0].ndim == 3:
            cine.SamplesPerPixel, cine.PlanarConfiguration, cine.PhotometricInterpretation = 3, 0, "RGB"
        if len(frames) and frames[0].dtype.itemsize == 2:
            cine.BitsAllocated, cine.BitsStored, cine.HighBit = 16, 16, 15
            cine.PixelRepresentation = int(frames[0].dtype.kind == "i")
        if compressed:
            if table == "extended":
                cine.PixelData, cine.ExtendedOffsetTable, cine.ExtendedOffsetTableLengths = encapsulate_extended(
                    list(compressed)
                )
            else:
                cine.PixelData = encapsulate(list(compressed), fragments_per_frame=fragments, has_bot=table == "basic")
            cine["PixelData"].VR = "OB"
        else:
            data = b"".join(np.ascontiguousarray(frame).tobytes() for frame in frames)
            cine.PixelData = data + b"\0" * (len(data) % 2)
            cine["PixelData"].VR = "OW" if cine.BitsAllocated == 16 else "OB"
        for keyword, value in elements.items():
            if value is None:
                delattr(cine, keyword)
            else:
                setattr(cine, keyword, value)
        path = tmp_path / name
        cine.save_as(path, enforce_file_format=True)
        return path

    return make


@pytest.fixture(scope="session")
def package_file() -> Callable[[str], Path]:
    """A test file that the pydicom package carries; nothing is fetched."""
    folder = Path(pydicom.__file__).parent / "data" / "test_files"
    return lambda name: folder / name


@pytest.fixture(scope="session")
def real_cine() -> Path:
    """30 frames of a real scanner: JPEG baseline, YBR_FULL_422, with its regions."""
    return Path(str(get_path("ybr_color")))
