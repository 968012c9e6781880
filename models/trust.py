"""Trust on first use: nobody publishes the SHA-256 of the known weights, so the first pull writes it down.

That cannot tell whether the first file was the right one. It does tell when a later one differs: a new upload, a broken
disk, a swapped file.
"""

import os
from pathlib import Path

from .encoder import ModelError


def trusted_sha256(weights: Path) -> str | None:
    """The digest that stands beside the weights (in the format of sha256sum), None when there is none."""
    beside = _beside(weights)
    if not beside.is_file():
        return None
    words = beside.read_text().split()
    if not words or len(words[0]) != 64:
        raise ModelError(f"{beside} holds no SHA-256; delete it to trust {weights.name} anew")
    return words[0]


def check_trust(weights: Path, sha256: str) -> None:
    """Refuses weights whose digest differs from the one that stands beside them."""
    trusted = trusted_sha256(weights)
    if trusted not in (None, sha256):
        raise ModelError(
            f"{weights} has changed since it was first trusted: sha256 {sha256[:12]}, not {trusted[:12]}; "
            f"fetch it again, or delete {_beside(weights).name} to trust the new file"
        )


def trust(weights: Path, sha256: str) -> None:
    """Writes the digest down beside the weights."""
    beside = _beside(weights)
    partial = beside.with_name(f"{beside.name}.{os.getpid()}.part")
    partial.write_text(f"{sha256}  {weights.name}\n")
    partial.replace(beside)


def _beside(weights: Path) -> Path:
    return weights.with_name(weights.name + ".sha256")
