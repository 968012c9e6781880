import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "encoders.py"


def run(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--rounds", "1", "--seconds", "0.01", *arguments],
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_all_encoders_are_timed_in_one_run_as_ratios_to_the_compact_model():
    found = json.loads(run("--models", "compact", "sononet", "mobile", "--json"))
    models = found["models"]
    assert {name: round(one["parameters"] / 1e6, 1) for name, one in models.items()} == {
        "compact": 1.7,
        "sononet": 0.9,
        "mobile": 11.4,
    }
    assert {name: one["weights"] for name, one in models.items()} == {
        "compact": "shipped",
        "sononet": "random",
        "mobile": "random",
    }
    for one in models.values():
        assert one["batch_1_ms"] > 0
        assert one["batch_1_ms_p95"] >= one["batch_1_ms"]
        assert one["compact_ratio"] == pytest.approx(models["compact"]["batch_8_fps"] / one["batch_8_fps"])
    assert models["mobile"]["batch_8_fps"] < models["compact"]["batch_8_fps"], "an 11 M network outran a 1.7 M one"


def test_a_person_is_told_whose_weights_were_random():
    told = run("--models", "sononet")
    assert "random weights" in told
    assert "threads" in told
