"""Around every request, before anything else sees it: whom we answer, and what an answer allows a browser."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, NamedTuple

from starlette.datastructures import Headers, MutableHeaders

from ..complaints import Complaints
from .access import Access

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MOST_TARGET_BYTES = 1024
MOST_HEADER_BYTES = 16 * 2**10
ENTRANCE = "/enter/"
"""Where one-time links lead: the one path that needs no token."""

SAFE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}


class Refusal(NamedTuple):
    status: int
    reason: str


class Shield:
    """An ASGI application around another. Refuses unknown hosts and origins, who has no token, and whatever is no GET.

    Args:
        app: what is protected.
        access: the rules.
        complaints: where refusals are told, seldom.
    """

    def __init__(self, app: App, access: Access, complaints: Complaints) -> None:
        self._app = app
        self._access = access
        self._complaints = complaints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, _with_headers(send))
            return
        client = scope.get("client")
        self._complaints.add(refusal.reason, str(client[0]) if client else "")
        await _refuse(scope, send, refusal)

    def _refusal(self, scope: Scope) -> Refusal | None:
        headers = Headers(scope=scope)  # pyright: ignore[reportArgumentType] - any mapping will do
        hosts = headers.getlist("host")
        host = hosts[0] if len(hosts) == 1 else None
        if not self._access.knows_host(host):
            return Refusal(421, "a request for another host was refused")
        if len(scope.get("raw_path", b"")) + len(scope["query_string"]) > MOST_TARGET_BYTES:
            return Refusal(414, "a request for too long a path was refused")
        if sum(len(name) + len(value) for name, value in scope["headers"]) > MOST_HEADER_BYTES:
            return Refusal(431, "a request with too long a head was refused")
        is_socket = scope["type"] == "websocket"
        if not is_socket and scope["method"] not in ("GET", "HEAD"):
            return Refusal(405, "a request that was no GET was refused")
        if headers.get("content-length", "0") != "0" or "transfer-encoding" in headers:
            return Refusal(413, "a request with a body was refused")
        if is_socket and not self._access.knows_origin(headers.get("origin"), host):
            return Refusal(403, "a websocket of another site's page was refused")
        is_entrance = not is_socket and str(scope["path"]).startswith(ENTRANCE)
        if not is_entrance and not self._access.lets_in(headers.get("authorization"), headers.get("cookie")):
            return Refusal(401, "a request without the token was refused")
        return None


def _with_headers(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            MutableHeaders(scope=message).update(SAFE_HEADERS)
        await send(message)

    return sent


async def _refuse(scope: Scope, send: Send, refusal: Refusal) -> None:
    """A short answer in plain words; the connection ends, for what else was sent on it is not read."""
    kind = "websocket.http.response" if scope["type"] == "websocket" else "http.response"
    body = f"{refusal.reason}\n".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    headers.append((b"connection", b"close"))
    if refusal.status == 401:
        headers.append((b"www-authenticate", b'Basic realm="FetalStream", charset="UTF-8"'))
    headers += [(name.lower().encode(), value.encode()) for name, value in SAFE_HEADERS.items()]
    await send({"type": f"{kind}.start", "status": refusal.status, "headers": headers})
    await send({"type": f"{kind}.body", "body": b"" if scope.get("method") == "HEAD" else body})
