"""A store as a Parquet table, for pandas, DuckDB, Spark and the like. Needs pyarrow (extra ``parquet``)."""

import os
import tempfile
import typing
from collections.abc import Iterator, Sequence
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import msgspec.inspect

from .chain import Record
from .event import AnyEvent
from .record import Stamp
from .sink import SinkError
from .store_file import StoreFile

BATCH_ROWS = 10_000
STORE_COLUMNS = ("store_sequence", "store_epoch", "kind")
LAST_COLUMNS = ("event", "hash")
"""The event's whole JSON, so that nothing is lost, and its hash in the chain, in hex."""

_PLAIN: dict[type, type] = {
    msgspec.inspect.BoolType: bool,
    msgspec.inspect.FloatType: float,
    msgspec.inspect.IntType: int,
}
"""Types that are columns of their own kind; all others are text."""


def export(file: StoreFile, out: Path) -> int:
    """Write ``out``, whole or not at all; returns how many rows it has. The chain is checked on the way.

    Columns: `STORE_COLUMNS`, then every field any kind of event has (null where this kind has none; the stamp's fields
    as ``stamp_...``; lists and mappings as JSON), then `LAST_COLUMNS`. Raises `ChainError` for a changed store, and
    `SinkError` when ``out`` cannot be written or pyarrow is missing.
    """
    arrow, parquet = _pyarrow()
    fields = event_fields()
    types = {str: arrow.string(), int: arrow.int64(), float: arrow.float64(), bool: arrow.bool_()}
    columns = {"store_sequence": int, "store_epoch": int, "kind": str, **fields, "event": str, "hash": str}
    schema = arrow.schema([arrow.field(name, types[kind]) for name, kind in columns.items()])
    rows = (_row(record, fields) for record in file.checked_records())
    unfinished: Path | None = None
    count = 0
    try:
        with tempfile.NamedTemporaryFile(dir=out.parent, prefix=".tmp-", delete=False) as handle:
            unfinished = Path(handle.name)
            with parquet.ParquetWriter(handle, schema, compression="zstd") as writer:
                for batch in _batches(rows):
                    writer.write_table(arrow.Table.from_pylist(batch, schema=schema))
                    count += len(batch)
            handle.flush()
            os.fsync(handle.fileno())
        unfinished.chmod(0o644)
        unfinished.replace(out)
    except OSError as error:
        raise SinkError(f"{out}: cannot be written: {error.strerror or error}") from None
    finally:
        if unfinished is not None:
            unfinished.unlink(missing_ok=True)
    return count


def _pyarrow() -> tuple[Any, Any]:
    """Imported when used; it has no types of its own."""
    try:
        return import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError:
        raise SinkError("export to Parquet needs pyarrow: pip install 'fetalstream[parquet]'") from None


def event_fields() -> dict[str, type]:
    """Every field of every kind of event, and the type of its column."""
    fields: dict[str, type] = {}
    for kind in typing.get_args(AnyEvent):
        for field in msgspec.structs.fields(kind):
            if field.name != "stamp":
                fields[field.name] = _column_type(field.type)
    stamp = {f"stamp_{field.name}": _column_type(field.type) for field in msgspec.structs.fields(Stamp)}
    return stamp | fields


def _column_type(annotation: object) -> type:
    found = msgspec.inspect.type_info(annotation)
    parts = found.types if isinstance(found, msgspec.inspect.UnionType) else (found,)
    plain = {_PLAIN.get(type(part), str) for part in parts if not isinstance(part, msgspec.inspect.NoneType)}
    return plain.pop() if len(plain) == 1 else str


def _row(record: Record, fields: dict[str, type]) -> dict[str, Any]:
    try:
        event = msgspec.json.decode(record.event, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise SinkError(f"record {record.sequence} is no event: {error}") from None
    stamp: dict[str, Any] = event.pop("stamp", None) or {}
    event |= {f"stamp_{name}": value for name, value in stamp.items()}
    return {
        "store_sequence": record.sequence,
        "store_epoch": record.epoch,
        "kind": event.get("kind"),
        **{name: _cell(event.get(name), kind) for name, kind in fields.items()},
        "event": record.event.decode(),
        "hash": record.hash.hex(),
    }


def _cell(value: Any, kind: type) -> Any:
    return msgspec.json.encode(value).decode() if kind is str and isinstance(value, list | dict) else value


def _batches(rows: Iterator[dict[str, Any]]) -> Iterator[Sequence[dict[str, Any]]]:
    while batch := list(islice(rows, BATCH_ROWS)):
        yield batch
