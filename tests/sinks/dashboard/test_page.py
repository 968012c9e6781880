"""The law of the page, seen by the system's Chromium: readable, reachable by keys, plain about its source."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from fetalstream.models.heads.clip_answer import STRADDLES, UNLIKE
from fetalstream.models.heads.gestational_age import NO_SPACING
from fetalstream.models.planes import Plane, title
from fetalstream.pipeline.capture.desk import NO_FAN
from fetalstream.pipeline.exam.age import ENDED_EARLY, NO_TEXTS, SPACING_HINT
from fetalstream.pipeline.exam.protocol import OTHER_PLANES
from fetalstream.pipeline.heart.companion import NO_HEAD
from fetalstream.sinks import Operation
from fetalstream.sinks.dashboard import About, Dashboard

from .staging import page_states as states

pytestmark = pytest.mark.server

SIZES = ((1280, 800), (1920, 1080))
SLOW_MS = 20_000
STALLED_SECONDS = 2.0
AXE_OPTIONS: dict[str, Any] = {"rules": {"color-contrast-enhanced": {"enabled": True}}}
"""Contrast of at least 7 to 1: the room is dark, and the screen two metres away."""


Open = Callable[..., tuple[Page, Any]]


@pytest.fixture(scope="module")
def phantom() -> Any:
    return states.Phantom()


@pytest.fixture(scope="module")
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """One for all pages: each lies at a port of its own, and so has nothing in common with the others."""
    with chromium.new_context(viewport={"width": SIZES[0][0], "height": SIZES[0][1]}) as context:
        context.set_default_timeout(SLOW_MS)
        yield context


def enter(stack: ExitStack, context: BrowserContext, phantom: Any, name: str) -> tuple[Page, Any, list[str]]:
    """A page in a state by its name, what it is told by, and what goes wrong in its script."""
    scene, key = states.KEYS.get(name, (name, ""))
    stage = stack.enter_context(states.staged(scene, phantom))
    stage.scene = scene
    page = context.new_page()
    stack.callback(page.close)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(stage.address)
    settle(page, stage)
    if key:
        page.keyboard.press(key)
    return page, stage, complaints


@pytest.fixture
def opened(context: BrowserContext, phantom: Any) -> Iterator[Open]:
    """Opens the page in a state by its name; nothing may go wrong in its script."""
    heard: list[list[str]] = []
    with ExitStack() as stack:

        def open_page(name: str) -> tuple[Page, Any]:
            page, stage, complaints = enter(stack, context, phantom, name)
            heard.append(complaints)
            return page, stage

        yield open_page
    assert [one for complaints in heard for one in complaints] == []


@pytest.fixture(scope="module", params=[*states.SCENES, *states.KEYS])
def state(request: pytest.FixtureRequest, context: BrowserContext, phantom: Any) -> Iterator[tuple[Page, Any]]:
    """The page in each state in turn, to be looked at and not touched: opened once for all who look."""
    with ExitStack() as stack:
        page, stage, complaints = enter(stack, context, phantom, request.param)
        yield page, stage
        assert complaints == []


def settle(page: Page, stage: Any, seconds: float = 0.2) -> None:
    """Let the page draw, while pictures come as they would, until all of them are there."""
    if stage.status.phase != "loading":
        expect(page.locator("#model")).not_to_contain_text("loading", timeout=SLOW_MS)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        states.keep_live(stage, stage.scene)
        page.wait_for_timeout(60)
    page.wait_for_function("() => [...document.images].every(image => image.complete)")
    if stage.scene not in states.STILL:
        expect(page.locator("#picture")).to_have_attribute("data-pts", re.compile(r"\d"), timeout=SLOW_MS)


def wait_while_shown(page: Page, show: Callable[[], None], done: Callable[[], bool]) -> None:
    """Show a picture ten times a second until it is so."""
    end = time.monotonic() + SLOW_MS / 1000
    while not done():
        assert time.monotonic() < end, "what was waited for has not come"
        show()
        page.wait_for_timeout(100)


def wait(page: Page, done: Callable[[], bool], seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "what was waited for has not come"
        page.wait_for_timeout(20)


def test_axe_finds_nothing_wrong_in_any_state(state: tuple[Page, Any]):
    page, _ = state
    found = Axe().run(page, options=AXE_OPTIONS).response["violations"]
    assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found] == []


CUT_OFF = """() => {
  const cut = [];
  const parts = ".label, .score, .banner *, .tile .name, .quality li, .card *, .tally, .hint, button, .last, " +
    ".health p, .research";
  for (const part of document.querySelectorAll(parts)) {
    const box = part.getBoundingClientRect();
    if (!box.width || part.closest("dialog:not([open])")) continue;
    const frame = (part.closest(".tile, .panel, .stage, dialog") ?? document.body).getBoundingClientRect();
    const wide = box.left < frame.left - 1 || box.right > frame.right + 1;
    const high = box.top < frame.top - 1 || box.bottom > frame.bottom + 1;
    const short = part.classList.contains("hint") && part.scrollHeight > part.clientHeight + 1;
    const inside = part.scrollWidth > part.clientWidth + 1 && getComputedStyle(part).display !== "inline";
    const isCut = wide || high || inside || short;
    if (isCut) cut.push(`${part.className || part.tagName}: ${part.textContent.trim().slice(0, 40)}`);
  }
  const root = document.documentElement;
  if (root.scrollHeight > root.clientHeight || root.scrollWidth > root.clientWidth) cut.push("the page scrolls");
  const list = document.getElementById("checklist");
  if (list.scrollHeight > list.clientHeight + 1) cut.push("the checklist scrolls");
  return cut;
}"""


def test_nothing_is_cut_off_at_either_size(state: tuple[Page, Any]):
    page, stage = state
    for width, height in reversed(SIZES):  # and back to what it was
        page.set_viewport_size({"width": width, "height": height})
        settle(page, stage, 0.15)
        assert page.evaluate(CUT_OFF) == [], f"at {width} x {height}"


IDENTIFIER = re.compile(r"\b[a-z]+(?:_[a-z0-9]+)+\b|\b[a-z]+\.[a-z]+(?:_[a-z]+)*\b|--[a-z]+")


def test_no_word_on_the_screen_is_an_identifier(state: tuple[Page, Any]):
    """No "four_chamber", "plane.entered" or "chd.head"; a tooltip may say how the record calls it."""
    page, _ = state
    text = page.evaluate("() => (document.querySelector('dialog[open]') ?? document.body).innerText")
    assert len(text) > 100
    assert IDENTIFIER.findall(text) == []


def test_what_matters_can_be_read_from_two_metres(opened: Open):
    """Capitals of 16 minutes of arc are 9.3 mm high at 2 m: 34 px of a 24-inch screen of 1920 px, a font of 47 px."""
    page, _ = opened("stalled")
    page.set_viewport_size({"width": SIZES[1][0], "height": SIZES[1][1]})
    sizes = {
        part: page.locator(part).evaluate("element => parseFloat(getComputedStyle(element).fontSize)")
        for part in ("#label", "#score", "#banner-title")
    }
    assert min(sizes.values()) >= 47, sizes


def test_every_action_is_a_key_and_a_button_that_tab_reaches(opened: Open):
    page, _ = opened("captured")
    names: list[str] = []
    for _ in range(30):
        page.keyboard.press("Tab")
        focused = page.evaluate("() => document.activeElement.textContent.trim()")
        if focused in names:
            break
        names.append(focused)
    buttons = [re.sub(r"\s+", " ", name) for name in names]
    for wanted in ("C Capture", "K Keep", "D Discard", "O Override", "P Pause", "M Mark", "L Log", "? Keys"):
        assert wanted in buttons


@pytest.mark.parametrize("by", ["key", "button"])
def test_each_wish_reaches_the_run(opened: Open, by: str):
    page, stage = opened("captured")
    last = str(page.locator("#last").get_attribute("data-state")).split()[0]

    def do(key: str) -> None:
        if by == "key":
            page.keyboard.press(key)
        else:
            page.locator("#buttons button", has=page.locator(f"kbd:text-is('{key.upper()}')")).click()

    for key in ("c", "k", "d", "d", "m", "p"):
        do(key)
    wanted = [("capture", ""), ("keep", last), ("discard", last), ("mark", ""), ("pause", "")]
    wait(page, lambda: len(stage.wishes) >= len(wanted))
    assert [(one.wish, one.value) for one in stage.wishes] == wanted
    stage.tell("operator.paused", paused=True, pts_seconds=1.0)
    expect(page.locator("#banner-title")).to_have_text("Paused")
    do("p")
    wait(page, lambda: stage.wishes[-1] == Operation(wish="resume"))


def test_a_label_is_overridden_by_keys_alone_and_taken_back(opened: Open):
    page, stage = opened("captured")
    page.keyboard.press("o")
    expect(page.locator("#choose")).to_be_visible()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    wait(page, lambda: bool(stage.wishes))
    assert stage.wishes[-1] == Operation(wish="override", value="kidneys")  # the one behind the one in view
    expect(page.locator("#choose")).to_be_hidden()
    stage.tell("operator.override", plane="kidneys", plane_said="four_chamber", pts_seconds=1.0)
    expect(page.locator("#label")).to_have_text("Kidneys")
    expect(page.locator("#model-says")).to_contain_text("The model: Four-chamber")
    page.keyboard.press("o")
    page.keyboard.press("x")
    wait(page, lambda: stage.wishes[-1] == Operation(wish="override", value=""))
    stage.tell("operator.override", plane="", plane_said="four_chamber", pts_seconds=1.0)
    expect(page.locator("#label")).to_have_text("Four-chamber")


def test_an_override_ends_with_what_it_was_said_of(opened: Open):
    page, stage = opened("override")
    expect(page.locator("#label")).to_have_text("Three-vessel")
    stage.tell("plane.entered", plane="femur", start_seconds=2.0, score=0.9)
    expect(page.locator("#label")).to_have_text("Femur")


def test_a_body_part_is_named_while_its_plane_is_not_clear(opened: Open):
    page, stage = opened("nothing_in_view")
    stage.tell("part.entered", part="brain", start_seconds=2.0, score=0.9)
    expect(page.locator("#label")).to_have_text("Brain")
    expect(page.locator("#model-says")).to_contain_text("Which plane of it is not clear")
    stage.tell("part.left", part="brain", start_seconds=2.0, end_seconds=3.0, score=0.9, frames=25, reason="")
    expect(page.locator("#label")).to_have_text("No standard plane")


def test_single_keys_can_be_switched_off(opened: Open):
    page, stage = opened("help")
    page.locator("#keys-on").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("c")
    page.keyboard.press("Control+c")
    page.wait_for_timeout(300)
    assert stage.wishes == []
    page.locator("#buttons button").first.click()
    wait(page, lambda: stage.wishes == [Operation(wish="capture")])


def test_a_source_in_trouble_is_said_across_the_picture_within_two_seconds(opened: Open):
    page, stage = opened("captured")
    for state, word in (("stalled", "Stalled"), ("reconnecting", "Reconnecting"), ("failed", "Source failed")):
        settle(page, stage)
        expect(page.locator("#live-mark")).to_be_visible()
        expect(page.locator("#banner")).to_be_hidden()
        stage.tell("stream.state", state=state, reason="the cable")
        stage.now(state=state)
        expect(page.locator("#banner-title")).to_have_text(word, timeout=STALLED_SECONDS * 1000)
        expect(page.locator("#live-mark")).to_be_hidden()
        expect(page.locator("#label")).to_have_text("Nothing is analysed")
        assert page.locator(".tile[data-in-view='yes']").count() == 0
        stage_box, banner_box = page.locator("#stage").bounding_box(), page.locator("#banner").bounding_box()
        assert stage_box is not None
        assert banner_box is not None
        assert banner_box["width"] > 0.97 * stage_box["width"]
        stage.tell("stream.state", state="running", reason="")
        stage.now(state="running")


def test_a_green_frame_is_never_around_a_picture_that_is_not_there(opened: Open):
    page, stage = opened("looking_for_fan")
    expect(page.locator("#veil")).to_contain_text("Looking for the fan")
    expect(page.locator("#stage")).to_have_attribute("data-tone", "calm")
    stage.show(2.0)
    expect(page.locator("#stage")).to_have_attribute("data-tone", "good")
    expect(page.locator("#live-mark")).to_be_visible()


def test_a_page_whose_scan_is_over_stays_calm_when_fetalstream_is_closed(opened: Open):
    page, stage = opened("ended")
    stage.dashboard.close()
    expect(page.locator("#banner-text")).to_contain_text("FetalStream is closed. What was found stays here")
    expect(page.locator("#banner-title")).to_have_text("Ended")
    assert page.locator("#tally").inner_text() == "3 of 5 done"


def test_a_page_that_has_lost_its_server_says_so_and_finds_back(opened: Open):
    page, stage = opened("captured")
    port = stage.dashboard.port
    stage.dashboard.close()
    expect(page.locator("#banner-title")).to_have_text("No connection", timeout=STALLED_SECONDS * 1000)
    again = Dashboard(About(source="", model="compact", parts=()), port=port)
    try:
        expect(page.locator("#banner-title")).to_have_text("Loading the model", timeout=SLOW_MS)
        assert page.locator("#checklist").inner_text() == ""
    finally:
        again.close()


def test_a_wish_that_is_lost_with_the_link_is_said_and_so_is_one_without_a_link(opened: Open):
    page, stage = opened("captured")
    arrived, release = threading.Event(), threading.Event()

    def slow(_: Operation) -> bool:
        arrived.set()
        return release.wait(SLOW_MS / 1000)

    stage.dashboard.connect(read_status=lambda: stage.status, operate=slow)
    try:
        page.keyboard.press("c")
        wait(page, arrived.is_set)
        stage.dashboard.close()
        expect(page.locator("#toasts")).to_contain_text("Perhaps not done: the connection was lost")
        page.keyboard.press("c")
        expect(page.locator("#toasts")).to_contain_text("Not done: there is no connection")
    finally:
        release.set()


def test_where_no_fan_is_known_no_old_picture_is_left_standing(opened: Open):
    page, stage = opened("captured")
    expect(page.locator("#stage")).to_have_attribute("data-picture", "live")
    stage.tell("signal.changed", state="not_b_mode", reason="as in a menu", pts_seconds=2.0, epoch=0)
    stage.now(signal="not_b_mode")
    expect(page.locator("#stage")).to_have_attribute("data-picture", "none", timeout=STALLED_SECONDS * 1000)
    expect(page.locator("#picture")).to_be_hidden()


def test_the_checklist_fills_in_with_the_picture_of_the_capture(opened: Open):
    page, stage = opened("nothing_in_view")
    tile = page.locator(".tile", has_text="Femur")
    expect(tile).to_have_attribute("data-state", "missing")
    stage.visit("femur")
    stage.items("core_4", states.CORE, ("femur",))
    expect(tile).to_have_attribute("data-state", "done")
    wait(page, lambda: tile.locator("img").evaluate("image => image.naturalWidth") > 100)
    expect(page.locator("#tally")).to_have_text("1 of 5 done")
    expect(page.locator("#toasts")).to_contain_text("Captured: Femur")


def test_an_item_is_called_by_its_protocol_and_shows_whichever_of_its_planes_is_there(opened: Open):
    page, _ = opened("core_4")
    expect(page.locator("#checklist-heading")).to_have_text("Four core views")
    tile = page.locator(".tile", has_text="Brain, axial")
    expect(tile).to_have_attribute("data-in-view", "yes")  # the transventricular plane, which does as well
    wait(page, lambda: tile.locator("img").evaluate("image => image.naturalWidth") > 100)
    assert page.locator(".tile .name").all_inner_texts() == [
        "Brain, axial", "Abdomen with stomach", "Femur", "Four-chamber view",
    ]  # fmt: skip


def test_what_is_to_do_again_fits_below_the_checklist_and_the_rest_is_in_the_log(opened: Open):
    page, _ = opened("core_4")
    hint = page.locator("#checklist-hint")
    expect(hint).to_contain_text("Brain, axial: hold the probe still, zoom in or reduce the depth.")
    expect(hint).to_contain_text("More in the log (L).")
    page.keyboard.press("l")
    rest = page.locator("#lines li", has_text="Checklist, Femur: poor")
    expect(rest).to_contain_text("move the probe until all of it is in the picture")
    whole = page.locator(".tile", has_text="Four-chamber view").get_attribute("title")
    assert whole == "Four-chamber view: poor; it is small in the picture: zoom in or reduce the depth"


def test_the_log_tells_what_is_news_and_in_plain_words(opened: Open):
    page, stage = opened("nothing_in_view")
    for done in ((), ("femur",), ("femur",)):
        stage.items("core_4", ("femur",), done)
    states.heart(stage, score=0.007, low=0.001, high=0.03, threshold=0.02)
    stage.tell("capture.failed", plane="femur", pts_seconds=1.0, reason=NO_FAN)
    expect(page.locator("#toasts")).to_contain_text(
        "Not captured: The fan was not found, and a name may stand around it."
    )
    page.keyboard.press("l")
    femur = page.locator("#lines li:visible", has_text="Checklist, Femur")
    assert sum("done" in text for text in femur.all_inner_texts()) == 1
    expect(page.locator("#lines li", has_text="Heart score of the scan")).to_contain_text(
        "0.7 % (0.1 to 3.0 %; abnormal from 2.0 %)"
    )
    expect(page.locator("#lines li", has_text="Not captured: Femur")).to_contain_text("a name may stand around it")


def test_items_that_are_poor_for_one_reason_are_named_together(opened: Open):
    page, stage = opened("nothing_in_view")
    short = {
        "abdomen": "it was good for 0.1 s only: hold it for 0.5 s",
        "femur": "it was good for 0.4 s only: hold it for 0.5 s",
    }
    stage.items("core_4", states.CORE, **short)
    expect(page.locator("#checklist-hint")).to_have_text("Abdomen with stomach, Femur: hold it for 0.5 s.")


def test_every_plane_has_a_word_of_its_own(opened: Open):
    page, _ = opened("nothing_in_view")
    words = page.evaluate(
        "planes => import('/static/words.js').then(m => planes.filter(plane => !m.isKnown(plane)))",
        [*map(str, Plane), *OTHER_PLANES, "background"],
    )
    assert words == []


def test_the_page_calls_planes_as_everything_else_does(opened: Open):
    page, _ = opened("nothing_in_view")
    said = page.evaluate("planes => import('/static/words.js').then(m => planes.map(m.titleOf))", list(map(str, Plane)))
    assert said == [title(plane) for plane in Plane]


@pytest.mark.parametrize(
    ("reason", "said"), [(STRADDLES, "Between normal and abnormal: record another clip."), (UNLIKE, "check the view")]
)
def test_a_heart_score_that_abstains_says_what_to_do(opened: Open, reason: str, said: str):
    page, stage = opened("captured")
    states.heart(stage, abstains=True, reason=reason)
    expect(page.locator("#heart-value")).to_have_text("Abstains")
    expect(page.locator("#heart-text")).to_contain_text(said)


def test_a_heart_score_is_read_by_its_threshold_which_is_the_middle_of_its_bar(opened: Open):
    page, stage = opened("captured")
    states.heart(stage, score=0.007, low=0.001, high=0.03, threshold=0.02)
    expect(page.locator("#heart-value")).to_have_text("0.7 % (0.1 to 3.0 %)")
    expect(page.locator("#heart-text")).to_contain_text("Abnormal from 2.0 %.")
    low, score, high = (
        page.evaluate(f"parseFloat(document.getElementById('heart-range').style.getPropertyValue('--{name}'))")
        for name in ("low", "score", "high")
    )
    assert 0 < low < score < 50 < high < 100


@pytest.mark.parametrize(
    ("kind", "reason", "said"),
    [
        ("chd", NO_HEAD, "No heart model is set up"),
        ("age", f"{NO_SPACING}; {SPACING_HINT}", "does not say its scale"),
        ("age", NO_TEXTS, "This model cannot tell the age"),
        ("age", ENDED_EARLY, "ended before the age was ready"),
        ("age", "something new", "Something new."),
    ],
)
def test_why_there_is_no_score_is_said_in_plain_words_and_exactly_in_the_tooltip(
    opened: Open, kind: str, reason: str, said: str
):
    page, stage = opened("looking_for_fan")
    stage.tell(f"{kind}.unavailable", reason=reason)
    text = page.locator("#heart-text" if kind == "chd" else "#age-text")
    expect(text).to_contain_text(said)
    expect(text).to_have_attribute("title", reason)


def test_a_picture_that_is_decoded_late_is_not_drawn_over_a_newer_one(context: BrowserContext, phantom: Any):
    with states.staged("nothing_in_view", phantom) as stage:
        page = context.new_page()
        page.add_init_script(
            "let calls = 0; window.late = 0; const decode = createImageBitmap;"
            "window.createImageBitmap = async (blob) => {"
            "  const bitmap = await decode(blob); calls += 1;"
            "  if (calls === 2) { await new Promise((go) => setTimeout(go, 1500)); window.late = 1; }"
            "  return bitmap; };"
        )
        page.goto(stage.address)
        drawn = page.locator("#picture")
        expect(drawn).to_have_attribute("data-pts", "0.3")
        stage.show(2.0)  # takes long
        page.wait_for_timeout(150)
        stage.show(3.0)
        expect(drawn).to_have_attribute("data-pts", "3")
        page.wait_for_function("() => window.late === 1")
        page.wait_for_timeout(100)
        assert drawn.get_attribute("data-pts") == "3"
        stage.show(4.0)  # and the link goes on
        expect(drawn).to_have_attribute("data-pts", "4")
        page.close()


def test_what_this_model_cannot_judge_is_said_and_not_counted(opened: Open):
    page, _ = opened("captured")
    expect(page.locator("#tally")).to_have_text("6 of 15 done")
    expect(page.locator("#checklist-hint")).to_contain_text("Bladder, Placenta: not judged by this model.")
    tile = page.locator(".tile", has_text="Bladder")
    assert "_" not in tile.inner_text()
    expect(tile).to_have_attribute("title", "Bladder: not judged; not judged by this model")
    mark = tile.evaluate("tile => getComputedStyle(tile, '::after').content")
    assert mark not in ("none", "normal"), "its state has no mark"


def test_a_reload_in_mid_stream_loses_nothing(opened: Open):
    page, stage = opened("captured")
    before = page.locator("#label").inner_text(), page.locator("#tally").inner_text(), page.locator("#age").inner_text()
    for number in range(40):
        stage.tell("operator.marked", text=str(number), plane="", pts_seconds=1.0)
        if number in (10, 20, 30):
            page.reload()
    expect(page.locator("#model")).not_to_contain_text("loading")
    settle(page, stage)
    after = page.locator("#label").inner_text(), page.locator("#tally").inner_text(), page.locator("#age").inner_text()
    assert after == before
    page.keyboard.press("l")
    numbers = page.locator("#lines li").evaluate_all("lines => lines.map((line) => Number(line.dataset.n))")
    assert numbers == list(range(numbers[-1] + 1))
    assert page.locator("#lines li").last.inner_text().endswith("You mark this moment (39)")


def test_how_late_the_picture_is_stands_on_the_page(opened: Open):
    page, stage = opened("captured")

    def age_ms() -> int:
        found = re.search(r"(\d+) ms behind the machine", page.locator("#health").inner_text())
        return int(found[1]) if found else -1

    wait_while_shown(page, lambda: stage.show(2.0), lambda: 0 <= age_ms() < 1000)
    assert page.locator("#health").get_attribute("class") in (None, "")
    late = stage.phantom.shown(2.0)._replace(captured_ns=time.monotonic_ns() - 3 * 10**9)
    wait_while_shown(page, lambda: stage.dashboard.show(late), lambda: age_ms() > 2900)
    assert age_ms() < 3000 + SLOW_MS
    expect(page.locator("#health")).to_have_class("late")


def test_the_page_asks_nobody_but_its_server(context: BrowserContext, phantom: Any):
    with states.staged("captured", phantom) as stage:
        page = context.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(stage.address)
        expect(page.locator("#model")).not_to_contain_text("loading", timeout=SLOW_MS)
        page.close()
        assert len(asked) > 10
        assert [url for url in asked if not url.startswith(stage.address)] == []
