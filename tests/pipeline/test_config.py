"""The law of configuration: what wins, and what a wrong one is told."""

from pathlib import Path

import pytest

from fetalstream.pipeline.channel import Policy
from fetalstream.pipeline.settings import ConfigError, load_config, preset_names


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FETALSTREAM_SEGMENTS__ENTER_SCORE", "FETALSTREAM_MODEL__KIND"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("name", preset_names())
def test_every_shipped_preset_is_valid(name: str):
    load_config(name)


def test_live_and_review_differ_in_policy_and_batching_only():
    live, review = load_config("live"), load_config("review")
    assert (live.flow.policy, review.flow.policy) == (Policy.LATEST, Policy.BLOCK)
    same = {"model", "head", "sampling", "signal", "fan", "smoothing", "segments"}
    assert live.model_dump(include=same) == review.model_dump(include=same)


def test_flags_beat_assignments_beat_environment_beat_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "site.yaml"
    file.write_text("segments: {enter_score: 0.61, leave_score: 0.31, hold_seconds: 0.11, release_seconds: 0.21}")
    monkeypatch.setenv("FETALSTREAM_SEGMENTS__LEAVE_SCORE", "0.32")
    monkeypatch.setenv("FETALSTREAM_SEGMENTS__HOLD_SECONDS", "0.12")
    monkeypatch.setenv("FETALSTREAM_SEGMENTS__RELEASE_SECONDS", "0.22")
    config = load_config(
        file,
        assignments=["segments.hold_seconds=0.13", "segments.release_seconds=0.23"],
        flags={"segments": {"release_seconds": 0.24}},
    )
    segments = config.segments
    assert (segments.enter_score, segments.leave_score) == (0.61, 0.32)
    assert (segments.hold_seconds, segments.release_seconds) == (0.13, 0.24)


def test_a_section_whose_kind_changes_is_replaced_not_mixed():
    config = load_config(
        "live", assignments=["sampling={kind: fixed_rate, rate_fps: 5}", "sampling={kind: every_frame}"]
    )
    assert config.sampling.kind == "every_frame"


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        (
            "segments.enter_scor=0.7",
            "segments.enter_scor is not a key; did you mean 'enter_score'? allowed: enter_score",
        ),
        ("segments.enter_score=7", "segments.enter_score=7: Input should be less than or equal to 1"),
        ("segments.leave_score=0.9", "leave_score 0.9 is above enter_score 0.6"),
        ("model.kind=resnet", "model.kind='resnet': no such model; there are: compact, fetalclip"),
        ("sampling.kind=fixed_rate", "sampling.fixed_rate.rate_fps is missing"),
        ("sampling={kind: fixed_rate, rate_fps: 0}", "rate_fps=0: Input should be greater than 0"),
        ("sampling={kind: adaptive, min_fps: 9, max_fps: 3}", "min_fps 9.0 is above max_fps 3.0"),
        ("sampling={kind: adaptive, min_fps: 0.4}", "sampling.min_fps 0.4 leaves more time between frames than"),
        ("signal.gates=[frosen]", "signal.gates.0='frosen': Input should be 'frozen', 'no_signal'"),
        ("signal.black_below=0", "signal.black_below=0: Input should be greater than or equal to 1"),
        ("sampling.kind=sometimes", "sampling={'kind': 'sometimes'}"),
        ("sinks=[{kind: zmq, endpont: x}]", "sinks.0.zmq.endpont is not a key; did you mean 'endpoint'?"),
        ("flow.queue_frames=0", "flow.queue_frames=0: Input should be greater than or equal to 1"),
        ("nonsense=1", "nonsense is not a key; allowed: age, capture, chd, dwell, fan, flow"),
        ("no-equals-sign", "'no-equals-sign' is not of the form path.to.key=value"),
        ("a..b=1", "'a..b=1' is not of the form path.to.key=value"),
    ],
)
def test_a_wrong_value_is_refused_with_its_path_and_what_was_allowed(assignment: str, said: str):
    with pytest.raises(ConfigError) as refusal:
        load_config("live", assignments=[assignment])
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("segments: [", "is not valid YAML"),
        ("- a\n- b", "must hold keys and values, not list"),
        ("!!python/object/apply:os.system ['true']", "is not valid YAML"),
    ],
)
def test_a_file_that_is_no_configuration_is_named(tmp_path: Path, text: str, said: str):
    file = tmp_path / "site.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as refusal:
        load_config(file)
    assert "site.yaml" in str(refusal.value)
    assert said in str(refusal.value)


def test_a_name_that_is_neither_preset_nor_file_is_told_the_presets():
    with pytest.raises(ConfigError, match=r"'lve' is neither a preset \(.*live.*\) nor a readable file"):
        load_config("lve")


def test_the_hash_changes_with_what_changes_results_and_with_nothing_else():
    plain = load_config("review")
    assert load_config("review").sha256 == plain.sha256
    assert load_config("review", assignments=["sinks=[{kind: console}]"]).sha256 == plain.sha256
    assert load_config("review", assignments=["metrics.enabled=true"]).sha256 == plain.sha256
    assert load_config("review", assignments=["model.weights=/elsewhere.pt"]).sha256 == plain.sha256
    for change in ("segments.enter_score=0.61", "signal.gates=[frozen]", "signal.freeze_seconds=0.7", "fan.find=false"):
        assert load_config("review", assignments=[change]).sha256 != plain.sha256


def test_a_heads_file_counts_by_its_content_not_by_its_place(tmp_path: Path):
    digests: list[str] = []
    for name, content in (("a", b"1"), ("b", b"1"), ("c", b"2")):
        (tmp_path / name).write_bytes(content)
        digests.append(load_config("review", assignments=[f"head={{kind: probe, file: {tmp_path / name}}}"]).sha256)
    assert digests[0] == digests[1] != digests[2]


def test_remembered_fans_count_by_their_content_not_by_their_place(tmp_path: Path):
    digests: list[str] = []
    for name, content in (("a", b"[1]"), ("b", b"[1]"), ("c", b"[2]")):
        (tmp_path / name).write_bytes(content)
        digests.append(load_config("review", assignments=[f"fan.memory={tmp_path / name}"]).sha256)
    assert digests[0] == digests[1] != digests[2]
