"""Memory and speed of reading a long DICOM cine: 1,000 frames of 1024 x 768 px, against pydicom's whole-cine decoding.

    python benchmarks/dicom_memory.py [--frames 1000] [--syntax jpeg|rle|native] [--whole]

Each reading runs in a process of its own, so that peaks do not mix. ``--whole`` also decodes the whole cine at once.
"""

import argparse
import io
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders.base import RLELosslessEncoder
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    RLELossless,
    UltrasoundMultiFrameImageStorage,
    generate_uid,
)

ROWS, COLUMNS = 768, 1024
DISTINCT = 10
MEBIBYTE = 1 << 20
SYNTAXES: dict[str, UID] = {"jpeg": JPEGBaseline8Bit, "rle": RLELossless, "native": ExplicitVRLittleEndian}


def pictures() -> list[np.ndarray]:
    """A few speckled fans in colour, to be repeated."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:ROWS, :COLUMNS]
    fan = (np.hypot(x - COLUMNS / 2, y) < ROWS * 0.95) & (np.abs(x - COLUMNS / 2) < y * 0.8)
    speckle = rng.rayleigh(40, (DISTINCT, ROWS, COLUMNS)) * fan
    grey = np.clip(speckle, 0, 255).astype(np.uint8)
    return [np.stack([one, one, np.where(y < 20, 255, one).astype(np.uint8)], axis=-1) for one in grey]


def encode(pixels: np.ndarray, syntax: str) -> bytes:
    if syntax == "native":
        return pixels.tobytes()
    if syntax == "rle":
        size = {"rows": ROWS, "columns": COLUMNS, "samples_per_pixel": 3, "number_of_frames": 1}
        bits = {"bits_allocated": 8, "bits_stored": 8, "pixel_representation": 0}
        colour = {"photometric_interpretation": "RGB", "planar_configuration": 0}
        return bytes(RLELosslessEncoder.encode(pixels, **size, **bits, **colour))
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=90, subsampling="4:2:2")
    return stream.getvalue()


def write_cine(path: Path, frames: int, syntax: str) -> None:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UltrasoundMultiFrameImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = SYNTAXES[syntax]
    cine = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    cine.SOPClassUID, cine.SOPInstanceUID = UltrasoundMultiFrameImageStorage, meta.MediaStorageSOPInstanceUID
    cine.StudyInstanceUID, cine.Modality = generate_uid(), "US"
    cine.NumberOfFrames, cine.Rows, cine.Columns = frames, ROWS, COLUMNS
    cine.SamplesPerPixel, cine.PlanarConfiguration = 3, 0
    cine.PhotometricInterpretation = "YBR_FULL_422" if syntax == "jpeg" else "RGB"
    cine.BitsAllocated = cine.BitsStored = 8
    cine.HighBit, cine.PixelRepresentation = 7, 0
    cine.FrameTime, cine.FrameIncrementPointer = 40, 0x00181063
    encoded = [encode(one, syntax) for one in pictures()]
    data = [encoded[index % DISTINCT] for index in range(frames)]
    cine.PixelData = b"".join(data) if syntax == "native" else encapsulate(data)
    cine["PixelData"].VR = "OB"
    cine.save_as(path, enforce_file_format=True)


def read_ours(path: str) -> int:
    from fetalstream.sources import Frame
    from fetalstream.sources.dicom import DicomSource

    source = DicomSource(path)
    source.open()
    return sum(bool(item.picture.pixels.any()) for item in source.items() if isinstance(item, Frame))


def peak_bytes() -> int:
    """Of this process so far; ``ru_maxrss`` would also count the process it was forked from."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split("VmHWM:")[1].split()[0])


def read_whole(path: str) -> int:
    from pydicom.pixels.utils import pixel_array

    return len(pixel_array(path))


def measured(reader: str, path: str) -> dict[str, float]:
    """Run by the child: frames, seconds, and how much memory beyond what one short reading needs."""
    read = {"ours": read_ours, "whole": read_whole}[reader]
    read(f"{path}.short")
    before = peak_bytes()
    began = time.perf_counter()
    frames = int(read(path))
    seconds = time.perf_counter() - began
    return {
        "frames": frames,
        "frames_per_second": round(frames / seconds, 1),
        "peak_mebibytes": round(peak_bytes() / MEBIBYTE, 1),
        "beyond_10_frames_mebibytes": round((peak_bytes() - before) / MEBIBYTE, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Memory and speed of reading a long DICOM cine.")
    parser.add_argument("--frames", type=int, default=1000)
    parser.add_argument("--syntax", choices=sorted(SYNTAXES), default="jpeg")
    parser.add_argument("--whole", action="store_true", help="also decode all at once: 20 MB a frame")
    parser.add_argument("--child", nargs=2, metavar=("READER", "PATH"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        print(json.dumps(measured(*given.child)))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "cine.dcm")
        write_cine(path, given.frames, given.syntax)
        write_cine(Path(f"{path}.short"), DISTINCT, given.syntax)
        print(f"{given.frames} frames of {COLUMNS} x {ROWS} px, {given.syntax}, {path.stat().st_size / 1e6:.0f} MB")
        for reader in ("ours", *(("whole",) if given.whole else ())):
            command = [sys.executable, __file__, "--child", reader, str(path)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            print(f"{reader:>6}: {done.stdout.strip()}")


if __name__ == "__main__":
    main()
