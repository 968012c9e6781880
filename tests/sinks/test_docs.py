"""What docs/events.md promises."""

import re
import subprocess
import sys
import threading
import typing
from pathlib import Path

from fetalstream.sinks import AnyEvent, PlaneEntered
from fetalstream.sinks.publisher import Publisher

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "events.md").read_text(encoding="utf-8")


def test_the_page_lists_every_kind_with_every_field():
    rows = dict(re.findall(r"^\| `([a-z.]+)` \| (.+) \|$", PAGE, re.MULTILINE))
    common = {"stream", "sequence", "stamp"}
    assert set(rows) == {kind.__struct_config__.tag for kind in typing.get_args(AnyEvent)}
    for kind in typing.get_args(AnyEvent):
        told = set(re.findall(r"`([a-z0-9_]+)`", rows[kind.__struct_config__.tag]))
        assert set(kind.__struct_fields__) - common <= told


def test_the_subscriber_of_the_page_works():
    block = re.search(r"```python\n(.+?)```", PAGE, re.DOTALL)
    assert block is not None
    publisher = Publisher("tcp://127.0.0.1:*")
    event = PlaneEntered(stream="s", sequence=0, plane="femur", start_seconds=1.5, score=0.9)
    command = [sys.executable, "-c", block[1], publisher.endpoint]
    lines: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        stdout = process.stdout
        reader = threading.Thread(target=lambda: lines.extend(stdout.readline().strip() for _ in range(3)))
        reader.start()
        while reader.is_alive():
            publisher.write(event)
            reader.join(0.02)
        process.kill()
    publisher.close()
    assert re.fullmatch(r"missed \d+ of plane.entered", lines[0]) or lines[0] == "plane.entered femur 1.5"
    assert lines[-1] == "plane.entered femur 1.5"
