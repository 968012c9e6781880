"""A CLIP model with its plane head: what `load_fetalclip` and `load_mobile` have in common."""

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from .device import DtypeName
from .encoder import Model
from .heads.probe import ProbeHead
from .heads.prompts import load_prompts
from .heads.zero_shot import RejectRule, ZeroShotHead
from .text_cache import embed_texts
from .towers import Architecture, load_towers


def load_clip_model(
    architecture: Architecture,
    weights: str | Path,
    *,
    device: str,
    dtype: DtypeName,
    prompts: str | Path,
    rule: RejectRule,
    probe: Path | None,
    cache: Path | None,
) -> Model:
    """Loads both towers, and lets the text tower speak of planes (or the cache for it)."""
    spoken = load_prompts(prompts) if probe is None else None  # a misspelt name shows before seconds of loading
    towers = load_towers(architecture, weights, device=device, dtype=dtype)
    if probe is not None:
        probed = ProbeHead.load(probe, encoder=towers.image.identity)
        return Model(encoder=towers.image, planes=probed, texts=towers.text)
    assert spoken is not None

    def embed(texts: Sequence[str]) -> Tensor:
        return embed_texts(towers.text, texts, folder=cache)

    return Model(encoder=towers.image, planes=ZeroShotHead(spoken, embed, rule=rule), texts=towers.text)
