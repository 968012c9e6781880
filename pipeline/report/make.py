"""Making reports: a record and its cine in, one file out, which is either not there or whole."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...sinks.whole import write_whole
from ...sources import SourceError
from .captures import NO_FOLDER, are_lost, read_captures
from .choice import choose
from .cines import fingerprint
from .contents import contents_of, length_seconds
from .page import Row, index_page, report_page, row_of, unread_row
from .pictures import Pictures, read_pictures
from .record import REPORT_NAME, ReportError, find_records, read_record
from .stretches import closed_stretches

INDEX_NAME = "index.html"
INDEX_TITLE = "<title>FetalStream review</title>"
_HEAD_CHARACTERS = 4096
NO_CINE = "the cine was not found where it lay, and none was named"
LIVE = "a live stream leaves no cine behind"
ANOTHER_CINE = "the cine that was found is not the one that was reviewed: its digest is another"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A report that was made.

    Attributes:
        path: of the file.
        row: what the index says of it.
        no_pictures: why it has no pictures of the cine; empty where it has, or could not have any.
        no_captures: why none of its captures is shown; empty where there are none, or some are.
    """

    path: Path
    row: Row
    no_pictures: str
    no_captures: str = ""


def make_report(
    folder: Path,
    *,
    cine: Path | None,
    captures: Sequence[Path] = (),
    unmasked: bool = False,
    has_index: bool = True,
) -> Made:
    """Write ``folder/report.html`` for the record in ``folder``.

    The same record, cine, captures and version give the same bytes.

    Args:
        cine: the file or folder that was reviewed, read again for pictures; None makes a report without any, which
            says so. So does a cine that is not the one that was reviewed, or cannot be read any more.
        captures: where captures may lie (see `roots_of`).
        unmasked: show pictures whole, with whatever is burned into them.
        has_index: link to the index in the folder above.

    Raises:
        ReportError: the record cannot be read.
        FetalStreamError: the file cannot be written.
    """
    record = read_record(folder)
    media_seconds = length_seconds(record)
    choice = choose(record, media_seconds=media_seconds)
    pictures: Pictures | None = None
    no_pictures = LIVE if record.is_live else NO_CINE
    if cine is not None:
        try:
            if record.cine_sha256 is not None and fingerprint(cine) != record.cine_sha256:
                no_pictures = ANOTHER_CINE
            else:
                closed = closed_stretches(record.events, end_seconds=media_seconds)
                frames = record.ended.frames_read if record.ended else None
                pictures = read_pictures(
                    cine, choice, closed=closed, frames=frames, end_seconds=media_seconds, unmasked=unmasked
                )
                no_pictures = ""
        except SourceError as error:
            no_pictures = f"the cine cannot be read again: {error}"
    shots = read_captures(record, captures, unmasked=unmasked)
    contents = contents_of(record, pictures, captures=shots, no_pictures=no_pictures)
    page = report_page(contents, choice, no_pictures=no_pictures, has_index=has_index)
    path = folder / REPORT_NAME
    write_whole(path, page.encode())
    return Made(
        path=path,
        row=row_of(contents, folder=folder.name),
        no_pictures="" if no_pictures == LIVE else no_pictures,
        no_captures=NO_FOLDER if are_lost(shots) else "",
    )


def write_index(folder: Path, made: Sequence[Made] = ()) -> Path:
    """Write ``folder/index.html`` over all studies in it.

    Args:
        made: reports made just now; of other studies the record is read again.

    A study whose record cannot be read is listed with the reason.

    Raises:
        ReportError: there is no study.
        FetalStreamError: the file cannot be written.
    """
    known = {one.path.parent.resolve(): one.row for one in made}
    rows = [known.get(study.resolve()) or _row(study) for study in find_records(folder)]
    path = folder / INDEX_NAME
    write_whole(path, index_page(rows).encode())
    return path


def index_above(study: Path) -> Path | None:
    """The folder above a study's, where there is an index of ours in it; else None."""
    above = study.resolve().parent
    try:
        with (above / INDEX_NAME).open(encoding="utf-8", errors="replace") as file:
            return above if INDEX_TITLE in file.read(_HEAD_CHARACTERS) else None
    except OSError:
        return None


def _row(study: Path) -> Row:
    try:
        row = row_of(contents_of(read_record(study), None), folder=study.name)
    except ReportError as error:
        return unread_row(study.name, str(error))
    return row if (study / REPORT_NAME).is_file() else replace(row, link="")
