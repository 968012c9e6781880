"""The law of captures in a report: what is left is shown as it was kept; what is gone, or must not be seen, is said."""

import base64
import io
import json
import re
from pathlib import Path

import av
import numpy as np
import pytest

from fetalstream.pipeline.report import captures as reading
from fetalstream.pipeline.report import make_report, read_record, remember_captures, roots_of
from fetalstream.sinks.captures import CLIP, SIDECAR, STILL

from .pages import Page
from .records import Story, write_record
from .shots import BOX, CLIP_FRAMES, captured_story, save, still, tell

FEMUR, HEART, ABDOMEN = "0001-femur-2.00s", "0003-four_chamber-6.00s", "0004-abdomen-9.00s"


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FETALSTREAM_HOME", str(tmp_path / "home"))


def page_of(tmp_path: Path, story: Story, *, unmasked: bool = False, roots: list[Path] | None = None) -> Page:
    folder = write_record(tmp_path / "scan", story.events)
    roots = [tmp_path / "shots"] if roots is None else roots
    return Page(make_report(folder, cine=None, captures=roots, unmasked=unmasked).path)


def clips(page: Page) -> list[bytes]:
    return [base64.b64decode(one["src"].partition(",")[2]) for one in page.all("video")]


def test_what_is_left_is_shown_with_who_saved_it_and_what_is_good(tmp_path: Path, cine: Path):
    page = page_of(tmp_path, captured_story(tmp_path / "shots", cine))
    said = page.section("h-captures")
    assert "3 captures, 2 with a clip." in said
    for words in (
        "Femur 1 cm Play clip",
        "0:02.0 frame 50, score 0.95, quality 0.80; 0.200 mm per pixel Saved automatically, the best",
        "picture of its view; kept by the operator, nothing replaces it",
        "Clip: 0:00.8 to 0:02.8, 50 frames",
        "Zoom: too small: zoom in Good: sharpness",
        "0:06.0 frame 150, score 0.95, quality 0.80; 0.200 mm per pixel Saved because the operator froze the picture",
        "Saved by the operator; nothing replaces it No clip was kept",
        f"{FEMUR}.png",
    ):
        assert words in said
    assert "Cervix" not in said
    assert "0:05.0" not in said  # replaced
    log = page.section("h-done")
    assert "replaced by a better one" in log
    assert "discarded" in log


def test_a_still_is_the_capture_cut_to_what_is_not_black(tmp_path: Path, cine: Path):
    page = page_of(tmp_path, captured_story(tmp_path / "shots", cine))
    shown = page.stills()["Captured Femur, frame 50 at 0:02.0"].astype(int)
    kept = still(cine, 50).pixels.astype(int)
    shown = shown if shown.ndim == 2 else shown[..., 0]
    assert shown.shape == kept.shape == (BOX[3] - BOX[1], BOX[2] - BOX[0])
    assert np.abs(shown - kept).mean() < 4  # compressed
    apart = [np.abs(shown - still(cine, index).pixels).mean() for index in (45, 50, 55)]
    assert min(apart) == apart[1]
    (rule,) = page.all("line", class_="rule")[:1]
    assert float(rule["x2"].rstrip("%")) - 3 == pytest.approx(100 * 10 / (0.2 * 400), abs=0.01)


def test_a_clip_holds_every_frame_of_the_captures_clip_cut_likewise(tmp_path: Path, cine: Path):
    page = page_of(tmp_path, captured_story(tmp_path / "shots", cine))
    first, _ = clips(page)
    with av.open(io.BytesIO(first), "r") as opened:
        frames = list(opened.decode(video=0))
    assert len(frames) == CLIP_FRAMES
    assert [float(frame.time or 0) for frame in frames] == pytest.approx([n / 25 for n in range(CLIP_FRAMES)], abs=1e-3)
    assert (frames[0].width, frames[0].height) == (400, 280)
    picture = frames[30].to_ndarray(format="gray").astype(int)
    apart = [np.abs(picture - still(cine, index).pixels).mean() for index in (45, 50, 55)]
    assert min(apart) == apart[1] < 6


