import subprocess
import sys
from pathlib import Path

import pytest

from fetalstream.sources.credentials import Login, find_login, hide_in_process_title, masked, with_login


@pytest.fixture(autouse=True)
def _no_login_around(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FETALSTREAM_RTSP_USER", raising=False)
    monkeypatch.delenv("FETALSTREAM_RTSP_PASSWORD", raising=False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rtsp://host/live", "rtsp://host/live"),
        ("rtsp://host:8554/cam@1", "rtsp://host:8554/cam@1"),
        ("rtsp://[fe80::1]:8554/live", "rtsp://[fe80::1]:8554/live"),
        ("rtsp://ann:geheim@host/live", "rtsp://***@host/live"),
        ("rtsp://ann@host/live", "rtsp://***@host/live"),
        ("rtsp://ann:gehe%40im@host/live", "rtsp://***@host/live"),
        ("rtsp://ann:geheim@x@host/live", "rtsp://***@host/live"),  # an @ that should have been quoted
        ("rtsp://ann:gehe/im@host/live", "rtsp://***@host/live"),  # a / that should have been quoted
        ("rtsp://ann:gehe?im#@host/live", "rtsp://***@host/live"),
        ("rtsp:/ann:geheim@host/live", "rtsp:/***@host/live"),  # a slash too few
        ("RTSP:ann:geheim@host/live", "RTSP:***@host/live"),
        ("file:/home/ann@work/cine.mp4", "file:/home/ann@work/cine.mp4"),
        ("no 'rtsp://ann:geheim@host' here", "no 'rtsp://***@host' here"),
        ("rtsp://host/user=ann_password=geheim_channel=1", "rtsp://host/user=***"),
        ("rtsp://host/live?token=geheim&channel=1", "rtsp://host/live?token=***&channel=1"),
        ("rtsp://host/live?Passwd=geheim", "rtsp://host/live?Passwd=***"),
    ],
)
def test_what_is_shown_holds_no_login(text: str, expected: str):
    assert masked(text) == expected


def test_a_login_does_not_show_itself():
    assert "geheim" not in f"{Login('ann', 'geheim')!r} {Login('ann', 'geheim')}"


def test_the_urls_own_login_comes_first(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FETALSTREAM_RTSP_USER", "eve")
    assert find_login("rtsp://ann:ge%2Fheim@host/") == Login("ann", "ge/heim")


def test_a_login_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FETALSTREAM_RTSP_USER", "eve")
    monkeypatch.setenv("FETALSTREAM_RTSP_PASSWORD", "geheim")
    assert find_login("rtsp://host/") == Login("eve", "geheim")


def test_a_login_comes_from_the_keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    # The keyring package is not a dependency: a module of its shape stands in where it would be installed.
    (tmp_path / "keyring.py").write_text(
        "from types import SimpleNamespace\n"
        "def get_credential(service, user):\n"
        "    return SimpleNamespace(username='kim', password='geheim') if service == 'fetalstream:host' else None\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "keyring", raising=False)
    assert find_login("rtsp://host/") == Login("kim", "geheim")
    assert find_login("rtsp://other/") is None
    sys.modules.pop("keyring")


def test_nobody_has_a_login():
    assert find_login("rtsp://host/") is None


@pytest.mark.parametrize(
    ("login", "expected"),
    [
        (None, "rtsp://host:1/a?b=c"),
        (Login("ann", "ge/he@im:"), "rtsp://ann:ge%2Fhe%40im%3A@host:1/a?b=c"),
    ],
)
def test_the_library_is_given_a_login_it_can_read(login: Login | None, expected: str):
    assert with_login("rtsp://old:one@host:1/a?b=c", login) == expected


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="arguments are memory of ours on Linux alone")
def test_other_users_do_not_find_the_login_among_our_arguments():
    secret = "rtsp://ann:geheim@host/live"
    code = (
        "import sys, time; from fetalstream.sources.credentials import hide_in_process_title as hide;"
        "hide(sys.argv[1]); print('hidden', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, secret], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "hidden\n"
        shown = Path(f"/proc/{process.pid}/cmdline").read_text()
        process.kill()
    assert "geheim" not in shown
    assert "rtsp://***@host/live" in shown


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="arguments are memory of ours on Linux alone")
def test_hiding_what_is_not_among_our_arguments_leaves_them_as_they_are():
    before = Path("/proc/self/cmdline").read_bytes()
    hide_in_process_title("rtsp://nobody:typed@this/")
    assert Path("/proc/self/cmdline").read_bytes() == before
