"""From heart cines to clips of embeddings, cut and embedded as a stream does it."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from ... import FetalStreamError
from ...models.clip_cache import CineClips, ClipCache
from ...models.encoder import Encoder
from ...models.heads.clip_head import Clips, stacked
from ...models.heads.clip_timing import ClipTiming
from ...models.train.clip_checks import check_frames_apart, check_no_twins
from ...models.train.clip_table import ClipTable
from ...sources import Damage, Frame, SourceState, StateChange
from ..assemble import opened_source
from .clips import HeartClip, HeartClips
from .manifest import HeartCine, digest_of

CHECKED = (
    "no two cines have the same bytes, or the same pictures in their first clips",
    "the first and last frame of a cine's first clip, when it was embedded, were those of its pictures",
)
"""What `embed_cines` looks for; each would have ended it."""

_THUMBNAIL_PX = 16
_BATCH = 8


def embed_cines(
    cines: Sequence[HeartCine],
    encoder: Encoder,
    *,
    timing: ClipTiming,
    normal: str,
    cache: ClipCache | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> ClipTable:
    """All clips of all cines.

    Args:
        cines: from `read_manifest`.
        encoder: of the frames.
        timing: of the clips.
        normal: the label of hearts without a defect.
        cache: None embeds everything anew.
        progress: is told how many cines are done.

    Raises:
        FetalStreamError: no cine is labelled ``normal``, or some give no clip; all of those are told at once.
        LeakError: one cine stands there twice, or a clip's frames are not those of its pictures.
    """
    labels = sorted({cine.label for cine in cines})
    if normal not in labels or len(labels) < 2:
        raise FetalStreamError(f"cines are labelled {normal!r} (normal) and otherwise (affected), not {labels}")
    found: list[CineClips] = []
    digests: list[str] = []
    unusable: list[str] = []
    for done, cine in enumerate(cines, start=1):
        digest = digest_of(cine.path)
        clips = cache.read(digest) if cache else None
        if clips is None:
            clips = embed_cine(cine.path, encoder, timing)
            if isinstance(clips, str):
                unusable.append(f"{cine.path.name} ({clips})")
                continue
            if cache:
                cache.write(digest, clips)
        found.append(clips)
        digests.append(digest)
        progress(done)
    if unusable:
        raise FetalStreamError(f"{len(unusable)} of {len(cines)} cines give no clip: {'; '.join(unusable[:5])}")
    told = [f"{cine.path.name} (patient {cine.patient}, {cine.label})" for cine in cines]
    check_no_twins(told, np.stack([one.thumbnails for one in found]), digests)
    of_clip = [number for number, one in enumerate(found) for _ in one.clips]
    return ClipTable(
        clips=np.concatenate([one.clips for one in found]),
        cines=tuple(cines[number].path.name for number in of_clip),
        patients=tuple(cines[number].patient for number in of_clip),
        labels=tuple(cines[number].label for number in of_clip),
        normal=normal,
        digests=np.array([list(bytes.fromhex(digests[number])[:8]) for number in of_clip], dtype=np.uint8),
    )


def embed_cine(path: Path, encoder: Encoder, timing: ClipTiming) -> CineClips | str:
    """The clips of one cine, all of whose frames show the heart; or why it has none."""
    cutter = HeartClips(timing)
    prepared: dict[int, Tensor] = {}
    embedded: dict[int, NDArray[np.float32]] = {}
    clips: list[Clips] = []
    thumbnails: list[NDArray[np.uint8]] = []

    def take(clip: HeartClip) -> None:
        wanted = [index for index in clip.indexes if index not in embedded]
        for start in range(0, len(wanted), _BATCH):
            part = wanted[start : start + _BATCH]
            rows = encoder.encode([prepared[index] for index in part]).embedding.float().cpu().numpy()
            embedded.update(zip(part, rows, strict=True))
        clips.append(stacked([embedded[index] for index in clip.indexes]))
        if len(clips) == 1:
            pictures = [prepared[index] for index in clip.indexes]
            check_frames_apart(encoder, pictures, clips[0])
            thumbnails.extend(_thumbnail(picture) for picture in pictures)

    frames, last = 0, None
    with opened_source(str(path), realtime=False) as (source, _):
        for item in source.items():
            if isinstance(item, Damage):
                raise FetalStreamError(f"{path} is damaged: {item.what}")
            if isinstance(item, StateChange) and item.state is SourceState.FAILED:
                raise FetalStreamError(f"{path} cannot be read: {item.reason}")
            if not isinstance(item, Frame):
                continue
            frames += 1
            picture = encoder.prepare(item.picture.pixels if encoder.sees_colour else item.picture.grey)
            repeats = last is not None and torch.equal(picture, last)
            prepared[item.index] = last = picture
            for clip in cutter.add(item.index, item.pts_seconds, repeats=repeats):
                take(clip)
            for index in [index for index in prepared if index < (cutter.oldest_index or 0)]:
                del prepared[index]
                embedded.pop(index, None)
    if not clips:
        refused = ", ".join(f"{count} x {reason}" for reason, count in cutter.refused.items())
        why = f"{frames} frames; a clip wants {timing.frames} over {timing.seconds:g} s"
        return f"{why}; {refused}" if refused else why
    return CineClips(clips=np.concatenate(clips), thumbnails=np.stack(thumbnails))


def _thumbnail(picture: Tensor) -> NDArray[np.uint8]:
    grey = picture.float().mean(dim=0, keepdim=True)  # (1 h w)
    return adaptive_avg_pool2d(grey, _THUMBNAIL_PX)[0].round().to(torch.uint8).numpy()
