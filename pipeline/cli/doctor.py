"""``fetalstream doctor``: would `fetalstream live` work here, with the same arguments?"""

from pathlib import Path
from typing import Annotated

import typer

from .options import AssignOption, ConfigOption, ModelOption, WeightsOption, model_flags


def doctor(
    source: Annotated[
        str | None, typer.Argument(metavar="[SOURCE]", help="What `live` would be given; opened and watched for 3 s.")
    ] = None,
    config: ConfigOption = "live",
    assign: AssignOption = None,
    model: ModelOption = None,
    weights: WeightsOption = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Where `live` would write.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Say, line by line, whether a live run would work here: exit code 0 when it would, 1 when not."""
    from itertools import chain

    from rich.console import Console

    from ... import FetalStreamError
    from ..config import JsonLinesSection
    from ..doctor import Finding, examine, report, works
    from ..doctor.finding import problem
    from ..doctor.report import line, row, verdict
    from ..settings import load_config

    loaded = None
    unreadable: list[Finding] = []
    try:
        loaded = load_config(config, assignments=assign or (), flags=model_flags(model, weights))
        if out is not None:
            sinks = (*loaded.sinks, JsonLinesSection(kind="jsonl", path=out / "events.jsonl"))
            loaded = loaded.model_copy(update={"sinks": sinks})
    except FetalStreamError as error:
        unreadable = [problem("settings", str(error), todo="correct it; ports, disk and model were not looked at")]

    console = Console(highlight=False)
    on_screen = console.is_terminal and not json
    findings: list[Finding] = []
    with (console if on_screen else Console(stderr=True)).status("looking") as status:
        examined = examine(loaded, source, on_look=lambda area: status.update(f"looking at {area}"))
        for finding in chain(unreadable, examined):
            findings.append(finding)
            if on_screen:
                console.print(row(finding))
            elif not json:
                typer.echo(line(finding))
    if json:
        import json as writer

        typer.echo(writer.dumps(report(findings, source=source)))
    else:
        console.print(f"\n{verdict(findings)}", style="bold" if works(findings) else "bold red", soft_wrap=True)
    if not works(findings):
        raise typer.Exit(1)
