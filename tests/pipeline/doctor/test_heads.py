"""The law of heads: what will not be told in a run is said before it, and why."""

from pathlib import Path

import pytest

from fetalstream.models.testing import grey_model
from fetalstream.pipeline.doctor import Finding, Status
from fetalstream.pipeline.doctor.heads import look_at_heads
from fetalstream.pipeline.settings import load_config


def look(*assignments: str, labels: tuple[str, ...] = ("four_chamber", "femur")) -> dict[str, Finding]:
    config = load_config("live", assignments=["protocol=null", *assignments])
    return {finding.area: finding for finding in look_at_heads(config, grey_model(labels))}


def test_no_heart_head_is_no_fault_but_is_told():
    finding = look()["chd"]
    assert finding.status is Status.OK
    assert "no heart head is configured" in finding.what


def test_what_is_switched_off_is_not_looked_at():
    assert look("chd.enabled=false") == {}


def test_a_head_of_another_encoder_will_tell_nothing():
    finding = look("chd.head=phantom")["chd"]
    assert finding.status is Status.WARNING
    assert "none will be told" in finding.what
    assert "chd.enabled=false" in finding.todo


def test_a_model_without_words_tells_no_age():
    finding = look("age.enabled=true", "age.spacing_mm=0.2", labels=("transthalamic",))["age"]
    assert finding.status is Status.WARNING
    assert "no text tower" in finding.what


def test_a_damaged_head_is_a_problem_that_names_it(tmp_path: Path):
    torn = tmp_path / "torn.safetensors"
    torn.write_bytes(b"torn")
    finding = look(f"chd.head={torn}")["chd"]
    assert finding.status is Status.PROBLEM
    assert "torn.safetensors" in finding.what


@pytest.mark.parametrize(
    ("labels", "status", "words"),
    [
        (("femur", "abdomen"), Status.OK, "this model can judge 2 of its"),
        (("nothing_known",), Status.WARNING, "this model can judge 0 of its"),
    ],
)
def test_how_much_of_a_protocol_a_model_can_judge_is_told(labels: tuple[str, ...], status: Status, words: str):
    finding = look("protocol=core_4", labels=labels)["protocol"]
    assert finding.status is status
    assert words in finding.what
    assert ("Femur" in finding.facts["unjudged"]) == ("femur" not in labels)


def test_a_protocol_that_wants_what_nobody_knows_is_a_problem(tmp_path: Path):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("name: wrong\ntitle: Wrong\nitems: [{name: a, title: A, plane: femurr}]\n")
    finding = look(f"protocol={wrong}")["protocol"]
    assert finding.status is Status.PROBLEM
    assert "did you mean 'femur'" in finding.what
