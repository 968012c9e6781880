"""Users and passwords: where they come from, and how they stay out of everything that is shown."""

import ctypes
import os
import re
import sys
from importlib import import_module
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit, urlunsplit

USER_VARIABLE = "FETALSTREAM_RTSP_USER"
PASSWORD_VARIABLE = "FETALSTREAM_RTSP_PASSWORD"  # noqa: S105 - the name of a variable
KEYRING_SERVICE = "fetalstream"
MASK = "***"

_SECRET_FIELD = re.compile(
    r"((?:pass(?:word|wd)?|pwd|token|secret|auth|key|user(?:name)?)=)[^&/?#\s'\"]+", re.IGNORECASE
)
"""Cameras take logins in the path and in the query as well: ``/user=admin_password=x``, ``?token=x``."""
_URL = re.compile(r"(?<=://)[^\s'\"]+")
_SLIP = re.compile(r"\b((?:rtsps?|https?):/?)(?!/)[^\s'\"]*@", re.IGNORECASE)
"""A URL with a slash too few, which is none, and has a login all the same."""
_PLAIN_HOST = re.compile(r"(?:[\w.-]*|\[[\da-fA-F:.%]+\])(?::\d*)?")


class Login(NamedTuple):
    """Who we say we are; hidden when shown."""

    user: str
    password: str

    def __repr__(self) -> str:
        return f"Login({MASK})"


def find_login(url: str) -> Login | None:
    """The login for a URL: its own, else the environment's, else the keyring's, if that is installed."""
    parts = urlsplit(url)
    if parts.username is not None:
        return Login(unquote(parts.username), unquote(parts.password or ""))
    if user := os.environ.get(USER_VARIABLE):
        return Login(user, os.environ.get(PASSWORD_VARIABLE, ""))
    return _from_keyring(parts.hostname or "")


def with_login(url: str, login: Login | None) -> str:
    """The URL as the library wants it, login and all; never to be shown."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    if login is not None:
        host = f"{quote(login.user, safe='')}:{quote(login.password, safe='')}@{host}"
    return urlunsplit(parts._replace(netloc=host))


def masked(text: str) -> str:
    """``text`` without the logins of the URLs in it."""
    without_logins = _SLIP.sub(rf"\1{MASK}@", _URL.sub(_without_login, text))
    return _SECRET_FIELD.sub(rf"\1{MASK}", without_logins)


def _without_login(url: re.Match[str]) -> str:
    """A login ends at the last @ before the path; where no host follows (a / in a password), at the last @ there is."""
    text: str = url[0]
    authority = re.split("[/?#]", text, maxsplit=1)[0]
    login, at, host = authority.rpartition("@")
    if _PLAIN_HOST.fullmatch(host):
        return f"{MASK}@{text[len(login) + 1 :]}" if at else text
    return f"{MASK}@{text.rpartition('@')[2]}" if "@" in text else MASK


def hide_in_process_title(text: str) -> None:
    """Overwrite the logins of ``text`` where other users of this machine can read them: among our arguments.

    Works on Linux, where the arguments are memory of ours; elsewhere the environment or keyring is the better place.
    """
    shown = masked(text)
    if shown == text or not sys.platform.startswith("linux"):
        return
    try:
        fields = Path("/proc/self/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        start, end = int(fields[45]), int(fields[46])  # arg_start and arg_end: fields 48 and 49, counted after the name
        arguments = ctypes.string_at(start, end - start)
    except (OSError, ValueError, IndexError):
        return
    wanted = os.fsencode(text)
    padded = os.fsencode(shown).ljust(len(wanted))[: len(wanted)]
    position = arguments.find(wanted)
    while position >= 0:
        ctypes.memmove(start + position, padded, len(padded))
        position = arguments.find(wanted, position + len(wanted))


def _from_keyring(host: str) -> Login | None:
    try:
        keyring = import_module("keyring")
        entry = keyring.get_credential(f"{KEYRING_SERVICE}:{host}", None)
    except Exception:  # not installed, locked, no desktop: then there is no login
        return None
    return None if entry is None else Login(entry.username, entry.password)
