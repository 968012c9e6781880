"""Whether what an archive gives back is what it was given."""

import json
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any, cast

from pydicom import pixels
from pydicom.dataset import Dataset

_SHAPE = ("Rows", "Columns", "SamplesPerPixel", "NumberOfFrames")
_CONTENT = ("ContentSequence", "CurrentRequestedProcedureEvidenceSequence", "PertinentOtherEvidenceSequence")


def difference(sent: Dataset, back: Dataset) -> str:
    """What differs in words; empty when every pixel of every frame, or all content of a document, is the same.

    Where an archive has written the pixels anew in another transfer syntax, decoded frames are compared, one by one.
    """
    if sent.SOPInstanceUID != back.get("SOPInstanceUID"):
        return "another object"
    if "PixelData" not in sent:
        return next((f"another {keyword}" for keyword in _CONTENT if _text(sent, keyword) != _text(back, keyword)), "")
    if "PixelData" not in back:
        return "no pixels"
    for keyword in _SHAPE:
        if (sent.get(keyword) or 1) != (back.get(keyword) or 1):
            return f"another {keyword}: {back.get(keyword)} instead of {sent.get(keyword)}"
    if _syntax(sent) == _syntax(back) and sent.PixelData == back.PixelData:
        return ""
    for number, (one, other) in enumerate(zip_longest(_frames(sent), _frames(back)), start=1):
        if one is None or other is None or not (one.shape == other.shape and (one == other).all()):
            return f"other pixels in frame {number}"
    return ""


def _frames(image: Dataset) -> Iterator[Any]:
    return cast("Any", pixels).iter_pixels(image)


def _syntax(data_set: Dataset) -> str:
    return str(data_set.file_meta.TransferSyntaxUID)


def _text(data_set: Any, keyword: str) -> str:
    items: Any = data_set.get(keyword) or []
    return json.dumps([item.to_json_dict() for item in items], sort_keys=True)
