"""SonoNet16 (Baumgartner et al. 2017): a peer, the compact model's teacher, and loadable from a user's path.

The network is written here from the description of its arrays; its weights are not part of this package.
"""

import zipfile
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import torch
from einops import reduce
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from .device import DtypeName, pick_device, pick_dtype
from .encoder import Features, Model, ModelError
from .files import sha256_of
from .heads.probe import ProbeHead
from .outputs import ModelIdentity
from .planes import BACKGROUND, Plane

HEIGHT_PX, WIDTH_PX = 224, 288

STAGES: tuple[tuple[int, ...], ...] = ((16, 16), (32, 32), (64, 64, 64), (128, 128, 128), (128, 128, 128))
"""Channels of the 3 x 3 convolutions; a 2 x 2 max-pool stands between stages."""

EMBEDDING_DIM = 64
INPUT_GAIN = 255
"""Its pictures have mean 0 and this deviation."""

CLASSES: tuple[tuple[str, str], ...] = (
    ("3VV", Plane.THREE_VESSEL),
    ("4CH", Plane.FOUR_CHAMBER),
    ("ABDOMINAL", Plane.ABDOMEN),
    ("Background", BACKGROUND),
    ("BRAIN-CB", Plane.TRANSCEREBELLAR),
    ("BRAIN-TV", Plane.TRANSVENTRICULAR),
    ("FEMUR", Plane.FEMUR),
    ("KIDNEYS", Plane.KIDNEYS),
    ("LIPS", Plane.LIPS_NOSE),
    ("LVOT", Plane.LVOT),
    ("PROFILE", Plane.PROFILE),
    ("RVOT", Plane.RVOT),
    ("SPINE-CORONAL", Plane.SPINE_CORONAL),
    ("SPINE-SAGITTAL", Plane.SPINE_SAGITTAL),
)
"""The file's classes in its order, and what this package calls them."""


class SonoNet16(nn.Module):
    """Plain convolutions, batch norm folded in: (b 1 h w) normalised grey -> (b 64 h/16 w/16), ReLU applied.

    Attributes:
        stages: five stacks of 3 x 3 convolutions with ReLU.
        squeeze: the 1 x 1 convolution to 64 channels.
        classify: the 1 x 1 convolution to 14 classes. It is linear, so it commutes with the mean over the map.
    """

    def __init__(self) -> None:
        super().__init__()
        stages: list[nn.ModuleList] = []
        channels = 1
        for widths in STAGES:
            convolutions = nn.ModuleList()
            for width in widths:
                convolutions.append(nn.Conv2d(channels, width, 3, padding=1))
                channels = width
            stages.append(convolutions)
        self.stages = nn.ModuleList(stages)
        self.squeeze = nn.Conv2d(channels, EMBEDDING_DIM, 1)
        self.classify = nn.Conv2d(EMBEDDING_DIM, len(CLASSES), 1)

    def taps(self, x: Tensor) -> list[Tensor]:
        """(b 1 h w) -> what each of the five stages gives (before its pooling), then the (b 64 h/16 w/16) map."""
        given: list[Tensor] = []
        for number, stage in enumerate(self.stages):
            x = functional.max_pool2d(x, 2) if number else x
            assert isinstance(stage, nn.ModuleList)
            for convolution in stage:
                x = functional.relu_(convolution(x))
            given.append(x)
        given.append(functional.relu_(self.squeeze(x)))
        return given

    def forward(self, x: Tensor) -> Tensor:
        return self.taps(x)[-1]

    def convolutions(self) -> list[nn.Conv2d]:
        """All convolutions in the order of the file."""
        return [module for module in self.modules() if isinstance(module, nn.Conv2d)]


