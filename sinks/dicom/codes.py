"""Codes: SNOMED CT, LOINC and DICOM's own where they have one, ours where they have none."""

from highdicom.sr import CodedConcept
from pydicom.sr.coding import Code

SCHEME = "99FETALSTREAM"
SCHEME_NAME = "FetalStream private codes"

FETUS = Code("121026", "DCM", "Fetus")
OBSTETRIC_ULTRASOUND = Code("268445003", "SCT", "Obstetric US scan")
GESTATIONAL_AGE = Code("18185-9", "LN", "Gestational Age")
CERTAINTY = Code("111012", "DCM", "Certainty of Finding")
"""PS3.16: the certainty that a device places upon a finding, in percent."""
UPPER_UNCERTAINTY = Code("371886008", "SCT", "+, range of upper measurement uncertainty")
LOWER_UNCERTAINTY = Code("371885007", "SCT", "-, range of lower measurement uncertainty")
COMMENT = Code("121106", "DCM", "Comment")
OF_INTEREST = Code("113000", "DCM", "Of Interest")
SOURCE_IMAGE = Code("121322", "DCM", "Source image for image processing operation")

DAY = Code("d", "UCUM", "day")
SECOND = Code("s", "UCUM", "second")
PERCENT = Code("%", "UCUM", "Percent")
NO_UNITS = Code("1", "UCUM", "no units")

QUALITY = Code("picture_quality", SCHEME, "Picture quality, 0 to 100")
MEDIA_TIME = Code("media_time", SCHEME, "Time since the start of the recording or stream")
COVERAGE = Code("coverage", SCHEME, "Chance that the interval holds the true value")
CHD_SCORE = Code("chd_score", SCHEME, "Score of an experimental classifier of heart defects, 0 to 1")
PREVALENCE = Code("prevalence", SCHEME, "Share of affected hearts that was assumed")
ABSTENTION = Code("abstention", SCHEME, "Whether the classifier commits itself")
ABSTAINS = Code("abstains", SCHEME, "It does not commit itself")
AGE_METHODS = {
    "zero_shot": Code("ga_zero_shot", SCHEME, "Comparison with written descriptions of each day"),
    "calibrated": Code("ga_calibrated", SCHEME, "Calibrated on measured head circumference"),
}

_BRAIN, _HEART = Code("12738006", "SCT", "Brain"), Code("80891009", "SCT", "Heart")
_SPINE, _FACE = Code("421060004", "SCT", "Spine"), Code("89545001", "SCT", "Face")
_PLANES: dict[str, tuple[str, Code]] = {
    "transthalamic": ("Transthalamic plane of the fetal head", _BRAIN),
    "transventricular": ("Transventricular plane of the fetal head", _BRAIN),
    "transcerebellar": ("Transcerebellar plane of the fetal head", _BRAIN),
    "brain": ("Axial plane of the fetal head", _BRAIN),
    "lips_nose": ("Coronal plane of the fetal lips and nose", _FACE),
    "profile": ("Profile of the fetal face", _FACE),
    "spine": ("Fetal spine", _SPINE),
    "spine_sagittal": ("Sagittal plane of the fetal spine", _SPINE),
    "spine_coronal": ("Coronal plane of the fetal spine", _SPINE),
    "heart": ("Standard plane of the fetal heart", _HEART),
    "four_chamber": ("Four-chamber view of the fetal heart", _HEART),
    "lvot": (
        "Left ventricular outflow tract of the fetal heart",
        Code("13418002", "SCT", "Left ventricle outflow tract"),
    ),
    "rvot": (
        "Right ventricular outflow tract of the fetal heart",
        Code("44627009", "SCT", "Right ventricle outflow tract"),
    ),
    "three_vessel": ("Three-vessel view of the fetal heart", _HEART),
    "abdomen": ("Transverse plane of the fetal abdomen", Code("818981001", "SCT", "Abdomen")),
    "kidneys": ("Fetal kidneys", Code("64033007", "SCT", "Kidney")),
    "femur": ("Longitudinal plane of the fetal femur", Code("71341001", "SCT", "Femur")),
    "cervix": ("Uterine cervix", Code("71252005", "SCT", "Cervix")),
}
"""Name, meaning, and where it is. The four-chamber view that SNOMED has is the apical one of adults."""


PAIRED = frozenset({"64033007", "71341001"})
"""Sites of which there are two: kidney and femur."""


def plane_code(plane: str) -> Code:
    """The plane's own code; of a plane that is not in our list, its name."""
    meaning, _ = _PLANES.get(plane, (plane.replace("_", " ")[:64] or "unlabelled", None))
    return Code(plane[:16] or "unlabelled", SCHEME, meaning)


def site_code(plane: str) -> Code | None:
    """Where in the body the plane lies, in SNOMED CT; None for planes that are not in our list."""
    return _PLANES[plane][1] if plane in _PLANES else None


def code_item(code: Code) -> CodedConcept:
    """As an item of a code sequence."""
    return CodedConcept.from_code(code)
