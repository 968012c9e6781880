"""The law of captures: the best of each plane, the frozen one, the wished-for one, and never what may not leave."""

import time
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest

from fetalstream.pipeline.messages import Nudge
from fetalstream.pipeline.signal.fan import mask_outside
from fetalstream.pipeline.signal.gates import GateState
from fetalstream.sinks import CaptureDiscarded, CaptureFailed, CaptureKept, CaptureSaved
from fetalstream.sinks.sidecar import Sidecar, read_sidecar
from tests.pipeline.capture.scene import FAN, FPS, GOOD, MOVING, SOFT, CaptureScene, shown
from tests.sinks.test_stills import read_mp4, read_png
from tests.sinks.test_whole import no_file_longer_than


@pytest.fixture
def scene(tmp_path: Path) -> CaptureScene:
    return CaptureScene(tmp_path)


def live_scene(folder: Path, **options) -> CaptureScene:
    return CaptureScene(folder, live=True, **options)


def files(scene: CaptureScene) -> list[str]:
    return sorted(str(path.relative_to(scene.folder)) for path in scene.folder.rglob("*") if path.is_file())


def sidecars(scene: CaptureScene) -> list[Sidecar]:
    return [read_sidecar(path) for path in sorted(scene.exam.glob("*.json"))]


def settle(scene: CaptureScene, kind: type, count: int = 1) -> None:
    """Nudge a live stream, as its writer does, until it has told so much."""
    until = time.monotonic() + 60
    while len(scene.told(kind)) < count and time.monotonic() < until:
        scene.events += scene.companion.feed(Nudge(), None)
        time.sleep(0.01)
    assert len(scene.told(kind)) == count


def test_a_visit_gives_one_capture_the_masked_picture_of_its_best_frame_with_what_lay_around(tmp_path):
    scene = CaptureScene(tmp_path, clips=True)
    scene.show("background", 2)
    scene.show("femur", 1, score=0.9)
    scene.show("femur", 1, score=0.99)
    scene.show("background", 3)
    scene.finish()
    (saved,) = scene.told(CaptureSaved)
    assert (saved.plane, saved.cause, saved.replaces) == ("femur", "auto", "")
    assert 3.2 <= saved.pts_seconds < 4.0  # in the middle of the better second
    assert saved.score == 0.99
    (sidecar,) = sidecars(scene)
    stem = f"scan/0001-femur-{saved.pts_seconds:.2f}s"
    assert files(scene) == [f"{stem}.json", f"{stem}.mp4", f"{stem}.png"]
    assert [saved.still, saved.clip] == [f"{stem}.png", f"{stem}.mp4"]
    still = read_png((scene.folder / saved.still).read_bytes())
    assert (still == mask_outside(shown(saved.frame_index), FAN)).all()
    times, pictures, _ = read_mp4((scene.folder / saved.clip).read_bytes())
    assert sidecar.clip is not None
    assert sidecar.clip.frames == len(times) == 1 + 3 * FPS
    assert sidecar.clip.start_seconds == pytest.approx(saved.pts_seconds - 2)
    assert sidecar.clip.still_number == 1 + 2 * FPS
    well_outside = cv2.dilate(FAN.mask, np.ones((33, 33), np.uint8)) == 0  # a codec's blocks reach over the edge
    assert max(int(picture[well_outside].max()) for picture in pictures) < 8


def test_the_sidecar_says_where_it_all_came_from(scene):
    scene.show("femur", 2)
    scene.finish()
    (sidecar,) = sidecars(scene)
    assert (sidecar.stream, sidecar.source, sidecar.model.name) == ("scan", "list:", "grey")
    assert len(sidecar.config_sha256) == 64
    assert sidecar.masked
    assert sidecar.research_use_only
    assert sidecar.spacing_mm == 0.4
    assert {item.name for item in sidecar.quality_items} >= {"sharpness", "stillness", "confidence"}
    assert sidecar.quality > 0.5


def test_what_is_soft_is_not_kept_of_itself_but_at_the_operators_wish_it_is(scene):
    scene.show("femur", 2, looks=SOFT)
    scene.wish("capture")
    scene.show("femur", 2, looks=SOFT)
    scene.finish()
    (saved,) = scene.told(CaptureSaved)
    assert (saved.cause, saved.plane) == ("operator", "femur")
    assert saved.pts_seconds == 49 / FPS  # what was on the screen then
    assert saved.quality < 0.5
    assert sidecars(scene)[0].kept


def test_a_wish_on_background_is_captured_too(scene):
    scene.show("background", 1)
    scene.wish("capture")
    scene.show("background", 2)
    scene.finish()
    (saved,) = scene.told(CaptureSaved)
    assert saved.plane == ""
    assert saved.still.startswith("scan/0001-unlabelled-")


