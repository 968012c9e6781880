"""The law of review: every frame of every clip, the same bytes each time, whole files or none."""

import json
from pathlib import Path

import av
import cv2
import msgspec
import numpy as np
import pytest

from fetalstream import FetalStreamError
from fetalstream.models.testing import GreyHead, grey_model
from fetalstream.pipeline.review import find_studies, review_study
from fetalstream.pipeline.settings import load_config
from fetalstream.sinks import AnyEvent, PlaneLeft
from fetalstream.sources import SourceError

HEAD = GreyHead(("femur", "abdomen"))
FPS = 25


def write_clip(path: Path, labels: list[str]) -> Path:
    """A lossless grey clip whose level shows the label of each frame."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "gray"
        for label in labels:
            grey = np.full((32, 32), HEAD.grey_of(label), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="gray")))
        container.mux(stream.encode())
    return path


SWEEP = ["background"] * 20 + ["femur"] * 50 + ["background"] * 20


def review(path: Path, out: Path) -> dict:
    (study,) = find_studies([path])
    return review_study(study, config=load_config("review"), model=grey_model(), out=out)


def test_a_clip_gives_its_events_and_a_summary(tmp_path: Path):
    clip = write_clip(tmp_path / "sweep.mkv", SWEEP)
    summary = review(clip, tmp_path / "out")
    folder = tmp_path / "out" / "sweep"
    assert sorted(file.name for file in folder.iterdir()) == ["events.jsonl", "summary.json"]
    assert json.loads((folder / "summary.json").read_text()) == summary
    assert (summary["frames_read"], summary["frames_embedded"], summary["frames_dropped"]) == (90, 90, 0)
    assert summary["media_seconds"] == pytest.approx(90 / FPS, abs=0.01)
    (visit,) = summary["planes"]
    assert visit["plane"] == "femur"
    assert visit["start_seconds"] == pytest.approx(0.8, abs=0.2)
    assert visit["end_seconds"] == pytest.approx(2.8, abs=0.3)
    assert visit["start_seconds"] <= visit["best_pts_seconds"] < visit["end_seconds"]
    lines = (folder / "events.jsonl").read_bytes().splitlines()
    events = [msgspec.json.decode(line, type=AnyEvent) for line in lines]
    assert [event.plane for event in events if isinstance(event, PlaneLeft)] == ["femur"]


def test_the_same_clip_gives_the_same_bytes(tmp_path: Path):
    clip = write_clip(tmp_path / "sweep.mkv", SWEEP)
    for name in ("one", "two"):
        review(clip, tmp_path / name)
    one, two = ((tmp_path / name / "sweep" / "events.jsonl").read_bytes() for name in ("one", "two"))
    assert one == two
    review(clip, tmp_path / "one")  # over what is there already
    assert (tmp_path / "one" / "sweep" / "events.jsonl").read_bytes() == one


def test_a_clip_that_cannot_be_read_leaves_nothing_behind(tmp_path: Path):
    torn = tmp_path / "torn.mp4"
    torn.write_bytes(b"\0\0\0\x18ftypmp42" + b"\0" * 64)
    with pytest.raises(SourceError, match=r"torn\.mp4"):
        review(torn, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_of_pictures_is_a_clip(tmp_path: Path):
    folder = tmp_path / "cine"
    folder.mkdir()
    for index, label in enumerate(SWEEP):
        cv2.imwrite(str(folder / f"{index}.png"), np.full((16, 16), HEAD.grey_of(label), dtype=np.uint8))
    summary = review(folder, tmp_path / "out")
    assert summary["frames_read"] == 90
    assert [visit["plane"] for visit in summary["planes"]] == ["femur"]


def test_studies_are_found_in_folders_sorted_and_names_never_collide(tmp_path: Path):
    for name in ("b/cine.mp4", "a/cine.mp4", "a/Cine.avi", "a/notes.txt", "a/.hidden.mp4", "pictures/1.png"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    studies = find_studies([tmp_path])
    names = [(study.path.relative_to(tmp_path).as_posix(), study.name) for study in studies]
    assert names == [
        ("a/Cine.avi", "Cine"),
        ("a/cine.mp4", "cine-2"),
        ("b/cine.mp4", "cine-3"),
        ("pictures", "pictures"),
    ]


def test_a_name_from_input_never_leaves_the_output_folder(tmp_path: Path):
    clip = write_clip(tmp_path / "...mkv", SWEEP)
    (study,) = find_studies([clip])
    out = tmp_path / "out"
    assert out in (out / study.name).resolve().parents


@pytest.mark.parametrize("name", ["missing.mp4", "empty"])
def test_a_path_with_nothing_to_review_is_named(tmp_path: Path, name: str):
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match=name):
        find_studies([tmp_path / name])


def test_a_summary_of_an_earlier_run_does_not_survive_one_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    clip = write_clip(tmp_path / "sweep.mkv", SWEEP)
    review(clip, tmp_path / "out")

    def no_space(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", no_space)
    with pytest.raises(FetalStreamError, match="No space left on device"):
        review(clip, tmp_path / "out")
    assert not (tmp_path / "out" / "sweep" / "summary.json").exists()
    assert [file.name for file in (tmp_path / "out" / "sweep").iterdir()] == ["events.jsonl"]
