from pathlib import Path

import pytest

from fetalstream.sources import SourceError
from fetalstream.sources.uri import parse_uri, safe_name, split_target, yes_no


@pytest.mark.parametrize(
    ("text", "kind", "rest"),
    [
        ("phantom://", "phantom", "//"),
        ("phantom://?seed=3", "phantom", "//?seed=3"),
        ("PHANTOM://?seed=3", "phantom", "//?seed=3"),
        ("file:cine.mp4", "file", "cine.mp4"),
        ("rtsp://user:word@host/1", "rtsp", "//user:word@host/1"),
        ("cine.mp4", "file", "cine.mp4"),
        ("C:\\scans\\a.mp4", "file", "C:\\scans\\a.mp4"),
        ("a b?c", "file", "a b?c"),
    ],
)
def test_letters_before_a_colon_are_the_kind_and_the_rest_is_a_file(text, kind, rest):
    assert parse_uri(text) == (kind, rest)


def test_what_exists_is_a_path_whatever_it_looks_like(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("phantom:x").touch()
    Path("why?fps=1").touch()
    Path("clip").mkdir()
    assert parse_uri("phantom:x") == ("file", "phantom:x")
    assert parse_uri("clip") == ("images", "clip")
    assert parse_uri("file:clip") == ("images", "clip")
    assert parse_uri("file:clip?fps=3") == ("images", "clip?fps=3")
    assert split_target("file:why?fps=1") == (Path("why?fps=1"), {})
    assert split_target("file:cine.mp4?fps=1") == (Path("cine.mp4"), {"fps": "1"})


def test_a_true_url_is_decoded():
    assert split_target("file:///scans/a%20b.mp4?realtime=1") == (Path("/scans/a b.mp4"), {"realtime": "1"})
    assert split_target("file://localhost/a.mp4").path == Path("/a.mp4")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file://server/a.mp4", "names the host 'server'"),
        ("file:", "names no file"),
        ("file:a?speed=2", "no option 'speed'; allowed: fps, realtime"),
    ],
)
def test_what_points_nowhere_is_refused(text, message):
    with pytest.raises(SourceError, match=message) as caught:
        split_target(text, allowed=("realtime", "fps"))
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("text", ["", "  "])
def test_nothing_is_no_source(text):
    with pytest.raises(SourceError, match="names no source"):
        parse_uri(text)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/scans/Ünsal 3 (rechts).mp4", "Ünsal_3_rechts"),
        ("/", "clip"),
        ("/scans/..hidden..", "hidden"),
        ("/scans/a:b|c*.avi", "a_b_c"),
        ("/scans/" + "x" * 300, "x" * 100),
    ],
)
def test_a_name_is_safe_as_a_file_name(path, name):
    assert safe_name(Path(path)) == name


def test_yes_and_no_are_words_or_digits():
    assert [yes_no("realtime", value) for value in ("1", "true", "YES", "0", "False", "no")] == [True] * 3 + [False] * 3
    with pytest.raises(SourceError, match="realtime='2' is neither yes nor no"):
        yes_no("realtime", "2")
