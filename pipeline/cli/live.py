"""Commands on running streams: demo, live, listen."""

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import (
    CAPTURES_NAME,
    AssignOption,
    CaptureOption,
    ConfigOption,
    HeadlessOption,
    LiveOutOption,
    ModelOption,
    OutOption,
    SpacingOption,
    UiOption,
    UiPortOption,
    WeightsOption,
    age_flags,
    live_config,
    model_flags,
    page_flags,
)

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from ..config import Config
    from ..run import Outcome
    from ..telemetry import Snapshot
    from .demo_report import DemoReport
    from .page import LivePage
    from .signals import Wish

DEFAULT_ENDPOINT = "tcp://127.0.0.1:5555"
DEMO_FPS = 25


def demo(
    seconds: Annotated[float, typer.Option("--seconds", min=1, max=86_400, help="How long the scan takes.")] = 20.0,
    out: OutOption = Path("out/demo"),
    endpoint: Annotated[str, typer.Option("--endpoint", help="Where events are published.")] = DEFAULT_ENDPOINT,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Which simulated fetus.")] = 7,
    headless: HeadlessOption = False,
    ui: UiOption = True,
    ui_port: UiPortOption = None,
    assign: AssignOption = None,
) -> None:
    """Scan a simulated fetus in real time with the embedded model, and compare what is found with the truth."""
    from rich.console import Console

    from ..settings import load_config
    from .demo_report import DemoReport
    from .page import opened_page
    from .signals import remembering

    console = Console()
    flags = {
        "sinks": [
            {"kind": "store", "path": str(out / "events.db")},
            {"kind": "zmq", "endpoint": endpoint},
            {"kind": "jsonl", "path": str(out / "events.jsonl"), "append": False},
        ],
        "capture": {"folder": str(out / CAPTURES_NAME)},
    }
    config = load_config("demo", assignments=assign or (), flags=flags | page_flags(ui, ui_port))
    uri = f"phantom://?seed={seed}&seconds={seconds}&fps={DEMO_FPS}&screen=1"
    console.print(f"Scanning a simulated fetus for {seconds:g} s. In another terminal: [bold]fetalstream listen[/]")
    report = DemoReport(DEMO_FPS)
    fixed_port = ui_port is not None
    with (
        remembering() as wish,
        opened_page(config, uri, console, fixed_port=fixed_port, optional=True) as page,
    ):
        outcome, counts = _run(config, uri, console, headless=headless, page=page, wish=wish, report=report)
        console.print(report.render(outcome, counts, endpoint=endpoint, events=out / "events.jsonl"))
        if console.is_terminal and not headless and outcome.ended.reason == "ended":  # not ended by Ctrl-C
            page.linger(console)
    if _tell_behind(outcome):
        raise typer.Exit(1)


def live(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="rtsp://..., capture://0, device://..., phantom://, or a path.")
    ],
    config: ConfigOption = "live",
    assign: AssignOption = None,
    model: ModelOption = None,
    weights: WeightsOption = None,
    out: LiveOutOption = None,
    capture: CaptureOption = None,
    spacing_mm: SpacingOption = None,
    ui: UiOption = None,
    ui_port: UiPortOption = None,
    headless: HeadlessOption = False,
) -> None:
    """Follow a live source: the newest frame at once, events over ZeroMQ, until it ends or Ctrl-C."""
    from rich.console import Console

    from .page import opened_page
    from .screen import latency_words
    from .signals import remembering

    flags = model_flags(model, weights) | age_flags(spacing_mm) | page_flags(ui, ui_port)
    loaded = live_config(config, assign, flags=flags, out=out, capture=capture)
    captures = loaded.capture.folder
    if out is not None and captures is not None and captures != out / CAPTURES_NAME:
        from ..report import remember_captures

        remember_captures(out, captures)
    console = Console()
    with (
        remembering() as wish,
        opened_page(loaded, source, console, fixed_port=ui_port is not None) as page,
    ):
        outcome, counts = _run(loaded, source, console, headless=headless, page=page, wish=wish)
    ended = outcome.ended
    dropped = sum(ended.frames_dropped.values())
    console.print(
        f"{ended.reason}: {ended.frames_read} frames read, {ended.frames_embedded} embedded, {dropped} dropped, "
        f"{ended.media_seconds:.1f} s of media; {latency_words(counts)}",
        highlight=False,
        soft_wrap=True,
    )
    if _tell_behind(outcome) or outcome.failed:
        raise typer.Exit(1)


