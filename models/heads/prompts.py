"""What a zero-shot head is told: per class a few sentences, from YAML or from the published JSON files."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

import yaml

from ..encoder import ModelError
from ..planes import BACKGROUND, Plane

PUBLISHED_NAMES: Mapping[str, str] = {
    "kidney": Plane.KIDNEYS,
    "profile_patient": Plane.PROFILE,
    "trans-thalamic": Plane.TRANSTHALAMIC,
    "trans-ventricular": Plane.TRANSVENTRICULAR,
    "trans-cerebellum": Plane.TRANSCEREBELLAR,
}
"""Class names of the published prompt files, and what this project calls them. Names do not change a score."""

BUILT_IN = ("planes", "brain_planes")
"""Prompts that ship with the package."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompts:
    """Sentences per class.

    Attributes:
        planes: class -> its sentences, in the order of the scores.
        background: kind of background -> its sentences; each kind is a class of its own, together they are
            "background". Empty in the published files.
    """

    planes: Mapping[str, tuple[str, ...]]
    background: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


def load_prompts(source: str | Path) -> Prompts:
    """Reads a file, or prompts that ship with the package ("planes", "brain_planes").

    The file maps each class to a list of sentences; in YAML, ``background`` may map kinds to lists instead. A ``.json``
    file in the published format is read as it is.

    Raises:
        ModelError: one line that names the file, the class and what was expected.
    """
    if source in BUILT_IN:
        text = files("fetalstream.configs").joinpath("prompts", f"{source}.yaml").read_text(encoding="utf-8")
        return _parse(yaml.safe_load(text), str(source))
    path = Path(source)
    try:
        text = path.read_text(encoding="utf-8")
        return _parse(json.loads(text) if path.suffix == ".json" else yaml.safe_load(text), str(path))
    except OSError as error:
        raise ModelError(
            f"prompts are {', '.join(BUILT_IN)} or a YAML or JSON file, not {str(source)!r}: {error.strerror}"
        ) from error
    except (json.JSONDecodeError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise ModelError(f"{path} is neither YAML nor JSON: {' '.join(str(error).split())}") from error


def _parse(content: object, name: str) -> Prompts:
    if not isinstance(content, dict):
        raise ModelError(f"{name} holds no prompts: a mapping of classes to lists of sentences was expected")
    classes = cast("dict[Any, Any]", content)
    background = classes.pop(BACKGROUND, {})
    if not isinstance(background, dict):
        background = {BACKGROUND: background}
    planes = {PUBLISHED_NAMES.get(plane, str(plane)): sentences for plane, sentences in classes.items()}
    if not planes or len(planes) < len(classes):
        raise ModelError(
            f"{name} names its classes {', '.join(map(str, classes)) or 'not at all'}; each once, one or more"
        )
    return Prompts(
        planes={plane: _sentences(value, plane, name) for plane, value in planes.items()},
        background={
            str(kind): _sentences(value, f"{BACKGROUND}.{kind}", name)
            for kind, value in cast("dict[Any, Any]", background).items()
        },
    )


def _sentences(value: object, owner: str, name: str) -> tuple[str, ...]:
    sentences = cast("list[Any]", value) if isinstance(value, list) else []
    if not sentences or not all(isinstance(sentence, str) and sentence.strip() for sentence in sentences):
        raise ModelError(f"{name}: {owner} is a list of one or more sentences, not {str(value)[:60]!r}")
    return tuple(sentences)
