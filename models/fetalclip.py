"""FetalCLIP: ViT-L/14 at 224 px and its text tower (Maani et al. 2025). Weights CC BY-NC 4.0, never shipped."""

from pathlib import Path

from .clip_model import load_clip_model
from .device import DtypeName
from .encoder import Model
from .heads.zero_shot import RejectRule
from .preprocess import InputSpec
from .towers import Architecture

FETALCLIP = Architecture(
    kind="fetalclip",
    version="ViT-L/14@224",
    config=Path(__file__).with_name("FetalCLIP.json"),
    spec=InputSpec(size_px=224),
)

FETALCLIP_RULE = RejectRule(min_similarity=0.30)
"""In the scores published for HC18, 99 % of the 999 heads resemble their best sentences with a cosine above 0.358 (mean
of five). What pictures without any plane reach is not published: a site should set its floor on its own data."""


def load_fetalclip(
    weights: str | Path,
    *,
    device: str = "auto",
    dtype: DtypeName = "auto",
    prompts: str | Path = "planes",
    rule: RejectRule = FETALCLIP_RULE,
    probe: Path | None = None,
    cache: Path | None = None,
) -> Model:
    """FetalCLIP from its weight file.

    Args:
        weights: the file, bare or wrapped (see `load_state_dict`); `weights.find` turns a name into it.
        device, dtype: see `pick_device` and `pick_dtype`; "auto" is what is fast here.
        prompts: for the zero-shot head: "planes", "brain_planes" or a file.
        rule: when the zero-shot head says "background", on top of background prompts.
        probe: a probe file; its planes replace the zero-shot ones.
        cache: folder for text embeddings, by default in `home`.

    Raises:
        ModelError: one line that says what cannot be used and why.
    """
    return load_clip_model(
        FETALCLIP, weights, device=device, dtype=dtype, prompts=prompts, rule=rule, probe=probe, cache=cache
    )
