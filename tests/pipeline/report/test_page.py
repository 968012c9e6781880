"""The law of the page: it says what the record says, says plainly what is not there, and lets nothing in or out."""

import base64
import hashlib
import re
from pathlib import Path

import pytest

from fetalstream.pipeline.report import make_report, read_record, write_index
from fetalstream.pipeline.report.choice import choose
from fetalstream.pipeline.report.contents import contents_of
from fetalstream.pipeline.report.findings import NO_AGE, NO_CHECKLIST, NO_HEART, NO_QUALITY
from fetalstream.pipeline.report.page import report_page
from fetalstream.pipeline.report.pictures import Pictures, Still
from fetalstream.pipeline.report.sheets import Strip
from fetalstream.sinks import (
    AgeUnavailable,
    ChdScored,
    ChdUnavailable,
    OperatorMarked,
    PlaneEntered,
    QualityChanged,
    QualityItem,
    SinkDegraded,
)

from .pages import Page
from .records import HEAD, MODEL, Story, full_story, plain_story, write_record

HOSTILE = "<script>alert(1)</script>"


def page_of(story: Story, tmp_path: Path) -> Page:
    """A report without pictures: only words are looked at."""
    folder = write_record(tmp_path / "scan", story.events)
    return Page(make_report(folder, cine=None).path)


def test_every_kind_of_finding_is_shown(full: Path):
    page = Page(full)
    assert "1 of 4 missing: Belly; poor: Thigh; not judged: Bladder" in page.section("h-glance")
    assert "Thigh ! poor" not in page.section("h-check")  # marks are drawn, not written
    assert "Thigh poor 0 of 1 0:02.0 too small: zoom in" in page.section("h-check")
    assert "Belly missing 0 of 1" in page.section("h-check")
    assert "Bladder not judged 0 of 1 this model does not know it" in page.section("h-check")
    assert "Brain 0:08.2 0:08.9 0.7 s 0.80 Transthalamic" in page.section("h-unfit")
    assert "21w3d (20w5d to 22w2d)" in page.section("h-age")
    assert "in 90 of 100 cases" in page.section("h-age")
    assert "Score 12 %, interval 5.0 % to 31 %, from 1 clip and 16 frames." in page.section("h-heart")
    assert "A heart is called abnormal from 40 % on." in page.section("h-heart")
    assert "trained on phantom hearts: it says nothing of patients" in page.section("h-heart")
    assert "Of 100 calls of this head about 8 would be right" in page.section("h-heart")
    assert "0:04.0 0:04.8 0.8 s Frozen nothing has moved since 3.40 s" in page.section("h-unfit")
    assert "0:01.2 0:03.0 1.8 s Femur too small: zoom in" in page.section("h-unfit")
    assert "Damage: scan.mp4: 2 packets torn." in page.section("h-warnings")
    assert "captured (auto): c1.png, c1.mp4, discarded" in page.section("h-done")
    assert "label overridden: Abdomen instead of no plane" in page.section("h-done")
    assert "marked: look again" in page.section("h-done")
    for fact in (MODEL.sha256, HEAD.sha256, "ef" * 32, "fetalstream 0.1.0", "3.5 s (3.4 times real time)"):
        assert fact in page.section("h-facts")
    assert "Frames dropped 0" in page.section("h-facts")
    assert page.text.count("Research use only. Not a medical device") == 2


def test_what_is_not_there_is_said(plain: Path):
    page = Page(plain)
    for sentence in (NO_CHECKLIST, NO_AGE, NO_HEART, NO_QUALITY):
        assert sentence in page.text
    assert "the picture was never frozen" in page.section("h-unfit")
    assert "Not seen in this cine, though the model knows them: Abdomen." in page.section("h-best")
    assert page.section("h-done") == ""
    assert page.section("h-warnings") == ""


