"""Recorded studies to embeddings: every frame or some of them, by the model that later reads a head trained on them.

No gate and no sampling of the stream stands here: what is labelled is embedded, and pixels take the stream's own way
(`Watch.look` hands the whole picture on, brightness alone where the model wants no more).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from ..models.embeddings import EmbeddingWriter, FrameKey, picture_key
from ..models.encoder import Encoder
from ..sources import Damage, Frame, Picture, SourceState
from ..sources.images import picture_files, read_picture
from ..sources.sniff import is_dicom
from .assemble import opened_source
from .review import IMAGE_SUFFIXES, Study
from .sampling import FixedRate, Sampler


@dataclass(frozen=True, slots=True, kw_only=True)
class Thinning:
    """Which frames of a clip are embedded: each ``every``-th, at most ``fps`` per second of media time where given.

    Of pictures in a folder each ``every``-th; they have no time.
    """

    every: int = 1
    fps: float | None = None

    def sampler(self) -> Sampler:
        """A fresh one, for one clip."""
        return _EveryNth(self.every) if self.fps is None else FixedRate(self.fps)


class _EveryNth:
    def __init__(self, every: int) -> None:
        self._every = every
        self._seen = 0

    def wants(self, pts_seconds: float, epoch: int) -> bool:  # noqa: ARG002 - the seam's signature
        self._seen += 1
        return (self._seen - 1) % self._every == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """What became of one study.

    Attributes:
        frames: how many are in the file.
        damage: what could not be read, in plain sentences.
        failed: why it ended before its end, empty when it did not.
    """

    frames: int
    damage: tuple[str, ...]
    failed: str


@dataclass(frozen=True, slots=True)
class _Look:
    frame: FrameKey
    picture: Picture


@dataclass(slots=True, kw_only=True)
class _Reading:
    """One study being read."""

    study: Study
    thinning: Thinning
    on_start: Callable[[int | None], None]
    on_frames: Callable[[int], None]
    damage: list[str] = field(default_factory=list[str])
    failed: str = ""


def patient_of(study: Study) -> str:
    """Whose a clip is: of DICOM the study's salted hash ("us-STUDY"), else empty, for a table of labels to fill.

    The reader does not read patients' names or numbers; two studies of one patient look like two patients here.
    """
    parts = study.name.split("-")
    return "-".join(parts[:2]) if is_dicom(study.path) and len(parts) > 2 else ""


def embed_study(
    study: Study,
    *,
    encoder: Encoder,
    thinning: Thinning,
    writer: EmbeddingWriter,
    batch_frames: int = 8,
    on_start: Callable[[int | None], None] = lambda _: None,
    on_frames: Callable[[int], None] = lambda _: None,
) -> Embedded:
    """Embed one clip, folder of pictures or picture into ``writer``.

    Args:
        on_start: is told how many frames the source announces, None when it does not.
        on_frames: is told how many more frames were looked at.

    Raises:
        SourceError: it cannot be opened; nothing of it is in ``writer`` then.
    """
    reading = _Reading(study=study, thinning=thinning, on_start=on_start, on_frames=on_frames)
    is_pictures = study.path.is_dir() or study.path.suffix.lower() in IMAGE_SUFFIXES
    looks = _pictures if is_pictures and not is_dicom(study.path) else _frames
    before = writer.frames
    for batch in _batches(looks(reading), batch_frames):
        prepared = [
            encoder.prepare(look.picture.pixels if encoder.sees_colour else look.picture.grey) for look in batch
        ]
        embedding = encoder.encode(prepared).embedding
        writer.add(embedding.float().numpy(force=True), [look.frame for look in batch])
    return Embedded(frames=writer.frames - before, damage=tuple(reading.damage), failed=reading.failed)


def _frames(reading: _Reading) -> Iterator[_Look]:
    study = reading.study
    patient, sampler = patient_of(study), reading.thinning.sampler()
    with opened_source(str(study.path), realtime=False) as (source, info):
        reading.on_start(info.frame_count)
        for item in source.items():
            if isinstance(item, Frame):
                reading.on_frames(1)
                if sampler.wants(item.pts_seconds, item.epoch):
                    frame = FrameKey(
                        key=f"{study.name}#{item.index}",
                        clip=study.name,
                        frame_index=item.index,
                        pts_seconds=item.pts_seconds,
                        patient=patient,
                    )
                    yield _Look(frame, item.picture)
            elif isinstance(item, Damage):
                reading.damage.append(item.what)
            elif item.state is SourceState.FAILED:
                reading.failed = item.reason


def _pictures(reading: _Reading) -> Iterator[_Look]:
    study = reading.study
    files = picture_files(study.path) if study.path.is_dir() else [study.path]
    reading.on_start(len(files))
    for place, file in enumerate(files):
        reading.on_frames(1)
        if place % reading.thinning.every:
            continue
        frame, picture = picture_key(study.name, file.name, place), read_picture(file)
        if picture is None:
            reading.damage.append(f"{frame.key}: cannot be read as a picture")
        else:
            yield _Look(frame, picture)


def _batches(looks: Iterable[_Look], size: int) -> Iterator[list[_Look]]:
    """Not `itertools.batched`, which Python 3.11 has not."""
    iterator = iter(looks)
    while batch := list(islice(iterator, size)):
        yield batch
