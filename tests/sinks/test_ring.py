import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetalstream.sinks.ring import Ring, wanted


def parts(topic: str, text: str, size: int = 0) -> tuple[bytes, bytes, bytes]:
    return topic.encode(), text.encode(), bytes(size)


def filled(topics: str, **bounds: int) -> Ring:
    """A message for each letter, whose topic is the letter and whose header tells its place."""
    ring, counts = Ring(**bounds), dict[str, int]()
    for place, topic in enumerate(topics):
        ring.append(topic, "s", counts.get(topic, 0), parts(topic, str(place)))
        counts[topic] = counts.get(topic, 0) + 1
    return ring


def replayed(ring: Ring, topics: list[str], first: dict[str, int], **limits: int) -> tuple[list[int], bool]:
    limits = {"most_messages": 1000, "most_bytes": 10**6} | limits
    messages, more = ring.replay(topics, first, **limits)
    return [int(header) for _, header, _ in messages], more


@pytest.mark.parametrize(
    ("topics", "first", "limit", "places", "more"),
    [
        ([""], {}, 9, [0, 1, 2, 3, 4, 5], False),
        ([""], {"a": 1, "b": 1}, 9, [2, 3, 4, 5], False),
        ([""], {"a": 1, "b": 1}, 2, [2, 3], True),
        ([""], {"a": 3, "b": 2, "c": 1}, 9, [], False),
        ([""], {"a": 99}, 9, [1, 3, 5], False),
        (["a", "c"], {"a": 2}, 9, [4, 5], False),
        (["d"], {}, 9, [], False),
        ([], {}, 9, [], False),
    ],
)
def test_a_replay_gives_what_is_wanted_in_the_order_it_was_sent(topics, first, limit, places, more):
    ring = filled("ababac")
    assert replayed(ring, topics, first, most_messages=limit) == (places, more)


def test_each_topic_has_bounds_of_its_own():
    ring = filled("p" + "s" * 50 + "p", most_messages=10)
    assert replayed(ring, [""], {})[0] == [0, *range(41, 51), 51]


def test_bytes_are_bounded_and_the_newest_stays_however_large():
    ring = Ring(most_bytes=10_000)
    for number in range(100):
        ring.append("t", "s", number, parts("t", str(number), size=1000))
    assert replayed(ring, ["t"], {})[0] == list(range(93, 100))
    ring.append("t", "s", 100, parts("t", "100", size=50_000))
    assert replayed(ring, ["t"], {}) == ([100], False)


def test_an_answer_holds_as_many_bytes_as_fit_and_at_least_one_message():
    ring = Ring()
    for number in range(5):
        ring.append("t", "s", number, parts("t", str(number), size=1000))
    assert replayed(ring, ["t"], {}, most_bytes=3000) == ([0, 1], True)
    assert replayed(ring, ["t"], {}, most_bytes=10) == ([0], True)


def test_a_snapshot_is_the_last_of_each_topic_of_each_stream_in_order():
    ring = Ring()
    for place, (stream, topic) in enumerate([("1", "a"), ("2", "a"), ("1", "b"), ("1", "a"), ("2", "c")]):
        ring.append(topic, stream, place, parts(topic, str(place)))
    assert [header for _, header, _ in ring.snapshot([""])] == [b"1", b"2", b"3", b"4"]
    assert [header for _, header, _ in ring.snapshot(["b", "c"])] == [b"2", b"4"]


def test_a_snapshot_is_bounded_by_forgetting_the_streams_that_have_been_quiet_longest():
    ring = Ring()
    for place in range(100):
        ring.append("a", f"stream {place}", place, parts("a", str(place)))
        ring.append("a", "stream 0", place, parts("a", "again"))
    assert len(ring.snapshot([""])) == 16
    assert ring.snapshot([""])[-1][1] == b"again"


@given(
    topics=st.text("abc", max_size=60),
    most_messages=st.integers(1, 20),
    chunk=st.integers(1, 7),
    start=st.dictionaries(st.sampled_from("abc"), st.integers(0, 30)),
)
def test_replays_in_pieces_give_the_same_as_in_one(topics, most_messages, chunk, start):
    ring = filled(topics, most_messages=most_messages)
    whole, more = replayed(ring, [""], start)
    assert not more
    assert whole == sorted(whole)
    pieces: list[int] = []
    first, more = dict(start), True
    while more:
        piece, more = replayed(ring, [""], first, most_messages=chunk)
        for place in piece:
            first[topics[place]] = topics[: place + 1].count(topics[place])
        pieces += piece
    assert pieces == whole


@pytest.mark.parametrize(
    ("topic", "beginnings", "answer"),
    [("plane.left", ["plane."], True), ("plane.left", [""], True), ("plane.left", ["left"], False), ("a", [], False)],
)
def test_topics_are_wanted_as_with_a_subscription(topic, beginnings, answer):
    assert wanted(topic, beginnings) is answer
