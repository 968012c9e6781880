"""From a picture of any size to what an image tower sees, equal to FetalCLIP's evaluation code.

The evaluation code pads the picture to a black square *first* and then applies open_clip's transform (antialiased
bicubic resize, centre crop that cuts nothing, mean and deviation). Leaving out the pad cuts the sides off a wide
picture: the scores still look reasonable, and are wrong.

Resizing is torch's antialiased bicubic on bytes: the same filter as Pillow's, on every real image tried at most 1/255
away from it, several times faster, and on the one plane of a grey picture alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from einops import rearrange, repeat
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate

from .encoder import ModelError

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSpec:
    """What an image tower wants to see.

    Attributes:
        size_px: side of the square.
        mean, std: of R, G and B in [0, 1].
    """

    size_px: int
    mean: tuple[float, float, float] = CLIP_MEAN
    std: tuple[float, float, float] = CLIP_STD

    def __post_init__(self) -> None:
        if self.size_px < 1:
            raise ValueError(f"size_px is at least 1, not {self.size_px}")
        if min(self.std) <= 0:
            raise ValueError(f"std is above 0 in every channel, not {self.std}")


def read_image(image: Image.Image) -> NDArray[np.uint8]:
    """A Pillow image -> (h w) uint8 when its mode is grey, else (h w 3) uint8 RGB; transparency is dropped."""
    return np.asarray(image if image.mode == "L" else image.convert("RGB"), dtype=np.uint8)


def open_image(path: Path) -> NDArray[np.uint8]:
    """A picture file as `read_image` gives it; raises `ModelError` where it is none, or is damaged."""
    try:
        with Image.open(path) as image:
            return read_image(image)
    # Pillow's readers raise whatever their parsers stumble over; sources/images.py catches the same.
    except (
        OSError, ValueError, SyntaxError, ArithmeticError, LookupError, TypeError, Image.DecompressionBombError,
    ) as error:  # fmt: skip
        raise ModelError(f"{path} cannot be read as a picture: {' '.join(str(error).split())}") from error


def prepare(pixels: NDArray[np.uint8], size_px: int) -> Tensor:
    """(h w) grey or (h w 3) RGB uint8 -> (c size_px size_px) uint8 with c = 1 or 3: black square pad, then resize."""
    square = torch.from_numpy(_pad_to_square(pixels))
    planes = rearrange(square, "h w -> 1 1 h w" if square.ndim == 2 else "h w c -> 1 c h w")
    return interpolate(planes, size=(size_px, size_px), mode="bicubic", antialias=True)[0]


def stack(prepared: Sequence[Tensor]) -> Tensor:
    """b pictures (c s s) uint8, grey and colour mixed -> (b c s s) uint8; c is 1 when all are grey, else 3."""
    if len({len(picture) for picture in prepared}) > 1:
        prepared = [repeat(picture, "1 h w -> 3 h w") if len(picture) == 1 else picture for picture in prepared]
    return torch.stack(list(prepared))


def normalise(
    batch: Tensor, spec: InputSpec, *, dtype: torch.dtype = torch.float32, device: torch.device | str = "cpu"
) -> Tensor:
    """(b c s s) uint8 with c = 1 or 3 -> (b 3 s s) of ``dtype`` on ``device``.

    Bytes travel to the device, and grey becomes three channels only there. The arithmetic is that of torchvision's
    ToTensor and Normalize, step by step in float32, so equal bytes give equal numbers.
    """
    mean, std = (
        rearrange(torch.tensor(triple, dtype=torch.float32, device=device), "c -> c 1 1")
        for triple in (spec.mean, spec.std)
    )
    unit = batch.to(device).to(torch.float32).div_(255)
    return unit.sub(mean).div_(std).to(dtype)


def _pad_to_square(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(h w ...) -> (s s ...) with s = max(h, w), black around; an odd pixel goes to the right or the bottom.

    Always a copy: torch wants memory that it may write to, and decoders hand out memory that it may not.
    """
    height_px, width_px = pixels.shape[:2]
    size_px = max(height_px, width_px)
    top, left = (size_px - height_px) // 2, (size_px - width_px) // 2
    square = np.zeros((size_px, size_px, *pixels.shape[2:]), dtype=np.uint8)
    square[top : top + height_px, left : left + width_px] = pixels
    return square
