"""The embedded default: a small encoder and its plane head, trained by `train/` (see ``compact.md``)."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from .compact_net import EMBEDDING_DIM, INPUT_PX, CompactNet, standardise
from .device import DtypeName, pick_device, pick_dtype
from .encoder import Features, Model, ModelError
from .files import check_fit, check_header, load_state_dict, sha256_of
from .heads.probe import ProbeHead
from .outputs import ModelIdentity
from .preprocess import prepare, stack
from .side_by_side import SideBySide

EMBEDDED = Path(__file__).with_name("compact.safetensors")
KIND = "fetalstream.compact"
FORMAT_VERSION = "1"

_BT_601 = (0.299, 0.587, 0.114)
_CPU_CHUNK = 4
"""Pictures at a time on a CPU: beyond it the first layers' maps fall out of the cache."""


class CompactEncoder:
    """The encoder seam over `CompactNet`: embedding (b 256), feature map (b 128 14 14)."""

    def __init__(
        self, network: CompactNet, identity: ModelIdentity, *, device: torch.device, dtype: torch.dtype
    ) -> None:
        placed = network.to(device=device, dtype=dtype)
        self._network = placed.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] - torch's gap
        self._identity = identity
        self._device = device
        self._dtype = dtype
        self._side_by_side = SideBySide()

    @property
    def identity(self) -> ModelIdentity:
        return self._identity

    @property
    def sees_colour(self) -> bool:
        return False

    def prepare(self, pixels: NDArray[np.uint8]) -> Tensor:
        """(h w) or (h w 3) uint8 -> (1 224 224) uint8, padded to a black square and resized, as for FetalCLIP."""
        grey = pixels if pixels.ndim == 2 else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
        return prepare(grey, INPUT_PX)

    def encode(self, prepared: list[Tensor]) -> Features:
        """b pictures (c 224 224) uint8, c 1 or 3 -> `Features`; colour is read as its brightness."""
        count = _CPU_CHUNK if self._device.type == "cpu" else len(prepared)
        chunks = [prepared[start : start + count] for start in range(0, len(prepared), count)]
        given = self._side_by_side.map(self._see, chunks)
        embedding, feature_map = (torch.cat(parts).float() for parts in zip(*given, strict=True))
        return Features(embedding=embedding, feature_map=feature_map)

    @torch.inference_mode()
    def _see(self, prepared: list[Tensor]) -> tuple[Tensor, Tensor]:
        pictures = standardise(_grey(stack(prepared).to(self._device, torch.float32)))
        pictures = pictures.to(self._dtype).contiguous(memory_format=torch.channels_last)
        return cast("tuple[Tensor, Tensor]", self._network(pictures))


def load_compact(weights: Path | None = None, *, device: str = "auto", dtype: DtypeName = "auto") -> Model:
    """The compact model.

    Args:
        weights: a file made by ``fetalstream train compact``; None is the one inside this package.
        device, dtype: see `pick_device` and `pick_dtype`.

    Raises:
        ModelError: one line that says what does not fit.
    """
    path = EMBEDDED if weights is None else Path(weights)
    where = pick_device(device)
    identity = ModelIdentity(name="compact", sha256=sha256_of(path))
    content = read_compact(path)
    linear = content.module.head
    head = ProbeHead(
        linear.weight, linear.bias, labels=content.labels, encoder=identity, temperature=content.temperature
    )
    network = content.module.network.eval().requires_grad_(requires_grad=False)
    encoder = CompactEncoder(network, identity, device=where, dtype=pick_dtype(dtype, where))
    return Model(encoder=encoder, planes=head)


class Parts(nn.Module):
    """What the file holds: the network and one linear layer."""

    def __init__(self, network: CompactNet, classes: int) -> None:
        super().__init__()
        self.network = network
        self.head = nn.Linear(EMBEDDING_DIM, classes)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactFile:
    """What a file of the compact model holds: float32 weights, the labels of its classes, their temperature."""

    module: Parts
    labels: tuple[str, ...]
    temperature: float


def is_compact(path: Path) -> bool:
    """Whether a file says of itself that it holds the compact model."""
    try:
        with safe_open(path, framework="pt") as file:
            return (file.metadata() or {}).get("kind") == KIND
    except (SafetensorError, OSError):
        return False


def read_compact(path: Path) -> CompactFile:
    """Reads a file made by ``fetalstream train compact``; raises `ModelError` when it is none or does not fit."""
    state = load_state_dict(path)
    labels, temperature = _read_metadata(path)
    module = Parts(CompactNet(), len(labels))
    check_fit(state, module, path=path, architecture="the compact model")
    module.load_state_dict({key: tensor.float() for key, tensor in state.items()})
    return CompactFile(module=module, labels=labels, temperature=temperature)


def _grey(pictures: Tensor) -> Tensor:
    if pictures.shape[1] == 1:
        return pictures
    return torch.einsum("bchw,c->bhw", pictures, torch.tensor(_BT_601, device=pictures.device))[:, None]


def _read_metadata(path: Path) -> tuple[tuple[str, ...], float]:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
        check_header(metadata, kind=KIND, format_version=FORMAT_VERSION, path=path)
        return tuple(json.loads(metadata["labels"])), float(metadata["temperature"])
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        raise ModelError(f"{path} is no file of the compact model: {' '.join(str(error).split())}") from error
