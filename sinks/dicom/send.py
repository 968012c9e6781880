"""Sending what waits, with patience, until the archive has all of it or time is up."""

import time
from collections.abc import Callable
from typing import NamedTuple

from ..webhook import pause_after
from .archive import Archive, Reply, Verdict
from .spool import Parcel, Spool


class Outcome(NamedTuple):
    """How many objects are stored (and were read back), refused for good, still waiting; and what keeps the rest."""

    stored: int
    refused: int
    waiting: int
    reason: str


def send_all(
    spool: Spool,
    archive: Archive,
    *,
    patience_seconds: float,
    tell: Callable[[Parcel, Reply], None] = lambda _parcel, _reply: None,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Outcome:
    """Send each object until the archive gives it back as it was, the rest when one fails, then what failed again.

    Where the archive itself fails there is a pause, and what stands behind that object goes first: an object on which a
    gateway always gives up holds up none of the others.

    Args:
        spool: what waits; an object leaves it only when it is stored or refused for good.
        archive: where it goes.
        patience_seconds: how long to go on without any progress.
        tell: is called after each try.
        sleep, clock: for tests.
    """
    stored = refused = failures = 0
    progress_at, reason, behind = clock(), "", 0
    while len(spool):
        after, behind, asked_seconds = behind, 0, None
        is_whole = after == 0
        while (parcel := spool.next(after=after)) is not None:
            after = parcel.letter.id
            reply = archive.deliver(parcel.file)
            if reply.verdict is Verdict.STORED:
                spool.delivered(parcel)
                stored, failures, progress_at = stored + 1, 0, clock()
            elif reply.verdict is Verdict.REFUSED:
                aside = spool.refused(parcel, reply.reason)
                reply = reply._replace(reason=f"{reply.reason}; set aside as {aside}")
                refused, failures, progress_at = refused + 1, 0, clock()
            tell(parcel, reply)
            reason = reply.reason or reason
            if reply.verdict is Verdict.DENIED:
                return Outcome(stored, refused, len(spool), reply.reason)
            if reply.verdict is Verdict.AWAY:
                behind, asked_seconds = after, reply.pause_seconds
                break
        else:
            if not is_whole:
                continue
        if not len(spool):
            break
        failures += 1
        pause_seconds = pause_after(failures) if asked_seconds is None else asked_seconds
        if clock() + pause_seconds - progress_at > patience_seconds:
            return Outcome(stored, refused, len(spool), reason)
        sleep(pause_seconds)
    return Outcome(stored, refused, 0, reason if refused else "")
