"""``fetalstream evaluate segments``: ways from scores to segments, side by side on phantoms never seen."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import AssignOption, ModelOption, WeightsOption, model_flags

if TYPE_CHECKING:
    from rich.table import Table

    from ..evaluation.phantom_exam import Sweep


def segments(
    model: ModelOption = None,
    weights: WeightsOption = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, max=1000, help="How many sweeps.")] = 10,
    first_seed: Annotated[
        int, typer.Option("--first-seed", min=0, help="Of the first; training uses none below a million.")
    ] = 500,
    seconds: Annotated[float, typer.Option("--seconds", min=5, max=3600, help="Length of each; 30 shows all.")] = 30,
    keep: Annotated[Path | None, typer.Option("--keep", metavar="FILE", help="Write the scores for --scores.")] = None,
    scores: Annotated[
        Path | None, typer.Option("--scores", metavar="FILE", help="Judge these scores; no model is asked.")
    ] = None,
    assign: AssignOption = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Segment F1, onset delay and flicker of per-frame argmax, moving average, hysteresis and hidden Markov model."""
    from ..evaluation.plane_contest import contest, ways
    from ..evaluation.sweep_file import read_sweeps, write_sweeps
    from ..settings import load_config

    # both are the user's configuration but for the kind of smoothing, and each has the thresholds of its kind
    kinds = ("low_pass", "hidden_markov")
    low_pass, hidden_markov = (
        load_config("review", assignments=assign or (), flags={"smoothing": {"kind": kind}}) for kind in kinds
    )
    whose, sweeps = read_sweeps(scores) if scores else _look(model, weights, first_seed, seeds, seconds)
    if keep:
        write_sweeps(keep, sweeps, model=whose)
    found: dict[str, Any] = {"model": whose, "sweeps": len(sweeps), "frames": sum(len(one.truth) for one in sweeps)}
    found["ways"] = contest(sweeps, ways(low_pass, hidden_markov))
    if json:
        import json as writer

        typer.echo(writer.dumps(found))
        return
    from rich.console import Console

    Console().print(_table(found))


def _look(
    model: str | None, weights: Path | None, first_seed: int, seeds: int, seconds: float
) -> tuple[str, list["Sweep"]]:
    from ..settings import load_config
    from .phantoms import unseen_sweeps

    config = load_config("review", flags=model_flags(model, weights))
    identity, sweeps = unseen_sweeps(config, first_seed=first_seed, seeds=seeds, seconds=seconds)
    return f"{identity.name} (sha256 {identity.sha256[:12]})", sweeps


def _table(found: Mapping[str, Any]) -> "Table":
    from rich.table import Table

    table = Table(
        title=f"{found['model']}: {found['frames']} frames of {found['sweeps']} sweeps",
        title_justify="left",
        caption="F1 of segments at IoU 0.5; onset: when the plane is said to begin; shown: when its label came up "
        "(medians, after the true onset); flicker: label changes per true change",
        caption_justify="left",
        box=None,
        header_style="dim",
        pad_edge=False,
    )
    table.add_column("")
    for name in ("F1", "right/found/true", "onset", "shown", "flicker"):
        table.add_column(name, justify="right")
    for name, one in found["ways"].items():
        onset, said = (
            "-" if one[key] is None else f"{1000 * one[key]:+.0f} ms"
            for key in ("median_onset_delay_seconds", "median_said_delay_seconds")
        )
        flicker = "-" if one["flicker"] is None else f"{one['flicker']:.2f}"
        counts = f"{one['right']}/{one['segments']}/{one['visits']}"
        table.add_row(name, f"{one['segment_f1']:.3f}", counts, onset, said, flicker)
    return table
