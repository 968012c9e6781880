"""What a scan should show: a protocol, read from YAML; the packaged ones or a site's own file."""

import difflib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final, Literal, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from ... import FetalStreamError
from ...models import BACKGROUND
from ...models.planes import GROUPS, Plane
from ..section import Seconds, Section

QualityName = Literal["sharpness", "gain", "zoom", "in_fan", "stillness", "confidence"]

OTHER_PLANES: Final = ("bladder", "placenta")
"""Views that guidelines want and no model here can tell."""

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]


class ProtocolError(FetalStreamError):
    """A protocol cannot be read; the message names the file, the place in it, and what was allowed."""


class ProtocolItem(Section):
    """One view that is wanted."""

    name: Name
    """Of the item; unique in its protocol."""
    title: Annotated[str, Field(min_length=1, max_length=80)]
    """For people."""
    plane: Name
    """Standard plane, or a group of them (brain, heart, spine), or a label of the site's own head."""
    or_planes: tuple[Name, ...] = ()
    """Planes that do as well."""
    wanted: Annotated[int, Field(ge=1, le=20)] = 1
    """How many good views, of a visit each."""
    quality: tuple[QualityName, ...] | None = None
    """Items of quality that must be ok; null: all that can be judged of the plane. An empty list wants none."""
    hold_seconds: Seconds | None = None
    """How long a good view must be held; null: as long as the protocol says."""

    def counts(self, label: str) -> bool:
        """Whether a view of this label is one of this item."""
        return any(label == plane or label in GROUPS.get(plane, ()) for plane in (self.plane, *self.or_planes))

    def why_not_judged(self, labels: Sequence[str]) -> str:
        """Empty when a head with these labels can judge the item, else why not."""
        if any(self.counts(label) for label in labels):
            return ""
        coarse = [name for name, members in GROUPS.items() if self.plane in members and name in labels]
        return f"not judged by this model: it tells {coarse[0]} only" if coarse else "not judged by this model"


class ScanProtocol(Section):
    """The views of one kind of examination, in the order in which they are told."""

    name: Name
    title: Annotated[str, Field(min_length=1, max_length=80)]
    hold_seconds: Seconds = 0.5
    """How long a good view must be held to count."""
    items: Annotated[tuple[ProtocolItem, ...], Field(min_length=1, max_length=100)]

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [item.name for item in self.items]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"items are named once each, not twice: {', '.join(twice)}")
        return self

    def check(self, labels: Sequence[str]) -> None:
        """Raises `ProtocolError` for a plane that nobody knows, neither this project nor a head with these labels."""
        known = sorted(map(str, {*Plane, *GROUPS, *OTHER_PLANES, *labels} - {BACKGROUND}))
        for item in self.items:
            for plane in (item.plane, *item.or_planes):
                if plane not in known:
                    close = difflib.get_close_matches(plane, known, n=1)
                    hint = f"did you mean {close[0]!r}? " if close else ""
                    raise ProtocolError(
                        f"protocol {self.name!r}, item {item.name!r}: no plane is called {plane!r}; {hint}"
                        f"known are: {', '.join(known)}"
                    )


def protocol_names() -> list[str]:
    """Of the packaged protocols."""
    folder = files("fetalstream.configs").joinpath("protocols")
    return sorted(Path(entry.name).stem for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def load_protocol(name: str | Path) -> ScanProtocol:
    """A packaged protocol by its name, or a YAML file. Raises `ProtocolError` in one line."""
    text = _text(name)
    try:
        tree: object = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ProtocolError(f"protocol {str(name)!r} is not valid YAML: {' '.join(str(error).split())}") from None
    try:
        return ScanProtocol.model_validate(tree)
    except ValidationError as error:
        raise ProtocolError(f"protocol {str(name)!r}: {_explained(error)}") from None


def _text(name: str | Path) -> str:
    names = protocol_names()
    if str(name) in names:
        return files("fetalstream.configs").joinpath("protocols", f"{name}.yaml").read_text(encoding="utf-8")
    try:
        return Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ProtocolError(
            f"{str(name)!r} is neither a protocol ({', '.join(names)}) nor a readable file ({type(error).__name__})"
        ) from None


def _explained(error: ValidationError) -> str:
    parts: list[str] = []
    for detail in error.errors():
        path = ".".join(str(part) for part in detail["loc"])
        if detail["type"] == "extra_forbidden":
            fields = ProtocolItem.model_fields if len(detail["loc"]) > 1 else ScanProtocol.model_fields
            parts.append(f"{path} is not a key; allowed: {', '.join(fields)}")
        elif detail["type"] == "missing":
            parts.append(f"{path} is missing")
        elif detail["type"] == "model_type":
            parts.append(f"{path or 'the file'} holds keys and values, not {type(detail['input']).__name__}")
        else:
            message = detail["msg"].removeprefix("Value error, ")
            parts.append(f"{path}={detail['input']!r}: {message}" if path else message)
    return "; ".join(parts)
