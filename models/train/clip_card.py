"""The card that stands beside a heart head."""

from collections import defaultdict

from ..heads.card import Card, figure_table
from ..heads.clip_head import ClipHead
from .clip_table import ClipTable, by_patient


def clip_card(head: ClipHead, table: ClipTable) -> Card:
    """What a head is, what it was made of (``table``), what it may be asked."""
    recipe, found = head.recipe, head.calibration
    return Card(
        title="heart head",
        what="Four-chamber clips: how likely the heart has a defect, with an interval, or an abstention. No diagnosis.",
        facts={
            "trained on": f"{recipe.trained_on}: {recipe.patients} patients, {recipe.clips} clips",
            "normal": recipe.normal,
            "affected": ", ".join(recipe.affected),
            "share affected": f"{found.prevalence:.3f}",
            "reads": f"{recipe.timing.frames} frames over {recipe.timing.seconds:g} s",
            "encoder": f"{recipe.encoder.name} {recipe.encoder.version}, sha256 `{recipe.encoder.sha256}`",
            "network": f"{recipe.net}, {len(head.members)} members, width {recipe.width}",
        },
        data=_data(table),
        results=f"""
Of each patient the one member was asked that had not been fitted to that patient; it was stopped by the patient's fold,
so these figures are a little too good. At the threshold: sensitivity {found.sensitivity:.3f}, specificity
{found.specificity:.3f}. Where 1 % of hearts are affected, that makes a call about a patient right in
{found.positive_predictive_value(0.01):.1%} of cases: it is no alarm. Scores are calibrated (Platt) on the same answers.

    fetalstream evaluate chd --manifest clips.csv --head FILE

judges it on cines that it has not seen, and refuses those it was trained on.
""",
        limits=f"""
It abstains when its {found.level:.0%} interval holds the threshold, when its members disagree (spread above
{found.max_spread:.2f} in log odds), and when hearts are unlike those of training (distance above
{found.max_distance:.2f}, 1 being usual). Both limits were taken over the patients of training.
""",
    )


def _data(table: ClipTable) -> str:
    """Label -> clips, patients."""
    counts: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for patient in by_patient(table):
        counts[patient.label][0] += len(patient.rows)
        counts[patient.label][1] += 1
    rows = {label: [str(count) for count in both] for label, both in counts.items()}
    return figure_table(("label", "clips", "patients"), rows)
