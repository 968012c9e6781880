"""The law of who sees the page, asked by real HTTP and websocket clients: without the token nothing is served."""

import base64
import http.client
import io
import re
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from PIL import Image
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from fetalstream.sinks import SinkError
from fetalstream.sinks.dashboard import protocols
from fetalstream.sinks.dashboard.access import LINK_SECONDS, Access
from fetalstream.sinks.dashboard.site import page_files
from fetalstream.sinks.operator import CaptureDiscarded, CaptureSaved

from .browsing import SECONDS, Browser, served
from .conftest import MakePage

TOKEN = "a-token-of-enough-letters"
EXPOSED: dict[str, Any] = {"host": "0.0.0.0", "token": TOKEN}
PATHS = ["/", "/static/app.js", "/static/base.css", "/captures/x", "/seen/femur", "/live", "/nowhere", "/static/../x"]


def get(port: int, path: str = "/", **options) -> httpx.Response:
    return httpx.get(f"http://127.0.0.1:{port}{path}", timeout=20, trust_env=False, **options)


def raw(port: int, request: bytes) -> bytes:
    """What comes back for these very bytes, until the server closes."""
    with socket.create_connection(("127.0.0.1", port), 20) as client:
        client.sendall(request)
        answer = b""
        while data := client.recv(65536):
            answer += data
    return answer


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong-token-of-letters"},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": f"Digest {TOKEN}"},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic " + base64.b64encode(b"me:wrong").decode()},
        {"Cookie": f"fetalstream=1; token={TOKEN}"},
    ],
    ids=lambda headers: next(iter(headers.values()), "nothing")[:14],
)
def test_without_the_token_nothing_is_served_not_even_a_file_of_the_page(exposed_port: int, path: str, headers):
    answer = get(exposed_port, path, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic")
    assert len(answer.content) < 100


@pytest.fixture(scope="module")
def exposed_port():
    from fetalstream.sinks.dashboard import Dashboard

    from .conftest import ABOUT

    dashboard = Dashboard(ABOUT, port=0, **EXPOSED)
    yield dashboard.port
    dashboard.close()


def test_without_the_token_no_websocket_is_opened(exposed_port: int):
    with pytest.raises(InvalidStatus) as refused, connect(f"ws://127.0.0.1:{exposed_port}/live"):
        pass
    assert refused.value.response.status_code == 401


@pytest.mark.parametrize("scheme", ["Bearer", "Basic"])
def test_with_the_token_everything_is_served_and_a_browser_gets_a_cookie(exposed_port: int, scheme: str):
    secret = TOKEN if scheme == "Bearer" else base64.b64encode(f"anybody:{TOKEN}".encode()).decode()
    answer = get(exposed_port, headers={"Authorization": f"{scheme} {secret}"})
    assert answer.status_code == 200
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert TOKEN not in cookie
    value = cookie.split(";")[0]
    assert get(exposed_port, "/static/app.js", headers={"Cookie": value}).status_code == 200
    with Browser(exposed_port, additional_headers={"Cookie": value}) as browser:
        assert browser.hello["about"]["model"] == "compact"


def test_a_link_lets_one_browser_in_once(page: MakePage):
    dashboard, _ = page(**EXPOSED)
    link = dashboard.new_link()
    first, second = get(dashboard.port, link), get(dashboard.port, link)
    assert (first.status_code, second.status_code) == (303, 401)
    cookie = first.headers["set-cookie"].split(";")[0]
    assert get(dashboard.port, headers={"Cookie": cookie}).status_code == 200
    assert get(dashboard.port, "/enter/").status_code != 200
    assert get(dashboard.port, "/enter/guess").status_code == 401


def test_a_link_is_good_for_ten_minutes_only():
    now = [1000.0]
    access = Access("0.0.0.0", 1, clock=lambda: now[0])
    early, late = access.new_link(), access.new_link()
    now[0] += LINK_SECONDS - 1
    assert access.use_link(early)
    now[0] += 2
    assert not access.use_link(late)


def test_a_token_is_made_up_where_it_is_needed_and_one_that_can_be_guessed_is_refused(page: MakePage):
    dashboard, _ = page(host="0.0.0.0")
    assert dashboard.token is not None
    assert len(dashboard.token) >= 32
    assert get(dashboard.port).status_code == 401
    with pytest.raises(SinkError, match="at least 16"):
        page(host="0.0.0.0", token="secret")
    local, _ = page()
    assert local.token is None
    assert local.new_link() == "/"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:{port}", 200),
        ("localhost", 200),
        ("LOCALHOST:80", 200),
        ("[::1]:9", 200),
        ("evil.example", 421),  # DNS rebinding: a stranger's name with our address
        ("localhost.evil.example", 421),
        ("192.0.2.7", 421),
        ("127.0.0.1@evil.example", 421),
        ("", 421),
    ],
)
def test_on_this_machine_only_its_own_names_are_answered(page: MakePage, host: str, status: int):
    dashboard, _ = page()
    named = host.format(port=dashboard.port)
    request = f"GET / HTTP/1.1\r\nHost: {named}\r\nConnection: close\r\n\r\n"
    assert status_of(raw(dashboard.port, request.encode())) == status


