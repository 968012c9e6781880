"""Names to code: every kind of source, model and sink, loaded when first used.

One line here adds one kind. Packages of others add kinds through the entry-point groups ``fetalstream.sources``,
``fetalstream.models`` and ``fetalstream.sinks``; built-in names win. Both go through `EntryPoint.load`, so nothing is
imported before it is wanted.

What a name stands for:

- sources: ``(uri: str, *, realtime: bool) -> Source``
- models: ``(*, weights: Path | None, device: str, dtype: str) -> Model``
- sinks: ``(**options) -> Sink``
"""

from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

from .. import FetalStreamError

Seam = Literal["sources", "models", "sinks"]

BUILT_IN: dict[Seam, dict[str, str]] = {
    "sources": {
        "capture": "fetalstream.sources.capture:from_uri",
        "device": "fetalstream.sources.device:from_uri",
        "dicom": "fetalstream.sources.dicom:from_uri",
        "file": "fetalstream.sources.file:from_uri",
        "images": "fetalstream.sources.images:from_uri",
        "phantom": "fetalstream.sources.phantom.source:PhantomSource.from_uri",
        "rtsp": "fetalstream.sources.rtsp:from_uri",
        "rtsps": "fetalstream.sources.rtsp:from_uri",
    },
    "models": {
        "compact": "fetalstream.models.compact:load_compact",
        "fetalclip": "fetalstream.models.fetalclip:load_fetalclip",
        "mobile": "fetalstream.models.mobile:load_mobile",
        "sononet": "fetalstream.models.sononet:load_sononet",
    },
    "sinks": {
        "console": "fetalstream.sinks.console:ConsoleSink",
        "jsonl": "fetalstream.sinks.jsonl:JsonLinesSink",
        "openigtlink": "fetalstream.sinks.openigtlink:OpenIgtLinkSink",
        "store": "fetalstream.sinks.store:StoreSink",
        "webhook": "fetalstream.sinks.webhook:WebhookSink",
        "zmq": "fetalstream.sinks.publisher:Publisher",
    },
}


class PluginError(FetalStreamError):
    """No such kind, or its code cannot be imported."""


def names(seam: Seam) -> list[str]:
    """Every kind that can be asked for, sorted."""
    return sorted({*BUILT_IN[seam], *(entry.name for entry in entry_points(group=f"fetalstream.{seam}"))})


def load(seam: Seam, name: str) -> Any:
    """The code behind ``name``. Raises `PluginError`."""
    try:
        return _entry(seam, name).load()
    except (ImportError, AttributeError) as error:
        raise PluginError(f"{seam.removesuffix('s')} {name!r} cannot be loaded: {error}") from error


def _entry(seam: Seam, name: str) -> EntryPoint:
    if name in BUILT_IN[seam]:
        return EntryPoint(name, BUILT_IN[seam][name], f"fetalstream.{seam}")
    for entry in entry_points(group=f"fetalstream.{seam}", name=name):
        return entry
    raise PluginError(f"no {seam.removesuffix('s')} is called {name!r}; there are: {', '.join(names(seam))}")
