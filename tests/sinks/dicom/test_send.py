"""Nothing is lost on the way to an archive, whatever the archive does, and "yes" is not believed."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import certifi
import pydicom
import pytest
from pydicom.dataset import Dataset

from fetalstream.sinks import SinkError
from fetalstream.sinks.dicom import Filing, export_captures, find_captures
from fetalstream.sinks.dicom.archive import Archive, Verdict
from fetalstream.sinks.dicom.send import Outcome, send_all
from fetalstream.sinks.dicom.spool import Spool

from ...servers.small_archive import SmallArchive
from .conftest import MakeCapture

GONE = "http://127.0.0.1:9/dicom-web"  # the discard port: nobody listens


@pytest.fixture(autouse=True)
def _no_login(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TOKEN", "USER", "PASSWORD"):
        monkeypatch.delenv(f"FETALSTREAM_PACS_{name}", raising=False)


@pytest.fixture
def objects(
    make_capture: MakeCapture, captures: Path, anonymous: Callable[[str], Filing], tmp_path: Path
) -> list[Path]:
    """A still, a clip, key objects and a report, in this order."""
    make_capture()
    return export_captures(find_captures(captures), tmp_path / "objects", file_of=anonymous).files


@pytest.fixture
def archive() -> Iterator[SmallArchive]:
    server = SmallArchive()
    yield server
    server.close()


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with_it = Spool(tmp_path / "queue")
    yield with_it
    with_it.close()


class Time:
    """A clock that only moves while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sleeps: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds

    def clock(self) -> float:
        return self.now


def send(spool: Spool, url: str, files: list[Path] = [], *, patience: float = 30, at: Time | None = None) -> Outcome:  # noqa: B006
    for file in files:
        spool.put(file)
    moment = at or Time()
    archive = Archive(url, timeout_seconds=20)
    try:
        return send_all(spool, archive, patience_seconds=patience, sleep=moment.sleep, clock=moment.clock)
    finally:
        archive.close()


def uid(file: Path) -> str:
    return file.stem.rpartition("-")[2]


def copies(spool_folder: Path) -> list[Path]:
    return list((spool_folder / "objects").iterdir())


def test_what_arrives_is_asked_back_and_leaves_the_queue(
    objects: list[Path], archive: SmallArchive, spool: Spool, tmp_path: Path
):
    assert send(spool, archive.url, objects) == Outcome(stored=4, refused=0, waiting=0, reason="")
    assert set(archive.objects) == {uid(file) for file in objects}
    assert archive.posts == 4
    asked = [path for method, path, _ in archive.requests if method == "GET"]
    assert len(asked) == 8  # found by QIDO-RS, read back by WADO-RS, each
    assert copies(tmp_path / "queue") == []


def test_an_archive_that_says_yes_and_stores_nothing_is_not_believed(
    objects: list[Path], archive: SmallArchive, spool: Spool, tmp_path: Path
):
    archive.forgets = None
    outcome = send(spool, archive.url, objects[:2], patience=0)
    assert (outcome.stored, outcome.waiting) == (0, 2)
    assert "it said yes, and does not have the object" in outcome.reason
    assert len(copies(tmp_path / "queue")) == 2
    archive.forgets = set()
    assert send(spool, archive.url).stored == 2


def test_one_object_that_is_not_kept_does_not_hold_up_the_others(
    objects: list[Path], archive: SmallArchive, spool: Spool
):
    archive.forgets = {uid(objects[0])}
    outcome = send(spool, archive.url, objects, patience=1)
    assert (outcome.stored, outcome.waiting) == (3, 1)
    assert set(archive.objects) == {uid(file) for file in objects[1:]}


@pytest.mark.parametrize("status", [400, 404, 413, 415, 422, 500])
@pytest.mark.parametrize("before", [[], [None]], ids=["search", "retrieval"])
def test_an_error_on_being_asked_back_refuses_nothing(
    before: list[None], status: int, objects: list[Path], archive: SmallArchive, spool: Spool, tmp_path: Path
):
    archive.asked = [*before, status]
    outcome = send(spool, archive.url, objects[:1], patience=0)
    assert (outcome.stored, outcome.refused, outcome.waiting) == (0, 0, 1)
    assert f"it answers {status}" in outcome.reason
    assert len(copies(tmp_path / "queue")) == 1
    assert send(spool, archive.url).stored == 1


