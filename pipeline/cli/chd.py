"""Hearts: ``fetalstream train chd-phantoms``, ``train chd`` and ``evaluate chd``."""

from collections.abc import Callable, Collection, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ... import FetalStreamError
from .options import ModelOption, WeightsOption, model_flags

if TYPE_CHECKING:
    from ...models.encoder import Encoder, TextEncoder
    from ...models.heads.clip_timing import ClipTiming
    from ...models.train.clip_fit import ClipTraining, Report
    from ...models.train.clip_table import ClipTable
    from ..config import Config

ManifestOption = Annotated[
    list[Path],
    typer.Option("--manifest", metavar="CSV", help="Columns clip, patient, label[, split]; repeatable."),
]
SplitOption = Annotated[str | None, typer.Option("--split", metavar="NAME", help="Only rows of this split.")]
NormalOption = Annotated[str, typer.Option("--normal", metavar="LABEL", help="Label of hearts without a defect.")]
CacheOption = Annotated[
    Path | None, typer.Option("--cache", metavar="DIR", help="Where embeddings are kept; by default in the cache.")
]
NetOption = Annotated[str, typer.Option("--net", help="mean (FetalCLIP's protocol), attention or conv.")]
MembersOption = Annotated[int, typer.Option("--members", min=2, max=50, help="Networks of the ensemble.")]
FramesOption = Annotated[int, typer.Option("--frames", min=4, max=256, help="Frames of a clip.")]
ClipSecondsOption = Annotated[float, typer.Option("--clip-seconds", help="Media time of a clip.")]
StrideOption = Annotated[float, typer.Option("--stride-seconds", help="From one clip to the next.")]
EpochsOption = Annotated[int, typer.Option("--epochs", min=1, help="At most.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0)]

_OF_TRAINING = ("net", "members", "folds", "epochs", "seed", "shuffle_labels")
_OF_TIMING = ("frames", "clip_seconds", "stride_seconds")


def chd_phantoms(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Cines and clips.csv go here.")],
    patients: Annotated[int, typer.Option("--patients", min=1, help="Simulated patients, half of them normal.")] = 200,
    cines: Annotated[int, typer.Option("--cines", min=1, max=20, help="Of each patient.")] = 3,
    first_seed: Annotated[
        int, typer.Option("--first-seed", min=0, help="Training uses a million and above; demonstrations use less.")
    ] = 1_000_000,
) -> None:
    """Draw hearts of simulated fetuses: a manifest and cines to train the demonstration head on, or to judge it by."""
    from rich.console import Console
    from rich.progress import Progress

    from ..heart.phantoms import write_heart_phantoms

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("patients", total=patients)
        manifest = write_heart_phantoms(
            out,
            patients=patients,
            first_seed=first_seed,
            cines=cines,
            progress=lambda done: progress.update(task, completed=done),
        )
    typer.echo(f"written: {manifest}")


def train_chd(
    manifest: ManifestOption,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The head; its card goes beside it as .md.")],
    trained_on: Annotated[
        str, typer.Option("--trained-on", metavar="TEXT", help='Told with each answer, such as "phantom hearts".')
    ],
    model: ModelOption = None,
    weights: WeightsOption = None,
    net: NetOption = "conv",
    members: MembersOption = 5,
    frames: FramesOption = 16,
    clip_seconds: ClipSecondsOption = 1.28,
    stride_seconds: StrideOption = 0.32,
    epochs: EpochsOption = 60,
    split: SplitOption = None,
    normal: NormalOption = "normal",
    cache: CacheOption = None,
    seed: SeedOption = 0,
) -> None:
    """Train the heart head on cines of four-chamber views; writes the head file and its card."""
    from ...models.heads.card import write_card
    from ...models.heads.clip_nets import net_kind
    from ...models.train.clip_card import clip_card
    from ...models.train.clip_fit import ClipTraining, fit
    from ...models.whole import check_folder

    check_folder(out)
    timing = _timing(frames, clip_seconds, stride_seconds)
    training = ClipTraining(net=net_kind(net), members=members, epochs=epochs, seed=seed)
    encoder, flavour = _encoder(model, weights)
    table = _table(manifest, encoder, flavour, timing=timing, split=split, normal=normal, cache=cache)
    with _training_shown(1, training) as report:
        head = fit(table, training, timing=timing, encoder=encoder.identity, trained_on=trained_on, report=report(0))
    head.save(out)
    card = write_card(out, clip_card(head, table))
    typer.echo(f"written: {out} and {card}")


def evaluate_chd(
    context: typer.Context,
    manifest: ManifestOption,
    head: Annotated[
        str | None,
        typer.Option("--head", metavar="FILE|phantom|text", help="None: train and judge in folds of patients."),
    ] = None,
    model: ModelOption = None,
    weights: WeightsOption = None,
    net: NetOption = "conv",
    members: MembersOption = 5,
    folds: Annotated[int, typer.Option("--folds", min=2, max=50, help="Parts, by patient (without --head).")] = 5,
    frames: FramesOption = 16,
    clip_seconds: ClipSecondsOption = 1.28,
    stride_seconds: StrideOption = 0.32,
    epochs: EpochsOption = 60,
    prompts: Annotated[str, typer.Option("--prompts", metavar="FILE", help="For --head text.")] = "chd",
    shuffle_labels: Annotated[
        bool, typer.Option("--shuffle-labels", help="Deal labels out anew among patients first: the leak test.")
    ] = False,
    prevalence: Annotated[
        float | None, typer.Option("--prevalence", help="That scores assume; by default the share affected in the set.")
    ] = None,
    split: SplitOption = None,
    normal: NormalOption = "normal",
    cache: CacheOption = None,
    plot: Annotated[Path | None, typer.Option("--plot", metavar="PNG", help="Abstention and calibration.")] = None,
    seed: SeedOption = 0,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Judge a heart head, a way of training one, or sentences, patient by patient; leaks end it with an error."""
    from ...models.heads.clip_answer import check_prevalence
    from ...models.heads.clip_head import ClipHead, find_head
    from ...models.heads.clip_nets import net_kind
    from ...models.heads.clip_text import ClipTextHead, load_heart_prompts
    from ...models.text_cache import embed_texts
    from ...models.train import clip_exam, clip_judge
    from ...models.train.clip_checks import check_chance
    from ...models.train.clip_fit import ClipTraining
    from ...models.whole import check_folder
    from ..heart.clip_set import CHECKED

    if head is None:
        _refuse_idle(context, ("prompts",), "without --head text")
    elif head == "text":
        _refuse_idle(context, (*_OF_TRAINING, "prevalence"), "with --head text, which nobody trains or calibrates")
    else:
        _refuse_idle(context, (*_OF_TRAINING, *_OF_TIMING, "prompts"), f"with --head {head}, which is trained already")
    if prevalence is not None:
        check_prevalence(prevalence)
    if plot is not None:
        check_folder(plot)

    def table(encoder: "Encoder", flavour: str, timing: "ClipTiming") -> "ClipTable":
        return _table(manifest, encoder, flavour, timing=timing, split=split, normal=normal, cache=cache)

    if head == "text":
        spoken, timing = load_heart_prompts(prompts), _timing(frames, clip_seconds, stride_seconds)
        encoder, flavour, tower = _text_model(model, weights)
        sentences = ClipTextHead(spoken, lambda texts: embed_texts(tower, texts))
        exam = clip_exam.exam_by_text(sentences, table(encoder, flavour, timing))
    elif head is not None:
        encoder, flavour = _encoder(model, weights)
        loaded = ClipHead.load(find_head(head), encoder=encoder.identity)
        exam = clip_exam.exam_by_head(loaded, table(encoder, flavour, loaded.recipe.timing), prevalence=prevalence)
    else:
        encoder, flavour = _encoder(model, weights)
        timing = _timing(frames, clip_seconds, stride_seconds)
        training = ClipTraining(net=net_kind(net), members=members, epochs=epochs, seed=seed)
        clips = table(encoder, flavour, timing)
        with _training_shown(folds, training) as report:
            exam = clip_exam.exam_by_folds(
                clips,
                training,
                timing=timing,
                encoder=encoder.identity,
                folds=folds,
                shuffle=shuffle_labels,
                prevalence=prevalence,
                report=report,
            )
    found, identity = exam.found, encoder.identity
    figures: dict[str, Any] = {"way": exam.way, "encoder": {"name": identity.name, "sha256": identity.sha256}}
    figures |= clip_judge.summary(found, normal=normal) | {"checks": [*CHECKED, *exam.checks]}
    if plot:
        clip_judge.plot(found, plot, title=f"{exam.way}, {len(found.patients)} patients")
    if json:
        import json as writer

        typer.echo(writer.dumps(figures))
    else:
        from rich.console import Console

        from ..heart.tables import render_hearts

        Console().print(render_hearts(figures))
    if shuffle_labels:
        affected = int(found.affected.sum())
        check_chance(figures["patients"]["auroc"], normal=len(found.affected) - affected, affected=affected)


def _timing(frames: int, clip_seconds: float, stride_seconds: float) -> "ClipTiming":
    from ...models.heads.clip_timing import ClipTiming

    return ClipTiming(frames=frames, seconds=clip_seconds, stride_seconds=stride_seconds)


def _refuse_idle(context: typer.Context, idle: "Collection[str]", way: str) -> None:
    """Refuses options that were given and would change nothing."""

    def is_given(name: str) -> bool:
        source = context.get_parameter_source(name)
        return source is not None and source.name == "COMMANDLINE"  # by name: the enum is click's or typer's own

    if given := [one.opts[0] for one in context.command.params if one.name in idle and is_given(one.name)]:
        raise FetalStreamError(f"{', '.join(given)} would change nothing {way}")


def _encoder(model: str | None, weights: Path | None) -> "tuple[Encoder, str]":
    """The encoder that a review would use, and the kind of numbers it computes in."""
    from ..assemble import load_model
    from ..settings import load_config

    config = load_config("review", flags=model_flags(model, weights))
    return load_model(config).encoder, _flavour(config)


def _text_model(model: str | None, weights: Path | None) -> "tuple[Encoder, str, TextEncoder]":
    """The same, with the text tower that goes with it."""
    from ...models.weights import KNOWN
    from ..assemble import load_model
    from ..settings import load_config

    flags = model_flags(model, weights) | {"age": {"enabled": True}}  # age reads sentences too: the text tower stays
    config = load_config("review", flags=flags)
    loaded = load_model(config)
    if loaded.texts is None:
        raise FetalStreamError(f"--head text: model {config.model.kind!r} reads no sentences: {', '.join(KNOWN)} do")
    return loaded.encoder, _flavour(config), loaded.texts


def _flavour(config: "Config") -> str:
    from ...models.device import pick_device, pick_dtype

    return str(pick_dtype(config.model.dtype, pick_device(config.model.device)))


def _table(
    manifests: Sequence[Path],
    encoder: "Encoder",
    flavour: str,
    *,
    timing: "ClipTiming",
    split: str | None,
    normal: str,
    cache: Path | None,
) -> "ClipTable":
    """The clips of all manifests, with a progress bar."""
    from rich.console import Console
    from rich.progress import Progress

    from ...models.clip_cache import ClipCache
    from ..heart.clip_set import embed_cines
    from ..heart.manifest import read_manifests

    cines = read_manifests(manifests, split=split)
    kept = ClipCache(cache, encoder=encoder, flavour=flavour, timing=timing)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("cines", total=len(cines))
        return embed_cines(
            cines,
            encoder,
            timing=timing,
            normal=normal,
            cache=kept,
            progress=lambda done: progress.update(task, completed=done),
        )


@contextmanager
def _training_shown(heads: int, training: "ClipTraining") -> "Generator[Callable[[int], Report]]":
    """A progress bar over ``heads`` trainings."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("training", total=heads * training.members * training.epochs)

        def of(head: int) -> "Report":
            def tell(member: int, epoch: int, _: float) -> None:
                done = (head * training.members + member) * training.epochs + epoch + 1
                progress.update(task, completed=done)

            return tell

        yield of
