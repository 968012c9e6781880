"""Age from embeddings: sentences per spacing, the refusals, and what costs the text tower."""

import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from fetalstream.models.encoder import Features, ModelError
from fetalstream.models.growth import head_circumference_mm
from fetalstream.models.heads.age_decoder import AgeDecoder
from fetalstream.models.heads.age_head import NOT_YET, AgeHead
from fetalstream.models.heads.age_text import AgeTemplates, AgeTexts, load_age_templates, prompt_spacing
from fetalstream.models.heads.gestational_age import AGE_DAYS, NO_SPACING, Age, NoAge
from fetalstream.models.heads.head_file import ForeignHeadError
from fetalstream.models.outputs import ModelIdentity
from fetalstream.models.train.age import fit

TEMPLATES = AgeTemplates(["{weeks} {days} {spacing}", "head {weeks}w{days}d, {spacing} mm"], name="test")
ANGLE = np.pi / 2 / len(AGE_DAYS)


class ClockTower:
    """A text tower that reads weeks and days off a sentence and points there like the hand of a clock."""

    def __init__(self, gate: threading.Event | None = None) -> None:
        self.identity = ModelIdentity(name="clock", sha256="c" * 64)
        self.context_length, self.embed_dim = 117, 2
        self.asked: list[int] = []
        self.begun = threading.Event()
        self._gate = gate

    def encode_text(self, texts: Sequence[str]) -> Tensor:
        self.begun.set()
        if self._gate is not None:
            assert self._gate.wait(20)
        self.asked.append(len(texts))
        numbers = [[int(part) for part in "".join(c if c.isdigit() else " " for c in text).split()] for text in texts]
        days = torch.tensor([7 * weeks + days for weeks, days, *_ in numbers], dtype=torch.float32)
        return 3 * hand(days)


def hand(days: Tensor) -> Tensor:
    angle = (days - float(AGE_DAYS[0])) * ANGLE
    return torch.stack([angle.cos(), angle.sin()], dim=1)


def features(*days: float) -> Features:
    return Features(embedding=5 * hand(torch.tensor(days)))


def head(tmp_path: Path, tower: ClockTower | None = None) -> AgeHead:
    return AgeHead(AgeTexts(TEMPLATES, tower or ClockTower(), folder=tmp_path))


def test_a_picture_gets_the_age_whose_sentences_it_resembles(tmp_path: Path) -> None:
    answers = head(tmp_path)(features(140, 200), spacing_mm=0.1, width_px=800, height_px=540)
    assert answers == [Age(days=140.0), Age(days=200.0)]


def test_no_spacing_no_age_and_the_text_tower_is_not_asked(tmp_path: Path) -> None:
    tower = ClockTower()
    answers = head(tmp_path, tower)(features(140, 200), spacing_mm=None, width_px=800, height_px=540)
    assert answers == [NoAge(reason=NO_SPACING)] * 2
    assert "no pixel spacing" in NO_SPACING
    assert tower.asked == []


def test_the_sentences_of_a_spacing_are_embedded_once_also_for_the_next_process(tmp_path: Path) -> None:
    tower, later = ClockTower(), ClockTower()
    for spacing_mm in (0.1, 0.1001, 0.1):  # the same two decimals
        head_ = head(tmp_path, tower)
        head_(features(140), spacing_mm=spacing_mm, width_px=800, height_px=540)
    head(tmp_path, later)(features(140), spacing_mm=0.1, width_px=800, height_px=540)
    assert (tower.asked, later.asked) == ([175, 175], [])


def test_a_stream_never_waits_for_a_new_spacing(tmp_path: Path) -> None:
    gate = threading.Event()
    tower = ClockTower(gate)
    head_ = head(tmp_path, tower)

    def ask() -> list[Age | NoAge]:
        return head_(features(140), spacing_mm=0.1, width_px=800, height_px=540, wait=False)

    assert [ask(), ask()] == [[NoAge(reason=NOT_YET)]] * 2
    gate.set()
    deadline = time.monotonic() + 20
    while ask() == [NoAge(reason=NOT_YET)] and time.monotonic() < deadline:
        time.sleep(0.01)
    assert ask() == [Age(days=140.0)]
    assert tower.asked == [175, 175]
    head_.texts.close()


