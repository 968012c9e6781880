"""The review report: one HTML file a study, with all its pictures, and an index over all studies."""

from .cines import Cines, remember
from .make import Made, make_report, write_index
from .record import ReportError, find_records, read_record

__all__ = ["Cines", "Made", "ReportError", "find_records", "make_report", "read_record", "remember", "write_index"]
