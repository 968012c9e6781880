"""How a head file is written, and what it says of the encoder it was made for: on another its numbers mean nothing."""

from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import save
from torch import Tensor

from ..encoder import ModelError
from ..outputs import ModelIdentity
from ..whole import whole_file


class ForeignHeadError(ModelError):
    """A sound head file that was made for other weights or other sentences."""


def encoder_metadata(encoder: ModelIdentity) -> dict[str, str]:
    """The part of a head file's metadata that names its encoder; `encoder_in` reads it."""
    return {
        "encoder_name": encoder.name,
        "encoder_sha256": encoder.sha256,
        "encoder_version": encoder.version,
    }


def encoder_in(metadata: Mapping[str, str]) -> ModelIdentity:
    """The encoder that a head file's metadata names; raises `KeyError` when it names none."""
    return ModelIdentity(
        name=metadata["encoder_name"], sha256=metadata["encoder_sha256"], version=metadata["encoder_version"]
    )


def check_encoder(found: ModelIdentity, wanted: ModelIdentity, *, path: Path, made: str, gives: str) -> None:
    """Refuses a head of other weights than ``wanted``; raises `ForeignHeadError`.

    Args:
        made, gives: words of the message: how the head was made ("trained"), what it gives ("scores").
    """
    if found.sha256 != wanted.sha256:
        raise ForeignHeadError(
            f"{path} was {made} on {found.name} (sha256 {found.sha256[:12]}), "
            f"not on {wanted.name} (sha256 {wanted.sha256[:12]}): its {gives} would mean nothing"
        )


def save_head(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Writes one safetensors file, whole or not at all: what had that name before stays until then.

    Raises:
        ModelError: it cannot be written.
    """
    content = save({key: tensor.cpu().contiguous() for key, tensor in tensors.items()}, dict(metadata))
    with whole_file(path) as file:
        file.write(content)
