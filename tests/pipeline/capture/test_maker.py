"""What a sidecar says of the source."""

import numpy as np
import pytest

from fetalstream.models.outputs import ModelIdentity
from fetalstream.pipeline.capture.choice import Contender
from fetalstream.pipeline.capture.maker import CaptureMaker
from fetalstream.sinks.stills import Still
from fetalstream.sources import SourceInfo


@pytest.mark.parametrize(
    ("codec", "told", "lossy"),
    [
        ("h264", None, True),
        ("MJPG", None, True),  # a grabber's word for it
        ("YUYV", None, False),
        ("ffv1", None, False),
        ("", None, False),  # a phantom, or nobody knows
        ("JPEG Baseline (Process 1)", True, True),  # a DICOM cine tells of itself
        ("Explicit VR Little Endian", True, True),  # unpacked by now
        ("Explicit VR Little Endian", False, False),
    ],
)
def test_a_sidecar_says_whether_its_source_was_compressed_with_loss(codec: str, told: bool | None, lossy: bool):
    maker = CaptureMaker(
        stream="scan",
        info=SourceInfo(uri="list:", name="list", codec=codec, lossy=told),
        model=ModelIdentity(name="grey", sha256="ab" * 32),
        config_sha256="cd" * 32,
        stamped=False,
    )
    still = Still(
        frame_index=3,
        pts_seconds=0.12,
        width_px=8,
        height_px=6,
        left_px=0,
        top_px=0,
        pixels=np.zeros((6, 8), np.uint8),
    )
    chosen = Contender(frame_index=3, pts_seconds=0.12, epoch=0, captured_ns=None, confidence=0.9)
    capture = maker.make(chosen, capture_id="0001", plane="femur", cause="auto", still=still, clip=(), replaces="")
    assert capture.sidecar.lossy is lossy
