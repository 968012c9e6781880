"""Known weights, and pulling them from a hub: a real HTTP server on loopback that speaks as the hub does."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

from fetalstream.models.compact import EMBEDDED
from fetalstream.models.encoder import ModelError
from fetalstream.models.files import MisfitError, sha256_of
from fetalstream.models.towers import Architecture
from fetalstream.models.trust import trusted_sha256
from fetalstream.models.weights import KnownWeights, find, list_weights, pull, verify

from .sonofile import write_sononet

NOWHERE = "http://127.0.0.1:9"  # the discard port: nobody listens


class Hub(ThreadingHTTPServer):
    """One file of one repository, with the headers of the hub."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.content = b""
        self.status = 200
        self.error_code = ""
        self.requests: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answer(BaseHTTPRequestHandler):
    server: Hub  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_HEAD(self) -> None:
        self._head()

    def do_GET(self) -> None:
        if self._head():
            self.wfile.write(self.server.content)

    def _head(self) -> bool:
        self.server.requests.append(f"{self.command} {self.path}")
        found = self.server.status == 200 and self.path == "/someone/tiny/resolve/main/tiny.pt"
        self.send_response(self.server.status if self.server.status != 200 else 200 if found else 404)
        if found:
            self.send_header("ETag", f'"{hashlib.sha256(self.server.content).hexdigest()}"')
            self.send_header("X-Repo-Commit", "c" * 40)
            self.send_header("Content-Length", str(len(self.server.content)))
        else:
            self.send_header("X-Error-Code", self.server.error_code)
            self.send_header("Content-Length", "0")
        self.end_headers()
        return found

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def hub(tiny_weights: Path) -> Iterator[Hub]:
    server = Hub()
    server.content = tiny_weights.read_bytes()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FETALSTREAM_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def known(tiny: Architecture) -> KnownWeights:
    return KnownWeights(
        architecture=tiny, repository="someone/tiny", filename="tiny.pt", licence="CC BY-NC 4.0"
    )  # fmt: skip


def test_known_weights_say_where_they_come_from_and_where_they_would_lie(home: Path) -> None:
    assert [
        (known.name, known.repository, known.filename, known.licence, known.path.relative_to(home), known.is_here)
        for known in list_weights()
    ] == [
        (
            "fetalclip", "numansaeed/fetalclip-model", "FetalCLIP_weights.pt", "CC BY-NC 4.0",
            Path("weights/fetalclip/FetalCLIP_weights.pt"), False,
        ),
        (
            "mobile", "numansaeed/MobileFetalCLIP", "mobile_fetal_clip_weights.pt", "CC BY-NC 4.0",
            Path("weights/mobile/mobile_fetal_clip_weights.pt"), False,
        ),
    ]  # fmt: skip


def test_a_pull_fetches_checks_and_trusts(hub: Hub, known: KnownWeights, tiny_weights: Path) -> None:
    told: list[tuple[int, int | None]] = []
    report = pull(known, accept_licence=True, progress=lambda here, total: told.append((here, total)), endpoint=hub.url)
    size = tiny_weights.stat().st_size
    assert known.path.read_bytes() == tiny_weights.read_bytes()
    assert report.sha256 == sha256_of(tiny_weights) == trusted_sha256(known.path)
    assert (report.path, report.kind, report.trusted) == (known.path, "tiny", True)
    assert [here for here, _ in told] == sorted({here for here, _ in told})
    assert told[-1] == (size, size)


def test_what_is_here_is_checked_and_not_fetched_again(hub: Hub, known: KnownWeights) -> None:
    pull(known, accept_licence=True, endpoint=hub.url)
    hub.requests.clear()
    pull(known, accept_licence=True, endpoint=hub.url)
    assert hub.requests == []
    known.path.write_bytes(known.path.read_bytes()[:-1] + b"x")
    with pytest.raises(ModelError, match="has changed since it was first trusted"):
        pull(known, accept_licence=True, endpoint=hub.url)


