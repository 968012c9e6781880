"""The law of a set of heart cines: unusable lines are named, cines are cut as a stream cuts them, embedded once."""

from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from fetalstream import FetalStreamError
from fetalstream.models.clip_cache import ClipCache
from fetalstream.models.heads.clip_timing import ClipTiming
from fetalstream.models.testing import GreyEncoder
from fetalstream.models.train.clip_checks import LeakError
from fetalstream.pipeline.heart.clip_set import embed_cine, embed_cines
from fetalstream.pipeline.heart.manifest import HeartCine, digest_of, read_manifest, read_manifests
from fetalstream.pipeline.heart.phantoms import FRAMES, HeartPhantom, write_heart_phantoms

TIMING = ClipTiming(frames=4, seconds=0.4, stride_seconds=0.2)
HEADER = "clip,patient,label,site,split\n"


class MosaicEncoder(GreyEncoder):
    """Embeds a picture as 8 x 8 means: a beating heart is never the same twice."""

    def prepare(self, pixels: NDArray[np.uint8]) -> torch.Tensor:
        small = cv2.resize(pixels, (8, 8), interpolation=cv2.INTER_AREA)
        return torch.from_numpy(small)[None]


def write_cine(path: Path, levels: list[int], *, fps: int = 10) -> Path:
    """A lossless grey cine, one level for each frame, a pattern that tells it from others."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pattern = np.random.default_rng(sum(path.name.encode())).integers(0, 90, (32, 32))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=fps)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "gray"
        for level in levels:
            pixels: NDArray[np.uint8] = np.clip(pattern + level, 0, 255).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="gray")))
        container.mux(stream.encode())
    return path


def beating(count: int = 8, *, start: int = 20) -> list[int]:
    return [start + 15 * number for number in range(count)]


@pytest.fixture
def cines(tmp_path: Path) -> list[HeartCine]:
    rows = [("a", "p1", "normal"), ("b", "p2", "septal_defect"), ("c", "p2", "septal_defect")]
    return [
        HeartCine(
            path=write_cine(tmp_path / f"{name}.mkv", beating(start=5 * (ord(name) - 95))), patient=patient, label=label
        )
        for name, patient, label in rows
    ]


def test_clips_of_a_cine_hold_the_embeddings_of_their_frames_in_order(tmp_path: Path):
    path = write_cine(tmp_path / "one.mkv", beating())
    found = embed_cine(path, GreyEncoder(), TIMING)
    assert not isinstance(found, str)
    assert found.clips.shape == (3, 4, 1)
    levels = found.clips[:, :, 0]
    assert np.allclose(np.diff(levels, axis=1), 15, atol=1)
    assert np.allclose(levels[1:, 0] - levels[:-1, 0], 30, atol=1)  # a stride is two frames
    assert found.thumbnails.shape == (4, 16, 16)


def test_a_table_knows_whose_each_clip_is(cines: list[HeartCine]):
    table = embed_cines(cines, GreyEncoder(), timing=TIMING, normal="normal")
    assert len(table) == 9
    assert table.patients == ("p1",) * 3 + ("p2",) * 6
    assert table.affected.tolist() == [False] * 3 + [True] * 6
    assert bytes(table.digests[0]) == bytes.fromhex(digest_of(cines[0].path))[:8]


def test_what_is_kept_is_not_embedded_again(cines: list[HeartCine], tmp_path: Path):
    encoder = GreyEncoder()
    cache = ClipCache(tmp_path / "kept", encoder=encoder, flavour="float32", timing=TIMING)
    first = embed_cines(cines, encoder, timing=TIMING, normal="normal", cache=cache)
    asked = len(encoder.batch_sizes)
    again = embed_cines(cines, encoder, timing=TIMING, normal="normal", cache=cache)
    assert len(encoder.batch_sizes) == asked
    assert np.array_equal(first.clips, again.clips)
    other = ClipCache(tmp_path / "kept", encoder=encoder, flavour="bfloat16", timing=TIMING)
    assert other.read(digest_of(cines[0].path)) is None


def test_what_is_kept_and_damaged_is_made_again(cines: list[HeartCine], tmp_path: Path):
    cache = ClipCache(tmp_path / "kept", encoder=GreyEncoder(), flavour="float32", timing=TIMING)
    first = embed_cines(cines, GreyEncoder(), timing=TIMING, normal="normal", cache=cache)
    for file in (tmp_path / "kept").iterdir():
        file.write_bytes(file.read_bytes()[:40])
    again = embed_cines(cines, GreyEncoder(), timing=TIMING, normal="normal", cache=cache)
    assert np.array_equal(first.clips, again.clips)


def test_cines_without_a_clip_are_told_together_with_the_reason(cines: list[HeartCine], tmp_path: Path):
    short = HeartCine(path=write_cine(tmp_path / "short.mkv", beating(3)), patient="p3", label="normal")
    still = HeartCine(path=write_cine(tmp_path / "still.mkv", [40] * 9), patient="p4", label="normal")
    with pytest.raises(FetalStreamError, match=r"2 of 5 cines give no clip: short\.mkv \(3 frames.*still\.mkv") as told:
        embed_cines([*cines, short, still], GreyEncoder(), timing=TIMING, normal="normal")
    assert "8 x repeated picture" in str(told.value)


def test_a_copy_under_another_patient_is_a_leak(cines: list[HeartCine], tmp_path: Path):
    copy = tmp_path / "copy.mkv"
    copy.write_bytes(cines[0].path.read_bytes())
    twin = HeartCine(path=copy, patient="p9", label="septal_defect")
    with pytest.raises(LeakError, match=r"a\.mkv \(patient p1, normal\) and copy\.mkv \(patient p9, septal_defect\)"):
        embed_cines([*cines, twin], GreyEncoder(), timing=TIMING, normal="normal")


def test_one_kind_of_label_is_not_enough(cines: list[HeartCine]):
    with pytest.raises(FetalStreamError, match="'healthy'"):
        embed_cines(cines, GreyEncoder(), timing=TIMING, normal="healthy")


def manifest(folder: Path, text: str) -> Path:
    path = folder / "clips.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "lacks the column clip, patient, label; its first line has nothing"),
        (HEADER, "holds no clip"),
        ("clip,label\na.mkv,normal\n", "lacks the column patient; its first line has clip, label"),
        (HEADER + "a.mkv,,normal,,\n", "line 2: patient must not be empty"),
        (HEADER + "a.mkv,p1,normal,,\nmissing.mkv,p2,normal,,\n", "line 3: there is no"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_told_by_its_line(text: str, message: str, tmp_path: Path):
    (tmp_path / "a.mkv").write_bytes(b"x")
    with pytest.raises(FetalStreamError, match=message):
        read_manifest(manifest(tmp_path, text))


def test_a_manifest_may_be_parted_as_a_spreadsheet_does_and_have_other_columns(tmp_path: Path):
    (tmp_path / "a.mkv").write_bytes(b"x")
    (cine,) = read_manifest(manifest(tmp_path, "patient; clip;label;site\np1; a.mkv;normal;here\n"))
    assert cine == HeartCine(path=tmp_path / "a.mkv", patient="p1", label="normal")


def test_a_folder_is_known_by_its_pictures_alone_and_what_cannot_be_read_is_told(tmp_path: Path):
    folder = tmp_path / "cine"
    folder.mkdir()
    with pytest.raises(FetalStreamError, match="cine: holds no pictures"):
        digest_of(folder)
    (folder / "0.png").write_bytes(b"a picture")
    before = digest_of(folder)
    (folder / "notes.txt").write_text("seen by K.")
    assert digest_of(folder) == before == digest_of(folder / "0.png")
    (folder / "1.png").write_bytes(b"another")
    assert digest_of(folder) != before
    with pytest.raises(FetalStreamError, match=r"gone\.mkv cannot be read: No such file or directory"):
        digest_of(tmp_path / "gone.mkv")


def test_a_split_is_chosen_and_a_patient_in_two_is_a_leak(tmp_path: Path):
    for name in "abc":
        (tmp_path / f"{name}.mkv").write_bytes(b"x")
    good = manifest(tmp_path, HEADER + "a.mkv,p1,normal,,train\nb.mkv,p2,normal,,test\n")
    assert [cine.patient for cine in read_manifests([good], split="test")] == ["p2"]
    with pytest.raises(FetalStreamError, match="no cine is of split 'tset'; there are: test, train"):
        read_manifests([good], split="tset")
    leaky = manifest(tmp_path, HEADER + "a.mkv,p1,normal,,train\nb.mkv,p1,normal,,test\n")
    with pytest.raises(LeakError, match="patient 'p1' stands in split 'train' and in split 'test'"):
        read_manifests([leaky])


def test_a_patient_in_two_splits_of_two_manifests_is_a_leak(tmp_path: Path):
    lists: list[Path] = []
    for name, split in (("one", "train"), ("two", "")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.mkv").write_bytes(b"x")
        lists.append(manifest(tmp_path / name, HEADER + f"a.mkv,p1,normal,,{split}\n"))
    with pytest.raises(LeakError, match="patient 'p1' stands in split 'train' and in no split"):
        read_manifests(lists)


def test_phantom_patients_follow_from_their_seeds_and_half_are_normal():
    patients = [HeartPhantom.of(seed) for seed in range(12)]
    assert [patient.pathology for patient in patients].count("normal") == 6
    assert {patient.pathology for patient in patients} == {
        "normal", "small_left_ventricle", "septal_defect", "axis_deviation",
    }  # fmt: skip
    assert patients == [HeartPhantom.of(seed) for seed in range(12)]
    assert len({patient.screen for patient in patients}) == 2


def test_phantom_cines_are_written_with_a_manifest_that_can_be_read(tmp_path: Path):
    path = write_heart_phantoms(tmp_path / "set", patients=2, first_seed=5000, cines=1)
    normal, affected = read_manifest(path)
    assert (normal.label, affected.label) == ("normal", "septal_defect")
    found = embed_cine(normal.path, MosaicEncoder(), ClipTiming())
    assert not isinstance(found, str)
    assert found.clips.shape == (2, 16, 64)  # FRAMES at 12.5 a second
    assert FRAMES == 20