@pytest.mark.parametrize("status", [401, 403])
def test_who_may_send_and_not_ask_is_told_at_once(
    status: int, objects: list[Path], archive: SmallArchive, spool: Spool
):
    archive.asked = [status]
    outcome = send(spool, archive.url, objects)
    assert (outcome.stored, outcome.refused, outcome.waiting, archive.posts) == (0, 0, 4, 1)
    assert "FETALSTREAM_PACS_TOKEN" in outcome.reason


@pytest.mark.parametrize("status", [500, 503, 504], ids=["error", "unavailable", "a gateway that gives up"])
@pytest.mark.parametrize("number", [0, 2])
def test_an_object_on_which_an_archive_chokes_does_not_hold_up_the_others(
    number: int, status: int, objects: list[Path], archive: SmallArchive, spool: Spool
):
    archive.chokes_on = {uid(objects[number]): status}
    outcome = send(spool, archive.url, objects, patience=5)
    assert (outcome.stored, outcome.refused, outcome.waiting) == (3, 0, 1)
    assert f"it answers {status}" in outcome.reason


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        *((status, Verdict.AWAY) for status in (408, 429, 502, 503, 504)),
        *((status, Verdict.UNSURE) for status in (404, 409, 418, 500, 501, 507)),
    ],
)
def test_only_what_an_archive_says_of_itself_stops_the_others(
    status: int, verdict: Verdict, objects: list[Path], archive: SmallArchive
):
    archive.answers = [(status, {})]
    assert Archive(archive.url).deliver(objects[0]).verdict is verdict


@pytest.mark.parametrize(
    ("nonsense", "kind"),
    [(b"DOE^JANE", "JSONDecodeError"), (b'{"00280010": {"vr": "US", "Value": ["DOE^JANE"]}}', "ValueError")],
)
def test_an_answer_that_makes_no_sense_is_no_answer_and_is_not_repeated(
    nonsense: bytes, kind: str, objects: list[Path], archive: SmallArchive
):
    archive.nonsense = nonsense
    reply = Archive(archive.url).deliver(objects[0])
    assert reply == (
        Verdict.UNSURE,
        f"{archive.url.removesuffix('/dicom-web')}: its answer makes no sense ({kind})",
        None,
    )


def test_the_words_of_an_archive_steer_no_terminal(objects: list[Path], archive: SmallArchive):
    archive.phrase = "\x1b[2Jall is well " + "!" * 400
    archive.answers = [(500, {})]
    reason = Archive(archive.url).deliver(objects[0]).reason
    assert "?[2Jall is well !" in reason
    assert "\x1b" not in reason
    assert len(reason) < 260


def test_an_archive_that_fails_twice_is_tried_again_with_growing_pauses(
    objects: list[Path], archive: SmallArchive, spool: Spool
):
    archive.answers = [(503, {}), (503, {})]
    moment = Time()
    assert send(spool, archive.url, objects, at=moment).stored == 4
    first, second = moment.sleeps
    assert 0.25 <= first <= 0.5 <= second <= 1.0


def test_an_archive_says_how_long_to_wait(objects: list[Path], archive: SmallArchive, spool: Spool):
    archive.answers = [(503, {"Retry-After": "7"})]
    moment = Time()
    assert send(spool, archive.url, objects, at=moment).stored == 4
    assert moment.sleeps == [7.0]


def test_while_an_archive_is_away_everything_waits_and_goes_when_it_is_back(
    objects: list[Path], archive: SmallArchive, tmp_path: Path
):
    first = Spool(tmp_path / "queue")
    moment = Time()
    outcome = send(first, GONE, objects, patience=20, at=moment)
    first.close()
    assert (outcome.stored, outcome.refused, outcome.waiting) == (0, 0, 4)
    assert "127.0.0.1:9" in outcome.reason
    assert moment.now <= 20 < moment.now + 2 * moment.sleeps[-1] + 1
    for file in objects:
        file.unlink()  # the queue has its own copies
    second = Spool(tmp_path / "queue")
    assert send(second, archive.url).stored == 4
    second.close()


def test_other_pixels_come_back_and_it_is_told_which(objects: list[Path], archive: SmallArchive, spool: Spool):
    def spoil(back: Dataset) -> None:
        if back.get("NumberOfFrames") == 9:
            back.decompress(generate_instance_uid=False)
            pixels = back.pixel_array.copy()
            pixels[6, 10, 10] ^= 1
            back.PixelData = pixels.tobytes()

    archive.spoils = spoil
    outcome = send(spool, archive.url, objects)
    assert (outcome.stored, outcome.waiting) == (3, 1)
    assert "it gives back other pixels in frame 7" in outcome.reason