def test_a_new_upload_is_not_trusted_in_the_place_of_the_old(
    hub: Hub, known: KnownWeights, tiny: Architecture, tmp_path: Path
) -> None:
    pull(known, accept_licence=True, endpoint=hub.url)
    known.path.unlink()
    state = dict(tiny.fill(_written(tmp_path / "a.pt", hub.content)).state_dict(), logit_scale=torch.zeros(()))
    torch.save(state, tmp_path / "new.pt")
    hub.content = (tmp_path / "new.pt").read_bytes()
    with pytest.raises(ModelError, match=r"tiny.pt has changed since it was first trusted"):
        pull(known, accept_licence=True, endpoint=hub.url)
    assert not known.is_here


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_a_file_that_does_not_fit_never_takes_the_place_of_weights(hub: Hub, known: KnownWeights) -> None:
    hub.content = b"<html>please log in</html>"
    with pytest.raises(ModelError, match="is not a weight file: it starts with b'<html>pl'"):
        pull(known, accept_licence=True, endpoint=hub.url)
    assert not known.is_here
    assert trusted_sha256(known.path) is None


def test_without_the_licence_nothing_is_fetched(hub: Hub, known: KnownWeights) -> None:
    with pytest.raises(
        ModelError, match=r"'tiny' \(someone/tiny\) are under CC BY-NC 4.0, which forbids commercial use"
    ):
        pull(known, accept_licence=False, endpoint=hub.url)
    assert hub.requests == []


@pytest.mark.parametrize(
    ("status", "error_code", "message"),
    [
        (404, "EntryNotFound", "tiny.pt of someone/tiny is not on the hub"),
        (404, "RepoNotFound", "tiny.pt of someone/tiny is not on the hub"),
        (403, "GatedRepo", "tiny.pt of someone/tiny is gated: ask for access on the hub, then log in"),
        (500, "", "tiny.pt of someone/tiny cannot be fetched: .*500"),
    ],
)
def test_what_the_hub_refuses_is_said_in_one_line(
    status: int, error_code: str, message: str, hub: Hub, known: KnownWeights
) -> None:
    hub.status, hub.error_code = status, error_code
    with pytest.raises(ModelError, match=message) as raised:
        pull(known, accept_licence=True, endpoint=hub.url)
    assert "\n" not in str(raised.value)


def test_without_a_network_the_user_knows_at_once(known: KnownWeights) -> None:
    with pytest.raises(ModelError, match=r"tiny.pt of someone/tiny cannot be fetched: .*refused") as raised:
        pull(known, accept_licence=True, endpoint=NOWHERE)
    assert "\n" not in str(raised.value)


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ModelError, match="there are no weights 'fetalklip'; known are fetalclip, mobile"):
        pull("fetalklip", accept_licence=True)


def test_names_repositories_and_paths_are_found(tmp_path: Path) -> None:
    mobile = next(known for known in list_weights() if known.name == "mobile")
    with pytest.raises(ModelError, match=r"'mobile' are not here .* 'fetalstream weights pull mobile'"):
        find("mobile")
    mobile.path.parent.mkdir(parents=True)
    mobile.path.touch()
    assert find("mobile") == find("numansaeed/MobileFetalCLIP") == mobile.path
    assert find(_written(tmp_path / "own.pt", b"x")) == tmp_path / "own.pt"
    with pytest.raises(ModelError, match=r"weights are a file or one of fetalclip, mobile, not 'nothing.pt'"):
        find("nothing.pt")


def test_verify_refuses_what_is_no_known_model(tiny_weights: Path) -> None:
    with pytest.raises(MisfitError, match=r"does not fit (Mobile)?FetalCLIP \(\d+ tensors\): \d+ missing"):
        verify(tiny_weights)


def test_the_embedded_model_is_told_from_its_file():
    report = verify(EMBEDDED)
    assert report.kind == "compact"
    assert report.sha256 == sha256_of(EMBEDDED)
    assert 1e6 < report.parameters < 6e6


def test_a_sononet_file_is_told_from_its_arrays(tmp_path: Path):
    path = tmp_path / "weights.npz"
    write_sononet(path)
    assert verify(path).kind == "sononet"
