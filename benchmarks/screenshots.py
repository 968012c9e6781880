"""Pictures of the live page and a report for README and docs: ``python benchmarks/screenshots.py --out docs/images``

A real run of the demo's configuration on a phantom, watched by the system's Chromium, and a real review of a cine of
one; nothing is staged. With
``--states DIR`` every state the page can be in is photographed instead, told by events (see page_states.py), at
1280 x 800 and 1920 x 1080: for people who work on the page. ``--only NAME ...`` picks some of them.

PNG with few colours, so that each stays under 200 kB.
"""

import argparse
import io
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import page_states
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from fetalstream.pipeline.assemble import build_run, load_model, opened_source
from fetalstream.pipeline.evaluation.bench import record
from fetalstream.pipeline.live_page import dashboard_for, status_of
from fetalstream.pipeline.run import StreamRun
from fetalstream.pipeline.settings import load_config

CHROMIUM = "/usr/bin/chromium"
SIZES = ((1280, 800), (1920, 1080))
SCAN = "phantom://?seed=7&fps=25&screen=1&events=freeze:36-41"
CINE = "phantom://?seed=3&fps=25&seconds=30&screen=1&realtime=0"
REVIEW = ("--set", "protocol=core_4", "--set", "chd.head=phantom")
MOST_BYTES = 200_000
COLOURS = (256, 128, 64, 32)
WAIT_MS = 120_000


def save(page: Page, path: Path) -> None:
    """Photograph the page, in as many colours as fit."""
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    file = io.BytesIO()
    for colours in COLOURS:
        file = io.BytesIO()
        picture.quantize(colours, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
        if file.tell() < MOST_BYTES:
            break
    path.write_bytes(file.getvalue())
    print(f"{path}: {file.tell() / 1000:.0f} kB")


@contextmanager
def scanned(browser: Browser) -> Iterator[tuple[Page, StreamRun]]:
    """The demo's run, and a page that watches it."""
    with tempfile.TemporaryDirectory(prefix="fetalstream-screenshots-") as folder:
        flags = {"sinks": [], "ui": {"enabled": True, "port": 0}, "capture": {"folder": folder}}
        config = load_config("demo", flags=flags)
        with (
            closing(dashboard_for(config, SCAN, fixed_port=True)) as dashboard,
            opened_source(SCAN, realtime=True) as (source, info),
        ):
            run = build_run(
                config,
                source=source,
                info=info,
                model=load_model(config),
                sinks=[dashboard],
                stream="phantom-7",
                stamped=True,
            )
            dashboard.connect(read_status=lambda: status_of(run.telemetry.snapshot()), operate=run.operate)
            page = browser.new_page(viewport={"width": SIZES[0][0], "height": SIZES[0][1]})
            page.set_default_timeout(WAIT_MS)
            page.goto(f"http://127.0.0.1:{dashboard.port}/")
            thread = threading.Thread(target=run.run)
            thread.start()
            try:
                yield page, run
            finally:
                run.stop()
                thread.join()
                page.close()


def photograph_scan(browser: Browser, out: Path) -> None:
    """What README shows: a plane in view with captures behind it, choosing a label, and a frozen machine."""
    with scanned(browser) as (page, _):
        for _ in range(4):  # four planes have come and gone
            page.wait_for_selector("#label[data-plane='in-view']")
            page.wait_for_selector("#label[data-plane='none']")
        page.wait_for_selector("#last img")
        page.wait_for_selector("#label[data-plane='in-view']")
        page.wait_for_selector("#quality li")
        page.wait_for_timeout(1200)
        save(page, out / "live-page.png")
        page.keyboard.press("o")
        page.wait_for_selector("#choose[open]")
        save(page, out / "live-page-override.png")
        page.keyboard.press("Escape")
        page.wait_for_selector("#stage[data-tone='warn']")
        page.wait_for_timeout(500)
        save(page, out / "live-page-frozen.png")


def photograph_report(browser: Browser, out: Path) -> None:
    """What README shows of a reviewed cine, at one of its views."""
    with tempfile.TemporaryDirectory(prefix="fetalstream-screenshots-") as folder:
        cine, reviewed = Path(folder, "sweep.mp4"), Path(folder, "reviewed")
        record(CINE, cine)
        command = [sys.executable, "-m", "fetalstream", "review", str(cine), "--out", str(reviewed), "--report"]
        captures = ("--set", f"capture.folder={folder}/captures")
        subprocess.run([*command, *REVIEW, *captures], check=True)
        page = browser.new_page(viewport={"width": SIZES[0][0], "height": 1040})
        page.goto((reviewed / "sweep" / "report.html").as_uri())
        page.keyboard.press("j")
        page.keyboard.press("j")
        page.wait_for_timeout(500)
        save(page, out / "report.png")
        page.close()


def photograph_states(browser: Browser, out: Path, only: list[str]) -> None:
    """Every state or these, at both sizes."""
    phantom = page_states.Phantom()
    for name in only or (*page_states.SCENES, *page_states.KEYS):
        scene, key = page_states.KEYS.get(name, (name, ""))
        with page_states.staged(scene, phantom) as stage:
            for width, height in SIZES:
                page = browser.new_page(viewport={"width": width, "height": height})
                page.goto(stage.address)
                _let_pass(page, stage, scene, 1.5)
                if key:
                    page.keyboard.press(key)
                    _let_pass(page, stage, scene, 0.3)
                page.screenshot(path=out / f"{name}-{width}.png")
                page.close()


def _let_pass(page: Page, stage: page_states.Stage, scene: str, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        page_states.keep_live(stage, scene)
        page.wait_for_timeout(60)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    parser.add_argument("--states", type=Path, help="photograph every state instead, into this folder")
    parser.add_argument("--only", nargs="*", default=[], help="of these states")
    given = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        (given.states or given.out).mkdir(parents=True, exist_ok=True)
        if given.states is None:
            photograph_scan(browser, given.out)
            photograph_report(browser, given.out)
        else:
            photograph_states(browser, given.states, given.only)


if __name__ == "__main__":
    main()
