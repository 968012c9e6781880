"""Commands on recorded studies: review."""

from pathlib import Path
from typing import Annotated, Any, cast

import typer

from .options import AssignOption, ConfigOption, ModelOption, OutOption, WeightsOption, model_flags


def review(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="Video files, and folders of videos or images.")
    ],
    out: OutOption,
    config: ConfigOption = "review",
    assign: AssignOption = None,
    model: ModelOption = None,
    weights: WeightsOption = None,
) -> None:
    """Go through recorded cines, every frame; write DIR/NAME/events.jsonl and summary.json for each."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from ... import FetalStreamError
    from ..assemble import load_model
    from ..metrics import metrics_page
    from ..review import find_studies, review_study
    from ..run import StreamRun
    from ..settings import load_config
    from .signals import draining

    loaded = load_config(config, assignments=assign or (), flags=model_flags(model, weights))
    studies = find_studies(paths)
    engine = load_model(loaded)
    console = Console()
    errors = Console(stderr=True)
    failed = 0
    interrupted = False
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("frames  {task.fields[speed]}"),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )

    current: StreamRun | None = None

    def stop() -> None:
        nonlocal interrupted
        interrupted = True
        if current is not None:
            current.stop()

    def cancel() -> None:
        if current is not None:
            current.cancel()

    with draining(stop, cancel), progress, metrics_page(loaded.metrics) as follow:
        for study in studies:
            task = progress.add_task(study.name, total=None, speed="")

            def on_start(run: StreamRun, task: object = task) -> None:
                nonlocal current
                current = run
                follow(run)
                progress.update(task, total=run.info.frame_count)  # pyright: ignore[reportArgumentType]

            def on_tick(run: StreamRun, task: object = task) -> None:
                counts = run.telemetry.snapshot()
                speed = f"{counts.results_per_second:.0f}/s"
                progress.update(task, completed=counts.frames_embedded, speed=speed)  # pyright: ignore[reportArgumentType]

            try:
                summary = review_study(study, config=loaded, model=engine, out=out, on_start=on_start, on_tick=on_tick)
            except FetalStreamError as error:
                failed += 1
                errors.print(f"error: {error}", style="red", highlight=False, soft_wrap=True, markup=False)
                continue
            finally:
                progress.remove_task(task)
            progress.console.print(_line(summary), highlight=False, soft_wrap=True, markup=False)
            if interrupted:
                break
    if interrupted:
        errors.print("interrupted: what was reviewed so far is written; the rest was not begun", style="yellow")
        raise typer.Exit(130)
    if failed:
        errors.print(f"{failed} of {len(studies)} could not be reviewed", style="red")
        raise typer.Exit(1)


def _line(summary: dict[str, object]) -> str:
    visits = cast("list[dict[str, Any]]", summary["planes"])
    planes = ", ".join(f"{v['plane']} {v['start_seconds']:.1f}-{v['end_seconds']:.1f} s" for v in visits)
    media, wall = summary["media_seconds"], summary["wall_seconds"]
    assert isinstance(media, float)
    assert isinstance(wall, float)
    return (
        f"{summary['stream']}: {summary['frames_read']} frames, {media:.1f} s of media in {wall:.1f} s "
        f"({media / wall if wall else 0:.1f} x real time): {planes or 'no standard plane'}"
    )
