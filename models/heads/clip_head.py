"""The heart head: clips of frame embeddings in, one careful answer for each patient out; and its file."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
import torch
from einops import rearrange, reduce
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from ..encoder import ModelError
from ..files import check_fit, check_header, sha256_of
from ..outputs import ModelIdentity
from .clip_answer import Calibration, Floats
from .clip_nets import NET_KINDS, NetKind, build_net
from .clip_timing import ClipTiming
from .head_file import check_encoder, encoder_in, encoder_metadata, save_head

KIND = "fetalstream.chd"
FORMAT_VERSION = "1"
EMBEDDED = Path(__file__).with_name("chd_phantom.safetensors")
EMBEDDED_NAME = "phantom"
"""What stands for the embedded head in a configuration: it knows phantoms, and no patient."""

Clips = NDArray[np.float32]
"""(n t d) float32 embeddings of frames as the encoder gives them, not normalised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipRecipe:
    """What a head is and what it was made of.

    Attributes:
        net: kind of network.
        dim, width: d of an embedding, and width of hidden layers.
        timing: of its clips.
        encoder: the weights whose embeddings it reads.
        normal: the label that stands for a heart without a defect.
        affected: the labels that training called affected, sorted.
        patients, clips: how many it was trained on.
        trained_on: for people, such as "phantom hearts"; told with each of its answers.
        version: of the head, for its card and its events.
    """

    net: NetKind
    dim: int
    width: int
    timing: ClipTiming
    encoder: ModelIdentity
    normal: str
    affected: tuple[str, ...]
    patients: int
    clips: int
    trained_on: str
    version: str = "1"

    def __post_init__(self) -> None:
        if self.net not in NET_KINDS or not (1 <= self.dim <= 65_536 and 1 <= self.width <= 4096):
            raise ModelError(f"a clip head is one of {', '.join(NET_KINDS)} with dim and width above 0")
        if not (self.trained_on and self.normal and self.affected) or self.normal in self.affected:
            raise ModelError("a clip head says what it was trained on, and names normal and affected hearts apart")


