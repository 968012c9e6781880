"""What code that knows only open_clip and Pillow makes of a checkpoint: the published evaluation in few words."""

from pathlib import Path
from typing import Any, NamedTuple, cast

import open_clip
import torch
from PIL import Image
from torch import Tensor

from fetalstream.models.encoder import Features, Model
from fetalstream.models.preprocess import read_image

PROMPTS = {
    "brain": ["midline and thalami inside a skull", "a head in cross section"],
    "femur": ["one long bright bone", "the shaft of a thigh bone with its shadow", "a leg"],
    "cervix": ["the neck of the womb"],
}


class Plain(NamedTuple):
    """What code that knows only open_clip and Pillow gives."""

    embeddings: Tensor
    probabilities: Tensor


def sample(data_dir: Path) -> list[Path]:
    """A wide grey picture, the tallest and the widest of another set, and one in colour with a device screen."""
    planes = sorted((data_dir / "planes" / "Images").glob("*.png"))
    return [
        data_dir / "hc18" / "images" / "001_HC.png",
        min(planes, key=lambda path: Image.open(path).width / Image.open(path).height),
        max(planes, key=lambda path: Image.open(path).width / Image.open(path).height),
        data_dir / "sononet_examples" / "4CH.png",
    ]


def evaluate_plainly(name: str, weights: Path, paths: list[Path], **preprocessing: Any) -> Plain:
    """The published evaluation, in as few words as open_clip allows."""
    model, _, preprocess = open_clip.create_model_and_transforms(name, pretrained=str(weights), **preprocessing)
    clip = cast("open_clip.CLIP", model.eval())
    tokenise = open_clip.get_tokenizer(name)

    def square(path: Path) -> Image.Image:
        image = Image.open(path)
        image = image if image.mode == "L" else image.convert("RGB")
        side = max(image.size)
        canvas = Image.new(image.mode, (side, side))
        canvas.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
        return canvas

    with torch.no_grad():
        embeddings = clip.encode_image(torch.stack([cast("Any", preprocess)(square(path)) for path in paths]))
        images = embeddings / embeddings.norm(dim=-1, keepdim=True)
        classes: list[Tensor] = []
        for sentences in PROMPTS.values():
            texts = clip.encode_text(tokenise(sentences))
            mean = (texts / texts.norm(dim=-1, keepdim=True)).mean(dim=0)
            classes.append(mean / mean.norm())
        return Plain(embeddings, (100 * images @ torch.stack(classes).T).softmax(dim=-1))


def encode(model: Model, paths: list[Path]) -> Features:
    return model.encoder.encode([model.encoder.prepare(read_image(Image.open(path))) for path in paths])
