"""Capture devices that are plugged in."""

import sys
from collections.abc import Iterator
from contextlib import suppress

from .finding import Finding, ok, warning
from .v4l2 import Node, nodes, read_node

_BEST = 3
"""Modes that are shown; all are in the facts."""
_FORMATS = {"win32": "dshow", "darwin": "avfoundation"}


def look_at_devices() -> Iterator[Finding]:
    """V4L2 nodes on Linux with their modes, the names FFmpeg knows elsewhere."""
    if sys.platform.startswith("linux"):
        found = [node for node in map(read_node, nodes()) if node.captures or node.trouble]
        yield from map(describe, found)
        if not found:
            yield ok("devices", "no capture device is plugged in (a card shows up as /dev/video0)")
    else:
        yield from _by_ffmpeg(_FORMATS.get(sys.platform, ""))


def describe(node: Node) -> Finding:
    """What one node is and offers."""
    facts = {
        "path": node.path,
        "name": node.name,
        "modes": [mode._asdict() for mode in node.offers],
    }
    if node.trouble:
        todo = "unplug it and plug it in again, or go on without it"
        if "group" in node.trouble:
            todo = "sudo usermod -aG video $USER, then log in anew"
        return warning("devices", f"{node.path} {node.trouble}", todo=todo, **facts)
    best = sorted(
        node.offers, key=lambda mode: (mode.width_px * mode.height_px, max(mode.fps, default=0)), reverse=True
    )
    shown = "; ".join(map(str, best[:_BEST])) or "it does not say which modes it has"
    more = f"; {len(best) - _BEST} more" if len(best) > _BEST else ""
    return ok("devices", f"{node.path} {node.name}: {shown}{more}", **facts)


def _by_ffmpeg(kind: str) -> Iterator[Finding]:
    import av

    names: list[str] = []
    with suppress(AttributeError, ValueError, OSError):  # an older PyAV, or FFmpeg built without the device
        names = [str(device.description) for device in av.enumerate_input_devices(kind)]
    shown = ", ".join(names) if names else "none were found; capture://0 is the first, if there is one"
    yield ok("devices", f"{kind or 'video'} devices: {shown}", names=names)
