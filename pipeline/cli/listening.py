"""``fetalstream listen``: a subscriber that prints."""

import sys
from contextlib import closing

import msgspec
from rich.console import Console

from ...sinks import AnyEvent
from ...sinks.client import Client
from ...sinks.notice import Gap, Joined, Lagging, Notice, Restarted, Silent
from ...sinks.text import line_of

POLL_SECONDS = 0.5


def listen_to(client: Client, *, as_json: bool, count: int | None) -> None:
    """Print events until ``count`` have come or the user ends it; what is not there is said on standard error.

    Takes the client over and closes it.
    """
    errors = Console(stderr=True, highlight=False)
    if sys.stderr.isatty():
        errors.print(f"listening to {client.endpoint}; Ctrl-C ends", style="dim")
    shown = 0
    with closing(client):
        while count is None or shown < count:
            received = client.receive(timeout_seconds=POLL_SECONDS)
            if isinstance(received, Notice):
                if said := _said(received):
                    errors.print(said, style="yellow", soft_wrap=True, markup=False)
                state = received.events if isinstance(received, Joined) else ()
                for event in state[: None if count is None else count - shown]:
                    _print(event, as_json=as_json)
                    shown += 1
            elif received is not None:
                _print(received, as_json=as_json)
                shown += 1


def _print(event: AnyEvent, *, as_json: bool) -> None:
    text = msgspec.json.encode(event).decode() if as_json else line_of(event)
    print(text, flush=True)  # noqa: T201 - this command's output


def _said(what: Notice) -> str:
    match what:
        case Joined(before=before, events=events):
            total = sum(before.values())
            return f"joined after {total} events; the last of each kind follow ({len(events)})" if total else ""
        case Gap(topic=topic, missing=missing, first_sequence=first):
            return f"{missing} x {topic} missed for good, from number {first} on"
        case Restarted(epoch=epoch):
            return f"another publisher answers (epoch {epoch}); what the last one sent at its end may be missing"
        case Lagging(seconds=seconds):
            return f"behind by {seconds:.1f} s"
        case Silent(endpoint=endpoint, seconds=seconds):
            return f"no sign of life from {endpoint} for {seconds:.0f} s: nobody publishes there, or a key does not fit"
        case _:
            return "the publisher does not answer requests: what is missed cannot be got back"
