"""The law of embedding studies: keys that name frames, the pixels the stream sees, nothing lost in silence."""

import math
from pathlib import Path

import av
import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.examples import get_path

from fetalstream.models.embeddings import EmbeddingTable, EmbeddingWriter, read_embeddings
from fetalstream.models.testing import GreyEncoder
from fetalstream.pipeline.embedding import Embedded, Thinning, embed_study
from fetalstream.pipeline.review import find_studies
from fetalstream.sources import SourceError

FPS = 25


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FETALSTREAM_HOME", str(tmp_path / "home"))


def write_clip(path: Path, levels: list[int]) -> Path:
    """A lossless clip, each frame of one grey level."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "gray"
        for level in levels:
            container.mux(
                stream.encode(av.VideoFrame.from_ndarray(np.full((32, 32), level, dtype=np.uint8), format="gray"))
            )
        container.mux(stream.encode())
    return path


def write_picture(path: Path, level: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((20, 30), level, dtype=np.uint8)).save(path)
    return path


def embedded(
    *paths: Path, out: Path, thinning: Thinning | None = None, seen: list[int] | None = None
) -> tuple[EmbeddingTable, list[Embedded]]:
    encoder = GreyEncoder()
    with EmbeddingWriter(out, encoder=encoder.identity, preprocessing="", software="") as writer:
        done = [
            embed_study(
                study,
                encoder=encoder,
                thinning=thinning or Thinning(),
                writer=writer,
                on_frames=seen.append if seen is not None else lambda _: None,
            )
            for study in find_studies(paths)
        ]
    return read_embeddings(out), done


def test_each_frame_of_a_clip_has_its_number_and_its_time(tmp_path: Path):
    seen: list[int] = []
    clip = write_clip(tmp_path / "sweep.mkv", list(range(20)))
    table, (done,) = embedded(clip, out=tmp_path / "e.safetensors", seen=seen)
    assert table.embedding[:, 0].tolist() == list(range(20))
    assert [frame.key for frame in table.frames] == [f"sweep#{index}" for index in range(20)]
    assert [frame.frame_index for frame in table.frames] == list(range(20))
    np.testing.assert_allclose([frame.pts_seconds for frame in table.frames], np.arange(20) / FPS, atol=1e-3)
    assert {frame.patient for frame in table.frames} == {""}
    assert (done, sum(seen)) == (Embedded(frames=20, damage=(), failed=""), 20)


@pytest.mark.parametrize(
    ("thinning", "kept"),
    [(Thinning(every=7), [0, 7, 14]), (Thinning(fps=5), [0, 5, 10, 15]), (Thinning(fps=1000), list(range(20)))],
)
def test_a_clip_can_be_thinned_and_keeps_its_numbers(tmp_path: Path, thinning: Thinning, kept: list[int]):
    clip = write_clip(tmp_path / "sweep.mkv", list(range(20)))
    table, _ = embedded(clip, out=tmp_path / "e.safetensors", thinning=thinning)
    assert [frame.frame_index for frame in table.frames] == kept
    assert table.embedding[:, 0].tolist() == kept


def test_pictures_go_by_folder_and_file_and_have_no_time(tmp_path: Path):
    for place, name in enumerate(("p10.png", "p9.png", "p1.jpg")):
        write_picture(tmp_path / "exam" / name, 10 * (place + 1))
    single = write_picture(tmp_path / "other" / "one.png", 90)
    table, _ = embedded(tmp_path / "exam", single, out=tmp_path / "e.safetensors")
    assert [frame.key for frame in table.frames] == ["exam/p1.jpg", "exam/p9.png", "exam/p10.png", "one/one.png"]
    assert table.embedding[:, 0].tolist() == [30, 20, 10, 90]
    assert all(math.isnan(frame.pts_seconds) for frame in table.frames)
    every, _ = embedded(tmp_path / "exam", out=tmp_path / "e.safetensors", thinning=Thinning(every=2))
    assert [frame.key for frame in every.frames] == ["exam/p1.jpg", "exam/p10.png"]


def test_a_picture_that_is_none_is_told_and_the_others_keep_their_numbers(tmp_path: Path):
    for name in ("a.png", "c.png"):
        write_picture(tmp_path / "exam" / name, 50)
    (tmp_path / "exam" / "b.png").write_text("no picture")
    table, (done,) = embedded(tmp_path / "exam", out=tmp_path / "e.safetensors")
    assert [(frame.key, frame.frame_index) for frame in table.frames] == [("exam/a.png", 0), ("exam/c.png", 2)]
    assert done.damage == ("exam/b.png: cannot be read as a picture",)


def test_of_dicom_no_name_comes_out_and_cines_of_a_study_share_their_patient(tmp_path: Path):
    cine = pydicom.dcmread(str(get_path("ybr_color")))
    cine.PatientName, cine.PatientID = "DOE^JANE", "MRN4711"
    folder = tmp_path / "DOE_JANE"
    folder.mkdir()
    for instance in ("1.2.3.9", "1.2.3.10"):
        cine.SOPInstanceUID = instance
        cine.save_as(folder / f"DOE_{instance}")
    cine.StudyInstanceUID = "1.2.99"
    cine.save_as(folder / "DOE_9_other_study")
    out = tmp_path / "e.safetensors"
    table, done = embedded(folder, out=out, thinning=Thinning(every=10))
    assert [one.frames for one in done] == [3, 3, 3]
    patients = {frame.clip: frame.patient for frame in table.frames}
    assert len(patients) == 3
    assert len(set(patients.values())) == 2
    assert all(clip.startswith(f"{patient}-") and patient for clip, patient in patients.items())
    assert [word for word in (b"DOE", b"JANE", b"4711") if word in out.read_bytes()] == []


def test_a_clip_that_cannot_be_opened_leaves_no_frame_of_it(tmp_path: Path):
    good, bad = write_clip(tmp_path / "good.mkv", [5, 6]), tmp_path / "bad.mp4"
    bad.write_text("no video")
    encoder = GreyEncoder()
    first, second = find_studies([bad, good])
    with EmbeddingWriter(tmp_path / "e.safetensors", encoder=encoder.identity, preprocessing="", software="") as writer:
        with pytest.raises(SourceError, match="bad"):
            embed_study(first, encoder=encoder, thinning=Thinning(), writer=writer)
        embed_study(second, encoder=encoder, thinning=Thinning(), writer=writer)
    assert [frame.key for frame in read_embeddings(tmp_path / "e.safetensors").frames] == ["good#0", "good#1"]
