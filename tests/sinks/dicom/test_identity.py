"""A patient's identity is taken whole or not at all, and is repeated nowhere."""

import json
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.uid import UID

from fetalstream.sinks import SinkError
from fetalstream.sinks.dicom import filing, identity_of, read_identity
from fetalstream.sinks.dicom.uids import derived_uid

from .conftest import JANE

JANE_AS_DICOM = {
    "PatientID": "MRN4711",
    "PatientName": "DOE^JANE",
    "PatientBirthDate": "19840512",
    "PatientSex": "F",
    "StudyInstanceUID": "1.2.826.0.1.3680043.8.498.41",
    "AccessionNumber": "ACC99",
    "StudyDate": "20240229",
}


def written(tmp_path: Path, **changes: Any) -> Path:
    file = tmp_path / "identity.json"
    file.write_text(json.dumps({**JANE_AS_DICOM, **changes}), encoding="utf-8")
    return file


def test_an_identity_is_read_by_dicoms_own_names(tmp_path: Path):
    assert read_identity(written(tmp_path)) == JANE


def test_names_of_all_scripts_are_taken(tmp_path: Path):
    assert read_identity(written(tmp_path, PatientName="Müller^Zoë")).patient_name == "Müller^Zoë"


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"PatientID": ""}, "PatientID is empty"),
        ({"PatientID": " "}, "PatientID is empty"),
        ({"PatientID": 4711}, "`$.PatientID`"),
        ({"PatientName": "DOE^JANE\nx"}, "PatientName is longer than 64 characters or holds a control character"),
        ({"PatientName": "DOE^JANE" * 9}, "PatientName is longer than 64"),
        ({"PatientName": "DOE\\JANE"}, "PatientName is longer than 64"),
        ({"PatientBirthDate": "12.05.1984"}, "PatientBirthDate is no date"),
        ({"StudyDate": "20240230"}, "StudyDate is no date"),
        ({"StudyTime": "25"}, "StudyTime is no time"),
        ({"PatientSex": "female"}, "PatientSex is F, M, O or empty"),
        ({"StudyInstanceUID": "JANE"}, "StudyInstanceUID is no UID"),
        ({"PatientsName": "DOE^JANE"}, "unknown field `PatientsName`"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, dict) else None,
)
def test_what_cannot_be_an_identity_is_refused_and_not_repeated(
    changes: dict[str, Any], complaint: str, tmp_path: Path
):
    with pytest.raises(SinkError) as raised:
        read_identity(written(tmp_path, **changes))
    assert complaint in str(raised.value)
    assert [secret for secret in ("DOE", "JANE", "MRN", "1984") if secret in str(raised.value)] == []


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff\xfe", b'{"PatientID": "'])
def test_what_is_no_such_file_is_named(content: bytes, tmp_path: Path):
    (tmp_path / "who.json").write_bytes(content)
    with pytest.raises(SinkError, match=r"identity .*who\.json"):
        read_identity(tmp_path / "who.json")
    with pytest.raises(SinkError, match=r"gone\.json: cannot be read"):
        read_identity(tmp_path / "gone.json")


def test_it_is_taken_over_from_an_object(tmp_path: Path):
    cine = pydicom.dcmread(pydicom.examples.get_path("ybr_color"))  # pyright: ignore[reportAttributeAccessIssue]
    for keyword, value in JANE_AS_DICOM.items():
        setattr(cine, keyword, value)
    cine.StudyTime = cine.StudyID = cine.StudyDescription = cine.ReferringPhysicianName = ""
    cine.save_as(tmp_path / "cine.dcm")
    assert identity_of(tmp_path / "cine.dcm", label="a cine") == JANE


def test_an_object_without_a_patient_gives_none(tmp_path: Path):
    cine = pydicom.dcmread(pydicom.examples.get_path("ybr_color"))  # pyright: ignore[reportAttributeAccessIssue]
    cine.PatientID = ""
    cine.save_as(tmp_path / "DOE.dcm")
    with pytest.raises(SinkError, match="a cine: its patient cannot be taken over: PatientID is empty"):
        identity_of(tmp_path / "DOE.dcm", label="a cine")
    (tmp_path / "DOE.dcm").write_bytes(b"nothing")
    with pytest.raises(SinkError, match="a cine: its patient cannot be read"):
        identity_of(tmp_path / "DOE.dcm", label="a cine")


@pytest.mark.filterwarnings("error")
def test_an_identity_that_is_wrong_is_repeated_in_no_warning(tmp_path: Path):
    path = tmp_path / "cine.dcm"

    def write() -> None:
        cine = pydicom.dcmread(pydicom.examples.get_path("ybr_color"))  # pyright: ignore[reportAttributeAccessIssue]
        cine.PatientID, cine.PatientBirthDate = "MRN4711", "of JANE"
        cine.save_as(path)

    with pytest.warns(UserWarning, match="JANE"):  # as pydicom does
        write()
    with pytest.raises(SinkError, match="PatientBirthDate is no date"):
        identity_of(path, label="a cine")
    with pytest.raises(SinkError, match="StudyInstanceUID is no UID"):
        read_identity(written(tmp_path, StudyInstanceUID="JANE"))


def test_it_shows_in_no_print(tmp_path: Path):
    shown = repr(JANE) + repr(filing("0123456789ab", JANE))
    assert [secret for secret in ("DOE", "JANE", "MRN", "ACC99") if secret in shown] == []


def test_derived_uids_are_uids_and_depend_on_every_part():
    uids = {derived_uid(*parts) for parts in (("a",), ("a", ""), ("", "a"), ("a", "b"), ("ab",), ("b", "a"))}
    assert len(uids) == 6
    assert all(UID(uid).is_valid and uid.startswith("2.25.") and len(uid) <= 64 for uid in uids)
    assert derived_uid("a", "b") == derived_uid("a", "b")


def test_the_same_person_has_one_study_another_person_another():
    mine = filing("0123456789ab")
    assert mine.study_instance_uid == filing("0123456789ab").study_instance_uid
    assert mine.study_instance_uid != filing("ba9876543210").study_instance_uid
    assert filing("0123456789ab", JANE).root != mine.root
