"""The reject rule: how a head comes to say "background".

A softmax spreads all of its mass over the classes it knows, so it gives an empty screen a plane. Here a background
class stands beside them. Its mass relative to the best plane is exp(doubt): below 0 the plane wins, at 0 both are
equal, above 0 the background wins. The change is smooth: smoothing over time sees doubt rise, not scores that jump.
"""

import torch
from torch import Tensor


def with_background(logits: Tensor, doubt: Tensor | None = None, background: Tensor | None = None) -> Tensor:
    """Probabilities over background and planes.

    Args:
        logits: (b n) of the planes.
        doubt: (b) log-odds of background against the best plane, from a rule such as a floor on similarity.
        background: (b) logit of a background class that the head knows by itself.

    Returns:
        (b 1+n), rows sum to 1, background first. With neither ``doubt`` nor ``background`` its column is 0.
    """
    mass = torch.full_like(logits[:, 0], -torch.inf)
    if doubt is not None:
        mass = torch.logaddexp(mass, logits.amax(dim=1) + doubt)
    if background is not None:
        mass = torch.logaddexp(mass, background)
    return torch.cat([mass[:, None], logits], dim=1).softmax(dim=1)
