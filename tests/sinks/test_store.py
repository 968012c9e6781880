"""The law of the store: what was acknowledged is there, in order, and nobody changes it unseen."""

import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from fetalstream.sinks import AnyEvent, FrameScores, PlaneEntered, SinkError
from fetalstream.sinks.chain import ChainError
from fetalstream.sinks.sink import SinkTroubleError
from fetalstream.sinks.store import StoreSink
from fetalstream.sinks.store_file import reading


def entered(sequence: int, plane: str = "femur") -> PlaneEntered:
    return PlaneEntered(stream="s", sequence=sequence, plane=plane, start_seconds=sequence / 10, score=0.9)


def fill(path: Path, sequences: range, **options: bool) -> None:
    sink = StoreSink(path, **options)
    for sequence in sequences:
        sink.write(entered(sequence))
    sink.close()


def read(path: Path) -> list[AnyEvent]:
    """Every event, by way of the whole chain."""
    with reading(path) as store:
        return [msgspec.json.decode(record.event, type=AnyEvent) for record in store.checked_records()]


def numbers(path: Path) -> list[tuple[int, int]]:
    with reading(path) as store:
        return [(record.sequence, record.epoch) for record in store.checked_records()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.db"


def test_every_kind_of_event_comes_back_as_it_went_in(path, story):
    sink = StoreSink(path, frame_scores=True)
    for event in story("s"):
        sink.write(event)
    sink.close()
    sink.close()
    assert read(path) == story("s")


def test_scores_of_frames_are_kept_only_when_asked_for(path, story):
    sink = StoreSink(path)
    for event in story("s"):
        sink.write(event)
    sink.close()
    assert read(path) == [event for event in story("s") if not isinstance(event, FrameScores)]


def test_numbers_go_on_over_restarts_and_each_run_that_writes_is_an_epoch(path):
    for run in range(3):
        fill(path, range(run + 1))
    StoreSink(path).close()
    assert numbers(path) == [(0, 0), (1, 1), (2, 1), (3, 2), (4, 2), (5, 2)]


def test_a_closed_store_takes_no_event_and_is_one_file(path):
    sink = StoreSink(path)
    sink.write(entered(0))
    sink.close()
    with pytest.raises(SinkError, match="is closed"):
        sink.write(entered(1))
    assert sorted(file.name for file in path.parent.iterdir()) == ["events.db", "events.db-lock"]


def test_it_can_be_read_while_it_is_written(path):
    sink = StoreSink(path)
    for sequence in range(3):
        sink.write(entered(sequence))
        assert len(read(path)) == sequence + 1
    sink.close()


def test_a_second_writer_is_refused_and_a_later_one_is_not(path):
    sink = StoreSink(path)
    with pytest.raises(SinkError, match="is being written by another program"):
        StoreSink(path)
    sink.write(entered(0))
    sink.close()
    fill(path, range(1))
    assert numbers(path) == [(0, 0), (1, 1)]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET event = '{}' WHERE sequence = 1",
        "UPDATE events SET epoch = 9",
        "DELETE FROM events WHERE sequence = 2",
        "DELETE FROM events",
        "INSERT OR REPLACE INTO events (sequence, epoch, event, hash) VALUES (1, 0, '{}', x'00')",
        "INSERT INTO events (sequence, epoch, event, hash) VALUES (7, 0, '{}', x'00')",
        "INSERT INTO events (sequence, epoch, event, hash) VALUES (-1, 0, '{}', x'00')",
        "UPDATE store SET identity = 'another'",
        "DELETE FROM store",
    ],
)
def test_the_database_itself_refuses_every_change_but_the_next_record(path, statement):
    fill(path, range(3))
    database = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError, match=r"append-only|next number only"):
        database.execute(statement)
    database.close()
    assert len(read(path)) == 3


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE events SET event = replace(event, 'femur', 'heart') WHERE sequence = 1", "record 1 (epoch 0)"),
        ("UPDATE events SET hash = x'00' WHERE sequence = 1", "record 1 (epoch 0)"),
        ("DELETE FROM events WHERE sequence = 1", "record 1 is missing"),
        ("UPDATE store SET identity = 'another'", "record 0 (epoch 0)"),
    ],
)
def test_who_goes_around_the_triggers_is_found_by_the_chain(path, statement, said):
    fill(path, range(3))
    database = sqlite3.connect(path)
    for trigger in ("events_keep", "events_stay", "store_keep"):
        database.execute(f"DROP TRIGGER {trigger}")
    database.execute(statement)
    database.commit()
    database.close()
    with pytest.raises(ChainError) as refusal:
        read(path)
    assert str(path) in str(refusal.value)
    assert said in str(refusal.value)


