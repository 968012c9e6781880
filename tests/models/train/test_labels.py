"""Labels and the frames they name."""

from pathlib import Path

import numpy as np
import pytest

from fetalstream.models.embeddings import EmbeddingTable, FrameKey, picture_key
from fetalstream.models.encoder import ModelError
from fetalstream.models.outputs import ModelIdentity
from fetalstream.models.train.labels import Labelled, join, read_labels

ENCODER = ModelIdentity(name="compact", sha256="a" * 64)


def table() -> EmbeddingTable:
    frames = [
        *(FrameKey(key=f"cine#{i}", clip="cine", frame_index=i, pts_seconds=i / 25) for i in range(4)),
        FrameKey(key="us-1-2#0", clip="us-1-2", frame_index=0, pts_seconds=0.0, patient="us-1"),
        *(picture_key("one", f"p{i}.png", i) for i in range(3)),
        picture_key("two", "p0.png", 0),
    ]
    embedding = np.arange(len(frames), dtype=np.float32)[:, None]
    return EmbeddingTable(embedding=embedding, frames=tuple(frames), encoder=ENCODER)


def joined(tmp_path: Path, text: str) -> Labelled:
    path = tmp_path / "labels.csv"
    path.write_text(text, encoding="utf-8")
    return join(table(), read_labels(path), labels_path=path)


REST = "us-1-2,femur,\none/p1.png,brain,b2\np2,brain,b3\n"


def test_a_key_names_a_frame_a_clip_or_a_picture_and_the_rest_is_left_out(tmp_path: Path) -> None:
    text = f"key,label,patient\ncine#2,brain,b1\n{REST}two/p0.png,femur,f2\none/p0.png,femur,f3\n"
    found = joined(tmp_path, text)
    assert found.keys == ("cine#2", "us-1-2#0", "one/p0.png", "one/p1.png", "one/p2.png", "two/p0.png")
    assert found.labels == ("brain", "femur", "femur", "brain", "brain", "femur")
    assert found.patients == ("b1", "us-1", "f3", "b2", "b3", "f2")
    assert found.embedding[:, 0].tolist() == [2, 4, 5, 6, 7, 8]
    assert found.splits is None
    assert found.counts() == {"brain": (3, 3), "femur": (3, 3)}


def test_a_clip_gives_its_label_to_all_of_its_frames(tmp_path: Path) -> None:
    text = f"label;key;patient\nbackground;cine;a\nbackground;one/p0.png;b\nbackground;two/p0.png;c\n{flipped()}"
    found = joined(tmp_path, text)
    assert found.counts()["background"] == (6, 3)
    assert found.classes == ("background", "brain")
    assert found.targets.tolist() == [0, 0, 0, 0, 1, 0, 1, 1, 0]


def flipped() -> str:
    return "brain;us-1-2;\nbrain;p1.png;b2\nbrain;p2;b3\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("key,name\n", r"labels\.csv lacks the column label; its first line has key, name"),
        ("", r"labels\.csv lacks the column key, label"),
        ("key,label\n", r"labels\.csv holds no label"),
        ("key,label\ncine#1,\n", "line 2: label must not be empty"),
        ("key,label,patient\ncine#9,brain,1\n", "line 2: no embedded frame, clip or picture is called 'cine#9'"),
        ("key,label,patient\np0.png,brain,1\n", "line 2: 'p0.png' is the name of several pictures: write FOLDER/FILE"),
        ("key,label,patient\ncine,brain,1\ncine#1,femur,1\n", "line 3: 'cine#1' has a label already, from line 2"),
        ("key,label\ncine#1,brain\n", "line 2: whose picture 'cine#1' is must be known"),
        (
            "key,label,patient,split\ncine#1,brain,1,train\ncine#2,brain,2,\n",
            "line 3: the column split is filled in every line or in none",
        ),
        ("key,label,patient\ncine,brain,1\n", "two labels at least, not brain"),
        (
            "key,label,patient\ncine#0,brain,1\ncine#1,brain,1\ncine#2,brain,2\ncine#3,brain,3\nus-1-2,femur,\n",
            "class 'femur' is of 1 patients; it needs 3: to teach, choose and judge",
        ),
    ],
)
def test_labels_that_do_not_fit_are_refused_with_their_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ModelError, match=said) as raised:
        joined(tmp_path, text)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("content", [None, b"key,label\n\xff,brain\n"])
def test_a_table_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "labels.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=r"labels\.csv cannot be read as a table of labels in UTF-8"):
        read_labels(path)
