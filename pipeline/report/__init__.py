"""The review report: one HTML file a study, with all its pictures, and an index over all studies."""

from .cines import Cines, remember, remember_captures, roots_of
from .make import Made, index_above, make_report, write_index
from .record import ReportError, find_records, read_record

__all__ = [
    "Cines",
    "Made",
    "ReportError",
    "find_records",
    "index_above",
    "make_report",
    "read_record",
    "remember",
    "remember_captures",
    "roots_of",
    "write_index",
]
