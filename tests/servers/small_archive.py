"""A small DICOMweb archive that can misbehave as real ones do; it keeps what it is sent in memory."""

import io
import json
import threading
import time
from collections.abc import Callable
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pydicom
from pydicom.dataset import Dataset

_BOUNDARY = "the-next-object"
_UID = "00080018"


class SmallArchive:
    """STOW-RS, QIDO-RS by SOP Instance UID, and WADO-RS of an instance, on loopback.

    Attributes:
        objects: what was stored, by SOP Instance UID.
        requests: method, path and headers of each request.
        answers: statuses (and headers) for the next objects that are sent, instead of storing them.
        asked: statuses for the next questions (QIDO-RS and WADO-RS), instead of an answer; None: as asked.
        nonsense: what it says instead of JSON, or in it, of what it has stored.
        chokes_on: by SOP Instance UID, what it answers whenever that object is sent.
        failure: a Failure Reason told, with 409, instead of storing.
        forgets: SOP Instance UIDs it says yes to and does not store; None: all.
        spoils: what it does to an object when it gives it back.
        token: what the Authorization header must be.
        pause_seconds: how long it takes to answer.
        phrase: what it says beside each status; None: what everybody says.
    """

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.asked: list[int | None] = []
        self.nonsense = b""
        self.chokes_on: dict[str, int] = {}
        self.failure: int | None = None
        self.forgets: set[str] | None = set()
        self.spoils: Callable[[Dataset], None] = lambda _: None
        self.token: str | None = None
        self.pause_seconds = 0.0
        self.phrase: str | None = None
        archive = self

        class Handler(_Handler):
            owner = archive

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/dicom-web"

    @property
    def posts(self) -> int:
        """How many objects it was sent."""
        return sum(method == "POST" for method, _, _ in self.requests)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    owner: SmallArchive

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self._may_pass():
            return
        time.sleep(self.owner.pause_seconds)
        if self.owner.answers:
            status, headers = self.owner.answers.pop(0)
            self._answer(status, b"", "text/plain", headers)
            return
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        for part in BytesParser().parsebytes(head + body).get_payload():
            data: Any = part.get_payload(decode=True)  # pyright: ignore[reportAttributeAccessIssue]
            uid = str(pydicom.dcmread(io.BytesIO(data), specific_tags=["SOPInstanceUID"]).SOPInstanceUID)
            if uid in self.owner.chokes_on:
                self._answer(self.owner.chokes_on[uid], b"")
                return
            if self.owner.failure is not None:
                failed = {
                    "00081155": {"vr": "UI", "Value": [uid]},
                    "00081197": {"vr": "US", "Value": [self.owner.failure]},
                }
                self._answer(409, json.dumps({"00081198": {"vr": "SQ", "Value": [failed]}}).encode())
                return
            if self.owner.forgets is not None and uid not in self.owner.forgets:
                self.owner.objects[uid] = data
        self._answer(200, self.owner.nonsense or b"{}")

    def do_GET(self) -> None:
        if not self._may_pass():
            return
        status = self.owner.asked.pop(0) if self.owner.asked else None
        if status is not None:
            self._answer(status, b"")
            return
        if "?" in self.path:  # QIDO-RS
            uid = self.path.rpartition("=")[2]
            found = [{_UID: {"vr": "UI", "Value": [uid]}}] if uid in self.owner.objects else []
            self._answer(200 if found else 204, json.dumps(found).encode() if found else b"")
            return
        content = self.owner.objects[self.path.rpartition("/")[2]]
        back = pydicom.dcmread(io.BytesIO(content))
        self.owner.spoils(back)
        buffer = io.BytesIO()
        back.save_as(buffer, enforce_file_format=True)
        part = b"Content-Type: application/dicom\r\n\r\n" + buffer.getvalue()
        body = b"--%b\r\n%b\r\n--%b--" % (_BOUNDARY.encode(), part, _BOUNDARY.encode())
        self._answer(200, body, f'multipart/related; type="application/dicom"; boundary={_BOUNDARY}')

    def _may_pass(self) -> bool:
        self.owner.requests.append((self.command, self.path, dict(self.headers)))
        if self.owner.token is None or self.headers.get("Authorization") == self.owner.token:
            return True
        self._answer(401, b"")
        return False

    def _answer(
        self, status: int, body: bytes, kind: str = "application/dicom+json", headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status, self.owner.phrase)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
        pass
