"""From a configuration and a run's counts to the live page."""

import os

from ..models.planes import Plane
from ..sinks.dashboard import About, Dashboard, Status, Wanted
from ..sinks.sink import SinkError
from ..sources.credentials import masked
from .config import Config, UiSection
from .exam.protocol import ScanProtocol, load_protocol
from .telemetry import Snapshot

_OVER = ("ended", "failed")


def status_of(snapshot: Snapshot) -> Status:
    """What the page is told of a run's counts."""
    return Status(
        phase="over" if snapshot.state in _OVER else "running",
        state=snapshot.state,
        state_reason=snapshot.state_reason,
        signal=snapshot.signal,
        plane=snapshot.plane,
        scores=dict(snapshot.scores),
        pts_seconds=snapshot.pts_seconds,
        frames_read=snapshot.frames_read,
        dropped=sum(snapshot.dropped.values()),
        results_per_second=snapshot.results_per_second,
        latency_p50_ms=snapshot.latency_p50_ms,
    )


def dashboard_for(config: Config, uri: str, *, fixed_port: bool) -> Dashboard:
    """The page a configuration asks for, listening, before anything else is there.

    ``fixed_port`` takes no other one where it is taken. Raises `SinkError`.
    """
    section = config.ui
    parts = {
        "age": config.age.enabled,
        "heart": config.chd.enabled,
        "captures": config.capture.folder is not None,
    }
    protocol = None if config.protocol is None else load_protocol(config.protocol)
    about = About(
        source=masked(uri),
        model=config.model.kind,
        parts=tuple(name for name, is_on in parts.items() if is_on),
        protocol="" if protocol is None else protocol.title,
        wanted=() if protocol is None else wanted_of(protocol),
    )
    return Dashboard(
        about,
        host=section.host,
        port=section.port,
        another_port=not fixed_port,
        token=_token(section),
        names=section.names,
        pictures_fps=section.pictures_fps,
        captures=config.capture.folder,
    )


def wanted_of(protocol: ScanProtocol) -> tuple[Wanted, ...]:
    """How the page calls the items of a checklist, and which planes do for each."""
    return tuple(
        Wanted(
            item=item.name,
            title=item.title,
            planes=tuple(
                dict.fromkeys((item.plane, *item.or_planes, *(str(one) for one in Plane if item.counts(one))))
            ),
        )
        for item in protocol.items
    )


def _token(section: UiSection) -> str | None:
    if section.token_variable is None:
        return None
    token = os.environ.get(section.token_variable)
    if not token:
        raise SinkError(f"page: ui.token_variable={section.token_variable!r}: this environment variable is not set")
    return token
