"""Where the tests find real ultrasound, and what happens when it is not there."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def _shared(name: str, variable: str) -> Path:
    """A folder of ``../shared`` or of the variable; where it is missing the test is skipped at home and fails in CI."""
    folder = Path(os.environ.get(variable) or ROOT.parent / "shared" / name)
    if folder.is_dir():
        return folder
    message = f"{folder} is not there (set {variable} if it lies elsewhere)"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Real ultrasound pictures and cines."""
    return _shared("data", "FETALSTREAM_DATA")


@pytest.fixture(scope="session")
def reference_dir() -> Path:
    """Published outputs and configurations of the real FetalCLIP."""
    return _shared("reference", "FETALSTREAM_REFERENCE")


@pytest.fixture(scope="session")
def weights_dir() -> Path:
    """Peer weights (SonoNet16)."""
    return _shared("weights", "FETALSTREAM_WEIGHTS")
