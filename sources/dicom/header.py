"""What a DICOM file says of its pictures, checked before anything is allocated for them."""

from dataclasses import dataclass
from typing import NamedTuple

from ..source import SourceError
from . import tags
from .elements import UNDEFINED, Elements, Header
from .limits import Limits
from .part10 import NATIVE

ULTRASOUND = {
    "1.2.840.10008.5.1.4.1.1.3": "Ultrasound Multi-frame (retired)",
    "1.2.840.10008.5.1.4.1.1.3.1": "Ultrasound Multi-frame",
    "1.2.840.10008.5.1.4.1.1.6": "Ultrasound (retired)",
    "1.2.840.10008.5.1.4.1.1.6.1": "Ultrasound",
    "1.2.840.10008.5.1.4.1.1.6.2": "Enhanced Ultrasound Volume",
}
"""SOP classes that are read, by UID."""
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_ENHANCED_VOLUME = "1.2.840.10008.5.1.4.1.1.6.2"

GREY = frozenset({"MONOCHROME1", "MONOCHROME2"})
PALETTE = "PALETTE COLOR"
COLOUR = frozenset({"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_RCT", "YBR_ICT"})
_ONLY_COMPRESSED = frozenset({"YBR_RCT", "YBR_ICT"})
_REFUSED = frozenset({"ARGB", "CMYK", "HSV", "XYB", "YBR_ICT", "YBR_PARTIAL_420", "YBR_PARTIAL_422", "YBR_RCT"})
_MOST_FRAMES = 2**31 - 1
_LOSSY = frozenset({"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"})
_MAYBE_LOSSY = frozenset({"1.2.840.10008.1.2.4.81", "1.2.840.10008.1.2.4.91", "1.2.840.10008.1.2.4.203"})
"""Transfer syntaxes of JPEG, and of JPEG-LS, JPEG 2000 and HTJ2K, which can also do without loss."""


class NoCineError(SourceError):
    """A file that holds something else: a report, slices, a picture of another kind of device."""


class Layout(NamedTuple):
    """How one frame lies in the file.

    Attributes:
        photometric: what the samples mean, such as "YBR_FULL_422".
        samples: per pixel.
        bits_allocated, bits_stored: per sample.
        is_signed: samples are two's complement.
        is_planar: all of the first sample, then all of the second, and so on.
    """

    columns: int
    rows: int
    photometric: str
    samples: int
    bits_allocated: int
    bits_stored: int
    is_signed: bool
    is_planar: bool

    @property
    def decoded_bytes(self) -> int:
        """Of one frame, every sample in full."""
        return self.columns * self.rows * self.samples * self.bits_allocated // 8

    @property
    def native_bytes(self) -> int:
        """Of one uncompressed frame in the file, where two pixels of YBR_FULL_422 share a pair of chroma samples."""
        return self.decoded_bytes * 2 // 3 if self.photometric == "YBR_FULL_422" else self.decoded_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CineHeader:
    """A file that can be read, so far as its header tells.

    Attributes:
        syntax: UID of the transfer syntax.
        layout: of every frame.
        frames: announced number, at least 1; None when the file says nothing or nonsense.
        pixels: the pixel data element.
        elements: everything else that was read.
    """

    syntax: str
    layout: Layout
    frames: int | None
    pixels: Header
    elements: Elements

    @property
    def is_native(self) -> bool:
        return self.syntax in NATIVE

    @property
    def is_lossy(self) -> bool:
        """Compressed with loss, now or before (PS3.3, C.7.6.1.1.5); also where it may be and nothing is said."""
        said = self.elements.text(tags.LOSSY)
        return said == "01" or self.syntax in _LOSSY or (self.syntax in _MAYBE_LOSSY and said != "00")


def check_header(
    elements: Elements, pixels: Header | None, *, syntax: str, limits: Limits, any_class: bool
) -> CineHeader:
    """Raises `SourceError`, without the file's name, for what cannot be read: `NoCineError` if it is something else."""
    _check_class(elements, any_class=any_class)
    if pixels is None:
        raise SourceError("holds no pictures, or is cut short before them")
    if pixels.tag != 0x7FE00010:
        raise SourceError("its pixels are floating-point numbers; allowed: whole numbers of 8 or 16 bits")
    if (syntax in NATIVE) == (pixels.length == UNDEFINED):
        raise SourceError(f"its pixels do not lie as transfer syntax {_short(syntax)} says; the file is damaged")
    header = CineHeader(
        syntax=syntax, layout=_layout(elements, syntax), frames=_frames(elements), pixels=pixels, elements=elements
    )
    if header.layout.decoded_bytes > limits.max_frame_bytes:
        raise SourceError(
            f"its pictures take {header.layout.decoded_bytes} bytes each ({header.layout.columns} x "
            f"{header.layout.rows} px), more than the {limits.max_frame_bytes} allowed"
        )
    _check_no_volume(elements)
    return header


