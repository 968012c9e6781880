"""The law of the chain: every record vouches for all before it."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetalstream.sinks.chain import ChainError, Record, beginning, checked, follow

IDENTITY = "0" * 32


def chain_of(events: list[bytes], epochs: list[int]) -> list[Record]:
    records: list[Record] = []
    for event, epoch in zip(events, epochs, strict=True):
        last = records[-1].link if records else beginning(IDENTITY)
        records.append(follow(last, epoch=epoch, event=event))
    return records


def check(records: list[Record]) -> list[Record]:
    return list(checked(records, beginning(IDENTITY)))


def test_the_hash_is_what_the_docstring_says():
    first, second = chain_of([b'{"a":1}', "ü".encode()], [0, 1])
    start = hashlib.sha256(b"fetalstream store 1 " + b"0" * 32).digest()
    expected_first = hashlib.sha256(start + bytes(8) + bytes(8) + b'{"a":1}').digest()
    expected_second = hashlib.sha256(expected_first + bytes(7) + b"\1" + bytes(7) + b"\1" + b"\xc3\xbc").digest()
    assert (first.hash, second.hash) == (expected_first, expected_second)


def test_a_whole_chain_comes_through_unchanged():
    records = chain_of([b"a", b"b", b"c"], [0, 0, 1])
    assert check(records) == records
    assert check([]) == []


RECORDS = chain_of([b"a", b"b", b"c", b"d"], [0, 0, 1, 1])


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([RECORDS[0], RECORDS[1]._replace(event=b"B"), *RECORDS[2:]], "record 1 (epoch 0) does not fit its hash"),
        ([RECORDS[0], *RECORDS[2:]], "record 1 is missing, 2 comes in its place"),
        (RECORDS[1:], "record 0 is missing"),
        ([RECORDS[0], RECORDS[2], RECORDS[1], RECORDS[3]], "record 1 is missing"),
        ([*RECORDS[:2], RECORDS[2]._replace(epoch=0), RECORDS[3]], "record 2 (epoch 0) does not fit its hash"),
        ([*RECORDS[:2], RECORDS[2]._replace(epoch=7)], "record 2 is of epoch 7, the one before of 0"),
        ([RECORDS[0]._replace(hash=bytes(32))], "record 0 (epoch 0) does not fit its hash"),
        ([RECORDS[0]._replace(hash=None)], "record 0 (epoch 0) does not fit its hash"),
        ([*RECORDS, RECORDS[3]], "record 4 is missing"),
    ],
    ids=[
        "changed",
        "taken out",
        "beginning cut",
        "swapped",
        "epoch changed",
        "epoch jumps",
        "hash",
        "no hash",
        "twice",
    ],
)
def test_the_first_record_that_does_not_fit_is_named(records: list[Record], said: str):
    with pytest.raises(ChainError) as refusal:
        check(records)
    assert said in str(refusal.value)


def test_another_stores_records_do_not_fit():
    with pytest.raises(ChainError):
        list(checked(RECORDS, beginning("1" * 32)))


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=6), st.data())
def test_no_single_change_of_an_event_goes_unnoticed(events: list[bytes], data: st.DataObject):
    records = chain_of(events, [0] * len(events))
    at = data.draw(st.integers(0, len(events) - 1))
    other = data.draw(st.binary(max_size=20).filter(lambda event: event != events[at]))
    records[at] = records[at]._replace(event=other)
    with pytest.raises(ChainError, match=f"record {at} "):
        check(records)