def test_a_stream_that_ends_waits_for_no_sentence_and_the_next_goes_on_where_it_left_off(tmp_path: Path) -> None:
    gate = threading.Event()
    tower, later = ClockTower(gate), ClockTower()
    texts = AgeTexts(TEMPLATES, tower, folder=tmp_path)
    assert texts.soon("0.36") is None
    assert texts.soon("0.37") is None
    assert tower.begun.wait(20)
    began = time.monotonic()
    texts.close()
    assert time.monotonic() - began < 5
    gate.set()
    deadline = time.monotonic() + 20
    while not list(tmp_path.glob("*.safetensors")) and time.monotonic() < deadline:
        time.sleep(0.01)
    head(tmp_path, later)(features(140), spacing_mm=0.1, width_px=800, height_px=540)
    assert (tower.asked, later.asked) == ([175], [175])


def test_a_text_tower_that_fails_is_an_error_of_the_model_and_is_asked_again(tmp_path: Path) -> None:
    class Full(ClockTower):
        def encode_text(self, texts: Sequence[str]) -> Tensor:
            if not self.asked:
                self.asked.append(0)
                raise RuntimeError("out of\nmemory")
            return super().encode_text(texts)

    texts = AgeTexts(TEMPLATES, Full(), folder=tmp_path)
    with pytest.raises(ModelError, match="the text tower failed: out of memory"):
        texts.table("0.36")
    assert texts.table("0.36").shape == (175, 2)


def test_a_decoder_of_other_weights_or_sentences_is_refused(tmp_path: Path) -> None:
    texts = AgeTexts(TEMPLATES, ClockTower(), folder=tmp_path)
    rng = np.random.default_rng(0)
    weeks = rng.uniform(16, 38, size=40)
    curves = np.exp(-(((AGE_DAYS / 7 - weeks[:, None]) / 4) ** 2))
    fitted = fit(curves, head_circumference_mm(weeks), [str(number) for number in range(40)])
    foreign = ModelIdentity(name="other", sha256="d" * 64)
    for encoder, sentences, said in (
        (foreign, TEMPLATES.sha256, "other weights"),
        (texts.identity, "e" * 64, "other sentences"),
    ):
        with pytest.raises(ForeignHeadError, match=said):
            AgeHead(texts, decoder=AgeDecoder(fitted, encoder=encoder, prompts_sha256=sentences))


def test_the_table_is_the_mean_of_unit_sentences_so_that_scores_are_means_of_cosines(tmp_path: Path) -> None:
    torch.manual_seed(0)
    sentences = torch.randn(2 * 175, 8)
    parts = iter(sentences.split(175))

    class Noise(ClockTower):
        def encode_text(self, texts: Sequence[str]) -> Tensor:
            return next(parts)

    tower = Noise()
    tower.embed_dim = 8
    table = AgeTexts(TEMPLATES, tower, folder=tmp_path).table("0.36")
    picture = torch.randn(8)
    cosines = torch.nn.functional.cosine_similarity(picture[None], sentences).reshape(2, 175)
    torch.testing.assert_close(table @ (picture / picture.norm()), cosines.mean(dim=0))


@pytest.mark.parametrize(
    ("spacing_mm", "width_px", "height_px", "said"),
    [(0.1, 800, 540, "0.36"), (0.1, 540, 800, "0.36"), (0.28, 224, 224, "0.28"), (0.1, 400, 270, "0.18")],
)
def test_sentences_speak_of_the_padded_picture_at_224_px(
    spacing_mm: float, width_px: int, height_px: int, said: str
) -> None:
    assert prompt_spacing(spacing_mm, width_px=width_px, height_px=height_px) == said


@pytest.mark.parametrize("spacing_mm", [0.0, -0.1, float("nan"), float("inf")])
def test_what_is_no_spacing_is_refused(spacing_mm: float) -> None:
    with pytest.raises(ModelError, match="above 0 mm"):
        prompt_spacing(spacing_mm, width_px=800, height_px=540)


def test_the_shipped_sentences_name_day_and_spacing() -> None:
    templates = load_age_templates()
    assert [len(own) for own in templates.sentences("0.36")] == [175] * 5
    said = [sentence for own in templates.sentences("0.36") for sentence in own]
    assert len(said) == len(set(said)) == 5 * 175
    assert all("0.36" in sentence for sentence in said)
    assert "20" in said[6 * 7 + 3]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("- at {weeks} weeks, {spacing} mm", "lacks {days}"),
        ("- '{weeks} {days} {spacing} {mother}'", "has places other than"),
        ("weeks: 3", "is a list of sentences"),
        ("[]", "is a list of sentences"),
        ("[", "is neither YAML nor JSON"),
    ],
)
def test_sentences_that_cannot_be_are_refused_in_one_line(content: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "ages.yaml").write_text(content)
    with pytest.raises(ModelError, match=said) as raised:
        load_age_templates(tmp_path / "ages.yaml")
    assert "\n" not in str(raised.value)
