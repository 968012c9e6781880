"""The law of the heart in a review's summary: score with interval and clips, or why there is none."""

import json
from pathlib import Path
from typing import Any

import av
import msgspec
import numpy as np
import pytest

from fetalstream.models.testing import GreyHead, grey_model
from fetalstream.pipeline.heart.companion import NO_HEAD
from fetalstream.pipeline.review import find_studies, review_study
from fetalstream.pipeline.settings import load_config
from fetalstream.sinks import AnyEvent, ChdScored

from .test_companion import write_head

LABELS = ("femur", "four_chamber")
FPS = 25


def summary_of(tmp_path: Path, *assignments: str, plane: str = "four_chamber") -> dict[str, Any]:
    """Two seconds of one grey plane between seconds of nothing, reviewed."""
    clip, head = tmp_path / "sweep.mkv", GreyHead(LABELS)
    with av.open(str(clip), "w") as container:
        stream = container.add_stream("ffv1", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "gray"
        for index, label in enumerate(["background"] * 20 + [plane] * 50 + ["background"] * 20):
            grey = np.full((32, 32), head.grey_of(label), dtype=np.uint8)
            grey += np.uint8(index % 3)  # a picture that is repeated makes no clip
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="gray")))
        container.mux(stream.encode())
    config = load_config("review", assignments=assignments)
    (study,) = find_studies([clip])
    summary = review_study(study, config=config, model=grey_model(LABELS), out=tmp_path / "out")
    assert json.loads((tmp_path / "out" / "sweep" / "summary.json").read_text()) == summary
    return summary


@pytest.fixture
def head(tmp_path: Path) -> Path:
    return write_head(tmp_path / "heart.safetensors", encoder=grey_model(LABELS).encoder.identity)


def test_the_summary_says_what_the_last_score_of_the_exam_says(tmp_path: Path, head: Path):
    told = summary_of(tmp_path, f"chd.head={head}")["chd"]
    lines = (tmp_path / "out" / "sweep" / "events.jsonl").read_bytes().splitlines()
    events = [msgspec.json.decode(line, type=AnyEvent) for line in lines]
    scores = [event for event in events if isinstance(event, ChdScored)]
    exam = scores[-1]
    assert exam.level == "exam"
    assert told["clips"] == exam.clips == sum(score.level == "clip" for score in scores) > 0
    for name in ("score", "low", "high", "abstains", "reason", "trained_on", "prevalence", "positive_predictive_value"):
        assert told[name] == getattr(exam, name)
    assert 0 <= told["low"] <= told["score"] <= told["high"] <= 1
    assert told["trained_on"] == "invented hearts"
    assert set(told["head"]) == {"name", "sha256", "version"}
    assert told["unavailable"] == []


def test_without_a_head_it_says_why_there_is_no_score(tmp_path: Path):
    assert summary_of(tmp_path)["chd"] == {"clips": 0, "unavailable": [NO_HEAD]}


def test_without_a_view_of_the_heart_it_says_so(tmp_path: Path, head: Path):
    told = summary_of(tmp_path, f"chd.head={head}", plane="femur")["chd"]
    assert (set(told), told["clips"]) == ({"clips", "unavailable"}, 0)
    (reason,) = told["unavailable"]
    assert "no heart was in view" in reason


def test_who_asked_for_no_score_is_told_nothing(tmp_path: Path):
    assert summary_of(tmp_path, "chd.enabled=false")["chd"] is None
