"""Whose objects they are: nobody's by default, a patient's when the operator hands the identity over."""

import hashlib
import json
import re
import warnings
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import msgspec
import pydicom
from pydicom import config
from pydicom.errors import InvalidDicomError
from pydicom.uid import UID

from ..sink import SinkError
from .uids import derived_uid

_LARGEST_BYTES = 1 << 16
_DATE = re.compile(r"\d{8}")
_TIME = re.compile(r"([01]\d|2[0-3])([0-5]\d([0-5]\d(\.\d{1,6})?)?)?")
_CHARACTERS = "SpecificCharacterSet"
_FORBIDDEN = re.compile(r"[\\\x00-\x1f]")


def _keyword(field: str) -> str:
    """``patient_id`` -> ``PatientID``, as DICOM spells it."""
    return "".join({"id": "ID", "uid": "UID"}.get(word, word.capitalize()) for word in field.split("_"))


class Identity(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename=_keyword):
    """Who was examined, and for which request: what a modality worklist says. Spelled in files as DICOM spells it.

    Attributes:
        patient_id, patient_name, patient_birth_date, patient_sex: of the patient.
        issuer_of_patient_id: who gave the number, where several do.
        study_instance_uid: of the study the objects join; empty: a study of their own.
        accession_number, study_id, study_date, study_time, study_description, referring_physician_name: of the study.
    """

    patient_id: str
    patient_name: str = ""
    patient_birth_date: str = ""
    patient_sex: str = ""
    issuer_of_patient_id: str = ""
    study_instance_uid: str = ""
    accession_number: str = ""
    study_id: str = ""
    study_date: str = ""
    study_time: str = ""
    study_description: str = ""
    referring_physician_name: str = ""

    def __post_init__(self) -> None:
        if not self.patient_id.strip():
            raise ValueError("PatientID is empty")
        for field in ("patient_birth_date", "study_date"):
            if (value := getattr(self, field)) and not _is_date(value):
                raise ValueError(f"{_keyword(field)} is no date of the form YYYYMMDD")
        if self.study_time and not _TIME.fullmatch(self.study_time):
            raise ValueError("StudyTime is no time of the form HHMMSS")
        if self.patient_sex not in ("", "F", "M", "O"):
            raise ValueError("PatientSex is F, M, O or empty")
        if self.study_instance_uid and not UID(self.study_instance_uid, config.IGNORE).is_valid:
            raise ValueError("StudyInstanceUID is no UID")
        for field in self.__struct_fields__:
            value = getattr(self, field)
            if len(value) > 64 or _FORBIDDEN.search(value):
                raise ValueError(f"{_keyword(field)} is longer than 64 characters or holds a control character")

    def __repr__(self) -> str:
        return "Identity(...)"  # it must not get into logs


def _is_date(text: str) -> bool:
    try:
        datetime.strptime(text, "%Y%m%d")
    except ValueError:
        return False
    return bool(_DATE.fullmatch(text))


def read_identity(file: Path) -> Identity:
    """From a JSON file: ``{"PatientID": "...", "PatientName": "Family^Given", ...}`` with the names of `Identity`.

    Raises `SinkError`, which repeats nothing of the patient.
    """
    try:
        with file.open("rb") as opened:
            data = opened.read(_LARGEST_BYTES)
    except OSError as error:
        raise SinkError(f"identity {file}: cannot be read: {error.strerror}") from None
    try:
        return msgspec.json.decode(data, type=Identity)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SinkError(f"identity {file}: {error}") from None


def identity_of(file: Path, *, label: str) -> Identity:
    """That of a DICOM object, so that what points into it is filed beside it. Raises `SinkError`, naming ``label``."""
    wanted = [_keyword(field) for field in Identity.__struct_fields__]
    try:
        with warnings.catch_warnings(action="ignore"):  # they repeat values
            found = cast("Any", pydicom).dcmread(file, stop_before_pixels=True, specific_tags=[_CHARACTERS, *wanted])
            values = {keyword: str(found.get(keyword) or "") for keyword in wanted}
    except (InvalidDicomError, OSError, ValueError, AttributeError):
        raise SinkError(f"{label}: its patient cannot be read") from None
    try:
        return msgspec.convert(values, type=Identity)
    except msgspec.ValidationError as error:
        raise SinkError(f"{label}: its patient cannot be taken over: {error}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filing:
    """Where objects are filed.

    Attributes:
        identity: who they belong to.
        is_deidentified: ``identity`` is made up; no date and no institution may be told either.
        study_instance_uid: their study.
        root: what their UIDs are derived from: the same for the same exam and the same identity, and no other.
    """

    identity: Identity
    is_deidentified: bool
    study_instance_uid: str
    root: str


def filing(subject: str, identity: Identity | None = None) -> Filing:
    """De-identified objects of one exam, or ``identity``'s.

    Args:
        subject: stands for the exam or its study; nobody may be able to tell from it who was examined, since it
            becomes the made-up patient's number. Salted hashes are good.
        identity: who was examined; None makes objects that do not say.
    """
    if identity is not None:
        digest = hashlib.sha256(msgspec.json.encode(identity)).hexdigest()
        root = f"{subject} {digest}"
        study = identity.study_instance_uid or derived_uid(root, "study")
        return Filing(identity=identity, is_deidentified=False, study_instance_uid=study, root=root)
    made_up = Identity(patient_id=f"FS-{subject}", patient_name=f"FS-{subject}^")
    return Filing(
        identity=made_up, is_deidentified=True, study_instance_uid=derived_uid(subject, "study"), root=subject
    )


def base_arguments(filed: Filing) -> dict[str, Any]:
    """Patient and study as highdicom's constructors take them."""
    who = filed.identity
    return {
        "study_instance_uid": filed.study_instance_uid,
        "patient_id": who.patient_id,
        "patient_birth_date": who.patient_birth_date or None,
        "patient_sex": who.patient_sex,
        "accession_number": who.accession_number,
        "study_id": who.study_id,
        "study_date": who.study_date or None,
        "study_time": who.study_time or None,
        "referring_physician_name": who.referring_physician_name,
    }


def digest_of(value: object) -> str:
    """Hex digest of anything JSON can hold; for deriving UIDs from content."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
