"""What was seen of a source, in words."""

from collections.abc import Iterator

from ...sources import SourceInfo, SourceState
from ..signal.gates import GateState
from .finding import Finding, ok, problem, warning
from .watch import Levels, Watch

_SMALL_PX = 224
_SLOW_SHARE = 0.95
_GAP_STEPS, _GAP_MS = 8, 400
_LIMITED_BLACK, _LIMITED_WHITE = range(14, 19), 238
_INTERLACED = (
    "set the device's output to progressive (p instead of i): making whole costs sharpness and one frame's time"
)
_RAW = {"rawvideo": "uncompressed", "wrapped_avframe": "uncompressed"}
_RANGES = {True: "full range", False: "limited range (16-235, expanded)", None: "range not said, taken for limited"}


def describe(info: SourceInfo, watch: Watch, error: str) -> Iterator[Finding]:
    """Picture, rate, stream, signal. ``error`` is what the source raised while it was read, empty when nothing."""
    if not watch.frames:
        reasons = [change.reason for change in watch.states if change.reason]
        why = error or (reasons[-1] if reasons else "it opens, and no picture comes")
        yield problem("picture", why, todo="check what the other side sends")
        return
    yield _picture(info, watch)
    yield from _range(watch)
    yield _rate(info, watch)
    yield _stream(watch, error)
    yield _signal(watch)


def _picture(info: SourceInfo, watch: Watch) -> Finding:
    sizes = [f"{width} x {height} px" for width, height in watch.sizes_px]
    stored = watch.stored
    codec = _RAW.get(info.codec, info.codec)
    words = [" and ".join(sizes), *([codec] if codec else [])]
    facts = {"sizes_px": watch.sizes_px, "codec": info.codec, "spacing_mm": watch.spacing_mm}
    if stored is not None:
        words += [
            stored.layout,
            _RANGES[stored.full_range],
            "interlaced (made whole here)" if stored.interlaced else "progressive",
        ]
        facts |= {"layout": stored.layout, "full_range": stored.full_range, "interlaced": stored.interlaced}
    if watch.spacing_mm is not None:
        words.append(f"{watch.spacing_mm:.3g} mm per px")
    what = ", ".join(words)
    if stored is not None and stored.interlaced:
        return warning("picture", what, todo=_INTERLACED, **facts)
    if len(sizes) > 1:
        return warning("picture", what, todo="keep the device at one output size during a scan", **facts)
    if min(watch.sizes_px[-1]) < _SMALL_PX:
        return warning(
            "picture", what, todo=f"choose a mode of at least {_SMALL_PX} px: models look at so many", **facts
        )
    return ok("picture", what, **facts)


def _range(watch: Watch) -> Iterator[Finding]:
    """A stream that calls itself full range, or says nothing, and whose black is grey."""
    levels, stored = watch.levels, watch.stored
    if levels is None or (stored is not None and not stored.full_range) or not _looks_limited(levels):
        return
    yield warning(
        "range",
        f"black is {levels.darkest} and white {levels.brightest}, as in limited range, though it is sent as full",
        todo="set the device's or the card's HDMI range to full (0-255), or the card's driver to expand it",
        darkest=levels.darkest,
        brightest=levels.brightest,
    )


def _looks_limited(levels: Levels) -> bool:
    return levels.darkest in _LIMITED_BLACK and levels.brightest <= _LIMITED_WHITE


def _rate(info: SourceInfo, watch: Watch) -> Finding:
    rate, announced = watch.rate(), info.announced_fps
    said = f"{announced:.4g} announced" if announced else "none announced"
    if rate is None:
        count = "1 picture" if watch.frames == 1 else f"{watch.frames} pictures"
        return ok("rate", f"too short to measure ({count}), {said}", announced_fps=announced, fps=None)
    what = f"{rate.fps:.1f} frames/s over {rate.seconds:.1f} s ({said}), longest gap {rate.longest_gap_ms:.0f} ms"
    facts = {
        "fps": round(rate.fps, 2),
        "announced_fps": announced,
        "stamped_fps": None if rate.stamped_fps is None else round(rate.stamped_fps, 2),
        "longest_gap_ms": round(rate.longest_gap_ms, 1),
    }
    if announced and rate.fps < _SLOW_SHARE * announced:
        todo = "check the mode, cable or network, and whether this machine is busy; what comes is timed rightly"
        return warning("rate", what, todo=todo, **facts)
    if rate.longest_gap_ms > max(_GAP_STEPS * 1000 / rate.fps, _GAP_MS):
        return warning("rate", what, todo="pictures come in bursts: look for a busy machine or network", **facts)
    return ok("rate", what, **facts)


def _stream(watch: Watch, error: str) -> Finding:
    states = list(dict.fromkeys(change.state.value for change in watch.states))
    remarks = [change.reason for change in watch.states if change.reason and change.state is not SourceState.ENDED]
    facts = {"states": states, "damage": [one.what for one in watch.damage], "repaired_stamps": watch.repairs}
    said = ", then ".join(states)
    if error or SourceState.FAILED in states:
        why = error or remarks[-1]
        return problem("stream", f"broke off: {why}", todo="check what the other side sends", **facts)
    if SourceState.STALLED in states or SourceState.RECONNECTING in states:
        todo = "find out why it pauses: cable, network, a device that goes to sleep"
        return warning("stream", f"{said}: {'; '.join(remarks)}", todo=todo, **facts)
    if watch.damage:
        more = f", and {len(watch.damage) - 1} more" if len(watch.damage) > 1 else ""
        return warning("stream", f"{watch.damage[0].what}{more}", todo="check cable, network or file", **facts)
    if watch.repairs:
        what = f"{watch.repairs} of {watch.frames} time stamps did not rise evenly and were repaired"
        return warning("stream", what, todo="nothing, unless times matter to you: each repair is flagged", **facts)
    if remarks:
        return warning("stream", "; ".join(remarks), todo="ask for a mode the device has (see devices)", **facts)
    return ok("stream", f"{said}; nothing damaged, every time stamp good", **facts)


def _signal(watch: Watch) -> Finding:
    verdict, fan = watch.signal.verdict, watch.signal.fan
    where = "no fan found" if fan is None else f"a {fan.kind} fan over {fan.area_share:.0%} of the picture"
    if not watch.signal.finds_fan:
        where = "the whole picture counts as fan, as fan.find=false says"
    if not watch.signal.has_gates:
        return ok("signal", f"every picture is analysed, as signal.gates=[] says; {where}", state=None)
    if verdict is None:
        return ok("signal", "too short to judge", state=None)
    facts = {"state": verdict.state, "fan": None if fan is None else {"kind": fan.kind, "box_px": fan.box_px}}
    if verdict.state is GateState.OPEN:
        if fan is None and watch.signal.finds_fan:
            todo = "nothing, if this is no scanner's screen; else see that the whole screen is captured"
            return warning("signal", "a living picture, but no fan was found in it", todo=todo, **facts)
        return ok("signal", f"a living picture, {where}", **facts)
    words = verdict.state.replace("_", " ")
    todo = "show a live B-mode picture and run the doctor again: heads keep silent while this lasts"
    return warning("signal", f"{words}: {verdict.reason} ({where})", todo=todo, **facts)
