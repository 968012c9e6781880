"""``fetalstream evaluate quality``: the items of quality on pictures of one's own."""

from pathlib import Path
from typing import Annotated

import typer

from .options import AssignOption


def quality(
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="A folder of pictures of one plane.")],
    plane: Annotated[str, typer.Option("--plane", metavar="NAME", help="What they show.")] = "transthalamic",
    pattern: Annotated[str, typer.Option("--files", metavar="PATTERN", help="Which of them, as in 'a*.png'.")] = "*",
    masks: Annotated[
        Path | None, typer.Option("--masks", metavar="DIR", help="Masks of the same names: the outline is judged too.")
    ] = None,
    assign: AssignOption = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """How many pictures are ok in each item: as they are, blurred, too dark and too bright."""
    from ..evaluation.quality_exam import exam
    from ..planes.tracking import limits_for
    from ..settings import load_config

    limits = limits_for(load_config("review", assignments=assign or ()))
    found = exam(data, plane=plane, limits=limits, pattern=pattern, masks=masks)
    if json:
        import json as writer

        typer.echo(writer.dumps(found))
        return
    from rich.console import Console
    from rich.table import Table

    items = list(next(iter(found["ok"].values())))
    title = f"{found['pictures']} pictures: how many are ok as {plane}"
    table = Table(title=title, title_justify="left", box=None, header_style="dim", pad_edge=False)
    table.add_column("")
    for item in items:
        table.add_column(item, justify="right")
    for fault, counts in found["ok"].items():
        table.add_row(fault, *(str(counts[item]) for item in items))
    console = Console()
    console.print(table)
    if fill := found["fill_share"]:
        console.print(
            f"part of the fan that is filled: median error {fill['median_error']:.3f}, "
            f"correlation {fill['correlation']:.3f} with the masks"
        )
