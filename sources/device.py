"""Any input device of FFmpeg: ``device://v4l2//dev/video0?input_format=mjpeg&video_size=1280x720&framerate=30``."""

from urllib.parse import unquote

import av

from .av_link import LOW_LATENCY, AvLink, AvTarget
from .live import LiveSource
from .live_options import NAMES, live_options, safe_label, split_options
from .source import Source, SourceError

FORMATS = frozenset(
    {"avfoundation", "decklink", "dshow", "fbdev", "gdigrab", "kmsgrab", "lavfi", "v4l2", "vfwcap", "x11grab"}
)
"""FFmpeg's video input devices; which of them there are depends on the system and on how FFmpeg was built."""


def from_uri(uri: str, *, realtime: bool = True) -> Source:
    """The source of ``device://FORMAT/NAME?option=value``; it is live whatever ``realtime`` says.

    ``lavfi`` is FFmpeg's generator of test pictures: its pictures come at their own pace, and it may end.

    Options are FFmpeg's own for the device, besides those of `live_options`.
    """
    del realtime
    rest, ours, others = split_options(uri, NAMES)
    kind, slash, name = rest.partition(":")[2].removeprefix("//").partition("/")
    available = [known for known in sorted(FORMATS) if _exists(known)]
    if kind not in available or not slash or not name:
        raise SourceError(
            f"{uri!r} names no input device; write device://FORMAT/NAME, with FORMAT one of: {', '.join(available)}"
        )
    patience, latency_seconds = live_options(ours)
    options = {name: unquote(value) for name, _, value in (part.partition("=") for part in others)}
    target = AvTarget(
        url=name,
        shown=f"{kind} device {name}",
        format=kind,
        options={**LOW_LATENCY, **options},
        open_seconds=patience.open_seconds,
        read_seconds=patience.silence_seconds,
        ends=kind == "lavfi",
        paced=kind == "lavfi",
    )
    return LiveSource(
        lambda: AvLink(target),
        uri=f"device://{kind}/{name}",
        name=safe_label(f"{kind}-{name}"),
        patience=patience,
        latency_seconds=latency_seconds,
    )


def _exists(name: str) -> bool:
    try:
        return av.ContainerFormat(name, "r").is_input
    except ValueError:
        return False
