"""The law of remembered fans: each device gets its own back, from run to run; the file tells nothing of a patient."""

import json
from pathlib import Path

import numpy as np
import pytest

from fetalstream.models.testing import grey_model
from fetalstream.pipeline.assemble import build_run, opened_source
from fetalstream.pipeline.settings import load_config
from fetalstream.pipeline.signal.fan import Fan
from fetalstream.pipeline.signal.fan_memory import FanMemory, MemoryFileError, Surroundings
from fetalstream.sources import Pixels

from ..scenery import SIZE, echoes, glance_at, screen, sector

WIDE, NARROW = sector(), sector(lean=0.2)


def seen(fan: Fan, device: int) -> Surroundings:
    return Surroundings.of(glance_at(screen(fan, 0, device=device), fan))


def recalled(memory: FanMemory, picture: Pixels) -> Fan | None:
    return memory.recall(width_px=SIZE[1], height_px=SIZE[0], grey=glance_at(picture).grey)


def test_each_device_gets_its_own_fan_back():
    memory = FanMemory()
    memory.remember(WIDE, seen(WIDE, 0))
    memory.remember(NARROW, seen(NARROW, 1))
    assert recalled(memory, screen(WIDE, 7, device=0)) is WIDE
    assert recalled(memory, screen(NARROW, 7, device=1)) is NARROW
    assert recalled(memory, screen(WIDE, 7, device=2)) is None
    assert memory.recall(width_px=640, height_px=480, grey=glance_at(screen(WIDE, 7)).grey) is None


def test_a_clock_and_a_name_that_change_are_no_other_device():
    memory = FanMemory()
    memory.remember(WIDE, seen(WIDE, 0))
    changed = screen(WIDE, 3)
    changed[:20, 200:] = 0
    assert recalled(memory, changed) is WIDE


def test_a_newer_fan_of_the_same_device_takes_the_place_of_the_older():
    memory = FanMemory()
    for fan in (WIDE, NARROW):
        memory.remember(fan, seen(WIDE, 0))
    assert len(memory) == 1
    assert recalled(memory, screen(WIDE, 1)) is NARROW


def test_a_screen_without_furniture_is_not_remembered():
    memory = FanMemory()
    memory.remember(WIDE, Surroundings.of(glance_at(np.where(WIDE.mask > 0, echoes(1), 0).astype(np.uint8), WIDE)))
    assert len(memory) == 0


def test_a_memory_file_carries_fans_to_the_next_run(tmp_path: Path):
    file = tmp_path / "site" / "fans.json"
    FanMemory(file).remember(WIDE, seen(WIDE, 0))
    again = recalled(FanMemory(file), screen(WIDE, 9))
    assert again == WIDE
    assert again is not None
    assert (again.mask == WIDE.mask).all()
    assert [entry.name for entry in file.parent.iterdir()] == ["fans.json"]


def test_the_file_of_a_memory_holds_neither_pixels_nor_what_is_written_on_the_screen(tmp_path: Path):
    file = tmp_path / "fans.json"
    FanMemory(file).remember(WIDE, seen(WIDE, 0))
    (entry,) = json.loads(file.read_text())
    assert set(entry) == {"width_px", "height_px", "kind", "confidence", "shape", "screen"}
    assert set("".join(entry["screen"])) == {".", "-", "#"}
    assert sum(map(len, entry["screen"])) < SIZE[0] * SIZE[1] / 36


FAN = '"width_px":9,"height_px":9,"kind":"linear","confidence":1,"shape":{"box_px":[0,0,9,9]}'


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b'[{"width_px": 1}]',
        f'[{{{FAN.replace("9", "-9", 1)},"screen":["."]}}]'.encode(),
        f'[{{{FAN.replace(":1,", ":7,")},"screen":["."]}}]'.encode(),
        f'[{{{FAN},"screen":[".","##"]}}]'.encode(),
        f'[{{{FAN},"screen":["."],"patient":"Doe"}}]'.encode(),
        b"\xff\xfe",
    ],
)
def test_a_file_that_holds_no_fans_is_named_and_left_as_it_is(content: bytes, tmp_path: Path):
    file = tmp_path / "fans.json"
    file.write_bytes(content)
    with pytest.raises(MemoryFileError, match=r"fans\.json' cannot be read as remembered fans"):
        FanMemory(file)
    assert file.read_bytes() == content


def test_a_place_that_cannot_be_used_is_told_at_once(tmp_path: Path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(MemoryFileError, match=r"fans\.json' cannot be read .*: Not a directory"):
        FanMemory(tmp_path / "file" / "fans.json")
    with pytest.raises(MemoryFileError, match="' cannot be written: File name too long"):
        FanMemory(tmp_path / ("x" * 250))


def test_a_place_that_is_lost_later_ends_no_run(tmp_path: Path):
    file = tmp_path / "here" / "fans.json"
    memory = FanMemory(file)
    file.unlink()
    file.parent.rmdir()
    file.parent.write_text("in the way")
    memory.remember(WIDE, seen(WIDE, 0))
    assert recalled(memory, screen(WIDE, 1)) is WIDE


def test_a_run_fills_the_memory_its_configuration_names(tmp_path: Path):
    file = tmp_path / "fans.json"
    config = load_config("review", assignments=[f"fan.memory={file}"])
    uri = "phantom://?seed=3&seconds=2&fps=10&screen=1&realtime=0&size=640x480"
    known: list[int] = []
    for _ in range(2):
        with opened_source(uri, realtime=False) as (source, info):
            run = build_run(config, source=source, info=info, model=grey_model(), sinks=[], stream="s", stamped=False)
            run.run()
            assert run.watch.fan is not None
        known.append(len(json.loads(file.read_text())))
    assert known == [1, 1]