def test_the_same_captures_give_the_same_bytes(tmp_path: Path, cine: Path):
    story = captured_story(tmp_path / "shots", cine)
    assert page_of(tmp_path, story).html == page_of(tmp_path, story).html


def test_what_is_gone_is_said_capture_by_capture(tmp_path: Path, cine: Path):
    story = captured_story(tmp_path / "shots", cine)
    there = tmp_path / "shots" / "scan"
    (there / f"{FEMUR}{SIDECAR}").unlink()
    (there / f"{HEART}{CLIP}").unlink()
    (there / f"{ABDOMEN}{STILL}").unlink()
    said = page_of(tmp_path, story).section("h-captures")
    assert said.count("Its files are gone from the folder of captures") == 2
    assert "No clip: its clip is gone from the folder of captures" in said


def test_what_is_torn_is_said_and_ends_nothing(tmp_path: Path, cine: Path):
    story = captured_story(tmp_path / "shots", cine)
    there = tmp_path / "shots" / "scan"
    (there / f"{FEMUR}{STILL}").write_bytes(b"\x89PNG torn")
    (there / f"{HEART}{CLIP}").write_bytes(b"no clip")
    page = page_of(tmp_path, story)
    assert "Not shown: its file is no picture of ours." in page.section("h-captures")
    assert "No clip: its clip cannot be read" in page.section("h-captures")
    assert clips(page) == []


def test_a_folder_that_is_not_found_is_said_once(tmp_path: Path, cine: Path):
    story = captured_story(tmp_path / "shots", cine)
    folder = write_record(tmp_path / "scan", story.events)
    made = make_report(folder, cine=None, captures=[tmp_path / "elsewhere"])
    assert made.no_captures == "the folder of captures was not found"
    said = Page(made.path).section("h-captures")
    assert said.startswith("Captures 3 captures not shown: the folder of captures was not found (--captures names it)")
    assert Page(made.path).all("figure", class_="still captured") == []


def test_without_captures_nothing_is_said_of_them(plain: Path):
    assert Page(plain).section("h-captures") == ""


def test_a_capture_that_is_not_masked_is_shown_only_where_that_is_asked_for(tmp_path: Path, cine: Path):
    story = Story()
    story.start()
    tell(story, save(tmp_path / "shots", cine, 1, "femur", 50, masked=False))
    story.end()
    page = page_of(tmp_path, story)
    assert "Not shown: it was not masked, and names may stand in it." in page.section("h-captures")
    assert (page.stills(), clips(page)) == ({}, [])
    page = page_of(tmp_path, story, unmasked=True)
    assert (len(page.stills()), len(clips(page))) == (1, 1)


def test_a_capture_of_a_later_exam_under_the_same_name_is_not_taken_for_it(tmp_path: Path, cine: Path):
    story = captured_story(tmp_path / "shots", cine)
    path = tmp_path / "shots" / "scan" / f"{FEMUR}{SIDECAR}"
    path.write_text(json.dumps({**json.loads(path.read_text()), "frame_index": 51}))
    page = page_of(tmp_path, story)
    assert "Captured Femur, frame 50 at 0:02.0" not in page.stills()


@pytest.mark.parametrize("still_name", ["../scan/0001-femur-2.00s.png", "/{root}/scan/0001-femur-2.00s.png", ""])
def test_a_record_leads_nowhere_but_into_the_folder_of_captures(tmp_path: Path, cine: Path, still_name: str):
    story = Story()
    story.start()
    sidecar = save(tmp_path / "shots", cine, 1, "femur", 50)
    tell(story, sidecar)
    story.end()
    folder = write_record(tmp_path / "scan", story.events)
    events = folder / "events.jsonl"
    told = still_name.format(root=tmp_path / "shots")
    events.write_text(events.read_text().replace(f'"still":"scan/{FEMUR}.png"', f'"still":"{told}"'))
    page = Page(make_report(folder, cine=None, captures=[tmp_path / "shots" / "other", tmp_path / "shots"]).path)
    assert page.stills() == {}


