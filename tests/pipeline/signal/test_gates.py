"""The law of the gates: each closes for what it is there for, in its time, and for nothing else."""

import cv2
import numpy as np
import pytest

from fetalstream.pipeline.signal.gates import CLOSING, GateRules, Gates, GateState
from fetalstream.pipeline.signal.glance import Glancer
from fetalstream.sources import Pixels

from ..scenery import SIZE, echoes, glance_at, sector

FPS = 25


def rgb(grey: Pixels) -> Pixels:
    return np.repeat(grey[..., None], 3, axis=2)


def flat(*colour: int) -> Pixels:
    return np.full((*SIZE, 3), colour, dtype=np.uint8)


def bars() -> Pixels:
    picture = np.zeros((*SIZE, 3), dtype=np.uint8)
    colours = ((192,) * 3, (192, 192, 0), (0, 192, 192), (0, 192, 0), (192, 0, 192), (192, 0, 0), (0, 0, 192))
    for k, colour in enumerate(colours):
        picture[:, k * SIZE[1] // 7 : (k + 1) * SIZE[1] // 7] = colour
    picture[SIZE[0] * 3 // 4 :] = 16
    return picture


def worded(picture: Pixels) -> Pixels:
    cv2.putText(picture, "NO SIGNAL", (90, 120), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (230, 230, 230), 2, cv2.LINE_AA)
    return picture


def menu() -> Pixels:
    picture = flat(58, 64, 72)
    for k in range(8):
        cv2.rectangle(picture, (30, 20 + 26 * k), (290, 38 + 26 * k), (92, 98, 108), -1)
        cv2.putText(picture, f"Exam {k}", (40, 34 + 26 * k), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (230, 230, 230), 1)
    return picture


def flow() -> Pixels:
    picture = rgb(echoes(1))
    cv2.ellipse(picture, (160, 120), (24, 12), 30, 0, 360, (220, 50, 0), -1)
    return picture


def split() -> Pixels:
    picture = np.zeros(SIZE, dtype=np.uint8)
    picture[20:220, 5:150] = echoes(1, size=(200, 146))[:, :145]
    picture[20:220, 170:315] = echoes(2, size=(200, 146))[:, :145]
    return rgb(picture)


def tinted() -> Pixels:
    """Sepia: every device offers such maps for grey pictures."""
    return (rgb(echoes(1)) * np.array((1.0, 0.8, 0.55))).astype(np.uint8)


SINGLE = [
    ("echoes", rgb(echoes(1)), GateState.OPEN),
    ("dim echoes", rgb(echoes(1, mean=18)), GateState.OPEN),
    (
        "a cyst that fills half the picture",
        rgb(np.where(np.arange(320) < 160, echoes(1), 0).astype(np.uint8)),
        GateState.OPEN,
    ),
    ("sepia", tinted(), GateState.OPEN),
    ("black", flat(0, 0, 0), GateState.BLACK),
    ("studio black", flat(16, 16, 16), GateState.BLACK),
    ("blue", flat(0, 0, 200), GateState.NO_SIGNAL),
    ("grey", flat(128, 128, 128), GateState.NO_SIGNAL),
    ("words on black", worded(flat(0, 0, 0)), GateState.NO_SIGNAL),
    ("words on blue", worded(flat(0, 0, 200)), GateState.NO_SIGNAL),
    ("test card", bars(), GateState.NO_SIGNAL),
    ("colour Doppler", flow(), GateState.NOT_B_MODE),
    ("menu", menu(), GateState.NOT_B_MODE),
    ("split screen", split(), GateState.NOT_B_MODE),
]


def states(pictures: list[Pixels], rules: GateRules | None = None) -> list[GateState]:
    gates, glancer = Gates(rules or GateRules()), Glancer()
    return [gates.update(k / FPS, 0, glancer.look(picture, None)).state for k, picture in enumerate(pictures)]


@pytest.mark.parametrize(("picture", "state"), [case[1:] for case in SINGLE], ids=[case[0] for case in SINGLE])
def test_what_a_picture_shows_closes_the_gate_after_a_fifth_of_a_second(picture: Pixels, state: GateState):
    seen = states([picture] * 10)
    assert seen[:5] == [GateState.OPEN] * 5
    assert seen[5:] == [state] * 5


@pytest.mark.parametrize("kind", sorted(CLOSING))
def test_a_state_that_is_not_looked_for_is_not_found(kind: GateState):
    pictures = [echoes(3)] * 40 if kind is GateState.FROZEN else next([p] * 10 for _, p, s in SINGLE if s is kind)
    assert states(pictures)[-1] is kind
    assert kind not in states(pictures, GateRules(closing=CLOSING - {kind}))


def test_one_torn_picture_changes_nothing():
    living = [rgb(echoes(seed)) for seed in range(40)]
    for index in (10, 20, 30):
        living[index] = flat(0, 0, 0)
        living[index + 1] = flat(0, 200, 0)
    assert set(states(living)) == {GateState.OPEN}


def test_one_good_picture_between_slates_opens_nothing():
    slates = [flat(0, 0, 200) for _ in range(30)]
    slates[15] = rgb(echoes(1))
    assert set(states(slates)[6:]) == {GateState.NO_SIGNAL}


def test_the_gate_opens_a_tenth_of_a_second_after_the_picture_is_back():
    seen = states([*[flat(0, 0, 0)] * 20, *[rgb(echoes(seed)) for seed in range(20)]])
    assert seen[20 + 2] is GateState.BLACK
    assert seen[20 + 3] is GateState.OPEN


def test_a_new_epoch_and_time_that_falls_start_afresh():
    gates, still = Gates(), glance_at(echoes(1))
    assert [gates.update(k / FPS, 0, still).state for k in range(20)][-1] is GateState.FROZEN
    assert gates.update(21 / FPS, 1, still).state is GateState.OPEN
    assert [gates.update(k / FPS, 1, still).state for k in range(30, 60)][-1] is GateState.FROZEN
    assert gates.update(0.0, 1, still).state is GateState.OPEN


def test_only_the_fan_counts():
    """Black within the fan is black, however bright the screen around it, and the reason says which."""
    fan = sector()
    screen = np.where(fan.mask > 0, 0, 180).astype(np.uint8)
    gates = Gates()
    verdicts = [gates.update(k / FPS, 0, glance_at(screen, fan)) for k in range(10)]
    assert (verdicts[-1].state, verdicts[-1].reason) == (GateState.BLACK, "the fan is black")
    gates = Gates()
    dark = [gates.update(k / FPS, 0, glance_at(np.zeros(SIZE, np.uint8), fan)) for k in range(10)]
    assert dark[-1].reason == "the picture is black"


def test_colour_is_remembered_for_pictures_of_which_only_brightness_is_known():
    """Where the model wants grey, colours are looked at now and then; between two looks the last one holds."""
    picture, gates, glancer, state = flow(), Gates(), Glancer(), None
    grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)
    for k in range(50):
        moving = np.roll(grey, 5 * k, axis=0)  # or it would be frozen
        glance = glancer.look(moving, None, colours=picture if k % 6 == 0 and k < 25 else None)
        state = gates.update(k / FPS, 0, glance).state
        if k in (6, 20, 30):
            assert state is GateState.NOT_B_MODE
    assert state is GateState.OPEN


def test_every_closed_gate_gives_its_reason_and_an_open_one_none():
    for _, picture, state in SINGLE:
        gates = Gates()
        verdict = [gates.update(k / FPS, 0, glance_at(picture)) for k in range(10)][-1]
        assert verdict.state is state
        assert bool(verdict.reason) is (state is not GateState.OPEN)


@pytest.mark.parametrize("size", [(8, 8), (32, 32), (1, 1), (1, 2000), (2000, 1)])
def test_a_picture_too_small_to_judge_by_is_let_through(size: tuple[int, int]):
    assert set(states([np.zeros(size, np.uint8)] * 40)) == {GateState.OPEN}
