"""A SonoNet16 file in the published layout with random numbers: it proves plumbing, never quality."""

from pathlib import Path

import numpy as np

from fetalstream.models.sononet import SonoNet16


def write_sononet(path: Path, *, leave_out: str = "", misshape: str = "") -> Path:
    """Writes arr_0 to arr_74; without ``leave_out``, and with ``misshape`` one row short."""
    rng = np.random.default_rng(0)
    arrays: dict[str, np.ndarray] = {}
    for convolution in SonoNet16().convolutions():
        width, fan_in = convolution.out_channels, convolution.weight[0].numel()
        kernel = rng.normal(0, (2 / fan_in) ** 0.5, tuple(convolution.weight.shape))
        norm = [rng.normal(0, 0.1, width), rng.uniform(0.8, 1.2, width), rng.normal(0, 0.1, width)]
        for array in (kernel, *norm, rng.uniform(0.8, 1.2, width) / (255 if not arrays else 1)):
            arrays[f"arr_{len(arrays)}"] = array.astype(np.float32)
    if misshape:
        arrays[misshape] = arrays[misshape][:-1]
    arrays.pop(leave_out, None)
    np.savez(path, **arrays)  # pyright: ignore[reportArgumentType] - its stub takes any keyword for allow_pickle
    return path
