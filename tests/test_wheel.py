"""What is installed from a wheel: the whole package, its weights and presets, and nothing else."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from what git tracks, as a fresh clone would be."""
    tree, out = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("wheel")
    for name in tracked():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tree / name)
    build = ["-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(out), str(tree)]
    subprocess.run([sys.executable, *build], check=True, capture_output=True, text=True)
    return next(out.glob("fetalstream-*.whl"))


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def test_it_holds_every_module_weight_and_preset_and_no_test(wheel: Path):
    packaged = {"sources", "models", "sinks", "pipeline", "configs"}
    suffixes = {".py", ".yaml", ".safetensors", ".typed", ".json", ".html", ".css", ".js"}
    wanted = {
        f"fetalstream/{name}"
        for name in tracked()
        if Path(name).suffix in suffixes and (Path(name).parts[0] in packaged or "/" not in name)
    }
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.startswith("fetalstream/")]
    held = {name for name in names if Path(name).suffix in suffixes}
    assert held == wanted
    assert "fetalstream/models/compact.safetensors" in held
    assert not [name for name in names if "/tests/" in name or "/benchmarks/" in name]


def test_it_runs_where_no_checkout_is(wheel: Path, tmp_path: Path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r}); import fetalstream; print(fetalstream.__file__); "
        "from fetalstream.pipeline.cli.app import main; sys.argv = ['fetalstream', 'weights', 'verify', "
        "str(__import__('pathlib').Path(fetalstream.__file__).parent / 'models' / 'compact.safetensors')]; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert str(tmp_path / "site") in done.stdout.splitlines()[0]
    assert "compact" in done.stdout
