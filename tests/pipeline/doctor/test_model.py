"""The law of the model: it loads and keeps up, or it is said why not and what would help."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from fetalstream.models.compact import EMBEDDED
from fetalstream.models.files import sha256_of
from fetalstream.pipeline.config import FixedRateSection
from fetalstream.pipeline.doctor import Finding, Status
from fetalstream.pipeline.doctor.model import look_at_model
from fetalstream.pipeline.settings import load_config


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """On a busy machine two threads wait for each other far longer than one needs alone."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def look(*assignments: str, fps: float | None = None) -> Finding:
    finding, *_ = look_at_model(load_config("live", assignments=assignments), fps=fps, size_px=(320, 240))
    return finding


def test_the_embedded_model_loads_and_its_weights_are_named():
    finding = look(fps=0.2)
    assert finding.status is Status.OK
    assert finding.facts["sha256"] == sha256_of(EMBEDDED)
    assert finding.facts["sha256"][:12] in finding.what
    assert 0 < finding.facts["frame_ms"] < finding.facts["interval_ms"] == 5000


def test_a_source_faster_than_the_model_is_a_warning_that_says_what_will_be_dropped():
    finding = look(fps=100_000)
    assert finding.status is Status.WARNING
    assert "dropped and counted" in finding.what
    advised = finding.todo.partition("--set ")[2].strip("'")
    sampling = load_config("live", assignments=[advised]).sampling
    assert isinstance(sampling, FixedRateSection)
    assert sampling.rate_fps == max(1, int(900 / finding.facts["frame_ms"]))


def test_a_fixed_rate_is_what_the_model_must_keep_up_with():
    assert look("sampling={kind: fixed_rate, rate_fps: 0.5}", fps=100_000).facts["interval_ms"] == 2000


def test_a_model_slower_than_what_is_bridged_is_a_problem():
    finding = look("smoothing.max_gap_seconds=0")
    assert finding.status is Status.PROBLEM
    assert "no plane could ever enter" in finding.what


@pytest.mark.parametrize("content", [b"", b"no weights at all" * 100])
def test_wrong_weights_are_a_problem(content: bytes, tmp_path: Path):
    wrong = tmp_path / "wrong.safetensors"
    wrong.write_bytes(content)
    finding = look(f"model.weights={wrong}")
    assert finding.status is Status.PROBLEM
    assert "wrong.safetensors" in finding.what
    assert "weights verify" in finding.todo


def test_weights_that_were_never_pulled_are_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FETALSTREAM_HOME", str(tmp_path))
    finding = look("model.kind=fetalclip")
    assert finding.status is Status.PROBLEM
    assert "weights pull fetalclip" in finding.what