def test_fewer_frames_come_back(objects: list[Path], archive: SmallArchive, spool: Spool):
    def spoil(back: Dataset) -> None:
        if back.get("NumberOfFrames") == 9:
            back.decompress(generate_instance_uid=False)
            back.NumberOfFrames, back.PixelData = 8, back.pixel_array[:8].tobytes()

    archive.spoils = spoil
    assert "it gives back another NumberOfFrames: 8 instead of 9" in send(spool, archive.url, objects).reason


def test_another_text_comes_back(objects: list[Path], archive: SmallArchive, spool: Spool):
    def spoil(back: Dataset) -> None:
        if back.Modality == "SR":
            back.ContentSequence[-1].TextValue = "Not for research."

    archive.spoils = spoil
    assert "it gives back another ContentSequence" in send(spool, archive.url, objects).reason


def test_pixels_that_were_packed_differently_are_the_same_pixels(
    objects: list[Path], archive: SmallArchive, spool: Spool
):
    archive.spoils = lambda back: (
        back.decompress(generate_instance_uid=False) if back.get("NumberOfFrames") == 9 else None
    )
    assert send(spool, archive.url, objects).stored == 4


@pytest.mark.parametrize("status", [400, 413, 415, 422])
def test_what_is_refused_for_good_is_set_aside_with_the_reason_and_the_rest_goes_on(
    status: int, objects: list[Path], archive: SmallArchive, spool: Spool, tmp_path: Path
):
    archive.answers = [(status, {})]
    outcome = send(spool, archive.url, objects)
    assert (outcome.stored, outcome.refused, outcome.waiting) == (3, 1, 0)
    assert f"it answers {status}" in outcome.reason
    assert copies(tmp_path / "queue") == []
    assert objects[0].is_file()
    (aside,) = (tmp_path / "queue" / "refused").iterdir()
    assert f"set aside as {aside}" in outcome.reason
    assert aside.read_bytes() == objects[0].read_bytes()
    assert aside.parent.stat().st_mode & 0o777 == 0o700


def test_a_copy_that_cannot_be_read_is_not_refused(objects: list[Path], archive: SmallArchive, tmp_path: Path):
    reply = Archive(archive.url).deliver(tmp_path / "gone.dcm")
    assert (reply.verdict, reply.reason) == (Verdict.UNSURE, "its copy cannot be read: No such file or directory")


@pytest.mark.parametrize(
    ("reason", "verdict"),
    [
        (0x0122, Verdict.REFUSED),  # SOP class not supported
        (0xA900, Verdict.REFUSED),  # data set does not match its class
        (0xC122, Verdict.REFUSED),  # cannot understand
        (0xA700, Verdict.UNSURE),  # out of resources
        (0x0110, Verdict.UNSURE),  # processing failure
        (0x0124, Verdict.DENIED),  # not authorised
        (0x0111, Verdict.UNSURE),  # it has that already: asked back, and it has not
    ],
    ids=lambda value: f"{value:04X}" if isinstance(value, int) else None,
)
def test_what_an_archive_says_of_an_object_is_heard(
    reason: int, verdict: Verdict, objects: list[Path], archive: SmallArchive
):
    archive.failure = reason
    assert Archive(archive.url).deliver(objects[0]).verdict is verdict


def test_an_object_that_is_there_already_counts_as_stored(objects: list[Path], archive: SmallArchive, spool: Spool):
    assert send(spool, archive.url, objects).stored == 4
    archive.failure = 0x0111
    assert send(spool, archive.url, objects).stored == 4
    assert len(archive.objects) == 4


# Logins.


@pytest.mark.parametrize(
    ("variables", "header"),
    [
        ({"TOKEN": "s3cret"}, "Bearer s3cret"),
        ({"USER": "me", "PASSWORD": "s3cret"}, "Basic bWU6czNjcmV0"),
    ],
    ids=["token", "password"],
)
def test_a_login_comes_from_the_environment_and_shows_nowhere(
    variables: dict[str, str],
    header: str,
    objects: list[Path],
    archive: SmallArchive,
    spool: Spool,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):
    archive.token = header
    outcome = send(spool, archive.url, objects)
    assert (outcome.stored, outcome.waiting) == (0, 4)
    assert "401" in outcome.reason
    assert "FETALSTREAM_PACS_TOKEN" in outcome.reason
    assert archive.posts == 1  # whoever is not let in does not hammer at the door
    for name, value in variables.items():
        monkeypatch.setenv(f"FETALSTREAM_PACS_{name}", value)
    server = Archive(archive.url)
    assert send(spool, archive.url).stored == 4
    assert "s3cret" not in repr(vars(server)) + repr(server._session.auth) + caplog.text