def test_what_does_not_fit_is_left_out_and_counted_the_operators_last(
    tmp_path: Path, cine: Path, monkeypatch: pytest.MonkeyPatch
):
    story = captured_story(tmp_path / "shots", cine)
    whole = reading.read_captures(read_record(write_record(tmp_path / "scan", story.events)), [tmp_path / "shots"])
    sizes = {shot.saved.capture_id: (len(shot.still), len(shot.clip)) for shot in whole}
    # The operator's two stills fit, and the clip of his femur; not that of the frozen heart.
    monkeypatch.setattr(reading, "MOST_STILL_BYTES", sizes[FEMUR][0] + sizes[ABDOMEN][0])
    page = page_of(tmp_path, story)
    assert sorted(page.stills()) == ["Captured Abdomen, frame 225 at 0:09.0", "Captured Femur, frame 50 at 0:02.0"]
    assert "Left out to keep this file small: 1 capture." in page.section("h-captures")
    monkeypatch.undo()
    monkeypatch.setattr(reading, "MOST_CLIP_BYTES", sizes[FEMUR][1])
    page = page_of(tmp_path, story)
    assert (len(page.stills()), len(clips(page))) == (3, 1)
    assert "Left out to keep this file small: 1 clip." in page.section("h-captures")


def test_captures_are_found_beside_the_record_or_where_they_went(tmp_path: Path, cine: Path):
    out = tmp_path / "out"
    story = captured_story(out / "captures", cine)
    folder = write_record(out / "scan", story.events)
    assert len(Page(make_report(folder, cine=None, captures=roots_of(folder)).path).stills()) == 3

    moved = (out / "captures").rename(tmp_path / "far")
    assert make_report(folder, cine=None, captures=roots_of(folder)).no_captures
    named = [moved / "scan"]  # the exam's own folder will do
    assert len(Page(make_report(folder, cine=None, captures=roots_of(folder, named)).path).stills()) == 3
    remember_captures(folder, moved)
    assert len(Page(make_report(folder, cine=None, captures=roots_of(folder)).path).stills()) == 3


def test_a_live_stream_has_captures_for_pictures_and_no_cine_is_missed(tmp_path: Path, cine: Path):
    folder = write_record(tmp_path / "scan", captured_story(tmp_path / "scan" / "captures", cine).events)
    events = folder / "events.jsonl"
    stamp = '"stamp":{"captured_ns":1,"latency_ms":1.0,"wall_time":"2026-03-01T09:15:02.1+00:00","frames_dropped":0}'
    events.write_text(events.read_text().replace('"stamp":null', stamp))
    (folder / "summary.json").unlink()
    made = make_report(folder, cine=None, captures=roots_of(folder), has_index=False)
    page = Page(made.path)
    assert made.no_pictures == ""
    assert "12.0 s of a live stream, 300 frames read, 0 dropped; begun 2026-03-01 09:15 UTC" in page.text
    assert page.section("h-warnings") == ""
    assert len(page.stills()) == 3
    assert "Not shown: a live stream leaves no cine behind. What was captured stands below." in page.section("h-best")
    assert "cine" not in re.sub("a live stream leaves no cine behind", "", page.section("h-best"))


def test_the_frame_of_each_capture_is_in_the_strip_for_its_time_to_lead_to(captured: Path):
    page = Page(captured)
    assert {50, 150, 225} <= {cell[0] for cell in page.data["strip"]["cells"]}
    assert {"50", "150", "225"} <= {one["data-frame"] for one in page.all("button", class_="seek")}
