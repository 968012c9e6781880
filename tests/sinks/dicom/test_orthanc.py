"""A real archive takes the objects, opens them, and gives back every pixel."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import pydicom
import pytest
from highdicom.ko import KeyObjectSelectionDocument
from highdicom.sr import ComprehensiveSR
from PIL import Image
from pydicom.dataset import Dataset

from fetalstream.sinks.dicom import Filing, export_captures, find_captures
from fetalstream.sinks.dicom.archive import Archive
from fetalstream.sinks.dicom.send import Outcome, send_all
from fetalstream.sinks.dicom.spool import Spool

from ...servers.orthanc import Orthanc
from .conftest import FRAMES, JANE, MakeCapture, age, heart, record

pytestmark = pytest.mark.server
FileOf = Callable[[str], Filing]


def send(orthanc: Orthanc, queue: Path, files: list[Path], *, patience: float = 60) -> Outcome:
    spool, archive = Spool(queue), Archive(orthanc.url)
    try:
        for file in files:
            spool.put(file)
        return send_all(spool, archive, patience_seconds=patience)
    finally:
        spool.close()
        archive.close()


def held(orthanc: Orthanc) -> dict[str, str]:
    """Orthanc's own names of the instances it holds, by SOP Instance UID."""
    names: Any = orthanc.ask("/instances")
    assert isinstance(names, list)
    return {orthanc.fetch(f"/instances/{name}/content/0008-0018").decode().strip("\0 "): name for name in names}


def read(orthanc: Orthanc, name: str) -> Dataset:
    return pydicom.dcmread(io.BytesIO(orthanc.fetch(f"/instances/{name}/file")))


def by_kind(files: list[Path]) -> dict[str, Dataset]:
    return {file.name.split("-2.25.")[0]: pydicom.dcmread(file) for file in files}


