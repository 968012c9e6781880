"""The findings as a measurement report (TID 1500): each with the algorithm that spoke and the frame it speaks of."""

from collections.abc import Iterator
from typing import Any

from highdicom.sr import (
    CodedConcept,
    ComprehensiveSR,
    FindingSite,
    Measurement,
    MeasurementProperties,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    NumContentItem,
    ObservationContext,
    QualitativeEvaluation,
    RelationshipTypeValues,
    SourceImageForMeasurementGroup,
    SubjectContext,
    SubjectContextFetus,
    TextContentItem,
    TrackingIdentifier,
)
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from ..findings import AgeEstimated
from . import codes as ours
from .findings import Findings, HeartFinding, PlaneFinding
from .header import RESEARCH_USE, equipment, finish
from .identity import Filing, digest_of
from .observer import algorithm, observer_context
from .reference import Reference, evidence_of
from .uids import derived_uid

REPORT_SERIES = 9104


def report(findings: Findings, filed: Filing, *, wall_time: str = "") -> Dataset:
    """A Comprehensive SR of one stream: partial, preliminary and unverified, as what no person has looked at is.

    A gestational age and a heart score are only written with their interval; where a method gives none, or the heart
    head abstains, the report says so in words and holds no number. The heart score never stands as a finding: the
    finding is the view it was made of.
    """
    groups = [*_planes(findings, filed), *_age(findings, filed), *_hearts(findings, filed)]
    content = MeasurementReport(
        observation_context=ObservationContext(
            observer_device_context=observer_context(),
            subject_context=SubjectContext(
                subject_class=codes.DCM.Fetus, subject_class_specific_context=SubjectContextFetus(subject_id="fetus")
            ),
        ),
        procedure_reported=ours.OBSTETRIC_ULTRASOUND,
        imaging_measurements=groups,
    )
    for remark in (RESEARCH_USE, *findings.remarks, *_unsaid(findings)):
        content[0].ContentSequence.append(_comment(remark))
    said = digest_of([item.to_json_dict() for item in content])
    document = ComprehensiveSR(
        evidence=[evidence_of(reference, filed) for reference in findings.references],
        content=content,
        series_instance_uid=derived_uid(filed.root, "series", findings.stream, "report"),
        series_number=REPORT_SERIES,
        sop_instance_uid=derived_uid(filed.root, "report", findings.stream, said),
        instance_number=1,
        series_description="FetalStream: measurements (research use)",
        **equipment(),
    )
    finish(document, filed, wall_time=wall_time)
    return document


def _planes(findings: Findings, filed: Filing) -> Iterator[MeasurementsAndQualitativeEvaluations]:
    for number, finding in enumerate(findings.planes, start=1):
        yield _group(
            filed,
            key=finding.key,
            name=f"{number} {finding.plane}",
            plane=finding.plane,
            at=finding.at,
            algorithm_id=algorithm(finding.model, config_sha256=finding.config_sha256),
            measurements=list(_of_plane(finding)),
        )


def _of_plane(finding: PlaneFinding) -> Iterator[Measurement]:
    yield Measurement(name=ours.CERTAINTY, value=_percent(finding.score), unit=ours.PERCENT)
    if finding.quality is not None:
        yield Measurement(name=ours.QUALITY, value=_percent(finding.quality), unit=ours.PERCENT)
    yield Measurement(name=ours.MEDIA_TIME, value=round(finding.pts_seconds, 6), unit=ours.SECOND)


def _age(findings: Findings, filed: Filing) -> Iterator[MeasurementsAndQualitativeEvaluations]:
    age = findings.age
    if age is None or age.low_days is None or age.high_days is None:
        return
    measurement = Measurement(
        name=ours.GESTATIONAL_AGE,
        value=round(age.age_days, 2),
        unit=ours.DAY,
        method=ours.AGE_METHODS.get(age.method, Code(age.method[:16], ours.SCHEME, age.method[:64])),
        properties=_interval(age.age_days, age.low_days, age.high_days, ours.DAY),
    )
    spread = [] if age.coverage is None else [Measurement(name=ours.COVERAGE, value=age.coverage, unit=ours.NO_UNITS)]
    yield _group(
        filed,
        key="age",
        name="gestational age",
        at=findings.cine,
        algorithm_id=algorithm(findings.planes[0].model if age.head is None else age.head),
        measurements=[measurement, *spread],
        comment=_age_in_words(age),
    )