def test_the_operators_word_is_what_a_capture_is_called_and_nothing_else_is_captured_of_that_visit(scene):
    scene.show("femur", 0.6)
    scene.wish("override", "abdomen")
    scene.wish("capture")
    scene.show("femur", 3)
    scene.show("background", 2)
    scene.finish()
    assert [(s.plane, s.cause) for s in scene.told(CaptureSaved)] == [("abdomen", "operator")]


def test_one_capture_of_a_plane_unless_a_later_visit_is_better(scene):
    scene.show("femur", 2, score=0.8)
    scene.show("background", 2)
    scene.show("femur", 2, score=0.7)
    scene.show("background", 2)
    scene.show("femur", 2, score=0.95)
    scene.show("background", 2)
    scene.finish()
    first, second = scene.told(CaptureSaved)
    assert (first.score, second.score) == (pytest.approx(0.8), pytest.approx(0.95))
    assert second.replaces == first.capture_id
    assert {Path(name).stem for name in files(scene)} == {second.capture_id}


def test_as_many_as_are_wanted(tmp_path):
    scene = CaptureScene(tmp_path, assign=("capture.per_plane=2",))
    for score in (0.95, 0.8, 0.7):
        scene.show("femur", 2, score=score)
        scene.show("background", 2)
    scene.finish()
    assert [round(s.score, 2) for s in scene.told(CaptureSaved)] == [0.95, 0.8]


PROTOCOL = """
name: hearts
title: Two of one, and one that never stands still
items:
  - {name: femur, title: Femur, plane: femur, wanted: 2}
  - {name: abdomen, title: Abdomen, plane: abdomen, quality: [sharpness]}
"""


def test_the_protocol_says_how_many_are_wanted_and_what_is_asked_of_them(tmp_path):
    (tmp_path / "hearts.yaml").write_text(PROTOCOL)
    scene = CaptureScene(tmp_path / "out", assign=(f"protocol={tmp_path / 'hearts.yaml'}",))
    for score in (0.95, 0.9, 0.85):
        scene.show("femur", 2, score=score, looks=MOVING if score == 0.9 else GOOD)
        scene.show("background", 2)
    scene.show("abdomen", 2, looks=MOVING)
    scene.finish()
    assert [(s.plane, round(s.score, 2)) for s in scene.told(CaptureSaved)] == [
        ("femur", 0.95),
        ("femur", 0.85),
        ("abdomen", 0.95),
    ]


def test_a_plane_that_stays_is_captured_while_it_stays(tmp_path):
    scene = live_scene(tmp_path)
    scene.show("femur", 4)
    settle(scene, CaptureSaved)
    scene.show("femur", 8)
    scene.finish()
    assert len(scene.told(CaptureSaved)) == 1


def test_who_freezes_gets_the_frozen_frame_and_not_the_one_before(tmp_path):
    scene = CaptureScene(tmp_path, clips=True)
    scene.show("femur", 2, score=0.99)
    scene.freeze("femur", score=0.8)
    scene.signal(GateState.OPEN)
    scene.show("background", 2)
    scene.finish()
    before, saved = scene.told(CaptureSaved)  # the plane was held for long enough to be captured of itself
    assert (before.cause, saved.plane, saved.cause, saved.replaces) == ("auto", "femur", "freeze", before.capture_id)
    assert saved.score == pytest.approx(0.8)
    still = read_png((scene.folder / saved.still).read_bytes())
    assert (still == mask_outside(shown(2 * FPS), FAN)).all()
    (sidecar,) = sidecars(scene)
    assert sidecar.clip is not None
    assert sidecar.clip.start_seconds < 1.0  # what led to it


def test_a_freeze_just_after_the_plane_counts_if_the_frozen_frame_shows_it(tmp_path):
    for plane, causes in (("femur", ["freeze"]), ("background", ["auto"])):
        scene = CaptureScene(tmp_path / plane)
        scene.show("femur", 2)
        scene.show("background", 0.5)
        scene.freeze(plane, score=0.9)
        scene.finish()
        assert [sidecar.cause for sidecar in sidecars(scene)] == causes


def test_a_frozen_frame_that_is_poor_does_not_push_out_a_good_one(scene):
    scene.show("femur", 2)
    scene.freeze("femur", looks=SOFT)
    scene.finish()
    assert [saved.cause for saved in scene.told(CaptureSaved)] == ["auto"]


def test_a_wish_while_frozen_captures_the_frozen_frame_at_once(tmp_path):
    scene = live_scene(tmp_path)
    scene.show("femur", 2, looks=SOFT)
    scene.show("background", 2)
    scene.freeze("background", seconds=3)
    frozen = scene.last_pixels
    scene.wish("capture")
    settle(scene, CaptureSaved)
    (saved,) = scene.told(CaptureSaved)
    assert saved.cause == "operator"
    assert (read_png((scene.folder / saved.still).read_bytes()) == mask_outside(frozen, FAN)).all()
    scene.finish()


