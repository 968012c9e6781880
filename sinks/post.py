"""One HTTP POST of one event, and what its answer means. Needs httpx (extra ``webhook``)."""

import ipaddress
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from importlib import import_module
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from .. import __version__
from .outbox import Letter
from .sink import SinkError

LONGEST_RETRY_AFTER_SECONDS = 3600.0
_MOST_ANSWER_BYTES = 2**16
_ANSWER_SECONDS = 5.0
_OK = range(200, 300)
_FOR_GOOD = frozenset({400, 413, 414, 415, 422})
"""Answers about this very event. All others are about the server or the way to it, and may change."""


class Answer(Enum):
    """What became of a letter: the server has it, will never take it, or may take it later."""

    TAKEN = auto()
    REFUSED = auto()
    LATER = auto()


class Reply(NamedTuple):
    """An answer, in words for whoever reads a screen, and how long the server asked us to wait (None: it did not)."""

    answer: Answer
    reason: str = ""
    pause_seconds: float | None = None


class PlaceWords(NamedTuple):
    """What messages about a URL call it, what goes there, where a login belongs, and how http is allowed."""

    what: str
    sent: str
    login: str
    allow: str


_WORDS = PlaceWords(
    what="webhook url",
    sent="events",
    login="a token into an environment variable (token_variable)",
    allow="plain_http: true",
)


class Mailbox:
    """An address to post to. For one thread at a time.

    A letter goes as the body (JSON), with ``Idempotency-Key`` and the attributes of CloudEvents' binary mode as
    headers: ``ce-id``, ``ce-type`` (the event's kind), ``ce-source`` (the stream). Redirects are not followed.

    Args:
        url: https, or http on this machine.
        token: goes along as a bearer token.
        timeout_seconds: how long to wait for each sign of life.
        plain_http: allow http to other machines.
    """

    def __init__(self, url: str, *, token: str | None, timeout_seconds: float, plain_http: bool) -> None:
        self.place = place_of(url, words=_WORDS, plain_http=plain_http)
        """Scheme, host and port: what may be shown. Path and query may hold secrets."""
        self._url = url
        self._httpx = _httpx()
        headers = {"User-Agent": f"fetalstream/{__version__}", "Content-Type": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        self._client = self._httpx.Client(timeout=timeout_seconds, headers=headers)

    def post(self, letter: Letter) -> Reply:
        """Send it and wait for the answer."""
        headers = {
            "Idempotency-Key": letter.key,
            "ce-specversion": "1.0",
            "ce-id": letter.key,
            "ce-type": letter.kind,
            "ce-source": f"fetalstream:{quote(letter.stream[:255], safe='')}",
        }
        try:
            with self._client.stream("POST", self._url, content=letter.body, headers=headers) as response:
                reply = self._judge(response)
                self._read_away(response)
        except self._httpx.HTTPError as error:
            words = str(error) or type(error).__name__
            return Reply(Answer.LATER, f"{self.place}: {' '.join(words.split())}")
        return reply

    def close(self) -> None:
        self._client.close()

    def _judge(self, response: Any) -> Reply:
        status = int(response.status_code)
        if status in _OK:
            return Reply(Answer.TAKEN)
        reason = f"{self.place}: it answers {status} {response.reason_phrase}".rstrip()
        if status in _FOR_GOOD:
            return Reply(Answer.REFUSED, reason)
        return Reply(Answer.LATER, reason, retry_after_seconds(response.headers.get("Retry-After")))

    def _read_away(self, response: Any) -> None:
        """Read a short answer to its end, so that the connection can be used again; leave a long one."""
        until, size_bytes = time.monotonic() + _ANSWER_SECONDS, 0
        try:
            for chunk in response.iter_raw():
                size_bytes += len(chunk)
                if size_bytes > _MOST_ANSWER_BYTES or time.monotonic() > until:
                    return
        except self._httpx.HTTPError:
            return  # its first line has told all there is to know


def retry_after_seconds(value: str | None) -> float | None:
    """What a Retry-After header says, as seconds or as a date (RFC 9110, 10.2.3), at most an hour."""
    if value is None:
        return None
    try:
        seconds = float(value) if value.strip().isdigit() else _seconds_until(value)
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_SECONDS)


def _seconds_until(date: str) -> float:
    moment = parsedate_to_datetime(date)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - datetime.now(UTC)).total_seconds()


def place_of(url: str, *, words: PlaceWords, plain_http: bool) -> str:
    """Scheme, host and port of a URL that may be sent to: https, or http on this machine; the rest may hold secrets.

    Raises `SinkError` for others, and for a URL that holds a login.

    Args:
        url: as the user wrote it.
        words: for messages.
        plain_http: allow http to other machines.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise SinkError(f"{words.what}: {error}") from None
    if parts.scheme not in ("http", "https") or not host:
        begins = f"{parts.scheme or 'nothing'}://{host}"
        raise SinkError(f"{words.what}: it begins with {begins}; allowed: https://host/path")
    if parts.username is not None or parts.password is not None:
        raise SinkError(f"{words.what}: it holds a login; put {words.login}")
    if parts.scheme == "http" and not plain_http and not is_this_machine(host):
        raise SinkError(
            f"{words.what}: {words.sent} would go to {host} in the clear; use https, or {words.allow} where the way is "
            "safe"
        )
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (f":{port}" if port is not None else "")


def is_this_machine(host: str) -> bool:
    """Whether only this machine can be meant: a loopback address, or "localhost"."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _httpx() -> Any:
    """Imported when used."""
    try:
        return import_module("httpx")
    except ImportError:
        raise SinkError("the webhook sink needs httpx: pip install 'fetalstream[webhook]'") from None
