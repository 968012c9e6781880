"""Objects on their way to an archive: copies on the disk that survive a kill, a restart and an archive that is away."""

import os
import secrets
import shutil
from pathlib import Path
from typing import Any, NamedTuple, cast

import msgspec
import pydicom
from pydicom.errors import InvalidDicomError

from ..database import DatabaseErrors, reason_of
from ..outbox import Letter, Outbox
from ..sink import SinkError
from ..whole import settle

_MOST_WAITING = 10**9  # nothing may be crowded out
_NEEDED = ("SOPInstanceUID", "SOPClassUID", "SeriesInstanceUID", "StudyInstanceUID")


class _Label(msgspec.Struct, frozen=True):
    """What the queue knows of an object: the name of its copy, its UID, and what it is."""

    file: str
    uid: str
    what: str


class Parcel(NamedTuple):
    """A copy that is to be sent; ``what`` and ``uid`` may be shown, they name nobody."""

    letter: Letter
    file: Path
    uid: str
    what: str


class Spool:
    """First in, first out; one program at a time. Copies are readable by their owner alone.

    In ``folder`` lie the queue's file, ``objects`` with what waits, and ``refused`` with what nobody will take.

    Args:
        folder: made if need be; its own, for one archive.
    """

    def __init__(self, folder: Path) -> None:
        self._objects, self._refused = folder / "objects", folder / "refused"
        try:
            for own in (self._objects, self._refused):
                own.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise SinkError(f"{folder}: cannot be written: {error.strerror}") from None
        self._outbox = Outbox(folder / "queue.db", most=_MOST_WAITING, power_safe=True)
        try:
            self._restore()
            self._sweep()
        except BaseException:
            self._outbox.close()
            raise

    def __len__(self) -> int:
        return len(self._outbox)

    def put(self, file: Path) -> bool:
        """Take in a copy; False when the same object is waiting already. Raises `SinkError` for what is no DICOM."""
        what, uid = _identify(file)
        if any(parcel.uid == uid and _same(parcel.file, file) for parcel in self._parcels()):
            return False
        copy = self._objects / f"{secrets.token_hex(16)}.dcm"
        try:
            descriptor = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with file.open("rb") as source, os.fdopen(descriptor, "wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
                target.flush()
                os.fsync(target.fileno())
            settle(self._objects)
            label = _Label(file=copy.name, uid=uid, what=what)
            self._outbox.put(kind="dicom", stream=uid, body=msgspec.json.encode(label))
        except (OSError, *DatabaseErrors) as error:
            copy.unlink(missing_ok=True)
            raise SinkError(f"{self._objects.parent}: cannot take in an object: {reason_of(error)}") from None
        return True

    def next(self, *, after: int = 0) -> Parcel | None:
        """The oldest one behind that of the letter ``after``."""
        letter = self._outbox.oldest(after=after)
        if letter is None:
            return None
        label = msgspec.json.decode(letter.body, type=_Label)
        return Parcel(letter, self._objects / label.file, label.uid, label.what)

    def delivered(self, parcel: Parcel) -> None:
        """It has arrived; the copy goes."""
        self._outbox.delivered(parcel.letter)
        parcel.file.unlink(missing_ok=True)

    def refused(self, parcel: Parcel, reason: str) -> Path:
        """Nobody will ever take it: the reason stays in the queue's file, the copy is set aside; returns where."""
        aside = self._refused / parcel.file.name
        try:
            parcel.file.replace(aside)  # before the letter: `_sweep` deletes copies without one
            settle(self._refused)
            self._outbox.refused(parcel.letter, reason)
        except (OSError, *DatabaseErrors) as error:
            raise SinkError(f"{aside}: cannot be set aside: {reason_of(error)}") from None
        return aside

    def close(self) -> None:
        self._outbox.close()

    def _parcels(self) -> list[Parcel]:
        found: list[Parcel] = []
        while (parcel := self.next(after=found[-1].letter.id if found else 0)) is not None:
            found.append(parcel)
        return found

    def _restore(self) -> None:
        """Take back copies that had been set aside when their program was killed, and whose letters still wait."""
        for parcel in self._parcels():
            aside = self._refused / parcel.file.name
            if aside.exists():
                aside.replace(parcel.file)

    def _sweep(self) -> None:
        """Delete copies that no letter speaks of: their program was killed before, or after, the letter was there."""
        wanted = {parcel.file.name for parcel in self._parcels()}
        for copy in self._objects.glob("*.dcm"):
            if copy.name not in wanted:
                copy.unlink(missing_ok=True)


def _identify(file: Path) -> tuple[str, str]:
    """What an object is and its UID. The file's name is repeated in errors: it is what the user has typed."""
    try:
        head = cast("Any", pydicom).dcmread(file, stop_before_pixels=True)
    except InvalidDicomError:
        raise SinkError(f"{file}: is no DICOM file") from None
    except OSError as error:
        raise SinkError(f"{file}: cannot be read: {error.strerror}") from None
    missing = [keyword for keyword in _NEEDED if not head.get(keyword)]
    if missing:
        raise SinkError(f"{file}: has no {', '.join(missing)}")
    frames = head.get("NumberOfFrames")
    what = str(head.SOPClassUID.name).removesuffix(" Storage")
    return (f"{what}, {int(frames)} frames" if frames else what), str(head.SOPInstanceUID)


def _same(one: Path, other: Path) -> bool:
    try:
        return one.read_bytes() == other.read_bytes()
    except OSError:
        return False
