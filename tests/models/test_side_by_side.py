"""The law of chunks side by side: order kept, one core each, errors come out."""

import threading

import pytest
import torch

from fetalstream.models.side_by_side import SideBySide


@pytest.fixture(autouse=True)
def _cores():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_answers_come_in_the_order_of_the_chunks_and_each_worker_has_one_core():
    both_here = threading.Barrier(2, timeout=30)

    def work(chunk: int) -> tuple[int, int]:
        both_here.wait()  # passes only when two work at the same time
        return chunk, torch.get_num_threads()

    assert SideBySide().map(work, [3, 1, 4, 2]) == [(3, 1), (1, 1), (4, 1), (2, 1)]


def test_a_single_chunk_has_one_core_too():
    assert SideBySide().map(lambda _: torch.get_num_threads(), [1]) == [1]


def test_where_there_is_one_core_the_caller_works():
    here = threading.current_thread()
    torch.set_num_threads(1)
    assert SideBySide().map(lambda _: threading.current_thread() is here, [1, 2]) == [True, True]


def test_the_callers_number_of_cores_is_left_as_it_was():
    SideBySide().map(abs, [1, 2, 3])
    assert torch.get_num_threads() == 2


def test_what_fails_in_a_worker_fails_in_the_caller():
    with pytest.raises(ZeroDivisionError):
        SideBySide().map(lambda chunk: 1 / chunk, [1, 0])


def test_more_cores_than_before_are_used_from_then_on():
    subject = SideBySide()
    subject.map(abs, [1, 2])
    torch.set_num_threads(3)
    meet = threading.Barrier(3, timeout=30)
    assert len(subject.map(lambda _: meet.wait(), [1, 2, 3])) == 3
