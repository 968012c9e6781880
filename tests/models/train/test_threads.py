"""The law of training threads: one while it lasts, as many as before afterwards, whatever happens."""

import pytest
import torch

from fetalstream.models.train.threads import one_thread


def test_one_thread_trains_and_the_rest_are_there_again_afterwards() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        with one_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 3
        with pytest.raises(KeyboardInterrupt), one_thread():
            raise KeyboardInterrupt
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
