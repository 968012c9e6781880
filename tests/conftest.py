"""Where the tests find real ultrasound and real servers, and what happens when they are not there."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .servers import orthanc as orthanc_server
from .servers.orthanc import Orthanc
from .servers.running import RtspServer, StartServer, is_installed

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = Path("/usr/bin/chromium")
ROOT = Path(__file__).resolve().parent.parent


def pytest_configure() -> None:
    """A shell that starts a job in the background lets it ignore SIGINT, and its children with it: tests send it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


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


@pytest.fixture(scope="session")
def _server_packages() -> None:
    if is_installed():
        return
    message = "GStreamer's RTSP server is not installed (Debian packages: .ci/packages.txt)"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture
def rtsp_server(_server_packages: None) -> Iterator[StartServer]:
    """Starts servers: ``rtsp_server("--size", "640x480")``; ends them all at the end."""
    servers: list[RtspServer] = []

    def start(*options: str) -> RtspServer:
        server = RtspServer(*options)
        servers.append(server)
        server.start()
        return server

    yield start
    for server in servers:
        server.kill()


@pytest.fixture
def orthanc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Orthanc]:
    """An empty archive; its login is in the environment."""
    if not orthanc_server.is_installed():
        message = "Orthanc and its DICOMweb plug-in are not installed (Debian packages: .ci/packages.txt)"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    monkeypatch.setenv("FETALSTREAM_PACS_USER", orthanc_server.USER)
    monkeypatch.setenv("FETALSTREAM_PACS_PASSWORD", orthanc_server.PASSWORD)
    server = Orthanc(tmp_path / "orthanc").start()
    yield server
    server.stop()


@pytest.fixture(scope="module")  # not longer: while it is there, this thread has a running event loop
def chromium() -> "Iterator[Browser]":
    """The system's browser, without a screen."""
    if not CHROMIUM.exists():
        message = f"{CHROMIUM} is not installed (Debian packages: .ci/packages.txt)"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()
