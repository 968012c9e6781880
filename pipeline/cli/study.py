"""Commands on recorded studies: review."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from .options import (
    AssignOption,
    ConfigOption,
    ModelOption,
    OutOption,
    SpacingOption,
    WeightsOption,
    age_flags,
    model_flags,
)
from .report import UnmaskedOption, make_reports


def review(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="Video files, and folders of videos or images.")
    ],
    out: OutOption,
    config: ConfigOption = "review",
    assign: AssignOption = None,
    model: ModelOption = None,
    weights: WeightsOption = None,
    spacing_mm: SpacingOption = None,
    report: Annotated[
        bool, typer.Option("--report", help="Also make a page of each study, DIR/NAME/report.html, and DIR/index.html.")
    ] = False,
    unmasked: UnmaskedOption = False,
) -> None:
    """Go through recorded cines, every frame; write DIR/NAME/events.jsonl and summary.json for each.

    The configuration's sinks get every event, too.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from ... import FetalStreamError
    from ...sinks.sink import BackgroundSink
    from ..assemble import load_model, opened_sinks
    from ..metrics import metrics_page
    from ..report import Cines
    from ..review import Study, find_studies, review_study
    from ..run import StreamRun
    from ..settings import load_config
    from .signals import draining

    loaded = load_config(config, assignments=assign or (), flags=model_flags(model, weights) | age_flags(spacing_mm))
    studies = find_studies(paths)
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
    begun: list[Path] = []

    def stop() -> None:
        nonlocal interrupted
        interrupted = True
        if current is not None:
            current.stop()

    def cancel() -> None:
        if current is not None:
            current.cancel()

    with (
        opened_sinks(loaded.sinks) as sinks,  # bound before the model loads, so that subscribers are there in time
        metrics_page(loaded.metrics) as follow,
    ):
        engine = load_model(loaded)
        with draining(stop, cancel), progress:
            for study in studies:
                task = progress.add_task(study.name, total=None, speed="")

                def on_start(run: StreamRun, task: object = task, study: Study = study) -> None:
                    nonlocal current
                    current = run
                    begun.append(out / study.name)
                    follow(run)
                    progress.update(task, total=run.info.frame_count)  # pyright: ignore[reportArgumentType]

                def on_tick(run: StreamRun, task: object = task) -> None:
                    counts = run.telemetry.snapshot()
                    speed = f"{counts.results_per_second:.0f}/s"
                    progress.update(task, completed=counts.frames_embedded, speed=speed)  # pyright: ignore[reportArgumentType]

                try:
                    summary = review_study(
                        study,
                        config=loaded,
                        model=engine,
                        out=out,
                        extra_sinks=sinks,
                        on_start=on_start,
                        on_tick=on_tick,
                    )
                except FetalStreamError as error:
                    failed += 1
                    errors.print(f"error: {error}", style="red", highlight=False, soft_wrap=True, markup=False)
                    continue
                finally:
                    progress.remove_task(task)
                    _remember(out / study.name, study.path, loaded.capture.folder)
                progress.console.print(_line(summary), highlight=False, soft_wrap=True, markup=False)
                if interrupted:
                    break
        behind = [sink.standing for sink in sinks if isinstance(sink, BackgroundSink) and sink.standing.reason]
    for standing in behind:
        waiting = f"{standing.waiting} events were not taken: {standing.reason}"
        errors.print(f"error: {standing.sink}: {waiting}", style="red", highlight=False, soft_wrap=True, markup=False)
    if interrupted:
        errors.print("interrupted: what was reviewed so far is written; the rest was not begun", style="yellow")
        raise typer.Exit(130)
    if report:
        where = Cines((study.name, study.path) for study in studies)
        captures = [] if loaded.capture.folder is None else [loaded.capture.folder]
        index = out if begun else None
        unreported = make_reports(begun, where=where, captures=captures, index=index, unmasked=unmasked)
    else:
        unreported = 0
    if failed:
        errors.print(f"{failed} of {len(studies)} could not be reviewed", style="red")
    if failed or behind or unreported:
        raise typer.Exit(1)


def _remember(folder: Path, cine: Path, captures: Path | None) -> None:
    """Where the cine and the captures of a record lie, for a later report: also of a review that failed midway."""
    from ...sources import SourceError
    from ..report import remember, remember_captures
    from ..report.cines import fingerprint
    from ..report.record import SUMMARY_NAME

    if not (folder / SUMMARY_NAME).is_file():
        return
    with suppress(SourceError):
        remember(fingerprint(cine), cine)
    if captures is not None:
        remember_captures(folder, captures)


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