def test_a_store_whose_end_was_changed_is_not_gone_on_with(path):
    fill(path, range(3))
    database = sqlite3.connect(path)
    database.execute("DROP TRIGGER events_keep")
    database.execute("UPDATE events SET event = '{}' WHERE sequence = 2")
    database.commit()
    database.close()
    with pytest.raises(ChainError, match=r"record 2 .* keep the file and begin another") as refusal:
        StoreSink(path)
    assert "\n" not in str(refusal.value)


def foreign_database(path: Path) -> None:
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE thesis (page TEXT)")
    database.commit()
    database.close()


FOREIGN = {
    "text": (lambda path: path.write_text("years of work\n" * 100), "is no event store"),
    "database": (foreign_database, "is a database of something else"),
    "folder": (lambda path: path.mkdir(), "cannot be opened|is no event store"),
    "half a header": (lambda path: path.write_bytes(b"SQLite format 3\0" + bytes(50)), "is no event store"),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_file_of_something_else_is_named_and_left_alone(path, kind):
    make, said = FOREIGN[kind]
    make(path)
    before = path.read_bytes() if path.is_file() else b""

    def look() -> None:
        with reading(path):
            pass

    for use in (lambda: StoreSink(path), look):
        with pytest.raises(SinkError, match=said) as refusal:
            use()
        assert str(path) in str(refusal.value)
        assert "\n" not in str(refusal.value)
    assert (path.read_bytes() if path.is_file() else b"") == before


def test_a_store_of_a_later_format_is_left_to_later_programs(path):
    fill(path, range(1))
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 2")
    database.close()
    with pytest.raises(SinkError, match="is of format 2; this program knows event stores of 1"):
        StoreSink(path)


def test_an_empty_file_and_one_whose_maker_was_killed_at_once_are_begun(tmp_path):
    (tmp_path / "empty.db").touch()
    database = sqlite3.connect(tmp_path / "blank.db")
    database.execute("PRAGMA journal_mode = WAL")
    database.close()
    for name in ("empty.db", "blank.db"):
        fill(tmp_path / name, range(2))
        assert numbers(tmp_path / name) == [(0, 0), (1, 0)]


def test_a_store_that_is_not_there_is_said(path):
    with pytest.raises(SinkError, match="is not there"), reading(path):
        pass


def outcome_of(use: Callable[[Path], list[AnyEvent] | None], path: Path) -> list[AnyEvent] | SinkError | None:
    try:
        return use(path)
    except SinkError as error:
        return error


def write_one(path: Path) -> None:
    fill(path, range(1))


def test_whatever_is_torn_or_flipped_is_either_whole_or_one_clear_line(path, tmp_path):
    """Any prefix and any changed byte: what is read is what was written, or an error that names the file."""
    fill(path, range(60))
    whole, expected = path.read_bytes(), read(path)
    chance = random.Random(5)
    found = 0
    for round_ in range(300):
        content = bytearray(whole)
        if round_ % 3 == 0:
            content = content[: chance.randrange(1, len(content))]
        else:
            at = chance.randrange(len(content)) if round_ % 3 == 1 else chance.randrange(4096)  # the schema's page
            content[at] ^= 1 << chance.randrange(8)
        for use in (read, write_one):
            spoilt = tmp_path / f"{use.__name__}.db"
            spoilt.write_bytes(content)
            outcome = outcome_of(use, spoilt)
            if isinstance(outcome, SinkError):
                found += 1
                assert str(spoilt) in str(outcome)
                assert "\n" not in str(outcome)
            elif outcome is not None:
                assert outcome == expected
    assert found > 200


def test_a_store_moved_away_while_it_is_written_is_noticed_at_once(path):
    sink = StoreSink(path)
    sink.write(entered(0))
    path.rename(path.with_name("elsewhere.db"))
    with pytest.raises(SinkTroubleError, match="No such file"):
        sink.write(entered(1))
    shutil.copy(path.with_name("elsewhere.db"), path)
    with pytest.raises(SinkTroubleError, match="was moved away or replaced"):
        sink.write(entered(1))
    sink.close()


def test_another_programs_lock_costs_a_moment_and_then_nothing(path):
    sink = StoreSink(path)
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    started = time.monotonic()
    with pytest.raises(SinkTroubleError, match="database is locked"):
        sink.write(entered(0))
    assert time.monotonic() - started < 2
    database.execute("ROLLBACK")
    database.close()
    sink.write(entered(0))
    sink.close()
    assert numbers(path) == [(0, 0)]


# Kill.

ENDLESS = """
import sys
from fetalstream.sinks import PlaneEntered
from fetalstream.sinks.store import StoreSink
sink, sequence = StoreSink(sys.argv[1], power_safe=sys.argv[2] == "1"), 0
while True:
    sink.write(PlaneEntered(stream=sys.argv[3], sequence=sequence, plane="femur", start_seconds=1.0, score=0.9))
    sys.stdout.write(f"{sequence}\\n")  # the event is acknowledged
    sys.stdout.flush()
    sequence += 1
"""


def test_ten_writers_killed_at_random_moments_lose_nothing_they_had_acknowledged(path):
    chance = random.Random(11)
    acknowledged: dict[str, int] = {}
    for run in range(10):
        command = [sys.executable, "-c", ENDLESS, str(path), str(run % 2), f"run-{run}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            # Half are killed while they write, half at any moment of their life, opening and making the file included.
            if run % 2:
                writer.stdout.readline()
                time.sleep(chance.uniform(0, 0.1))
            else:
                time.sleep(chance.uniform(0.05, 0.6))
            os.kill(writer.pid, signal.SIGKILL)
            lines = writer.stdout.read().splitlines()
        acknowledged[f"run-{run}"] = (int(lines[-1]) + 1 if lines else 0) or run % 2
    fill(path, range(1))
    held: dict[str, list[int]] = {}
    for event in read(path):
        held.setdefault(event.stream, []).append(event.sequence)
    for run, count in acknowledged.items():
        kept = held.get(run, [])
        assert kept == list(range(len(kept)))
        assert count <= len(kept) <= count + 1
    assert sum(acknowledged.values()) > 100
    epochs = [epoch for _, epoch in numbers(path)]
    assert len(set(epochs)) == len(held)


# A full disk.

FULL_DISK = """
import resource, sys
from fetalstream.sinks import PlaneEntered
from fetalstream.sinks.sink import SinkTroubleError
from fetalstream.sinks.store import StoreSink
limit_bytes = int(sys.argv[2])
sink = StoreSink(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, resource.RLIM_INFINITY))
sequence, troubles = 0, []
while len(troubles) < 5 and sequence < 50_000:
    try:
        sink.write(PlaneEntered(stream="s", sequence=sequence, plane="x" * 200, start_seconds=1.0, score=0.9))
        sequence += 1
    except SinkTroubleError as trouble:
        troubles.append(trouble.reason)
print(sequence, *set(troubles), sep="\\n")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
for more in range(sequence, sequence + 10):
    sink.write(PlaneEntered(stream="s", sequence=more, plane="x" * 200, start_seconds=1.0, score=0.9))
sink.close()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_where_the_file_may_not_grow_the_store_stays_whole_and_goes_on_when_it_may(path):
    command = [sys.executable, "-c", FULL_DISK, str(path), str(2**20)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    count, reason = done.stdout.splitlines()
    assert "disk I/O error" in reason or "full" in reason
    assert [event.sequence for event in read(path)] == list(range(int(count) + 10))
    assert int(count) > 100


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting needs root; the limit on a file's growth is tested in any case")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_on_a_disk_of_1_mb_the_store_fills_it_stays_whole_and_goes_on_when_there_is_room(small_disk):
    path, ballast = small_disk / "events.db", small_disk / "ballast"
    sink = StoreSink(path)
    ballast.write_bytes(bytes(400_000))
    written = 0
    trouble = None
    while trouble is None and written < 50_000:
        try:
            sink.write(entered(written, plane="x" * 200))
            written += 1
        except SinkTroubleError as error:
            trouble = error
    assert trouble is not None
    assert (trouble.sink, trouble.reason) == ("store", "database or disk is full")
    for _ in range(3):
        with pytest.raises(SinkTroubleError):
            sink.write(entered(written, plane="x" * 200))
    assert len(read(path)) == written > 100
    ballast.unlink()
    sink.write(entered(written))
    sink.close()
    assert [event.sequence for event in read(path)] == list(range(written + 1))


def test_on_a_disk_that_is_full_from_the_start_nothing_is_begun(small_disk):
    with pytest.raises(OSError, match="No space left"):
        (small_disk / "ballast").write_bytes(bytes(2**21))
    with pytest.raises(SinkError) as refusal:
        StoreSink(small_disk / "events.db")
    assert "events.db" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_memory_stays_flat_however_many_events_there_are(path):
    sink = StoreSink(path, power_safe=False)
    for sequence in range(2000):
        sink.write(entered(sequence))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for sequence in range(2000, 20_000):
        sink.write(entered(sequence))
    sink.close()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 8_000  # kilobytes


def test_on_a_medium_that_is_read_only_a_store_can_be_read(small_disk):
    fill(small_disk / "events.db", range(3))
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert len(read(small_disk / "events.db")) == 3
