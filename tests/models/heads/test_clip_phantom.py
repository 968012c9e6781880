"""The law of the embedded heart head: its card says what the file says, and whose its figures are."""

import re
from pathlib import Path

import pytest

from fetalstream.models.compact import EMBEDDED as COMPACT
from fetalstream.models.files import sha256_of
from fetalstream.models.heads.clip_answer import Calibration
from fetalstream.models.heads.clip_head import EMBEDDED, ClipHead
from fetalstream.models.outputs import ModelIdentity

DOCS = Path(__file__).parents[3] / "docs" / "chd.md"


def words(path: Path) -> str:
    return " ".join(path.read_text(encoding="utf-8").split())


@pytest.fixture(scope="module")
def head() -> ClipHead:
    return ClipHead.load(EMBEDDED, encoder=ModelIdentity(name="compact", sha256=sha256_of(COMPACT)))


@pytest.fixture(scope="module")
def card() -> str:
    return words(EMBEDDED.with_suffix(".md"))


def test_it_was_trained_on_phantoms_and_says_so(head: ClipHead, card: str):
    recipe = head.recipe
    assert recipe.trained_on == "phantom hearts"
    assert f"phantom hearts: {recipe.patients} simulated patients, {len(head.seen)} cines, {recipe.clips} clips" in card
    assert f"| share affected | {head.calibration.prevalence:.3f} |" in card
    assert f"{recipe.timing.frames} frames over {recipe.timing.seconds} s" in card
    assert f"width {recipe.width}" in card
    assert recipe.encoder.sha256 in card
    assert set(recipe.affected) == set(re.findall(r"\w+", card.partition("| affected | ")[2].partition(" |")[0]))


def test_its_limits_are_those_of_the_file(head: ClipHead, card: str):
    limits = head.calibration
    assert f"its {limits.level * 100:.0f} % interval" in card
    assert f"above {limits.max_spread:.2f} in log odds" in card
    assert f"distance above {limits.max_distance:.2f}" in card


def test_what_a_call_is_worth_is_counted_on_unseen_phantoms_and_the_better_figure_of_training_is_called_so(
    head: ClipHead, card: str
):
    (told,) = re.findall(r"\| sensitivity, specificity at its threshold \| (0\.\d+), (0\.\d+) \|", card)
    unseen, trained = Calibration(sensitivity=float(told[0]), specificity=float(told[1])), head.calibration
    worth, too_good = (f"{one.positive_predictive_value(0.01) * 100:.1f} %" for one in (unseen, trained))
    assert float(worth.split()[0]) < float(too_good.split()[0])
    assert f"a call about a patient at its threshold is right in {worth} of cases" in card
    assert f"of those 150 unseen phantom patients come to ({told[0]} and {told[1]})" in card
    assert f"{too_good}, by the figures in the file ({trained.sensitivity:.3f} and {trained.specificity:.3f})" in card
    assert f"counted on the {head.recipe.patients} patients of training and are too good" in card


def test_the_manual_tells_the_same_figures(card: str):
    manual = words(DOCS)
    figures = dict(re.findall(r"\| (AUROC|expected calibration error|abstains on) \| ([\d.]+)", card))
    low, high = re.findall(r"\| AUROC \| [\d.]+ \| ([\d.]+) to ([\d.]+) \|", card)[0]
    by_clip = re.findall(r"By clip the AUROC is ([\d.]+);", card)[0]
    assert (
        f"AUROC by patient {figures['AUROC']} (95 %: {low} to {high}), expected calibration error "
        f"{figures['expected calibration error']}, by clip {by_clip}; it abstains on {figures['abstains on']} %"
        in manual
    )
    for figure in ("5.8 %", "8.7 %", "sensitivity was 0.973 and specificity 0.840", "states 0.975 and 0.896"):
        assert figure in manual
