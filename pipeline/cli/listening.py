"""``fetalstream listen``: a subscriber that prints."""

import sys

import msgspec
from rich.console import Console

from ...sinks.client import Client, Gap
from ...sinks.console import line_of

POLL_SECONDS = 0.5


def listen_to(endpoint: str, *, topics: tuple[str, ...], as_json: bool, count: int | None) -> None:
    """Print events until ``count`` have come or the user ends it; gaps go to standard error."""
    errors = Console(stderr=True)
    if sys.stderr.isatty():
        errors.print(f"listening to {endpoint} (Ctrl-C ends)", style="dim")
    received = 0
    with Client(endpoint, topics=topics) as client:
        while count is None or received < count:
            item = client.receive(timeout_seconds=POLL_SECONDS)
            if item is None:
                continue
            if isinstance(item, Gap):
                errors.print(f"gap: {item}", style="yellow")
                continue
            text = msgspec.json.encode(item).decode() if as_json else line_of(item)
            print(text, flush=True)  # noqa: T201 - this command's output
            received += 1
