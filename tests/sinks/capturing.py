"""Captures for tests."""

from dataclasses import replace

import msgspec
import numpy as np

from fetalstream.sinks import ModelRef
from fetalstream.sinks.captures import Capture, capture_name
from fetalstream.sinks.sidecar import ClipSpan, Sidecar
from fetalstream.sinks.stills import Still

WIDTH_PX, HEIGHT_PX = 101, 81  # odd, as screens cut by hand are


def still(index: int = 0, *, colour: bool = False, seed: int = 0, fps: float = 25.0) -> Still:
    """A box of soft speckle, 10 px from the left and 5 from the top of its picture."""
    speckle = np.random.default_rng([seed, index]).integers(40, 200, (60, 80), dtype=np.uint8)
    pixels = np.stack([speckle, speckle // 2, speckle // 3], axis=2) if colour else speckle
    return Still(
        frame_index=index,
        pts_seconds=index / fps,
        width_px=WIDTH_PX,
        height_px=HEIGHT_PX,
        left_px=10,
        top_px=5,
        pixels=pixels,
    )


def capture(number: int = 1, *, plane: str = "femur", frames: int = 0, replaces: str = "", seed: int = 0) -> Capture:
    """With a clip of so many frames, 25 a second; the still is in its middle."""
    clip = tuple(still(index, seed=seed) for index in range(frames))
    chosen = clip[frames // 2] if clip else still(seed=seed)
    sidecar = Sidecar(
        capture_id=capture_name(number, plane, chosen.pts_seconds),
        plane=plane,
        score=0.9,
        quality=0.8,
        pts_seconds=chosen.pts_seconds,
        frame_index=chosen.frame_index,
        stream="test",
        source="list:",
        model=ModelRef(name="grey", sha256="0" * 64, version="1"),
        config_sha256="1" * 64,
        software="fetalstream test",
        masked=True,
        wall_time="",
        clip=ClipSpan(start_seconds=0.0, end_seconds=frames / 25, fps=25.0, frames=frames, still_number=frames // 2 + 1)
        if frames
        else None,
        replaces=replaces,
    )
    return Capture(sidecar=sidecar, still=chosen, clip=clip)


def renamed(one: Capture, capture_id: str) -> Capture:
    """The same under another name."""
    return replace(one, sidecar=msgspec.structs.replace(one.sidecar, capture_id=capture_id))