def decoded(clip: Path) -> np.ndarray:
    with av.open(str(clip)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def close(shown: np.ndarray, true: np.ndarray) -> bool:
    """Equal but for the rounding of a display window."""
    return shown.shape == true.shape and int(np.abs(shown.astype(int) - true).max()) <= 1


@pytest.mark.parametrize("colour", [False, True], ids=["grey", "colour"])
def test_every_pixel_of_every_frame_comes_back_and_orthanc_opens_them(
    colour: bool, orthanc: Orthanc, make_capture: MakeCapture, captures: Path, anonymous: FileOf, tmp_path: Path
):
    capture = make_capture(colour=colour)
    files = export_captures(find_captures(captures), tmp_path / "out", file_of=anonymous).files
    assert send(orthanc, tmp_path / "queue", files) == Outcome(stored=4, refused=0, waiting=0, reason="")
    names, sent = held(orthanc), by_kind(files)
    still = names[sent["still"].SOPInstanceUID]
    picture = np.asarray(Image.open(capture.with_suffix(".png")))
    assert np.array_equal(read(orthanc, still).pixel_array, picture)
    shown = np.asarray(Image.open(io.BytesIO(orthanc.fetch(f"/instances/{still}/rendered"))))
    assert close(shown, picture)  # it opens it by itself
    frames = decoded(capture.with_suffix(".mp4"))
    clip = names[sent["clip"].SOPInstanceUID]
    back = read(orthanc, clip).pixel_array
    assert len(back) == FRAMES
    for number, frame in enumerate(frames if colour else frames[..., 0]):
        assert np.array_equal(back[number], frame)
        shown = np.asarray(Image.open(io.BytesIO(orthanc.fetch(f"/instances/{clip}/frames/{number}/rendered"))))
        assert close(shown, frame)


def test_documents_are_read_back_and_point_at_the_right_frame(
    orthanc: Orthanc, make_capture: MakeCapture, captures: Path, anonymous: FileOf, tmp_path: Path
):
    capture = make_capture(best=6)
    said = record(age=age(), hearts=(heart(),))
    files = export_captures(find_captures(captures), tmp_path / "out", file_of=anonymous, record=said).files
    assert send(orthanc, tmp_path / "queue", files).stored == 4
    names, sent = held(orthanc), by_kind(files)
    frames = decoded(capture.with_suffix(".mp4"))[..., 0]
    picture = np.asarray(Image.open(capture.with_suffix(".png"))).astype(int)
    nearest = int(np.argmin([np.abs(frame - picture).mean() for frame in frames.astype(int)]))
    assert nearest == 6

    selection = KeyObjectSelectionDocument.from_dataset(read(orthanc, names[sent["key-objects"].SOPInstanceUID]))
    (item,) = selection.content.get_references()
    report = ComprehensiveSR.from_dataset(read(orthanc, names[sent["report"].SOPInstanceUID]))
    groups: Any = cast("Any", report.content).get_image_measurement_groups()
    group = next(group for group in groups if group.finding_type is not None)
    pointers: list[Any] = [item, group.source_images[0]]
    for pointer in pointers:
        (number,) = pointer.referenced_frame_numbers
        target = read(orthanc, names[pointer.referenced_sop_instance_uid])
        assert np.array_equal(target.pixel_array[number - 1], frames[nearest])


def test_sent_twice_there_is_still_one_of_each(
    orthanc: Orthanc, make_capture: MakeCapture, captures: Path, anonymous: FileOf, tmp_path: Path
):
    make_capture()
    for folder in ("first", "second"):
        files = export_captures(find_captures(captures), tmp_path / folder, file_of=anonymous).files
        assert send(orthanc, tmp_path / "queue", files).stored == 4
    counts = orthanc.ask("/statistics")
    assert isinstance(counts, dict)
    assert (counts["CountInstances"], counts["CountStudies"], counts["CountPatients"]) == (4, 1, 1)


def test_with_an_identity_they_join_the_study_that_is_there(
    orthanc: Orthanc, make_capture: MakeCapture, captures: Path, named: FileOf, tmp_path: Path
):
    make_capture()
    files = export_captures(find_captures(captures), tmp_path / "out", file_of=named).files
    assert send(orthanc, tmp_path / "queue", files).stored == 4
    (study,) = orthanc.ask("/studies?expand")
    assert study["MainDicomTags"]["StudyInstanceUID"] == JANE.study_instance_uid
    assert study["MainDicomTags"]["AccessionNumber"] == "ACC99"
    assert study["PatientMainDicomTags"]["PatientName"] == "DOE^JANE"
    assert len(study["Series"]) == 4


def test_an_archive_that_dies_and_comes_back_has_everything_in_the_end(
    orthanc: Orthanc, make_capture: MakeCapture, captures: Path, anonymous: FileOf, tmp_path: Path
):
    make_capture("abdomen", number=1)
    make_capture("femur", number=2)
    files = export_captures(find_captures(captures), tmp_path / "out", file_of=anonymous).files
    assert send(orthanc, tmp_path / "queue", files[:1]).stored == 1
    orthanc.stop()
    away = send(orthanc, tmp_path / "queue", files, patience=1)
    assert (away.stored, away.waiting) == (0, 6)
    assert "Connection refused" in away.reason
    orthanc.start()
    assert send(orthanc, tmp_path / "queue", []) == Outcome(stored=6, refused=0, waiting=0, reason="")
    assert set(held(orthanc)) == {str(pydicom.dcmread(file).SOPInstanceUID) for file in files}


def test_a_wrong_password_ends_it_at_once_and_nothing_is_lost(
    orthanc: Orthanc,
    make_capture: MakeCapture,
    captures: Path,
    anonymous: FileOf,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    make_capture()
    files = export_captures(find_captures(captures), tmp_path / "out", file_of=anonymous).files
    with monkeypatch.context() as other:
        other.setenv("FETALSTREAM_PACS_PASSWORD", "guessed")
        denied = send(orthanc, tmp_path / "queue", files)
    assert (denied.stored, denied.waiting) == (0, 4)
    assert "401" in denied.reason
    assert "guessed" not in denied.reason
    assert send(orthanc, tmp_path / "queue", []).stored == 4