def listen(
    endpoint: Annotated[str, typer.Argument(metavar="ENDPOINT")] = DEFAULT_ENDPOINT,
    topic: Annotated[
        list[str] | None, typer.Option("--topic", metavar="KIND", help="Only this kind of event; repeatable.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    count: Annotated[int | None, typer.Option("--count", min=1, help="End after so many events.")] = None,
    history: Annotated[
        bool, typer.Option("--history", help="Begin with all the publisher still has, not with the last of each kind.")
    ] = False,
    key: Annotated[
        str | None, typer.Option("--key", metavar="NAME", help="Our own key, for a publisher that has one.")
    ] = None,
    server_key: Annotated[
        str | None, typer.Option("--server-key", metavar="KEY", help="The publisher's public key: file or letters.")
    ] = None,
) -> None:
    """Print events as they are published, until Ctrl-C; what was missed is asked for again, or reported."""
    from ...sinks.client import Client
    from .listening import listen_to

    client = Client(endpoint, topics=topic or (), history=history, key=key, server_key=server_key)
    listen_to(client, as_json=json, count=count)


def _tell_behind(outcome: "Outcome") -> bool:
    """Whether any sink has not taken everything; said on standard error."""
    for sink, reason, waiting, lost in outcome.behind:
        typer.secho(f"error: {sink}: {waiting + lost} events were not taken: {reason}", fg="red", err=True)
    return bool(outcome.behind)


def _run(
    config: "Config",
    uri: str,
    console: "Console",
    *,
    headless: bool,
    page: "LivePage",
    wish: "Wish",
    report: "DemoReport | None" = None,
) -> "tuple[Outcome, Snapshot]":
    """Load, open, run to the end under signals, and close."""
    import uuid

    from ..assemble import build_run, load_model, opened_sinks, opened_source
    from ..config import ConsoleSection
    from ..metrics import metrics_page
    from .screen import SeenPlanes, live_screen, render
    from .signals import draining

    plain = headless or not console.is_terminal
    seen = report.seen if report else SeenPlanes()
    sections = (*config.sinks, ConsoleSection(kind="console")) if plain else config.sinks
    with (
        metrics_page(config.metrics) as follow,
        opened_sinks(sections) as sinks,  # bound before the model loads, so that subscribers are there in time
    ):
        model = load_model(config)
        page.loaded()
        identity = model.encoder.identity
        with opened_source(uri, realtime=True) as (source, info):
            stream = f"{info.name}-{uuid.uuid4().hex[:8]}"
            told = [*sinks, seen, *page.sinks]
            run = build_run(config, source=source, info=info, model=model, sinks=told, stream=stream, stamped=True)
            follow(run)
            page.follow(run)
            heading = f"{info.uri}   model {identity.name} {identity.sha256[:12]}"
            if report is not None:
                report.attach(source)

            def draw(snapshot: "Snapshot") -> "RenderableType":
                truth = report.truth(snapshot.pts_seconds) if report else None
                return render(snapshot, seen, heading=heading, truth=truth)

            screen = nullcontext(lambda: None) if plain else live_screen(console, run.telemetry, draw)
            with draining(run.stop, run.cancel), screen as redraw:
                wish.check()
                outcome = run.run(redraw)
                redraw()
            return outcome, run.telemetry.snapshot()
