"""Captures of the cine on the disk, and stories that tell of them."""

from functools import cache
from pathlib import Path
from typing import Any

import av
import msgspec
import numpy as np

from fetalstream.sinks import CaptureDiscarded, CaptureKept, CaptureSaved, QualityItem
from fetalstream.sinks.captures import Capture, CaptureFolder, capture_name
from fetalstream.sinks.sidecar import ClipSpan, Sidecar
from fetalstream.sinks.stills import Still

from .records import FPS, MODEL, Story

BOX = (40, 60, 440, 340)
"""Left, top, right, bottom of what is not black, as if a fan were there."""
CLIP_FRAMES = 50


@cache
def _frames(cine: Path) -> list[np.ndarray]:
    """All frames: (h w) uint8 each."""
    with av.open(str(cine)) as container:
        return [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]


def still(cine: Path, index: int) -> Still:
    """Frame ``index``, black outside `BOX`."""
    left, top, right, bottom = BOX
    pixels = _frames(cine)[index][top:bottom, left:right] // 2 + 20
    return Still(
        frame_index=index,
        pts_seconds=index / FPS,
        width_px=480,
        height_px=360,
        left_px=left,
        top_px=top,
        pixels=pixels,
        spacing_mm=0.2,
    )


def save(
    root: Path, cine: Path, number: int, plane: str, index: int, *, stream: str = "scan", clip: bool = True, **more: Any
) -> Sidecar:
    """Write one capture as a run does."""
    frames = tuple(still(cine, one) for one in range(index - 30, index + 20)) if clip else ()
    sidecar = Sidecar(
        capture_id=capture_name(number, plane, index / FPS),
        plane=plane,
        score=0.95,
        quality=0.8,
        pts_seconds=index / FPS,
        frame_index=index,
        stream=stream,
        source="file:scan.mp4",
        model=MODEL,
        config_sha256="ef" * 32,
        software="fetalstream 0.1.0",
        wall_time="",
        spacing_mm=0.2,
        quality_items=(
            QualityItem(name="sharpness", ok=True, score=0.9),
            QualityItem(name="zoom", ok=False, score=0.3, reason="too small: zoom in"),
        ),
        clip=ClipSpan(
            start_seconds=(index - 30) / FPS,
            end_seconds=(index + 20) / FPS,
            fps=float(FPS),
            frames=CLIP_FRAMES,
            still_number=31,
        )
        if clip
        else None,
        **{"masked": True, "cause": "auto", **more},
    )
    folder = CaptureFolder(root, stream)
    assert folder.save(Capture(sidecar=sidecar, still=still(cine, index), clip=frames)) == ""
    folder.close()
    return sidecar


def tell(story: Story, sidecar: Sidecar, *, replaces: str = "") -> None:
    """The event of a capture."""
    stem = f"{sidecar.stream}/{sidecar.capture_id}"
    story.tell(
        CaptureSaved,
        capture_id=sidecar.capture_id,
        plane=sidecar.plane,
        frame_index=sidecar.frame_index,
        pts_seconds=sidecar.pts_seconds,
        score=sidecar.score,
        quality=sidecar.quality,
        cause=sidecar.cause,
        still=f"{stem}.png",
        clip=f"{stem}.mp4" if sidecar.clip else "",
        replaces=replaces,
    )


def captured_story(root: Path, cine: Path) -> Story:
    """One of each cause; a better one, a discarded one, and one without a clip."""
    story = Story()
    story.start()
    story.visit("femur", 1.0, 3.0, best=2.0)
    femur = save(root, cine, 1, "femur", 50)
    tell(story, femur)
    story.visit("four_chamber", 5.0, 8.0, best=6.0, score=0.97)
    worse = msgspec.structs.replace(femur, capture_id="0002-four_chamber-5.00s", plane="four_chamber", frame_index=125)
    tell(story, worse)
    tell(story, save(root, cine, 3, "four_chamber", 150, cause="freeze"), replaces=worse.capture_id)
    tell(story, save(root, cine, 4, "abdomen", 225, clip=False, cause="operator"))
    discarded = msgspec.structs.replace(femur, capture_id="0005-cervix-9.60s", plane="cervix", frame_index=240)
    tell(story, discarded)
    story.tell(CaptureDiscarded, capture_id=discarded.capture_id, plane="cervix")
    story.tell(CaptureKept, capture_id=femur.capture_id, plane="femur")
    story.end()
    return story
