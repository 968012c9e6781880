"""Options that several commands share."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ..config import Config, SinkSection

ConfigOption = Annotated[
    str, typer.Option("--config", "-c", metavar="NAME|FILE", help="A shipped preset or a YAML file of your own.")
]
AssignOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Set any key, as in --set segments.enter_score=0.7; repeatable."),
]
ModelOption = Annotated[
    str | None, typer.Option("--model", metavar="NAME", help="compact (default), fetalclip, mobile, sononet.")
]
WeightsOption = Annotated[
    Path | None,
    typer.Option("--weights", metavar="FILE", help="Weight file; the default is the shipped or pulled one."),
]
OutOption = Annotated[Path, typer.Option("--out", metavar="DIR", help="Where results are written.")]
HeadlessOption = Annotated[
    bool, typer.Option("--headless", help="Plain lines instead of a live table (default where there is no terminal).")
]

SpacingOption = Annotated[
    float | None,
    typer.Option(
        "--spacing-mm",
        metavar="MM",
        help="Tell gestational age, with so many millimetres per pixel where the source knows none (a captured "
        "screen): right for one depth setting only.",
    ),
]
LiveOutOption = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Keep the store, events.jsonl and captures in DIR.")
]
CaptureOption = Annotated[
    Path | None, typer.Option("--capture", metavar="DIR", help="Keep the best picture and a clip of each plane.")
]
CAPTURES_NAME = "captures"
"""Of the folder in ``--out``."""

UiOption = Annotated[
    bool | None, typer.Option("--ui/--no-ui", help="Serve the live page: picture, plane, checklist, for a browser.")
]
UiPortOption = Annotated[
    int | None,
    typer.Option("--ui-port", metavar="N", min=0, max=65_535, help="Serve the live page at this port; 0: a free one."),
]


def model_flags(model: str | None, weights: Path | None) -> dict[str, Any]:
    """The flags above as a partial configuration tree."""
    section = {"kind": model, "weights": str(weights) if weights else None}
    given = {key: value for key, value in section.items() if value is not None}
    return {"model": given} if given else {}


def age_flags(spacing_mm: float | None) -> dict[str, Any]:
    """The spacing as a partial configuration tree; who gives it wants an age."""
    return {} if spacing_mm is None else {"age": {"enabled": True, "spacing_mm": spacing_mm}}


def page_flags(ui: bool | None, port: int | None) -> dict[str, Any]:
    """The options as a partial configuration tree; whoever names a port wants the page."""
    section: dict[str, Any] = {}
    if ui is not None or port is not None:
        section["enabled"] = ui is not False
    if port is not None:
        section["port"] = port
    return {"ui": section} if section else {}


def live_config(
    config: str, assign: list[str] | None, *, flags: dict[str, Any], out: Path | None, capture: Path | None
) -> "Config":
    """What `live` runs with, and the doctor looks at. Raises `ConfigError`.

    Args:
        config, assign, out, capture: the options of these names.
        flags: what the other options give, as a partial configuration tree.
    """
    from ..settings import load_config

    loaded = load_config(config, assignments=assign or (), flags=flags)
    if out is not None:
        loaded = loaded.model_copy(update={"sinks": _kept_in(out, loaded.sinks)})
        capture = capture or loaded.capture.folder or out / CAPTURES_NAME
    if capture is not None:
        loaded = loaded.model_copy(update={"capture": loaded.capture.model_copy(update={"folder": capture})})
    return loaded


def _kept_in(folder: Path, sinks: "tuple[SinkSection, ...]") -> "tuple[SinkSection, ...]":
    """The same sinks with their store in ``folder``, and JSON lines."""
    from ..config import JsonLinesSection, StoreSection

    moved = (
        sink.model_copy(update={"path": folder / sink.path.name}) if isinstance(sink, StoreSection) else sink
        for sink in sinks
    )
    return (*moved, JsonLinesSection(kind="jsonl", path=folder / "events.jsonl"))