def _hearts(findings: Findings, filed: Filing) -> Iterator[MeasurementsAndQualitativeEvaluations]:
    for number, heart in enumerate(findings.hearts, start=1):
        scored = heart.scored
        measurements = [] if scored.abstains else list(_of_heart(heart))
        evaluations = [QualitativeEvaluation(name=ours.ABSTENTION, value=ours.ABSTAINS)] if scored.abstains else []
        yield _group(
            filed,
            key=f"heart {number}",
            name=f"heart {scored.level} {number}",
            plane="four_chamber",
            at=heart.at,
            algorithm_id=algorithm(scored.head),
            measurements=measurements,
            evaluations=evaluations,
            comment=_heart_in_words(heart),
        )


def _of_heart(heart: HeartFinding) -> Iterator[Measurement]:
    scored = heart.scored
    yield Measurement(
        name=ours.CHD_SCORE,
        value=round(scored.score, 4),
        unit=ours.NO_UNITS,
        properties=_interval(scored.score, scored.low, scored.high, ours.NO_UNITS),
    )
    yield Measurement(name=ours.PREVALENCE, value=scored.prevalence, unit=ours.NO_UNITS)


def _group(
    filed: Filing,
    *,
    key: str,
    name: str,
    at: Reference | None,
    plane: str | None = None,
    comment: str = "",
    evaluations: list[QualitativeEvaluation] | None = None,
    **rest: Any,
) -> MeasurementsAndQualitativeEvaluations:
    """One measurement group (TID 1501)."""
    site = None if plane is None else ours.site_code(plane)
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=derived_uid(filed.root, "tracking", key), identifier=name),
        finding_type=None if plane is None else ours.plane_code(plane),
        finding_sites=None if site is None else [FindingSite(anatomic_location=site)],
        source_images=None if at is None else [_source(at)],
        qualitative_evaluations=evaluations,
        **rest,
    )
    if comment:
        group[0].ContentSequence.append(_comment(comment))
    return group


def _source(at: Reference) -> SourceImageForMeasurementGroup:
    return SourceImageForMeasurementGroup(
        referenced_sop_class_uid=at.sop_class_uid,
        referenced_sop_instance_uid=at.sop_instance_uid,
        referenced_frame_numbers=at.numbers_or_none,
    )


def _interval(value: float, low: float, high: float, unit: Code) -> MeasurementProperties:
    """How far the interval reaches to either side (TID 310), in the unit of the value itself."""
    properties = MeasurementProperties()
    for name, width in ((ours.UPPER_UNCERTAINTY, high - value), (ours.LOWER_UNCERTAINTY, value - low)):
        properties.append(
            NumContentItem(
                name=CodedConcept.from_code(name),
                value=round(max(0.0, width), 4),
                unit=unit,
                relationship_type=RelationshipTypeValues.HAS_PROPERTIES,
            )
        )
    return properties


def _comment(text: str) -> TextContentItem:
    return TextContentItem(
        name=CodedConcept.from_code(ours.COMMENT), value=text, relationship_type=RelationshipTypeValues.CONTAINS
    )


def _percent(share: float) -> float:
    return round(100 * share, 2)


def _age_in_words(age: AgeEstimated) -> str:
    assert age.low_days is not None
    assert age.high_days is not None
    sure = "" if age.coverage is None else f", {age.coverage:.0%} interval"
    return (
        f"{_weeks(age.age_days)} ({_weeks(age.low_days)} to {_weeks(age.high_days)}{sure}), from {age.frames} frames. "
        f"{RESEARCH_USE}"
    )


def _weeks(days: float) -> str:
    weeks, rest = divmod(round(days), 7)
    return f"{weeks} weeks {rest} days"


def _heart_in_words(heart: HeartFinding) -> str:
    scored = heart.scored
    made_of = f"{scored.clips} clips, {len(scored.frame_indexes)} frames; trained on {scored.trained_on}"
    if scored.abstains:
        return f"The experimental heart classifier does not commit itself: {scored.reason} ({made_of}). {RESEARCH_USE}"
    worth = (
        ""
        if scored.positive_predictive_value is None
        else f", positive predictive value of a call {scored.positive_predictive_value:.1%}"
    )
    return (
        f"Experimental score {scored.score:.2f} (interval {scored.low:.2f} to {scored.high:.2f}) at an assumed "
        f"prevalence of {scored.prevalence:.1%}{worth} ({made_of}). No statement about this heart. {RESEARCH_USE}"
    )


def _unsaid(findings: Findings) -> Iterator[str]:
    age = findings.age
    if age is not None and (age.low_days is None or age.high_days is None):
        yield "Gestational age is not reported: the method gives no interval."
