"""The card that stands beside a heart head."""

from collections import defaultdict

from ..heads.card import Card, figure_table
from ..heads.clip_head import ClipHead
from .clip_table import ClipTable, by_patient


def clip_card(head: ClipHead, table: ClipTable) -> Card:
    """What a head is, what it was made of, and how far its figures hold.

    Args:
        head: as it was read from or written to its file.
        table: what it was trained on.
    """
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
Nobody has judged this head on other patients yet. In training each patient got one answer, of the one member that was
not fitted to this patient. On those answers scores are calibrated (Platt) and the threshold is set; counted on them
too, sensitivity is {found.sensitivity:.3f} and specificity {found.specificity:.3f}. That is too good: the same patients
stopped the member and set the threshold. Where 1 % of hearts are affected, it makes a call about a patient right in
{found.positive_predictive_value(0.01):.1%} of cases, as its events say at that prevalence: it is no alarm.

    fetalstream evaluate chd --manifest others.csv --head FILE

judges it on patients that it has not seen; figures to quote are those. Cines that it was trained on are refused.
""",
        limits=f"""
It abstains when its {found.level:.0%} interval holds the threshold, when its members disagree (spread above
{found.max_spread:.2f} in log odds), and when hearts are unlike those of training (distance above
{found.max_distance:.2f}, 1 being usual). Both limits were taken over the patients of training.
""",
    )


def _data(table: ClipTable) -> str:
    """Clips and patients of each label."""
    counts: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for patient in by_patient(table):
        counts[patient.label][0] += len(patient.rows)
        counts[patient.label][1] += 1
    rows = {label: [str(count) for count in both] for label, both in counts.items()}
    return figure_table(("label", "clips", "patients"), rows)
