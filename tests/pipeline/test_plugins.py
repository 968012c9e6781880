"""The law of plug-ins: names load lazily, unknown ones are told what there is, outsiders' entry points work."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fetalstream.pipeline import plugins

PLUGIN = """
from fetalstream.models.testing import grey_model
from fetalstream.sources.testing import ListSource


def load_model(*, weights=None, device="auto", dtype="auto"):
    return grey_model()


def open_source(uri, *, realtime):
    return ListSource([])
"""

ENTRY_POINTS = """
[fetalstream.models]
grey = grey_plugin:load_model
broken = no_such_module:load
compact = grey_plugin:load_model

[fetalstream.sources]
list = grey_plugin:open_source
"""


@pytest.fixture
def site(tmp_path: Path) -> dict[str, str]:
    """An environment in which somebody else's package is installed."""
    (tmp_path / "grey_plugin.py").write_text(PLUGIN)
    info = tmp_path / "grey_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: grey-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    return {**os.environ, "PYTHONPATH": str(tmp_path)}


def fetalstream(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fetalstream", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=120)


@pytest.mark.parametrize("seam", ["sources", "models", "sinks"])
def test_every_built_in_name_loads(seam: plugins.Seam):
    for name in plugins.BUILT_IN[seam]:
        assert callable(plugins.load(seam, name))


def test_an_unknown_name_is_told_what_there_is():
    with pytest.raises(plugins.PluginError, match=r"no source is called 'kvm'; there are: .*file.*phantom"):
        plugins.load("sources", "kvm")


def test_somebody_elses_model_and_source_run_through_the_same_command(site: dict[str, str], tmp_path: Path):
    done = fetalstream("live", "list:anything", "--model", "grey", "--set", "sinks=[]", env=site)
    assert done.returncode == 0, done.stderr
    assert "0 frames read" in done.stdout


def test_a_plug_in_that_cannot_be_imported_is_one_line(site: dict[str, str]):
    done = fetalstream("live", "list:anything", "--model", "broken", env=site)
    assert done.returncode == 1
    assert "model 'broken' cannot be loaded: No module named 'no_such_module'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_built_in_name_wins_over_an_outsiders(site: dict[str, str]):
    code = "from fetalstream.pipeline.plugins import load; print(load('models', 'compact').__module__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=site, check=True)
    assert done.stdout.strip() == "fetalstream.models.compact"
