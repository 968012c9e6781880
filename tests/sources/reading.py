"""Reading a live source as far as a test wants."""

from collections.abc import Callable

from fetalstream.sources import Item
from fetalstream.sources.live import LiveSource


def read_until(source: LiveSource, done: Callable[[Item], bool]) -> list[Item]:
    """Opens, reads until an item is the one looked for, closes."""
    source.open()
    items: list[Item] = []
    for item in source.items():
        items.append(item)
        if done(item):
            break
    source.close()
    return items
