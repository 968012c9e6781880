"""``fetalstream protocols``: what scans should show."""

from typing import Annotated

import typer

from .options import ModelOption, WeightsOption, model_flags

app = typer.Typer(help="Protocols: the views a scan should show, for the checklist.")


@app.command("list")
def list_protocols() -> None:
    """The packaged protocols."""
    from rich.console import Console
    from rich.table import Table

    from ..exam.protocol import load_protocol, protocol_names

    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in ("name", "title", "items"):
        table.add_column(column, justify="right" if column == "items" else "left")
    for name in protocol_names():
        protocol = load_protocol(name)
        table.add_row(name, protocol.title, str(len(protocol.items)))
    Console().print(table, markup=False)


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME|FILE", help="A packaged protocol, or a YAML file.")],
    model: ModelOption = None,
    weights: WeightsOption = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object; no model is asked.")] = False,
) -> None:
    """The items of a protocol, and which of them the model can judge (the compact one, unless another is named)."""
    from ..exam.protocol import load_protocol

    protocol = load_protocol(name)
    if json:
        typer.echo(protocol.model_dump_json())
        return
    from rich.console import Console
    from rich.table import Table

    from ..assemble import load_model
    from ..settings import load_config

    labels = load_model(load_config("review", flags=model_flags(model, weights))).planes.labels
    protocol.check(labels)
    table = Table(title=protocol.title, title_justify="left", box=None, header_style="dim", pad_edge=False)
    for column in ("item", "plane", "good views", "held", "quality", "judged"):
        table.add_column(column, overflow="fold")
    for item in protocol.items:
        hold_seconds = protocol.hold_seconds if item.hold_seconds is None else item.hold_seconds
        table.add_row(
            item.title,
            " or ".join([item.plane, *item.or_planes]),
            str(item.wanted),
            f"{hold_seconds:g} s",
            "all" if item.quality is None else ", ".join(item.quality) or "none",
            "no" if item.why_not_judged(labels) else "yes",
        )
    Console().print(table, markup=False)
