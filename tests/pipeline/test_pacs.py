"""From a review to objects that point into its cine, and from the command line into a real archive."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pydicom
import pytest
from highdicom.ko import KeyObjectSelectionDocument
from highdicom.sr import ComprehensiveSR
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEGBaseline8Bit, UltrasoundMultiFrameImageStorage

from fetalstream import FetalStreamError
from fetalstream.pipeline.pacs import PacsError, Wanted, export, subject_of
from fetalstream.sinks import AnyEvent, ChdScored, ModelRef, PlaneLeft, StreamDamaged, StreamStarted
from fetalstream.sinks.dicom import Exported, Identity, read_record
from fetalstream.sinks.dicom.archive import Archive
from fetalstream.sinks.dicom.send import send_all
from fetalstream.sinks.dicom.spool import Spool
from fetalstream.sinks.jsonl import JsonLinesSink
from fetalstream.sinks.sidecar import SourceObject
from fetalstream.sinks.store import StoreSink
from fetalstream.sources import Damage, Frame
from fetalstream.sources.dicom import DicomSource
from fetalstream.sources.phantom.source import PhantomSource

from ..servers.orthanc import Orthanc
from ..sinks.dicom.conftest import write_capture

SOP, STUDY, SERIES = (f"1.2.826.0.1.3680043.8.498.{number}" for number in (77, 71, 72))
PATIENT = {
    "PatientName": "DOE^JANE",
    "PatientID": "MRN4711",
    "PatientBirthDate": "19840512",
    "AccessionNumber": "ACC99",
}
SECRETS = (b"DOE", b"JANE", b"MRN4711", b"19840512", b"ACC99")
BROKEN = (3, 4, 11)
"""Frame numbers, from 1, that cannot be decoded."""


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FETALSTREAM_HOME", str(tmp_path / "home"))


def write_cine(path: Path, *, frames: int, rows: int, columns: int, data: bytes, syntax: str, frame_time: str) -> Path:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = UltrasoundMultiFrameImageStorage, UID(SOP)
    meta.TransferSyntaxUID = UID(syntax)
    cine = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    cine.SOPClassUID, cine.SOPInstanceUID = UltrasoundMultiFrameImageStorage, SOP
    cine.StudyInstanceUID, cine.SeriesInstanceUID, cine.Modality = STUDY, SERIES, "US"
    for keyword, value in PATIENT.items():
        setattr(cine, keyword, value)
    cine.SamplesPerPixel, cine.PhotometricInterpretation, cine.PixelRepresentation = 1, "MONOCHROME2", 0
    cine.NumberOfFrames, cine.Rows, cine.Columns = frames, rows, columns
    cine.BitsAllocated, cine.BitsStored, cine.HighBit = 8, 8, 7
    cine.FrameTime, cine.FrameIncrementPointer = frame_time, 0x00181063
    cine.PixelData = data
    cine["PixelData"].VR = "OB"
    cine.save_as(path, enforce_file_format=True)
    return path


def jpeg(pixels: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


@pytest.fixture
def gappy(tmp_path: Path) -> Path:
    """A cine of 16 frames of which three cannot be decoded."""
    y, x = np.mgrid[:48, :64]
    coded = [jpeg(((3 * x + 2 * y + 15 * index) % 256).astype(np.uint8)) for index in range(16)]
    for number in BROKEN:
        coded[number - 1] = coded[number - 1][:100]
    return write_cine(
        tmp_path / "DOE_JANE.dcm",
        frames=16,
        rows=48,
        columns=64,
        data=encapsulate(coded),
        syntax=JPEGBaseline8Bit,
        frame_time="33.3333",
    )


@pytest.fixture
def reviewed(gappy: Path, tmp_path: Path) -> Path:
    """The record of a review that saw a plane in every fourth frame it could decode."""
    source = DicomSource(gappy)
    name = source.open().name
    items = list(source.items())
    source.close()
    folder = tmp_path / "out" / name
    sink = JsonLinesSink(folder / "events.jsonl")
    model = ModelRef(name="compact", sha256="ab" * 32, version="1")
    common: dict[str, Any] = {"stream": name, "sequence": 0}
    sink.write(
        StreamStarted(
            source=f"dicom:{name}", model=model, labels=("background",), config_sha256="c", software="x", **common
        )
    )
    for item in items:
        if isinstance(item, Damage):
            sink.write(
                StreamDamaged(what=item.what, lost_packets=item.lost_packets, pts_seconds=item.pts_seconds, **common)
            )
        elif isinstance(item, Frame) and item.index % 4 == 1:
            at = round(item.pts_seconds, 3)  # as events have it
            sink.write(
                PlaneLeft(
                    plane="abdomen",
                    start_seconds=at,
                    end_seconds=at + 0.1,
                    score=0.8,
                    frames=3,
                    best_frame_index=item.index,
                    best_pts_seconds=at,
                    best_score=0.9,
                    **common,
                )
            )
    sink.close()
    (folder / "summary.json").write_text("{}")
    return folder


def pointed_at(document: Dataset) -> list[tuple[str, int]]:
    """Object and frame number of each reference of a document."""
    if document.Modality == "KO":
        items: list[Any] = KeyObjectSelectionDocument.from_dataset(document).content.get_references()
    else:
        content: Any = ComprehensiveSR.from_dataset(document).content
        items = [image for group in content.get_image_measurement_groups() for image in group.source_images]
    return [(item.referenced_sop_instance_uid, item.referenced_frame_numbers[0]) for item in items]


def good_frames(cine: Path) -> dict[int, NDArray[np.uint8]]:
    """The pictures the pipeline sees, by their index in the stream."""
    source = DicomSource(cine)
    source.open()
    return {item.index: item.picture.pixels for item in source.items() if isinstance(item, Frame)}


@pytest.mark.server
def test_frame_references_point_to_the_frames_that_were_seen_also_behind_damaged_ones(
    orthanc: Orthanc, gappy: Path, reviewed: Path, tmp_path: Path
):
    done = export(Wanted(folder=reviewed, out=tmp_path / "dicom", cine=gappy, of_cine=True))
    spool, archive = Spool(tmp_path / "queue"), Archive(orthanc.url)
    for file in (gappy, *done.files):
        spool.put(file)
    assert send_all(spool, archive, patience_seconds=60).stored == 3
    archive.close()
    spool.close()
    (study,) = orthanc.ask("/studies?expand")
    assert len(study["Series"]) == 3  # cine, key objects and report in one study
    held = [pydicom.dcmread(io.BytesIO(orthanc.fetch(f"/instances/{name}/file"))) for name in orthanc.ask("/instances")]
    (cine,) = [one for one in held if one.Modality == "US"]
    stored = list(generate_frames(cine.PixelData, number_of_frames=16))
    seen = good_frames(gappy)
    for document in (one for one in held if one.Modality != "US"):
        references = pointed_at(document)
        assert [number for _, number in references] == [2, 8, 13]  # indexes 1, 5 and 9
        for (uid, number), index in zip(references, (1, 5, 9), strict=True):
            assert uid == cine.SOPInstanceUID
            assert np.array_equal(np.asarray(Image.open(io.BytesIO(stored[number - 1]))), seen[index])


def test_without_asking_for_it_the_documents_do_not_tell_who(gappy: Path, reviewed: Path, tmp_path: Path):
    done = export(Wanted(folder=reviewed, out=tmp_path / "dicom", cine=gappy))
    for file in done.files:
        document = pydicom.dcmread(file)
        assert document.StudyInstanceUID != STUDY
        assert [number for _, number in pointed_at(document)] == [2, 8, 13]
        assert [secret for secret in SECRETS if secret in file.read_bytes()] == []


def test_with_the_cines_identity_they_lie_beside_it(gappy: Path, reviewed: Path, tmp_path: Path):
    for file in export(Wanted(folder=reviewed, out=tmp_path / "dicom", cine=gappy, of_cine=True)).files:
        document = pydicom.dcmread(file)
        assert (document.PatientID, document.StudyInstanceUID, document.AccessionNumber) == ("MRN4711", STUDY, "ACC99")


def test_another_cine_is_not_pointed_into(gappy: Path, reviewed: Path, tmp_path: Path):
    other = pydicom.dcmread(gappy)
    other.SOPInstanceUID = other.file_meta.MediaStorageSOPInstanceUID = UID("1.2.3.4")
    other.save_as(tmp_path / "MRN4711.dcm")
    with pytest.raises(PacsError, match="not the same cine") as raised:
        export(Wanted(folder=reviewed, out=tmp_path / "dicom", cine=tmp_path / "MRN4711.dcm"))
    assert "MRN4711" not in str(raised.value)


def test_a_record_of_other_frames_is_not_trusted(gappy: Path, reviewed: Path, tmp_path: Path):
    events = reviewed / "events.jsonl"
    kept = [line for line in events.read_text().splitlines(keepends=True) if "stream.damaged" not in line]
    events.write_text("".join(kept))
    with pytest.raises(PacsError, match="are not those of the cine"):
        export(Wanted(folder=reviewed, out=tmp_path / "dicom", cine=gappy))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"cine": None}, "give its source as well"),
        ({"folder": Path("nowhere")}, "is no folder"),
        ({"cine": None, "of_cine": True}, "give the cine as well"),
        ({"events": Path("other.jsonl")}, "a review has its own events"),
    ],
    ids=["no cine", "no folder", "identity of no cine", "other events"],
)
def test_what_cannot_be_done_is_said_in_one_line(
    change: dict[str, Any], complaint: str, gappy: Path, reviewed: Path, tmp_path: Path
):
    wanted: dict[str, Any] = {"folder": reviewed, "out": tmp_path / "dicom", "cine": gappy, **change}
    with pytest.raises(FetalStreamError, match=complaint):
        export(Wanted(**wanted))


def test_an_empty_folder_and_a_line_that_is_no_event_are_named(tmp_path: Path, reviewed: Path, gappy: Path):
    with pytest.raises(PacsError, match="holds neither captures"):
        export(Wanted(folder=tmp_path, out=tmp_path / "dicom"))
    with (reviewed / "events.jsonl").open("a") as file:
        file.write('{"kind":"plane.left","stre\n')
    with pytest.raises(FetalStreamError, match=r"events\.jsonl: line 7 is no event"):
        export(Wanted(folder=reviewed, out=tmp_path / "dicom", cine=gappy))


def test_a_record_that_a_kill_has_torn_is_exported_and_the_report_says_so(tmp_path: Path, reviewed: Path, gappy: Path):
    with (reviewed / "events.jsonl").open("a") as file:
        file.write('{"kind":"plane.left","stre')
    done = export(Wanted(folder=reviewed, out=tmp_path / "dicom", cine=gappy))
    assert "The last line of the record is torn" in report_of(done).to_json()


def test_objects_of_an_earlier_export_are_not_sent_along_unseen(gappy: Path, reviewed: Path, tmp_path: Path):
    export(Wanted(folder=reviewed, out=tmp_path / "dicom", cine=gappy))
    export(Wanted(folder=reviewed, out=tmp_path / "dicom", cine=gappy))  # the very same: fine
    with pytest.raises(FetalStreamError, match="2 objects of an earlier export lie there too"):
        export(Wanted(folder=reviewed, out=tmp_path / "dicom", cine=gappy, of_cine=True))


def test_a_made_up_patient_stands_for_a_study_and_says_nothing_of_a_file(tmp_path: Path):
    cine, other = "us-0123456789ab-aaaaaaaaaaaa", "us-0123456789ab-bbbbbbbbbbbb-deadbeef"
    assert subject_of(cine) == subject_of(other) == "0123456789ab"
    hidden = subject_of("Jane_Doe-1234abcd")
    assert len(hidden) == 12
    assert set(hidden) <= set("0123456789abcdef")
    assert hidden == subject_of("Jane_Doe-1234abcd")


# Captures.


def chd(stream: str) -> ChdScored:
    return ChdScored(
        stream=stream,
        sequence=9,
        level="exam",
        score=0.31,
        low=0.12,
        high=0.55,
        threshold=0.6,
        abstains=False,
        reason="",
        frame_indexes=(0, 1, 2, 9),
        start_seconds=0.0,
        end_seconds=0.4,
        clips=1,
        head=ModelRef(name="heart head", sha256="ef" * 32, version="1"),
        trained_on="phantom hearts",
        prevalence=0.01,
        positive_predictive_value=None,
    )


@pytest.fixture
def captured(gappy: Path, tmp_path: Path) -> Path:
    """A folder with one capture of the cine."""
    source = DicomSource(gappy)
    info = source.open()
    source.close()
    assert info.dicom is not None
    folder = tmp_path / "captures"
    folder.mkdir()
    origin = SourceObject(
        sop_instance_uid=SOP,
        sop_class_uid=str(UltrasoundMultiFrameImageStorage),
        study_instance_uid=STUDY,
        series_instance_uid=SERIES,
        frame_number=7,
    )
    write_capture(folder, stream=info.name, source_dicom=origin, wall_time="")
    return folder


def report_of(done: Exported) -> Any:
    return pydicom.dcmread(next(file for file in done.files if file.name.startswith("report-")))


def test_a_heart_score_names_its_frames_in_the_cine(gappy: Path, reviewed: Path, captured: Path, tmp_path: Path):
    sink = JsonLinesSink(reviewed / "events.jsonl")
    sink.write(chd(reviewed.name))
    sink.close()
    wanted = Wanted(folder=captured, out=tmp_path / "a", cine=gappy, events=reviewed / "events.jsonl")
    for done in (export(wanted), export(Wanted(folder=reviewed, out=tmp_path / "b", cine=gappy))):
        content: Any = ComprehensiveSR.from_dataset(report_of(done)).content
        (heart,) = [
            group
            for group in content.get_image_measurement_groups()
            if group.finding_type is not None and group.finding_type.value == "four_chamber"
        ]
        (image,) = heart.source_images
        assert image.referenced_sop_instance_uid == SOP
        assert image.referenced_frame_numbers == [1, 2, 5, 13]  # 3, 4 and 11 could not be decoded


def test_events_come_from_a_store_too_and_only_those_of_the_stream(captured: Path, reviewed: Path, tmp_path: Path):
    events = [msgspec.json.decode(line, type=AnyEvent) for line in (reviewed / "events.jsonl").open("rb")]
    store, lines = StoreSink(tmp_path / "events.db", power_safe=False), JsonLinesSink(tmp_path / "all.jsonl")
    for sink in (store, lines):
        for event in (
            msgspec.structs.replace(events[0], stream="another"),
            chd("another"),
            *events,
            chd(reviewed.name),
        ):
            sink.write(event)
        sink.close()
    for name in ("events.db", "all.jsonl"):
        done = export(Wanted(folder=captured, out=tmp_path / f"of {name}", events=tmp_path / name))
        assert str(report_of(done)).count("'chd_score'") == 1
    with pytest.raises(FetalStreamError, match=r"all\.jsonl: holds several streams"):
        read_record(tmp_path / "all.jsonl")


def test_events_that_are_not_there_are_named(captured: Path, tmp_path: Path):
    for events, complaint in (("gone.jsonl", "cannot be read"), ("empty.jsonl", "holds no events of the stream")):
        (tmp_path / "empty.jsonl").touch()
        with pytest.raises(FetalStreamError, match=f"{events}: {complaint}"):
            export(Wanted(folder=captured, out=tmp_path / "dicom", events=tmp_path / events))


def test_captures_of_another_study_are_not_filed_with_a_cines_patient(gappy: Path, captured: Path, tmp_path: Path):
    for sidecar in captured.glob("*.json"):
        sidecar.write_text(sidecar.read_text().replace('"us-', '"us-0'))
    with pytest.raises(PacsError, match="the captures are of another study"):
        export(Wanted(folder=captured, out=tmp_path / "dicom", cine=gappy, of_cine=True))


def test_captures_of_two_exams_are_not_filed_under_one_persons_name(captured: Path, tmp_path: Path):
    write_capture(captured, number=2, stream="the-next-patient-1234abcd")
    who = Identity(patient_id="MRN4711")
    with pytest.raises(PacsError, match="of 2 exams, an identity is of one person"):
        export(Wanted(folder=captured, out=tmp_path / "dicom", identity=who))
    assert len(export(Wanted(folder=captured, out=tmp_path / "dicom")).files) == 8  # nobody's, each with its own number


# The commands.


def fetalstream(*words: str | Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "fetalstream", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=240)


@pytest.fixture
def phantom_cine(tmp_path: Path) -> tuple[Path, NDArray[np.uint8]]:
    """Five seconds of a simulated abdomen as a scanner would file them, and the frames."""
    source = PhantomSource(seed=3, seconds=5, fps=10, realtime=False, width_px=400, height_px=300)
    source.open()
    frames = np.stack([item.picture.grey for item in source.items() if isinstance(item, Frame)])
    path = write_cine(
        tmp_path / "DOE_JANE.dcm",
        frames=len(frames),
        rows=300,
        columns=400,
        data=frames.tobytes(),
        syntax=ExplicitVRLittleEndian,
        frame_time="100",
    )
    return path, frames


@pytest.mark.slow
@pytest.mark.server
def test_from_a_cine_to_the_archive_by_command(
    orthanc: Orthanc, phantom_cine: tuple[Path, NDArray[np.uint8]], tmp_path: Path
):
    cine, frames = phantom_cine
    reviewed = fetalstream(
        "review", cine, "--out", tmp_path / "out", "--set", f"capture.folder={tmp_path / 'captures'}"
    )
    assert reviewed.returncode == 0, reviewed.stderr
    (record,), (captures,) = (list((tmp_path / name).glob("us-*")) for name in ("out", "captures"))
    exports = {
        "of captures": fetalstream("dicom", "export", captures, "--out", tmp_path / "a"),
        "of the review": fetalstream(
            "dicom", "export", record, "--out", tmp_path / "b", "--source", cine, "--source-identity"
        ),
    }
    assert {name: done.stderr for name, done in exports.items()} == {"of captures": "", "of the review": ""}
    assert "1 still, 1 clip, 1 key-objects, 1 report; de-identified" in exports["of captures"].stdout
    assert "1 key-objects, 1 report; with the identity given" in exports["of the review"].stdout

    sent = fetalstream("dicom", "send", cine, tmp_path / "a", tmp_path / "b", "--to", orthanc.url)
    assert sent.returncode == 0, sent.stderr
    assert "7 stored, 0 refused, 0 waiting" in sent.stdout
    assert sent.stdout.count("stored and read back: ") == 7
    everything = "".join(done.stdout + done.stderr for done in (reviewed, *exports.values(), sent))
    assert [word for word in ("JANE", "MRN4711", "ACC99") if word in everything.replace(str(cine), "")] == []

    held = [pydicom.dcmread(io.BytesIO(orthanc.fetch(f"/instances/{name}/file"))) for name in orthanc.ask("/instances")]
    best = next(
        json.loads(line) for line in (record / "events.jsonl").read_text().splitlines() if '"plane.left"' in line
    )
    still = next(one for one in held if one.SOPClassUID.name == "Ultrasound Image Storage")
    for document in (one for one in held if one.Modality in ("KO", "SR")):
        ((uid, number),) = pointed_at(document)
        (target,) = [one for one in held if one.SOPInstanceUID == uid]
        assert uid == SOP
        pixels = target.pixel_array[number - 1]
        if document.PatientID == "MRN4711":  # of the review
            assert np.array_equal(pixels, frames[best["best_frame_index"]])
        else:  # of the captures: the still, but for its mask
            inside = still.pixel_array > 0
            assert inside.mean() > 0.2
            assert np.array_equal(pixels[inside], still.pixel_array[inside])


def test_what_cannot_be_sent_waits_and_the_command_says_so(gappy: Path, tmp_path: Path):
    nobody = "http://127.0.0.1:9/dicom-web"
    away = fetalstream("dicom", "send", gappy, "--to", nobody, "--patience", "0")
    assert away.returncode == 1
    assert "0 stored, 0 refused, 1 waiting" in away.stdout
    assert "Connection refused" in away.stderr
    assert "Traceback" not in away.stderr
    again = fetalstream("dicom", "send", "--to", nobody, "--patience", "0")
    assert "1 to send to http://127.0.0.1:9" in again.stdout


def test_a_capture_that_is_left_out_is_named_and_ends_in_an_error(tmp_path: Path):
    folder = tmp_path / "captures"
    folder.mkdir()
    Image.new("L", (8, 8)).save(folder / "0001-abdomen-1.00s.png")
    (folder / "0001-abdomen-1.00s.json").write_text("{}")
    done = fetalstream("dicom", "export", folder, "--out", tmp_path / "dicom")
    assert done.returncode == 1
    assert "left out: 0001-abdomen-1.00s: " in done.stderr
    assert "is no sidecar of a capture" in done.stderr


def test_without_the_extra_one_line_says_what_to_install():
    code = (
        "import sys; sys.modules['highdicom'] = None; sys.argv[1:] = ['dicom', 'send', '--to', 'https://x/'];"
        "from fetalstream.pipeline.cli.app import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.strip() == "error: DICOM objects need more packages: pip install 'fetalstream[pacs]'"
