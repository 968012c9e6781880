"""``fetalstream listen``: a subscriber that prints."""

import sys
from contextlib import closing

import msgspec
from rich.console import Console

from ...sinks.client import Client, Gap, Restarted
from ...sinks.text import line_of

POLL_SECONDS = 0.5


def listen_to(endpoint: str, *, topics: tuple[str, ...], as_json: bool, count: int | None) -> None:
    """Print events until ``count`` have come or the user ends it; what was missed is said on standard error."""
    errors = Console(stderr=True, highlight=False)
    if sys.stderr.isatty():
        errors.print(f"listening to {endpoint}; Ctrl-C ends", style="dim")
    shown = 0
    with closing(Client(endpoint, topics=topics)) as client:
        while count is None or shown < count:
            received = client.receive(timeout_seconds=POLL_SECONDS)
            if received is None:
                continue
            if isinstance(received, Gap | Restarted):
                errors.print(_missed(received), style="yellow", soft_wrap=True)
                continue
            text = msgspec.json.encode(received).decode() if as_json else line_of(received)
            print(text, flush=True)  # noqa: T201 - this command's output
            shown += 1


def _missed(what: Gap | Restarted) -> str:
    if isinstance(what, Restarted):
        return f"another publisher answers (epoch {what.epoch}); what the last one sent at its end may be missing"
    when = "before this listener joined" if what.first_sequence == 0 else f"from number {what.first_sequence} on"
    return f"{what.missing} x {what.topic} missed, {when}"
