"""Small networks on a CPU: pictures side by side, each on one core, instead of each picture over all cores."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

T = TypeVar("T")
R = TypeVar("R")


class SideBySide:
    """Maps a function over chunks, each in a thread that computes on one core.

    A network of many small layers that is spread over cores waits at each layer's end for the slowest of them; where
    decoding or a browser wants a core too, that is most of the time (``benchmarks/busy_cores.py``). Here nobody waits
    before the last chunk, and a single chunk stays on one core. As many threads work as torch would use in the calling
    one (`torch.get_num_threads`); if that is one, the caller works.
    """

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None
        self._count = 0

    def map(self, function: Callable[[T], R], chunks: Sequence[T]) -> list[R]:
        """What the function gives for each chunk, in their order; raises what it raises. For one thread at a time."""
        count = torch.get_num_threads()
        if count == 1:
            return [function(chunk) for chunk in chunks]
        if self._pool is None or self._count != count:
            if self._pool is not None:
                self._pool.shutdown()
            self._count = count
            self._pool = ThreadPoolExecutor(
                count, thread_name_prefix="encode", initializer=torch.set_num_threads, initargs=(1,)
            )
        return list(self._pool.map(function, chunks))
