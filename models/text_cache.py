"""Text embeddings, computed once per weights and prompts and kept on disk."""

import hashlib
import json
import logging
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from .encoder import ModelError, TextEncoder
from .home import home
from .whole import whole_file

_LOG = logging.getLogger(__name__)
_FORMAT = 1
_TOKENISER = "open_clip.SimpleTokenizer"


def embed_texts(tower: TextEncoder, texts: Sequence[str], *, folder: Path | None = None) -> Tensor:
    """n sentences -> (n d) float32, from the cache where it holds them.

    A cache never stands in the way: a damaged file is computed again and replaced, and a folder that cannot be written
    costs a warning. Files appear whole or not at all, so that several processes may share the folder.

    Args:
        tower: asked only for what the cache lacks.
        texts: the sentences; their order matters.
        folder: where the files lie, by default ``text`` in `home`.
    """
    path = (folder or home() / "text") / f"{_key(tower, texts)}.safetensors"
    cached = _read(path, shape=(len(texts), tower.embed_dim))
    if cached is not None:
        return cached
    embeddings = tower.encode_text(texts)
    _write(path, embeddings)
    return embeddings


def _key(tower: TextEncoder, texts: Sequence[str]) -> str:
    parts = [_FORMAT, tower.identity.sha256, _TOKENISER, tower.context_length, "float32", list(texts)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _read(path: Path, *, shape: tuple[int, int]) -> Tensor | None:
    try:
        embeddings = load(path.read_bytes())["embeddings"]  # load_file opens a file twice; it may be gone in between
    except FileNotFoundError:
        return None
    except (SafetensorError, KeyError, OSError) as error:
        _LOG.warning("%s is damaged and is computed again: %s", path, error)
        return None
    sound = embeddings.shape == shape and embeddings.dtype == torch.float32 and bool(embeddings.isfinite().all())
    return embeddings if sound else None


def _write(path: Path, embeddings: Tensor) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as file:
            file.write(save({"embeddings": embeddings.contiguous()}))
    except (OSError, ModelError) as error:
        _LOG.warning("text embeddings are not kept: %s", error)
