"""What the objects say, and that strangers to this package find nothing wrong with them."""

import hashlib
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import msgspec
import numpy as np
import pydicom
import pytest
from highdicom.ko import KeyObjectSelectionDocument
from highdicom.sr import ComprehensiveSR
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from fetalstream.sinks.dicom import Filing, export_captures, filing, find_captures
from fetalstream.sinks.dicom import codes as ours

from .conftest import (
    CINE,
    FRAMES,
    HEAD,
    JANE,
    MODEL,
    SECRETS,
    US_MULTI_FRAME,
    MakeCapture,
    age,
    complaints,
    dumped,
    heart,
    moving,
    record,
)

FileOf = Callable[[str], Filing]
SECONDARY_CAPTURE, US_IMAGE = "1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.6.1"


@pytest.fixture
def export(captures: Path, tmp_path: Path, anonymous: FileOf) -> Callable[..., dict[str, Dataset]]:
    """Exports the folder; gives the objects by kind ("still", "clip", "key-objects", "report"), the last of each."""

    def run(file_of: FileOf = anonymous, out: str = "out", **options: Any) -> dict[str, Dataset]:
        done = export_captures(find_captures(captures), tmp_path / out, file_of=file_of, **options)
        assert done.left_out == []
        return {file.name.split("-2.25.")[0]: pydicom.dcmread(file) for file in done.files}

    return run


@pytest.fixture
def tools() -> None:
    """dicom3tools and dcmtk; where they are missing the test is skipped at home and fails in CI."""
    if shutil.which("dciodvfy") and shutil.which("dcmdump"):
        return
    message = "dciodvfy and dcmdump are not installed (Debian packages: .ci/packages.txt)"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


# Pictures.


@pytest.mark.parametrize("colour", [False, True], ids=["grey", "colour"])
def test_a_still_holds_the_captures_pixels_bit_by_bit(colour: bool, make_capture: MakeCapture, export: Callable):
    file = make_capture(colour=colour)
    still = export()["still"]
    assert still.PhotometricInterpretation == ("RGB" if colour else "MONOCHROME2")
    assert np.array_equal(still.pixel_array, np.asarray(Image.open(file.with_suffix(".png"))))


@pytest.mark.parametrize("compress", [False, True], ids=["plain", "JPEG-LS"])
@pytest.mark.parametrize("colour", [False, True], ids=["grey", "colour"])
def test_a_clip_holds_every_frame_as_it_decodes(
    colour: bool, compress: bool, make_capture: MakeCapture, export: Callable
):
    file = make_capture(colour=colour)
    clip = export(compress=compress)["clip"]
    with av.open(str(file.with_suffix(".mp4"))) as container:
        frames = np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
    assert clip.NumberOfFrames == FRAMES == len(frames)
    assert np.array_equal(clip.pixel_array, frames if colour else frames[..., 0])
    assert np.abs(clip.pixel_array.astype(int) - np.stack(moving(colour=colour))).mean() < 4
    assert clip.file_meta.TransferSyntaxUID.name.startswith("JPEG-LS Lossless" if compress else "Explicit VR Little")
    assert (clip.LossyImageCompression, clip.LossyImageCompressionMethod) == ("01", "ISO_14496_10")  # before, as H.264
    assert clip.RepresentativeFrameNumber == 5


def test_a_capture_of_a_screen_is_a_secondary_capture_one_of_a_cine_an_ultrasound_image(
    make_capture: MakeCapture, export: Callable
):
    make_capture()
    objects = export()
    assert objects["still"].SOPClassUID == SECONDARY_CAPTURE
    assert objects["still"].ConversionType == "DV"
    assert "PixelSpacing" not in objects["still"]
    assert "SequenceOfUltrasoundRegions" not in objects["clip"]
    assert objects["clip"].SOPClassUID == US_MULTI_FRAME
    make_capture(source_dicom=CINE, spacing_mm=0.21, source="dicom:us-x-y")
    still = export(out="second")["still"]
    assert still.SOPClassUID == US_IMAGE
    (source,) = still.SourceImageSequence
    assert (source.ReferencedSOPInstanceUID, source.ReferencedFrameNumber) == (CINE.sop_instance_uid, 7)
    (region,) = still.SequenceOfUltrasoundRegions
    assert (region.PhysicalDeltaX, region.PhysicalDeltaY) == (pytest.approx(0.021), pytest.approx(0.021))  # cm
    assert (region.RegionLocationMaxX1, region.RegionLocationMaxY1) == (127, 95)
    assert export(out="third")["clip"].SequenceOfUltrasoundRegions[0].PhysicalUnitsXDirection == 3


