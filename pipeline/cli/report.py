"""Reports on reviews: made with them, or later."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from ..report import Cines, Made

UnmaskedOption = Annotated[
    bool,
    typer.Option(
        "--unmasked", help="Show pictures whole, with names and dates that are burned into them; not for handing on."
    ),
]


def report(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where a review was written, or one study's folder in it.")
    ],
    cines: Annotated[
        list[Path] | None,
        typer.Option(
            "--cines",
            metavar="PATH",
            help="Where the cines are now: a file or folder; repeatable. The default is where they were reviewed.",
        ),
    ] = None,
    captures: Annotated[
        list[Path] | None,
        typer.Option(
            "--captures",
            metavar="DIR",
            help="Where captures are now; repeatable. The default is where they went, or a folder beside the record.",
        ),
    ] = None,
    unmasked: UnmaskedOption = False,
) -> None:
    """Make a page of each reviewed study, DIR/NAME/report.html, and DIR/index.html; all pictures inside, no network.

    DIR may be what ``live --out`` wrote, too: then captures are the pictures.
    """
    from ..report import Cines, find_records, index_above
    from ..review import find_studies

    studies = find_records(folder)
    where = Cines((study.name, study.path) for study in (find_studies(cines) if cines else ()))
    index = index_above(folder) if studies == [folder] else folder
    if make_reports(studies, where=where, captures=captures or (), index=index, unmasked=unmasked):
        raise typer.Exit(1)


def make_reports(
    studies: Sequence[Path],
    *,
    where: "Cines",
    captures: Sequence[Path] = (),
    index: Path | None,
    unmasked: bool,
) -> int:
    """A report in each study's folder, said line by line; one that cannot be made is said and counted.

    Args:
        where: finds the cine of a record.
        captures: where captures may lie beside the usual places.
        index: the folder that gets an index over all studies in it; None makes none.
    """
    from rich.console import Console

    from ... import FetalStreamError
    from ..report import Made, make_report, read_record, roots_of, write_index

    console, errors = Console(), Console(stderr=True)
    made: list[Made] = []
    for study in studies:
        with console.status(f"report on {study.name}"):
            try:
                cine = where.of(read_record(study))
                one = make_report(
                    study,
                    cine=cine,
                    captures=roots_of(study, captures),
                    unmasked=unmasked,
                    has_index=index is not None,
                )
            except FetalStreamError as error:
                errors.print(f"error: {error}", style="red", highlight=False, soft_wrap=True, markup=False)
                continue
        made.append(one)
        _tell(one, console, errors)
    if index is not None:
        console.print(f"all studies: {write_index(index, made)}", highlight=False, soft_wrap=True, markup=False)
    return len(studies) - len(made)


def _tell(made: "Made", console: "Console", errors: "Console") -> None:
    """Where a report is; and on standard error that it has no pictures, and why."""
    megabytes = made.path.stat().st_size / 1e6
    line = f"{made.row.name}: {made.path} ({megabytes:.1f} MB)"
    console.print(line, highlight=False, soft_wrap=True, markup=False)
    if made.no_pictures:
        line = f"warning: {made.row.name}: no pictures: {made.no_pictures} (--cines names it)"
        errors.print(line, style="yellow", highlight=False, soft_wrap=True, markup=False)
    if made.no_captures:
        line = f"warning: {made.row.name}: captures are not shown: {made.no_captures} (--captures names it)"
        errors.print(line, style="yellow", highlight=False, soft_wrap=True, markup=False)
