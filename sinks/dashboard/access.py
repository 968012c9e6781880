"""Who may see the page: host names, origins, and the token. Pure; nothing here knows about HTTP servers.

On loopback whoever can reach the port may read, as with every other program of this machine. Anywhere else a token is
demanded. Names are checked in both cases: a page of a stranger can give its own name our address (DNS rebinding), and
then the browser would let it read what we answer.
"""

import base64
import binascii
import hashlib
import hmac
import ipaddress
import secrets
import socket
import time
from collections.abc import Callable, Iterable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from ..post import is_this_machine
from ..sink import SinkError

SHORTEST_TOKEN = 16
LINK_SECONDS = 600.0
"""How long a one-time link can be used."""
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


class Access:
    """What a request must have.

    Args:
        host: where the page listens.
        port: distinguishes this page's cookie from that of another on the same host.
        token: demanded where ``host`` is not this machine; made up when None there.
        names: host names beside the obvious under which browsers reach the page, through a proxy; they need the token.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        token: str | None = None,
        names: Iterable[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        given = frozenset(name.lower() for name in names)
        self._is_local = is_this_machine(host)
        if token is None and (given or not self._is_local):
            token = secrets.token_urlsafe(24)
        if token is not None and len(token) < SHORTEST_TOKEN:
            raise SinkError(f"page: the token has {len(token)} characters; it must have at least {SHORTEST_TOKEN}")
        self.token = token
        self._names = given | _LOCAL_NAMES | {f"[{host.lower()}]" if ":" in host else host.lower()}
        if not self._is_local:
            self._names |= {socket.gethostname().lower(), socket.getfqdn().lower()}
        self.cookie_name = f"fetalstream-{port}"
        self._clock = clock
        self._links: dict[str, float] = {}

    @property
    def cookie(self) -> str:
        """What the cookie of a browser that has been let in holds; the token cannot be had from it."""
        assert self.token is not None
        return hmac.new(self.token.encode(), b"fetalstream page", hashlib.sha256).hexdigest()

    def knows_host(self, header: str | None) -> bool:
        """Whether a ``Host`` header means us: a name of ours, or an address, which cannot be rebound."""
        name = _name_of(header)
        if name is None:
            return False
        return name in self._names or (not self._is_local and _is_address(name))

    def knows_origin(self, origin: str | None, host: str | None) -> bool:
        """Whether a websocket's ``Origin`` is a page of ours; programs that are no browsers send none."""
        if origin is None:
            return True
        try:
            parts = urlsplit(origin.lower())
        except ValueError:
            return False
        return parts.scheme in ("http", "https") and host is not None and parts.netloc == host.lower()

    def lets_in(self, authorization: str | None, cookies: str | None) -> bool:
        """Whether the token or the cookie is there, where one is demanded."""
        if self.token is None:
            return True
        return self.has_token(authorization) or self._has_cookie(cookies)

    def has_token(self, authorization: str | None) -> bool:
        """Whether an ``Authorization`` header holds the token, as bearer or as the password of any user."""
        if self.token is None or authorization is None:
            return False
        scheme, _, rest = authorization.partition(" ")
        given = rest.strip()
        if scheme.lower() == "basic":
            try:
                given = base64.b64decode(given, validate=True).decode().partition(":")[2]
            except (binascii.Error, UnicodeDecodeError):
                return False
        elif scheme.lower() != "bearer":
            return False
        return hmac.compare_digest(given.encode(), self.token.encode())

    def _has_cookie(self, header: str | None) -> bool:
        try:
            cookie = SimpleCookie(header or "").get(self.cookie_name)
        except CookieError:
            return False
        return cookie is not None and hmac.compare_digest(cookie.value.encode(), self.cookie.encode())

    def new_link(self) -> str:
        """A code that lets one browser in, once, within ten minutes."""
        code = secrets.token_urlsafe(24)
        self._links[code] = self._clock() + LINK_SECONDS
        return code

    def use_link(self, code: str) -> bool:
        """Whether the code is good; after that it is not any more."""
        now = self._clock()
        self._links = {known: until for known, until in self._links.items() if until > now}
        good = [known for known in self._links if hmac.compare_digest(known.encode(), code.encode())]
        for known in good:
            del self._links[known]
        return bool(good)


def _name_of(header: str | None) -> str | None:
    """The host in a ``Host`` header, without its port; None when it is none."""
    if not header or any(letter in header for letter in "/@?#\\ "):
        return None
    try:
        parts = urlsplit(f"//{header.lower()}")
        parts.port  # noqa: B018 - raises for what is no port
    except ValueError:
        return None
    if parts.hostname is None:
        return None
    return f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname.rstrip(".")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
