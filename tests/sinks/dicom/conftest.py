"""Captures as a run writes them, and strangers' judgement on objects."""

import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from fetalstream.sinks import AgeEstimated, ChdScored, ModelRef, StreamStarted
from fetalstream.sinks.dicom import Filing, Identity, Record, filing
from fetalstream.sinks.sidecar import ClipSpan, Sidecar, SourceObject, sidecar_text
from fetalstream.sinks.stills import Still, mp4, png

MODEL = ModelRef(name="compact", sha256="ab" * 32, version="7")
HEAD = ModelRef(name="heart head", sha256="ef" * 32, version="2")
US_MULTI_FRAME = "1.2.840.10008.5.1.4.1.1.3.1"
CINE = SourceObject(
    sop_instance_uid="1.2.826.0.1.3680043.8.498.44",
    sop_class_uid=US_MULTI_FRAME,
    study_instance_uid="1.2.826.0.1.3680043.8.498.41",
    series_instance_uid="1.2.826.0.1.3680043.8.498.42",
    frame_number=7,
)
JANE = Identity(
    patient_id="MRN4711",
    patient_name="DOE^JANE",
    patient_birth_date="19840512",
    patient_sex="F",
    study_instance_uid="1.2.826.0.1.3680043.8.498.41",
    accession_number="ACC99",
    study_date="20240229",
)
SECRETS = (b"DOE", b"JANE", b"MRN4711", b"19840512", b"20240229", b"ACC99", b"20261125", b"nurse", b"scan-of-Smith")
FRAMES = 9

Grey = NDArray[np.uint8]


def moving(count: int = FRAMES, *, rows: int = 96, columns: int = 128, colour: bool = False) -> list[Grey]:
    """Smooth pictures, no two alike; with ``colour`` (h w 3)."""
    y, x = np.mgrid[:rows, :columns]
    waves = [(127 + 120 * np.sin(x / 17 + index * 0.6) * np.cos(y / 23)).astype(np.uint8) for index in range(count)]
    return [np.stack([one, one[::-1], 255 - one], axis=-1) for one in waves] if colour else waves


MakeCapture = Callable[..., Path]


@pytest.fixture
def captures(tmp_path: Path) -> Path:
    """A folder for captures."""
    folder = tmp_path / "captures"
    folder.mkdir()
    return folder


def write_capture(
    folder: Path,
    plane: str = "abdomen",
    *,
    colour: bool = False,
    clip: bool = True,
    best: int = 4,
    number: int = 1,
    steps_seconds: tuple[float, ...] = (),
    **fields: Any,
) -> Path:
    """One capture as the live pipeline writes it; its sidecar's path. Fields of the sidecar go by keyword."""
    pictures = moving(colour=colour)
    rows, columns = pictures[0].shape[:2]
    times = np.cumsum((0.0, *(steps_seconds or (0.04,) * (FRAMES - 1))))
    stills = [
        Still(
            frame_index=index,
            pts_seconds=float(seconds),
            width_px=columns,
            height_px=rows,
            left_px=0,
            top_px=0,
            pixels=picture,
        )
        for index, (picture, seconds) in enumerate(zip(pictures, times, strict=True))
    ]
    name = f"{number:04d}-{plane}-{best * 0.04:.2f}s"
    sidecar = Sidecar(
        capture_id=name,
        plane=plane,
        score=0.93,
        quality=0.81,
        pts_seconds=float(times[best]),
        frame_index=best,
        stream="scan-of-Smith-1234abcd",
        source="file:/home/nurse/scan-of-Smith.mp4",
        model=MODEL,
        config_sha256="cd" * 32,
        software="fetalstream test",
        masked=True,
        wall_time="2026-11-25T09:45:00.000+00:00",
        clip=ClipSpan(start_seconds=0, end_seconds=0.36, fps=25.0, frames=FRAMES, still_number=best + 1)
        if clip
        else None,
    )
    sidecar = msgspec.structs.replace(sidecar, **fields)
    file = folder / f"{name}.json"
    file.with_suffix(".png").write_bytes(png(stills[best]))
    if clip:
        file.with_suffix(".mp4").write_bytes(mp4(stills, frame_seconds=0.04))
    file.write_text(sidecar_text(sidecar))
    return file