def test_a_wish_while_paused_captures_what_is_on_the_screen_though_nobody_has_rated_it(tmp_path):
    scene = live_scene(tmp_path)
    scene.show("femur", 0.4)
    scene.wish("pause")
    scene.show("femur", 2)
    on_screen = scene.last_pixels
    scene.wish("capture")
    settle(scene, CaptureSaved, 2)
    _, saved = scene.told(CaptureSaved)  # the plane that left with the pause came first
    assert (saved.score, saved.quality) == (0.0, 0.0)
    assert (read_png((scene.folder / saved.still).read_bytes()) == mask_outside(on_screen, FAN)).all()
    scene.finish()


def test_no_picture_is_kept_whose_fan_is_not_known_and_the_reason_is_told(tmp_path):
    scene = CaptureScene(tmp_path, fan=None)
    scene.show("femur", 2)
    scene.show("background", 1)
    scene.wish("capture")
    scene.finish()
    assert [(f.plane, f.reason) for f in scene.told(CaptureFailed)] == [
        ("femur", "its fan is not known; what is burned in around it might name the patient"),
        ("", "its fan is not known; what is burned in around it might name the patient"),
    ]
    assert files(scene) == []


def test_a_wish_behind_a_closed_gate_is_refused_with_its_reason(scene):
    scene.show("femur", 0.4)
    scene.fan = None
    scene.show("background", 0.4, unseen=True)
    scene.signal(GateState.NOT_B_MODE)
    scene.wish("capture")
    scene.finish()
    (failed,) = scene.told(CaptureFailed)
    assert failed.reason == "the signal is not_b_mode, nobody knows what stands in the picture"


def test_what_may_have_been_a_list_of_patients_gets_into_no_clip_and_is_no_still(tmp_path):
    """A gate closes 0.2 s after what it closes for: what was seen meanwhile is not kept, whatever was ordered."""
    scene = live_scene(tmp_path, clips=True)
    scene.show("femur", 1)
    scene.show("background", 0.6)
    scene.show("abdomen", 0.2, looks=SOFT)
    scene.wish("capture")
    scene.signal(GateState.NOT_B_MODE)
    scene.finish()
    (failed,) = scene.told(CaptureFailed)
    assert failed.reason == "the signal is not_b_mode, nobody knows what stands in the picture"
    (sidecar,) = sidecars(scene)
    assert sidecar.plane == "femur"
    assert sidecar.clip is not None
    assert sidecar.clip.end_seconds <= 1.6 + 1.01 / FPS


def test_nor_into_a_clip_that_begins_before_it(tmp_path):
    scene = CaptureScene(tmp_path, clips=True)
    scene.show("background", 1)
    scene.show("background", 0.2)  # the list
    scene.signal(GateState.NOT_B_MODE)
    scene.signal(GateState.OPEN)
    scene.show("femur", 1)
    scene.finish()
    (saved,) = scene.told(CaptureSaved)
    (sidecar,) = sidecars(scene)
    assert sidecar.clip is not None
    times, _, _ = read_mp4((scene.folder / saved.clip).read_bytes())
    seen = [sidecar.clip.start_seconds + after_seconds for after_seconds in times]
    assert min(seen) < 0.9
    assert [moment for moment in seen if 1.01 < moment < 1.19] == []


def test_a_plane_that_was_in_view_before_its_fan_was_known_is_captured_once_it_is(scene):
    scene.fan = None
    scene.show("femur", 1)
    scene.fan = FAN
    scene.show("femur", 1)
    scene.show("background", 2)
    scene.finish()
    (saved,) = scene.told(CaptureSaved)
    assert saved.pts_seconds >= 1.0
    assert scene.told(CaptureFailed) == []


def test_a_signal_that_breaks_off_ends_the_waiting_for_what_comes_after(tmp_path):
    scene = live_scene(tmp_path, clips=True)
    scene.show("femur", 1)
    scene.signal(GateState.NO_SIGNAL)
    settle(scene, CaptureSaved)
    (sidecar,) = sidecars(scene)
    assert sidecar.clip is not None
    assert sidecar.clip.end_seconds <= 1.0 + 1e-6
    scene.finish()


