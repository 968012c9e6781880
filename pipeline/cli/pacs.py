"""Commands on DICOM objects: export, send."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ...sinks.dicom.archive import Reply
    from ...sinks.dicom.spool import Parcel

app = typer.Typer(help="Results as DICOM objects: make them, and bring them to an archive (extra: pacs).")


@app.command(short_help="Captures, key frames and findings as DICOM.")
def export(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Captures of an exam, or the record of a review.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the objects are written.")],
    source: Annotated[
        Path | None, typer.Option("--source", metavar="CINE", help="The DICOM cine that was reviewed.")
    ] = None,
    identity: Annotated[
        Path | None,
        typer.Option("--identity", metavar="FILE", help="Who was examined: JSON with PatientID, PatientName, ..."),
    ] = None,
    source_identity: Annotated[
        bool, typer.Option("--source-identity", help="Take the patient and the study from the source cine.")
    ] = False,
    events: Annotated[
        Path | None,
        typer.Option(
            "--events",
            metavar="FILE",
            help="Captures: events of the same stream, for age and heart (events.jsonl or .db).",
        ),
    ] = None,
    compress: Annotated[bool, typer.Option("--compress/--no-compress", help="Clips as JPEG-LS, without loss.")] = True,
    allow_unmasked: Annotated[
        bool, typer.Option("--allow-unmasked", help="Also pictures without a mask, though nobody's identity is given.")
    ] = False,
) -> None:
    """Write captures, key frames and findings as DICOM objects, de-identified unless an identity is given."""
    _prepare()
    from ...sinks.dicom import read_identity
    from ..pacs import Wanted, export

    done = export(
        Wanted(
            folder=folder,
            out=out,
            cine=source,
            identity=None if identity is None else read_identity(identity),
            of_cine=source_identity,
            events=events,
            compress=compress,
            allow_unmasked=allow_unmasked,
        )
    )
    kinds = [file.name.split("-2.25.")[0] for file in done.files]
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds)) or "nothing"
    whose = "with the identity given" if identity is not None or source_identity else "de-identified"
    typer.echo(f"{out}: {counts}; {whose}; research use only")
    for name, reason in done.left_out:
        typer.secho(f"left out: {name}: {reason}", fg="yellow", err=True)
    if done.left_out:
        raise typer.Exit(1)


@app.command(short_help="By STOW-RS, each object read back.")
def send(
    to: Annotated[
        str, typer.Option("--to", metavar="URL", help="The archive's DICOMweb service: https://host/dicom-web")
    ],
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="PATH", help="DICOM files, and folders of *.dcm.")
    ] = None,
    queue: Annotated[
        Path | None, typer.Option("--queue", metavar="DIR", help="Where objects wait; by default one for each URL.")
    ] = None,
    patience: Annotated[
        float, typer.Option("--patience", metavar="SECONDS", min=0, help="How long to go on without progress.")
    ] = 60.0,
    plain_http: Annotated[
        bool, typer.Option("--plain-http", help="Allow http to another machine: whoever is on the way reads along.")
    ] = False,
    ca: Annotated[
        Path | None, typer.Option("--ca", metavar="FILE", help="Certificates to trust instead of the system's.")
    ] = None,
) -> None:
    """Send objects by STOW-RS and read each back; what is not there yet waits on the disk for the next call.

    Without PATH, send what waits. A login comes from FETALSTREAM_PACS_TOKEN, or FETALSTREAM_PACS_USER and
    FETALSTREAM_PACS_PASSWORD.
    """
    _prepare()
    from contextlib import closing

    from ...sinks.dicom.archive import Archive, Verdict
    from ...sinks.dicom.send import send_all
    from ...sinks.dicom.spool import Spool

    files = _files(paths or [])
    with (
        closing(Archive(to, plain_http=plain_http, ca_file=ca)) as archive,
        closing(Spool(queue or _queue(to))) as spool,
    ):
        for file in files:
            spool.put(file)
        typer.echo(f"{len(spool)} to send to {archive.place}")

        def tell(parcel: "Parcel", reply: "Reply") -> None:
            if reply.verdict is Verdict.STORED:
                typer.echo(f"stored and read back: {parcel.what} {parcel.uid}")
            else:
                word = "refused" if reply.verdict is Verdict.REFUSED else "not yet"
                typer.secho(f"{word}: {parcel.what} {parcel.uid}: {reply.reason}", fg="yellow", err=True)

        outcome = send_all(spool, archive, patience_seconds=patience, tell=tell)
    typer.echo(f"{outcome.stored} stored, {outcome.refused} refused, {outcome.waiting} waiting")
    if outcome.waiting:
        typer.secho(f"the rest waits for the next call of this command: {outcome.reason}", fg="red", err=True)
    if outcome.waiting or outcome.refused:
        raise typer.Exit(1)


def _files(paths: list[Path]) -> list[Path]:
    from ... import FetalStreamError

    files: list[Path] = []
    for path in paths:
        found = sorted(path.glob("*.dcm"), key=_pictures_first) if path.is_dir() else [path]
        if not found:
            raise FetalStreamError(f"{str(path)!r} holds no *.dcm")
        files += found
    return files


def _pictures_first(file: Path) -> tuple[bool, str]:
    """Documents point at pictures, which should be there by then."""
    return file.name.startswith(("key-objects-", "report-")), file.name


def _queue(url: str) -> Path:
    """One for each archive, beside what else is kept between runs."""
    import hashlib

    from ...models.home import home

    return home() / "pacs" / hashlib.sha256(url.rstrip("/").encode()).hexdigest()[:12]


def _prepare() -> None:
    """The extra must be there, and pydicom's warnings must not: they repeat values, which may be a patient's."""
    import warnings

    from ... import FetalStreamError

    warnings.filterwarnings("ignore", module="pydicom")
    try:
        from ...sinks import dicom as _  # noqa: F401
    except ImportError as error:
        raise FetalStreamError(str(error)) from None
