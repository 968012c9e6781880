import os
from pathlib import Path

import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st
from zmq.auth import load_certificate

from fetalstream.sinks import SinkError
from fetalstream.sinks.keys import AllowList, allow, create, key_folder, load_pair, load_public, own


def test_a_pair_is_its_owners_alone_and_fits_together(tmp_path):
    folder = tmp_path / "keys"
    pair = create("clinic", folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()} == {
        "clinic.key": 0o600,
        "clinic.key_secret": 0o600,
    }
    assert zmq.curve_public(pair.secret) == pair.public
    assert load_pair("clinic", folder) == load_pair(str(folder / "clinic.key_secret"), Path("/elsewhere")) == pair
    assert own(folder) == [pair]
    assert pair.secret.decode() not in repr(pair)
    assert pair.secret not in (folder / "clinic.key").read_bytes()


def test_files_are_certificates_that_other_programs_read(tmp_path):
    pair = create("clinic", tmp_path)
    assert load_certificate(tmp_path / "clinic.key_secret") == (pair.public, pair.secret)
    assert load_certificate(tmp_path / "clinic.key") == (pair.public, None)


def test_no_key_is_ever_overwritten(tmp_path):
    pair = create("clinic", tmp_path)
    for again in (lambda: create("clinic", tmp_path), lambda: [allow("clinic", "a", tmp_path) for _ in range(2)]):
        with pytest.raises(SinkError, match="exists, and no key is ever overwritten"):
            again()
    assert load_pair("clinic", tmp_path) == pair


def test_a_secret_that_others_can_read_is_refused(tmp_path):
    create("clinic", tmp_path)
    (tmp_path / "clinic.key_secret").chmod(0o640)
    with pytest.raises(SinkError, match="others can read this secret key; chmod 600 it"):
        load_pair("clinic", tmp_path)


def test_public_keys_are_given_as_letters_as_a_file_or_by_name(tmp_path):
    pair = create("laptop", tmp_path / "theirs")
    letters = pair.public.decode()
    for key in (letters, str(tmp_path / "theirs" / "laptop.key"), "laptop"):
        assert load_public(key, tmp_path / "theirs") == pair.public
    folder = tmp_path / "ours"
    file = allow(letters, "laptop", folder)
    assert file.stat().st_mode & 0o777 == 0o600
    assert AllowList(folder).names() == {pair.public: "laptop"}


def test_the_list_follows_its_folder(tmp_path):
    allowed = AllowList(tmp_path)
    assert allowed.names() == {}
    first, second = create("a", tmp_path), create("b", tmp_path)
    allow("a", "a", tmp_path)
    assert allowed.names() == {first.public: "a"}
    file = allow("b", "b", tmp_path)
    assert set(allowed.names()) == {first.public, second.public}
    file.unlink()
    assert allowed.names() == {first.public: "a"}


def test_a_damaged_file_of_the_list_lets_nobody_in_and_keeps_nobody_out(tmp_path):
    pair = create("a", tmp_path)
    allow("a", "a", tmp_path)
    (tmp_path / "allowed" / "torn.key").write_bytes(b'curve\n    public-key = "too short"\n')
    (tmp_path / "allowed" / "noise.key").write_bytes(os.urandom(100))
    allowed = AllowList(tmp_path)
    assert allowed.names() == {pair.public: "a"}
    assert len(allowed.damaged) == 2
    assert "noise.key" in allowed.damaged[0]
    assert "torn.key" in allowed.damaged[1]


@pytest.mark.parametrize("name", ["", ".", "..", "../out", "a/b", "/etc/x", ".hidden", "a" * 65, "a\nb", "a b", "ä"])
def test_a_name_that_could_lead_elsewhere_is_none(tmp_path, name):
    folder = tmp_path / "keys"
    for make in (lambda: create(name, folder), lambda: allow("0" * 40, name, folder)):
        with pytest.raises(SinkError, match="is no name for a key"):
            make()
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize("key", ["", "0" * 39, "0" * 41, "ä" * 40, '"' * 40, "#" * 40, "no/such/file.key"])
def test_what_is_no_public_key_is_refused_in_one_line(tmp_path, key):
    with pytest.raises(SinkError, match="is neither a public key") as caught:
        load_public(key, tmp_path)
    assert "\n" not in str(caught.value)


def test_a_missing_secret_says_how_to_make_one(tmp_path):
    with pytest.raises(SinkError, match="no such secret key; make one with: fetalstream keys create NAME"):
        load_pair("clinic", tmp_path)


def test_a_secret_with_the_wrong_public_one_is_refused(tmp_path):
    one, other = create("one", tmp_path), create("other", tmp_path)
    file = tmp_path / "one.key_secret"
    file.write_bytes(file.read_bytes().replace(one.public, other.public))
    with pytest.raises(SinkError, match="does not hold a secret key and its public one"):
        load_pair("one", tmp_path)


@given(content=st.binary(max_size=300))
def test_whatever_a_key_file_holds_is_a_key_or_refused(tmp_path_factory, content):
    file = tmp_path_factory.mktemp("fuzz") / "x.key"
    file.write_bytes(b"public-key = " + content)
    with pytest.raises(SinkError):
        load_public(str(file), file.parent)


def test_keys_lie_where_they_are_not_cleared_away(monkeypatch, tmp_path):
    monkeypatch.setenv("FETALSTREAM_HOME", str(tmp_path))
    assert key_folder() == tmp_path / "keys"
    monkeypatch.delenv("FETALSTREAM_HOME")
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("HOME", "/home/somebody")
    assert key_folder() == Path("/home/somebody/.config/fetalstream/keys")
