"""A source, opened and watched for a few seconds, in a thread that can be left behind."""

import threading
import time
from collections.abc import Iterator

from ... import FetalStreamError
from ...sources import SourceInfo
from ...sources.abandon import Errand
from ...sources.credentials import hide_in_process_title
from ...sources.live_options import NAMES, split_options
from ...sources.source import Source
from ..assemble import opened_source
from ..signal.gates import Gates
from .finding import Finding, ok, problem
from .stream_findings import describe
from .watch import Rate, Signal, Watch

OPEN_SECONDS = 15.0
"""A source's own deadline is shorter; this one also ends a driver or network drive that hangs."""
WATCH_SECONDS = 3.0
_GRACE_SECONDS = 2.0


class StreamVisit:
    """One visit to a source.

    Args:
        uri: as the user wrote it; shown without its secrets.
        open_seconds: deadline for opening.
        watch_seconds: how long to look.
        signal: asks what is to be asked of the pictures; None asks all.
    """

    def __init__(
        self,
        uri: str,
        *,
        open_seconds: float | None = None,
        watch_seconds: float = WATCH_SECONDS,
        signal: Signal | None = None,
    ) -> None:
        hide_in_process_title(uri)
        self._uri = uri
        self._open_seconds = open_seconds or _deadline(uri)
        self._watch = Watch(watch_seconds, signal=signal or Signal(Gates()))
        self._is_open, self._is_done = threading.Event(), threading.Event()
        self._opened: tuple[Source, SourceInfo] | None = None
        self._error = ""
        self._opening_seconds = 0.0

    @property
    def rate(self) -> Rate | None:
        """What was measured; None before `look`, and where nothing could be."""
        return self._watch.rate()

    @property
    def size_px(self) -> tuple[int, int] | None:
        """(width, height) of the pictures, None when none came."""
        return self._watch.sizes_px[-1] if self._watch.sizes_px else None

    def look(self) -> Iterator[Finding]:
        """Opens, watches, closes; ends by its deadlines whatever the source does."""
        errand = Errand("doctor-source", self._work)
        if not self._is_open.wait(self._open_seconds):
            errand.abandon()
            yield problem(
                "source",
                f"{self._uri} hangs: neither open nor refused after {self._open_seconds:g} s",
                todo="check the device, its driver or the network drive; unplug it, or start the machine anew",
            )
            return
        if self._opened is None:
            self._is_done.wait(_GRACE_SECONDS)
            yield problem("source", self._error, todo=_todo(self._error))
            return
        source, info = self._opened
        yield ok(
            "source",
            f"{info.uri} opened in {self._opening_seconds:.2f} s, its stream is called {info.name}",
            uri=info.uri,
            name=info.name,
            opening_seconds=round(self._opening_seconds, 3),
        )
        if not self._is_done.wait(self._watch.wanted_seconds + _GRACE_SECONDS):
            source.close()
            self._is_done.wait(_GRACE_SECONDS)
            errand.abandon()
        yield from describe(info, self._watch, self._error)

    def _work(self, errand: Errand) -> None:
        began = time.monotonic()
        try:
            with opened_source(self._uri, realtime=True) as (source, info):
                self._opening_seconds = time.monotonic() - began
                if errand.abandoned:
                    return
                self._opened = source, info
                self._is_open.set()
                for item in source.items():
                    if not self._watch.take(item) or errand.abandoned:
                        break
        except FetalStreamError as error:
            self._error = str(error)
        except Exception as error:  # whatever a driver or plug-in raises; its words may hold secrets
            self._error = f"{self._uri} failed unexpectedly ({type(error).__name__})"
        finally:
            self._is_done.set()
            self._is_open.set()


def _deadline(uri: str) -> float:
    """Longer than the source's own, so that its reason is heard and not ours."""
    given = split_options(uri, NAMES).ours.get("open_seconds", "")
    try:
        return max(OPEN_SECONDS, float(given) + 5.0)
    except ValueError:
        return OPEN_SECONDS


def _todo(error: str) -> str:
    """The next step, by what the source said; it knows the reason, we know the tools."""
    for words, step in _STEPS.items():
        if words in error:
            return step
    return "correct the address, or check the device; fetalstream live would end with the same words"


_STEPS = {
    "refuses the connection": "start the server, or correct the port",
    "user and password": "give them in the address, or in FETALSTREAM_RTSP_USER and FETALSTREAM_RTSP_PASSWORD",
    "no picture came": "the other side listens and says nothing: check that it sends, and on this path",
    "has not answered": "the other side listens and says nothing: check that it sends, and on this path",
    "does not answer": "check that it is switched on, its address, and the network in between",
    "there is no capture device": "plug it in; what is there stands above under devices",
    "no such file": "correct the path",
    "no source is called": "write a path, or one of these names before ://",
    "may not be used": "sudo usermod -aG video $USER, then log in anew",
    "cannot be read as video": "play it elsewhere; if that works, convert it to mp4",
    "fetalstream[dicom": "install that extra",
}
