import logging

from fetalstream.sinks.complaints import Complaints


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_first_is_told_at_once_and_ten_thousand_more_in_one_line(caplog):
    clock = Clock()
    complaints = Complaints("tcp://here", quiet_seconds=10, clock_seconds=clock)
    for _ in range(10_001):
        complaints.add("somebody knocks", "with a hammer")
        complaints.flush()
    assert caplog.messages == ["tcp://here: somebody knocks (with a hammer)"]
    clock.now = 10.0
    complaints.flush()
    complaints.flush()
    assert caplog.messages[1:] == ["tcp://here: somebody knocks, 10000 times more"]
    complaints.add("somebody knocks")
    complaints.flush(everything=True)
    assert caplog.messages[2:] == ["tcp://here: somebody knocks, 1 times more"]
    clock.now = 30.0
    complaints.add("somebody knocks")
    assert len(caplog.messages) == 4


def test_one_kind_does_not_silence_another(caplog):
    complaints = Complaints("x", clock_seconds=Clock())
    complaints.add("a")
    complaints.add("b")
    assert len(caplog.messages) == 2


def test_what_comes_from_outside_cannot_forge_lines_or_fill_disks(caplog):
    Complaints("x").add("noise", "a\nWARNING all is well \x1b[2J" + "y" * 10_000)
    (message,) = caplog.messages
    assert "\n" not in message
    assert "\x1b" not in message
    assert len(message) < 300
    assert caplog.records[0].levelno == logging.WARNING
