"""MobileFetalCLIP: FetalCLIP's student, FastViT MCI0 at 256 px (Saeed et al. 2026). Weights CC BY-NC 4.0, not shipped.

Two things differ from the teacher and are easily missed. The published code normalises with ImageNet's mean and
deviation, not CLIP's. And it builds the image tower from Apple's modules, so that published files name its layers as
Apple does; here timm builds the same tower under its own names.
"""

from pathlib import Path
from typing import cast

import torch
from timm.models.fastvit import checkpoint_filter_fn
from timm.utils.model import reparameterize_model
from torch import nn

from .clip_model import load_clip_model
from .device import DtypeName
from .encoder import Model
from .files import StateDict
from .heads.zero_shot import RejectRule
from .preprocess import IMAGENET_MEAN, IMAGENET_STD, InputSpec
from .towers import Architecture

_TRUNK = "visual.trunk."
_APPLES_FIRST_LAYER = _TRUNK + "patch_embed.0.rbr_conv.0.conv.weight"


def _apple_to_timm(state: StateDict, model: nn.Module) -> StateDict:
    """Apple's layer names -> timm's; a file that speaks timm already is left alone."""
    if _APPLES_FIRST_LAYER not in state:
        return state
    apple = {key.removeprefix(_TRUNK): tensor for key, tensor in state.items() if key.startswith(_TRUNK)}
    trunk = cast("StateDict", checkpoint_filter_fn(apple, model.get_submodule(_TRUNK.rstrip("."))))
    others = {key: tensor for key, tensor in state.items() if not key.startswith(_TRUNK)}
    return others | {_TRUNK + key: tensor for key, tensor in trunk.items()}


def _fold(visual: nn.Module) -> nn.Module:
    """Folds the parallel branches of training into single convolutions: the same function, in fewer steps."""
    return reparameterize_model(visual).to(memory_format=torch.channels_last)


MOBILE = Architecture(
    kind="mobile",
    version="FastViT-MCI0@256",
    config=Path(__file__).with_name("MobileFetalCLIP.json"),
    spec=InputSpec(size_px=256, mean=IMAGENET_MEAN, std=IMAGENET_STD),
    translate=_apple_to_timm,
    finish=_fold,
)

MOBILE_RULE = RejectRule(min_margin=0.01)
"""No scores of this model are published from which a floor on similarity could be read; the lead of the best plane over
the second does not depend on the level of its cosines. A site should set both on its own data."""


def load_mobile(
    weights: str | Path,
    *,
    device: str = "auto",
    dtype: DtypeName = "auto",
    prompts: str | Path = "planes",
    rule: RejectRule = MOBILE_RULE,
    probe: Path | None = None,
    cache: Path | None = None,
) -> Model:
    """MobileFetalCLIP from its weight file.

    The arguments are those of `load_fetalclip`.

    Raises:
        ModelError: one line that says what cannot be used and why.
    """
    return load_clip_model(
        MOBILE, weights, device=device, dtype=dtype, prompts=prompts, rule=rule, probe=probe, cache=cache
    )
