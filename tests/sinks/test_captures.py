"""The law of captures on the disk: whole or not there, whatever happens to the disk or the program."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fetalstream.sinks import SinkError
from fetalstream.sinks.capture_writer import CaptureWriter, Discard, Keep
from fetalstream.sinks.captures import OPEN_MARK, Capture, CaptureFolder, capture_name
from fetalstream.sinks.sidecar import read_sidecar
from tests.sinks.capturing import capture, still
from tests.sinks.test_stills import read_mp4, read_png
from tests.sinks.test_whole import no_file_longer_than


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[CaptureFolder]:
    with closing(CaptureFolder(tmp_path, "exam")) as opened:
        yield opened


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != OPEN_MARK)


@pytest.mark.parametrize(
    ("plane", "name"),
    [
        ("femur", "0007-femur-12.48s"),
        ("", "0007-unlabelled-12.48s"),  # nobody says what it is
        ("../../etc/passwd", "0007-etc_passwd-12.48s"),  # a head of somebody else's
        ("3VV/3VT ÄÖ", "0007-3VV_3VT-12.48s"),
        ("x" * 200, f"0007-{'x' * 40}-12.48s"),
    ],
)
def test_names_hold_number_plane_and_time_and_lead_nowhere(plane, name):
    assert capture_name(7, plane, 12.482) == name


def test_a_capture_is_a_still_a_clip_and_a_sidecar_that_tells_of_both(folder):
    one = capture(1, frames=9)
    folder.save(one)
    stem = one.sidecar.capture_id
    assert names(folder.path) == [f"{stem}.json", f"{stem}.mp4", f"{stem}.png"]
    assert read_sidecar(folder.path / f"{stem}.json") == one.sidecar
    assert (read_png((folder.path / f"{stem}.png").read_bytes()) == one.still.whole()).all()
    times, pictures, _ = read_mp4((folder.path / f"{stem}.mp4").read_bytes())
    span = one.sidecar.clip
    assert span is not None
    assert span.still_number is not None
    assert len(times) == span.frames
    shown = pictures[span.still_number - 1][:81, :101, 0]
    assert np.abs(shown.astype(int) - one.still.whole()).mean() < 6  # the clip shows the still where it says


def test_a_better_one_takes_the_place_of_another(folder):
    folder.save(capture(1, frames=3))
    better = capture(2, replaces=capture(1, frames=3).sidecar.capture_id)
    folder.save(better)
    assert [sidecar.capture_id for sidecar in folder.existing()] == [better.sidecar.capture_id]
    assert names(folder.path) == [f"{better.sidecar.capture_id}{suffix}" for suffix in (".json", ".png")]


def test_a_full_disk_leaves_nothing_of_a_capture_and_all_of_the_one_it_should_replace(folder):
    first = capture(1)
    folder.save(first)
    large = replace(
        capture(2, replaces=first.sidecar.capture_id), still=replace(still(), width_px=3000, height_px=3000)
    )
    with no_file_longer_than(2000), pytest.raises(SinkError, match="cannot be written: File too large"):
        folder.save(large)
    assert [sidecar.capture_id for sidecar in folder.existing()] == [first.sidecar.capture_id]
    assert len(names(folder.path)) == 2
    folder.save(large)  # there is room again
    assert [sidecar.capture_id for sidecar in folder.existing()] == [large.sidecar.capture_id]


def test_where_a_clip_has_no_room_the_still_is_kept_without_it_and_says_so(folder):
    one = capture(1, frames=25)
    with no_file_longer_than(8000):
        assert "0001-femur-0.48s.mp4' cannot be written: File too large" in folder.save(one)
    (sidecar,) = folder.existing()
    assert sidecar.clip is None
    assert names(folder.path) == ["0001-femur-0.48s.json", "0001-femur-0.48s.png"]


def test_what_the_operator_keeps_is_noted_and_what_he_discards_is_gone(folder):
    one, two = capture(1, frames=3), capture(2)
    folder.save(one)
    folder.save(two)
    folder.keep(one.sidecar.capture_id)
    folder.discard(two.sidecar.capture_id)
    assert [(s.capture_id, s.kept) for s in folder.existing()] == [(one.sidecar.capture_id, True)]


@pytest.mark.parametrize("name", ["../victim", "/etc/passwd", "0001-femur-0.00s/../../victim", ""])
def test_a_name_that_is_none_of_ours_deletes_nothing(folder, tmp_path, name):
    (tmp_path / "victim.png").touch()
    with pytest.raises(SinkError, match="is no name of a capture"):
        folder.discard(name)
    assert (tmp_path / "victim.png").exists()


def test_a_folder_is_written_by_one_program_and_left_without_traces(tmp_path):
    with closing(CaptureFolder(tmp_path, "exam")), pytest.raises(SinkError, match="written by another program"):
        CaptureFolder(tmp_path, "exam")
    assert not (tmp_path / "exam").exists()  # nothing was captured
    with closing(CaptureFolder(tmp_path, "exam")) as again:
        again.save(capture(1))
    assert len(names(tmp_path / "exam")) == 2
    assert not (tmp_path / "exam" / OPEN_MARK).exists()


def test_whoever_starts_again_knows_what_is_there_and_counts_on(tmp_path):
    with closing(CaptureFolder(tmp_path, "exam")) as before:
        before.save(capture(1))
        before.save(capture(2))
        before.discard(capture(1).sidecar.capture_id)
    with closing(CaptureFolder(tmp_path, "exam")) as after:
        assert [sidecar.capture_id for sidecar in after.existing()] == [capture(2).sidecar.capture_id]
        assert after.next_number == 3


def test_what_a_killed_program_left_is_swept_and_what_is_anybody_elses_is_not(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from fetalstream.sinks.captures import CaptureFolder\n"
        "from tests.sinks.capturing import capture\n"
        "folder = CaptureFolder(Path(sys.argv[1]), 'killed'); folder.save(capture(1, frames=3)); here = folder.path\n"
        "left = ('.tmp-1234', '0002-femur-1.00s.png', '0002-femur-1.00s.mp4', 'my notes.png')\n"
        "[(here / name).touch() for name in left]; os.kill(os.getpid(), 9)\n"
    )
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=os.environ | {"PYTHONPATH": str(root)})
    killed = tmp_path / "killed"
    assert len(names(killed)) == 7
    with closing(CaptureFolder(tmp_path, "next")):  # another exam begins in the same place
        stem = capture(1, frames=3).sidecar.capture_id
        assert names(killed) == [f"{stem}.json", f"{stem}.mp4", f"{stem}.png", "my notes.png"]


def test_the_files_of_a_living_program_are_not_swept(tmp_path):
    with closing(CaptureFolder(tmp_path, "living")) as living:
        (living.path / "0002-femur-1.00s.png").touch()  # its sidecar comes next
        with closing(CaptureFolder(tmp_path, "other")):
            assert names(living.path) == ["0002-femur-1.00s.png"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SinkError, match=r"captures cannot be kept in '.*file/exam': Not a directory"):
        CaptureFolder(tmp_path / "file", "exam")


# The writer.


class Held(CaptureFolder):
    """A disk that takes its time: writes nothing until it is let."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, "held")
        self.let = threading.Event()

    def save(self, capture: Capture) -> str:
        self.let.wait(60)
        return super().save(capture)


