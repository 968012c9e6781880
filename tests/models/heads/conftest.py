"""What tests of heads share."""

from collections.abc import Iterator

import pytest
from threadpoolctl import threadpool_limits  # comes with scikit-learn

from fetalstream.models.train.threads import one_thread


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Heads are small: threads would wait for each other, and for whoever else uses the machine."""
    with one_thread(), threadpool_limits(1, user_api="blas"):
        yield
