"""The record beside a captured picture."""

import json
from pathlib import Path

import pytest

from fetalstream.sinks import ModelRef, SinkError
from fetalstream.sinks.sidecar import ClipSpan, Sidecar, SourceObject, read_sidecar, sidecar_text

SIDECAR = Sidecar(
    capture_id="phantom-3-0007-abdomen",
    plane="abdomen",
    score=0.93,
    quality=0.8,
    pts_seconds=12.48,
    frame_index=312,
    stream="phantom-3",
    source="phantom://?seed=3",
    model=ModelRef(name="compact", sha256="ab" * 32, version="1"),
    config_sha256="cd" * 32,
    software="fetalstream 0.1.0",
    masked=True,
    wall_time="2026-11-25T09:45:00.000+00:00",
    source_dicom=SourceObject(sop_instance_uid="1.2.3", sop_class_uid="1.2.840.10008.5.1.4.1.1.3.1", frame_number=313),
    spacing_mm=0.21,
    clip=ClipSpan(start_seconds=10.48, end_seconds=13.48, fps=25.0, frames=75, still_number=51),
)


def changed(**values: object) -> str:
    return json.dumps({**json.loads(sidecar_text(SIDECAR)), **values})


def test_what_is_written_is_read_back(tmp_path: Path):
    file = tmp_path / "one.json"
    file.write_text(sidecar_text(SIDECAR))
    assert read_sidecar(file) == SIDECAR


def test_what_a_later_program_adds_is_passed_over(tmp_path: Path):
    file = tmp_path / "one.json"
    file.write_text(changed(zoom=1.5))
    assert read_sidecar(file) == SIDECAR


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "is no sidecar"),
        ("[]", "is no sidecar"),
        (changed(score=1.5), "score must be in"),
        (changed(quality=float("nan")), "is no sidecar"),
        (changed(spacing_mm=0), "spacing_mm must be above 0"),
        (changed(frame_index=-1), "frame_index starts at 0"),
        (changed(model="compact"), "model"),
        (changed(masked="yes"), "masked"),
        (changed(clip={"start_seconds": 0, "end_seconds": 1, "fps": 0, "frames": 3}), "fps must be above 0"),
        (
            changed(clip={"start_seconds": 0, "end_seconds": 1, "fps": 25, "frames": 3, "still_number": 4}),
            "still_number",
        ),
        (changed(format=2), "is of format 2"),
    ],
)
def test_what_is_none_is_refused_by_name_and_reason(tmp_path: Path, text: str, complaint: str):
    file = tmp_path / "one.json"
    file.write_text(text)
    with pytest.raises(SinkError, match=r"one.json") as raised:
        read_sidecar(file)
    assert complaint in str(raised.value)
