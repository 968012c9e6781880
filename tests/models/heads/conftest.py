"""What tests of heads share."""

from collections.abc import Iterator

import pytest

from fetalstream.models.train.threads import one_thread


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Heads are small: threads would wait for each other, and for whoever else uses the machine."""
    with one_thread():
        yield
