import pytest

from fetalstream.sinks import SinkError
from fetalstream.sinks.testing import ListSink


def test_a_list_keeps_events_in_order_until_it_is_closed(story):
    sink = ListSink()
    for event in story("s"):
        sink.write(event)
    sink.close()
    sink.close()
    assert sink.events == story("s")
    with pytest.raises(SinkError, match="is closed"):
        sink.write(story("s")[0])
