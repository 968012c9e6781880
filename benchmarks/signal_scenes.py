"""Scenes for the signal gates: living cines, real and phantom, with frozen stretches, slates, Doppler, menus in them.

What is drawn here is known per frame, so precision and recall can be counted.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np

from fetalstream.pipeline.signal.fan import Fan
from fetalstream.pipeline.signal.fan_finder import find_fan
from fetalstream.pipeline.signal.gates import GateState
from fetalstream.sources import Frame, Pixels
from fetalstream.sources.phantom import PhantomSource
from fetalstream.sources.phantom.events import ScanEvent


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A cine with the truth of each frame."""

    name: str
    fps: float
    frames: list[Pixels]
    truth: list[GateState]
    fan: Fan | None


def phantom_scene(seed: int, *, screen: bool, coding: str) -> Scene:
    """Twelve seconds with two freezes, a lift-off, and the gain turned down and up."""
    events = (
        ScanEvent("freeze", 2.0, 4.5),
        ScanEvent("gain", 5.0, 6.0, -12.0),
        ScanEvent("lift", 6.5, 7.5),
        ScanEvent("gain", 7.5, 8.0, 9.0),
        ScanEvent("freeze", 9.0, 10.5),
    )
    source = PhantomSource(seed=seed, seconds=12, fps=25, realtime=False, screen=screen, events=events)
    source.open()
    frames = [as_rgb(item.picture.pixels) for item in source.items() if isinstance(item, Frame)]
    truth = [GateState.FROZEN if source.truth(k).frozen else GateState.OPEN for k in range(len(frames))]
    name = f"phantom {seed} {'screen' if screen else 'bare'} {coding}"
    return Scene(name=name, fps=25, frames=coded(frames, coding), truth=truth, fan=find_fan(frames[:40:8]))


