"""Precision and recall of the gates on cines whose truth is known: phantoms, and real ones with parts put in."""

from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
import pytest

from fetalstream.pipeline.signal.fan import Fan
from fetalstream.pipeline.signal.fan_finder import find_fan
from fetalstream.pipeline.signal.gates import Gates, GateState
from fetalstream.pipeline.signal.glance import Glancer
from fetalstream.sources import Frame, Pixels
from fetalstream.sources.phantom import PhantomSource
from fetalstream.sources.phantom.events import ScanEvent

GRACE_SECONDS = {GateState.FROZEN: 0.7}
OTHER_GRACE_SECONDS = 0.3


class Cine(NamedTuple):
    pictures: list[Pixels]
    fps: float
    fan: Fan | None


class Mistake(NamedTuple):
    pts_seconds: float
    said: GateState
    true: GateState


def mistakes(cine: Cine, truth: list[GateState]) -> list[Mistake]:
    """Frames on which something else was said than is true, once it had its time, or before what neither is nor was."""
    gates, glancer = Gates(), Glancer()
    found: list[Mistake] = []
    since_seconds, before = 0.0, GateState.OPEN
    for index, (picture, true) in enumerate(zip(cine.pictures, truth, strict=True)):
        pts_seconds = index / cine.fps
        if index and true is not truth[index - 1]:
            since_seconds, before = pts_seconds, truth[index - 1]
        said = gates.update(pts_seconds, 0, glancer.look(picture, cine.fan)).state
        is_due = pts_seconds - since_seconds >= GRACE_SECONDS.get(true, OTHER_GRACE_SECONDS)
        if said is not true and (is_due or said is not before):
            found.append(Mistake(round(pts_seconds, 2), said, true))
    return found


@pytest.mark.parametrize("screen", [False, True])
@pytest.mark.parametrize("seed", [0, 1])
def test_of_a_phantom_the_freezes_are_found_and_neither_lift_nor_gain_is_taken_for_one(seed: int, screen: bool):
    events = (
        ScanEvent("freeze", 2.0, 4.0),
        ScanEvent("gain", 4.5, 5.5, -12.0),
        ScanEvent("lift", 6.0, 7.0),
        ScanEvent("gain", 7.0, 8.0, 9.0),
        ScanEvent("freeze", 8.5, 9.5),
    )
    source = PhantomSource(
        seed=seed, seconds=10.5, fps=12.5, realtime=False, screen=screen, width_px=400, height_px=300, events=events
    )
    source.open()
    pictures = [item.picture.pixels for item in source.items() if isinstance(item, Frame)]
    truth = [GateState.FROZEN if source.truth(k).frozen else GateState.OPEN for k in range(len(pictures))]
    assert truth.count(GateState.FROZEN) > 30
    assert mistakes(Cine(pictures, 12.5, find_fan(pictures[:20:5])), truth) == []


def read(path: Path) -> list[Pixels]:
    with av.open(str(path)) as container:
        return [np.asarray(frame.to_ndarray(format="gray"), np.uint8) for frame in container.decode(video=0)]


@pytest.fixture(scope="module", params=[("clarius-ocular-short.mp4", 25.0), ("butterfly-ocular-phantom.mp4", 12.7)])
def cine(request: pytest.FixtureRequest, data_dir: Path) -> Cine:
    """A real cine (48 living pictures of it), its rate and its fan."""
    name, fps = request.param
    pictures = read(data_dir / "video" / name)[:48]
    return Cine(pictures, fps, find_fan(pictures[::12]))


@pytest.mark.data
@pytest.mark.parametrize("sigma", [0.0, 1.5])
def test_a_real_cine_is_open_while_it_lives_and_frozen_while_it_does_not(cine: Cine, sigma: float):
    still = [cine.pictures[23]] * round(2 * cine.fps)
    rng = np.random.default_rng(0)
    shown = put_in(cine, still)
    if sigma:
        shown = [np.clip(p + rng.normal(0, sigma, p.shape), 0, 255).astype(np.uint8) for p in shown]
    assert mistakes(cine._replace(pictures=shown), truth_of(still, GateState.FROZEN)) == []


@pytest.mark.data
@pytest.mark.parametrize(
    ("grey", "state"), [(0, GateState.BLACK), (29, GateState.NO_SIGNAL), (128, GateState.NO_SIGNAL)]
)
def test_a_slate_in_a_real_cine_is_found_and_what_comes_after_it_lives(cine: Cine, grey: int, state: GateState):
    slates = [np.full_like(cine.pictures[0], grey)] * round(1.5 * cine.fps)
    assert mistakes(cine._replace(pictures=put_in(cine, slates)), truth_of(slates, state)) == []


def put_in(cine: Cine, part: list[Pixels]) -> list[Pixels]:
    return [*cine.pictures[:24], *part, *cine.pictures[24:]]


def truth_of(part: list[Pixels], state: GateState) -> list[GateState]:
    return [GateState.OPEN] * 24 + [state] * len(part) + [GateState.OPEN] * 24


@pytest.mark.data
def test_a_cine_that_was_stored_frozen_is_frozen_from_its_beginning(data_dir: Path):
    pictures = read(data_dir / "video" / "sonosite-anon-eye1-video.mp4")
    truth = [GateState.FROZEN] * len(pictures)
    assert mistakes(Cine(pictures, 25, find_fan(pictures[:1])), truth) == []
