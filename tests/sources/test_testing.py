import numpy as np
import pytest

from fetalstream.sources import Frame, Picture, SourceError, SourceState, StateChange
from fetalstream.sources.testing import ListSource


def frame(index: int) -> Frame:
    picture = Picture.of(np.zeros((2, 2), np.uint8))
    return Frame(index=index, pts_seconds=index / 10, captured_ns=0, picture=picture)


def test_a_list_is_a_source_between_running_and_ended():
    source = ListSource([frame(0), frame(1)])
    assert source.open().name == "list"
    first, *frames, last = source.items()
    assert (first, last) == (StateChange(SourceState.RUNNING), StateChange(SourceState.ENDED))
    assert [item.index for item in frames if isinstance(item, Frame)] == [0, 1]


def test_a_failure_among_the_items_is_the_last_one():
    failed = StateChange(SourceState.FAILED, "unplugged")
    first = frame(0)
    source = ListSource([first, failed, frame(1)])
    source.open()
    assert list(source.items()) == [StateChange(SourceState.RUNNING), first, failed]


def test_closing_ends_the_iteration():
    source = ListSource(frame(index) for index in range(1_000_000_000))
    source.open()
    items = source.items()
    next(items)
    next(items)
    source.close()
    assert [item.state for item in items if isinstance(item, StateChange)] == [SourceState.ENDED]


def test_a_list_that_is_not_open_is_refused():
    with pytest.raises(SourceError, match="is not open"):
        next(iter(ListSource([]).items()))
