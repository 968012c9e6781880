"""The configuration: a typed tree of frozen sections. How it is read stands in ``settings.py``."""

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal, Self, cast

from pydantic import ConfigDict, Field, field_validator, model_validator
from pydantic_settings import BaseSettings

from . import plugins
from .channel import Policy
from .config_findings import AgeSection, CaptureSection, ChdSection, QualitySection, UiSection
from .config_planes import LOW_PASS_SEGMENTS, DwellSection, SegmentsSection, SmoothingSection
from .exam.protocol import ProtocolError, load_protocol
from .section import Score, Seconds, Section


class ModelSection(Section):
    kind: str = "compact"
    """Which model: compact (embedded), fetalclip, mobile, sononet, or a plug-in's."""
    weights: Path | None = None
    """Weight file; None takes the embedded or the pulled one."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """auto: bfloat16 where the processor computes it and it is faster, else float32."""

    @field_validator("kind")
    @classmethod
    def _known(cls, kind: str) -> str:
        if kind not in (known := plugins.names("models")):
            raise ValueError(f"no such model; there are: {', '.join(known)}")
        return kind


class OwnHead(Section):
    kind: Literal["own"] = "own"
    """The plane head that comes with the model."""


class ZeroShotSection(Section):
    kind: Literal["zero_shot"]
    prompts: str | None = None
    """planes, brain_planes, or a file (our YAML or the published JSON); None: planes."""
    min_similarity: Annotated[float, Field(ge=-1, le=1)] | None = None
    """Cosine under which a picture is background. If this and min_margin are None, the model's own rule holds."""
    min_margin: Annotated[float, Field(ge=0, le=2)] | None = None
    """Lead in cosine over the runner-up under which a picture is background."""


class ProbeSection(Section):
    kind: Literal["probe"]
    file: Path
    """Head file written by ``fetalstream train probe``."""


HeadSection = Annotated[OwnHead | ZeroShotSection | ProbeSection, Field(discriminator="kind")]


class EveryFrameSection(Section):
    kind: Literal["every_frame"] = "every_frame"


class FixedRateSection(Section):
    kind: Literal["fixed_rate"]
    rate_fps: Annotated[float, Field(gt=0, le=1000)]
    """Frames per second of media time."""


class AdaptiveSection(Section):
    kind: Literal["adaptive"]
    min_fps: Annotated[float, Field(gt=0, le=1000)] = 5.0
    """Frames per second of media time that are taken of a picture that does not move."""
    max_fps: Annotated[float, Field(gt=0, le=1000)] = 30.0
    """Most that are taken of one that does."""
    changed_share: Score = 0.25
    """Part of the fan's bright pixels that must have changed since the last frame that was taken."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_fps > self.max_fps:
            raise ValueError(f"min_fps {self.min_fps} is above max_fps {self.max_fps}")
        return self


SamplingSection = Annotated[EveryFrameSection | FixedRateSection | AdaptiveSection, Field(discriminator="kind")]


class SignalSection(Section):
    gates: tuple[Literal["frozen", "no_signal", "black", "not_b_mode"], ...] = (
        "frozen",
        "no_signal",
        "black",
        "not_b_mode",
    )
    """What closes the gate before the model; an empty list switches all of it off."""
    freeze_seconds: Seconds = 0.6
    """How long the picture must stand still to be frozen."""
    enter_seconds: Seconds = 0.2
    """How long another closed state must be seen to be entered."""
    leave_seconds: Seconds = 0.1
    """How long it must not be seen to be left."""
    black_below: Annotated[int, Field(ge=1, le=255)] = 20
    """Grey that 99 % of the fan stay below when it is black."""
    one_colour_share: Score = 0.85
    """Part of the fan in one colour from which the picture is a slate."""
    colour_share: Score = 0.01
    """Strongly coloured part of the fan from which it is colour Doppler."""
    flat_share: Score = 0.6
    """Bright part without texture from which it is a menu."""


class FanSection(Section):
    find: bool = True
    """Look for the fan on the device's screen; else the whole picture counts as the fan."""
    memory: Path | None = None
    """File in which found fans are kept from run to run, by device; null: while a stream runs, which is repeatable."""


class FlowSection(Section):
    policy: Policy = Policy.BLOCK
    """block: nothing is lost, the source waits. latest: the newest frame wins, drops are counted."""
    queue_frames: Annotated[int, Field(ge=1, le=4096)] = 32
    """Decoded frames that may wait for the encoder."""
    batch_frames: Annotated[int, Field(ge=1, le=512)] = 8
    """Most frames embedded at once."""
    batch_wait_ms: Annotated[float, Field(ge=0, le=10_000)] | None = None
    """How long a batch waits to fill; null: until it is full, which makes results repeatable."""
    cpu_threads: Annotated[int, Field(ge=1, le=1024)] | None = None
    """Threads of the encoder on a CPU; null: torch's default."""


class MetricsSection(Section):
    enabled: bool = False
    """Serve counts and durations for Prometheus over HTTP."""
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 9464
    exposed: bool = False
    """Listen where other machines can connect; the page holds numbers only."""


class JsonLinesSection(Section):
    kind: Literal["jsonl"]
    path: Path
    append: bool = True
    """Whether an existing file is continued (live) or begun anew (review)."""


class ZmqSection(Section):
    kind: Literal["zmq"]
    endpoint: str = "tcp://127.0.0.1:5555"
    encoding: Literal["msgpack", "json"] = "msgpack"
    key: str | None = None
    """Name of the secret key that encrypts events (`fetalstream keys create`); null: unencrypted, this machine only."""


class StoreSection(Section):
    kind: Literal["store"]
    path: Path
    frame_scores: bool = False
    """Keep each frame's scores too, where they are sent."""
    power_safe: bool = True
    """Wait for the disk with each event, so that not even a power cut loses one."""


