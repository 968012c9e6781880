"""CURVE keys in files, in ZeroMQ's own certificate format: `fetalstream keys` and whoever opens a socket with them.

FOLDER/NAME.key_secret     ours, for this program only
FOLDER/NAME.key            ours, to give away
FOLDER/allowed/NAME.key    of a client that may connect to a publisher whose key lies in FOLDER
"""

import os
import re
import struct
from dataclasses import dataclass, field
from pathlib import Path

import zmq
from zmq.auth.certs import load_certificate  # pyright: ignore[reportUnknownVariableType]
from zmq.utils import z85

from .sink import SinkError

SECRET_SUFFIX = ".key_secret"  # noqa: S105
PUBLIC_SUFFIX = ".key"
ALLOWED = "allowed"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_OWNER_ONLY = 0o600
_KEY_LETTERS = 40
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    """A public and a secret key, 40 letters each (Z85), and the folder they lie in."""

    name: str
    folder: Path
    public: bytes
    secret: bytes = field(repr=False)


def key_folder() -> Path:
    """``$FETALSTREAM_HOME/keys``, else ``~/.config/fetalstream/keys``: keys are no cache to be cleared."""
    if home := os.environ.get("FETALSTREAM_HOME"):
        return Path(home) / "keys"
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "fetalstream" / "keys"


def create(name: str, folder: Path) -> KeyPair:
    """Make a key pair, in two files that only their owner can read. Raises `SinkError` where the name is taken."""
    _check_name(name)
    _make_folder(folder)
    public, secret = zmq.curve_keypair()
    _write(folder / (name + SECRET_SUFFIX), name, public, secret)
    _write(folder / (name + PUBLIC_SUFFIX), name, public)
    return load_pair(name, folder)


def allow(key: str, name: str, folder: Path) -> Path:
    """Let the owner of a public key (the 40 letters, or a file that holds them) connect.

    Returns the file that says so; without it, the owner is kept out again. Raises `SinkError`.
    """
    _check_name(name)
    public = load_public(key, folder)
    allowed = folder / ALLOWED
    _make_folder(folder)
    _make_folder(allowed)
    file = allowed / (name + PUBLIC_SUFFIX)
    _write(file, name, public)
    return file


def own(folder: Path) -> list[KeyPair]:
    """Our own key pairs, by name."""
    return [
        load_pair(file.name.removesuffix(SECRET_SUFFIX), folder) for file in sorted(folder.glob(f"*{SECRET_SUFFIX}"))
    ]


def load_pair(key: str, folder: Path) -> KeyPair:
    """A key pair by its name, or by the path of its secret file. Raises `SinkError`."""
    file = Path(key) if os.sep in key or key.endswith(SECRET_SUFFIX) else folder / (key + SECRET_SUFFIX)
    try:
        if file.stat().st_mode & 0o077:
            raise SinkError(f"{file}: others can read this secret key; chmod 600 it, or better make a new one")
    except OSError:
        raise SinkError(f"{file}: no such secret key; make one with: fetalstream keys create NAME") from None
    public, secret = _load(file)
    if secret is None or zmq.curve_public(secret) != public:
        raise SinkError(f"{file}: does not hold a secret key and its public one")
    return KeyPair(name=file.name.removesuffix(SECRET_SUFFIX), folder=file.parent, public=public, secret=secret)


def load_public(key: str, folder: Path) -> bytes:
    """A public key from its 40 letters, from a file that holds it, or by the name of one in the folder."""
    if len(key) == _KEY_LETTERS and (letters := key.encode(errors="replace")) and _is_key(letters):
        return letters
    in_folder = folder / (key + PUBLIC_SUFFIX)
    file = in_folder if _NAME.fullmatch(key) and in_folder.is_file() else Path(key)
    if not file.is_file():
        raise SinkError(f"{key!r} is neither a public key (40 letters) nor a file that holds one")
    return _load(file)[0]


class AllowList:
    """The clients that may connect; read anew whenever a file has come or gone.

    A file that holds no key lets nobody in and is named in ``damaged``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / ALLOWED
        self.damaged: list[str] = []
        self._names: dict[bytes, str] = {}
        self._read_at: int | None = None

    def names(self) -> dict[bytes, str]:
        """Public key to name."""
        try:
            changed_at = self.folder.stat().st_mtime_ns
        except OSError:  # no folder: nobody
            self._names, self._read_at = {}, None
            return self._names
        if changed_at != self._read_at:
            self._read()
            self._read_at = changed_at
        return self._names

    def _read(self) -> None:
        self._names, self.damaged = {}, []
        for file in sorted(self.folder.glob(f"*{PUBLIC_SUFFIX}")):
            try:
                self._names[_load(file)[0]] = file.name.removesuffix(PUBLIC_SUFFIX)
            except SinkError as error:
                self.damaged.append(str(error))


def _write(file: Path, name: str, public: bytes, secret: bytes | None = None) -> None:
    lines = ["metadata", f'    name = "{name}"', "curve", f'    public-key = "{public.decode()}"']
    if secret is not None:
        lines.append(f'    secret-key = "{secret.decode()}"')
    try:
        descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _OWNER_ONLY)
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write("\n".join(lines) + "\n")
    except FileExistsError:
        raise SinkError(f"{file}: exists, and no key is ever overwritten; choose another name") from None
    except OSError as error:
        raise SinkError(f"{file}: cannot be written: {error.strerror}") from None


def _load(file: Path) -> tuple[bytes, bytes | None]:
    try:
        public, secret = load_certificate(file)
    except (OSError, ValueError) as error:  # UnicodeDecodeError is a ValueError
        raise SinkError(f"{file}: is no key file: {error}") from None
    if not _is_key(public) or (secret is not None and not _is_key(secret)):
        raise SinkError(f"{file}: is no key file: a key has {_KEY_LETTERS} letters of Z85")
    return public, secret


def _is_key(letters: bytes) -> bool:
    try:
        return len(letters) == _KEY_LETTERS and len(z85.decode(letters)) == _KEY_BYTES
    except (KeyError, ValueError, struct.error):
        return False


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise SinkError(f"{name!r} is no name for a key; allowed: up to 64 letters, digits, dots, dashes, underscores")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SinkError(f"{folder}: cannot be made: {error.strerror}") from None
