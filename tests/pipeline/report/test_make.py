"""The law of pictures in a report: the very frame, black outside the fan, or none."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from fetalstream.pipeline.report import Cines, make_report, read_record, remember
from fetalstream.pipeline.report.choice import best_frames, choose
from fetalstream.pipeline.report.cines import fingerprint, recall
from fetalstream.pipeline.report.discretion import NOT_KNOWN
from fetalstream.sinks import ChdScored, ChecklistChanged, SignalChanged

from .pages import Page
from .records import FPS, FRAMES, HEAD, PATIENT, Story, decoded, full_story, plain_story, write_cine, write_record

BEST_FEMUR, BEST_HEART = 50, 150


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FETALSTREAM_HOME", str(tmp_path / "home"))


def still_of(page: Page, index: int) -> np.ndarray:
    (found,) = [pixels for alt, pixels in page.stills().items() if f"frame {index} " in alt]
    return found


def place_of(still: np.ndarray, frame: np.ndarray) -> tuple[slice, slice]:
    """Where in the frame the still was cut out."""
    score = cv2.matchTemplate(frame, still, cv2.TM_SQDIFF, mask=(still > 0).astype(np.uint8))
    left, top = cv2.minMaxLoc(score)[2]
    return slice(top, top + still.shape[0]), slice(left, left + still.shape[1])


def around_the_fan(picture: np.ndarray) -> np.ndarray:
    """The parts of the phantom's screen where its names and numbers stand."""
    return np.concatenate([picture[:25].ravel(), picture[:, :30].ravel(), picture[:, 436:].ravel()])


@pytest.mark.parametrize("index", [BEST_FEMUR, BEST_HEART])
def test_a_best_frame_is_the_very_frame_of_the_cine(plain: Path, cine: Path, index: int):
    still, frame = still_of(Page(plain), index), decoded(cine, index)
    seen = still.max(axis=2) > 0
    assert np.array_equal(still[seen], frame[place_of(still, frame)][seen])
    other = decoded(cine, index + 1)
    assert not np.array_equal(still[seen], other[place_of(still, frame)][seen])  # the comparison can tell


def test_nothing_outside_the_fan_is_shown(plain: Path, cine: Path):
    frame = decoded(cine, BEST_FEMUR)
    assert np.count_nonzero(around_the_fan(frame) > 100) > 1000  # there is a screen to hide
    still = still_of(Page(plain), BEST_FEMUR)
    whole = np.zeros_like(frame)
    whole[place_of(still, frame)] = still
    assert np.count_nonzero(around_the_fan(whole)) == 0
    assert np.count_nonzero(still.max(axis=2) > 20) > 20_000  # and an image left


def test_unmasked_shows_whole_frames_and_says_so(cine: Path, tmp_path: Path):
    folder = write_record(tmp_path / "scan", plain_story().events, cine=cine)
    page = Page(make_report(folder, cine=cine, unmasked=True).path)
    assert np.array_equal(still_of(page, BEST_HEART), decoded(cine, BEST_HEART))
    assert "Do not hand this on" in page.section("h-warnings")


def test_the_strip_holds_four_frames_a_second_and_each_best_frame(plain: Path, cine: Path):
    page = Page(plain)
    cells = page.data["strip"]["cells"]
    indexes = [cell[0] for cell in cells]
    assert indexes == sorted(set(indexes))
    assert {BEST_FEMUR, BEST_HEART} <= set(indexes)
    assert len(cells) == pytest.approx(4 * FRAMES / FPS, abs=3)
    assert all(abs(cell[1] - cell[0] / FPS) < 0.001 for cell in cells)
    number = indexes.index(BEST_HEART)
    cell, still = page.cell(number), still_of(page, BEST_HEART)
    small = cv2.resize(still, (cell.shape[1], cell.shape[0]), interpolation=cv2.INTER_AREA)
    errors = [float(np.mean(cv2.absdiff(page.cell(one), small))) for one in range(len(cells)) if cells[one][2] >= 0]
    assert errors[number] < 6
    assert int(np.argmin(errors)) == number


