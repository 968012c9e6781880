from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

from fetalstream.models.compact import load_compact
from fetalstream.models.encoder import ModelError
from fetalstream.models.train.distill import Distillation, Settings
from fetalstream.models.train.export import find_temperature
from fetalstream.models.train.finish import finish
from fetalstream.models.train.pictures import Grey, read_examples
from fetalstream.models.train.stream import LABELS

SETTINGS = Settings(steps=4, batch=4, workers=0, checkpoint_every=1, first_look=6)


def femur(number: int) -> tuple[Grey, str]:
    return np.random.default_rng(number).integers(0, 255, (60, 80), dtype=np.uint8), "femur"


def silent(_: int, __: Mapping[str, float]) -> None:
    pass


def run(data: Path, teacher: Path, out: Path, *stops: int, settings: Settings = SETTINGS) -> Distillation:
    for stop in stops:
        last = Distillation(read_examples(data), teacher, out, settings=settings, phantom=femur)
        last.run(silent, until=stop)
    return last  # pyright: ignore[reportPossiblyUnboundVariable]


def test_a_stopped_run_ends_where_an_unbroken_one_ends(small_data: Path, teacher_file: Path, tmp_path: Path):
    whole = run(small_data, teacher_file, tmp_path / "whole", 4)
    broken = run(small_data, teacher_file, tmp_path / "broken", 2, 4)
    assert whole.step == broken.step == 4
    for key, value in whole.average.items():
        torch.testing.assert_close(value, broken.average[key], rtol=1e-4, atol=1e-5)


def test_a_run_goes_on_only_with_the_settings_it_began_with(small_data: Path, teacher_file: Path, tmp_path: Path):
    run(small_data, teacher_file, tmp_path, 1)
    with pytest.raises(ModelError, match="use another folder"):
        run(small_data, teacher_file, tmp_path, 2, settings=Settings(steps=5, batch=4, workers=0))


def test_a_checkpoint_that_is_torn_is_named(small_data: Path, teacher_file: Path, tmp_path: Path):
    (tmp_path / "checkpoint.pt").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(ModelError, match=r"checkpoint\.pt cannot be read; remove it") as caught:
        run(small_data, teacher_file, tmp_path, 1)
    assert "\n" not in str(caught.value)


def test_a_file_where_the_folder_should_be_is_named(small_data: Path, teacher_file: Path, tmp_path: Path):
    (tmp_path / "out").write_text("")
    with pytest.raises(ModelError, match="out cannot be made a folder"):
        run(small_data, teacher_file, tmp_path / "out", 1)


def test_what_a_run_writes_is_what_the_product_loads(small_data: Path, teacher_file: Path, tmp_path: Path):
    done = run(small_data, teacher_file, tmp_path, 2)
    path = tmp_path / "compact.safetensors"
    student = done.averaged()
    figures = finish(student, read_examples(small_data), path, teacher=teacher_file, phantom=None, recipe="a test's")
    model = load_compact(path, device="cpu", dtype="float32")
    prepared = model.encoder.prepare(np.random.default_rng(0).integers(0, 255, (90, 120), dtype=np.uint8))
    scores = model.planes(model.encoder.encode([prepared]))
    assert set(scores.labels) == set(LABELS)
    judged = figures["validation"]
    assert 0 <= judged["agreement_with_teacher"] <= 1
    assert sum(int(text.split(" of ")[1]) for text in judged["right"].values()) == judged["pictures"] > 0


def test_the_temperature_undoes_boasting():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(4000, len(LABELS), generator=generator)
    truth = torch.multinomial(logits.softmax(dim=1), 1, generator=generator)[:, 0]
    allowed = torch.nn.functional.one_hot(truth, len(LABELS)).bool()
    found = find_temperature(3 * logits, allowed, torch.ones(len(logits)))
    assert found == pytest.approx(3, rel=0.1)
