"""Gestational age: ``fetalstream train ga-similarity``, ``train ga`` and ``evaluate ga``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ... import FetalStreamError

if TYPE_CHECKING:
    from ...models.weights import WeightReport

SimilarityOption = Annotated[
    Path,
    typer.Option("--similarity", metavar="FILE", help=".npz with similarity (n 175), true_hc_mm and filename."),
]
LevelOption = Annotated[float, typer.Option("--level", help="Share of heads the interval is to cover.")]


PromptsOption = Annotated[
    str,
    typer.Option("--prompts", metavar="FILE", help="Sentences with {weeks}, {days} and {spacing}; ours by default."),
]


def ga_similarity(
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="HC18: a .csv beside its pictures.")],
    weights: Annotated[Path, typer.Option("--weights", metavar="FILE", help="Of fetalclip or mobile; or their name.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE.npz", help="What --similarity takes.")],
    prompts: PromptsOption = "gestational_age",
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:N.")] = "auto",
) -> None:
    """Similarities of heads of known size to sentences for 175 days: what `train ga` and `evaluate ga` read.

    875 sentences are embedded for each pixel spacing, once per weights: minutes on a processor, a moment on a GPU.
    """
    from rich.console import Console
    from rich.progress import Progress

    from ...models.hc18 import hc18_heads
    from ...models.heads.age_text import AgeTexts, load_age_templates
    from ...models.towers import load_towers
    from ...models.train.age_table import embed_heads, write_age_table
    from ...models.weights import KNOWN, find

    heads, templates, whose = hc18_heads(data), load_age_templates(prompts), _with_text_tower(weights)
    towers = load_towers(KNOWN[whose.kind].architecture, find(weights), device=device)
    texts = AgeTexts(templates, towers.text)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("heads", total=len(heads))
        table = embed_heads(heads, towers.image, texts, progress=lambda done: progress.update(task, completed=done))
    write_age_table(out, table, heads)
    typer.echo(f"written: {out}")


def evaluate_ga(
    similarity: SimilarityOption,
    level: LevelOption = 0.95,
    folds: Annotated[int, typer.Option("--folds", min=2, max=50, help="Parts, by patient.")] = 5,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Which patients fall together.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Gestational age: the published zero-shot rule, and the calibrated decoder on patients it has not seen."""
    from ...models.train.age import judge
    from ...models.train.age_table import read_age_table

    found = judge(read_age_table(similarity), level=level, folds=folds, seed=seed)
    if json:
        import json as writer

        typer.echo(writer.dumps(found))
        return
    from rich.console import Console

    Console().print(_table(found, folds))


def train_ga(
    similarity: SimilarityOption,
    weights: Annotated[
        Path, typer.Option("--weights", metavar="FILE", help="The weights whose similarities these are.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The decoder; its card goes beside it as .md.")],
    prompts: PromptsOption = "gestational_age",
    level: LevelOption = 0.95,
) -> None:
    """Fit the age decoder on similarity curves of heads of known size; writes the head file and its card."""
    from ...models.heads.age_decoder import AgeDecoder
    from ...models.heads.age_text import load_age_templates
    from ...models.heads.card import write_card
    from ...models.outputs import ModelIdentity
    from ...models.train.age import age_card, fit, judge
    from ...models.train.age_table import read_age_table
    from ...models.whole import check_folder

    check_folder(out)
    table, templates, whose = read_age_table(similarity), load_age_templates(prompts), _with_text_tower(weights)
    encoder = ModelIdentity(name=whose.kind, sha256=whose.sha256, version=whose.version)
    figures, counted = judge(table, level=level), table.counted()
    fitted = fit(counted.similarity, counted.head_mm, counted.patients, level=level)
    recipe = f"{len(counted)} heads of {len(set(counted.patients))} patients from {similarity.name}"
    decoder = AgeDecoder(fitted, encoder=encoder, prompts_sha256=templates.sha256, recipe=recipe)
    decoder.save(out)
    card = write_card(out, age_card(decoder, figures))
    typer.echo(f"written: {out} and {card}")


def _with_text_tower(weights: Path) -> "WeightReport":
    from ...models.weights import KNOWN, find, verify

    report = verify(find(weights))
    if report.kind not in KNOWN:
        raise FetalStreamError(f"{weights} is of kind {report.kind!r}, which reads no sentences: {', '.join(KNOWN)} do")
    return report


def _table(found: dict[str, Any], folds: int) -> Any:
    from rich.table import Table

    rule, decoder = found["zero_shot"], found["calibrated"]
    table = Table(
        title=f"gestational age, {rule['counted']} heads of 100 to 342 mm",
        caption=f"calibrated: {folds} folds by patient",
        title_justify="left",
        caption_justify="left",
        box=None,
        header_style="dim",
        pad_edge=False,
    )
    table.add_column("")
    for name in ("valid", "mean error", f"{decoder['level']:.0f} % interval covers", "its width"):
        table.add_column(name, justify="right")
    table.add_row("zero-shot (published rule)", f"{rule['vpr']:.2f} %", f"{rule['mae_days']:.1f} days", "-", "-")
    table.add_row(
        "calibrated",
        f"{decoder['vpr']:.2f} %",
        f"{decoder['mae_days']:.1f} days",
        f"{decoder['coverage']:.1f} %",
        f"{decoder['width_days']:.1f} days",
    )
    if (exams := found["exams"])["patients"]:
        table.add_row(
            f"{exams['patients']} exams of 2 or more",
            "-",
            f"{exams['mae_days']:.1f} days",
            f"{exams['coverage']:.1f} %",
            f"covers {exams['coverage_if_shrunk']:.1f} % if narrowed by root n",
        )
    return table
