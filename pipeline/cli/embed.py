"""``fetalstream embed``: studies to a file of embeddings."""

from pathlib import Path
from typing import Annotated

import typer

from ... import FetalStreamError, __version__
from .options import AssignOption, ModelOption, WeightsOption, model_flags


def embed(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH...", help="Pictures, folders of pictures, videos, DICOM cines; folders of these."),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Embeddings and keys, .safetensors.")],
    model: ModelOption = None,
    weights: WeightsOption = None,
    every: Annotated[int, typer.Option("--every", min=1, help="Each Nth frame of a clip, each Nth picture.")] = 1,
    fps: Annotated[
        float | None, typer.Option("--fps", min=0.001, max=1000, help="Frames per second of media time, instead.")
    ] = None,
    assign: AssignOption = None,
) -> None:
    """Embed frames with the frozen encoder, for `train probe`; FILE is written whole or not at all.

    A frame's key is NAME#INDEX, a picture's FOLDER/FILE. What cannot be read is told, left out, and exit code 1.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from ...models.embeddings import EmbeddingWriter
    from ...sources import SourceError
    from ..assemble import load_model
    from ..embedding import Thinning, embed_study
    from ..review import find_studies
    from ..settings import load_config

    if fps is not None and every > 1:
        raise FetalStreamError(f"--every {every} and --fps {fps:g} exclude each other")
    config = load_config("review", assignments=assign or (), flags=model_flags(model, weights))
    studies = find_studies(paths)
    encoder = load_model(config).encoder
    console = Console(stderr=True)
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("frames"),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )
    failed: list[str] = []
    writer = EmbeddingWriter(
        out,
        encoder=encoder.identity,
        preprocessing="whole picture as the stream gives it, by the encoder's own prepare()",
        software=f"fetalstream {__version__}",
    )
    with writer, progress:
        for study in studies:
            task = progress.add_task(study.name, total=None)

            def started(frames: int | None, task: object = task) -> None:
                progress.update(task, total=frames)  # pyright: ignore[reportArgumentType]

            def looked(frames: int, task: object = task) -> None:
                progress.advance(task, frames)  # pyright: ignore[reportArgumentType]

            try:
                done = embed_study(
                    study,
                    encoder=encoder,
                    thinning=Thinning(every=every, fps=fps),
                    writer=writer,
                    batch_frames=config.flow.batch_frames,
                    on_start=started,
                    on_frames=looked,
                )
                failed += [*done.damage, *([f"{study.name}: {done.failed}"] if done.failed else [])]
            except SourceError as error:
                failed.append(str(error))
            finally:
                progress.remove_task(task)
        for reason in failed:
            console.print(f"error: {reason}", style="red", highlight=False, soft_wrap=True, markup=False)
    typer.echo(f"written: {out}: {writer.frames} frames of {len(studies)} clips and folders by {encoder.identity.name}")
    if failed:
        raise typer.Exit(1)
