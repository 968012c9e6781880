"""The law of the page in a browser: offline, by keyboard, readable; what is clicked is what is shown."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from fetalstream.pipeline.report import write_index

from . import pages
from .records import FPS, SECONDS, decoded

pytestmark = pytest.mark.server

PATIENCE_MS = 20_000
BEST_FEMUR, BEST_HEART = 50, 150

Open = Callable[..., Page]


@pytest.fixture
def opened(chromium: Browser) -> Iterator[Open]:
    """Opens a file; at the end nothing may have been asked of a network, nor complained about."""
    said: list[str] = []
    asked: list[str] = []
    contexts: list[Any] = []

    def open_page(path: Path, **options: Any) -> Page:
        context = chromium.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert said == []
    assert {url.partition(":")[0] for url in asked} <= {"file", "data"}
    assert len([url for url in asked if url.startswith("file:")]) == len(contexts)


def shown(page: Page, frame: int, canvas: str = "#frame") -> np.ndarray:
    """Waits until the frame is drawn; (h w 3) uint8 RGB as it stands on the canvas."""
    expect(page.locator(canvas)).to_have_attribute("data-frame", str(frame), timeout=PATIENCE_MS)
    return pages.pixels(page.locator(canvas).evaluate("canvas => canvas.toDataURL('image/png')"))[..., :3]


def until(page: Page, what: Locator, holds: str) -> None:
    """Waits until a condition holds; asked again and again from outside, for the page's policy forbids it to ask."""
    for _ in range(PATIENCE_MS // 50):
        if what.evaluate(holds):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never came: {holds}")


def distance(picture: np.ndarray, frame: np.ndarray) -> float:
    """How far a cut and shrunk picture is from a whole frame, wherever it was cut out of it."""
    scale = 400 / 399  # cells are 400 px wide, the phantom's fan 399
    whole = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    mask = (picture.max(axis=2) > 40).astype(np.uint8)
    best = cv2.minMaxLoc(cv2.matchTemplate(whole, picture, cv2.TM_SQDIFF, mask=mask))[0]
    return float(best / np.count_nonzero(mask))


def test_a_click_in_the_timeline_shows_the_frame_of_that_time(full: Path, cine: Path, opened: Open):
    page = opened(full)
    cells = pages.Page(full).data["strip"]["cells"]
    box = page.locator("#track").bounding_box()
    assert box is not None
    for seconds in (10.3, 1.6, 6.9):
        page.mouse.click(box["x"] + box["width"] * seconds / SECONDS, box["y"] + 10)
        index = min(cells, key=lambda cell: abs(cell[1] - seconds))[0]
        picture = shown(page, index)
        apart = {other: distance(picture, decoded(cine, other)) for other in (index - 25, index - 5, index, index + 5)}
        assert min(apart, key=apart.__getitem__) == index
        expect(page.locator("#now-frame")).to_contain_text(f"Frame {index}")
        x = float((page.locator("#cursor").get_attribute("x1") or "").rstrip("%"))
        assert x == pytest.approx(100 * index / FPS / SECONDS, abs=0.01)
    expect(page.locator("#now-plane")).to_have_text("Four-chamber")


def test_dragging_scrubs(full: Path, opened: Open):
    page = opened(full)
    box = page.locator("#track").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 5, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 10, steps=5)
    page.mouse.up()
    shown(page, 150)
    page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + 10)
    shown(page, 150)


def test_the_keys_go_from_frame_to_frame_and_from_view_to_view(full: Path, opened: Open):
    page = opened(full)
    indexes = [cell[0] for cell in pages.Page(full).data["strip"]["cells"]]
    shown(page, BEST_FEMUR)  # it begins with the first view
    page.keyboard.press("j")
    shown(page, BEST_HEART)
    page.keyboard.press("ArrowRight")
    shown(page, indexes[indexes.index(BEST_HEART) + 1])
    page.keyboard.press("Shift+ArrowLeft")
    shown(page, indexes[indexes.index(BEST_HEART) + 1 - 10])
    page.keyboard.press("k")
    shown(page, BEST_FEMUR)
    page.keyboard.press("k")  # there is none before it
    shown(page, BEST_FEMUR)
    page.locator("#track").focus()
    page.keyboard.press("End")
    shown(page, indexes[-1])
    page.keyboard.press("Home")
    shown(page, 0)
    expect(page.locator("#track")).to_have_attribute("aria-valuetext", "0:00.0, no standard plane")


def test_a_time_in_a_table_leads_to_its_frame(full: Path, opened: Open):
    page = opened(full)
    page.get_by_role("button", name=f"Show frame {BEST_HEART} at 0:06.0").click()
    shown(page, BEST_HEART)
    expect(page.locator("#frame")).to_be_in_viewport()


def test_a_clip_plays_and_stops(full: Path, opened: Open):
    page = opened(full)
    clip = page.locator(".clip").first
    canvas, play = clip.locator("canvas"), clip.get_by_role("button")
    expect(canvas).to_have_attribute("data-frame", "148")  # the middle of frames 140 to 155
    play.click()
    expect(play).to_have_text("Pause")
    until(page, canvas, "canvas => canvas.dataset.frame !== '148'")
    play.click()
    expect(play).to_have_text("Play")
    frame = canvas.get_attribute("data-wanted")
    page.wait_for_timeout(400)
    assert canvas.get_attribute("data-wanted") == frame
    clip.get_by_role("slider").fill("15")
    expect(canvas).to_have_attribute("data-frame", "155")


def test_a_click_on_a_captures_time_shows_its_frame(captured: Path, opened: Open):
    page = opened(captured)
    page.locator(".captured").last.get_by_role("button", name="Show frame 225 at 0:09.0").click()
    shown(page, 225)
    expect(page.locator("#frame")).to_be_in_viewport()
    expect(page.locator("#now-time")).to_have_text("0:09.0")