def test_a_clip_of_a_score_holds_the_frames_that_were_used(full: Path):
    scored, around = Page(full).data["clips"]
    assert [cell[0] for cell in scored["cells"]] == list(range(140, 156))
    indexes = [cell[0] for cell in around["cells"]]
    assert indexes == list(range(indexes[0], indexes[-1] + 1))  # every frame
    assert BEST_HEART in indexes
    assert 40 <= len(indexes) <= 60


def test_the_same_record_and_cine_give_the_same_bytes(full: Path, cine: Path, tmp_path: Path):
    again = tmp_path / "scan"
    shutil.copytree(full.parent, again)
    assert make_report(again, cine=cine).path.read_bytes() == full.read_bytes()


def test_a_cine_that_is_another_gives_no_pictures(cine: Path, tmp_path: Path):
    other = write_cine(tmp_path / "scan.mp4", frames=30, seed=5)
    folder = write_record(tmp_path / "scan", plain_story().events, cine=cine)
    made = make_report(folder, cine=other)
    page = Page(made.path)
    assert "is not the one that was reviewed" in made.no_pictures
    assert made.no_pictures in page.section("h-warnings")
    assert page.stills() == {}
    assert page.data["strip"] is None
    assert "four_chamber" not in page.html  # words are there, in plain letters
    assert "Four-chamber 0:05.0 0:08.0" in page.section("h-views")


def test_a_cine_that_gives_other_frames_than_the_review_read_is_told(cine: Path, tmp_path: Path):
    story = Story()
    story.start()
    story.end(frames=FRAMES + 3)
    folder = write_record(tmp_path / "scan", story.events, cine=cine)
    page = Page(make_report(folder, cine=cine).path)
    assert f"The review read {FRAMES + 3} frames, this report {FRAMES}" in page.section("h-warnings")


def test_no_frame_is_shown_that_the_review_never_saw(cine: Path, tmp_path: Path):
    story = Story()
    story.start()
    story.visit("femur", 1.0, 3.0, best=2.0)
    story.end("stopped", frames=100)
    page = Page(make_report(write_record(tmp_path / "scan", story.events, cine=cine), cine=cine).path)
    assert max(cell[0] for cell in page.data["strip"]["cells"]) < 100
    assert page.section("h-warnings").count("frame numbers may point to other pictures") == 0


def test_pictures_are_hidden_where_the_review_saw_no_ultrasound(cine: Path, tmp_path: Path):
    story = Story()
    story.start()
    story.visit("femur", 1.0, 3.0, best=2.0)
    story.tell(SignalChanged, state="not_b_mode", reason="a menu", pts_seconds=6.0, epoch=0)
    story.tell(SignalChanged, state="open", reason="", pts_seconds=9.0, epoch=0)
    story.end()
    page = Page(make_report(write_record(tmp_path / "scan", story.events, cine=cine), cine=cine).path)
    strip = page.data["strip"]
    hidden = [cell[1] for cell in strip["cells"] if cell[2] < 0]
    assert hidden
    assert 5.5 <= min(hidden) < 5.8  # half a second before it was noticed
    assert 8.7 < max(hidden) < 9.0
    assert strip["refusals"] == ["not shown: not b-mode"]