@pytest.fixture
def make_capture(captures: Path) -> MakeCapture:
    """Writes one capture into the folder (see `write_capture`)."""
    return partial(write_capture, captures)


@pytest.fixture
def anonymous() -> Callable[[str], Filing]:
    """Files every stream under a made-up patient."""
    return lambda stream: filing("0123456789ab")


@pytest.fixture
def named() -> Callable[[str], Filing]:
    """Files every stream under a patient's name."""
    return lambda stream: filing("0123456789ab", JANE)


def age(**fields: Any) -> AgeEstimated:
    """19 weeks and 6 days, with its interval."""
    told: dict[str, Any] = {
        "age_days": 139.4,
        "low_days": 134.0,
        "high_days": 146.0,
        "coverage": 0.9,
        "frames": 31,
        "spacing_mm": 0.2,
        "method": "calibrated",
        "head": HEAD,
        "pts_seconds": 9.0,
    }
    return AgeEstimated(stream="scan-of-Smith-1234abcd", sequence=5, **{**told, **fields})


def heart(**fields: Any) -> ChdScored:
    """A score of the whole exam."""
    told: dict[str, Any] = {
        "level": "exam",
        "score": 0.31,
        "low": 0.12,
        "high": 0.55,
        "threshold": 0.6,
        "abstains": False,
        "reason": "",
        "frame_indexes": (2, 3, 4),
        "start_seconds": 0.08,
        "end_seconds": 0.16,
        "clips": 2,
        "head": HEAD,
        "trained_on": "phantom hearts",
        "prevalence": 0.01,
        "positive_predictive_value": 0.039,
    }
    return ChdScored(stream="scan-of-Smith-1234abcd", sequence=6, **{**told, **fields})


def record(**fields: Any) -> Record:
    """Of the stream that the captures are of."""
    started = StreamStarted(
        stream="scan-of-Smith-1234abcd",
        sequence=0,
        source="file:scan.mp4",
        model=MODEL,
        labels=("background", "abdomen"),
        config_sha256="cd" * 32,
        software="fetalstream test",
    )
    return Record(started=started, **fields)


ACCEPTED = (
    # De-identified objects have no date and no number; who builds a DICOMDIR needs them.
    "Warning - Missing attribute or value that would be needed to build DICOMDIR - Study Date",
    "Warning - Missing attribute or value that would be needed to build DICOMDIR - Study Time",
    "Warning - Missing attribute or value that would be needed to build DICOMDIR - Study ID",
    # A femur or a kidney: which one is unknown.
    (
        "Warning - is only permitted to be empty when actually unknown; should be absent (not empty) if an unpaired "
        "body part, and have a value if a paired body part - attribute <Laterality>"
    ),
    # Our own codes, where no one else has any; the scheme is identified in each object.
    "Warning - Unrecognized defined term <99FETALSTREAM> for value 1 of attribute <Coding Scheme Designator>",
)
"""What dciodvfy says of our objects that is as it should be."""


def complaints(file: Path) -> list[str]:
    """What dciodvfy (dicom3tools) has against an object, beside `ACCEPTED` and the name of its kind."""
    done = subprocess.run(["dciodvfy", str(file)], capture_output=True, text=True)
    lines = [line.strip() for line in (done.stdout + done.stderr).splitlines()]
    return [line for line in lines if line.startswith(("Error", "Warning")) and line not in ACCEPTED]


def dumped(file: Path) -> str:
    """The object as dcmdump (dcmtk) reads it; fails when it cannot."""
    done = subprocess.run(["dcmdump", "+L", str(file)], capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stderr
    return done.stdout