def test_the_writer_never_waits_for_a_slow_disk_and_tells_what_has_no_room(tmp_path):
    slow = Held(tmp_path)
    writer = CaptureWriter(slow, most_waiting=2)
    started = time.monotonic()
    refused = [writer.put(capture(number)) for number in range(1, 6)]
    assert time.monotonic() - started < 5
    assert refused[:2] == ["", ""]
    assert refused[-1] == "the disk is too slow: 2 captures wait for it already"
    slow.let.set()
    assert writer.finish(60)
    accepted = refused.count("")
    assert [done.trouble for done in writer.done()] == [""] * accepted
    assert len(list(slow.path.glob("*.json"))) == accepted


def test_what_waits_is_bounded_by_its_size_too_but_one_is_always_taken(tmp_path):
    slow = Held(tmp_path)
    writer = CaptureWriter(slow, most_bytes=10_000)
    assert writer.put(capture(1, frames=20)) == ""
    assert "too slow" in writer.put(capture(2, frames=20))
    assert writer.held_bytes == 21 * 60 * 80
    slow.let.set()
    assert writer.finish(60)
    assert writer.held_bytes == 0


def test_wishes_are_done_in_their_order_and_each_is_answered(tmp_path):
    told = threading.Event()
    folder = CaptureFolder(tmp_path, "exam")
    writer = CaptureWriter(folder)
    writer.on_done = told.set
    one = capture(1)
    name = one.sidecar.capture_id
    for task in (one, Keep(name), Discard(name), Keep(name)):
        assert writer.put(task) == ""
    assert writer.finish(60)
    assert told.is_set()
    done = writer.done()
    assert [type(answer.task).__name__ for answer in done] == ["Capture", "Keep", "Discard", "Keep"]
    assert [bool(answer.trouble) for answer in done] == [False, False, False, True]
    assert "cannot be read: No such file" in done[-1].trouble


def test_a_fault_that_nobody_foresaw_is_told_and_the_next_capture_is_written(tmp_path):
    class Odd(CaptureFolder):
        def save(self, capture: Capture) -> str:
            if capture.sidecar.capture_id.startswith("0001"):
                raise ValueError("a picture without a size")
            return super().save(capture)

    writer = CaptureWriter(Odd(tmp_path, "exam"))
    assert [writer.put(capture(number)) for number in (1, 2)] == ["", ""]
    assert writer.finish(60)
    told = ["it cannot be written: ValueError: a picture without a size", ""]
    assert [done.trouble for done in writer.done()] == told


def test_no_thread_is_left_when_nothing_waits(tmp_path):
    writer = CaptureWriter(CaptureFolder(tmp_path, "exam"))
    writer.put(capture(1))
    assert writer.finish(60)
    until = time.monotonic() + 10
    while any(thread.name == "captures" for thread in threading.enumerate()) and time.monotonic() < until:
        time.sleep(0.01)
    assert not any(thread.name == "captures" for thread in threading.enumerate())