def test_what_the_operator_keeps_is_not_replaced_and_what_he_discards_is_not_captured_again(tmp_path):
    scene = live_scene(tmp_path)
    for plane in ("femur", "abdomen"):
        scene.show(plane, 2.5, score=0.8)
        scene.show("background", 2)
    settle(scene, CaptureSaved, 2)
    femur, abdomen = scene.told(CaptureSaved)
    scene.wish("keep", femur.capture_id)
    scene.wish("discard")  # the newest
    settle(scene, CaptureKept)
    settle(scene, CaptureDiscarded)
    assert scene.told(CaptureDiscarded)[0].capture_id == abdomen.capture_id
    scene.show("femur", 2.5, score=0.99)
    scene.show("background", 2)
    scene.show("abdomen", 2.5, score=0.8)
    scene.show("background", 2)
    scene.finish()
    assert [(s.plane, s.kept) for s in sidecars(scene)] == [("femur", True), ("abdomen", False)]
    assert len(scene.told(CaptureSaved)) == 3  # of the next visit of the abdomen one is wanted again


@pytest.mark.parametrize("wish", ["keep", "discard"])
@pytest.mark.parametrize(
    ("value", "reason"),
    [("", "there is no capture yet"), ("0009-femur-1.00s", "there is no capture '0009-femur-1.00s'")],
)
def test_a_wish_for_a_capture_that_is_not_there_is_answered(scene, wish, value, reason):
    scene.show("background", 1)
    scene.wish(wish, value)
    assert [failed.reason for failed in scene.told(CaptureFailed)] == [reason]
    scene.finish()


def test_a_full_disk_fails_a_capture_with_its_reason_and_the_next_one_is_tried(tmp_path):
    scene = live_scene(tmp_path)
    with no_file_longer_than(1000):
        scene.show("femur", 2)
        scene.show("background", 2)
        settle(scene, CaptureFailed)
    (failed,) = scene.told(CaptureFailed)
    assert failed.plane == "femur"
    assert "cannot be written: File too large" in failed.reason
    scene.show("femur", 2, score=0.8)  # the quota is free, for nothing was kept
    scene.show("background", 2)
    settle(scene, CaptureSaved)
    scene.finish()
    assert {Path(name).stem for name in files(scene)} == {scene.told(CaptureSaved)[0].capture_id}


def test_a_disk_with_room_for_a_still_alone_keeps_that_and_tells_of_the_clip(tmp_path):
    scene = live_scene(tmp_path, clips=True)
    with no_file_longer_than(120_000):
        scene.show("femur", 4)
        scene.finish()
    (saved,), (failed,) = scene.told(CaptureSaved), scene.told(CaptureFailed)
    assert saved.clip == ""
    assert "the still is kept, its clip is not: " in failed.reason
    assert [Path(name).suffix for name in files(scene)] == [".json", ".png"]


def test_who_comes_back_under_the_same_name_knows_what_is_there(tmp_path):
    for score, count in ((0.9, 1), (0.8, 0), (0.99, 1)):
        scene = live_scene(tmp_path)
        scene.show("femur", 2, score=score)
        scene.show("background", 2)
        scene.finish()
        assert len(scene.told(CaptureSaved)) == count
    (sidecar,) = sidecars(scene)
    assert sidecar.score == pytest.approx(0.99)
    assert sidecar.capture_id.startswith("0002-")


def test_another_stream_is_another_exam(tmp_path):
    for stream in ("one", "two"):
        scene = live_scene(tmp_path, stream=stream)
        scene.show("femur", 2)
        scene.finish()
    assert [name.split("-")[0] for name in files(scene)] == ["one/0001", "one/0001", "two/0001", "two/0001"]


def test_a_review_gives_the_same_events_and_the_same_bytes_each_time(tmp_path):
    events: list[bytes] = []
    contents: list[dict[str, bytes]] = []
    kept: list[Sidecar] = []
    for _ in range(2):
        scene = CaptureScene(tmp_path, clips=True)  # over what the first has left
        scene.show("femur", 2)
        scene.show("background", 1)
        scene.show("abdomen", 1.5, score=0.8)
        scene.freeze("abdomen")
        scene.finish()
        events.append(msgspec.json.encode(scene.events))
        contents.append({name: (scene.folder / name).read_bytes() for name in files(scene)})
        kept += sidecars(scene)
    assert events[0] == events[1]
    assert contents[0] == contents[1]
    assert len(contents[0]) == 6
    assert all(sidecar.wall_time == "" for sidecar in kept)


def test_a_live_capture_says_when(tmp_path):
    scene = live_scene(tmp_path)
    scene.show("femur", 2)
    scene.finish()
    (sidecar,) = sidecars(scene)
    assert sidecar.wall_time.endswith("+00:00")
    (saved,) = scene.told(CaptureSaved)
    assert saved.stamp is not None


def test_the_ring_stays_within_its_bound_over_a_long_stream(tmp_path):
    scene = live_scene(tmp_path, assign=("capture.memory_mib=8",))
    sizes: list[int] = []
    for _ in range(8):
        scene.show("femur", 1.5)
        scene.show("background", 1.5)
        sizes.append(scene.companion.held_bytes)
    scene.finish()
    assert max(sizes) <= 8 << 20
    assert max(sizes[4:]) <= max(sizes[:4])
