"""Linear probes: ``fetalstream train probe`` and ``evaluate probe``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ... import FetalStreamError
from .options import ModelOption, WeightsOption, model_flags

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from rich.console import RenderableType
    from rich.progress import Progress

    from ...models.train.labels import Labelled
    from ...models.train.probe import Recipe

EmbeddingsOption = Annotated[
    Path | None, typer.Option("--embeddings", metavar="FILE", help="Written by `fetalstream embed`.")
]
LabelsOption = Annotated[
    Path | None, typer.Option("--labels", metavar="CSV", help="Columns key, label, patient and, if wanted, split.")
]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data", metavar="DIR", help="Instead: FETAL_PLANES_DB, a .csv beside Images/; it is embedded first."
    ),
]
BrainOption = Annotated[bool, typer.Option("--brain-planes", help="With --data: the brain's planes, each by its name.")]
LeaveOutOption = Annotated[
    list[str] | None,
    typer.Option("--leave-out", metavar="LABEL", help="A label of too few patients, say; its pictures go; repeatable."),
]
FoldsOption = Annotated[int, typer.Option("--folds", min=3, max=50, help="Parts, by patient.")]
RunsOption = Annotated[int, typer.Option("--runs", min=1, max=100, help="How often patients are dealt anew.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Which patients fall together.")]
EpochsOption = Annotated[int, typer.Option("--epochs", min=1, max=10_000, help="Most that are tried.")]
RateOption = Annotated[float, typer.Option("--learning-rate", min=1e-6, max=1, help="Of AdamW.")]
BalancedOption = Annotated[
    bool, typer.Option("--balanced", help="Classes weigh alike, however many pictures they have.")
]


def train_probe(
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The head; its card goes beside it as .md.")],
    embeddings: EmbeddingsOption = None,
    labels: LabelsOption = None,
    data: DataOption = None,
    brain_planes: BrainOption = False,
    leave_out: LeaveOutOption = None,
    model: ModelOption = None,
    weights: WeightsOption = None,
    folds: FoldsOption = 5,
    runs: RunsOption = 5,
    seed: SeedOption = 0,
    epochs: EpochsOption = 50,
    learning_rate: RateOption = 3e-4,
    balanced: BalancedOption = False,
) -> None:
    """Train one linear layer on frozen embeddings, by FetalCLIP's recipe; writes a head (head.kind=probe) and its card.

    Without the label "background" a floor under the best class makes one, and the card says so.
    """
    from ...models.heads.card import write_card
    from ...models.train.probe import cross_validate, train_head, trials_of
    from ...models.train.probe_figures import figures, probe_card
    from ...models.whole import check_folder

    check_folder(out)
    recipe = _recipe(epochs, learning_rate, balanced)
    with _progress() as progress:
        table = _labelled(
            embeddings, labels, data, brain_planes, leave_out or (), model_flags(model, weights), progress
        )
        task = progress.add_task("layers", total=trials_of(table, folds=folds, runs=runs))
        trials = cross_validate(
            table, recipe, folds=folds, runs=runs, seed=seed, progress=lambda: progress.advance(task)
        )
        head = train_head(table, recipe, trials, folds=folds, seed=seed)
    found = figures(table, trials)
    head.save(out)
    source = f"FETAL_PLANES_DB's layout in {data.resolve().name}/" if data else _names(embeddings, labels)
    card = write_card(out, probe_card(head, table, found, recipe, source=source))
    _warn(found)
    typer.echo(_line(found))
    typer.echo(f"written: {out} and {card}")


def evaluate_probe(
    embeddings: EmbeddingsOption = None,
    labels: LabelsOption = None,
    data: DataOption = None,
    brain_planes: BrainOption = False,
    leave_out: LeaveOutOption = None,
    model: ModelOption = None,
    weights: WeightsOption = None,
    folds: FoldsOption = 5,
    runs: RunsOption = 5,
    seed: SeedOption = 0,
    epochs: EpochsOption = 50,
    learning_rate: RateOption = 3e-4,
    balanced: BalancedOption = False,
    shots: Annotated[
        str | None, typer.Option("--shots", metavar="N,N,...", help="Few-shot instead: pictures per class, as 1,2,4,8.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """What a linear probe on these embeddings is worth: patients it has not seen, five folds, five runs."""
    from ...models.train.probe import cross_validate, few_shot, trials_of
    from ...models.train.probe_figures import few_shot_figures, figures

    counts, recipe = _shots(shots), _recipe(epochs, learning_rate, balanced)
    with _progress() as progress:
        table = _labelled(
            embeddings, labels, data, brain_planes, leave_out or (), model_flags(model, weights), progress
        )
        total = runs * len(counts) if counts else trials_of(table, folds=folds, runs=runs)
        task = progress.add_task("layers", total=total)
        options: dict[str, Any] = {"folds": folds, "runs": runs, "seed": seed}
        options["progress"] = lambda: progress.advance(task)
        found: dict[str, Any] = {"encoder": {"name": table.encoder.name, "sha256": table.encoder.sha256}}
        if counts:
            found["few_shot"] = few_shot_figures(table, few_shot(table, recipe, shots=counts, **options))
        else:
            found |= figures(table, cross_validate(table, recipe, **options))
    _warn(found)
    if json:
        import json as writer

        typer.echo(writer.dumps(found))
        return
    from rich.console import Console

    Console().print(_few_shot_table(found) if counts else _table(found))


def _labelled(
    embeddings: Path | None,
    labels: Path | None,
    data: Path | None,
    brain_planes: bool,
    left_out: "Collection[str]",
    flags: "Mapping[str, Any]",
    progress: "Progress",
) -> "Labelled":
    if data is not None and embeddings is None and labels is None:
        from ...models.planes_db import planes_table
        from ...models.train.planes_labels import embed_planes
        from ..assemble import load_model
        from ..settings import load_config

        rows = planes_table(data / "planes" if (data / "planes").is_dir() else data)
        encoder = load_model(load_config("review", flags=dict(flags))).encoder
        task = progress.add_task("pictures", total=len(rows))
        return embed_planes(
            encoder,
            rows,
            brain_planes=brain_planes,
            left_out=left_out,
            progress=lambda done: progress.update(task, completed=done),
        )
    if data is not None or embeddings is None or labels is None:
        raise FetalStreamError("give --embeddings FILE and --labels CSV, or --data DIR")
    if brain_planes or flags:
        raise FetalStreamError(
            "--brain-planes, --model and --weights go with --data: a file of embeddings has its model"
        )
    from ...models.embeddings import read_embeddings
    from ...models.train.labels import join, read_labels

    table = read_embeddings(embeddings)
    return join(table, [row for row in read_labels(labels) if row.label not in left_out], labels_path=labels)


def _names(embeddings: Path | None, labels: Path | None) -> str:
    return " and ".join(path.name for path in (embeddings, labels) if path)


def _recipe(epochs: int, learning_rate: float, balanced: bool) -> "Recipe":
    from ...models.train.probe import Recipe

    return Recipe(epochs=epochs, learning_rate=learning_rate, balanced=balanced)


def _shots(text: str | None) -> tuple[int, ...]:
    if text is None:
        return ()
    try:
        counts = tuple(sorted({int(part) for part in text.split(",")}))
    except ValueError:
        counts = (0,)
    if min(counts) < 1:
        raise FetalStreamError(f"--shots {text!r}: whole numbers above 0, parted by commas, were expected")
    return counts


def _progress() -> "Progress":
    from rich.console import Console
    from rich.progress import Progress

    return Progress(console=Console(stderr=True), transient=True)


def _warn(found: "Mapping[str, Any]") -> None:
    """Near duplicates across patients, the likeliest pair by name."""
    alike = found.get("near_duplicates")
    if alike and alike["count"]:
        pair = alike["most_alike"][0]
        typer.secho(
            f"warning: {alike['count']} pairs look like copies though of different patients, first {pair['key']} and "
            f"{pair['other']} (cosine {pair['cosine']:.4f}): figures may be too good",
            fg="yellow",
            err=True,
        )


def _line(found: "Mapping[str, Any]") -> str:
    mean, pooled = found["macro_f1"], found["pooled"]
    low, high = pooled["macro_f1_95"]
    return (
        f"macro F1 {mean['mean']:.3f}, standard deviation {mean['deviation']:.3f} over {found['trials']} layers; of "
        f"all answers together {pooled['macro_f1']:.3f} (95 % by patient: {low:.3f} to {high:.3f}); accuracy "
        f"{found['accuracy']['mean']:.3f}, expected calibration error {found['expected_calibration_error']:.3f}"
    )


def _table(found: "Mapping[str, Any]") -> "RenderableType":
    from rich.console import Group
    from rich.text import Text

    encoder = found["encoder"]
    confusion = dict(zip(found["confusion"]["labels"], found["confusion"]["counts"], strict=True))
    table = _plain(
        f"{encoder['name']} (sha256 {encoder['sha256'][:12]}): {found['pictures']} pictures of {found['patients']} "
        "patients",
        ("class", "F1", "95 % by patient", "pictures", "patients", "taken for, all runs"),
    )
    for label, one in found["per_class"].items():
        wrong = [
            (count, f"{name} {count}")
            for name, count in zip(confusion, confusion[label], strict=True)
            if count and name != label
        ]
        pooled = found["pooled"]["per_class"][label]
        low, high = pooled["f1_95"]
        table.add_row(
            label,
            f"{pooled['f1']:.3f}",
            f"{low:.3f} to {high:.3f}",
            str(one["pictures"]),
            str(one["patients"]),
            ", ".join(text for _, text in sorted(wrong, reverse=True)),
        )
    return Group(table, Text(_line(found)))


def _few_shot_table(found: "Mapping[str, Any]") -> "RenderableType":
    encoder = found["encoder"]
    table = _plain(
        f"{encoder['name']} (sha256 {encoder['sha256'][:12]}), few-shot",
        ("pictures per class", "in all", "macro F1", "standard deviation", "runs"),
    )
    for shots, one in found["few_shot"].items():
        mean, deviation = one["macro_f1"]["mean"], one["macro_f1"]["deviation"]
        table.add_row(shots, f"{one['taught']['mean']:.1f}", f"{mean:.3f}", f"{deviation:.3f}", str(one["runs"]))
    return table


def _plain(title: str, columns: tuple[str, ...]) -> Any:
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=None, header_style="dim", pad_edge=False)
    for column in columns:
        is_text = column == "class" or column.startswith("taken")
        table.add_column(column, justify="left" if is_text else "right")
    return table
