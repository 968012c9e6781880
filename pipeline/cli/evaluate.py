"""``fetalstream evaluate``: a model against pictures whose truth is known, real ones and phantoms."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .age import evaluate_ga
from .captures import captures
from .chd import evaluate_chd
from .options import ModelOption, WeightsOption, model_flags
from .probe import evaluate_probe
from .quality import quality
from .segments import segments

app = typer.Typer(help="A model against pictures whose truth is known.", no_args_is_help=True)
app.command("chd", short_help="Heart heads on cines of known hearts.")(evaluate_chd)
app.command("captures", short_help="Captured planes on unseen phantoms.")(captures)
app.command("ga", short_help="Gestational age from similarities.")(evaluate_ga)
app.command("probe", short_help="A linear probe on frozen embeddings.")(evaluate_probe)
app.command("quality", short_help="Quality items on spoilt pictures.")(quality)
app.command("segments", short_help="Filters of planes over time, compared.")(segments)


class Patients(StrEnum):
    """Whose pictures count."""

    ALL = "all"
    HELD_OUT = "held-out"
    VALIDATION = "validation"
    TEST = "test"


@app.command(short_help="Single pictures, patient by patient.")
def planes(
    data: Annotated[
        Path, typer.Option("--data", metavar="DIR", help="FETAL_PLANES_DB: a .csv beside Images/, or its parent.")
    ],
    model: ModelOption = None,
    weights: WeightsOption = None,
    patients: Annotated[
        Patients, typer.Option("--patients", help="All, or those that `train compact` on the same table leaves out.")
    ] = Patients.ALL,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="PNG", help="Write the confusion matrix as a picture.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Precision, recall, F1 and calibration per plane, with intervals by patient."""
    from rich.console import Console
    from rich.progress import Progress

    from ...models.evaluate import FIVE, SIX, evaluate, plot_confusion
    from ...models.planes_db import planes_table
    from ...models.train.pictures import Split, planes_splits
    from ..assemble import load_model
    from ..settings import load_config

    rows = planes_table(data / "planes" if (data / "planes").is_dir() else data)
    if patients is not Patients.ALL:
        splits = planes_splits(rows)
        wanted = {Split.VALIDATION, Split.TEST} if patients is Patients.HELD_OUT else {Split(patients.value)}
        rows = [row for row in rows if splits[row.patient] in wanted]
    loaded = load_model(load_config("review", flags=model_flags(model, weights)))
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("pictures", total=len(rows))
        found = evaluate(loaded, rows, progress=lambda done: progress.update(task, completed=done))
    identity = loaded.encoder.identity
    summary = {"model": {"name": identity.name, "sha256": identity.sha256}, "patients_of": patients.value}
    summary |= found.summary()
    if plot:
        classes = SIX if summary["six_class"] else FIVE
        plot_confusion(found.report(classes), classes, plot, title=f"{identity.name}, {len(rows)} pictures")
    if json:
        import json as writer

        typer.echo(writer.dumps(summary))
    else:
        from ..evaluation.tables import render_planes

        Console().print(render_planes(summary))


@app.command(short_help="Sweeps of phantoms nobody has seen.")
def phantoms(
    model: ModelOption = None,
    weights: WeightsOption = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, max=1000, help="How many sweeps.")] = 5,
    first_seed: Annotated[
        int, typer.Option("--first-seed", min=0, help="Of the first; training uses none below a million.")
    ] = 100,
    seconds: Annotated[float, typer.Option("--seconds", min=1, max=3600, help="Length of each; 30 shows all.")] = 30,
    every: Annotated[int, typer.Option("--every", min=1, max=25, help="Look at each Nth of 25 frames a second.")] = 5,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Frame by frame over sweeps of simulated fetuses that training never saw: F1, calibration, false planes."""
    from ..evaluation.phantom_exam import summary
    from ..settings import load_config
    from .phantoms import unseen_sweeps

    config = load_config("review", flags=model_flags(model, weights))
    identity, sweeps = unseen_sweeps(config, first_seed=first_seed, seeds=seeds, seconds=seconds, every=every)
    found = {"model": {"name": identity.name, "sha256": identity.sha256}, "every": every} | summary(sweeps, config)
    if json:
        import json as writer

        typer.echo(writer.dumps(found))
    else:
        from rich.console import Console

        from ..evaluation.tables import render_phantoms

        Console().print(render_phantoms(found))
