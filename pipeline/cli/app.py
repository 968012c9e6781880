"""The ``fetalstream`` command. Nothing heavy is imported before a command runs, so that ``--help`` is instant."""

import sys

import typer

from ... import FetalStreamError, __version__
from . import bus, doctor, embed, evaluate, lab, live, pacs, protocols, report, store, study, train

app = typer.Typer(
    name="fetalstream",
    help="Real-time fetal ultrasound video analysis around FetalCLIP. Research use only: not a medical device.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # to draw help in boxes costs more time than everything else in it
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(short_help="Scan a simulated fetus with the embedded model.")(live.demo)
app.command("live", short_help="Follow a live source; events over ZeroMQ, a page.")(live.live)
app.command(short_help="Print events as they are published.")(live.listen)
app.command(short_help="Go through recorded cines, every frame.")(study.review)
app.command(short_help="Make a page to read of each study.")(report.report)
app.command(short_help="Would a live run work here? What to do when not.")(doctor.doctor)
app.command(short_help="Embed frames, for `train probe`.")(embed.embed)
app.add_typer(lab.weights_app, name="weights", short_help="Weight files: known, here, fitting?")
app.add_typer(lab.bench_app, name="bench", short_help="Speed, as ratios against a baseline.")
app.add_typer(store.app, name="store", short_help="Event stores: list, verify, export.")
app.add_typer(bus.events_app, name="events", short_help="What events look like on the wire.")
app.add_typer(bus.keys_app, name="keys", short_help="Keys for events that leave this machine.")
app.add_typer(pacs.app, name="dicom", short_help="Results as DICOM objects, to an archive.")
app.add_typer(protocols.app, name="protocols", short_help="The views a scan should show.")
app.add_typer(evaluate.app, name="evaluate", short_help="Models against pictures whose truth is known.")
app.add_typer(train.app, name="train", short_help="Train the compact model, probes and heads.")


@app.callback(invoke_without_command=True)
def _root(version: bool = typer.Option(False, "--version", help="Print the version and end.")) -> None:
    if version:
        typer.echo(f"fetalstream {__version__}")
        raise typer.Exit


def main() -> None:
    """Entry point: errors made on purpose become one line and exit code 1, Ctrl-C becomes 130."""
    _hide_logins()
    try:
        app()
    except FetalStreamError as error:
        typer.secho(f"error: {error}", fg="red", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output has gone, as with `| head`
        sys.stderr.close()
        sys.exit(141)


def _hide_logins() -> None:
    """Before anything else: the model takes seconds to load, and `ps` shows our arguments to everybody."""
    for argument in sys.argv[1:]:
        if "://" in argument:
            from ...sources.credentials import hide_in_process_title

            hide_in_process_title(argument)
