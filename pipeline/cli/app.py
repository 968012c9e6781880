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
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(live.demo)
app.command("live")(live.live)
app.command()(live.listen)
app.command()(study.review)
app.command()(report.report)
app.command()(doctor.doctor)
app.command()(embed.embed)
app.add_typer(lab.weights_app, name="weights")
app.add_typer(lab.bench_app, name="bench")
app.add_typer(store.app, name="store")
app.add_typer(bus.events_app, name="events")
app.add_typer(bus.keys_app, name="keys")
app.add_typer(pacs.app, name="dicom")
app.add_typer(protocols.app, name="protocols")
app.add_typer(evaluate.app, name="evaluate")
app.add_typer(train.app, name="train")


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
