"""Events read from a file of JSON lines, such as `JsonLinesSink` leaves: one behaviour, whoever reads.

| what stands there | what becomes of it |
|---|---|
| an event of ours | is given, in order; one without its newline at the end of the file, too |
| a score of a single frame | is passed over: there are many, and who wants them reads the store |
| an event of a kind that this version does not know | is passed over and counted |
| the beginning of an event at the end of the file: the program was killed | is passed over and told |
| anything else, an event of ours that lacks a field included | the file is refused, with the number of the line |

Whose events they are, and of how many runs, is the reader's business.
"""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from .event import AnyEvent
from .sink import SinkError
from .wire import EVENT_TOPICS

LINE_START = b'{"kind":"'
"""Of every event, as ours are written."""
LONGEST_LINE_BYTES = 16 * 2**20
_SCORES = b'{"kind":"frame.scores"'
_DECODER = msgspec.json.Decoder(AnyEvent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """What a file holds.

    Attributes:
        events: all but the scores of single frames, in order.
        is_torn: the last line is the beginning of an event.
        unknown: how many events are of kinds that this version does not know.
    """

    events: tuple[AnyEvent, ...]
    is_torn: bool = False
    unknown: int = 0

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader of the events should know, in sentences."""
        torn = "The last line of the record is torn: the run was cut off while it was written."
        events = "event is of a kind" if self.unknown == 1 else "events are of kinds"
        passed = f"{self.unknown} {events} that this version does not know."
        return tuple([torn] * self.is_torn + [passed] * bool(self.unknown))


def read_lines(file: Path) -> Lines:
    """All events in a file. Raises `SinkError`, naming the file, when it cannot be read or holds something else."""
    events: list[AnyEvent] = []
    unknown, number, is_torn = 0, 0, False
    try:
        with file.open("rb") as opened:
            while line := opened.readline(LONGEST_LINE_BYTES + 1):
                number += 1
                if len(line) > LONGEST_LINE_BYTES:
                    raise SinkError(f"{file}: line {number} is too long for an event")
                if line.startswith(_SCORES) and line.endswith(b"\n"):
                    continue
                try:
                    events.append(_DECODER.decode(line))
                except (ValueError, RecursionError) as error:
                    if is_of_unknown_kind(line):
                        unknown += 1
                    elif _is_beginning(line):
                        is_torn = True
                    else:
                        why = " ".join(str(error).split())[:200]
                        raise SinkError(f"{file}: line {number} is no event: {why}") from None
    except OSError as error:
        raise SinkError(f"{file}: cannot be read: {error.strerror}") from None
    return Lines(events=tuple(events), is_torn=is_torn, unknown=unknown)


class _Kind(msgspec.Struct):
    kind: str


def is_of_unknown_kind(line: bytes) -> bool:
    """Whether a line or record is an event of a kind that this version does not know."""
    try:
        return msgspec.json.decode(line, type=_Kind).kind not in EVENT_TOPICS
    except (ValueError, RecursionError):
        return False


def _is_beginning(line: bytes) -> bool:
    """Whether it is less than an event: without the newline that ends one, and no whole JSON."""
    if line.endswith(b"\n") or not (line.startswith(LINE_START) or LINE_START.startswith(line)):
        return False
    try:
        msgspec.json.decode(line)
    except (ValueError, RecursionError):
        return True
    return False
