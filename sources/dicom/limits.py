"""How much a DICOM file may cost, whatever it says of itself."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Refused before anything is allocated; the defaults leave room for any real cine.

    Attributes:
        max_frame_bytes: of one frame, decoded; also of one frame, encoded.
        max_header_bytes: of all header values that are kept, look-up tables and frame times included.
        max_elements: data elements before the pixel data, skipped and nested ones included.
        max_fragments: pieces of compressed pixel data.
        max_inflated_bytes: of a deflated data set, which is unpacked into a temporary file that has no name.
    """

    max_frame_bytes: int = 64 << 20
    max_header_bytes: int = 4 << 20
    max_elements: int = 1_000_000
    max_fragments: int = 250_000
    max_inflated_bytes: int = 2 << 30
