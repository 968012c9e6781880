"""The loop a user would write: the baseline of `fetalstream bench pipeline`.

One frame at a time: OpenCV decodes, Pillow pads and resizes, the model runs eagerly in float32 at batch 1, the softmax
is printed. Nothing here is slow on purpose; it is what the quick starts of the libraries add up to.

    python benchmarks/naive_loop.py CLIP --model compact
    python benchmarks/naive_loop.py CLIP --model fetalclip --weights FetalCLIP_weights.pt

Prints one JSON object last: {"frames": N, "seconds": S} of the loop itself, without imports and loading.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import torch
from PIL import Image

PROMPTS = ("ultrasound of the fetal brain", "ultrasound of the fetal abdomen", "ultrasound of the fetal femur")


def pad_to_square(image: Image.Image) -> Image.Image:
    side = max(image.size)
    square = Image.new("RGB", (side, side))
    square.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return square


def open_clip_classifier(name: str, weights: Path) -> Callable[[Image.Image], np.ndarray]:
    """FetalCLIP or its student as open_clip's own documentation uses a model."""
    import open_clip

    from fetalstream.models.fetalclip import FETALCLIP
    from fetalstream.models.mobile import MOBILE

    architecture = {"fetalclip": FETALCLIP, "mobile": MOBILE}[name]
    open_clip.add_model_config(architecture.config)
    model = cast("Any", open_clip.create_model(architecture.name))
    transform = cast("Any", open_clip.image_transform(architecture.spec.size_px, is_train=False))
    state = torch.load(weights, weights_only=True, map_location="cpu")
    model.load_state_dict(state.get("state_dict", state))
    model.eval()
    tokenizer = open_clip.get_tokenizer(architecture.name)
    with torch.no_grad():
        text = model.encode_text(tokenizer(list(PROMPTS)))
        text /= text.norm(dim=-1, keepdim=True)

    def classify(image: Image.Image) -> np.ndarray:
        features = model.encode_image(transform(image)[None])
        features /= features.norm(dim=-1, keepdim=True)
        return (100 * features @ text.T).softmax(dim=-1).numpy()

    return classify


def compact_classifier() -> Callable[[Image.Image], np.ndarray]:
    """The embedded model's network and classes, eagerly in float32, one picture at a time."""
    from fetalstream.models.compact import EMBEDDED, read_compact
    from fetalstream.models.compact_net import INPUT_PX, standardise

    content = read_compact(EMBEDDED)
    content.module.eval().requires_grad_(requires_grad=False)

    def classify(image: Image.Image) -> np.ndarray:
        resized = image.resize((INPUT_PX, INPUT_PX), Image.Resampling.BICUBIC).convert("L")
        picture = torch.from_numpy(np.asarray(resized, dtype=np.float32))[None, None]
        embedding, _ = content.module.network(standardise(picture))
        return (content.module.head(embedding) / content.temperature).softmax(dim=-1).numpy()

    return classify


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--model", default="compact", choices=["compact", "fetalclip", "mobile"])
    parser.add_argument("--weights", type=Path)
    arguments = parser.parse_args()
    if arguments.model == "compact":
        classify = compact_classifier()
    else:
        classify = open_clip_classifier(arguments.model, arguments.weights)
    classify(Image.new("RGB", (64, 64)))  # warm, as ours is
    capture = cv2.VideoCapture(str(arguments.clip))
    frames = 0
    started = time.perf_counter()
    with torch.no_grad():
        while True:
            ok, picture = capture.read()
            if not ok:
                break
            image = Image.fromarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
            scores = classify(pad_to_square(image))
            print(frames, scores.round(3).tolist())
            frames += 1
    print(json.dumps({"frames": frames, "seconds": time.perf_counter() - started}))


if __name__ == "__main__":
    main()
