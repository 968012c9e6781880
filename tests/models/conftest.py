"""Small CLIP models and random weights: they prove plumbing, never quality."""

import json
import math
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
import torch
from hypothesis import settings
from torch import Tensor

from fetalstream.models.preprocess import InputSpec
from fetalstream.models.towers import Architecture

settings.register_profile("shared machine", deadline=None)  # a busy neighbour breaks no law
settings.load_profile("shared machine")

RandomState = Callable[[Architecture], dict[str, Tensor]]


@pytest.fixture(scope="session")
def random_state() -> RandomState:
    """Random weights in the published format, scaled so that signals neither die nor explode; quick for gigabytes."""

    def make(architecture: Architecture) -> dict[str, Tensor]:
        noise = torch.empty(1_000_003).uniform_(-1, 1, generator=torch.Generator().manual_seed(7))
        shifts = count(step=7919)

        def fill(name: str, tensor: Tensor) -> Tensor:
            if not tensor.is_floating_point():
                return torch.zeros(tensor.shape, dtype=tensor.dtype)
            if name == "logit_scale":
                return torch.tensor(math.log(100))
            size = tensor.numel()
            values = noise.roll(next(shifts)).repeat(-(-size // len(noise)))[:size].reshape(tensor.shape)
            if name.endswith("running_var") or (tensor.ndim == 1 and name.endswith("weight")):
                return 1 + 0.1 * values
            if "layer_scale" in name:
                return 0.1 + 0.01 * values
            fan_in = tensor[0].numel() if tensor.ndim > 1 else 100
            return values * math.sqrt(3 / fan_in)

        return {name: fill(name, tensor) for name, tensor in architecture.build().state_dict().items()}

    return make


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Architecture:
    """A CLIP model of one layer per tower, of the same make as FetalCLIP."""
    config = tmp_path_factory.mktemp("tiny") / "TinyCLIP.json"
    towers = {
        "embed_dim": 16,
        "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "patch_size": 16},
        "text_cfg": {"context_length": 20, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
    }
    config.write_text(json.dumps(towers))
    return Architecture(kind="tiny", version="1", config=config, spec=InputSpec(size_px=32))


@pytest.fixture(scope="session")
def tiny_weights(tiny: Architecture, random_state: RandomState, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weight file for ``tiny``."""
    path = tmp_path_factory.mktemp("weights") / "tiny.pt"
    torch.save(random_state(tiny), path)
    return path
