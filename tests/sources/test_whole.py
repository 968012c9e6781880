import pytest

from fetalstream.sources.whole import missing_bytes


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.avi", "a.mkv", "a.gif"])
def test_a_whole_file_misses_nothing_and_any_shorter_one_does(make_clip, name):
    path = make_clip(name, frames=6)
    data = path.read_bytes()
    assert missing_bytes(path) == 0
    for size in {100, len(data) // 2, len(data) - 9, len(data) - 1} - {len(data)}:
        path.write_bytes(data[:size])
        assert missing_bytes(path) > 0, f"{size} of {len(data)} bytes"


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi"])
def test_it_counts_what_is_missing(make_clip, name):
    path = make_clip(name, frames=30, index_first=True)
    data = path.read_bytes()
    path.write_bytes(data[:-100])
    assert missing_bytes(path) == 100


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"short",
        b"plain text of some length",
        bytes(100),
        b"RIFF\0\0\0\0AVI LIST",  # never closed: it announces nothing
        bytes.fromhex("1a45dfa3 80 18538067 01ffffffffffffff 00"),  # a segment of unknown length
        b"\0\0\0\x10ftypisom\0\0\0\0" + b"\0\0\0\0mdat" + b"1234",  # "to the end of the file"
    ],
)
def test_what_announces_no_length_misses_nothing(tmp_path, data):
    (tmp_path / "file").write_bytes(data)
    assert missing_bytes(tmp_path / "file") == 0


def test_boxes_of_64_bits_are_understood(tmp_path):
    box = b"\0\0\0\x01mdat" + (1000).to_bytes(8) + bytes(100)
    (tmp_path / "file").write_bytes(b"\0\0\0\x10ftypisom\0\0\0\0" + box)
    assert missing_bytes(tmp_path / "file") == 1000 - len(box)