def test_without_a_cine_a_captures_time_is_shown_in_the_timeline(without_cine: Path, opened: Open):
    page = opened(without_cine)
    expect(page.locator("#cursor")).to_have_attribute("visibility", "hidden")
    page.locator(".captured").last.get_by_role("button", name="Show 0:09.0 in the timeline").click()
    expect(page.locator("#cursor")).to_have_attribute("visibility", "visible")
    expect(page.locator("#cursor")).to_have_attribute("x1", "75%")
    expect(page.locator("#h-cine")).to_be_in_viewport()


def test_a_captures_clip_plays_in_the_place_of_its_still(captured: Path, opened: Open):
    page = opened(captured)
    card = page.locator(".captured").first
    video, play, still = card.locator("video"), card.locator(".play"), card.get_by_role("button", name="Still")
    expect(video).to_be_hidden()
    expect(card.get_by_role("slider")).to_have_value("30")  # where the still is
    play.click()
    expect(play).to_have_text("Pause")
    expect(video).to_be_visible()
    until(page, video, "video => video.currentTime > 0.2")
    assert video.evaluate("video => [video.videoWidth, video.duration]") == [400, 2]
    play.click()
    moment = video.evaluate("video => video.currentTime")
    page.wait_for_timeout(300)
    assert video.evaluate("video => video.currentTime") == moment

    card.get_by_role("slider").fill("45")  # frame 45 of 50 at 25 a second: from 1.80 s on
    until(page, video, "video => !video.seeking && video.readyState >= 2")
    assert video.evaluate("video => video.currentTime") == pytest.approx(1.82, abs=0.001)
    still.click()
    expect(video).to_be_hidden()
    expect(card.get_by_role("slider")).to_have_value("30")
    card.get_by_role("button", name="Enlarge: captured Femur").click()
    expect(page.locator("#large-picture")).to_be_visible()


def test_a_clip_that_the_browser_cannot_play_is_said_and_the_still_stays(captured: Path, tmp_path: Path, opened: Open):
    torn = tmp_path / "torn.html"
    html = captured.read_text()
    torn.write_text(html.replace("data:video/mp4;base64,", "data:video/mp4;base64,AAAA"))
    page = opened(torn)
    card = page.locator(".captured").first
    card.locator(".play").click()
    expect(card.locator(".about")).to_contain_text("cannot play the clip", timeout=PATIENCE_MS)
    expect(card.locator("video")).to_be_hidden()
    expect(card.locator(".play")).to_have_text("Play clip")


def test_a_best_frame_is_enlarged_and_put_away_by_key(full: Path, opened: Open):
    page = opened(full)
    page.get_by_role("button", name="Enlarge: Four-chamber").click()
    expect(page.locator("#large-picture")).to_be_visible()
    page.keyboard.press("j")  # meanwhile keys are the dialog's
    page.keyboard.press("Escape")
    expect(page.locator("#large-picture")).to_be_hidden()
    shown(page, BEST_FEMUR)


def test_a_picture_that_may_not_be_shown_is_covered_by_the_reason(full: Path, tmp_path: Path, opened: Open):
    html = full.read_text()
    data = pages.Page(full).data
    first = data["strip"]["cells"][0]
    assert f"[{first[0]},{first[1]},{first[2]},{first[3]}]" in html
    cells = html.replace(f"[[{first[0]},{first[1]},{first[2]},{first[3]}]", "[[0,0.0,-1,0]", 1)
    hidden = tmp_path / "hidden.html"
    hidden.write_text(cells.replace('"refusals":[]', '"refusals":["not shown: black picture"]', 1))
    page = opened(hidden)
    page.locator("#track").focus()
    page.keyboard.press("Home")
    expect(page.locator("#refused")).to_have_text("not shown: black picture")
    expect(page.locator("#refused")).to_be_visible()
    page.keyboard.press("j")
    shown(page, BEST_FEMUR)
    expect(page.locator("#refused")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("which", ["full", "plain", "captured", "without_cine", "index"])
def test_axe_finds_nothing_to_complain_about(
    which: str, scheme: str, request: pytest.FixtureRequest, opened: Open, full: Path
):
    path = write_index(full.parent.parent) if which == "index" else request.getfixturevalue(which)
    # The page's own policy forbids every script but its own, and axe is one.
    page = opened(path, color_scheme=scheme, bypass_csp=True)
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


@pytest.mark.parametrize("width", [1920, 1280, 700])
@pytest.mark.parametrize("which", ["full", "captured"])
def test_nothing_is_cut_off(which: str, request: pytest.FixtureRequest, opened: Open, width: int):
    page = opened(request.getfixturevalue(which), viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_on_paper_there_are_pictures_and_no_buttons(full: Path, opened: Open, tmp_path: Path):
    page = opened(full, viewport={"width": 700, "height": 1000}, color_scheme="dark")
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth") <= 700
    assert page.locator(".screen-only:visible").count() == 0
    for gone in ("#frame", ".clip canvas", ".play", "#view-on"):
        expect(page.locator(gone).first).to_be_hidden()
    for there in (".still img", ".poster", "#track svg"):
        expect(page.locator(there).first).to_be_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True)
    sheets = (tmp_path / "report.pdf").read_bytes().count(b"/Type /Page\n")
    assert 2 <= sheets <= 5


def test_on_paper_captures_are_stills(captured: Path, opened: Open):
    page = opened(captured, viewport={"width": 700, "height": 1000})
    page.locator(".captured .play").first.click()
    page.emulate_media(media="print")
    assert page.locator(".screen-only:visible").count() == 0
    for there in page.locator(".captured img").all():
        expect(there).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 700
