"""Weight files: reading them without running what they hold, and saying in one line why one does not fit."""

import hashlib
import os
import pickle
import re
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from .encoder import ModelError

StateDict = dict[str, Tensor]


class MisfitError(ModelError):
    """Sound weights of another model; ``keys`` counts those that do not fit."""

    def __init__(self, message: str, *, keys: int) -> None:
        super().__init__(message)
        self.keys = keys


_ENVELOPES = ("state_dict", "model")
_SHOWN = 3


def sha256_of(path: Path) -> str:
    """Hex digest of the file's bytes, read piece by piece."""
    _refuse_what_is_no_file(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load_state_dict(path: Path) -> StateDict:
    """The tensors of a weight file, on the CPU.

    Reads safetensors and torch files, the latter with ``weights_only=True``: a file that asks for code is refused.
    Takes a bare state_dict or one inside ``{"state_dict": ...}``, with or without the ``module.`` that data-parallel
    training leaves before each key. The file is mapped, not copied: parts that nobody uses cost no memory; replace such
    a file by renaming, never by writing into it while it is in use.

    Raises:
        ModelError: one line that names the file and says what is wrong with it.
    """
    _refuse_what_is_no_file(path)
    with path.open("rb") as file:
        head = file.read(16)
    if _looks_like_safetensors(head):
        return _load_safetensors(path)
    if head.startswith((b"PK", b"\x80")):
        return _state_dict_in(_load_torch(path, is_zip=head.startswith(b"PK")), path)
    raise ModelError(f"{path} is not a weight file: it starts with {head[:8]!r}; allowed: torch (.pt) and safetensors")


def check_fit(state: Mapping[str, Tensor], module: nn.Module, *, path: Path, architecture: str) -> None:
    """Refuses weights that do not fill ``module`` exactly.

    Raises:
        MisfitError: one line with the count and the first few of the keys that are missing, unexpected or misshapen.
    """
    wanted = module.state_dict()
    missing = [key for key in wanted if key not in state]
    unexpected = [key for key in state if key not in wanted]
    misshapen = [
        f"{key} is {tuple(state[key].shape)}, not {tuple(tensor.shape)}"
        for key, tensor in wanted.items()
        if key in state and state[key].shape != tensor.shape
    ]
    findings = [
        f"{len(keys)} {what} ({_first_few(keys)})"
        for keys, what in ((missing, "missing"), (unexpected, "unexpected"), (misshapen, "of another shape"))
        if keys
    ]
    if findings:
        raise MisfitError(
            f"{path} does not fit {architecture} ({len(wanted)} tensors): {'; '.join(findings)}",
            keys=len(missing) + len(unexpected) + len(misshapen),
        )


def check_header(metadata: Mapping[str, str], *, kind: str, format_version: str, path: Path) -> None:
    """Refuses a file of ours that says that it is something else; raises `ModelError`."""
    if metadata.get("kind") != kind or metadata.get("format_version") != format_version:
        raise ModelError(
            f"{path} is of kind {metadata.get('kind')!r}, format {metadata.get('format_version')!r}; "
            f"allowed: kind {kind!r}, format {format_version!r}"
        )


def _first_few(keys: Iterable[str]) -> str:
    listed = list(keys)
    return ", ".join(listed[:_SHOWN]) + (", ..." if len(listed) > _SHOWN else "")


def _refuse_what_is_no_file(path: Path) -> None:
    if not path.exists():
        raise ModelError(f"{path}: there is no such weight file")
    if not path.is_file():
        raise ModelError(f"{path} is a folder, not a weight file")
    if not os.access(path, os.R_OK):
        raise ModelError(f"{path} may not be read by this user")
    if path.stat().st_size == 0:
        raise ModelError(f"{path} is empty, not a weight file")


def _looks_like_safetensors(head: bytes) -> bool:
    # eight bytes of length, then a JSON object; the length keeps text that happens to hold a brace out
    return head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 100_000_000


def _load_safetensors(path: Path) -> StateDict:
    try:
        return _state_dict_in(load_file(path), path)
    except SafetensorError as error:
        raise ModelError(f"{path} is a damaged safetensors file: {_one_line(error)}") from error


def _load_torch(path: Path, *, is_zip: bool) -> object:
    if is_zip and not zipfile.is_zipfile(path):
        raise ModelError(f"{path} is torn: its end is missing ({path.stat().st_size} bytes are there); fetch it again")
    try:
        if is_zip and path.suffix != ".safetensors":  # torch goes by that name, we go by the content
            return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        with path.open("rb") as file:
            return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        asked = re.search(r"GLOBAL\s+(\S+)", str(error))
        what = f"it asks for {asked[1]}" if asked else "its pickle is damaged or holds something else"
        raise ModelError(f"{path} is refused, only tensors and plain containers are read from it: {what}") from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise ModelError(f"{path} is a damaged torch file: {_one_line(error)}") from error


def _state_dict_in(loaded: object, path: Path) -> StateDict:
    if isinstance(loaded, Mapping):
        content = cast("Mapping[Any, Any]", loaded)
        for envelope in _ENVELOPES:
            if isinstance(content.get(envelope), Mapping):
                content = cast("Mapping[Any, Any]", content[envelope])
                break
        if content and all(isinstance(key, str) and isinstance(value, Tensor) for key, value in content.items()):
            return {key.removeprefix("module."): value for key, value in content.items()}
    raise ModelError(f"{path} holds no state_dict: a mapping of names to tensors was expected, bare or in 'state_dict'")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
