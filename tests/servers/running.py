"""GStreamer's RTSP server in a process of its own, and whether this machine has it."""

import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

SYSTEM_PYTHON = "/usr/bin/python3"
SCRIPT = Path(__file__).with_name("rtsp_server.py")
NEEDS = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"


def is_installed() -> bool:
    """Whether Debian's packages for it are there."""
    there = Path(SYSTEM_PYTHON).exists()
    return there and subprocess.run([SYSTEM_PYTHON, "-c", NEEDS], capture_output=True).returncode == 0


class RtspServer:
    """The server of tests/servers in a process of its own, always on the same port."""

    def __init__(self, *options: str) -> None:
        self._options = options
        self._process: subprocess.Popen[str] | None = None
        self.port = 0

    @property
    def uri(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/live"

    def start(self) -> float:
        """Start, and wait until it serves; the moment it did, by the monotonic clock."""
        command = [SYSTEM_PYTHON, str(SCRIPT), "--port", str(self.port), *self._options]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self._process.stdout is not None
        with closing(self._process.stdout) as output:
            words = output.readline().split()
        assert words[:1] == ["ready"], f"the server did not start: {words}"
        self.port = int(words[1])
        return time.monotonic()

    def send(self, number: signal.Signals) -> float:
        """Send it a signal; the moment it was sent."""
        assert self._process is not None
        self._process.send_signal(number)
        return time.monotonic()

    def kill(self) -> float:
        """End it, as the power of its machine does; the moment before it was gone."""
        moment = time.monotonic()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        return moment


StartServer = Callable[..., RtspServer]
