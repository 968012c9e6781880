"""DICOM ultrasound: cines and stills, frame by frame. Needs the extra ``fetalstream[dicom]``."""

try:
    import pydicom as _  # noqa: F401
except ImportError as error:
    raise ImportError("DICOM needs more packages: pip install 'fetalstream[dicom]'") from error

from .find import find_cines, is_cine, natural_order
from .header import NoCineError
from .limits import Limits
from .source import DicomSource, from_uri
from .study import file_label

__all__ = ["DicomSource", "Limits", "NoCineError", "file_label", "find_cines", "from_uri", "is_cine", "natural_order"]
