import numpy as np
import pytest

from fetalstream.sources.stale import StaleCheck

ONE = np.full((48, 64, 3), 10, np.uint8)
OTHER = ONE.copy()
OTHER[17, 3, 1] = 11  # one value in a row that a coarse look leaves out


@pytest.mark.parametrize(
    ("second", "stamps", "waited_seconds", "old"),
    [
        (ONE, (None, None), 0.04, False),  # frozen, over a digital cable
        (ONE, (1.0, 1.04), 0.04, False),  # frozen, and the driver says it is new
        (ONE, (1.0, 1.0), 0.04, True),  # the driver gives the same buffer again
        (ONE, (None, None), 10.0, True),  # the driver's time-out
        (ONE, (1.0, 11.0), 10.0, True),
        (OTHER, (None, None), 10.0, False),  # slow, but new
        (OTHER, (1.0, 1.0), 0.04, False),  # a driver whose stamps stand still
        (ONE[:24], (1.0, 1.0), 0.04, False),  # another size
    ],
)
def test_an_old_buffer_is_told_from_a_picture_that_stands_still(
    second: np.ndarray, stamps: tuple[float | None, float | None], waited_seconds: float, old: bool
):
    check = StaleCheck()
    assert not check.is_old(ONE, stamp_seconds=stamps[0], waited_seconds=0.04)
    assert check.is_old(second.copy(), stamp_seconds=stamps[1], waited_seconds=waited_seconds) is old


def test_the_first_picture_is_new_however_long_it_took():
    assert not StaleCheck().is_old(ONE, stamp_seconds=None, waited_seconds=30.0)
