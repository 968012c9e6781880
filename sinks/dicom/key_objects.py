"""Key Object Selection: the frames worth looking at, by number, in the cine they are frames of."""

from highdicom.ko import KeyObjectSelection, KeyObjectSelectionDocument
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from .codes import OF_INTEREST, plane_code
from .findings import Findings
from .header import RESEARCH_USE, equipment, finish
from .identity import Filing, digest_of
from .observer import observer_context
from .reference import evidence_of
from .uids import derived_uid

KEY_OBJECTS_SERIES = 9103


def key_objects(findings: Findings, filed: Filing, *, wall_time: str = "") -> Dataset:
    """One reference for each plane that was seen, in order; the description names them in the same order.

    It is filed under ``filed`` and lists its evidence under the study it lies in. Where the two studies differ (objects
    without a patient that point into a cine of the archive) most viewers show it nowhere but in its own study.
    """
    evidence = [evidence_of(finding.at, filed) for finding in findings.planes]
    content = KeyObjectSelection(
        document_title=Code(*OF_INTEREST[:3]),
        referenced_objects=evidence,
        observer_device_context=observer_context(),
        description=_description(findings),
    )
    for item, finding in zip(content.get_references(), findings.planes, strict=True):
        if finding.at.frame_numbers:
            item.ReferencedSOPSequence[0].ReferencedFrameNumber = list(finding.at.frame_numbers)
    said = digest_of([item.to_json_dict() for item in content])
    document = KeyObjectSelectionDocument(
        evidence=evidence,
        content=content,
        series_instance_uid=derived_uid(filed.root, "series", findings.stream, "key objects"),
        series_number=KEY_OBJECTS_SERIES,
        sop_instance_uid=derived_uid(filed.root, "key objects", findings.stream, said),
        instance_number=1,
        series_description="FetalStream: key frames (research use)",
        **equipment(),
    )
    finish(document, filed, wall_time=wall_time)
    return document


def _description(findings: Findings) -> str:
    lines = [f"Best views of standard planes, chosen by software. {RESEARCH_USE}"]
    for number, finding in enumerate(findings.planes, start=1):
        frames = ", ".join(map(str, finding.at.frame_numbers))
        where = f"frame {frames}, " if frames else ""
        lines.append(
            f"{number}. {plane_code(finding.plane).meaning}: {where}{finding.pts_seconds:.2f} s, "
            f"score {finding.score:.2f}"
        )
    return "\r\n".join(lines)