class ClipHead:
    """An ensemble over clips.

    Args:
        members: m networks in evaluation mode.
        recipe: what they are.
        calibration: what turns their logits into an answer.
        centre, scale: (2 d) mean and deviation in training: row 0 over all frames, row 1 over means of clips.
        seen: (n 8) uint8, first bytes of the digest of each cine it was trained on; empty where nobody kept them.
        sha256: digest of the file that it was read from.
    """

    def __init__(
        self,
        members: Sequence[nn.Module],
        *,
        recipe: ClipRecipe,
        calibration: Calibration,
        centre: Tensor,
        scale: Tensor,
        seen: NDArray[np.uint8] | None = None,
        sha256: str = "",
    ) -> None:
        if not members:
            raise ModelError("a clip head has at least one member")
        if centre.shape != (2, recipe.dim) or scale.shape != (2, recipe.dim) or not bool((scale > 0).all()):
            raise ModelError(f"centre and scale are (2 {recipe.dim}), scale above 0, not {tuple(centre.shape)}")
        self.members = tuple(member.eval() for member in members)
        self.recipe = recipe
        self.calibration = calibration
        self.seen = np.empty((0, 8), dtype=np.uint8) if seen is None else seen
        self.sha256 = sha256
        self._centre, self._scale = centre.float(), scale.float()

    @property
    def identity(self) -> ModelIdentity:
        return ModelIdentity(name=f"chd-{self.recipe.net}", sha256=self.sha256, version=self.recipe.version)

    @torch.inference_mode()
    def logits(self, clips: Clips) -> Floats:
        """(n t d) -> (m n) raw logits, one row for each member."""
        standard = (torch.from_numpy(self._checked(clips)) - self._centre[0]) / self._scale[0]
        return torch.stack([member(standard) for member in self.members]).double().numpy()

    def distance(self, clips: Clips) -> Floats:
        """(n t d) -> (n): how far the mean of each clip lies from those of training, 1 being usual."""
        means = reduce(torch.from_numpy(self._checked(clips)), "n t d -> n d", "mean")
        return ((means - self._centre[1]) / self._scale[1]).square().mean(dim=1).sqrt().double().numpy()

    def _checked(self, clips: Clips) -> Clips:
        recipe = self.recipe
        if clips.ndim != 3 or clips.shape[1:] != (recipe.timing.frames, recipe.dim) or not len(clips):
            raise ModelError(
                f"this head reads clips (n {recipe.timing.frames} {recipe.dim}) of {recipe.encoder.name}, "
                f"not of shape {clips.shape}"
            )
        if not np.isfinite(clips).all():
            raise ModelError("embeddings of a clip are finite numbers")
        return np.ascontiguousarray(clips, dtype=np.float32)

    def save(self, path: Path) -> None:
        """Writes one safetensors file: all members, and in its metadata everything else; see `save_head`."""
        tensors = {
            f"members.{number}.{key}": value.half() if value.is_floating_point() else value
            for number, member in enumerate(self.members)
            for key, value in member.state_dict().items()
        }
        tensors |= {"centre": self._centre, "scale": self._scale, "seen": torch.from_numpy(self.seen)}
        recipe = asdict(self.recipe)
        del recipe["encoder"]
        metadata = {
            "kind": KIND,
            "format_version": FORMAT_VERSION,
            **encoder_metadata(self.recipe.encoder),
            "recipe": json.dumps(recipe),
            "calibration": json.dumps(self.calibration.as_dict()),
            "members": str(len(self.members)),
        }
        save_head(path, tensors, metadata)

    @classmethod
    def load(cls, path: Path, *, encoder: ModelIdentity) -> Self:
        """Reads what `save` wrote.

        Raises:
            ModelError: the file is no heart head, is damaged, or was trained on an encoder other than ``encoder``.
        """
        if not path.is_file():
            raise ModelError(f"{path}: there is no such heart head")
        try:
            with safe_open(path, framework="pt") as file:
                metadata = cast("Mapping[str, str]", file.metadata() or {})
                check_header(metadata, kind=KIND, format_version=FORMAT_VERSION, path=path)
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - no mapping
                recipe = _recipe(json.loads(metadata["recipe"]), encoder_in(metadata))
                calibration = Calibration(**json.loads(metadata["calibration"]))
                count = int(metadata["members"])
        except (SafetensorError, KeyError, ValueError, TypeError, OSError) as error:
            raise ModelError(f"{path} is a damaged heart head: {' '.join(str(error).split())}") from error
        check_encoder(recipe.encoder, encoder, path=path, made="trained", gives="scores")
        if missing := {"centre", "scale", "seen"} - tensors.keys():
            raise ModelError(f"{path} is a damaged heart head: it lacks {', '.join(sorted(missing))}")
        members = [_member(tensors, number, recipe, path) for number in range(count)]
        return cls(
            members,
            recipe=recipe,
            calibration=calibration,
            centre=tensors["centre"],
            scale=tensors["scale"],
            seen=tensors["seen"].numpy(),
            sha256=sha256_of(path),
        )


def find_head(name: str | Path) -> Path:
    """A file, or the embedded head for "phantom"."""
    return EMBEDDED if str(name) == EMBEDDED_NAME else Path(name)


def stacked(frames: Sequence[NDArray[np.float32]]) -> Clips:
    """t embeddings (d) -> one clip (1 t d)."""
    return rearrange(np.stack(frames).astype(np.float32), "t d -> 1 t d")


def _recipe(content: dict[str, Any], encoder: ModelIdentity) -> ClipRecipe:
    timing, affected = ClipTiming(**content.pop("timing")), tuple(content.pop("affected"))
    return ClipRecipe(**content, timing=timing, affected=affected, encoder=encoder)


def _member(tensors: Mapping[str, Tensor], number: int, recipe: ClipRecipe, path: Path) -> nn.Module:
    prefix = f"members.{number}."
    state = {
        key.removeprefix(prefix): value.float() if value.is_floating_point() else value
        for key, value in tensors.items()
        if key.startswith(prefix)
    }
    member = build_net(recipe.net, dim=recipe.dim, width=recipe.width)
    check_fit(state, member, path=path, architecture=f"a heart head of kind {recipe.net!r}")
    member.load_state_dict(state)
    return member
