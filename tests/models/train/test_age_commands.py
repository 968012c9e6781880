"""The commands about age, as a user runs them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from fetalstream.models.files import sha256_of
from fetalstream.models.heads.age_decoder import AgeDecoder
from fetalstream.models.heads.age_text import load_age_templates
from fetalstream.models.heads.gestational_age import Age
from fetalstream.models.mobile import MOBILE
from fetalstream.models.outputs import ModelIdentity
from fetalstream.models.train.age_table import read_age_table

from ..conftest import RandomState


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fetalstream", *map(str, arguments)]
    one_thread = os.environ | {"OPENBLAS_NUM_THREADS": "1"}  # its matrices are small: threads would wait for each other
    return subprocess.run(command, capture_output=True, text=True, timeout=240, env=one_thread)


@pytest.fixture(scope="module")
def scores(reference_dir: Path) -> Path:
    return reference_dir / "fetalclip_hc18_similarity.npz"


def test_evaluate_ga_prints_the_published_figures_and_the_decoders(scores: Path):
    done = run("evaluate", "ga", "--similarity", scores, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    rule, decoder = found["zero_shot"], found["calibrated"]
    assert (rule["counted"], rule["valid"], round(rule["vpr"], 2)) == (814, 679, 83.42)
    assert decoder["vpr"] >= 95
    assert decoder["mae_days"] <= 4.5
    assert abs(decoder["coverage"] - decoder["level"]) <= 3


def test_evaluate_ga_reads_well_without_json(scores: Path):
    done = run("evaluate", "ga", "--similarity", scores)
    assert "83.42 %" in done.stdout
    assert "calibrated" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("evaluate", "ga", "--similarity", "nowhere.npz"), "nowhere.npz"),
        (("evaluate", "ga", "--similarity", "SCORES", "--level", "1.5"), "1.5"),
        (("train", "ga", "--similarity", "SCORES", "--weights", "no.pt", "--out", "age.safetensors"), "no.pt"),
        (("train", "ga", "--similarity", "SCORES", "--weights", "no.pt", "--out", "no/age"), "there is no folder no"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(arguments: tuple[str, ...], said: str, scores: Path):
    done = run(*(scores if word == "SCORES" else word for word in arguments))
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert done.stderr.startswith("error: ")
    assert said in done.stderr


def test_a_decoder_is_fitted_and_belongs_to_its_weights(scores: Path, random_state: RandomState, tmp_path: Path):
    weights, out = tmp_path / "mobile.pt", tmp_path / "age.safetensors"
    torch.save(random_state(MOBILE), weights)
    done = run("train", "ga", "--similarity", scores, "--weights", weights, "--out", out)
    assert done.returncode == 0, done.stderr
    encoder = ModelIdentity(name="mobile", sha256=sha256_of(weights))
    decoder = AgeDecoder.load(out, encoder=encoder, prompts_sha256=load_age_templates().sha256)
    answers = decoder(read_age_table(scores).counted().similarity)
    assert np.mean([isinstance(answer, Age) for answer in answers]) == 1
    assert encoder.sha256 in out.with_suffix(".md").read_text(encoding="utf-8")