@pytest.mark.parametrize(("host", "status"), [("192.0.2.7:8765", 200), ("evil.example", 421), ("page.example", 200)])
def test_elsewhere_addresses_and_given_names_are_answered(page: MakePage, host: str, status: int):
    dashboard, _ = page(names=("page.example",), **EXPOSED)
    headers = f"Host: {host}\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close"
    assert status_of(raw(dashboard.port, f"GET / HTTP/1.1\r\n{headers}\r\n\r\n".encode())) == status


def test_behind_a_proxy_the_token_is_demanded_on_this_machine_too(page: MakePage):
    dashboard, _ = page(names=("page.example",))
    assert get(dashboard.port).status_code == 401


@pytest.mark.parametrize(
    ("origin", "is_let_in"),
    [
        ("http://127.0.0.1:{port}", True),
        (None, True),  # no browser
        ("http://evil.example", False),
        ("http://127.0.0.1:1", False),  # another service of this machine
        ("https://127.0.0.1.evil.example:{port}", False),
        ("null", False),
        ("file://", False),
    ],
)
def test_a_page_of_another_site_cannot_open_the_websocket(page: MakePage, origin: str | None, is_let_in: bool):
    dashboard, _ = page()
    named = None if origin is None else origin.format(port=dashboard.port)
    options: dict[str, Any] = {} if named is None else {"additional_headers": {"Origin": named}}
    if is_let_in:
        with Browser(dashboard.port, **options) as browser:
            assert browser.hello
    else:
        with pytest.raises(InvalidStatus) as refused:
            Browser(dashboard.port, **options)
        assert refused.value.response.status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd",
        "/static/../access.py",
        "/static/..%2faccess.py",
        "/static/%2e%2e/access.py",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/..\\access.py",
        "/static/app.js%00.css",
        "/captures/..%2f..%2fsecret",
        "/captures/../../secret.png",
        "/captures/secret",
        "/seen/..%2fsecret",
    ],
)
def test_no_path_leads_out_of_the_page(page: MakePage, tmp_path: Path, path: str):
    folder = tmp_path / "captures"
    folder.mkdir()
    cv2.imwrite(str(tmp_path / "secret.png"), np.full((9, 9), 200, np.uint8))
    cv2.imwrite(str(folder / "secret.png"), np.full((9, 9), 200, np.uint8))
    dashboard, _ = page(captures=folder)
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    assert status_of(raw(dashboard.port, request.encode())) == 404


def saved(still: str, capture_id: str = "femur-1") -> CaptureSaved:
    parts = {"plane": "femur", "frame_index": 1, "pts_seconds": 0.1, "score": 0.9, "quality": 0.9, "cause": "auto"}
    return CaptureSaved(stream="s", sequence=0, capture_id=capture_id, still=still, **parts)  # pyright: ignore


def test_a_capture_is_served_by_its_identity_until_it_is_discarded(page: MakePage, tmp_path: Path):
    (tmp_path / "stream").mkdir()
    cv2.imwrite(str(tmp_path / "stream" / "femur-1.png"), np.full((600, 800), 90, np.uint8))
    dashboard, _ = page(captures=tmp_path)
    assert get(dashboard.port, "/captures/femur-1").status_code == 404
    dashboard.write(saved("stream/femur-1.png"))
    answer = get(dashboard.port, "/captures/femur-1")
    assert answer.headers["content-type"] == "image/jpeg"
    assert max(Image.open(io.BytesIO(answer.content)).size) == 320
    dashboard.write(CaptureDiscarded(stream="s", sequence=1, capture_id="femur-1", plane="femur"))
    assert get(dashboard.port, "/captures/femur-1").status_code == 404


@pytest.mark.parametrize("still", ["../secret.png", "/etc/hostname", "link.png", "text.png", "gone.png"])
def test_a_capture_that_lies_elsewhere_or_is_no_picture_is_not_served(page: MakePage, tmp_path: Path, still: str):
    folder = tmp_path / "captures"
    folder.mkdir()
    cv2.imwrite(str(tmp_path / "secret.png"), np.full((9, 9), 200, np.uint8))
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    (folder / "text.png").write_text("no picture")
    dashboard, _ = page(captures=folder)
    dashboard.write(saved(still))
    assert get(dashboard.port, "/captures/femur-1").status_code == 404


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        ("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n", 405),
        ("PUT /static/app.js HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n", 405),
        ("OPTIONS / HTTP/1.1\r\nHost: localhost\r\n", 405),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999\r\n", 413),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n", 413),
        (f"GET /{'x' * 2000} HTTP/1.1\r\nHost: localhost\r\n", 414),
        (f"GET / HTTP/1.1\r\nHost: localhost\r\nX: {'x' * 20_000}\r\n", 431),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n", 400),
        ("nonsense\r\n", 400),
    ],
)
def test_what_is_no_plain_question_is_refused(page: MakePage, request_head: str, status: int):
    dashboard, _ = page()
    answer = status_of(raw(dashboard.port, f"{request_head}Connection: close\r\n\r\n".encode()))
    assert answer == status or (status, answer) == (431, 400)  # by us, or already by the parser if it came in pieces


