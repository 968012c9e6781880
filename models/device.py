"""Where a model runs, and in which numbers."""

from functools import cache
from pathlib import Path
from typing import Literal

import torch

from .encoder import ModelError

DtypeName = Literal["auto", "float32", "bfloat16", "float16"]

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_CPUINFO = Path("/proc/cpuinfo")


def pick_device(name: str) -> torch.device:
    """ "auto" is the first CUDA device, else the CPU; other names are torch's, such as "cpu", "cuda:1", "mps"."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ModelError(f"device is auto, cpu, cuda, cuda:N or mps, not {name!r}") from error
    present = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}
    if (device.index or 0) >= present.get(device.type, 0):
        there = ", ".join(f"{count} {kind}" for kind, count in present.items() if count)
        raise ModelError(f"there is no device {name!r} here; there is: {there}")
    return device


def pick_dtype(name: DtypeName, device: torch.device) -> torch.dtype:
    """ "auto" is what the device is fast in: float16 on CUDA, bfloat16 on a CPU with instructions for it, else float32.

    The model is cast as a whole; autocast on a CPU would copy every weight anew for every batch.
    """
    if name == "auto":
        if device.type == "cuda":
            return torch.float16
        return torch.bfloat16 if device.type == "cpu" and cpu_has_bfloat16() else torch.float32
    if name not in _DTYPES:
        raise ModelError(f"dtype is auto, {', '.join(_DTYPES)}, not {name!r}")
    return _DTYPES[name]


@cache
def cpu_has_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 in hardware (AVX512-BF16 or AMX); emulated, it is slower than float32."""
    if not _CPUINFO.is_file():
        return False
    flags = next((line for line in _CPUINFO.read_text().splitlines() if line.startswith("flags")), "")
    return not {"avx512_bf16", "amx_bf16"}.isdisjoint(flags.split())
