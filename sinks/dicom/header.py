"""What all our objects have in common: who made them, for whom, and what they may not tell."""

from datetime import datetime
from typing import Any

from highdicom.coding_schemes import CodingSchemeIdentificationItem

from ... import __version__
from .codes import SCHEME, SCHEME_NAME
from .identity import Filing
from .uids import derived_uid

MANUFACTURER = "FetalStream"
DEVICE_UID = derived_uid("device observer", __version__)
RESEARCH_USE = "Research use only: not for diagnosis."
NO_DATE, NO_TIME = "19000101", "000000"
"""Where DICOM insists on a date and none may be told (PS3.15, E.1: a dummy value)."""
_METHODS = ["No patient attributes, no dates; all but the fan is black", "UIDs of source objects kept"]


def equipment() -> dict[str, Any]:
    """The General Equipment module as highdicom's constructors take it."""
    return {
        "manufacturer": MANUFACTURER,
        "manufacturer_model_name": "fetalstream",
        "software_versions": __version__,
        "coding_schemes": [CodingSchemeIdentificationItem(SCHEME, name=SCHEME_NAME)],
    }


def finish(data_set: Any, filed: Filing, *, wall_time: str, masked: bool = True) -> None:
    """Set dates, and say whether a patient can be recognised; without the dates of the making, which would differ.

    Args:
        data_set: is changed.
        filed: whose it is.
        wall_time: when the picture was taken, ISO 8601; empty when nobody knows. Not told of de-identified objects.
        masked: no text is burned into the picture (documents have none).
    """
    who = filed.identity
    for keyword in ("InstanceCreationDate", "InstanceCreationTime"):
        if keyword in data_set:
            delattr(data_set, keyword)
    contributions: Any = data_set.get("ContributingEquipmentSequence") or []
    for contribution in contributions:
        del contribution.ContributionDateTime  # of highdicom's
    data_set.SpecificCharacterSet = "ISO_IR 192"
    data_set.StudyInstanceUID = filed.study_instance_uid
    data_set.PatientName = who.patient_name  # not through highdicom: it may warn of a name, and repeats it
    if who.study_description:
        data_set.StudyDescription = who.study_description
    if who.issuer_of_patient_id:
        data_set.IssuerOfPatientID = who.issuer_of_patient_id
    _set_dates(data_set, filed, None if filed.is_deidentified else _moment(wall_time))
    if filed.is_deidentified:
        data_set.PatientIdentityRemoved = "YES" if masked else "NO"
        data_set.LongitudinalTemporalInformationModified = "REMOVED"
        if masked:
            data_set.DeidentificationMethod = _METHODS


def _set_dates(data_set: Any, filed: Filing, moment: datetime | None) -> None:
    """Of the content. A picture may have none; a document must, and has the study's where its own is unknown."""
    if moment is not None:
        data_set.ContentDate, data_set.ContentTime = f"{moment:%Y%m%d}", f"{moment:%H%M%S}"
    elif "ContentSequence" in data_set:
        who = filed.identity
        data_set.ContentDate, data_set.ContentTime = who.study_date or NO_DATE, who.study_time or NO_TIME
    else:
        del data_set.ContentDate
        del data_set.ContentTime


def _moment(wall_time: str) -> datetime | None:
    """Local time, as all times in DICOM are that name no zone."""
    try:
        return datetime.fromisoformat(wall_time).astimezone()
    except ValueError:
        return None
