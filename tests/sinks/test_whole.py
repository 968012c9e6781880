"""The law of whole files: there or not there, never half."""

import resource
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fetalstream.sinks import SinkError
from fetalstream.sinks.whole import UNFINISHED, write_whole


@contextmanager
def no_file_longer_than(size_bytes: int) -> Generator[None]:
    """What a full disk does to one who writes, done by the system itself."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_file_has_its_whole_content_and_nothing_lies_beside_it(tmp_path: Path):
    write_whole(tmp_path / "a.json", b"one")
    write_whole(tmp_path / "a.json", b"two, which is longer")
    assert (tmp_path / "a.json").read_bytes() == b"two, which is longer"
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_file_that_does_not_fit_leaves_what_was_there_and_says_why(tmp_path: Path):
    write_whole(tmp_path / "a.bin", b"old")
    with no_file_longer_than(1000), pytest.raises(SinkError, match=r"a\.bin' cannot be written: File too large"):
        write_whole(tmp_path / "a.bin", b"x" * 2000)
    assert (tmp_path / "a.bin").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]


def test_a_folder_that_is_gone_is_named(tmp_path: Path):
    with pytest.raises(SinkError, match=r"gone/a\.bin' cannot be written: No such file"):
        write_whole(tmp_path / "gone" / "a.bin", b"x")


def test_others_may_read_it_as_the_user_allows(tmp_path: Path):
    """Not only the owner, as with temporary files."""
    (tmp_path / "plain").touch()
    write_whole(tmp_path / "whole", b"x")
    assert (tmp_path / "whole").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_writer_killed_at_any_moment_leaves_no_half_file(tmp_path: Path):
    code = (
        "import sys; from pathlib import Path; from fetalstream.sinks.whole import write_whole\n"
        "turn = 0\n"
        "while True:\n"
        "    turn += 1; write_whole(Path(sys.argv[1]) / 'a.bin', bytes([turn % 251]) * 3_000_000)\n"
    )
    for delay_seconds in (0.0, 0.011, 0.023):
        with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) as writer:
            until = time.monotonic() + 60
            while not (tmp_path / "a.bin").exists() and time.monotonic() < until:
                time.sleep(0.005)
            time.sleep(delay_seconds)
            writer.send_signal(signal.SIGKILL)
        content = (tmp_path / "a.bin").read_bytes()
        assert len(content) == 3_000_000
        assert set(content) == {content[0]}
        (tmp_path / "a.bin").unlink()
    assert all(path.name.startswith(UNFINISHED) for path in tmp_path.iterdir())