def test_a_login_in_netrc_is_not_sent(
    objects: list[Path], archive: SmallArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password s3cret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    _as_elsewhere(monkeypatch)
    assert Archive(archive.url).deliver(objects[0]).verdict is Verdict.STORED
    assert [headers for _, _, headers in archive.requests if "Authorization" in headers] == []


def _as_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Archives on this machine are spoken to as those on others are: by requests' rules for the environment."""
    monkeypatch.setattr("fetalstream.sinks.dicom.archive.is_this_machine", lambda _host: False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ({"USER": "me"}, "go together"),
        ({"PASSWORD": "s3cret"}, "go together"),
        ({"TOKEN": "s3cret", "USER": "me", "PASSWORD": "x"}, "which one is meant"),
        ({"TOKEN": "s3cret\n"}, "one line without blanks"),
    ],
)
def test_a_login_that_cannot_be_meant_is_refused(
    variables: dict[str, str], complaint: str, monkeypatch: pytest.MonkeyPatch
):
    for name, value in variables.items():
        monkeypatch.setenv(f"FETALSTREAM_PACS_{name}", value)
    with pytest.raises(SinkError, match=complaint) as raised:
        Archive("https://pacs.example.org/dicom-web")
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("http://10.1.2.3/dicom-web", "pictures would go to 10.1.2.3 in the clear; use https, or --plain-http"),
        ("ftp://pacs.example.org/", "it begins with ftp://"),
        ("pacs.example.org/dicom-web", "it begins with nothing://"),
        ("https://me:s3cret@pacs.example.org/", "it holds a login; put user and password into FETALSTREAM_PACS_USER"),
    ],
)
def test_an_address_that_is_not_safe_is_refused(url: str, complaint: str):
    with pytest.raises(SinkError) as raised:
        Archive(url)
    assert complaint in str(raised.value)
    assert "s3cret" not in str(raised.value)


def test_plain_http_to_another_machine_must_be_asked_for():
    assert Archive("http://10.1.2.3/dicom-web", plain_http=True).place == "http://10.1.2.3"


def test_a_redirect_is_not_followed(objects: list[Path], archive: SmallArchive, spool: Spool):
    elsewhere = SmallArchive()
    archive.answers = [(307, {"Location": f"{elsewhere.url}/studies"})] * 50
    outcome = send(spool, archive.url, objects, patience=3)
    elsewhere.close()
    assert elsewhere.requests == []
    assert outcome.waiting == 4
    assert "sends us elsewhere" in outcome.reason


@pytest.mark.server
def test_a_certificate_nobody_has_vouched_for_is_refused(
    objects: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    import ssl
    import threading
    from http.server import BaseHTTPRequestHandler, HTTPServer

    files = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem")]
    kind = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run(["openssl", "req", *kind, *names, *files], check=True, capture_output=True)

    class Teapot(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_error(418)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = HTTPServer(("127.0.0.1", 0), Teapot)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    url = f"https://localhost:{server.server_port}/dicom-web"
    unknown = Archive(url).deliver(objects[0])
    known = Archive(url, ca_file=tmp_path / "cert.pem").deliver(objects[0])
    _as_elsewhere(monkeypatch)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certifi.where())
    still_known = Archive(url, ca_file=tmp_path / "cert.pem").deliver(objects[0])
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "cert.pem"))
    known_to_the_environment = Archive(url).deliver(objects[0])
    server.shutdown()
    server.server_close()
    assert unknown.verdict is Verdict.AWAY
    assert "certificate verify failed" in unknown.reason
    for reply in (known, still_known, known_to_the_environment):
        assert "it answers 418" in reply.reason


# The queue.


def test_the_same_object_waits_once(objects: list[Path], spool: Spool):
    assert [spool.put(file) for file in (*objects, *objects)] == [True] * 4 + [False] * 4
    assert len(spool) == 4


