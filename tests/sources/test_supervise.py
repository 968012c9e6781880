import pytest

from fetalstream.sources import SourceError, SourceState, StateChange
from fetalstream.sources.supervise import Order, Patience, Step, Supervisor

PATIENCE = Patience(open_seconds=5, stall_seconds=0.8, silence_seconds=3, retry_seconds=0.8, refused_seconds=10)
RUNNING, STALLED = SourceState.RUNNING, SourceState.STALLED
RECONNECTING, FAILED = SourceState.RECONNECTING, SourceState.FAILED


def supervisor(patience: Patience = PATIENCE, *, draw: float = 0.0) -> Supervisor:
    return Supervisor(patience, now=100.0, draw=lambda: draw)


def told(steps: list[Step]) -> list[SourceState | Order]:
    return [step.state if isinstance(step, StateChange) else step for step in steps]


def test_a_source_that_sends_is_left_alone():
    machine = supervisor()
    for frame in range(100):
        now = 100 + frame / 25
        assert machine.frame(now) == []
        assert machine.tick(now + 0.03) == []
    assert (machine.state, machine.epoch) == (RUNNING, 0)


def test_silence_stalls_then_gives_the_connection_up_then_connects():
    machine = supervisor()
    assert told(machine.tick(100.79)) == []
    assert told(machine.tick(100.8)) == [STALLED]
    assert told(machine.tick(102.9)) == []
    assert told(machine.tick(103.0)) == [Order.DROP, RECONNECTING]
    assert told(machine.tick(103.01)) == []
    assert told(machine.tick(103.05)) == [Order.CONNECT]


def test_a_stalled_source_that_sends_again_runs_in_the_same_epoch():
    machine = supervisor()
    machine.tick(101)
    assert machine.frame(102) == [StateChange(RUNNING, "pictures come again after 2.0 s")]
    assert machine.epoch == 0


def test_a_lost_connection_is_stalled_and_reconnecting_at_once_with_its_reason():
    machine = supervisor()
    assert machine.lost(100.1, "the cable is out") == [
        StateChange(STALLED, "the cable is out"),
        StateChange(RECONNECTING, "the cable is out"),
    ]


def test_each_new_connection_is_a_new_epoch_from_its_first_picture_on():
    machine = supervisor()
    for epoch in (1, 2, 3):
        machine.lost(100 + epoch, "gone")
        assert machine.epoch == epoch - 1
        machine.tick(100.5 + epoch)
        assert told(machine.frame(100.6 + epoch)) == [RUNNING]
        assert machine.epoch == epoch


def pauses(*, draw: float, refused: bool = False) -> list[float]:
    """Between attempts that fail at once."""
    machine, now, found = supervisor(draw=draw), 100.0, list[float]()
    machine.lost(now, "gone")
    for _ in range(8):
        pause = machine.wait_seconds(now)
        assert machine.tick(now + pause - 0.001) == []
        now += pause
        assert told(machine.tick(now)) == [Order.CONNECT]
        machine.lost(now, "gone", refused=refused)
        found.append(round(pause, 4))
    return found


def test_pauses_between_attempts_double_up_to_the_longest():
    assert pauses(draw=0.0) == [0.05, 0.1, 0.2, 0.4, 0.8, 0.8, 0.8, 0.8]


def test_chance_shortens_a_pause_by_half_at_most():
    assert pauses(draw=1.0) == [0.025, 0.05, 0.1, 0.2, 0.4, 0.4, 0.4, 0.4]


def test_pauses_are_short_again_after_a_success():
    machine = supervisor()
    for number in range(6):
        machine.lost(100 + number, "gone")
        machine.tick(100.9 + number)
    machine.frame(107)
    machine.lost(108, "gone")
    assert machine.wait_seconds(108) == pytest.approx(0.05)


def test_who_is_refused_asks_rarely():
    assert pauses(draw=0.0, refused=True)[1:] == [10.0] * 7


def test_an_attempt_that_brings_no_picture_is_dropped_at_its_deadline():
    machine = supervisor()
    machine.lost(100, "gone")
    machine.tick(100.05)
    assert machine.wait_seconds(100.05) == 5
    assert told(machine.tick(105.04)) == []
    assert told(machine.tick(105.05)) == [Order.DROP, RECONNECTING]


def test_a_reason_is_told_once_and_a_new_one_again():
    machine = supervisor()
    machine.lost(100, "refused")
    reasons = ["refused", "refused", "unknown host", "unknown host", "refused"]
    found: list[str] = []
    for number, reason in enumerate(reasons):
        machine.tick(101.0 + number)
        found += [step.reason for step in machine.lost(101.1 + number, reason) if isinstance(step, StateChange)]
    assert found == ["unknown host", "refused"]


def test_a_source_is_tried_for_ever_unless_it_may_be_lost():
    machine = supervisor()
    machine.lost(100, "gone")
    for hour in range(1000):
        assert FAILED not in told(machine.tick(100 + 3600 * hour))


def test_a_source_that_may_be_lost_fails_with_the_last_reason():
    machine = supervisor(Patience(lost_seconds=60))
    machine.lost(100, "the cable is out")
    assert machine.wait_seconds(159.99) <= 0.01
    steps = machine.tick(160)
    assert steps == [Order.DROP, StateChange(FAILED, "no picture for 60 s: the cable is out")]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"open_seconds": 0.0}, "open_seconds=0 is out of range; allowed: 0.05 to 3600"),
        ({"stall_seconds": float("nan")}, "stall_seconds=nan is out of range"),
        ({"stall_seconds": 5.0, "silence_seconds": 3.0}, "silence_seconds=3 is below stall_seconds=5"),
        ({"lost_seconds": -1.0}, "lost_seconds=-1 is out of range; allowed: above 0"),
    ],
)
def test_impossible_patience_is_refused_with_what_was_allowed(options: dict[str, float], words: str):
    with pytest.raises(SourceError, match=words.replace(".", r"\.")):
        Patience(**options)
