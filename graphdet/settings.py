"""A TOML file → one frozen settings object per stage. Unknown key → error with the nearest name.

A setting is declared once, here: name, type, default, bounds and one sentence. `configs/default.toml` is printed from it.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from graphdet.errors import SettingsError, UnknownSetting


class Section(BaseModel):
    """One frozen group of settings; wrong types and unknown names are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_default=True)


class LogSettings(Section):
    """How other people's logs are read."""

    columns: dict[str, str] = Field({}, description="their column name = ours; a column named here wins over one that has our name already")
    actions: dict[str, str] = Field({}, description="their action word = ours, compared in lower case")
    constants: dict[str, str] = Field({}, description="our column = one value for every row that has none, such as action = \"order\"")
    timezone: str = Field("UTC", description="zone of times that carry none, as an IANA name or an offset such as \"+08:00\"")
    day_first: bool = Field(False, description="read 03/04/2024 as 3 April")
    raw_characters: int = Field(2000, ge=20, le=1_000_000, description="characters of a rejected row that are kept")
    max_id_characters: int = Field(100_000, ge=16, description="an id longer than this is rejected")


class MachineSettings(Section):
    """What the machine may spend; the results do not depend on it."""

    threads: int = Field(0, ge=0, description="0 = all cores")
    memory_gb: float = Field(0.0, ge=0, description="memory for reading before it spills to disk; 0 = a third of the machine's, at most 1.5")


class Settings(Section):
    """All settings of a run."""

    seed: int = Field(20240601, ge=0, description="drives the permutations; the same seed gives the same bytes")
    log: LogSettings = LogSettings()
    machine: MachineSettings = MachineSettings()


Model = TypeVar("Model", bound=Section)


def load_settings(path: Path | None) -> Settings:
    """Settings from a TOML file; defaults where it is silent, or for `None`.

    Raises:
        SettingsError: the file cannot be read, or a value is of the wrong type or out of bounds.
        UnknownSetting: a key that does not exist.
    """
    if path is None:
        return Settings()
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"{path}: no such settings file; leave --settings out for the defaults.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: not a readable TOML file ({error}).") from None
    return parse_settings(table, str(path))


def parse_settings(table: dict[str, Any], where: str) -> Settings:
    """Settings from a parsed table; `where` names its source in errors."""
    return parse_section(Settings, table, where)


def parse_section(model: type[Model], table: dict[str, Any], where: str) -> Model:
    """One section from a table, with this house's errors instead of pydantic's."""
    try:
        return model.model_validate(table)
    except ValidationError as error:
        first = error.errors()[0]
        *sections, name = [str(part) for part in first["loc"]]
        if first["type"] == "extra_forbidden":
            raise UnknownSetting(where, ".".join(sections), name, _names(model, sections)) from None
        dotted = ".".join([*sections, name])
        raise SettingsError(f"{where}: {dotted} = {first['input']!r}: {first['msg'].lower()}.") from None


def _names(model: type[BaseModel], sections: list[str]) -> list[str]:
    for section in sections:
        inner = model.model_fields[section].annotation
        assert isinstance(inner, type)
        model = inner
    return list(model.model_fields)


def settings_as_toml(settings: Settings) -> str:
    """Every setting with its sentence, as a TOML file that `load_settings` reads back to the same settings."""
    lines = ["# Every setting of graphdet with its default. Copy what you change; what you leave out keeps its default.", ""]
    sections = []
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        if isinstance(value, Section):
            sections.append((name, value))
        else:
            lines += [f"# {field.description}", f"{name} = {_toml(value)}"]
    for name, section in sections:
        lines += ["", f"# {(type(section).__doc__ or '').splitlines()[0]}", f"[{name}]"]
        for key, field in type(section).model_fields.items():
            lines += [f"# {field.description}", f"{key} = {_toml(getattr(section, key))}"]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml(inner) for inner in value) + "]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
