"""Model cards: what stands beside every head file that a command here makes, in the same words and order."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ... import __version__
from ..encoder import ModelError
from ..files import sha256_of
from ..whole import whole_file

RESEARCH_USE = "Research use only. Not a medical device."


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What a card says; all in Markdown.

    Attributes:
        title: what the head is, as "linear probe".
        what: what it does, one sentence.
        facts: rows of the table on top; the encoder with its hash is one of them.
        data: what it was made from, by class and patient where it has classes (`data_table`).
        results: figures with their intervals, and on whom.
        limits: what they do not say.
    """

    title: str
    what: str
    facts: Mapping[str, str]
    data: str
    results: str
    limits: str


def write_card(head_file: Path, card: Card) -> Path:
    """Writes the card of a head file beside it, as ``.md``, with the file's own hash and the date; returns its path.

    Raises:
        ModelError: it cannot be written, or would take the place of the head.
    """
    path = head_file.with_suffix(".md")
    if path == head_file:
        raise ModelError(f"{path} holds the head: its card, of the same name, is not written")
    with whole_file(path) as file:
        file.write(card_text(head_file, card).encode())
    return path


def card_text(head_file: Path, card: Card) -> str:
    """The card in Markdown."""
    made = f"{time.strftime('%Y-%m-%d', time.gmtime())} with fetalstream {__version__}"
    facts = {"file": f"`{head_file.name}`, sha256 `{sha256_of(head_file)}`", "made": made, **card.facts}
    table = "\n".join(f"| {name} | {fact} |" for name, fact in facts.items())
    sections = {"Data": card.data, "Results": card.results, "What it can't do": card.limits}
    body = "\n".join(f"## {name}\n\n{text.strip()}\n" for name, text in sections.items())
    return f"# Model card: {card.title}\n\n{card.what} **{RESEARCH_USE}**\n\n| | |\n| --- | --- |\n{table}\n\n{body}"


def data_table(counts: Mapping[str, tuple[int, int]]) -> str:
    """Class -> (pictures, patients), as a table."""
    rows = {label: (str(pictures), str(patients)) for label, (pictures, patients) in counts.items()}
    return figure_table(("class", "pictures", "patients"), rows)


def figure_table(head: Sequence[str], rows: Mapping[str, Sequence[str]]) -> str:
    """A table whose first column is left-aligned and whose others hold figures."""
    lines = [head, ("---", *["---:"] * (len(head) - 1)), *((f"`{name}`", *cells) for name, cells in rows.items())]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
