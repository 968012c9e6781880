"""Whether there is room where results go, and whether it may be used."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ..config import Config, JsonLinesSection, StoreSection
from .finding import Finding, ok, problem, warning

LOW_BYTES = 2_000_000_000
FULL_BYTES = 50_000_000
_TRIAL_BYTES = 1 << 16


def output_folders(config: Config) -> list[Path]:
    """Where a run writes, each once; the current folder when nothing does (``--out`` is mostly below it)."""
    kept = [section.path.parent for section in config.sinks if isinstance(section, JsonLinesSection | StoreSection)]
    captures = [] if config.capture.folder is None else [config.capture.folder]
    return list(dict.fromkeys([*kept, *captures])) or [Path()]


def look_at_disk(folder: Path, *, low_bytes: int = LOW_BYTES, full_bytes: int = FULL_BYTES) -> Iterator[Finding]:
    """Writes a little beside where results would go, and takes it away again."""
    shown = "the current folder" if folder == Path() else str(folder)
    place = _nearest(folder)
    if not place.is_dir():
        yield problem("disk", f"{shown}: {place} is no folder", todo="name another folder (--out)", folder=str(folder))
        return
    try:
        free_bytes = shutil.disk_usage(place).free
        _try_to_write(place)
    except OSError as error:
        yield problem(
            "disk",
            f"{shown} cannot be written: {(error.strerror or type(error).__name__).lower()}",
            todo="free some space, change its rights, or name another folder (--out)",
            folder=str(folder),
        )
        return
    what = f"{free_bytes / 1e9:.1f} GB free for {shown}"
    facts = {"folder": str(folder), "free_bytes": free_bytes}
    if free_bytes < full_bytes:
        yield problem("disk", what, todo="free some space: a run ends when its record cannot be written", **facts)
    elif free_bytes < low_bytes:
        yield warning(
            "disk", what, todo=f"free some space: below {low_bytes / 1e9:g} GB a long day may fill it", **facts
        )
    else:
        yield ok("disk", what, **facts)


def _nearest(folder: Path) -> Path:
    """The folder itself, or the one above it that is there: missing ones are made by whoever writes."""
    place = folder.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    return place


def _try_to_write(folder: Path) -> None:
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".fetalstream-") as file:
        file.write(bytes(_TRIAL_BYTES))
        file.flush()
        os.fsync(file.fileno())