class WebhookSection(Section):
    kind: Literal["webhook"]
    url: str
    """https, or http on this machine."""
    queue: Path
    """File in which events wait until the server has taken them."""
    topics: tuple[str, ...] = ()
    """Beginnings of the kinds to send, such as plane.; empty: all but frame.scores."""
    token_variable: str | None = None
    """Environment variable that holds a bearer token."""
    timeout_seconds: Annotated[float, Field(gt=0, le=300)] = 10.0
    """How long to wait for each sign of life of the server."""
    most_waiting: Annotated[int, Field(ge=1, le=10_000_000)] = 10_000
    """Events kept while the server takes none; beyond that the oldest are lost, and counted."""
    plain_http: bool = False
    """Allow http to other machines, where anybody on the way can read along."""


class OpenIgtLinkSection(Section):
    kind: Literal["openigtlink"]
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 18944
    pictures_fps: Annotated[float, Field(ge=0, le=60)] = 0.0
    """Most pictures a second, black outside the fan; 0 sends none."""
    exposed: bool = False
    """Listen where other machines can connect: OpenIGTLink has no login and no encryption."""


class ConsoleSection(Section):
    kind: Literal["console"]
    frame_scores: bool = False
    """Print each frame's scores too, where they are sent."""


class PluginSinkSection(Section):
    kind: Literal["plugin"]
    name: str
    """Name of an entry point in the group fetalstream.sinks."""
    options: dict[str, Any] = Field(default_factory=dict[str, Any])


SinkSection = Annotated[
    JsonLinesSection
    | StoreSection
    | ZmqSection
    | WebhookSection
    | OpenIgtLinkSection
    | ConsoleSection
    | PluginSinkSection,
    Field(discriminator="kind"),
]


_WITHOUT_RESULT: Any = {"sinks": True, "metrics": True, "ui": True, "model": {"weights"}, "capture": {"folder"}}
_NAMED_FILES = (
    ("head", "file"),
    ("head", "prompts"),
    ("fan", "memory"),
    ("age", "head"),
    ("age", "prompts"),
    ("chd", "head"),
)


class Config(BaseSettings):
    """Everything that can be set."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)  # pyright: ignore[reportAssignmentType]

    model: ModelSection = ModelSection()
    head: HeadSection = OwnHead()
    sampling: SamplingSection = EveryFrameSection()
    signal: SignalSection = SignalSection()
    fan: FanSection = FanSection()
    flow: FlowSection = FlowSection()
    smoothing: SmoothingSection = SmoothingSection()
    dwell: DwellSection = DwellSection()
    segments: SegmentsSection = SegmentsSection()
    protocol: str | None = None
    """What the scan should show: isuog_midtrimester, core_4, or a YAML file; null has no checklist."""
    quality: QualitySection = QualitySection()
    age: AgeSection = AgeSection()
    chd: ChdSection = ChdSection()
    capture: CaptureSection = CaptureSection()
    ui: UiSection = UiSection()
    frame_scores: bool = False
    """Also send the scores of every embedded frame ("frame.scores")."""
    sinks: tuple[SinkSection, ...] = ()
    metrics: MetricsSection = MetricsSection()

    @model_validator(mode="before")
    @classmethod
    def _thresholds_of_the_filter(cls, tree: Any) -> Any:
        """A smoothed score needs other thresholds than a probability; what the user says of ``segments`` still wins."""
        given = cast("dict[str, Any]", tree if isinstance(tree, dict) else {})
        smoothing: Any = given.get("smoothing")
        segments: Any = given.get("segments", {})
        if not isinstance(smoothing, dict) or not isinstance(segments, dict):
            return cast("object", tree)
        section = cast("dict[str, Any]", smoothing)
        if "time_constant_seconds" in section:
            section = {"kind": "low_pass"} | section
        if section.get("kind") == "low_pass":
            given = given | {"segments": LOW_PASS_SEGMENTS | cast("dict[str, Any]", segments)}
        return given | {"smoothing": section}

    @field_validator("protocol")
    @classmethod
    def _protocol_can_be_read(cls, protocol: str | None) -> str | None:
        if protocol is not None:
            try:
                load_protocol(protocol)
            except ProtocolError as error:
                raise ValueError(str(error)) from None
        return protocol

    @model_validator(mode="after")
    def _no_gap_by_sampling(self) -> Self:
        sampling, gap_seconds = self.sampling, self.smoothing.max_gap_seconds
        if isinstance(sampling, AdaptiveSection) and sampling.min_fps * gap_seconds < 1:
            raise ValueError(
                f"sampling.min_fps {sampling.min_fps} leaves more time between frames than "
                f"smoothing.max_gap_seconds {gap_seconds} bridges"
            )
        return self

    @model_validator(mode="after")
    def _no_captures_with_hindsight(self) -> Self:
        if self.smoothing.kind == "viterbi" and self.capture.folder is not None:
            raise ValueError("smoothing.kind='viterbi' tells of planes when their pictures are gone: no capture.folder")
        return self

    @property
    def sha256(self) -> str:
        """Hex digest over everything that can change a result.

        Not over sinks, metrics and the page, nor over where files lie: the weights have a digest of their own in each
        result, and other files (a head, prompts, remembered fans) count by their content.
        """
        tree = self.model_dump(mode="json", exclude=_WITHOUT_RESULT)
        for section, key in _NAMED_FILES:
            named = tree[section].get(key)
            if named and Path(named).is_file():
                tree[section][key] = hashlib.sha256(Path(named).read_bytes()).hexdigest()
        if self.protocol and Path(self.protocol).is_file():
            tree["protocol"] = hashlib.sha256(Path(self.protocol).read_bytes()).hexdigest()
        return hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()
