"""DICOM ultrasound: cines and stills, frame by frame. Needs the extra ``fetalstream[dicom]``."""

from .find import find_cines
from .limits import Limits
from .source import DicomSource, from_uri
from .study import file_label

__all__ = ["DicomSource", "Limits", "file_label", "find_cines", "from_uri"]
