from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetalstream.sinks.continuity import Continuity, LagWatch
from fetalstream.sinks.notice import Gap, Lagging, Notice, Restarted


def gap(topic: str, epoch: str, first: int, missing: int) -> Gap:
    return Gap(topic=topic, epoch=epoch, first_sequence=first, missing=missing)


def restarted(epoch: str, previous: str, **received: int) -> Restarted:
    return Restarted(epoch=epoch, previous_epoch=previous, received=received)


@pytest.mark.parametrize(
    ("messages", "found"),
    [
        ([("a", "e1", 0), ("a", "e1", 1), ("b", "e1", 0)], []),
        ([("a", "e1", 3)], [gap("a", "e1", 0, 3)]),
        ([("a", "e1", 0), ("a", "e1", 5)], [gap("a", "e1", 1, 4)]),
        ([("a", "e1", 5), ("a", "e1", 3), ("a", "e1", 6)], [gap("a", "e1", 0, 5)]),
        ([("a", "e1", 0), ("a", "e2", 0)], [restarted("e2", "e1", a=1)]),
        ([("a", "e1", 0), ("a", "e2", 2)], [restarted("e2", "e1", a=1), gap("a", "e2", 0, 2)]),
        ([("a", "e1", 0), ("b", "e2", 0), ("a", "e2", 0)], [restarted("e2", "e1", a=1)]),
    ],
)
def test_gaps_and_restarts_are_found_and_none_invented(messages, found):
    continuity = Continuity()
    seen: list[Notice] = []
    for topic, epoch, sequence in messages:
        seen += continuity.meet(epoch)
        seen += continuity.give_up({topic: sequence})
        continuity.arrived(topic, sequence)
    assert seen == found


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 40))))
def test_every_number_is_counted_once_as_arrived_or_as_missing(messages):
    continuity = Continuity()
    continuity.meet("e")
    accounted: dict[str, list[int]] = {"a": [], "b": []}
    for topic, sequence in messages:
        for found in continuity.give_up({topic: sequence}):
            assert isinstance(found, Gap)
            accounted[found.topic] += range(found.first_sequence, found.first_sequence + found.missing)
        if continuity.arrived(topic, sequence):
            accounted[topic].append(sequence)
    for topic, numbers in accounted.items():
        assert numbers == list(range(max((n for t, n in messages if t == topic), default=-1) + 1))


def lags(watch: LagWatch, ages: Sequence[tuple[float, float]], *, offset_seconds: float = 0.0) -> list[float]:
    """What is said of messages read at a time (seconds) with an age; ``offset_seconds`` between both clocks."""
    said = []
    for read, age in ages:
        published = read - age + offset_seconds
        found = watch.check(published_ns=round(published * 1e9), read_ns=round(read * 1e9))
        said.append(found.seconds if isinstance(found, Lagging) else 0.0)
    return said


def test_lagging_is_told_once_until_the_reader_has_caught_up():
    ages = [(10, 0.1), (11, 0.9), (12, 1.1), (13, 9.0), (14, 0.6), (15, 1.2), (16, 0.4), (17, 1.5)]
    assert lags(LagWatch(1.0, shared_clock=True), ages) == [0, 0, 1.1, 0, 0, 0, 0, 1.5]


@pytest.mark.parametrize("offset_seconds", [-1e6, 0.0, 1e6])
def test_between_machines_the_most_punctual_message_is_the_measure(offset_seconds):
    ages = [(10, 0.1), (11, 0.05), (12, 1.06), (13, 0.05)]
    watch = LagWatch(1.0, shared_clock=False)
    assert lags(watch, ages, offset_seconds=offset_seconds) == [0, 0, pytest.approx(1.01, abs=0.002), 0]


@pytest.mark.parametrize("drift", [-5e-5, 5e-5])
def test_clocks_that_drift_apart_are_no_lag(drift):
    watch = LagWatch(1.0, shared_clock=False)
    ages = [(float(second), 0.01 + second * drift) for second in range(0, 10 * 86_400, 60)]
    assert set(lags(watch, ages)) == {0.0}


def test_another_publisher_has_another_clock():
    watch = LagWatch(1.0, shared_clock=False)
    assert lags(watch, [(10, 0.0)]) == [0]
    watch.restart()
    assert lags(watch, [(11, 0.0)], offset_seconds=-5000) == [0]
