"""What ``evaluate chd`` found, for a person to read."""

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text


def render_hearts(figures: Mapping[str, Any]) -> RenderableType:
    """Patients first; clips are named as what they are."""
    patients, clips, abstention = figures["patients"], figures["clips"], figures["abstention"]
    encoder = figures["encoder"]
    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in ("by patient", "", "95 % by drawing patients anew"):
        table.add_column(column, justify="left" if column == "by patient" else "right")
    for key, name in (("auroc", "AUROC"), ("pr_auc", "PR-AUC")):
        low, high = patients[f"{key}_interval_95"]
        table.add_row(name, f"{patients[key]:.3f}", f"{low:.3f} to {high:.3f}")
    for label, area in patients["auroc_by_label"].items():
        table.add_row(f"  against {label}", f"{area:.3f}", "")
    for at, sensitivity in patients["sensitivity_at_specificity"].items():
        table.add_row(f"sensitivity at specificity {at}", f"{sensitivity:.3f}", "")
    at = patients["at_threshold"]
    table.add_row("sensitivity, specificity at its threshold", f"{at['sensitivity']:.3f}, {at['specificity']:.3f}", "")
    table.add_row("expected calibration error", f"{patients['expected_calibration_error']:.3f}", "")
    table.add_row("Brier score", f"{patients['brier']:.3f}", "")
    table.add_row("abstains on", f"{abstention['share']:.1%}", "")
    if (others := abstention["auroc_of_the_others"]) is not None:
        table.add_row("AUROC of the others", f"{others:.3f}", "")
    return Group(
        Text(
            f"{figures['way']}; {encoder['name']} (sha256 {encoder['sha256'][:12]}): {patients['count']} patients, "
            f"{patients['affected']} affected; scores assume that {figures['prevalence']:.1%} are\n"
        ),
        table,
        Text(f"\nby clip: AUROC {clips['auroc']:.3f} over {clips['count']} clips; {clips['note']}"),
        Text("checked: " + "; ".join(figures["checks"])),
    )
