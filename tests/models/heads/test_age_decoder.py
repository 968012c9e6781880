"""The calibrated age decoder: its judgement by patient, its laws, its file."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from fetalstream.models.encoder import ModelError
from fetalstream.models.growth import head_circumference_mm, median_age_weeks
from fetalstream.models.heads.age_decoder import UNLIKE, AgeDecoder, decode, kernel, shape_of
from fetalstream.models.heads.card import write_card
from fetalstream.models.heads.gestational_age import AGE_DAYS, Age, NoAge
from fetalstream.models.outputs import ModelIdentity
from fetalstream.models.train import age
from fetalstream.models.train.age import conformal_quantile, fit, judge, leave_groups_out
from fetalstream.models.train.age_table import AgeTable, read_age_table
from fetalstream.models.train.folds import patient_folds

ENCODER = ModelIdentity(name="fetalclip", sha256="a" * 64, version="ViT-L/14@224")
OTHER = ModelIdentity(name="mobile", sha256="b" * 64)
SENTENCES = "d" * 64


def curves(weeks: np.ndarray, *, noise: float, seed: int) -> np.ndarray:
    """Curves that peak near the age, each with a level and a height of its own."""
    rng = np.random.default_rng(seed)
    level, height = rng.normal(20, 8, size=(2, len(weeks), 1))
    peak = np.exp(-(((AGE_DAYS / 7 - weeks[:, None]) / 4) ** 2))
    return level + (5 + abs(height)) * (peak + noise * rng.normal(size=(len(weeks), 1)) * np.sin(AGE_DAYS / 20))


def heads(count: int, *, seed: int = 0, noise: float = 0.1) -> AgeTable:
    weeks = np.random.default_rng(seed + 1000).uniform(16, 38, size=count)
    return AgeTable(
        similarity=curves(weeks, noise=noise, seed=seed),
        head_mm=head_circumference_mm(weeks),
        patients=tuple(f"{number // 2:03}" for number in range(count)),
    )


@pytest.fixture(scope="module")
def decoder() -> AgeDecoder:
    table = heads(160)
    fitted = fit(table.similarity, table.head_mm, table.patients)
    return AgeDecoder(fitted, encoder=ENCODER, prompts_sha256=SENTENCES, recipe="160 curves")


def test_on_the_real_models_scores_it_is_judged_by_patients_it_never_saw(reference_dir: Path) -> None:
    table = read_age_table(reference_dir / "fetalclip_hc18_similarity.npz")
    found = [judge(table, seed=seed)["calibrated"] for seed in (0, 1)] + [judge(table, level=0.9)["calibrated"]]
    assert min(one["vpr"] for one in found) >= 96
    assert max(one["mae_days"] for one in found) <= 4.1
    assert max(abs(one["coverage"] - one["level"]) for one in found) <= 3


def test_curves_without_age_in_them_teach_nothing(reference_dir: Path) -> None:
    table = read_age_table(reference_dir / "fetalclip_hc18_similarity.npz")
    shuffled = AgeTable(
        similarity=table.similarity,
        head_mm=np.random.default_rng(0).permutation(table.head_mm),
        patients=tuple(str(number) for number in range(len(table))),
    )
    found = judge(shuffled)["calibrated"]
    assert found["mae_days"] > 20
    assert abs(found["coverage"] - 95) <= 3


def test_residuals_without_a_patient_are_those_of_a_second_fit() -> None:
    table = heads(30, noise=0.3)
    target = np.log(median_age_weeks(table.head_mm))
    shapes = shape_of(table.similarity)
    noisy = kernel(shapes, shapes, 7.0) + 0.01 * np.eye(30)
    groups = [np.arange(start, start + 3) for start in range(0, 30, 3)]
    inverse = np.asarray(np.linalg.inv(noisy), dtype=np.float64)
    said = leave_groups_out(inverse, inverse @ target, target, groups)
    for rows in groups:
        rest = np.setdiff1d(np.arange(30), rows)
        weights = np.linalg.solve(noisy[np.ix_(rest, rest)], target[rest])
        np.testing.assert_allclose(said[rows], kernel(shapes[rows], shapes[rest], 7.0) @ weights, atol=1e-8)


@given(seed=st.integers(0, 10_000), count=st.integers(1, 40))
def test_intervals_are_ordered_and_ages_known_whatever_the_curve(decoder: AgeDecoder, seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    weeks, low, high, nearest = decode(decoder.fitted, rng.normal(0, rng.uniform(0.01, 100), size=(count, 175)))
    assert (low <= weeks).all()
    assert (weeks <= high).all()
    assert ((decoder.fitted.first_weeks <= weeks + 1e-9) & (weeks <= decoder.fitted.last_weeks + 1e-9)).all()
    assert ((nearest >= 0) & (nearest <= 1 + 1e-12)).all()


def test_a_later_peak_is_an_older_fetus(decoder: AgeDecoder) -> None:
    steps = np.arange(17, 37.5, 1.0)
    clean = np.exp(-(((AGE_DAYS / 7 - steps[:, None]) / 4) ** 2))
    weeks, *_ = decode(decoder.fitted, clean)
    assert (np.diff(weeks) > 0).all()
    assert np.abs(weeks - steps).max() < 1.5


@given(shift=st.floats(-100, 100), factor=st.floats(0.01, 100))
def test_the_level_and_height_of_a_curve_say_nothing(decoder: AgeDecoder, shift: float, factor: float) -> None:
    one = heads(4, seed=7).similarity
    np.testing.assert_allclose(
        decode(decoder.fitted, shift + factor * one)[0], decode(decoder.fitted, one)[0], rtol=1e-6
    )


@hypothesis_settings(max_examples=20)
@given(levels=st.tuples(st.floats(0.5, 0.97), st.floats(0.5, 0.97)))
def test_a_higher_level_gives_no_narrower_interval(levels: tuple[float, float]) -> None:
    table = heads(60)
    low, high = (fit(table.similarity, table.head_mm, table.patients, level=level) for level in sorted(levels))
    assert low.quantile <= high.quantile


def test_a_curve_like_none_that_is_known_gets_no_age(decoder: AgeDecoder) -> None:
    saw = np.where(np.arange(175) % 2, 1.0, -1.0)[None]
    assert decoder(np.concatenate([saw, np.zeros((1, 175))])) == [NoAge(reason=UNLIKE)] * 2
    (known,) = decoder(heads(1, seed=3).similarity)
    assert isinstance(known, Age)
    assert known.level == 0.95


@given(
    patients=st.lists(st.sampled_from([f"p{number}" for number in range(30)]), min_size=40, max_size=80),
    seed=st.integers(0, 100),
)
def test_no_patient_is_in_two_folds(patients: list[str], seed: int) -> None:
    if len(set(patients)) < 5:
        return
    fold = patient_folds(patients, seed=seed)
    assert {len({int(f) for f, p in zip(fold, patients, strict=True) if p == one}) for one in set(patients)} == {1}
    assert set(fold.tolist()) == set(range(5))


def test_the_quantile_counts_patients_not_pictures() -> None:
    errors = np.array([5.0] * 99 + [1.0] * 9)
    share = np.array([1 / 99] * 99 + [1.0] * 9)  # one patient of 99 pictures, nine of one
    assert conformal_quantile(errors, share, 0.8) == 1.0
    assert conformal_quantile(errors, share, 0.95) == 5.0


def test_a_saved_decoder_comes_back_whole(decoder: AgeDecoder, tmp_path: Path) -> None:
    decoder.save(tmp_path / "age.safetensors")
    back = AgeDecoder.load(tmp_path / "age.safetensors", encoder=ENCODER, prompts_sha256=SENTENCES)
    again = heads(8, seed=5).similarity
    assert back(again) == decoder(again)
    assert (back.encoder, back.recipe) == (ENCODER, "160 curves")


def test_other_weights_or_other_sentences_are_refused(decoder: AgeDecoder, tmp_path: Path) -> None:
    path = tmp_path / "age.safetensors"
    decoder.save(path)
    with pytest.raises(ModelError, match=r"fitted on fetalclip \(sha256 aaaaaaaaaaaa\), not on mobile"):
        AgeDecoder.load(path, encoder=OTHER, prompts_sha256=SENTENCES)
    with pytest.raises(ModelError, match="answers to other sentences"):
        AgeDecoder.load(path, encoder=ENCODER, prompts_sha256="e" * 64)


BAD_FILES = {
    "missing": (lambda path: None, "there is no such age decoder"),
    "text": (lambda path: path.write_text("no decoder"), "is a damaged age decoder"),
    "a probe": (lambda path: save_file({"x": np.zeros(1)}, path, {"kind": "fetalstream.probe"}), "kind 'fetalstream.p"),
    "hollow": (
        lambda path: save_file(
            {"x": np.zeros(1)}, path, {"kind": "fetalstream.gestational_age", "format_version": "1"}
        ),
        "is a damaged age decoder",
    ),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_bad_file_is_refused_in_one_line(kind: str, tmp_path: Path) -> None:
    make, message = BAD_FILES[kind]
    make(tmp_path / "age.safetensors")
    with pytest.raises(ModelError, match=message) as raised:
        AgeDecoder.load(tmp_path / "age.safetensors", encoder=ENCODER, prompts_sha256=SENTENCES)
    assert "\n" not in str(raised.value)


def test_what_cannot_be_fitted_is_refused() -> None:
    table = heads(60)
    with pytest.raises(ModelError, match="20 patients or more, not on 5"):
        fit(table.similarity[:10], table.head_mm[:10], table.patients[:10])
    with pytest.raises(ModelError, match="of one size"):
        fit(table.similarity, np.full(60, 180.0), table.patients)
    with pytest.raises(ModelError, match="60 heads lie outside"):
        fit(table.similarity, np.full(60, 80.0), table.patients)
    with pytest.raises(ModelError, match=r"\[0.5, 1\), not 1.2"):
        fit(table.similarity, table.head_mm, table.patients, level=1.2)
    with pytest.raises(ModelError, match="nothing to judge"):
        judge(AgeTable(similarity=table.similarity, head_mm=np.full(60, 80.0), patients=table.patients))
    with pytest.raises(ModelError, match="cannot be parted into 5 folds"):
        patient_folds(["a", "b"])


def test_the_card_tells_whose_similarities_it_reads_and_how_good_it_is(decoder: AgeDecoder, tmp_path: Path) -> None:
    decoder.save(tmp_path / "age.safetensors")
    card = write_card(tmp_path / "age.safetensors", age.age_card(decoder, judge(heads(160)))).read_text()
    assert "a" * 64 in card
    assert "160 curves" in card
    assert "Not a medical device" in card
