"""Prompt files: our YAML, the published JSON, and what is wrong with others."""

import json
from pathlib import Path

import pytest

from fetalstream.models import GROUPS, Plane
from fetalstream.models.encoder import ModelError
from fetalstream.models.heads.prompts import BUILT_IN, load_prompts


@pytest.mark.parametrize("name", BUILT_IN)
def test_shipped_prompts_name_known_planes_and_describe_the_background(name: str) -> None:
    prompts = load_prompts(name)
    assert set(prompts.planes) <= {*map(str, Plane), *GROUPS}
    assert prompts.background
    sentences = [sentence for group in (*prompts.planes.values(), *prompts.background.values()) for sentence in group]
    assert len(sentences) == len(set(sentences))
    assert all(len(group) >= 3 for group in prompts.planes.values())


def test_the_shipped_planes_are_the_nine_of_the_published_evaluation() -> None:
    nine = {"brain", "abdomen", "femur", "heart", "kidneys", "lips_nose", "profile", "spine", "cervix"}
    assert set(load_prompts("planes").planes) == nine
    assert set(load_prompts("brain_planes").planes) == GROUPS["brain"]


@pytest.mark.data
@pytest.mark.parametrize(
    ("filename", "labels"),
    [
        (
            "five_planes_prompts.json",
            ["abdomen", "brain", "femur", "heart", "kidneys", "lips_nose", "profile", "spine", "cervix"],
        ),
        ("brain_subplanes_prompts.json", ["transthalamic", "transcerebellar", "transventricular"]),
    ],
)
def test_published_files_are_read_as_they_are(reference_dir: Path, filename: str, labels: list[str]) -> None:
    published = json.loads((reference_dir / filename).read_text())
    prompts = load_prompts(reference_dir / filename)
    assert list(prompts.planes) == labels
    assert [list(sentences) for sentences in prompts.planes.values()] == list(published.values())
    assert not prompts.background


@pytest.mark.data
@pytest.mark.parametrize("filename", ["five_planes_prompts.json", "brain_subplanes_prompts.json"])
@pytest.mark.parametrize("name", BUILT_IN)
def test_no_published_sentence_is_shipped(reference_dir: Path, filename: str, name: str) -> None:
    published = json.loads((reference_dir / filename).read_text())
    theirs = {sentence for sentences in published.values() for sentence in sentences}
    ours = load_prompts(name)
    assert theirs.isdisjoint(sentence for group in ours.planes.values() for sentence in group)


def test_background_may_be_one_list_or_several_kinds(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text("femur: [a thigh]\nbackground: [noise, menus]\n")
    (tmp_path / "kinds.yaml").write_text("femur: [a thigh]\nbackground: {noise: [hiss], screen: [menus, text]}\n")
    assert load_prompts(tmp_path / "one.yaml").background == {"background": ("noise", "menus")}
    assert load_prompts(str(tmp_path / "kinds.yaml")).background == {"noise": ("hiss",), "screen": ("menus", "text")}


BAD_FILES = {
    "no such file": (None, "prompts are planes, brain_planes or a YAML or JSON file, not .*No such file"),
    "list": ("- a\n- b\n", "a mapping of classes to lists of sentences was expected"),
    "number": ("7\n", "a mapping of classes to lists of sentences was expected"),
    "empty": ("", "a mapping of classes to lists of sentences was expected"),
    "only background": ("background: [noise]\n", "names its classes not at all"),
    "bare sentence": ("femur: a thigh\n", "femur is a list of one or more sentences, not 'a thigh'"),
    "empty list": ("femur: []\n", r"femur is a list of one or more sentences, not '\[\]'"),
    "blank sentence": ("femur: [a thigh, '  ']\n", "femur is a list of one or more sentences"),
    "number as sentence": ("femur: [7]\n", r"femur is a list of one or more sentences, not '\[7\]'"),
    "bad background": ("femur: [a]\nbackground: {noise: hiss}\n", "background.noise is a list"),
    "one class twice": ("kidney: [a]\nkidneys: [b]\n", "names its classes kidney, kidneys; each once"),
    "broken YAML": ("femur: [a\n", "is neither YAML nor JSON"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_bad_prompt_file_is_refused_in_one_line_that_names_it(kind: str, tmp_path: Path) -> None:
    content, message = BAD_FILES[kind]
    path = tmp_path / "prompts.yaml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ModelError, match=message) as raised:
        load_prompts(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_json_is_read_as_json_and_not_as_yaml(tmp_path: Path) -> None:
    path = tmp_path / "prompts.json"
    path.write_text('{\n\t"femur": ["a thigh"]\n}')
    assert load_prompts(path).planes == {"femur": ("a thigh",)}
    path.write_text("femur: [a thigh]")
    with pytest.raises(ModelError, match="is neither YAML nor JSON"):
        load_prompts(path)
