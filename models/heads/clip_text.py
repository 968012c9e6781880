"""Hearts judged by sentences alone, for comparison: zero-shot normal against affected, with no training at all.

Needs a model with a text tower (FetalCLIP). Both classes always speak: what is known of a clip chooses no sentence.
"""

from collections.abc import Callable, Sequence
from importlib.resources import files
from itertools import chain
from pathlib import Path

import torch
from einops import reduce
from torch import Tensor
from torch.nn.functional import normalize

from ..encoder import ModelError
from .clip_answer import Floats
from .clip_head import Clips
from .prompts import Prompts, load_prompts
from .zero_shot import LOGIT_SCALE

BUILT_IN = "chd"
CLASSES = ("normal", "affected")


def load_heart_prompts(source: str | Path = BUILT_IN) -> Prompts:
    """Sentences for ``normal`` and ``affected``: those that ship with the package, or a file's.

    Raises:
        ModelError: the file cannot be read, or has other classes.
    """
    shipped = files("fetalstream.configs").joinpath("prompts", f"{BUILT_IN}.yaml")
    prompts = load_prompts(Path(str(shipped)) if source == BUILT_IN else source)
    if tuple(prompts.planes) != CLASSES or prompts.background:
        raise ModelError(f"{source} holds sentences for {', '.join(prompts.planes)}, not for {' and '.join(CLASSES)}")
    return prompts


class ClipTextHead:
    """The difference of two cosines, in the published scale.

    Args:
        prompts: from `load_heart_prompts`.
        embed: n sentences -> (n d), such as `TextTower.encode_text`; called once.
    """

    def __init__(self, prompts: Prompts, embed: Callable[[Sequence[str]], Tensor]) -> None:
        groups = [prompts.planes[name] for name in CLASSES]
        embeddings = embed(list(chain.from_iterable(groups))).float().cpu()
        parts = embeddings.split([len(group) for group in groups])
        means = [reduce(normalize(part, dim=-1), "n d -> d", "mean") for part in parts]
        self._normal, self._affected = (normalize(mean, dim=-1) for mean in means)

    def logits(self, clips: Clips) -> Floats:
        """(n t d) -> (1 n): log odds of affected against normal, mean over the frames of a clip."""
        unit = normalize(torch.from_numpy(clips).float(), dim=-1)
        of_frames = LOGIT_SCALE * (unit @ (self._affected - self._normal))
        return reduce(of_frames, "n t -> 1 n", "mean").double().numpy()
