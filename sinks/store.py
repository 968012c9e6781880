"""Events in a store: on disk before anybody else is told, chained, and there after a kill or a power cut."""

import os
from contextlib import ExitStack
from pathlib import Path

import msgspec

from .chain import ChainError, Link, follow
from .database import DatabaseErrors, reason_of, sole_writer
from .event import AnyEvent, FrameScores
from .sink import SinkError, SinkTroubleError
from .store_file import StoreFile, open_for_writing


class StoreSink:
    """Appends each event to a store; when ``write`` returns, the event is on disk.

    Numbers go on from run to run; each run that writes is an epoch of its own, counted from 0. A process killed at any
    moment loses at most the event it was writing. On a full disk `SinkTroubleError` is raised, the store is as it was,
    and a later write goes on where the last one succeeded.

    Args:
        path: the file; missing folders above it are made. One writer at a time.
        frame_scores: keep each frame's scores too; they are many.
        power_safe: wait for the disk with each event (a few milliseconds), so that a power cut loses none either. If
            not, a power cut may take the last events, and never more.
    """

    def __init__(self, path: Path | str, *, frame_scores: bool = False, power_safe: bool = True) -> None:
        self.path = Path(path)
        self._frame_scores = frame_scores
        self._encoder = msgspec.json.Encoder()
        self._held = ExitStack()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._held.enter_context(sole_writer(self.path))
            self._file: StoreFile | None = open_for_writing(self.path, power_safe=power_safe)
            self._held.callback(self._file.close)
            self._last: Link | None = self._file.last()
            self._place = self._where()
        except (OSError, *DatabaseErrors) as error:
            self._held.close()
            raise SinkError(f"{self.path}: cannot be opened: {reason_of(error)}") from None
        except SinkError:
            self._held.close()
            raise
        self._epoch = self._last.epoch + 1

    def write(self, event: AnyEvent) -> None:
        if self._file is None:
            raise SinkError(f"{self.path}: is closed, no event can be stored")
        if isinstance(event, FrameScores) and not self._frame_scores:
            return
        try:
            # SQLite would go on writing into a file that nobody can find any more.
            if self._where() != self._place:
                raise self._trouble("the file was moved away or replaced; it is begun anew with the next run")
            last = self._last or self._file.last()
            self._last = None  # whatever a failed write has left behind, the file is asked before the next one
            record = follow(last, epoch=self._epoch, event=self._encoder.encode(event))
            self._file.append(record)
        except (OSError, *DatabaseErrors) as error:
            raise self._trouble(reason_of(error)) from None
        except ChainError as error:  # somebody else's hand
            raise self._trouble(str(error)) from None
        self._last = record.link

    def close(self) -> None:
        self._file = None
        self._held.close()

    def _where(self) -> tuple[int, int]:
        status = os.stat(self.path)  # noqa: PTH116 - once per event
        return status.st_dev, status.st_ino

    def _trouble(self, reason: str) -> SinkTroubleError:
        return SinkTroubleError(sink="store", where=str(self.path), reason=reason)
