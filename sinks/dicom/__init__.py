"""Results as DICOM objects, and their way into an archive. Needs the extra ``fetalstream[pacs]``."""

try:
    __import__("dicomweb_client")
    __import__("highdicom")
except ImportError as error:
    raise ImportError("DICOM objects need more packages: pip install 'fetalstream[pacs]'") from error

from .export import Cine, Exported, LeftOut, export_captures, export_record, find_captures
from .identity import Filing, Identity, filing, identity_of, read_identity
from .record import Record, read_record

__all__ = [
    "Cine",
    "Exported",
    "Filing",
    "Identity",
    "LeftOut",
    "Record",
    "export_captures",
    "export_record",
    "filing",
    "find_captures",
    "identity_of",
    "read_identity",
    "read_record",
]
