"""Invented tables of heart clips: what is affected beats differently, by as much as a test wants."""

import numpy as np

from fetalstream.models.heads.clip_timing import ClipTiming
from fetalstream.models.outputs import ModelIdentity
from fetalstream.models.train.clip_table import ClipTable

TIMING = ClipTiming(frames=8, seconds=0.8, stride_seconds=0.2)
ENCODER = ModelIdentity(name="grey", sha256="a" * 64)
DIM = 6


def hearts(patients: int = 60, *, clips: int = 3, strength: float = 3.0, seed: int = 0, first: int = 0) -> ClipTable:
    """Every second patient normal; in the others one number of the embedding beats ``strength`` times as strongly."""
    rng = np.random.default_rng([seed, 91])
    names = [f"p{number:03d}" for number in range(first, first + patients) for _ in range(clips)]
    labels = [("normal", "small_left_ventricle", "normal", "septal_defect")[int(name[1:]) % 4] for name in names]
    beats = rng.normal(size=(len(names), TIMING.frames, DIM))
    beats[[label != "normal" for label in labels], :, 2] *= strength
    still = np.repeat(rng.normal(size=(patients, 1, DIM)), clips, axis=0)
    return ClipTable(
        clips=(still + 0.3 * beats).astype(np.float32),
        cines=tuple(f"{name}.mkv" for name in names),
        patients=tuple(names),
        labels=tuple(labels),
        normal="normal",
        digests=np.repeat(rng.integers(0, 256, (patients, 8), dtype=np.uint8), clips, axis=0),
    )
