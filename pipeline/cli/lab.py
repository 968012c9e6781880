"""Commands around the models: weights and benchmarks."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from .options import ModelOption, WeightsOption, model_flags

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import RenderableType

ClipOption = Annotated[
    Path | None,
    typer.Option("--clip", metavar="FILE", help="A video; the default is a phantom's, made for the run."),
]

Result = TypeVar("Result")

weights_app = typer.Typer(help="Weight files: which are known, which are here, and whether a file fits.")
bench_app = typer.Typer(help="Speed, as ratios against a named baseline in one run.")


@weights_app.command("list")
def weights_list() -> None:
    """Known weights and whether they are here; nothing is fetched."""
    from rich.console import Console
    from rich.table import Table

    from ...models.weights import list_weights

    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in ("name", "here", "licence", "from"):
        table.add_column(column)
    table.add_row("compact", "yes", "Apache-2.0", "embedded in this package")
    for known in list_weights():
        table.add_row(known.name, "yes" if known.is_here else "no", known.licence, known.repository)
    Console().print(table)


@weights_app.command("pull", short_help="Fetch, check and remember weights.")
def weights_pull(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As listed by `weights list`.")],
    accept_licence: Annotated[
        bool,
        typer.Option("--accept-licence", help="You have read the weights' licence (non-commercial) and accept it."),
    ] = False,
) -> None:
    """Fetch weights from their hub, check that they fit, and remember their hash."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    from ...models.weights import pull

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(name, total=None)
        report = pull(
            name,
            accept_licence=accept_licence,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    typer.echo(f"{report.path}: {report.kind} {report.version}, sha256 {report.sha256}")


@weights_app.command("verify")
def weights_verify(path: Annotated[Path, typer.Argument(metavar="PATH", help="A weight file.")]) -> None:
    """Say which model a file fills, and its hash."""
    from ...models.weights import verify

    report = verify(path)
    trust = "as first pulled" if report.trusted else "never pulled by us: compare the hash with its publisher's"
    typer.echo(
        f"{report.path}: {report.kind} {report.version}, {report.parameters / 1e6:.1f} M parameters, "
        f"sha256 {report.sha256} ({trust})"
    )


@bench_app.command("pipeline", short_help="`review` against the loop a user would write.")
def bench_pipeline(
    model: ModelOption = None,
    weights: WeightsOption = None,
    clip: ClipOption = None,
    rounds: Annotated[int, typer.Option("--rounds", min=1, max=50, help="How often the two alternate.")] = 3,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """The loop a user would write against this pipeline: same clip, same model, alternating."""
    from ..evaluation.bench import bench_pipeline, render

    result = bench_pipeline(model=model or "compact", weights=weights, clip=clip, rounds=rounds)
    _print(result, render, json=json)


@bench_app.command("live", short_help="From capture to result, with everything on.")
def bench_live(
    model: ModelOption = None,
    weights: WeightsOption = None,
    clip: ClipOption = None,
    seconds: Annotated[float, typer.Option("--seconds", min=2, max=3600, help="Length of the phantom's.")] = 20.0,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Play a clip as a live source, with captures, checklist, store and bus; tell how late its results are."""
    from ..evaluation.live_bench import bench_live, render_live

    result = bench_live(flags=model_flags(model, weights), clip=clip, seconds=seconds)
    _print(result, render_live, json=json)


def _print(result: Result, render: "Callable[[Result], RenderableType]", *, json: bool) -> None:
    """As one JSON object, or for a person."""
    if json:
        import msgspec

        typer.echo(msgspec.json.encode(result).decode())
    else:
        from rich.console import Console

        Console().print(render(result))
