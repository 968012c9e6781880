"""The machine: Python, libraries, processor, graphics card, clock."""

import ctypes
import math
import os
import platform
import re
import sys
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from .finding import Finding, ok, problem, warning

_SHOWN = ("torch", "open_clip_torch", "av", "opencv-python-headless", "numpy", "pyzmq", "pydicom")
_RIVALS = ("opencv-python", "opencv-contrib-python", "opencv-contrib-python-headless")
_LOW_MEMORY_BYTES = 1 << 30
_BUSY_SHARE = 0.5
_BUILT_YEAR = 2025
"""No clock that is right shows an earlier year."""
_TIME_ERROR = 5
_GIBIBYTE = 1 << 30


def look_at_python() -> Iterator[Finding]:
    """Version and word size."""
    bits = 64 if sys.maxsize > 2**32 else 32
    what = f"{platform.python_version()}, {bits} bit, {platform.system()} {platform.machine()}"
    if bits == 64:
        yield ok("python", what, version=platform.python_version())
    else:
        yield problem("python", what, todo="install a 64-bit Python: torch has no other", version=sys.version)


def look_at_libraries() -> Iterator[Finding]:
    """Which are there; one that is missing, or a second OpenCV, is what installations break by."""
    wanted = _required()
    found = {name: there for name in (*wanted, *_SHOWN) if (there := _version(name))}
    missing = [name for name in wanted if name not in found]
    shown = ", ".join(f"{name} {found[name]}" for name in _SHOWN if name in found)
    if missing:
        yield problem(
            "libraries",
            f"missing: {', '.join(missing)}",
            todo=f"pip install {' '.join(missing)}, or install fetalstream anew",
            versions=found,
        )
        return
    rivals = [name for name in _RIVALS if _version(name)]
    if rivals:
        yield warning(
            "libraries",
            f"{rivals[0]} is installed beside opencv-python-headless; both write the same files",
            todo=f"pip uninstall {' '.join(rivals)}, then pip install --force-reinstall opencv-python-headless",
            versions=found,
        )
        return
    yield ok("libraries", shown + ("" if "pydicom" in found else "; DICOM needs fetalstream[dicom]"), versions=found)


def _required() -> list[str]:
    """Names of the packages this one cannot do without."""
    return [re.split(r"[<>=!~ ;\[]", line)[0] for line in requires("fetalstream") or () if "extra ==" not in line]


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def look_at_processor() -> Iterator[Finding]:
    """Cores this process may use, bfloat16, memory, and how busy they are with other things."""
    from ...models.device import cpu_has_bfloat16

    cores, free = usable_cores(), _free_memory_bytes()
    numbers = "bfloat16 in hardware" if cpu_has_bfloat16() else "no bfloat16 in hardware, so float32"
    memory = "" if free is None else f", {free / _GIBIBYTE:.1f} GiB of memory free"
    what = f"{_processor()}, {cores:g} core{'s' if cores != 1 else ''}, {numbers}{memory}"
    facts = {"cores": cores, "bfloat16": cpu_has_bfloat16(), "free_memory_bytes": free}
    if free is not None and free < _LOW_MEMORY_BYTES:
        yield warning("processor", what, todo="close other programs: a model and its frames need about 1 GiB", **facts)
    elif cores < 2:
        yield warning("processor", what, todo="give it a second core: decoding and the model share this one", **facts)
    else:
        yield ok("processor", what, **facts)
    busy = _busy_cores()
    if busy is not None and busy > _BUSY_SHARE * cores:
        yield warning(
            "load",
            f"other programs kept {busy:.1f} of {cores:g} cores busy in the last minute",
            todo="stop them, and run the doctor again: the rates below suffer too",
            busy_cores=round(busy, 1),
        )


def usable_cores() -> float:
    """Cores this process may use: those it is bound to, and no more than its container's quota."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _read("/sys/fs/cgroup/cpu.max").split()
    if len(quota) == 2 and quota[0].isdecimal():
        return min(float(bound), round(int(quota[0]) / int(quota[1]), 1))
    return float(bound)


def _busy_cores() -> float | None:
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def _free_memory_bytes() -> int | None:
    found = re.search(r"MemAvailable:\s+(\d+) kB", _read("/proc/meminfo"))
    return int(found[1]) * 1024 if found else None


def _processor() -> str:
    found = re.search(r"model name\s*:\s*(.+)", _read("/proc/cpuinfo"))
    return found[1].strip() if found else platform.processor() or platform.machine()


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError:
        return ""


def look_at_gpu() -> Iterator[Finding]:
    """CUDA devices; having none is no fault, a card that torch cannot use is."""
    import torch

    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            free, total = torch.cuda.mem_get_info(index)
            name = torch.cuda.get_device_name(index)
            what = f"{name}, {free / _GIBIBYTE:.1f} of {total / _GIBIBYTE:.1f} GiB free, CUDA {torch.version.cuda}"
            yield ok("gpu", what, name=name, free_bytes=free, total_bytes=total)
    elif torch.backends.mps.is_available():
        yield ok("gpu", "Apple's, by --set model.device=mps", name="mps")
    elif Path("/proc/driver/nvidia/version").exists():
        yield warning(
            "gpu",
            f"there is an NVIDIA driver, but this torch ({torch.__version__}) cannot use it",
            todo="install a torch that is built for this driver's CUDA, or go on with the processor",
        )
    else:
        yield ok("gpu", "none that torch can use; the processor does the work")


def look_at_clock() -> Iterator[Finding]:
    """Whether wall time can be right and the monotonic clock is fine enough."""
    year = time.gmtime().tm_year
    resolution_seconds = time.get_clock_info("monotonic").resolution
    shown = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    facts = {"year": year, "monotonic_resolution_seconds": resolution_seconds}
    if year < _BUILT_YEAR:
        yield problem(
            "clock", f"it is said to be {shown}", todo="set the clock: records would carry this date", **facts
        )
    elif resolution_seconds > 0.016 or math.isnan(resolution_seconds):
        yield warning(
            "clock",
            f"the monotonic clock ticks every {resolution_seconds * 1000:g} ms only",
            todo="expect latencies that are no finer than that",
            **facts,
        )
    elif _is_unsynchronised():
        yield warning(
            "clock",
            f"{shown}; not known to be synchronised with a time server",
            todo="switch NTP on (timedatectl set-ntp true) if records of several machines are to be compared",
            **facts,
        )
    else:
        yield ok("clock", shown, **facts)


def _is_unsynchronised() -> bool:
    """What the Linux kernel knows of NTP (adjtimex, asked and not changed)."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        return ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(1024)) == _TIME_ERROR
    except (OSError, AttributeError):
        return False
