"""``fetalstream train``: making the compact model again, and heads."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from .age import ga_similarity, train_ga
from .chd import chd_phantoms, train_chd
from .probe import train_probe

app = typer.Typer(help="Training.", no_args_is_help=True)
app.command("chd-phantoms", short_help="Draw cines of simulated hearts.")(chd_phantoms)
app.command("chd", short_help="The heart head, on cines.")(train_chd)
app.command("ga-similarity", short_help="Similarities of heads to sentences.")(ga_similarity)
app.command("ga", short_help="The age decoder, on similarities.")(train_ga)
app.command("probe", short_help="One layer on frozen embeddings.")(train_probe)


@app.command(short_help="The compact model, from SonoNet16.")
def compact(
    data: Annotated[
        Path, typer.Option("--data", metavar="DIR", help="planes/ (needed), hc18/, sononet_examples/, video/.")
    ],
    teacher: Annotated[Path, typer.Option("--teacher", metavar="FILE", help="SonoNet16.npz.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Checkpoint, log, weights and figures go here.")],
    steps: Annotated[int, typer.Option("--steps", min=1, help="Batches of 32 views.")] = 2000,
    seed: Annotated[int, typer.Option("--seed", min=0)] = 0,
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:N.")] = "auto",
    workers: Annotated[int, typer.Option("--workers", min=0, help="Processes that make views.")] = 1,
    phantoms: Annotated[bool, typer.Option(help="Learn the phantom's planes too.")] = True,
) -> None:
    """Distil the compact model from SonoNet16; a stopped run goes on where it stood when called again.

    Writes DIR/compact.safetensors (what --weights takes) and DIR/figures.json.
    """
    import json

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from ...models.device import pick_device
    from ...models.train.distill import Distillation, Settings
    from ...models.train.finish import finish
    from ...models.train.pictures import read_examples
    from .phantoms import training_phantom

    console = Console(stderr=True)
    settings = Settings(steps=steps, seed=seed, workers=workers)
    maker = training_phantom if phantoms else None
    with console.status("reading pictures"):
        examples = read_examples(data)
        run = Distillation(examples, teacher, out, settings=settings, phantom=maker, device=pick_device(device))
    progress = Progress(
        TextColumn("distilling"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[losses]}"),
        TimeRemainingColumn(),
        console=console,
    )
    with progress:
        task = progress.add_task("distil", total=steps, losses="")

        def report(step: int, losses: Mapping[str, float]) -> None:
            shown = "  ".join(f"{name} {value:.2f}" for name, value in losses.items())
            progress.update(task, completed=step, losses=shown)

        run.run(report)
    with console.status("calibrating and judging"):
        recipe = f"distilled from SonoNet16, {steps} steps of {settings.batch}, seed {seed}"
        path = out / "compact.safetensors"
        figures = finish(run.averaged(), examples, path, teacher=teacher, phantom=maker, recipe=recipe)
    (out / "figures.json").write_text(json.dumps(figures, indent=2) + "\n")
    typer.echo(json.dumps(figures, indent=2))
    typer.echo(f"written: {path}")
