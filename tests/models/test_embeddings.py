"""The file of embeddings: whole or not there, flat in memory, and read back as it was written."""

import json
import math
import signal
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from fetalstream.models.embeddings import (
    EmbeddingTable,
    EmbeddingWriter,
    FrameKey,
    picture_key,
    read_embeddings,
)
from fetalstream.models.encoder import ModelError
from fetalstream.models.outputs import ModelIdentity

from .disks import run_on_a_full_disk

ENCODER = ModelIdentity(name="compact", sha256="a" * 64, version="2")


def writer(path: Path) -> EmbeddingWriter:
    return EmbeddingWriter(path, encoder=ENCODER, preprocessing="padded", software="fetalstream 0")


def frame(clip: str, index: int, patient: str = "") -> FrameKey:
    return FrameKey(key=f"{clip}#{index}", clip=clip, frame_index=index, pts_seconds=index / 25, patient=patient)


def write(path: Path, frames: list[FrameKey], dim: int = 4) -> np.ndarray:
    embedding = np.random.default_rng(0).normal(size=(len(frames), dim)).astype(np.float32)
    with writer(path) as file:
        for row, one in zip(embedding, frames, strict=True):
            file.add(row[None], [one])
    return embedding


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    frames = [frame("b", 0, "us-1"), frame("b", 7, "us-1"), picture_key("Ü", "ä b.png", 3), frame("a", 0)]
    embedding = write(tmp_path / "e.safetensors", frames)
    back = read_embeddings(tmp_path / "e.safetensors")
    np.testing.assert_array_equal(back.embedding, embedding)
    assert back.frames[:2] + back.frames[3:] == tuple(frames[:2] + frames[3:])
    assert (back.frames[2].key, back.frames[2].clip, back.frames[2].frame_index) == ("Ü/ä b.png", "Ü", 3)
    assert math.isnan(back.frames[2].pts_seconds)
    assert (back.encoder, back.preprocessing) == (ENCODER, "padded")


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_any_reader_of_safetensors_reads_it(count: int, tmp_path: Path) -> None:
    embedding = write(tmp_path / "e.safetensors", [frame("clip", index) for index in range(count)], dim=3)
    tensors = load_file(tmp_path / "e.safetensors")
    np.testing.assert_array_equal(tensors["embedding"], embedding)
    assert tensors["frame_index"].tolist() == list(range(count))
    assert tensors["keys"].tobytes().decode().split() == [f"clip#{index}" for index in range(count)]


def test_a_name_that_is_no_text_or_has_a_line_break_stays_one_key(tmp_path: Path) -> None:
    frames = [picture_key("f", b"\xff\xfe.png".decode("utf-8", "surrogateescape"), 0), picture_key("f", "a\nb.png", 1)]
    write(tmp_path / "e.safetensors", frames)
    keys = [one.key for one in read_embeddings(tmp_path / "e.safetensors").frames]
    assert keys == ["f/\\xff\\xfe.png", "f/a\\nb.png"]


def test_an_error_on_the_way_leaves_neither_the_file_nor_anything_else(tmp_path: Path) -> None:
    def fail() -> None:
        with writer(tmp_path / "e.safetensors") as file:
            file.add(np.zeros((1, 4), dtype=np.float32), [frame("a", 0)])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_kill_leaves_what_was_there_before_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "e.safetensors"
    write(path, [frame("before", 0)])
    code = f"""
import os, signal
import numpy as np
from pathlib import Path
from fetalstream.models.embeddings import EmbeddingWriter, FrameKey
from fetalstream.models.outputs import ModelIdentity
encoder = ModelIdentity(name="x", sha256="0")
with EmbeddingWriter(Path({str(path)!r}), encoder=encoder, preprocessing="", software="") as w:
    w.add(np.zeros((1, 4), np.float32), [FrameKey(key="new", clip="c", frame_index=0, pts_seconds=0.0)])
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == -signal.SIGKILL
    assert [one.key for one in read_embeddings(path).frames] == ["before#0"]
    assert [file.name for file in tmp_path.iterdir()] == ["e.safetensors"]


def test_memory_stays_flat_while_frames_come(tmp_path: Path) -> None:
    batch = np.ones((512, 256), dtype=np.float32)  # half a mebibyte
    tracemalloc.start()
    with writer(tmp_path / "e.safetensors") as file:
        for start in range(0, 100 * len(batch), len(batch)):
            file.add(batch, [frame("clip", start + place) for place in range(len(batch))])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (tmp_path / "e.safetensors").stat().st_size > 50 * 2**20
    assert peak < 8 * 2**20


def test_a_full_disk_is_told_in_one_line_whichever_column_it_stops(tmp_path: Path) -> None:
    path = tmp_path / "e.safetensors"
    code = f"""