def _check_class(elements: Elements, *, any_class: bool) -> None:
    uid = elements.text(tags.SOP_CLASS)
    is_capture = uid is not None and (uid == _SECONDARY_CAPTURE or uid.startswith(_SECONDARY_CAPTURE + "."))
    if any_class or uid in ULTRASOUND or is_capture or elements.text(tags.MODALITY) == "US":
        return
    if uid is None and tags.ROWS in elements:  # a file of a writer that left it out, but a picture
        return
    raise NoCineError(
        f"is no ultrasound picture (SOP class {_short(uid or 'missing')}); allowed: ultrasound, secondary capture"
    )


def _layout(elements: Elements, syntax: str) -> Layout:
    rows, columns = elements.unsigned(tags.ROWS), elements.unsigned(tags.COLUMNS)
    if not rows or not columns or max(rows, columns) > 0xFFFF:
        raise SourceError(f"its pictures have no size (Rows {rows}, Columns {columns})")
    photometric = elements.text(tags.PHOTOMETRIC) or ""
    allowed = GREY | COLOUR | {PALETTE} if syntax not in NATIVE else GREY | (COLOUR - _ONLY_COMPRESSED) | {PALETTE}
    if photometric not in allowed:
        raise SourceError(
            f"its photometric interpretation {_short(photometric)} cannot be read; allowed: "
            f"{', '.join(sorted(allowed))}"
        )
    samples = 3 if photometric in COLOUR else 1
    if (said := elements.unsigned(tags.SAMPLES)) not in (samples, None):
        raise SourceError(f"{photometric} pictures have {samples} samples per pixel, not {said}")
    bits_allocated = elements.unsigned(tags.BITS_ALLOCATED) or 8
    bits_stored = elements.unsigned(tags.BITS_STORED) or bits_allocated
    if bits_allocated not in (8, 16) or not 1 <= bits_stored <= bits_allocated:
        raise SourceError(f"its samples have {bits_stored} of {bits_allocated} bits; allowed: up to 8 of 8, 16 of 16")
    if photometric not in GREY | {"RGB", PALETTE} and bits_allocated != 8:
        raise SourceError(f"{photometric} samples have 8 bits, not {bits_allocated}")
    if photometric == "YBR_FULL_422" and columns % 2 and syntax in NATIVE:
        raise SourceError(f"YBR_FULL_422 pictures have an even number of columns, not {columns}")
    return Layout(
        columns=columns,
        rows=rows,
        photometric=photometric,
        samples=samples,
        bits_allocated=bits_allocated,
        bits_stored=bits_stored,
        is_signed=elements.unsigned(tags.SIGNED) == 1 and samples == 1 and photometric != PALETTE,
        is_planar=elements.unsigned(tags.PLANAR) == 1,
    )


def _frames(elements: Elements) -> int | None:
    if tags.FRAMES not in elements:
        return 1
    said = elements.number(tags.FRAMES)
    return int(said) if said is not None and 1 <= said <= _MOST_FRAMES else None


def _check_no_volume(elements: Elements) -> None:
    """An enhanced volume is a cine only if each of its pictures has a time of its own."""
    if elements.text(tags.SOP_CLASS) != _ENHANCED_VOLUME:
        return
    offsets = temporal_offsets(elements)
    if offsets is not None and len(set(offsets)) == len(offsets):
        return
    if offsets is None and not (elements.text(tags.DIMENSIONS) or "").startswith("3D"):
        return
    raise NoCineError("is a volume: its pictures are slices, not moments; allowed: one picture for each moment")


def temporal_offsets(elements: Elements) -> tuple[float, ...] | None:
    """Seconds from the start, one per frame, when every frame of an enhanced object says so."""
    found = [
        value
        for group in elements.items(tags.FRAME_GROUPS)
        for position in group.items(tags.TEMPORAL_POSITION)[:1]
        for value in position.doubles(tags.TEMPORAL_OFFSET)[:1]
    ]
    return tuple(found) if found and len(found) == len(elements.items(tags.FRAME_GROUPS)) else None


def _short(value: str) -> str:
    """What a file says of itself, fit for a message: a damaged file could say anything, and a patient's name, too."""
    is_uid = value.startswith("1.2.840.10008.") and len(value) <= 64 and value.replace(".", "").isdigit()
    return value if is_uid or value in _REFUSED or value == "missing" else "(unknown)"
