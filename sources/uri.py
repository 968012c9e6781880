"""What a user types to name a source: ``phantom://?seed=3``, ``file:cine.mp4?realtime=1``, or simply a path."""

import re
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote

from .sniff import is_dicom
from .source import SourceError

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(.*)", re.DOTALL)  # two letters at least: "C:" is a drive
_YES_NO = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


class Uri(NamedTuple):
    """A source's kind ("file", "images", "phantom", ...) and whatever follows the colon, options and all."""

    kind: str
    rest: str


class Target(NamedTuple):
    """What a URI points at, and its options as they were written."""

    path: Path
    options: dict[str, str]


def parse_uri(text: str) -> Uri:
    """Kind and rest of a URI or path.

    Something that exists on disk is a path, whatever it looks like: a folder is of kind "images", a DICOM file (with or
    without a suffix) "dicom", the rest "file".
    Otherwise letters before a colon are the kind. Which kinds exist is for the caller to know.
    """
    if not text.strip():
        raise SourceError(f"{text!r} names no source; give a path, or a URI such as 'file:cine.mp4' or 'phantom://'")
    found = None if _exists(text) else _SCHEME.fullmatch(text)
    kind, rest = (found[1].lower(), found[2]) if found else ("file", text)
    if kind == "file":
        path = split_target(text).path
        kind = "images" if path.is_dir() else "dicom" if is_dicom(path) else "file"
    return Uri(kind, rest)


def split_target(text: str, allowed: Collection[str] | None = None) -> Target:
    """Path and options of ``PATH``, ``file:PATH?name=value&...`` or ``file:///PATH``.

    Args:
        text: as the user wrote it.
        allowed: names of options; any other raises `SourceError`. None: all pass.
    """
    if _exists(text):
        return Target(Path(text), {})
    found = _SCHEME.fullmatch(text)
    rest = found[2] if found else text
    if _exists(rest):
        return Target(Path(rest), {})
    path, _, query = rest.partition("?")
    if path.startswith("//"):  # a true URL: percent signs are codes, and a host is not ours to visit
        host, slash, tail = path[2:].partition("/")
        if host not in ("", "localhost"):
            raise SourceError(f"{text!r} names the host {host!r}; a file: URI points at this machine (file:///PATH)")
        path = unquote(slash + tail)
    options = dict(parse_qsl(query, keep_blank_values=True))
    unknown = sorted(set(options) - set(allowed)) if allowed is not None else []
    if unknown:
        raise SourceError(f"{text!r}: no option {unknown[0]!r}; allowed: {', '.join(sorted(allowed or ()))}")
    if not path:
        raise SourceError(f"{text!r} names no file; write file:PATH")
    return Target(Path(path), options)


def yes_no(name: str, value: str) -> bool:
    """The truth value of an option; raises `SourceError` when it is none."""
    if value.lower() not in _YES_NO:
        raise SourceError(f"option {name}={value!r} is neither yes nor no; allowed: {', '.join(_YES_NO)}")
    return _YES_NO[value.lower()]


def safe_name(path: Path) -> str:
    """A short label from a path's stem that is safe as a file name: letters, digits, ``_``, ``-`` and ``.``."""
    stem = re.sub(r"[^\w.-]+", "_", path.resolve().stem).strip("._")
    return stem[:100] or "clip"


def _exists(text: str) -> bool:
    try:
        return bool(text) and Path(text).exists()
    except (OSError, ValueError):  # too long for a name, or a NUL in it
        return False
