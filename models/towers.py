"""The two towers of a CLIP model, loaded through open_clip from a weight file alone.

Nothing is fetched and no random weights are drawn: the model is laid out without memory, and the tensors of the file
take their places in it.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, cast

import numpy as np
import open_clip
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from .device import DtypeName, pick_device, pick_dtype
from .encoder import Features
from .files import StateDict, check_fit, load_state_dict, sha256_of
from .outputs import ModelIdentity
from .preprocess import InputSpec, normalise, prepare, stack
from .trust import check_trust

_TEXT_BATCH = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """A kind of CLIP model that open_clip can build.

    Attributes:
        kind: short name, as in results ("fetalclip").
        version: what the towers are.
        config: open_clip's description, a JSON file; its stem is the name under which open_clip knows the model.
        spec: what the image tower wants to see.
        translate: renames the keys of published files where they differ from open_clip's.
        finish: last touches to the filled image tower (folding branches, memory layout).
    """

    kind: str
    version: str
    config: Path
    spec: InputSpec
    translate: Callable[[StateDict, nn.Module], StateDict] = lambda state, _: state
    finish: Callable[[nn.Module], nn.Module] = lambda visual: visual

    @property
    def name(self) -> str:
        return self.config.stem

    def build(self) -> nn.Module:
        """The whole model on the meta device: shapes without memory. Registers the name with open_clip."""
        if self.name not in open_clip.list_models():
            open_clip.add_model_config(self.config)
        config = cast("dict[str, Any]", open_clip.get_model_config(self.name))
        kind = open_clip.CustomTextCLIP if config.pop("custom_text", False) else open_clip.CLIP
        with torch.device("meta"):
            return kind(**config)

    def fill(self, weights: Path) -> nn.Module:
        """The whole model with the weights of a file, on the CPU, still mapped to the file.

        Raises:
            ModelError: one line that says why the file cannot be used.
        """
        model = self.build()
        state = self.translate(load_state_dict(weights), model)
        scale = state.get("logit_scale")
        if scale is not None and scale.numel() == 1:
            state["logit_scale"] = scale.reshape(())  # some versions of open_clip keep it as (1)
        check_fit(state, model, path=weights, architecture=self.name)
        model.load_state_dict(state, assign=True)
        _restore_causal_mask(model)
        return model.eval().requires_grad_(requires_grad=False)


class ClipEncoder:
    """The image tower as an `Encoder`. Embeddings are float32 whatever the tower computes in."""

    def __init__(
        self, visual: nn.Module, *, identity: ModelIdentity, spec: InputSpec, device: torch.device, dtype: torch.dtype
    ) -> None:
        self._visual = visual.apply(lambda module: _move_off_file(module, device=device, dtype=dtype))
        self.identity = identity
        self.sees_colour = True
        self.spec = spec
        self.device = device
        self.dtype = dtype

    def prepare(self, pixels: NDArray[np.uint8]) -> Tensor:
        """(h w) grey or (h w 3) RGB uint8 -> (c s s) uint8, padded to a black square and resized."""
        return prepare(pixels, self.spec.size_px)

    @torch.no_grad()
    def encode(self, prepared: list[Tensor]) -> Features:
        """What `prepare` gave for b pictures -> Features with embedding (b d) on the encoder's device."""
        batch = normalise(stack(prepared), self.spec, dtype=self.dtype, device=self.device)
        return Features(embedding=self._visual(batch).float())


class TextTower:
    """The text tower, always in float32: it speaks once, and its rounding would stay in every score.

    Its weights stay mapped to the file until they are used; whoever needs no text again lets go of it.
    """

    def __init__(
        self, model: nn.Module, *, identity: ModelIdentity, context_length: int, embed_dim: int, device: torch.device
    ) -> None:
        self._model = model
        self.identity = identity
        self.context_length = context_length
        self.embed_dim = embed_dim
        self.device = device
        self._lock = Lock()

    @torch.no_grad()
    def encode_text(self, texts: Sequence[str]) -> Tensor:
        """n sentences -> (n d) float32 on the CPU, not normalised; one caller at a time, others wait."""
        tokenise = open_clip.SimpleTokenizer(context_length=self.context_length)
        with self._lock:
            model = self._model.to(device=self.device, dtype=torch.float32)
            encode = cast("Callable[[Tensor], Tensor]", model.encode_text)
            batches = torch.split(tokenise(list(texts)).to(self.device), _TEXT_BATCH)
            with _without_padding(model, batches) as short:
                return torch.cat([encode(tokens).cpu() for tokens in short])


