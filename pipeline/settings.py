"""Reading the configuration: flags win over the environment, that over the YAML file, that over the defaults.

Environment variables spell the path: ``FETALSTREAM_SEGMENTS__ENTER_SCORE=0.7``. An unknown key or an impossible value
is refused with its path and what was allowed.
"""

import difflib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, cast, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import EnvSettingsSource

from .. import FetalStreamError
from .config import Config

ENV_PREFIX = "FETALSTREAM_"


class ConfigError(FetalStreamError):
    """The configuration is wrong; the message gives the path, the value and what was allowed."""


def preset_names() -> list[str]:
    """Names of the YAML presets that ship with the package."""
    return sorted(
        Path(entry.name).stem for entry in files("fetalstream.configs").iterdir() if entry.name.endswith(".yaml")
    )


def load_config(name: str | Path, *, assignments: Sequence[str] = (), flags: Mapping[str, Any] | None = None) -> Config:
    """Read a preset or a file, then the environment, then what the command line says.

    Args:
        name: a preset's name, or the path of a YAML file.
        assignments: ``path.to.key=value`` each, the value in YAML.
        flags: a partial tree with the highest rank.
    """
    tree = _read_yaml(name)
    environment = EnvSettingsSource(Config, env_prefix=ENV_PREFIX, env_nested_delimiter="__")
    _merge(tree, environment())
    for assignment in assignments:
        _merge(tree, _parse_assignment(assignment))
    _merge(tree, flags or {})
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        raise ConfigError(f"configuration {str(name)!r}: " + "; ".join(map(_explain, error.errors()))) from None


def _read_yaml(name: str | Path) -> dict[str, Any]:
    if str(name) in preset_names():
        text = files("fetalstream.configs").joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    else:
        try:
            text = Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            presets = ", ".join(preset_names())
            raise ConfigError(
                f"{str(name)!r} is neither a preset ({presets}) nor a readable file ({type(error).__name__})"
            ) from None
    try:
        tree: object = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise ConfigError(f"{str(name)!r} is not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(tree, dict):
        raise ConfigError(f"{str(name)!r} must hold keys and values, not {type(tree).__name__}")
    return cast("dict[str, Any]", tree)


def _parse_assignment(assignment: str) -> dict[str, Any]:
    path, equals, text = assignment.partition("=")
    if not equals or not all(path.split(".")):
        raise ConfigError(f"{assignment!r} is not of the form path.to.key=value")
    try:
        value: Any = yaml.safe_load(text)
    except yaml.YAMLError:
        raise ConfigError(f"{assignment!r}: {text!r} is not a YAML value") from None
    for key in reversed(path.split(".")):
        value = {key: value}
    return value


def _merge(tree: dict[str, Any], other: Mapping[str, Any]) -> None:
    """Put ``other`` over ``tree``; a section whose kind changes is replaced, not mixed."""
    for key, value in other.items():
        old = tree.get(key)
        if isinstance(old, dict) and isinstance(value, Mapping):
            section, change = cast("dict[str, Any]", old), cast("Mapping[str, Any]", value)
            if change.get("kind", section.get("kind")) == section.get("kind"):
                _merge(section, change)
                continue
        tree[key] = value


def _explain(detail: ErrorDetails) -> str:
    path = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        allowed = _keys_at(detail["loc"][:-1])
        close = difflib.get_close_matches(str(detail["loc"][-1]), allowed, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        return f"{path} is not a key; {hint}allowed: {', '.join(sorted(allowed))}"
    if detail["type"] == "missing":
        return f"{path} is missing"
    message = detail["msg"].removeprefix("Value error, ")
    return f"{path}={detail['input']!r}: {message}" if path else message


def _keys_at(location: tuple[int | str, ...]) -> list[str]:
    """The keys of the section at ``location``; the parts of a location are keys, list positions and kinds."""
    sections: list[type[BaseModel]] = [Config]
    for part in location:
        nested = [
            _sections_in(section.model_fields[str(part)].annotation)
            for section in sections
            if part in section.model_fields
        ]
        chosen = [s for group in nested for s in group]
        if not nested:
            chosen = [s for s in sections if part in _kinds_of(s)] or sections
        sections = chosen
    return [key for section in sections for key in section.model_fields]


def _sections_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [section for argument in get_args(annotation) for section in _sections_in(argument)]


def _kinds_of(section: type[BaseModel]) -> tuple[Any, ...]:
    field = section.model_fields.get("kind")
    return get_args(field.annotation) if field else ()
