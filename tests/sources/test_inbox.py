import threading
import time

from fetalstream.sources.inbox import Inbox


def test_of_pictures_only_the_newest_waits():
    inbox: Inbox[str] = Inbox()
    inbox.listen_to("a")
    for name in ("one", "two", "three"):
        assert inbox.put(name, sender="a", replaceable=True)
    assert [inbox.take(0), inbox.take(0)] == ["three", None]


def test_notices_stay_in_their_place_between_the_pictures():
    inbox: Inbox[str] = Inbox()
    inbox.listen_to("a")
    for name in ("picture 1", "picture 2", "notice", "picture 3", "picture 4"):
        inbox.put(name, sender="a", replaceable=name.startswith("picture"))
    assert [inbox.take(0) for _ in range(4)] == ["picture 2", "notice", "picture 4", None]


def test_who_is_not_listened_to_is_told_so():
    inbox: Inbox[str] = Inbox()
    assert not inbox.put("early", sender="a")
    inbox.listen_to("a")
    inbox.put("forgotten", sender="a")
    inbox.listen_to("b")
    assert not inbox.put("late", sender="a")
    assert inbox.is_empty
    assert inbox.put("new", sender="b")
    assert inbox.take(0) == "new"


def test_closing_wakes_who_waits():
    inbox: Inbox[str] = Inbox()
    inbox.listen_to("a")
    threading.Timer(0.05, inbox.close).start()
    began = time.monotonic()
    assert inbox.take(30) is None
    assert time.monotonic() - began < 5
    assert not inbox.put("late", sender="a")
