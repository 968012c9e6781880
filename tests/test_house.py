"""The law of the house: what stands where, and what must never be imported when."""

import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES: list[str] = PROJECT["tool"]["setuptools"]["packages"]
NOT_PACKAGED = {"tests", "benchmarks", "docs", "build", "out"}
MODULES_LIMIT_LINES = 320


def python_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def test_the_packages_list_names_every_folder_with_an_init_and_no_other():
    folders = [file.parent.relative_to(ROOT) for file in python_files() if file.name == "__init__.py"]
    found = {".".join(("fetalstream", *folder.parts)) for folder in folders if not NOT_PACKAGED & set(folder.parts)}
    assert sorted(PACKAGES) == sorted(found)
    assert sorted(PACKAGES) == PACKAGES


def test_the_root_holds_no_other_module():
    assert sorted(file.name for file in ROOT.glob("*.py")) == ["__init__.py", "__main__.py"]


def test_no_room_is_too_long():
    too_long = {
        str(file.relative_to(ROOT)): lines
        for file in python_files()
        if "tests" not in file.parts
        and (lines := len(file.read_text(encoding="utf-8").splitlines())) > MODULES_LIMIT_LINES
    }
    assert too_long == {}


@pytest.mark.parametrize("package", ["fetalstream", "fetalstream.sources", "fetalstream.sinks", "fetalstream.models"])
def test_public_names_are_sorted_and_exist(package: str):
    module = import_module(package)
    assert sorted(module.__all__) == list(module.__all__)
    assert all(hasattr(module, name) for name in module.__all__)


@pytest.mark.parametrize(
    "package", ["fetalstream", "fetalstream.sources", "fetalstream.sinks", "fetalstream.pipeline.cli.app"]
)
def test_importing_it_brings_neither_torch_nor_opencv_models(package: str):
    code = f"import sys, {package}; print([m for m in ('torch', 'open_clip', 'timm', 'sklearn') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_constraints_pin_names_and_versions_and_hold_no_address():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert pins
    assert all(line.count("==") == 1 and "/" not in line and "@" not in line for line in pins)


def test_every_dependency_is_pinned():
    pinned = {
        line.split("==")[0].lower().replace("_", "-") for line in (ROOT / "constraints.txt").read_text().splitlines()
    }
    wanted = [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["dev"]]
    for extra in PROJECT["project"]["optional-dependencies"].values():
        wanted += extra
    names = {requirement.split(">=")[0].split("[")[0].strip().lower().replace("_", "-") for requirement in wanted}
    assert names - pinned == {"fetalstream"}  # an extra may ask for another