@pytest.mark.parametrize("source", [None, CINE], ids=["screen", "cine"])
@pytest.mark.parametrize("lossy", [False, True], ids=["raw", "lossy"])
def test_a_still_of_a_lossy_source_says_so(lossy: bool, source: Any, make_capture: MakeCapture, export: Callable):
    make_capture(source_dicom=source, lossy=lossy)
    still = export()["still"]
    assert still.get("LossyImageCompression") == ("01" if lossy else None)


def test_a_clip_of_a_lossy_source_says_so_however_it_was_kept(
    make_capture: MakeCapture, export: Callable, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("fetalstream.sinks.dicom.pixels._LOSSLESS_CODECS", frozenset({"h264"}))
    make_capture()
    assert "LossyImageCompression" not in export()["clip"]
    make_capture(lossy=True)
    assert export(out="lossy")["clip"].LossyImageCompression == "01"


def test_a_clip_is_played_at_its_own_pace(make_capture: MakeCapture, export: Callable):
    make_capture()
    clip = export()["clip"]
    assert (clip.FrameIncrementPointer, clip.FrameTime, clip.CineRate) == (0x00181063, 40, 25)


def test_a_clip_of_uneven_pace_has_the_time_of_each_frame(make_capture: MakeCapture, export: Callable):
    make_capture(steps_seconds=(0.04,) * 4 + (0.12,) + (0.04,) * 3)
    clip = export()["clip"]
    assert clip.FrameIncrementPointer == 0x00181065
    assert [round(float(step)) for step in clip.FrameTimeVector] == [0, 40, 40, 40, 40, 120, 40, 40, 40]


def test_the_view_is_coded(make_capture: MakeCapture, export: Callable):
    make_capture("four_chamber")
    still = export()["still"]
    (view,), (region,) = still.ViewCodeSequence, still.AnatomicRegionSequence
    assert (view.CodeValue, view.CodingSchemeDesignator) == ("four_chamber", "99FETALSTREAM")
    assert (region.CodeValue, region.CodingSchemeDesignator) == ("80891009", "SCT")
    (scheme,) = still.CodingSchemeIdentificationSequence
    assert scheme.CodingSchemeDesignator == "99FETALSTREAM"


# Whose they are.


def test_by_default_nothing_tells_who_was_examined_or_when(make_capture: MakeCapture, export: Callable, tmp_path: Path):
    make_capture(source_dicom=None)
    for kind, thing in export(record=record(age=age(), hearts=(heart(),))).items():
        assert (thing.PatientID, str(thing.PatientName)) == ("FS-0123456789ab", "FS-0123456789ab^"), kind
        assert (thing.StudyDate, thing.PatientBirthDate, thing.AccessionNumber) == ("", "", "")
        assert thing.PatientIdentityRemoved == "YES"
        assert thing.get("ContentDate") == ("19000101" if kind in ("key-objects", "report") else None)
        assert len(thing.DeidentificationMethod) == 2
    for file in (tmp_path / "out").iterdir():
        assert re.fullmatch(r"(still|clip|key-objects|report)-2\.25\.\d+\.dcm", file.name)
        content = file.read_bytes()
        assert [secret for secret in SECRETS if secret in content] == []


def test_with_an_identity_the_objects_join_the_patients_study(
    make_capture: MakeCapture, export: Callable, named: FileOf, tmp_path: Path, recwarn: pytest.WarningsRecorder
):
    make_capture(source_dicom=CINE)
    for thing in export(named).values():
        assert (thing.PatientID, str(thing.PatientName)) == ("MRN4711", "DOE^JANE")
        assert (thing.PatientBirthDate, thing.PatientSex) == ("19840512", "F")
        assert thing.StudyInstanceUID == JANE.study_instance_uid
        assert (thing.StudyDate, thing.AccessionNumber) == ("20240229", "ACC99")
        assert thing.ContentDate == "20261125"
        assert "PatientIdentityRemoved" not in thing
    assert not [file.name for file in (tmp_path / "out").iterdir() if re.search("DOE|JANE|MRN", file.name)]
    assert not [str(warning.message) for warning in recwarn if "DOE" in str(warning.message)]


def test_a_name_of_any_script_is_written_as_it_is(make_capture: MakeCapture, export: Callable):
    make_capture()
    who = msgspec.structs.replace(JANE, patient_name="Müller^Zoë=山田^花子", referring_physician_name="Łukasz^Ö")
    for thing in export(lambda _: filing("0123456789ab", who)).values():
        assert str(thing.PatientName) == "Müller^Zoë=山田^花子"
        assert str(thing.ReferringPhysicianName) == "Łukasz^Ö"


def test_a_document_of_a_recording_has_the_date_of_its_study(
    make_capture: MakeCapture, export: Callable, named: FileOf
):
    make_capture(wall_time="")
    objects = export(named)
    assert [objects[kind].get("ContentDate") for kind in ("still", "clip", "key-objects", "report")] == [
        None,
        None,
        "20240229",
        "20240229",
    ]


def test_an_unmasked_picture_is_left_out_unless_its_owner_is_known_or_it_is_asked_for(
    make_capture: MakeCapture, captures: Path, anonymous: FileOf, named: FileOf, tmp_path: Path
):
    make_capture("femur", number=1, masked=False)
    make_capture("abdomen", number=2)
    done = export_captures(find_captures(captures), tmp_path / "a", file_of=anonymous)
    assert [name for name, _ in done.left_out] == ["0001-femur-0.16s"]
    assert "not masked" in done.left_out[0].reason
    assert len(done.files) == 4  # of the other one
    for folder, file_of, allow in (("b", named, False), ("c", anonymous, True)):
        done = export_captures(find_captures(captures), tmp_path / folder, file_of=file_of, allow_unmasked=allow)
        assert done.left_out == []
        images = [pydicom.dcmread(file) for file in done.files if file.name.startswith(("still", "clip"))]
        assert {image.BurnedInAnnotation for image in images} == {"YES", "NO"}
        assert all(
            image.get("PatientIdentityRemoved") != "YES" for image in images if image.BurnedInAnnotation == "YES"
        )


def test_the_same_again_is_the_same_object_for_somebody_else_another(
    make_capture: MakeCapture, export: Callable, named: FileOf, tmp_path: Path
):
    make_capture(source_dicom=CINE)
    first, again, other = export(out="first"), export(out="again"), export(named, out="other")
    for kind in first:
        assert first[kind].SOPInstanceUID == again[kind].SOPInstanceUID
        assert first[kind].SOPInstanceUID != other[kind].SOPInstanceUID
        assert first[kind].SeriesInstanceUID != other[kind].SeriesInstanceUID
    contents = [
        sorted(hashlib.sha256(file.read_bytes()).hexdigest() for file in (tmp_path / folder).iterdir())
        for folder in ("first", "again")
    ]
    assert contents[0] == contents[1]


@pytest.mark.parametrize(
    ("what", "value"),
    [("observer.__version__", "0.0.99"), ("{}.RESEARCH_USE", "Not for diagnosis at all.")],
    ids=["version", "wording"],
)
@pytest.mark.parametrize(("kind", "module"), [("report", "report"), ("key-objects", "key_objects")])
def test_a_document_with_other_content_is_another_object(
    kind: str,
    module: str,
    what: str,
    value: str,
    make_capture: MakeCapture,
    export: Callable,
    monkeypatch: pytest.MonkeyPatch,
):
    make_capture()
    before, again = export(out="before")[kind], export(out="again")[kind]
    monkeypatch.setattr(f"fetalstream.sinks.dicom.{what.format(module)}", value)
    after = export(out="after")[kind]
    assert before.SOPInstanceUID == again.SOPInstanceUID != after.SOPInstanceUID
    assert before.SeriesInstanceUID == after.SeriesInstanceUID


def test_another_picture_under_the_same_name_is_another_object(make_capture: MakeCapture, export: Callable):
    make_capture(clip=False)
    before = export(out="before")["still"]
    make_capture(clip=False, colour=True)
    assert export(out="after")["still"].SOPInstanceUID != before.SOPInstanceUID


# Key objects.


def test_key_objects_point_into_the_source_cine_by_frame_number(
    make_capture: MakeCapture, export: Callable, named: FileOf
):
    make_capture(source_dicom=CINE)
    for document in (export(named)["key-objects"], export(out="anonymous")["key-objects"]):
        (item,) = KeyObjectSelectionDocument.from_dataset(document).content.get_references()
        assert item.referenced_sop_instance_uid == CINE.sop_instance_uid
        assert item.referenced_frame_numbers == [7]
        (study,) = document.CurrentRequestedProcedureEvidenceSequence
        assert study.StudyInstanceUID == CINE.study_instance_uid
        assert study.ReferencedSeriesSequence[0].SeriesInstanceUID == CINE.series_instance_uid
    assert document.StudyInstanceUID != CINE.study_instance_uid


@pytest.mark.parametrize("clip", [True, False], ids=["clip", "still"])
def test_without_a_cine_they_point_into_our_own_clip_else_at_our_still(
    clip: bool, make_capture: MakeCapture, export: Callable
):
    make_capture(clip=clip)
    objects = export()
    (item,) = KeyObjectSelectionDocument.from_dataset(objects["key-objects"]).content.get_references()
    target = objects["clip" if clip else "still"]
    assert item.referenced_sop_instance_uid == target.SOPInstanceUID
    assert item.referenced_frame_numbers == ([5] if clip else None)
    if clip:  # and that frame is the still, as far as H.264 goes
        errors = [np.abs(frame.astype(int) - objects["still"].pixel_array).mean() for frame in target.pixel_array]
        assert int(np.argmin(errors)) == 4


# The report.


def texts(document: Dataset) -> str:
    """All text of a document, item by item."""
    return "\n".join(str(element.value) for element in document.iterall() if element.keyword == "TextValue")


def groups_of(document: Dataset) -> list[Any]:
    content: Any = ComprehensiveSR.from_dataset(document).content
    return content.get_image_measurement_groups()


def test_a_report_gives_plane_score_frame_and_the_very_algorithm(make_capture: MakeCapture, export: Callable):
    make_capture("four_chamber", source_dicom=CINE)
    document = export()["report"]
    (group,) = groups_of(document)
    assert group.finding_type == ours.plane_code("four_chamber")
    assert [site.value.value for site in group.finding_sites] == ["80891009"]
    values = {
        measurement.name.meaning: (measurement.value, measurement.unit.value)
        for measurement in group.get_measurements()
    }
    assert values["Certainty of Finding"] == (93.0, "%")
    assert values["Picture quality, 0 to 100"] == (81.0, "%")
    (image,) = group.source_images
    assert (image.referenced_sop_instance_uid, image.referenced_frame_numbers) == (CINE.sop_instance_uid, [7])
    said = texts(document)
    assert f"weights sha256 {MODEL.sha256}" in said
    assert f"configuration sha256 {'cd' * 32}" in said
    assert {"compact", "7"} <= set(said.splitlines())
    assert "Research use only: not for diagnosis." in said
    assert (document.CompletionFlag, document.VerificationFlag, document.PreliminaryFlag) == (
        "PARTIAL",
        "UNVERIFIED",
        "PRELIMINARY",
    )


def numbers(document: Dataset, code: str) -> list[Dataset]:
    """Every number with that code, wherever it stands."""
    found: list[Dataset] = []

    def visit(items: Any) -> None:
        for item in items:
            if item.ValueType == "NUM" and item.ConceptNameCodeSequence[0].CodeValue == code:
                found.append(item)
            visit(item.get("ContentSequence", []))

    visit(document.ContentSequence)
    return found


def reach(item: Dataset) -> dict[str, tuple[float, str]]:
    """The ends of a number's interval, by code, with their unit."""
    children = [child for child in item.ContentSequence if child.ValueType == "NUM"]
    return {
        child.ConceptNameCodeSequence[0].CodeValue: (
            float(child.MeasuredValueSequence[0].NumericValue),
            child.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue,
        )
        for child in children
    }


def test_gestational_age_has_its_interval_in_days(make_capture: MakeCapture, export: Callable):
    make_capture()
    document = export(record=record(age=age()))["report"]
    (item,) = numbers(document, "18185-9")
    measured = item.MeasuredValueSequence[0]
    assert (float(measured.NumericValue), measured.MeasurementUnitsCodeSequence[0].CodeValue) == (139.4, "d")
    assert reach(item) == {"371886008": (6.6, "d"), "371885007": (5.4, "d")}
    assert "19 weeks 6 days (19 weeks 1 days to 20 weeks 6 days, 90% interval), from 31 frames" in texts(document)
    assert HEAD.sha256 in texts(document)


@pytest.mark.parametrize("source", [None, CINE], ids=["screen", "cine"])
def test_an_age_points_at_the_whole_cine_and_at_no_capture(source: Any, make_capture: MakeCapture, export: Callable):
    make_capture("abdomen", source_dicom=source)
    groups = groups_of(export(record=record(age=age()))["report"])
    (of_age,) = [group for group in groups if group.tracking_identifier == "gestational age"]
    targets = [(image.referenced_sop_instance_uid, image.referenced_frame_numbers) for image in of_age.source_images]
    assert targets == ([] if source is None else [(CINE.sop_instance_uid, None)])


def test_an_age_without_an_interval_is_no_number(make_capture: MakeCapture, export: Callable):
    make_capture()
    document = export(record=record(age=age(low_days=None, high_days=None, coverage=None, method="zero_shot")))[
        "report"
    ]
    assert numbers(document, "18185-9") == []
    assert "Gestational age is not reported: the method gives no interval." in texts(document)


def test_a_heart_score_is_never_a_bare_alarm(make_capture: MakeCapture, export: Callable):
    make_capture()
    document = export(record=record(hearts=(heart(),)))["report"]
    (item,) = numbers(document, "chd_score")
    assert float(item.MeasuredValueSequence[0].NumericValue) == 0.31
    assert reach(item) == {"371886008": (0.24, "1"), "371885007": (0.19, "1")}
    said = texts(document)
    assert "interval 0.12 to 0.55" in said
    assert "No statement about this heart. Research use only: not for diagnosis." in said
    assert "trained on phantom hearts" in said
    findings = {group.finding_type.value for group in groups_of(document)}
    assert findings == {"abdomen", "four_chamber"}  # never "congenital heart disease"


def test_a_heart_head_that_abstains_gives_no_number(make_capture: MakeCapture, export: Callable):
    make_capture()
    document = export(record=record(hearts=(heart(abstains=True, reason="too few frames"),)))["report"]
    assert numbers(document, "chd_score") == []
    assert "does not commit itself: too few frames" in texts(document)


def test_why_there_is_no_age_or_score_is_said(make_capture: MakeCapture, export: Callable):
    make_capture()
    document = export(record=record(remarks=("No gestational age: no pixel spacing",)))["report"]
    assert "No gestational age: no pixel spacing" in texts(document)


def test_the_events_of_another_stream_are_not_mixed_in(make_capture: MakeCapture, export: Callable):
    make_capture(stream="another")
    assert numbers(export(record=record(age=age()))["report"], "18185-9") == []


# Strangers.


@pytest.mark.server
@pytest.mark.parametrize("owner", ["anonymous", "named"])
def test_dciodvfy_and_dcmdump_find_nothing_wrong(
    owner: str, make_capture: MakeCapture, captures: Path, tmp_path: Path, request: pytest.FixtureRequest, tools: None
):
    made_of = {"four_chamber": None, "femur": CINE, "kidneys": CINE, "an unknown plane of long name": None}
    for number, (plane, source) in enumerate(made_of.items(), start=1):
        make_capture(
            plane,
            number=number,
            colour=number % 2 == 0,
            source_dicom=source,
            spacing_mm=0.2,
            lossy=number > 1,
            stream=f"stream {source is None}",
        )
    said = record(age=age(), hearts=(heart(), heart(abstains=True, reason="too few frames")), remarks=("No this",))
    done = export_captures(
        find_captures(captures), tmp_path / "out", file_of=request.getfixturevalue(owner), record=said
    )
    assert done.left_out == []
    assert len(done.files) == 12
    assert {file.name: found for file in done.files if (found := complaints(file))} == {}
    assert all("MediaStorageSOPInstanceUID" in dumped(file) for file in done.files)


@pytest.mark.server
def test_dciodvfy_would_complain(make_capture: MakeCapture, export: Callable, tmp_path: Path, tools: None):
    make_capture()
    still = export()["still"]
    del still.ConversionType
    still.Rows = None
    still.save_as(tmp_path / "broken.dcm")
    assert any("ConversionType" in line for line in complaints(tmp_path / "broken.dcm"))


# Codes.


def test_every_code_fits_its_field_and_those_of_others_are_theirs():
    from pydicom.sr.codedict import codes

    mine = [value for value in vars(ours).values() if isinstance(value, Code)]
    planes = [ours.plane_code(plane) for plane in ours._PLANES] + [ours.plane_code("a plane of another model, unknown")]
    for code in [*mine, *planes, *ours.AGE_METHODS.values()]:
        assert 1 <= len(code.value) <= 16
        assert 1 <= len(code.meaning) <= 64
        assert len(code.scheme_designator) <= 16
    known = {
        (concept.value, concept.scheme_designator)
        for scheme in ("DCM", "SCT", "LN", "UCUM")
        for name in dir(getattr(codes, scheme))
        for concept in [getattr(getattr(codes, scheme), name)]
        if isinstance(concept, Code)
    }
    theirs = [
        code for code in [*mine, *(site for _, site in ours._PLANES.values())] if code.scheme_designator != ours.SCHEME
    ]
    assert [code for code in theirs if (code.value, code.scheme_designator) not in known] == []


def test_every_plane_of_the_project_has_a_code_of_its_own():
    from fetalstream.models.planes import GROUPS, Plane

    names = [*(str(plane) for plane in Plane), *GROUPS]
    assert len({ours.plane_code(name).value for name in names}) == len(names)
    assert all(ours.site_code(name) is not None for name in names)


# What is wrong with a capture is said, and the rest is exported.


@pytest.mark.parametrize("damage", ["no clip", "short clip", "torn clip", "torn picture", "torn sidecar", "no video"])
def test_a_damaged_capture_is_left_out_by_name(
    damage: str, make_capture: MakeCapture, captures: Path, anonymous: FileOf, tmp_path: Path
):
    bad, _ = make_capture("femur", number=1), make_capture("abdomen", number=2)
    clip, picture = bad.with_suffix(".mp4"), bad.with_suffix(".png")
    if damage == "no clip":
        clip.unlink()
    elif damage == "short clip":
        bad.write_text(bad.read_text().replace(f'"frames": {FRAMES}', f'"frames": {FRAMES + 1}'))
    elif damage == "torn clip":
        clip.write_bytes(clip.read_bytes()[:2000])
    elif damage == "no video":
        clip.write_bytes(b"nothing of the kind" * 100)
    else:
        torn = picture if damage == "torn picture" else bad
        torn.write_bytes(torn.read_bytes()[: len(torn.read_bytes()) // 2])
    done = export_captures(find_captures(captures), tmp_path / "out", file_of=anonymous)
    assert [name for name, _ in done.left_out] == [bad.stem]
    assert len(done.files) == 4
    assert "abdomen" in str(pydicom.dcmread(done.files[0]).ViewCodeSequence)
