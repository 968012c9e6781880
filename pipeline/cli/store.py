"""Commands on event stores: list, verify, export."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Event stores: what is in them, whether they are whole, and as Parquet.")

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="A store, such as out/demo/events.db.")]


@app.command("list")
def list_streams(file: FileArgument) -> None:
    """The streams in a store, oldest first."""
    from rich.console import Console
    from rich.table import Table

    from ...sinks.store_file import reading

    with reading(file) as store:
        streams = store.streams()
    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in ("stream", "epoch", "events", "visits", "started", "ended"):
        table.add_column(column, justify="right" if column in ("events", "visits") else "left", overflow="fold")
    for stream in streams:
        epochs = f"{stream.first_epoch}" + (f"-{stream.last_epoch}" if stream.last_epoch > stream.first_epoch else "")
        ended = "no: still running, or killed" if stream.ended is None else stream.ended
        table.add_row(
            stream.stream, epochs, str(stream.events), str(stream.visits), stream.started or "", ended, style=None
        )
    Console().print(table, markup=False)


@app.command(short_help="Go through the whole chain.")
def verify(
    file: FileArgument,
    head: Annotated[
        str | None,
        typer.Option("--head", metavar="HASH", help="A hash noted earlier that the chain must still contain."),
    ] = None,
) -> None:
    """Go through the whole chain; print its newest hash, or the first record that does not fit (exit code 1)."""
    from ... import FetalStreamError
    from ...sinks.store_file import reading

    count, epochs, newest, met = 0, 0, "", False
    with reading(file) as store:
        for record in store.checked_records():
            newest = record.hash.hex()
            count, epochs, met = count + 1, record.epoch + 1, met or newest == head
    if head is not None and not met:
        raise FetalStreamError(
            f"{file}: the chain is whole but holds no hash {head}: its end was cut off or it is another"
        )
    typer.echo(f"{file}: {count} events in {epochs} epochs, chain whole" + (f", head {newest}" if newest else ""))


@app.command(short_help="As a Parquet table (extra: parquet).")
def export(
    file: FileArgument,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The Parquet file to write.")],
) -> None:
    """Write a store as a Parquet table (extra: parquet), one row per event; the chain is checked on the way."""
    from ...sinks.parquet import export as write_parquet
    from ...sinks.store_file import reading

    with reading(file) as store:
        rows = write_parquet(store, out)
    typer.echo(f"{out}: {rows} events")
