"""The law of the export: one row per event, nothing left out, whole or not there."""

import json
import subprocess
import sys

import msgspec
import pyarrow.parquet
import pytest

from fetalstream.sinks import AnyEvent, SinkError
from fetalstream.sinks.chain import ChainError
from fetalstream.sinks.parquet import BATCH_ROWS, event_fields, export
from fetalstream.sinks.store import StoreSink
from fetalstream.sinks.store_file import reading

from .test_store import fill


def table_of(store, out) -> list[dict]:
    with reading(store) as file:
        count = export(file, out)
    rows = pyarrow.parquet.read_table(out).to_pylist()
    assert len(rows) == count
    return rows


@pytest.fixture
def store(tmp_path, story):
    sink = StoreSink(tmp_path / "events.db", frame_scores=True)
    for event in story("s"):
        sink.write(event)
    sink.close()
    return tmp_path / "events.db"


def test_every_event_can_be_had_back_from_its_row(store, tmp_path, story):
    rows = table_of(store, tmp_path / "events.parquet")
    assert [msgspec.json.decode(row["event"], type=AnyEvent) for row in rows] == story("s")
    assert [row["store_sequence"] for row in rows] == list(range(len(rows)))


def test_fields_are_columns_and_those_of_other_kinds_are_null(store, tmp_path):
    rows = {row["kind"]: row for row in table_of(store, tmp_path / "events.parquet")}
    left = rows["plane.left"]
    assert (left["plane"], left["end_seconds"], left["frames"], left["reason"]) == ("femur", 72.25, 10, "signal frozen")
    assert (left["stamp_captured_ns"], left["frames_read"], left["labels"]) == (None, None, None)
    assert rows["plane.entered"]["stamp_latency_ms"] == 12.5
    assert json.loads(rows["stream.started"]["model"])["name"] == "compact"
    assert json.loads(rows["frame.scores"]["scores"]) == [0.1, 0.9]
    assert rows["stream.ended"]["frames_dropped"] == '{"busy":10}'
    assert rows["stream.started"]["research_use_only"] is True


def test_no_field_shares_its_name_with_a_column_of_the_store():
    assert not set(event_fields()) & {"store_sequence", "store_epoch", "kind", "event", "hash"}


def test_more_than_a_batch_keeps_its_order(tmp_path):
    fill(tmp_path / "events.db", range(BATCH_ROWS + 3), power_safe=False)
    rows = table_of(tmp_path / "events.db", tmp_path / "events.parquet")
    assert [row["sequence"] for row in rows] == list(range(BATCH_ROWS + 3))


def test_an_empty_store_is_an_empty_table_with_all_columns(tmp_path):
    StoreSink(tmp_path / "events.db").close()
    assert table_of(tmp_path / "events.db", tmp_path / "events.parquet") == []
    assert "plane" in pyarrow.parquet.read_schema(tmp_path / "events.parquet").names


def test_a_store_that_was_changed_is_not_exported_and_what_was_there_stays(tmp_path):
    import sqlite3

    fill(tmp_path / "events.db", range(3))
    database = sqlite3.connect(tmp_path / "events.db")
    database.execute("DROP TRIGGER events_stay")
    database.execute("DELETE FROM events WHERE sequence = 1")
    database.commit()
    database.close()
    out = tmp_path / "events.parquet"
    out.write_text("of yesterday")
    with pytest.raises(ChainError, match="record 1 is missing"):
        table_of(tmp_path / "events.db", out)
    assert out.read_text() == "of yesterday"
    assert not list(tmp_path.glob(".tmp-*"))


def test_where_it_cannot_be_written_is_one_line(store, tmp_path):
    with pytest.raises(SinkError, match="cannot be written") as refusal:
        table_of(store, tmp_path / "nowhere" / "events.parquet")
    assert "nowhere" in str(refusal.value)


def test_without_pyarrow_it_says_what_to_install(store, tmp_path):
    code = "import sys; sys.modules['pyarrow'] = None; from fetalstream.pipeline.cli.app import main; main()"
    command = [sys.executable, "-c", code, "store", "export", str(store), "--out", str(tmp_path / "x.parquet")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "error: export to Parquet needs pyarrow: pip install 'fetalstream[parquet]'\n"
