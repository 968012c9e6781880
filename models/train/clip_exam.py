"""Three ways to come to answers about hearts, judged alike: training in folds, a head, sentences alone."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..heads.clip_answer import Calibration, Floats, HeartAnswer, aggregate
from ..heads.clip_head import ClipHead
from ..heads.clip_text import ClipTextHead
from ..heads.clip_timing import ClipTiming
from ..outputs import ModelIdentity
from .clip_checks import check_blind, check_unseen
from .clip_fit import ClipTraining, Report, fit
from .clip_judge import Judged, judge_head, judged
from .clip_table import ClipTable, folds_by_patient, share_affected


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartExam:
    """What was found, and which leaks were looked for on the way; each of them would have ended it.

    Attributes:
        way: in words.
        found: answers and truth.
        checks: what was checked, in words; that of the cines is told by whoever embedded them.
    """

    way: str
    found: Judged
    checks: tuple[str, ...]


ALWAYS = (
    "a patient has one label",
    "scores stay the same when all labels are turned round",
    "figures by patient have one row for each",
)


def exam_by_folds(
    table: ClipTable,
    training: ClipTraining,
    *,
    timing: ClipTiming,
    encoder: ModelIdentity,
    folds: int,
    shuffle: bool = False,
    prevalence: float | None = None,
    report: Callable[[int], Report] = lambda _: lambda *_: None,
) -> HeartExam:
    """A head for each fold, trained on and calibrated by the patients of the others.

    Args:
        table: all clips.
        training: how.
        timing, encoder: of the clips.
        folds: parts, by patient.
        shuffle: deal labels out anew among patients first; an honest way then finds nothing.
        prevalence: of the scores; None is the share of affected patients in ``table``.
        report: fold -> whom to tell of its training.
    """
    assumed = share_affected(table) if prevalence is None else prevalence
    if shuffle:
        table = table.shuffled(training.seed)
    fold = folds_by_patient(table, folds=folds, seed=training.seed + 1)
    parts: list[Judged] = []
    for number in range(folds):
        rest, out = table.rows(fold != number), table.rows(fold == number)
        head = fit(rest, training, timing=timing, encoder=encoder, trained_on="the other folds", report=report(number))
        parts.append(_judged_blind(head, out, assumed))
    way = f"{training.net} of {training.members}, {folds} folds by patient" + (", labels shuffled" if shuffle else "")
    return HeartExam(
        way=way,
        found=Judged.joined(parts),
        checks=(*ALWAYS, "no patient is in two folds", *(["shuffled labels give chance"] if shuffle else [])),
    )


def exam_by_head(head: ClipHead, table: ClipTable, *, prevalence: float | None = None) -> HeartExam:
    """A head on cines that it was not trained on; ``prevalence`` None is the share of affected in ``table``."""
    assumed = share_affected(table) if prevalence is None else prevalence
    check_unseen(head.seen, table)
    way = f"{head.identity.name} trained on {head.recipe.trained_on}"
    return HeartExam(way=way, found=_judged_blind(head, table, assumed), checks=(*ALWAYS, "no cine was trained on"))


def exam_by_text(head: ClipTextHead, table: ClipTable) -> HeartExam:
    """Sentences alone. Their scores are a softmax over two classes, at even odds: nobody has calibrated them."""

    def scores(of: ClipTable) -> Floats:
        return head.logits(of.clips)[0]

    logits = check_blind(scores, table)

    def answer(rows: NDArray[np.intp]) -> HeartAnswer:
        return aggregate(logits[None, rows], Calibration(), prevalence=0.5)

    return HeartExam(way="zero-shot, by sentences", found=judged(table, answer, logits), checks=ALWAYS)


def _judged_blind(head: ClipHead, table: ClipTable, prevalence: float) -> Judged:
    answers: list[Judged] = []

    def scores(of: ClipTable) -> Floats:
        answers.append(judge_head(head, of, prevalence=prevalence))
        return answers[-1].scores

    check_blind(scores, table)
    return answers[0]
