"""Trust on first use."""

from pathlib import Path

import pytest

from fetalstream.models.encoder import ModelError
from fetalstream.models.trust import check_trust, trust, trusted_sha256

SHA256, OTHER = "a" * 64, "b" * 64


def test_weights_without_a_digest_beside_them_are_let_through(tmp_path: Path) -> None:
    assert trusted_sha256(tmp_path / "w.pt") is None
    check_trust(tmp_path / "w.pt", SHA256)


def test_a_digest_that_was_written_down_is_demanded_from_then_on(tmp_path: Path) -> None:
    trust(tmp_path / "w.pt", SHA256)
    check_trust(tmp_path / "w.pt", SHA256)
    with pytest.raises(
        ModelError, match=r"has changed since it was first trusted: sha256 bbb.*, not aaa.* w.pt.sha256"
    ):
        check_trust(tmp_path / "w.pt", OTHER)


def test_the_digest_is_written_as_sha256sum_reads_it(tmp_path: Path) -> None:
    trust(tmp_path / "w.pt", SHA256)
    assert [path.name for path in tmp_path.iterdir()] == ["w.pt.sha256"]
    assert (tmp_path / "w.pt.sha256").read_text() == f"{SHA256}  w.pt\n"


@pytest.mark.parametrize("content", ["", "not a digest\n"])
def test_a_damaged_digest_is_no_trust(content: str, tmp_path: Path) -> None:
    (tmp_path / "w.pt.sha256").write_text(content)
    with pytest.raises(ModelError, match=r"w.pt.sha256 holds no SHA-256; delete it to trust w.pt anew"):
        trusted_sha256(tmp_path / "w.pt")