def test_where_no_fan_is_found_nothing_is_shown(tmp_path: Path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    noise = np.random.default_rng(3)
    for number in range(60):
        picture = noise.integers(0, 3, (240, 320), dtype=np.uint8)
        cv2.putText(picture, PATIENT, (40, 120), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 255, 1)
        cv2.imwrite(str(folder / f"{number}.png"), picture)
    story = Story()
    story.start("images:pictures")
    story.visit("femur", 0.5, 2.0, best=1.0)
    story.end(frames=60)
    page = Page(make_report(write_record(tmp_path / "scan", story.events, cine=folder), cine=folder).path)
    assert page.stills() == {}
    assert NOT_KNOWN.capitalize() in page.section("h-best")
    assert all(cell[2] < 0 for cell in page.data["strip"]["cells"])
    assert "--unmasked shows them" in page.section("h-warnings")


def test_a_long_cine_has_fewer_pictures_a_second(tmp_path: Path):
    record = read_record(write_record(tmp_path / "scan", full_story().events))
    assert choose(record, media_seconds=60).strip_fps == 4
    assert choose(record, media_seconds=250).strip_fps == 4
    assert choose(record, media_seconds=1000).strip_fps == 1


def heart_scores(*starts: float) -> Story:
    story = Story()
    story.start()
    for start in starts:
        story.tell(
            ChdScored, level="clip", score=0.1, low=0.0, high=0.2, threshold=0.5, abstains=False, reason="",
            frame_indexes=tuple(range(round(start * FPS), round((start + 1.2) * FPS), 2)), start_seconds=start,
            end_seconds=start + 1.2, clips=1, head=HEAD, trained_on="phantoms", prevalence=0.01,
            positive_predictive_value=None,
        )  # fmt: skip
    story.visit("four_chamber", 1.0, 4.0, best=2.0)
    story.end()
    return story


@pytest.mark.parametrize(
    ("starts", "clips"),
    [
        ([1.0, 1.4, 1.8], [(1.0, 3.0, 3)]),  # windows of one view
        ([1.0, 5.0], [(1.0, 2.2, 1), (5.0, 6.2, 1)]),
        ([1.0, 1.8, 2.6], [(1.0, 3.0, 2), (2.6, 3.8, 1)]),  # a long view is cut
        ([5.0], [(5.0, 6.2, 1), (1.0, 3.0, 0)]),  # a view without a score has a clip, too
    ],
)
def test_windows_of_the_heart_head_that_overlap_make_one_clip(tmp_path: Path, starts: list[float], clips: list):
    record = read_record(write_record(tmp_path / "scan", heart_scores(*starts).events))
    chosen = choose(record, media_seconds=12).clips
    assert [
        (round(clip.start_seconds, 3), round(clip.end_seconds, 3), len(clip.score_numbers)) for clip in chosen
    ] == clips


def test_the_best_frame_of_an_item_counts_only_where_it_shows_the_plane(tmp_path: Path):
    story = plain_story()
    where = {"item": "x", "protocol": "p", "state": "done", "seen": 1, "wanted": 1}
    story.tell(ChecklistChanged, plane="femur", best_frame_index=150, best_pts_seconds=6.0, pts_seconds=8.0, **where)
    record = read_record(write_record(tmp_path / "scan", story.events))
    assert best_frames(record) == {BEST_FEMUR: "femur", BEST_HEART: "four_chamber"}  # frame 150 is of the heart


def test_a_cine_is_found_by_its_digest_whatever_it_is_called(cine: Path, tmp_path: Path):
    record = read_record(write_record(tmp_path / "scan", plain_story().events, cine=cine))
    moved, other = tmp_path / "moved.mp4", tmp_path / "other.mp4"
    shutil.copy(cine, moved)
    other.write_bytes(b"something else")
    assert Cines([("other", other), ("moved", moved)]).of(record) == moved
    assert Cines([("other", other)]).of(record) is None
    assert record.cine_sha256 is not None
    remember(record.cine_sha256, moved)
    assert Cines([("other", other)]).of(record) == moved
    assert Cines([(record.name, other)]).of(record) == moved  # another cine of its name hides it not
    moved.unlink()
    assert recall(record.cine_sha256) is None
    assert Cines().of(record) is None


def test_where_cines_lie_is_known_to_their_owner_only(cine: Path, tmp_path: Path):
    remember("00" * 32, cine)
    assert (tmp_path / "home" / "cines.json").stat().st_mode & 0o077 == 0


def test_a_path_that_is_no_text_is_kept_without_a_word(tmp_path: Path):
    remember("11" * 32, tmp_path / "caf\udce9" / "scan.mp4")
    assert recall("11" * 32) is None


def test_the_files_that_a_finder_leaves_beside_pictures_do_not_make_it_another_cine(tmp_path: Path):
    folder = tmp_path / "frames"
    folder.mkdir()
    cv2.imwrite(str(folder / "1.png"), np.zeros((8, 8), np.uint8))
    before = fingerprint(folder)
    (folder / "._1.png").write_bytes(b"left by a Finder")
    assert fingerprint(folder) == before


def test_a_cine_that_changes_under_its_name_is_read_again(tmp_path: Path):
    path = tmp_path / "scan.mp4"
    path.write_bytes(b"one")
    before = fingerprint(path)
    path.write_bytes(b"other")
    assert fingerprint(path) != before