import numpy as np
from pathlib import Path
from fetalstream.models.embeddings import EmbeddingWriter, FrameKey
from fetalstream.models.encoder import ModelError
from fetalstream.models.outputs import ModelIdentity
encoder = ModelIdentity(name="x", sha256="0")
try:
    with EmbeddingWriter(Path({str(path)!r}), encoder=encoder, preprocessing="", software="") as w:
        for i in range(5000):  # of one number each, so that numbers of frames fill their file before embeddings do
            w.add(np.zeros((1, 1), np.float32), [FrameKey(key=str(i), clip="c", frame_index=i, pts_seconds=0.0)])
except ModelError as error:
    print(error)
"""
    done = run_on_a_full_disk(code, most_file_bytes=10_000)
    assert (done.stdout, done.stderr) == (f"{path} cannot be written: File too large\n", "")
    assert list(tmp_path.iterdir()) == []


def test_not_one_frame_is_an_error_and_no_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not one frame was embedded"), writer(tmp_path / "e.safetensors"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_said_before_anything_is_embedded(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none/e\.safetensors cannot be written: No such file or directory"):
        writer(tmp_path / "none" / "e.safetensors").__enter__()


def test_embeddings_of_another_length_or_a_clip_of_two_patients_are_refused(tmp_path: Path) -> None:
    with writer(tmp_path / "e.safetensors") as file:
        file.add(np.zeros((1, 4), dtype=np.float32), [frame("a", 0, "1")])
        with pytest.raises(ModelError, match=r"1 frames have embeddings \(b 4\), not \(1, 5\)"):
            file.add(np.zeros((1, 5), dtype=np.float32), [frame("a", 1, "1")])
        with pytest.raises(ModelError, match="clip 'a' is of one patient"):
            file.add(np.zeros((1, 4), dtype=np.float32), [frame("a", 1, "2")])


def test_a_key_that_stands_twice_is_refused() -> None:
    with pytest.raises(ModelError, match="key stands once"):
        EmbeddingTable(
            embedding=np.zeros((2, 3), dtype=np.float32), frames=(frame("a", 0), frame("a", 0)), encoder=ENCODER
        )


def _changed(path: Path, **metadata: str) -> None:
    write(path, [frame("a", 0)])
    raw = path.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    save_file(load_file(path), path, {**json.loads(raw[8 : 8 + length])["__metadata__"], **metadata})


BAD_FILES = {
    "missing": (lambda path: None, "there is no such file of embeddings"),
    "text": (lambda path: path.write_text("embeddings"), "is a damaged file of embeddings"),
    "cut": (lambda path: (write(path, [frame("a", 0)]), path.write_bytes(path.read_bytes()[:-3])), "is a damaged file"),
    "head": (lambda path: _changed(path, kind="fetalstream.probe"), "allowed: kind 'fetalstream.embeddings'"),
    "newer": (lambda path: _changed(path, format_version="2"), "format '2'"),
    "no clips": (lambda path: _changed(path, clips="[]"), "is a damaged file of embeddings"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_bad_file_is_refused_in_one_line(kind: str, tmp_path: Path) -> None:
    make, message = BAD_FILES[kind]
    make(tmp_path / "e.safetensors")
    with pytest.raises(ModelError, match=message) as raised:
        read_embeddings(tmp_path / "e.safetensors")
    assert "\n" not in str(raised.value)