def test_reasons_are_repeated(tmp_path: Path):
    story = Story()
    story.start()
    story.tell(AgeUnavailable, reason="no pixel spacing: the source is a captured screen")
    story.tell(ChdUnavailable, reason="no heart head is configured")
    story.end()
    page = page_of(story, tmp_path)
    assert "No gestational age: no pixel spacing: the source is a captured screen." in page.section("h-age")
    assert "No heart score: no heart head is configured." in page.section("h-heart")
    assert "No standard plane was found" in page.section("h-best")


def test_a_head_that_abstains_is_no_score(tmp_path: Path):
    story = Story()
    story.start()
    story.tell(
        ChdScored, level="exam", score=0.6, low=0.1, high=0.9, threshold=0.7, abstains=True,
        reason="the interval is too wide", frame_indexes=(1, 2), start_seconds=0.0, end_seconds=1.0,
        clips=1, head=HEAD, trained_on="120 patients",
        prevalence=0.01, positive_predictive_value=None,
    )  # fmt: skip
    story.end()
    page = page_of(story, tmp_path)
    assert "The head abstains: the interval is too wide." in page.section("h-heart")
    assert "60 %" not in page.text
    assert "nothing of patients" not in page.text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda story: story.end(dropped=7), "7 frames were dropped for want of time"),
        (lambda story: story.end("failed: the disk has gone"), "did not reach the end of the cine: failed: the disk"),
        (lambda story: None, "The record is incomplete"),
        (lambda story: (story.tell(SinkDegraded, sink="store", reason="disk full"), story.end()), "(store)"),
    ],
)
def test_what_went_wrong_stands_at_the_top(tmp_path: Path, change: object, said: str):
    story = Story()
    story.start()
    change(story)  # pyright: ignore
    assert said in page_of(story, tmp_path).section("h-warnings")


def test_a_review_that_was_killed_and_left_no_summary_has_its_report(tmp_path: Path):
    story = Story()
    story.start()
    folder = write_record(tmp_path / "scan", story.events)
    (folder / "summary.json").unlink()
    page = Page(make_report(folder, cine=None).path)
    assert "The record is incomplete: the review was cut off before the end of the cine." in page.section("h-warnings")


@pytest.mark.parametrize(
    ("reason", "said"),
    [("stopped", ""), ("ended", ""), ("failed: the card was pulled", "did not end well: failed: the card was pulled")],
)
def test_a_live_stream_that_somebody_stopped_has_ended_well(tmp_path: Path, reason: str, said: str):
    story = Story()
    story.start()
    story.end(reason)
    folder = write_record(tmp_path / "scan", story.events)
    events = folder / "events.jsonl"
    stamp = '"stamp":{"captured_ns":1,"latency_ms":1.0,"wall_time":"2026-03-01T09:15:02.1+00:00","frames_dropped":0}'
    events.write_text(events.read_text().replace('"stamp":null', stamp))
    warned = Page(make_report(folder, cine=None).path).section("h-warnings")
    assert (said in warned) if said else warned == ""


def test_names_from_files_and_people_stay_text(tmp_path: Path):
    story = Story()
    story.start(f"file:{HOSTILE}.mp4")
    story.visit(HOSTILE, 1.0, 2.0, best=1.5, reason=HOSTILE)
    story.tell(OperatorMarked, text=HOSTILE, plane=HOSTILE, pts_seconds=1.0)
    story.end(HOSTILE)
    folder = write_record(tmp_path / f"a{HOSTILE.replace('/', '')}", story.events, reviewed_at=HOSTILE)
    path = make_report(folder, cine=None).path
    page, index = Page(path), Page(write_index(tmp_path))
    assert "<script>alert" not in page.html + index.html
    assert len(page.scripts) == 2
    assert index.scripts == []
    assert HOSTILE in page.section("h-facts")
    (link,) = index.all("a")
    assert link["href"] == "a%3Cscript%3Ealert%281%29%3Cscript%3E/report.html"


def test_data_cannot_end_its_script(tmp_path: Path):
    story = Story()
    story.start()
    story.visit("</script><b>", 1.0, 2.0, best=1.5)
    story.end()
    page = page_of(story, tmp_path)
    assert page.data["visits"][0][0] == "</script><b>"
    assert page.all("b") == []


