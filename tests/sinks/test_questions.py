import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetalstream.sinks import SinkError
from fetalstream.sinks.questions import (
    Answer,
    Question,
    decode_answer,
    decode_question,
    encode_answer,
    encode_question,
)

QUESTION = Question(ask="replay", topics=("plane.",), epoch="e", first={"plane.left": 3}, number=7)
ANSWER = Answer(answer="replay", epoch="e", next={"plane.left": 9}, more=True, number=7)


def test_what_is_asked_and_answered_arrives():
    assert decode_question(encode_question(QUESTION)) == QUESTION
    messages = [(b"t", b"h", b"b"), (b"u", b"i", b"c")]
    answer, arrived = decode_answer(encode_answer(ANSWER, messages))
    assert answer == ANSWER
    assert list(map(tuple, arrived)) == messages


def test_little_need_be_said():
    assert decode_question(b'{"ask": "snapshot"}') == Question(ask="snapshot", topics=("",))


@pytest.mark.parametrize(
    "part",
    [
        b"",
        b"{}",
        b'{"ask": "everything"}',
        b'{"ask": "snapshot", "topics": "plane."}',
        b'{"ask": "snapshot", "topics": ["%s"]}' % (b"x" * 65),
        b'{"ask": "snapshot", "topics": [%s]}' % b",".join([b'"a"'] * 33),
        b'{"ask": "replay", "first": {"a": -1}}',
        b'{"ask": "replay", "first": {"a": 99999999999999999999}}',
        b'{"ask": "replay", "first": {"a": 1.5}}',
        b'{"ask": "replay", "epoch": "%s"}' % (b"e" * 65),
        b'{"ask": "snapshot"}' + b" " * 5000,
        b"[" * 4000,
        b"\xff\xfe",
    ],
)
def test_what_is_no_question_is_refused_in_one_line(part):
    with pytest.raises(SinkError) as caught:
        decode_question(part)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("parts", [[], [b"{}"], [b"{}", b"t"], [b'{"answer":"replay"}', b"t", b"h", b"b"], [b"x"] * 4])
def test_what_is_no_answer_is_refused(parts):
    with pytest.raises(SinkError):
        decode_answer(parts)


@given(st.binary(max_size=300))
def test_random_bytes_are_neither(part):
    for decode in (decode_question, lambda part: decode_answer([part])):
        with pytest.raises(SinkError):
            decode(part)


@given(st.data())
def test_torn_questions_and_answers_are_read_or_refused(data):
    for whole, decode in (
        (encode_question(QUESTION), decode_question),
        (encode_answer(ANSWER, [])[0], lambda p: decode_answer([p])),
    ):
        place = data.draw(st.integers(0, len(whole) - 1))
        torn = whole[:place] + data.draw(st.binary(max_size=3)) + whole[place + 1 :]
        with contextlib.suppress(SinkError):
            decode(torn)
