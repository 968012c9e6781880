"""Embeddings of heart cines, kept on disk: what costs minutes is done once for each set of weights."""

import hashlib
import json
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load, save

from .encoder import Encoder, ModelError
from .heads.clip_head import Clips
from .heads.clip_timing import ClipTiming
from .home import home
from .whole import whole_file

_LOG = logging.getLogger(__name__)
_FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CineClips:
    """What one cine gave: ``clips`` (n t d) float32, and ``thumbnails`` (t h w) uint8 of the first."""

    clips: Clips
    thumbnails: NDArray[np.uint8]


class ClipCache:
    """Embeddings of cines on disk, under the digest of weights, numbers' kind, timing and cine.

    A cache never stands in the way: what is damaged is made anew, what cannot be written costs a warning.

    Args:
        folder: None is ``clips`` in `home`.
        encoder: whose embeddings these are.
        flavour: what else they depend on, such as the kind of numbers it computes in.
        timing: of the clips.
    """

    def __init__(self, folder: Path | None, *, encoder: Encoder, flavour: str, timing: ClipTiming) -> None:
        self._folder = folder or home() / "clips"
        self._parts = [
            _FORMAT, encoder.identity.sha256, flavour, timing.frames, timing.seconds, timing.stride_seconds,
        ]  # fmt: skip

    def _path(self, digest: str) -> Path:
        key = hashlib.sha256(json.dumps([*self._parts, digest]).encode()).hexdigest()
        return self._folder / f"{key}.safetensors"

    def read(self, digest: str) -> CineClips | None:
        """None where it holds nothing sound."""
        try:
            tensors = load(self._path(digest).read_bytes())
            found = CineClips(clips=tensors["clips"].numpy(), thumbnails=tensors["thumbnails"].numpy())
        except FileNotFoundError:
            return None
        except (SafetensorError, KeyError, OSError) as error:
            _LOG.warning("the clips of a cine are damaged and are made anew: %s", error)
            return None
        return found if found.clips.ndim == 3 and bool(np.isfinite(found.clips).all()) else None

    def write(self, digest: str, found: CineClips) -> None:
        """Whole or not at all, so that several processes may share the folder."""
        path = self._path(digest)
        content = save({"clips": torch.from_numpy(found.clips), "thumbnails": torch.from_numpy(found.thumbnails)})
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(path) as file:
                file.write(content)
        except (OSError, ModelError) as error:
            _LOG.warning("clips are not kept: %s", error)