def test_what_is_no_object_is_refused_by_name(tmp_path: Path, spool: Spool, objects: list[Path]):
    (tmp_path / "letter.dcm").write_text("Dear colleague")
    with pytest.raises(SinkError, match=r"letter\.dcm: is no DICOM file"):
        spool.put(tmp_path / "letter.dcm")
    with pytest.raises(SinkError, match=r"gone\.dcm: cannot be read: No such file"):
        spool.put(tmp_path / "gone.dcm")
    headless = pydicom.dcmread(objects[0])
    del headless.SeriesInstanceUID
    headless.save_as(tmp_path / "headless.dcm")
    with pytest.raises(SinkError, match=r"headless\.dcm: has no SeriesInstanceUID"):
        spool.put(tmp_path / "headless.dcm")
    assert len(spool) == 0


def test_copies_are_for_their_owner_alone(objects: list[Path], spool: Spool, tmp_path: Path):
    spool.put(objects[0])
    assert [copy.stat().st_mode & 0o777 for copy in copies(tmp_path / "queue")] == [0o600]
    assert (tmp_path / "queue" / "objects").stat().st_mode & 0o777 == 0o700


def test_two_programs_do_not_share_a_queue(spool: Spool, tmp_path: Path):
    with pytest.raises(SinkError, match="being written by another program"):
        Spool(tmp_path / "queue")


SENDER = """
import sys
from pathlib import Path
from fetalstream.sinks.dicom.archive import Archive
from fetalstream.sinks.dicom.send import send_all
from fetalstream.sinks.dicom.spool import Spool
queue, url, *files = sys.argv[1:]
spool = Spool(Path(queue))
print("ready", flush=True)
for file in files:
    spool.put(Path(file))
print("queued", flush=True)
send_all(spool, Archive(url), patience_seconds=60, tell=lambda parcel, reply: print(parcel.uid, flush=True))
"""


def test_kills_at_random_moments_lose_nothing_and_leave_no_litter(
    objects: list[Path], archive: SmallArchive, tmp_path: Path
):
    archive.pause_seconds = 0.2
    chance = random.Random(5)
    command = [sys.executable, "-c", SENDER, str(tmp_path / "queue"), archive.url]
    process = subprocess.Popen([*command, *map(str, objects)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    while process.stdout.readline() != "queued\n":
        assert process.poll() is None
    kills = 0
    for _ in range(5):
        time.sleep(chance.uniform(0.0, 0.25))
        if process.poll() is not None:
            break
        process.send_signal(signal.SIGKILL)
        process.wait()
        kills += 1
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    assert process.wait(timeout=120) == 0
    assert kills >= 2
    assert set(archive.objects) == {uid(file) for file in objects}
    assert copies(tmp_path / "queue") == []


def test_a_kill_between_copy_and_letter_leaves_no_litter(objects: list[Path], tmp_path: Path):
    first = Spool(tmp_path / "queue")
    first.put(objects[0])
    first.close()
    litter = tmp_path / "queue" / "objects" / f"{'0' * 32}.dcm"
    litter.write_bytes(objects[1].read_bytes()[:500])
    second = Spool(tmp_path / "queue")
    assert len(second) == 1
    assert len(copies(tmp_path / "queue")) == 1
    assert not litter.exists()
    second.close()


def test_a_kill_between_setting_aside_and_the_letter_loses_nothing(objects: list[Path], tmp_path: Path):
    first = Spool(tmp_path / "queue")
    first.put(objects[0])
    parcel = first.next()
    assert parcel is not None
    aside = tmp_path / "queue" / "refused" / parcel.file.name
    parcel.file.rename(aside)  # as far as it got
    first.close()
    second = Spool(tmp_path / "queue")
    assert parcel.file.read_bytes() == objects[0].read_bytes()
    assert second.refused(parcel, "never") == aside
    assert len(second) == 0
    second.close()
    Spool(tmp_path / "queue").close()
    assert aside.read_bytes() == objects[0].read_bytes()
    assert copies(tmp_path / "queue") == []


def test_a_power_cut_takes_no_letter(spool: Spool):
    (synchronous,) = spool._outbox._database.execute("PRAGMA synchronous").fetchone()
    assert synchronous == 2  # FULL: SQLite waits for the disk with each change


def test_a_full_disk_is_told_and_what_waits_still_waits(
    objects: list[Path], spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    spool.put(objects[0])

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SinkError, match="cannot take in an object: No space left on device"):
        spool.put(objects[1])
    assert len(spool) == 1
    assert len(copies(tmp_path / "queue")) == 1
