"""One frame's bytes to an array of samples, through pydicom's decoders and their plug-ins."""

from typing import Any

from numpy.typing import NDArray
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID

from ..source import SourceError
from .codestream import read_codestream
from .header import CineHeader, Layout
from .part10 import DEFLATED, EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE
from .rle import check_rle

Samples = NDArray[Any]
"""(h w) or (h w 3), uint8, uint16, int8 or int16."""

_RLE = "1.2.840.10008.1.2.5"
_PREFERRED: dict[str, tuple[str, ...]] = {
    "1.2.840.10008.1.2.4.50": ("pillow", "pylibjpeg"),
    "1.2.840.10008.1.2.4.51": ("pillow", "pylibjpeg"),
    "1.2.840.10008.1.2.4.57": ("gdcm", "pylibjpeg"),
    "1.2.840.10008.1.2.4.70": ("gdcm", "pylibjpeg"),
    "1.2.840.10008.1.2.4.80": ("pyjpegls", "pylibjpeg"),
    "1.2.840.10008.1.2.4.81": ("pyjpegls", "pylibjpeg"),
    "1.2.840.10008.1.2.4.90": ("pylibjpeg", "pillow"),
    "1.2.840.10008.1.2.4.91": ("pylibjpeg", "pillow"),
    "1.2.840.10008.1.2.4.201": ("pylibjpeg",),
    "1.2.840.10008.1.2.4.202": ("pylibjpeg",),
    "1.2.840.10008.1.2.4.203": ("pylibjpeg",),
    _RLE: ("pylibjpeg",),  # the others unpack what claims to be gigabytes
}
"""pydicom's names of plug-ins, by transfer syntax; one is used throughout, so that a cine's frames are all alike."""
_EXTENDED_JPEG = "1.2.840.10008.1.2.4.51"
_LOSSLESS_JPEG = frozenset({"1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"})


class FrameDecoder:
    """Decodes the frames of one cine, one by one. Raises `SourceError` when nothing installed can.

    Args:
        header: of the cine.
    """

    def __init__(self, header: CineHeader) -> None:
        self._layout = header.layout
        self._is_native = header.is_native
        self._is_rle = header.syntax == _RLE
        # Deflation is undone by now, and native 8-bit pixels have been put in order.
        syntax = header.syntax
        if syntax in (DEFLATED, IMPLICIT_LITTLE) or (syntax == EXPLICIT_BIG and header.layout.bits_allocated == 8):
            syntax = EXPLICIT_LITTLE
        self._plugin = "" if self._is_native else _plugin(syntax, bits=header.layout.bits_stored)
        self._decoder = get_decoder(UID(syntax))

    def decode(self, data: bytes) -> tuple[Samples, str]:
        """Samples of a frame, and what they mean: the photometric interpretation after decoding.

        Raises `SourceError` for a frame that is broken, or not of the size the header announced.
        """
        layout = self._layout
        photometric = layout.photometric if self._is_native else self._check(data)
        try:
            samples, said = self._decoder.as_array(
                data if self._is_native else encapsulate([data], has_bot=False),
                index=0,
                raw=True,
                decoding_plugin=self._plugin,
                **_options(layout, photometric),
            )
        except MemoryError:
            raise SourceError("does not fit into memory") from None
        except Exception:  # whatever a plug-in stumbles over; its words may quote the file
            raise SourceError("cannot be decoded") from None
        except BaseException as error:
            if type(error).__name__ != "PanicException":  # how plug-ins written in Rust fail
                raise
            raise SourceError("cannot be decoded") from None
        shape = (layout.rows, layout.columns) if layout.samples == 1 else (layout.rows, layout.columns, 3)
        if samples.shape != shape or samples.dtype.kind not in "iu" or samples.dtype.itemsize > 2:
            raise SourceError("does not have the size announced")
        return samples, str(said["photometric_interpretation"])

    def _check(self, data: bytes) -> str:
        """Refuses a compressed frame that would decode to something else than announced; gives its colour space."""
        layout = self._layout
        if self._is_rle:
            check_rle(data, layout)
            return layout.photometric
        stream = read_codestream(data)
        if (stream.columns, stream.rows, stream.components) != (layout.columns, layout.rows, layout.samples):
            raise SourceError(
                f"is {stream.columns} x {stream.rows} px of {stream.components} samples, not "
                f"{layout.columns} x {layout.rows} px of {layout.samples} as announced"
            )
        if stream.precision > layout.bits_allocated:
            raise SourceError(f"has samples of {stream.precision} bits, not {layout.bits_allocated} as announced")
        if stream.colour == "RGB":
            return "RGB"
        if stream.colour == "YBR" and not layout.photometric.startswith("YBR"):
            return "YBR_FULL"
        return layout.photometric


def _options(layout: Layout, photometric: str) -> dict[str, Any]:
    options: dict[str, Any] = {
        "rows": layout.rows,
        "columns": layout.columns,
        "samples_per_pixel": layout.samples,
        "photometric_interpretation": photometric,
        "number_of_frames": 1,
        "bits_allocated": layout.bits_allocated,
        "bits_stored": layout.bits_stored,
        "pixel_representation": int(layout.is_signed),
        "pixel_keyword": "PixelData",
    }
    if layout.samples > 1:
        options["planar_configuration"] = int(layout.is_planar)
    return options


def _plugin(syntax: str, *, bits: int) -> str:
    """The plug-in for a compressed transfer syntax."""
    known = UID(syntax)
    if syntax not in _PREFERRED:
        raise SourceError(f"is compressed in a way that cannot be read ({known.name if known.is_valid else 'unknown'})")
    available = get_decoder(known).available_plugins
    for plugin in _PREFERRED[syntax]:
        if plugin in available and not (plugin == "pillow" and syntax == _EXTENDED_JPEG and bits > 8):
            return plugin
    extra = "dicom-lossless" if syntax in _LOSSLESS_JPEG else "dicom"
    raise SourceError(
        f"is compressed as {known.name} ({bits} bits), and nothing that reads this is installed; "
        f"try pip install 'fetalstream[{extra}]'"
    )
