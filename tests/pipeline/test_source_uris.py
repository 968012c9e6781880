"""What docs/sources.md promises, and what is said of a URI that names no source."""

import re
from pathlib import Path

import pytest

from fetalstream.pipeline import plugins
from fetalstream.pipeline.assemble import opened_source
from fetalstream.sources import SourceError, SourceState, device, rtsp
from fetalstream.sources.clock import Repair
from fetalstream.sources.live_options import NAMES
from fetalstream.sources.supervise import Patience

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8")
CODE = " ".join(path.read_text(encoding="utf-8") for path in (ROOT / "sources").rglob("*.py"))
OWN_SECTION = {
    "rtsp": "Network cameras: rtsp",
    "capture": "Capture cards: capture",
    "phantom": "The simulated scan: phantom",
}
RECORDINGS = ("file", "images", "dicom")


def rows(heading: str) -> list[list[str]]:
    """The cells of the tables below a heading, without their first lines."""
    section = re.split(r"^## ", PAGE, flags=re.MULTILINE)
    (text,) = [part for part in section if part.startswith(f"{heading}\n")]
    tables = re.findall(r"^\|.*\n\|[-|]+\|\n((?:\|.*\n)+)", text, re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for table in tables for line in table.splitlines()]


def named(cell: str) -> set[str]:
    return set(re.findall(r"`([a-z_]+)`", cell))


def options_told(kind: str) -> set[str]:
    if kind in RECORDINGS:
        return {
            name for row in rows("Recordings: file, images, dicom") if kind in named(row[0]) for name in named(row[1])
        }
    return {name for row in rows(OWN_SECTION[kind]) for name in named(row[0])}


def options_taken(kind: str) -> set[str]:
    """What the kind itself says it takes when it is given something else."""
    target = {"capture": "capture://0", "phantom": "phantom://"}.get(kind, f"{kind}:{ROOT / 'missing'}")
    with pytest.raises(SourceError) as caught:
        plugins.load("sources", kind)(f"{target}?nonsense=1", realtime=True)
    return set(str(caught.value).rpartition("allowed: ")[2].split(", "))


def test_every_kind_is_told():
    assert {name for row in rows_of_kinds() for name in named(row[0])} == set(plugins.BUILT_IN["sources"])


def rows_of_kinds() -> list[list[str]]:
    head = PAGE.split("\n## ")[0]
    lines = re.findall(r"^\| (`.*) \|$", head, re.MULTILINE)
    return [line.split(" | ") for line in lines]


@pytest.mark.parametrize("kind", ["capture", "phantom", *RECORDINGS])
def test_every_option_of_a_kind_is_told_and_every_one_told_exists(kind: str):
    told = options_told(kind)
    if kind == "phantom":  # in the words for size
        told |= {"width_px", "height_px"}
    assert told == options_taken(kind) - (NAMES if kind == "capture" else set())


def test_the_options_of_live_sources_and_their_defaults_are_told():
    told = {row[0].strip("`"): row[1] for row in rows("Options of every live source")}
    assert set(told) == NAMES
    patience = Patience()
    for name in NAMES - {"latency_ms"}:
        value: float | None = getattr(patience, name)
        assert told[name] == ("never" if value is None else f"{value:g}")


def test_the_transports_of_rtsp_and_the_formats_of_devices_are_told():
    ((name, default, meaning),) = rows("Network cameras: rtsp")
    assert (name, default) == ("`transport`", rtsp.TRANSPORTS[0])
    assert named(meaning) == set(rtsp.TRANSPORTS)
    formats = re.search(r"with FORMAT one of ([\w,\s]+), as far", PAGE)
    assert formats is not None
    assert {name.strip() for name in formats[1].split(",")} == device.FORMATS


def test_every_uri_that_is_shown_is_one():
    shown = re.findall(r"`((?:rtsp|capture|device|phantom|file|images|dicom):[^`]+)`", PAGE)
    assert len(shown) > 8
    for uri in shown:
        written = uri.replace("NUMBER", "0").replace("FORMAT/NAME", "lavfi/testsrc").replace("/NAME", "/card")
        plugins.load("sources", uri.partition(":")[0])(written, realtime=True)


def test_every_state_and_every_repair_is_told():
    assert {name for row in rows("States") for name in named(row[0])} == set(SourceState)
    assert {name for row in rows("Three times, and never mixed") for name in named(row[0])} == set(Repair)


def test_every_message_that_is_explained_is_said():
    messages = [found for row in rows("Troubleshooting") for found in re.findall(r"`([^`]+)`", row[0])]
    messages = [message for message in messages if " " in message]
    assert len(messages) > 8
    for message in messages:
        for part in re.split(r" ?[\d.]+ ?s?| /dev/video0|\.\.\.", message):
            assert part.strip("():, ") in CODE, message


def test_a_uri_of_no_kind_is_refused_without_its_login():
    with (
        pytest.raises(SourceError, match=r"'rstp://\*\*\*@host/live': no source is called 'rstp'") as caught,
        opened_source("rstp://annika:geheim@host/live", realtime=True),
    ):
        pass
    assert "capture" in str(caught.value)
