"""Orthanc, an open archive, with its DICOMweb plug-in: a process of its own on loopback."""

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
USER, PASSWORD = "tester", "orthanc-of-the-tests"
START_SECONDS = 60


def is_installed() -> bool:
    """Whether Debian's packages for it are there."""
    return shutil.which("Orthanc") is not None and PLUGIN.exists()


class Orthanc:
    """An archive of its own in ``folder``, empty at first; what it holds outlives `stop` and is there after `start`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        folder.mkdir(parents=True, exist_ok=True)
        settings = {
            "Name": "tests",
            "StorageDirectory": str(folder / "db"),
            "IndexDirectory": str(folder / "db"),
            "HttpPort": self.port,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": True,
            "RegisteredUsers": {USER: PASSWORD},
            "DicomServerEnabled": False,
            "Plugins": [str(PLUGIN)],
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
        }
        self._settings = folder / "orthanc.json"
        self._settings.write_text(json.dumps(settings))

    @property
    def url(self) -> str:
        """Of its DICOMweb service."""
        return f"http://127.0.0.1:{self.port}/dicom-web"

    def start(self) -> "Orthanc":
        """Start, and wait until it answers."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(["Orthanc", str(self._settings)], stdout=log, stderr=log)
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            try:
                self.ask("/system")
            except (urllib.error.URLError, ConnectionError):
                assert self._process.poll() is None, (self._folder / "log").read_text()[-2000:]
                time.sleep(0.1)
            else:
                return self
        raise AssertionError(f"Orthanc did not answer within {START_SECONDS} s")

    def stop(self) -> None:
        """Kill it, as the power of its machine does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def ask(self, path: str) -> Any:
        """Its own REST interface, another way to see what it holds than the one that is tested."""
        return json.loads(self.fetch(path))

    def fetch(self, path: str) -> bytes:
        """The same, as it is."""
        passwords = urllib.request.HTTPPasswordMgrWithPriorAuth()
        passwords.add_password(None, f"http://127.0.0.1:{self.port}/", USER, PASSWORD, is_authenticated=True)
        opener = urllib.request.build_opener(urllib.request.HTTPBasicAuthHandler(passwords), _no_proxy())
        with opener.open(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
            return answer.read()


def _no_proxy() -> urllib.request.ProxyHandler:
    return urllib.request.ProxyHandler({})
