"""What `models.evaluate` found, for a person to read."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text


def render(summary: Mapping[str, Any]) -> RenderableType:
    """The summary of an evaluation as tables."""
    return Group(*_parts(summary))


def _parts(summary: Mapping[str, Any]) -> Iterator[RenderableType]:
    name, digest = summary["model"]["name"], summary["model"]["sha256"]
    yield Text(f"{name} (sha256 {digest[:12]}): {summary['images']} pictures of {summary['patients']} patients\n")
    yield from _block("five classes", summary)
    if summary["six_class"]:
        yield from _block("with the cervix", summary["six_class"])


def _block(title: str, figures: Mapping[str, Any]) -> Iterator[RenderableType]:
    table = Table(title=title, title_justify="left", box=None, header_style="dim", pad_edge=False)
    for column in ("", "precision", "recall", "F1", "pictures", *figures["confusion"]["labels"]):
        table.add_column(column, justify="left" if not column else "right")
    for (label, one), counts in zip(figures["per_class"].items(), figures["confusion"]["counts"], strict=True):
        ratios = [f"{one[key]:.3f}" for key in ("precision", "recall", "f1")]
        table.add_row(label, *ratios, str(one["support"]), *map(str, counts))
    macro = figures["macro"]
    table.add_row("mean", *(f"{macro[key]:.3f}" for key in ("precision", "recall", "f1")), str(figures["images"]))
    yield table
    low, high = figures["interval_95"]["accuracy"]
    yield Text(
        f"accuracy {figures['accuracy']:.3f} (95 % by patient: {low:.3f} to {high:.3f}), "
        f"expected calibration error {figures['expected_calibration_error']:.3f}\n"
    )