@dataclass(frozen=True, slots=True, kw_only=True)
class Towers:
    """Both towers of one weight file."""

    image: ClipEncoder
    text: TextTower


def load_towers(
    architecture: Architecture, weights: str | Path, *, device: str = "auto", dtype: DtypeName = "auto"
) -> Towers:
    """Both towers of a weight file: the image tower ready on its device, the text tower asleep.

    Raises:
        ModelError: one line: the file, device or dtype cannot be used, or the file has changed since it was pulled.
    """
    where = pick_device(device)
    numbers = pick_dtype(dtype, where)
    path = Path(weights).expanduser()
    sha256 = sha256_of(path)
    check_trust(path, sha256)
    model = architecture.fill(path)
    identity = ModelIdentity(name=architecture.kind, sha256=sha256, version=architecture.version)
    config = cast("dict[str, Any]", open_clip.get_model_config(architecture.name))
    visual = architecture.finish(cast("nn.Module", model.visual))
    model.register_module("visual", None)  # the text tower must not hold on to the image tower
    return Towers(
        image=ClipEncoder(visual, identity=identity, spec=architecture.spec, device=where, dtype=numbers),
        text=TextTower(
            model,
            identity=identity,
            context_length=config["text_cfg"]["context_length"],
            embed_dim=config["embed_dim"],
            device=where,
        ),
    )


@contextmanager
def _without_padding(model: nn.Module, batches: Sequence[Tensor]) -> Generator[Sequence[Tensor]]:
    """Cuts (n c) tokens to the longest sentence of all, and the model's positions with them.

    Where each token sees only those before it, and the last one is what is read off, what follows has no say: the
    embeddings are the same, several times sooner. A tower without that mask sees its padding and is left alone.
    """
    mask = getattr(model, "attn_mask", None)
    if not isinstance(model, open_clip.CLIP) or mask is None or model.text_pool_type != "argmax":
        yield batches
        return
    # the end of a sentence has the largest of all numbers; 0 is no sign of padding, "!" has it too
    used = max((int(tokens.argmax(dim=1).max()) + 1 for tokens in batches if len(tokens)), default=1)
    positions = cast("Tensor", model.positional_embedding)
    try:
        model.attn_mask = mask[:used, :used]
        model.positional_embedding = nn.Parameter(positions[:used], requires_grad=False)
        yield [tokens[:, :used] for tokens in batches]
    finally:
        model.attn_mask = mask
        model.positional_embedding = positions


def _restore_causal_mask(model: nn.Module) -> None:
    """Fills the one buffer that no file holds: -inf above the diagonal, 0 elsewhere."""
    for name, buffer in list(model.named_buffers()):
        if buffer.is_meta:
            owner, _, attribute = name.rpartition(".")
            assert attribute == "attn_mask", f"open_clip has a buffer {name} that this code cannot fill"
            mask = torch.full(buffer.shape, -torch.inf).triu(1)
            model.get_submodule(owner).register_buffer(attribute, mask, persistent=False)


def _move_off_file(module: nn.Module, *, device: torch.device, dtype: torch.dtype) -> None:
    """Moves a module's own tensors; always copies, for a running stream must not depend on a mapped file."""

    def moved(tensor: Tensor) -> Tensor:
        return tensor.to(device=device, dtype=dtype if tensor.is_floating_point() else tensor.dtype, copy=True)

    for parameter in module.parameters(recurse=False):
        parameter.data = moved(parameter.data)
    for name, buffer in module.named_buffers(recurse=False):
        setattr(module, name, moved(buffer))
