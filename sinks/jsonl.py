"""Events as JSON lines: a file that can be read while it grows and holds no half event."""

import os
from pathlib import Path

import msgspec

from .event import AnyEvent
from .lines import LINE_START, LONGEST_LINE_BYTES
from .sink import SinkError, SinkTroubleError


class JsonLinesSink:
    """One event a line, in order, under the final name from the first event on.

    Each line is one write to an unbuffered file, so a reader (``tail -f``) sees whole lines, and a killed process
    leaves whole lines, at worst a torn last one, which the next opening for append repairs. A write that fails midway
    (disk full) is taken back before `SinkTroubleError` is raised. The bytes depend on the events alone.

    Args:
        path: the file; missing folders above it are made.
        append: go on behind what is there, or begin anew.
    """

    def __init__(self, path: Path | str, *, append: bool = True) -> None:
        self.path = Path(path)
        self._encoder = msgspec.json.Encoder()
        self._descriptor: int | None = None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | (0 if append else os.O_TRUNC)
            self._descriptor = os.open(self.path, flags, 0o644)
            if append:
                self._repair(self._descriptor)
        except OSError as error:
            self.close()
            raise self._error(error) from None
        except SinkError:
            self.close()
            raise

    def write(self, event: AnyEvent) -> None:
        if self._descriptor is None:
            raise SinkError(f"{self.path}: is closed, no event can be written")
        line = self._encoder.encode(event) + b"\n"
        try:
            start = os.lseek(self._descriptor, 0, os.SEEK_END)
            self._write_whole(self._descriptor, line, start)
        except OSError as error:
            reason = f"cannot be written: {error.strerror}"
            raise SinkTroubleError(sink="jsonl", where=str(self.path), reason=reason) from None

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _write_whole(self, descriptor: int, line: bytes, start: int) -> None:
        """All of the line or nothing of it; ``start`` is where the file ends now."""
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        except OSError:
            if len(rest) < len(line):
                os.ftruncate(descriptor, start)
            raise

    def _repair(self, descriptor: int) -> None:
        """Ends a whole last line that lacks its newline; takes a torn one away."""
        size = os.lseek(descriptor, 0, os.SEEK_END)
        start = max(0, size - LONGEST_LINE_BYTES)
        end = os.pread(descriptor, size - start, start)
        torn = end[end.rfind(b"\n") + 1 :]
        if not torn:
            return
        if not (torn.startswith(LINE_START) or LINE_START.startswith(torn)):
            raise SinkError(f"{self.path}: does not end with an event; to append, it must be a file of JSON lines")
        try:
            msgspec.json.decode(torn, type=AnyEvent)
        except msgspec.DecodeError:
            os.ftruncate(descriptor, size - len(torn))
        else:
            self._write_whole(descriptor, b"\n", size)

    def _error(self, error: OSError) -> SinkError:
        return SinkError(f"{self.path}: cannot be written: {error.strerror}")
