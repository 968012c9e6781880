"""A cine, and reports on it, made once."""

from pathlib import Path

import pytest

from fetalstream.pipeline.report import make_report

from .records import full_story, plain_story, write_cine, write_record
from .shots import captured_story


@pytest.fixture(scope="session")
def cine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 s of a phantom, with a device's screen around it."""
    return write_cine(tmp_path_factory.mktemp("cines") / "scan.mp4")


@pytest.fixture(scope="session")
def full(cine: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report on a record with something of every kind."""
    folder = write_record(tmp_path_factory.mktemp("full") / "scan", full_story().events, cine=cine)
    return make_report(folder, cine=cine).path


@pytest.fixture(scope="session")
def plain(cine: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report on a record with planes and nothing else."""
    folder = write_record(tmp_path_factory.mktemp("plain") / "scan", plain_story().events, cine=cine)
    return make_report(folder, cine=cine).path


@pytest.fixture(scope="session")
def captured(cine: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report on a record with captures, and its cine."""
    root = tmp_path_factory.mktemp("captured")
    folder = write_record(root / "scan", captured_story(root / "captures", cine).events, cine=cine)
    return make_report(folder, cine=cine, captures=[root / "captures"]).path


@pytest.fixture(scope="session")
def without_cine(cine: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same without the cine."""
    root = tmp_path_factory.mktemp("without")
    folder = write_record(root / "scan", captured_story(root / "captures", cine).events)
    return make_report(folder, cine=None, captures=[root / "captures"]).path
