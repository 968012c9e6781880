"""``fetalstream evaluate captures``: what is kept of phantoms never seen, against their truth."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import AssignOption, ModelOption, WeightsOption, model_flags

if TYPE_CHECKING:
    from rich.table import Table


def captures(
    model: ModelOption = None,
    weights: WeightsOption = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, max=1000, help="How many sweeps.")] = 8,
    first_seed: Annotated[
        int, typer.Option("--first-seed", min=0, help="Of the first; training uses none below a million.")
    ] = 900,
    seconds: Annotated[float, typer.Option("--seconds", min=5, max=3600, help="Length of each; 30 shows all.")] = 30,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Leave the captures in DIR.")] = None,
    assign: AssignOption = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Recall and precision of captured planes, and how good the chosen frames truly are."""
    import tempfile

    from rich.console import Console
    from rich.progress import track

    from ..assemble import load_model
    from ..evaluation.capture_exam import capture_summary, capture_sweep
    from ..settings import load_config
    from .phantoms import unseen_seeds

    config = load_config("review", assignments=assign or (), flags=model_flags(model, weights))
    chosen = unseen_seeds(first_seed, seeds)
    engine = load_model(config)
    with tempfile.TemporaryDirectory() as passing:
        sweeps = [
            capture_sweep(engine, config, seed, seconds=seconds, folder=out or Path(passing))
            for seed in track(chosen, "sweeps", console=Console(stderr=True), transient=True)
        ]
    identity = engine.encoder.identity
    found = {"model": {"name": identity.name, "sha256": identity.sha256}} | capture_summary(sweeps)
    if json:
        import json as writer

        typer.echo(writer.dumps(found))
    else:
        Console().print(_table(found))


def _table(found: Mapping[str, Any]) -> "Table":
    from rich.table import Table

    def share(name: str) -> str:
        return "-" if found[name] is None else f"{found[name]:.3f}"

    table = Table(
        title=f"{found['model']['name']}: {found['captures']} captures of {found['wanted']} planes "
        f"in {found['sweeps']} sweeps",
        title_justify="left",
        show_header=False,
        box=None,
        pad_edge=False,
    )
    table.add_row("recall of planes in view for a second or more", share("recall"))
    table.add_row("precision", share("precision"))
    table.add_row("frame among the best 20 % of true quality in its visit", share("among_best"))
    table.add_row("true quality, as a part of the visit's best: median", share("median_quality_share"))
    table.add_row("and lowest", share("lowest_quality_share"))
    table.add_row("part of the visit's frames that are better still: median", share("median_better_share"))
    for one in found["wrong"]:
        at = f"seed {one['seed']} at {one['pts_seconds']:.2f} s"
        table.add_row(f"wrong: {at} shows {one['true_plane']}", one["plane"])
    for one in found["missing"]:
        table.add_row(f"missing: seed {one['seed']}", one["plane"])
    for one in found["failures"]:
        table.add_row(f"failed: seed {one['seed']}", one["reason"])
    return table