def real_scenes(video: Path) -> Iterator[Scene]:
    """The real cines, cut and mended: one part for each thing that can be wrong with a signal."""
    clarius = read(video / "clarius-ocular-short.mp4")
    butterfly = read(video / "butterfly-ocular-phantom.mp4")
    sonosite = read(video / "sonosite-anon-eye1-video.mp4")
    yield Scene(  # the operator froze and measured before this was stored
        name="sonosite, a still",
        fps=25,
        frames=sonosite,
        truth=[GateState.FROZEN] * len(sonosite),
        fan=find_fan(sonosite[:1]),
    )
    for name, cine, fps in (("clarius", clarius, 25.0), ("butterfly", butterfly[:160], 12.7)):
        fan = find_fan(cine[: len(cine) : len(cine) // 5])
        for coding in ("raw", "h264 crf 28", "mjpeg", "noise 1.5"):
            yield _frozen(f"{name}, frozen, {coding}", cine, fps, fan, coding)
        yield _frozen(f"{name}, frozen under a moving pointer", cine, fps, fan, "h264 crf 28", pointer=True)
        yield _slates(f"{name}, slates", cine, fps, fan)
        yield _others(f"{name}, Doppler, menu, split", cine, fps, fan)
    fan = find_fan(butterfly[:50:10])
    twice = [frame for frame in butterfly[:120] for _ in range(2)]
    for coding in ("raw", "h264 crf 28"):
        yield _frozen(f"butterfly, 12.7 in 25 fps, {coding}", twice, 25.4, fan, coding)


def _frozen(
    name: str, cine: Sequence[Pixels], fps: float, fan: Fan | None, coding: str, pointer: bool = False
) -> Scene:
    half, still = len(cine) // 2, round(2.5 * fps)
    stills = [cine[half - 1].copy() for _ in range(still)]
    if pointer:
        for k, picture in enumerate(stills):
            draw_pointer(picture, 0.25 + 0.5 * k / still)
    frames = [*cine[:half], *stills, *cine[half:]]
    truth = [GateState.OPEN] * half + [GateState.FROZEN] * still + [GateState.OPEN] * (len(cine) - half)
    return Scene(name=name, fps=fps, frames=coded(frames, coding), truth=truth, fan=fan)


def _slates(name: str, cine: Sequence[Pixels], fps: float, fan: Fan | None) -> Scene:
    height, width = cine[0].shape[:2]
    parts = [(slate(kind, width, height), state) for kind, state in SLATES.items()]
    return _patched(name, cine, fps, fan, [([picture] * round(1.2 * fps), state) for picture, state in parts])


def _others(name: str, cine: Sequence[Pixels], fps: float, fan: Fan | None) -> Scene:
    height, width = cine[0].shape[:2]
    living = [cine[k % len(cine)] for k in range(round(1.2 * fps))]
    parts = [
        [with_flow(picture, fan, seed=k) for k, picture in enumerate(living)],
        [slate("menu", width, height)] * len(living),
        [side_by_side(picture, fan) for picture in living],
    ]
    return _patched(name, cine, fps, fan, [(part, GateState.NOT_B_MODE) for part in parts])


def _patched(
    name: str, cine: Sequence[Pixels], fps: float, fan: Fan | None, parts: Sequence[tuple[list[Pixels], GateState]]
) -> Scene:
    frames: list[Pixels] = []
    truth: list[GateState] = []
    living = max(1, min(len(cine), round(1.2 * fps)))
    for part, state in parts:
        frames += [*cine[:living], *part]
        truth += [GateState.OPEN] * living + [state] * len(part)
    frames += cine[:living]
    truth += [GateState.OPEN] * living
    return Scene(name=name, fps=fps, frames=coded(frames, "h264 crf 28"), truth=truth, fan=fan)


SLATES = {
    "black": GateState.BLACK,
    "blue": GateState.NO_SIGNAL,
    "grey": GateState.NO_SIGNAL,
    "bars": GateState.NO_SIGNAL,
    "text on black": GateState.NO_SIGNAL,
    "text on blue": GateState.NO_SIGNAL,
}


def slate(kind: str, width: int, height: int) -> Pixels:
    """What a capture card or a recorder shows when nothing comes in."""
    picture = np.zeros((height, width, 3), np.uint8)
    if kind.endswith("blue"):
        picture[:] = (0, 0, 200)
    elif kind == "grey":
        picture[:] = 128
    elif kind == "bars":
        colours = ((192,) * 3, (192, 192, 0), (0, 192, 192), (0, 192, 0), (192, 0, 192), (192, 0, 0), (0, 0, 192))
        for k, colour in enumerate(colours):
            picture[:, k * width // 7 : (k + 1) * width // 7] = colour
        picture[height * 3 // 4 :] = 16
    elif kind == "menu":
        picture[:] = (58, 64, 72)
        for k in range(12):
            top = (k + 1) * height // 14
            cv2.rectangle(picture, (width // 10, top), (width * 9 // 10, top + height // 20), (92, 98, 108), -1)
            put(picture, f"Exam {k:02d}   OB 2nd trimester   stored", (width // 8, top + height // 28), 0.5)
    if kind.startswith("text"):
        put(picture, "NO SIGNAL", (width // 3, height // 2), 1.4)
    return picture


def put(picture: Pixels, words: str, at: tuple[int, int], size: float) -> None:
    scale = size * picture.shape[0] / 720
    cv2.putText(picture, words, at, cv2.FONT_HERSHEY_SIMPLEX, scale, (230, 230, 230), 2, cv2.LINE_AA)


def with_flow(picture: Pixels, fan: Fan | None, *, seed: int) -> Pixels:
    """Red and blue flow in a part of the fan, as colour Doppler paints it."""
    rng = np.random.default_rng(seed)
    left, top, right, bottom = fan.box_px if fan else (0, 0, picture.shape[1], picture.shape[0])
    out = picture.copy()
    centre = np.array([(left + right) / 2, (top + bottom) / 2])
    for k in range(8):
        x, y = (centre + rng.normal(0, 0.06, 2) * (right - left, bottom - top)).astype(int)
        shade = int(rng.integers(120, 255))
        colour = (shade, shade // 4, 0) if k % 2 else (0, shade // 4, shade)
        axes = ((right - left) // 20, (bottom - top) // 45)
        cv2.ellipse(out, (int(x), int(y)), axes, float(rng.uniform(0, 180)), 0, 360, colour, -1, cv2.LINE_AA)
    return out


def side_by_side(picture: Pixels, fan: Fan | None) -> Pixels:
    """Two pictures at half size with a gutter in between."""
    height, width = picture.shape[:2]
    left, top, right, bottom = fan.box_px if fan else (0, 0, width, height)
    piece = picture[top:bottom, left:right]
    half = cv2.resize(piece, (round(width * 0.47), round(height * 0.9)), interpolation=cv2.INTER_AREA)
    out = np.zeros_like(picture)
    rows = slice(height // 20, height // 20 + half.shape[0])
    out[rows, : half.shape[1]] = half
    out[rows, width - half.shape[1] :] = half
    return out


def draw_pointer(picture: Pixels, share: float) -> None:
    height, width = picture.shape[:2]
    x, y = round(share * width), round((0.3 + 0.4 * share) * height)
    arrow = np.array([[x, y], [x + 5, y + 18], [x + 12, y + 12]], np.int32)
    cv2.fillPoly(picture, [arrow], (255, 255, 255))


def as_rgb(picture: Pixels) -> Pixels:
    return picture if picture.ndim == 3 else np.repeat(picture[:, :, None], 3, axis=2)


def read(path: Path) -> list[Pixels]:
    with av.open(str(path)) as container:
        return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in container.decode(video=0)]


def coded(frames: list[Pixels], coding: str) -> list[Pixels]:
    """What is left of the frames after a codec or a noisy cable: "raw", "noise SIGMA", "h264 crf CRF" or "mjpeg"."""
    kind, _, rest = coding.partition(" ")
    if kind == "raw":
        return frames
    if kind == "noise":
        rng = np.random.default_rng(0)
        shape = frames[0].shape
        return [np.clip(f + rng.normal(0, float(rest), shape), 0, 255).astype(np.uint8) for f in frames]
    height, width = (side - side % 2 for side in frames[0].shape[:2])
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="matroska") as container:
        stream = container.add_stream("libx264" if kind == "h264" else "mjpeg", rate=25)
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuv420p" if kind == "h264" else "yuvj420p"
        stream.options = (
            {"crf": rest.split()[-1], "preset": "veryfast", "g": "50"} if kind == "h264" else {"qscale": "4"}
        )
        for frame in frames:
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame[:height, :width]), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    buffer.seek(0)
    pad = [(0, frames[0].shape[0] - height), (0, frames[0].shape[1] - width), (0, 0)]
    with av.open(buffer, "r") as container:
        decoded = [np.asarray(f.to_ndarray(format="rgb24"), np.uint8) for f in container.decode(video=0)]
    return [np.pad(picture, pad, mode="edge") for picture in decoded]
