"""A file of embeddings: what an encoder saw of many frames, each with a key that labels can name.

One safetensors file. Tensors: ``embedding`` (n d) float32 as the tower gives it, not normalised; ``clip`` (n) int32,
the place of each frame's clip in the metadata's list; ``frame_index`` (n) int64; ``pts_seconds`` (n) float64, NaN for
pictures, which have no time; ``keys``, UTF-8, one line per frame. Metadata: the encoder, how pictures were prepared,
the software, and of each clip its name and its patient.
"""

import json
import math
import os
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from .encoder import ModelError
from .files import check_header
from .heads.head_file import encoder_in, encoder_metadata
from .outputs import ModelIdentity
from .whole import whole_file

KIND = "fetalstream.embeddings"
FORMAT_VERSION = "1"
_DTYPES = {"frame_index": "I64", "pts_seconds": "F64", "embedding": "F32", "clip": "I32", "keys": "U8"}
"""In the file's order: wide numbers first, so that all of them lie aligned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameKey:
    """Which frame an embedding is of.

    Attributes:
        key: unique in its file: "NAME#INDEX" in a clip, "FOLDER/FILE.png" of a picture.
        clip: name of its clip or folder.
        frame_index: running number in it, from 0.
        pts_seconds: media time, NaN where there is none.
        patient: empty where nobody knows.
    """

    key: str
    clip: str
    frame_index: int
    pts_seconds: float
    patient: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingTable:
    """n frames.

    Attributes:
        embedding: (n d) float32, not normalised.
        frames: (n) which frame each row is of; keys stand once.
        encoder: whose embeddings these are.
        preprocessing: how pictures were prepared for it, in words.
    """

    embedding: NDArray[np.float32]
    frames: tuple[FrameKey, ...]
    encoder: ModelIdentity
    preprocessing: str = ""

    def __post_init__(self) -> None:
        if self.embedding.ndim != 2 or len(self.embedding) != len(self.frames):
            raise ModelError(f"{len(self.frames)} frames have embeddings (n d), not of shape {self.embedding.shape}")
        if not np.isfinite(self.embedding).all():
            raise ModelError("embeddings are finite numbers")
        if len({frame.key for frame in self.frames}) != len(self.frames):
            raise ModelError("a frame's key stands once in a table of embeddings")

    def __len__(self) -> int:
        return len(self.frames)


class EmbeddingWriter:
    """Takes embeddings as they come and writes ``path`` at the end of its ``with`` block; memory stays flat.

    Until then everything lies in nameless files in the same folder, which vanish with the process: ``path`` is whole or
    not there, and nothing is left behind by a kill.

    Raises:
        ModelError: the folder cannot be written to, or not one frame came.
    """

    def __init__(self, path: Path, *, encoder: ModelIdentity, preprocessing: str, software: str) -> None:
        self._path = path
        self._about = {"preprocessing": preprocessing, "software": software, **encoder_metadata(encoder)}
        self._clips: dict[str, str] = {}
        self._places: dict[str, int] = {}
        self._dim = 0
        self.frames = 0

    def __enter__(self) -> Self:
        self._columns: dict[str, IO[bytes]] = {}
        try:
            for name in _DTYPES:
                self._columns[name] = tempfile.TemporaryFile(dir=self._path.parent)
        except OSError as error:
            self._close()
            raise ModelError(f"{self._path} cannot be written: {error.strerror}") from error
        return self

    def add(self, embedding: NDArray[np.float32], frames: Sequence[FrameKey]) -> None:
        """The next b frames: (b d) float32 and their keys."""
        if embedding.ndim != 2 or len(embedding) != len(frames) or self._dim not in (0, embedding.shape[1]):
            raise ModelError(f"{len(frames)} frames have embeddings (b {self._dim or 'd'}), not {embedding.shape}")
        self._dim = embedding.shape[1]
        for frame in frames:
            if self._clips.setdefault(frame.clip, frame.patient) != frame.patient:
                raise ModelError(f"clip {frame.clip!r} is of one patient")
            self._places.setdefault(frame.clip, len(self._places))
        content = {
            "embedding": embedding.astype("<f4"),
            "clip": np.array([self._places[frame.clip] for frame in frames], dtype="<i4"),
            "frame_index": np.array([frame.frame_index for frame in frames], dtype="<i8"),
            "pts_seconds": np.array([frame.pts_seconds for frame in frames], dtype="<f8"),
        }
        try:
            for name, array in content.items():
                self._columns[name].write(array.tobytes())
            self._columns["keys"].write("".join(f"{frame.key}\n" for frame in frames).encode())
        except OSError as error:
            raise ModelError(f"{self._path} cannot be written: {error.strerror}") from error
        self.frames += len(frames)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            self._close()

    def _finish(self) -> None:
        if not self.frames:
            raise ModelError(f"not one frame was embedded: {self._path} is not written")
        shapes = {"embedding": [self.frames, self._dim], "keys": [self._columns["keys"].tell()]}
        clips = [{"name": name, "patient": patient} for name, patient in self._clips.items()]
        header: dict[str, Any] = {
            "__metadata__": {"kind": KIND, "format_version": FORMAT_VERSION, "clips": json.dumps(clips), **self._about}
        }
        start = 0
        for name, dtype in _DTYPES.items():
            end = start + self._columns[name].tell()
            header[name] = {"dtype": dtype, "shape": shapes.get(name, [self.frames]), "data_offsets": [start, end]}
            start = end
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)  # safetensors wants its data aligned
        with whole_file(self._path) as file:
            file.write(len(text).to_bytes(8, "little") + text)
            for column in self._columns.values():
                column.seek(0)
                shutil.copyfileobj(column, file)

    def _close(self) -> None:
        for column in self._columns.values():
            with suppress(OSError):  # on a full disk closing fails too, as what is left in the buffer finds no place
                column.close()


def read_embeddings(path: Path) -> EmbeddingTable:
    """Reads what `EmbeddingWriter` wrote.

    Raises:
        ModelError: one line that names the file and what is wrong with it.
    """
    if not path.is_file():
        raise ModelError(f"{path}: there is no such file of embeddings")
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            check_header(metadata, kind=KIND, format_version=FORMAT_VERSION, path=path)
            columns: dict[str, Any] = {name: file.get_tensor(name) for name in _DTYPES}
        clips = json.loads(metadata["clips"])
        keys = columns["keys"].tobytes().decode().split("\n")[:-1]
        frames = tuple(
            FrameKey(
                key=key,
                clip=clips[place]["name"],
                frame_index=index,
                pts_seconds=pts_seconds,
                patient=clips[place]["patient"],
            )
            for key, place, index, pts_seconds in zip(
                keys,
                columns["clip"].tolist(),
                columns["frame_index"].tolist(),
                columns["pts_seconds"].tolist(),
                strict=True,
            )
        )
        encoder, preprocessing = encoder_in(metadata), metadata["preprocessing"]
    except (SafetensorError, KeyError, ValueError, TypeError, IndexError, OSError) as error:
        raise ModelError(f"{path} is a damaged file of embeddings: {' '.join(str(error).split())[:160]}") from error
    try:
        return EmbeddingTable(
            embedding=columns["embedding"].astype(np.float32, copy=False),
            frames=frames,
            encoder=encoder,
            preprocessing=preprocessing,
        )
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error


def picture_key(folder: str, file: str, place: int) -> FrameKey:
    """The key of a picture, number ``place`` of its folder: it has no time. Keys stand one per line, in UTF-8."""
    name = os.fsencode(file).decode("utf-8", "backslashreplace").replace("\n", "\\n")
    return FrameKey(key=f"{folder}/{name}", clip=folder, frame_index=place, pts_seconds=math.nan)