def test_every_answer_forbids_what_the_page_does_not_need(page: MakePage):
    dashboard, _ = page()
    for path in ("/", "/static/app.js", "/nowhere"):
        headers = get(dashboard.port, path).headers
        assert headers["content-security-policy"].startswith("default-src 'self';")
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert "access-control-allow-origin" not in headers
        assert "server" not in headers


def test_the_page_names_nothing_outside_itself_and_holds_no_inline_code():
    for name, content in page_files().items():
        text = content.decode()
        outside = [word for word in re.findall(r"(?:https?:)?//[\w.-]+", text) if "www.w3.org" not in word]
        assert [word for word in outside if word.startswith("http")] == [], name
        if name.endswith(".html"):
            assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=", text)
        assert "eval(" not in text
        assert "innerHTML" not in text


def test_connections_that_say_nothing_neither_stay_nor_keep_others_out(page: MakePage, monkeypatch):
    monkeypatch.setattr(protocols, "MOST_CONNECTIONS", 10)
    monkeypatch.setattr(protocols, "REQUEST_SECONDS", 1.0)
    dashboard, _ = page()
    idle = [socket.create_connection(("127.0.0.1", dashboard.port), 20) for _ in range(30)]
    time.sleep(0.5)
    with pytest.raises((httpx.TransportError, http.client.HTTPException, OSError)):
        get(dashboard.port)
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        try:
            assert get(dashboard.port).status_code == 200
            break
        except httpx.TransportError:
            time.sleep(0.2)
    else:
        pytest.fail("idle connections keep everybody out")
    for one in idle:
        one.close()


ASK = b"GET /static/words.js HTTP/1.1\r\nHost: localhost\r\n\r\n"


def test_a_connection_that_begins_a_second_request_and_no_more_is_cut(page: MakePage, monkeypatch):
    monkeypatch.setattr(protocols, "NEXT_SECONDS", 1.0)
    dashboard, _ = page()
    with socket.create_connection(("127.0.0.1", dashboard.port), SECONDS) as client:
        client.sendall(ASK)
        assert client.recv(64).startswith(b"HTTP/1.1 200")
        client.sendall(b"G")
        with suppress(ConnectionResetError):
            while client.recv(65536):  # a TimeoutError: it is still there
                pass


def test_a_connection_that_asks_and_never_reads_is_cut(page: MakePage, monkeypatch):
    """So many answers that the kernel takes no more of them: neither is the last one complete, nor ends a goodbye."""
    monkeypatch.setattr(protocols, "NEXT_SECONDS", 1.0)
    dashboard, _ = page()
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", dashboard.port))
        deaf.settimeout(1.0)
        end = time.monotonic() + SECONDS
        while not served(dashboard.port):
            assert time.monotonic() < end, "it was never let in"
        with suppress(OSError):
            deaf.sendall(ASK * 3000)
        while served(dashboard.port):
            assert time.monotonic() < end, "it is still there"
            time.sleep(0.1)


def test_a_connection_that_asks_again_and_again_stays(page: MakePage, monkeypatch):
    monkeypatch.setattr(protocols, "NEXT_SECONDS", 2.0)
    dashboard, _ = page()
    client = http.client.HTTPConnection("127.0.0.1", dashboard.port, timeout=SECONDS)
    client.connect()
    first, end = client.sock, time.monotonic() + 2.6
    while time.monotonic() < end:
        client.request("GET", "/static/words.js")
        assert client.getresponse().read()
        assert client.sock is first
        time.sleep(0.2)
    client.close()


def test_a_port_that_is_taken_is_said_in_one_line_or_another_is_taken(page: MakePage):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SinkError, match=f"port {port} on 127.0.0.1 cannot be listened at"):
            page(port=port)
        dashboard, _ = page(port=port, another_port=True)
        assert dashboard.port not in (0, port)
        assert get(dashboard.port).status_code == 200


@pytest.mark.parametrize("host", ["nowhere.invalid", "300.1.1.1"])
def test_a_host_that_is_none_is_said_in_one_line(page: MakePage, host: str):
    with pytest.raises(SinkError, match="cannot be listened at"):
        page(host=host, token=TOKEN)