def read_network(weights_path: Path) -> SonoNet16:
    """The network with the file's weights, float32, on the CPU; raises `ModelError` when the file does not fit."""
    arrays = _read_arrays(weights_path)
    network = SonoNet16()
    for number, convolution in enumerate(network.convolutions()):
        kernel, beta, gamma, mean, inverse_std = arrays[5 * number : 5 * number + 5]
        wanted = tuple(convolution.weight.shape)
        if kernel.shape != wanted or any(a.shape != wanted[:1] for a in (beta, gamma, mean, inverse_std)):
            raise ModelError(f"{weights_path}: arr_{5 * number} is {kernel.shape}, SonoNet16 has {wanted} there")
        scale = gamma * inverse_std
        with torch.no_grad():
            convolution.weight.copy_(torch.from_numpy(kernel * scale[:, None, None, None]))
            cast("Tensor", convolution.bias).copy_(torch.from_numpy(beta - mean * scale))
    return network.eval()


def is_sononet(path: Path) -> bool:
    """Whether a file is an archive of unnamed arrays, as SonoNet's weights are."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return "arr_0.npy" in archive.namelist()


def _read_arrays(path: Path) -> list[NDArray[np.float32]]:
    count = 5 * (sum(len(widths) for widths in STAGES) + 2)
    try:
        with np.load(path, allow_pickle=False) as file:
            return [np.asarray(file[f"arr_{i}"], dtype=np.float32) for i in range(count)]
    except FileNotFoundError:
        raise ModelError(f"no weight file at {path}") from None
    except KeyError as error:
        raise ModelError(
            f"{path} is no SonoNet16 file: it lacks {error.args[0]!r} of arr_0 to arr_{count - 1}"
        ) from None
    except (OSError, ValueError, EOFError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise ModelError(f"{path} is no SonoNet16 file (an .npz of plain arrays): {error}") from None


class SonoNetEncoder:
    """The encoder seam over `SonoNet16`; the embedding is the (b 64) mean of its last map."""

    def __init__(
        self, network: SonoNet16, identity: ModelIdentity, *, device: torch.device | str, dtype: torch.dtype
    ) -> None:
        placed = network.to(device=device, dtype=dtype)
        self._network = placed.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] - torch's gap
        self._identity = identity
        self._device = torch.device(device)
        self._dtype = dtype

    @property
    def identity(self) -> ModelIdentity:
        return self._identity

    @property
    def sees_colour(self) -> bool:
        return False

    def prepare(self, pixels: NDArray[np.uint8]) -> Tensor:
        """(h w) or (h w 3) uint8 -> (1 224 288) uint8, stretched: this network never saw padded squares."""
        grey = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
        method = cv2.INTER_AREA if grey.shape[1] > WIDTH_PX else cv2.INTER_LINEAR
        return torch.from_numpy(cv2.resize(grey, (WIDTH_PX, HEIGHT_PX), interpolation=method))[None]

    @torch.inference_mode()
    def encode(self, prepared: list[Tensor]) -> Features:
        batch = torch.stack(prepared).to(self._device, torch.float32)
        feature_map = self._network(normalise(batch).to(self._dtype, memory_format=torch.channels_last)).float()
        return Features(embedding=reduce(feature_map, "b c h w -> b c", "mean"), feature_map=feature_map)


def normalise(pictures: Tensor) -> Tensor:
    """(b 1 h w) float32 in any range -> 255 * (x - mean) / std, each picture by its own figures."""
    mean = pictures.mean(dim=(1, 2, 3), keepdim=True)
    std = pictures.std(dim=(1, 2, 3), keepdim=True, correction=0)
    return INPUT_GAIN * (pictures - mean) / std.clamp_min(1e-3)


def load_sononet(weights: Path, *, device: str = "auto", dtype: DtypeName = "float32") -> Model:
    """SonoNet16 from the user's ``SonoNet16.npz`` with its own classes as the plane head.

    ``dtype`` "auto" is float32: at these widths bfloat16 is no faster on a CPU.
    """
    network = read_network(weights)
    identity = ModelIdentity(name="sononet", sha256=sha256_of(weights))
    weight, bias = network.classify.weight.detach()[:, :, 0, 0], cast("Tensor", network.classify.bias).detach()
    head = ProbeHead(weight, bias, labels=tuple(str(name) for _, name in CLASSES), encoder=identity)
    number = pick_dtype("float32" if dtype == "auto" else dtype, where := pick_device(device))
    return Model(encoder=SonoNetEncoder(network, identity, device=where, dtype=number), planes=head)
