"""``fetalstream doctor``: would `fetalstream live` work here, with the same arguments?"""

from typing import Annotated

import typer

from .options import (
    AssignOption,
    CaptureOption,
    ConfigOption,
    LiveOutOption,
    ModelOption,
    SpacingOption,
    UiOption,
    UiPortOption,
    WeightsOption,
    age_flags,
    live_config,
    model_flags,
    page_flags,
)


def doctor(
    source: Annotated[
        str | None, typer.Argument(metavar="[SOURCE]", help="What `live` would be given; opened and watched for 3 s.")
    ] = None,
    config: ConfigOption = "live",
    assign: AssignOption = None,
    model: ModelOption = None,
    weights: WeightsOption = None,
    out: LiveOutOption = None,
    capture: CaptureOption = None,
    spacing_mm: SpacingOption = None,
    ui: UiOption = None,
    ui_port: UiPortOption = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Say, line by line, whether a live run would work here: exit code 0 when it would, 1 when not."""
    from itertools import chain

    from rich.console import Console

    from ... import FetalStreamError
    from ..doctor import Finding, examine, report, works
    from ..doctor.finding import problem
    from ..doctor.report import line, row, verdict

    loaded = None
    unreadable: list[Finding] = []
    try:
        flags = model_flags(model, weights) | age_flags(spacing_mm) | page_flags(ui, ui_port)
        loaded = live_config(config, assign, flags=flags, out=out, capture=capture)
    except FetalStreamError as error:
        unreadable = [problem("settings", str(error), todo="correct it; ports, disk and model were not looked at")]

    console = Console(highlight=False)
    on_screen = console.is_terminal and not json
    findings: list[Finding] = []
    with (console if on_screen else Console(stderr=True)).status("looking") as status:
        examined = examine(
            loaded,
            source,
            fixed_page_port=ui_port is not None,
            on_look=lambda area: status.update(f"looking at {area}"),
        )
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
