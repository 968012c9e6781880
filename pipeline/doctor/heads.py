"""What follows the planes: whether its heads load, and what of the protocol this model can judge."""

from collections.abc import Iterator

from ... import FetalStreamError
from ...models.encoder import Model
from ...sinks import AgeUnavailable, ChdUnavailable
from ..companion import Companion
from ..config import Config
from ..exam.age import NoAgeCompanion, age_companion
from ..exam.protocol import load_protocol
from ..heart.companion import NO_HEAD, NoHeartCompanion, heart_companion
from ..recorder import Recorder
from .finding import Finding, ok, problem, warning


def look_at_heads(config: Config, model: Model) -> Iterator[Finding]:
    """Each is made as a run makes it. ``model`` is the one that ``config`` names, loaded."""
    labels = model.planes.labels
    if config.protocol is not None:
        yield _protocol(config.protocol, labels)
    recorder = Recorder("doctor", stamped=False)
    makers = {"age": (config.age.enabled, age_companion), "chd": (config.chd.enabled, heart_companion)}
    for name, (is_wanted, make) in makers.items():
        if not is_wanted:
            continue
        try:
            companion = make(config, model=model, recorder=recorder, labels=labels)
        except FetalStreamError as error:
            yield problem(name, str(error), todo=f"name another file, or switch it off: --set {name}.enabled=false")
            continue
        yield _head(name, _why_none(companion))


def _protocol(name: str, labels: tuple[str, ...]) -> Finding:
    try:
        protocol = load_protocol(name)
        protocol.check(labels)
    except FetalStreamError as error:
        return problem("protocol", str(error), todo="correct it, or name another: fetalstream protocols list")
    unjudged = [item.title for item in protocol.items if item.why_not_judged(labels)]
    judged = len(protocol.items) - len(unjudged)
    what = f"{protocol.title}: this model can judge {judged} of its {len(protocol.items)} views"
    if not judged:
        todo = "name another protocol, or a head that knows its planes"
        return warning("protocol", what, todo=todo, unjudged=unjudged)
    return ok("protocol", what, unjudged=unjudged)


def _head(name: str, why_none: str) -> Finding:
    if not why_none:
        return ok(name, "its head loads, and fits the model")
    if why_none == NO_HEAD:
        return ok(name, f"none is told: {why_none}")
    todo = f"a model that knows it (--model), another head, or --set {name}.enabled=false"
    return warning(name, f"none will be told: {why_none}", todo=todo)


def _why_none(companion: Companion) -> str:
    if not isinstance(companion, NoAgeCompanion | NoHeartCompanion):
        return ""
    told = [event for event in companion.finish() if isinstance(event, AgeUnavailable | ChdUnavailable)]
    return told[0].reason if told else ""
