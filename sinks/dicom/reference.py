"""Pointing at pictures: which object, and which of its frames."""

from typing import NamedTuple

from pydicom.dataset import Dataset

from .identity import Filing


class Reference(NamedTuple):
    """A picture that something is said of.

    Attributes:
        frame_numbers: from 1; empty for an object of one frame, and for all frames of one.
    """

    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    sop_class_uid: str
    frame_numbers: tuple[int, ...] = ()

    @property
    def numbers_or_none(self) -> list[int] | None:
        return list(self.frame_numbers) or None


def evidence_of(reference: Reference, filed: Filing) -> Dataset:
    """What highdicom wants to know of an object that a document points at.

    It takes patient and study of the document from there, so they are ``filed``'s and not the object's own, which this
    program may never have seen.
    """
    who = filed.identity
    evidence = Dataset()
    evidence.SpecificCharacterSet = "ISO_IR 192"
    evidence.PatientID, evidence.PatientName = who.patient_id, None
    evidence.PatientBirthDate, evidence.PatientSex = who.patient_birth_date, who.patient_sex
    evidence.AccessionNumber, evidence.StudyID = who.accession_number, who.study_id
    evidence.StudyDate, evidence.StudyTime = who.study_date or None, who.study_time or None
    evidence.ReferringPhysicianName = who.referring_physician_name
    evidence.StudyInstanceUID = reference.study_instance_uid
    evidence.SeriesInstanceUID = reference.series_instance_uid
    evidence.SOPInstanceUID = reference.sop_instance_uid
    evidence.SOPClassUID = reference.sop_class_uid
    evidence.Rows = evidence.Columns = 1  # a picture: highdicom tells pictures from documents by it
    return evidence
