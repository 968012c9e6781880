"""The law of Ctrl-C: it ends a command, whatever it meets."""

import signal
from contextlib import suppress

import pytest

from fetalstream.pipeline.cli.signals import draining, remembering


def test_a_ctrl_c_that_something_has_swallowed_ends_the_command_all_the_same():
    before = signal.getsignal(signal.SIGINT)
    with remembering() as wish:
        wish.check()
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            wish.check()
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_ends_in_order_and_any_further_one_now(number: signal.Signals):
    calls: list[str] = []
    before = signal.getsignal(number)
    with draining(lambda: calls.append("stop"), lambda: calls.append("cancel")):
        for _ in range(3):
            signal.raise_signal(number)
    assert calls == ["stop", "cancel", "cancel"]
    assert signal.getsignal(number) is before
