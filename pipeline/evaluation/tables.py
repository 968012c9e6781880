"""What `models.evaluate` and `phantom_exam` found, for a person to read."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

RATIOS = ("precision", "recall", "f1")


def render_planes(summary: Mapping[str, Any]) -> RenderableType:
    """The summary of ``evaluate planes`` as tables."""
    return Group(*_planes(summary))


def render_phantoms(summary: Mapping[str, Any]) -> RenderableType:
    """The summary of ``evaluate phantoms`` as tables."""
    return Group(*_phantoms(summary))


def _planes(summary: Mapping[str, Any]) -> Iterator[RenderableType]:
    yield Text(f"{_named(summary)}: {summary['images']} pictures of {summary['patients']} patients\n")
    yield from _real("five classes", summary)
    if summary["six_class"]:
        yield from _real("with the cervix", summary["six_class"])


def _phantoms(summary: Mapping[str, Any]) -> Iterator[RenderableType]:
    yield Text(f"{_named(summary)}: {summary['frames']} frames of {summary['sweeps']} sweeps\n")
    if figures := summary["in_plane"]:
        yield _table("frames that show a plane", figures, summary["all_frames"]["confusion"])
        low, high = figures["interval_95"]["macro_f1"]
        yield Text(f"macro F1 {figures['macro']['f1']:.3f} (95 % by sweep: {low:.3f} to {high:.3f})\n")
    events = summary["events"]
    rate, delay = events["false_per_background_minute"], events["median_onset_delay_seconds"]
    yield Text(
        f"all frames: accuracy {summary['all_frames']['accuracy']:.3f}, macro F1 "
        f"{summary['all_frames']['macro']['f1']:.3f}, expected calibration error "
        f"{summary['expected_calibration_error']:.3f}; "
        f"{summary['false_plane_frames']:.1%} of the background's frames called a plane\n"
        f"events: {events['visits'] - events['missed']} of {events['visits']} visits found"
        + (f", onset {delay * 1000:+.0f} ms (median)" if delay is not None else "")
        + f"; {events['false']} false in {summary['background_minutes']:.1f} minutes of background"
        + (f" ({rate:.2f} per minute)" if rate is not None else "")
    )


def _named(summary: Mapping[str, Any]) -> str:
    return f"{summary['model']['name']} (sha256 {summary['model']['sha256'][:12]})"


def _table(title: str, figures: Mapping[str, Any], confusion: Mapping[str, Any]) -> Table:
    """Ratios of each class, and what it was taken for; ``confusion`` may know more classes than ``figures``."""
    counts_of = dict(zip(confusion["labels"], confusion["counts"], strict=True))
    table = Table(title=title, title_justify="left", box=None, header_style="dim", pad_edge=False)
    for column in ("", "precision", "recall", "F1", "pictures", "taken for"):
        table.add_column(column, justify="left" if column in ("", "taken for") else "right")
    for label, one in figures["per_class"].items():
        wrong = [
            (count, f"{name} {count}")
            for name, count in zip(confusion["labels"], counts_of[label], strict=True)
            if count and name != label
        ]
        taken_for = ", ".join(text for _, text in sorted(wrong, reverse=True))
        table.add_row(label, *(f"{one[key]:.3f}" for key in RATIOS), str(one["support"]), taken_for)
    total = sum(one["support"] for one in figures["per_class"].values())
    table.add_row("mean", *(f"{figures['macro'][key]:.3f}" for key in RATIOS), str(total))
    return table


def _real(title: str, figures: Mapping[str, Any]) -> Iterator[RenderableType]:
    yield _table(title, figures, figures["confusion"])
    low, high = figures["interval_95"]["accuracy"]
    yield Text(
        f"accuracy {figures['accuracy']:.3f} (95 % by patient: {low:.3f} to {high:.3f}), "
        f"expected calibration error {figures['expected_calibration_error']:.3f}\n"
    )
