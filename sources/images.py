"""A folder of pictures, played as a clip."""

import re
import threading
import time
import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from .frame import Damage, Frame, Item, Picture, Pixels, SourceState, StateChange
from .pace import Pace
from .source import Source, SourceError, SourceInfo
from .uri import safe_name, split_target, yes_no

SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff"})
"""What counts as a picture, by its name."""
DEFAULT_FPS = 25.0


def from_uri(uri: str, *, realtime: bool = False) -> Source:
    """The source of ``FOLDER`` or ``images:FOLDER?fps=12&realtime=1``."""
    path, options = split_target(uri, allowed=("fps", "realtime"))
    text = options.get("fps", str(DEFAULT_FPS))
    try:
        fps = float(text)
    except ValueError:
        raise SourceError(f"option fps={text!r} is no number") from None
    return ImageFolderSource(
        path, fps=fps, realtime=yes_no("realtime", options["realtime"]) if "realtime" in options else realtime
    )


class ImageFolderSource:
    """The pictures of one folder (not of folders in it) as a `Source`.

    Numbers in names count as numbers: ``frame9.png`` comes before ``frame10.png``. Sizes may differ. Each file takes
    its time slot, so one that cannot be read leaves a gap (and a `Damage`). Pictures lie as their EXIF tag says;
    transparency is dropped; of 16-bit pictures the high byte is taken.

    Args:
        path: the folder.
        fps: pictures per second, above 0.
        realtime: play at that rate instead of as fast as files are read.
    """

    def __init__(self, path: Path | str, *, fps: float = DEFAULT_FPS, realtime: bool = False) -> None:
        if not 0 < fps <= 1000:
            raise SourceError(f"fps={fps} is not a frame rate; allowed: above 0, up to 1000")
        self.path = Path(path)
        self.fps = fps
        self._realtime = realtime
        self._stop = threading.Event()
        self._files: list[Path] | None = None

    def open(self) -> SourceInfo:
        self._files = files = picture_files(self.path)
        return SourceInfo(
            uri=f"images:{self.path.resolve().name}",
            name=safe_name(self.path),
            announced_fps=self.fps,
            frame_count=len(files),
            is_live=self._realtime,
        )

    def items(self) -> Iterator[Item]:
        if self._files is None:
            raise SourceError(f"{self.path}: a folder is opened before it is read, and read once")
        files, self._files = self._files, None
        return self._items(files)

    def close(self) -> None:
        self._stop.set()

    def __repr__(self) -> str:
        return f"ImageFolderSource({str(self.path)!r}, fps={self.fps:g}, realtime={self._realtime})"

    def _items(self, files: list[Path]) -> Iterator[Item]:
        yield StateChange(SourceState.RUNNING)
        pace = Pace(self._stop) if self._realtime else None
        index = 0
        last_seconds: float | None = None
        for slot, file in enumerate(files):
            if pace is not None:
                pace.wait_until(slot / self.fps)
            if self._stop.is_set():
                yield StateChange(SourceState.ENDED, "closed before its end")
                return
            picture = read_picture(file)
            if picture is None:
                what = f"{self.path.resolve().name}/{file.name}: cannot be read as a picture"
                yield Damage(what=what, lost_packets=1, pts_seconds=last_seconds)
                continue
            last_seconds = slot / self.fps
            yield Frame(index=index, pts_seconds=last_seconds, captured_ns=time.monotonic_ns(), picture=picture)
            index += 1
        if index:
            yield StateChange(SourceState.ENDED)
        else:
            yield StateChange(SourceState.FAILED, f"not one picture of {self.path.resolve().name} could be read")


def picture_files(folder: Path) -> list[Path]:
    """The pictures of one folder in the order of their names; raises `SourceError` where there is none."""
    try:
        files = [file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES and file.is_file()]
    except FileNotFoundError:
        raise SourceError(f"{folder}: there is no such folder") from None
    except NotADirectoryError:
        raise SourceError(f"{folder}: is not a folder of pictures") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise SourceError(f"{folder}: cannot be read: {reason}") from None
    files = [file for file in files if not file.name.startswith(".")]
    if not files:
        kinds = ", ".join(sorted(suffix[1:] for suffix in SUFFIXES))
        raise SourceError(f"{folder}: holds no pictures (allowed: {kinds})")
    return sorted(files, key=_natural)


def read_picture(file: Path) -> Picture | None:
    """The decoded file (Pillow refuses half pictures, OpenCV passes them off as whole), or None."""
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"PIL\.")  # what it finds odd is not for the terminal
            with Image.open(file) as image:
                image.load()
                upright = ImageOps.exif_transpose(image)
    # Pillow's readers raise whatever their parsers stumble over; a file must not stop the folder.
    except (OSError, ValueError, SyntaxError, ArithmeticError, LookupError, TypeError, Image.DecompressionBombError):
        return None
    return Picture(width_px=upright.width, height_px=upright.height, convert=partial(_convert, upright))


def _convert(image: Image.Image) -> Pixels:
    """-> (h w) uint8 when no pixel has a colour, else (h w 3) uint8 RGB."""
    if image.mode.startswith("I;16") or image.mode == "I":
        return (np.clip(np.asarray(image), 0, 65535) >> 8).astype(np.uint8)
    if image.mode in ("1", "L", "LA"):
        return np.array(image.convert("L"), dtype=np.uint8)
    rgb = np.array(image.convert("RGB"), dtype=np.uint8)
    is_grey = np.array_equal(rgb[..., 0], rgb[..., 1]) and np.array_equal(rgb[..., 1], rgb[..., 2])
    return rgb[..., 0].copy() if is_grey else rgb


def _natural(file: Path) -> tuple[list[tuple[int, str]], str]:
    """A sort key in which runs of digits compare as numbers; the name itself settles ties."""
    parts = re.findall(r"\d+|\D+", file.name.lower())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], file.name
