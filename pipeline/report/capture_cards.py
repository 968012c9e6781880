"""What a report says beside each capture."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from ...sinks import QualityItem
from .captures import NO_FOLDER, NO_ROOM, Shot, are_lost
from .words import at, figure, plane_title, plural

_CAUSES = {
    "auto": "Saved automatically, the best picture of its view",
    "freeze": "Saved because the operator froze the picture",
    "operator": "Saved by the operator; nothing replaces it",
}
_RULER_MM = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureCard:
    """A capture and what is said of it.

    Attributes:
        title: the plane.
        what: score and quality.
        by: who saved it, whether it is kept, and when by the clock.
        file: name of the still in the folder of captures; empty where it is not there.
        quality: what was judged of the still; empty where nothing was.
        clip: what the clip is, or why there is none.
        clip_frames, clip_number: how many frames the clip has, and which of them the still is, from 0.
        clip_seconds: how long it is.
        ruler_percent: width of a centimetre in the still; None where nobody knows.
    """

    shot: Shot
    title: str
    what: str
    by: str
    file: str
    quality: Sequence[QualityItem]
    clip: str
    clip_frames: int
    clip_number: int
    clip_seconds: float
    ruler_percent: float | None

    @property
    def good(self) -> str:
        """What is good about it, in words."""
        return ", ".join(plane_title(item.name).lower() for item in self.quality if item.ok)


def capture_cards(shots: Sequence[Shot]) -> list[CaptureCard]:
    """A card for each; none where the folder was not found, for all would say the same."""
    return [] if are_lost(shots) else [_card(shot) for shot in shots]


def captures_text(shots: Sequence[Shot]) -> str:
    """What there is in all, and what was left out."""
    if not shots:
        return "Nothing is left: what was captured has been discarded, see the table below."
    if are_lost(shots):
        count = plural(len(shots), "capture")
        return f"{count} not shown: {NO_FOLDER} (--captures names it). What was captured stands in the table below."
    clips = sum(1 for shot in shots if shot.clip)
    text = f"{plural(len(shots), 'capture')}, {clips or 'none'} with a clip."
    if left_out := _left_out(shots):
        text += f" Left out to keep this file small: {left_out}."
    return text + (
        " Stills are slightly compressed here and clips smaller; the files themselves lie in the folder of captures."
    )


def _left_out(shots: Sequence[Shot]) -> str:
    stills = sum(shot.refused == NO_ROOM for shot in shots)
    clips = sum(shot.clip_refused == NO_ROOM for shot in shots)
    counts = [plural(stills, "capture")] * bool(stills) + [plural(clips, "clip")] * bool(clips)
    return " and ".join(counts)


def _card(shot: Shot) -> CaptureCard:
    saved, sidecar = shot.saved, shot.sidecar
    span = sidecar.clip if sidecar is not None and shot.clip else None
    spacing_mm = sidecar.spacing_mm if sidecar is not None else None
    ruler = None if spacing_mm is None or not shot.width_px else 100 * _RULER_MM / (spacing_mm * shot.width_px)
    return CaptureCard(
        shot=shot,
        title=plane_title(saved.plane) if saved.plane else "No plane named",
        what=f"score {figure(saved.score)}, quality {figure(saved.quality)}",
        by=_by(shot),
        file=PurePosixPath(saved.still).name if shot.still else "",
        quality=sidecar.quality_items if sidecar is not None else (),
        clip=_clip_text(shot),
        clip_frames=span.frames if span else 0,
        clip_number=(span.still_number or 1) - 1 if span else 0,
        clip_seconds=span.end_seconds - span.start_seconds if span else 0.0,
        ruler_percent=None if ruler is None else round(ruler, 3),
    )


def _by(shot: Shot) -> str:
    saved, sidecar = shot.saved, shot.sidecar
    text = _CAUSES.get(saved.cause, f"Saved: {saved.cause}")
    if shot.is_kept and saved.cause != "operator":
        text += "; kept by the operator, nothing replaces it"
    if sidecar is not None and sidecar.wall_time:
        text += f" ({sidecar.wall_time[:10]} {sidecar.wall_time[11:19]} UTC)"
    return text


def _clip_text(shot: Shot) -> str:
    sidecar = shot.sidecar
    if sidecar is None or not shot.still:
        return ""
    if shot.clip_refused:
        return f"No clip: {shot.clip_refused}"
    if sidecar.clip is None:
        return "No clip was kept"
    span = sidecar.clip
    return f"Clip: {at(span.start_seconds)} to {at(span.end_seconds)}, {plural(span.frames, 'frame')}"