def test_quality_of_a_view_is_not_that_of_an_earlier_one(tmp_path: Path):
    story = Story()
    story.start()
    for start, name, ok in ((1.0, "zoom", False), (5.0, "sharpness", True)):
        story.tell(PlaneEntered, plane="femur", start_seconds=start, score=0.9)
        item = QualityItem(name=name, ok=ok, score=0.9 if ok else 0.1, reason="" if ok else "too small: zoom in")
        story.tell(QualityChanged, plane="femur", pts_seconds=start + 0.4, items=(item,))
        story.leave("femur", start, start + 2.0, best=start + 0.2, score=0.5 + start / 20)
    story.end()
    record = read_record(write_record(tmp_path / "scan", story.events))
    strip = Strip(cells=(), sheets=(), columns=4, cell_width_px=0, cell_height_px=0)
    still = Still(frame_index=130, pts_seconds=5.2, plane="femur", file=b"png", width_px=500, height_px=400)
    pictures = Pictures(strip=strip, stills=(still,), clips=(), frames=300, end_seconds=12.0, gaps=(), is_masked=True)
    (tmp_path / "page.html").write_text(
        report_page(contents_of(record, pictures), choose(record, media_seconds=12.0)), encoding="utf-8"
    )
    best = Page(tmp_path / "page.html").section("h-best")
    assert "too small" not in best
    assert "sharpness" in best


def test_a_known_scale_is_drawn_into_the_picture_and_told(tmp_path: Path):
    record = read_record(write_record(tmp_path / "scan", plain_story().events))
    still = Still(
        frame_index=50, pts_seconds=2.0, plane="femur", file=b"png", width_px=500, height_px=400, spacing_mm=0.2
    )  # fmt: skip
    strip = Strip(cells=(), sheets=(), columns=4, cell_width_px=0, cell_height_px=0)
    pictures = Pictures(
        strip=strip, stills=(still,), clips=(), frames=300, end_seconds=12.0, gaps=(), is_masked=True
    )  # fmt: skip
    (tmp_path / "page.html").write_text(
        report_page(contents_of(record, pictures), choose(record, media_seconds=12.0)), encoding="utf-8"
    )
    page = Page(tmp_path / "page.html")
    (rule,) = page.all("line", class_="rule")
    assert float(rule["x2"].rstrip("%")) - float(rule["x1"].rstrip("%")) == pytest.approx(100 * 10 / (0.2 * 500))
    assert "0.200 mm per pixel" in page.section("h-best")


@pytest.mark.parametrize("which", ["full", "plain", "captured"])
def test_nothing_is_asked_of_anybody(which: str, request: pytest.FixtureRequest):
    page = Page(request.getfixturevalue(which))
    policy = page.policy
    assert policy["default-src"] == "'none'"
    assert (policy["img-src"], policy["media-src"]) == ("data:", "data:")
    assert "unsafe" not in str(policy)
    for kind, texts in (("script-src", page.scripts[1:]), ("style-src", page.styles)):
        digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts]
        assert policy[kind] == " ".join(f"'sha256-{digest}'" for digest in digests)
    sources = [given[name] for _, given in page.tags for name in ("src", "href") if name in given]
    assert [source for source in sources if not source.startswith("data:")] == ["../index.html"]
    assert [given for _, given in page.tags if "style" in given or any(name.startswith("on") for name in given)] == []
    assert re.findall(r"https?://", page.html) == []


def test_the_index_lists_all_studies_with_what_was_found(tmp_path: Path):
    write_record(tmp_path / "a", full_story().events)
    write_record(tmp_path / "b", plain_story().events)
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "events.jsonl").write_text("torn")
    made = [make_report(tmp_path / "a", cine=None)]
    page = Page(write_index(tmp_path, made))
    assert [link["href"] for link in page.all("a")] == ["a/report.html"]  # the others have no report yet
    for said in ("a 12.0 s Four-chamber, Femur 1 of 4", "21w3d", "b 12.0 s", "2 packets torn", "is no event"):
        assert said in page.text
