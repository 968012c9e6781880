"""docs/plugins.md is true: its package, installed, plays, sees and writes."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "plugins.md").read_text(encoding="utf-8")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder in which the package of the page is installed."""
    (tmp_path / "my_plugin.py").write_text("\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)))
    info = tmp_path / "my_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-plugin\nVersion: 1.0\n")
    toml = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)[0]
    groups = re.sub(r'\[project\.entry-points\."(.*?)"\]', r"[\1]", toml).replace('"', "")
    (info / "entry_points.txt").write_text(groups)
    (tmp_path / "site.yaml").write_text(re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0])
    return tmp_path


def test_the_examples_together_make_a_stream(site: Path):
    frames = np.zeros((60, 48, 64), np.uint8)
    frames[15:45] = 200
    np.save(site / "cine.npy", frames)
    command = "live npy:cine.npy?fps=30 --model thresholds --config site.yaml --headless --set signal.gates=[]"
    done = subprocess.run(
        [sys.executable, "-m", "fetalstream", *command.split()],
        cwd=site,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    plane, start, end = (site / "planes.csv").read_text().strip().split(",")
    assert plane == "femur"
    assert 0.4 < float(start) < 0.8
    assert 1.4 < float(end) < 2.0


def test_an_array_that_is_none_is_refused_in_one_line(site: Path):
    (site / "cine.npy").write_bytes(b"no array")
    done = subprocess.run(
        [sys.executable, "-m", "fetalstream", "live", "npy:cine.npy", "--model", "thresholds", "--headless"],
        cwd=site,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: 'cine.npy' cannot be read")
