"""A TOML file → one frozen settings object per stage. Unknown key → error with the nearest name.

A setting is declared once, here or in a file of settings beside this one: name, type, default, bounds and one sentence. `configs/default.toml` is printed from it.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, Field, ValidationError
from pydantic.fields import FieldInfo

from graphdet.alert_settings import AlertSettings, may_be_told
from graphdet.drift_settings import DriftSettings
from graphdet.errors import SettingsError, UnknownSetting
from graphdet.evidence_settings import LONGEST_WINDOW, MOST_EVIDENCE, AllViews
from graphdet.evidence_settings import EvidenceSettings as EvidenceSettings  # for whoever needs settings of all kinds
from graphdet.evidence_settings import Views as Views
from graphdet.evidence_settings import ViewSettings as ViewSettings
from graphdet.log_settings import LogSettings as LogSettings
from graphdet.log_settings import Section as Section
from graphdet.refused_values import must
from graphdet.signal_settings import SignalSettings

HIGHEST_SEED = 2**32 - 1  # what every library takes
MOST_THREADS = 1024
MOST_ROUNDS = 10_000  # of anything that is done again and again


class RingSettings(Section):
    """How pair evidence becomes rings, and how rings are judged."""

    levels: tuple[float, ...] = Field(
        (4.0, 5.0, 6.0, 8.0, 11.0, 15.0, 20.0), description="evidence of edges whose components found rings; each level is tried"
    )
    overlap: float = Field(0.5, gt=0, le=1, description="share of members and of targets above which two rings are one")
    seed: float = Field(
        24.0,
        ge=0,
        description="summed evidence of pairs that met at the same two keys (at one item in a log without sellers), for their users to found a ring",
    )
    effort: float = Field(
        30.0,
        gt=0,
        description="visits that all growth together may walk for each visit of the log before cores with less evidence are left untried",
    )
    patience: int = Field(5, ge=1, description="cores without news that a target may found before it is left alone")
    rounds: int = Field(8, ge=1, le=MOST_ROUNDS, description="times that a ring takes its targets and members anew")
    generous_rounds: int = Field(
        3,
        ge=0,
        le=MOST_ROUNDS,
        description="rounds before these in which keys count that few members visited: who comes to such keys may know more",
    )
    slack: float = Field(
        3.0,
        ge=0,
        le=LONGEST_WINDOW,
        description="hours before and after members' visits to a target that are looked at for more, at the least",
    )
    join: float = Field(1.0, description="log10 odds a member must have beyond the odds of any user being one")
    least_targets: int = Field(2, ge=1, description="targets that a member must have touched")
    permutations: int = Field(
        0,
        ge=0,
        le=MOST_ROUNDS,
        description="permuted logs; 0 = as many as the log's size allows in about the time of one detection, 1 to 20",
    )
    least_members: int = Field(5, ge=2, description="a smaller group is no ring")
    least_strength: float = Field(
        10.0, ge=0, description="log10 likelihood ratio, less the price of naming it, below which a group is no ring"
    )


class TierSettings(Section):
    """What makes a ring an alert, and which innocent explanation covers it."""

    alert_q: float = Field(0.05, gt=0, le=1, description="q-value up to which a ring is significant; others are not reported")
    alert_strength: float = Field(20.0, ge=0, description="log10 likelihood ratio that an alert must have")
    two_target_strength: float = Field(
        40.0,
        ge=0,
        description="the same where a larger share than `loose_two_target_share` of the members was at no more than two item targets",
    )
    alert_dedication: float = Field(
        0.2, ge=0, le=1, description="share of members' item events on the targets that an alert without shared devices must have"
    )
    alert_attention: float = Field(
        2.5,
        gt=0,
        description="or else a member's events on the targets, on average, in visits' usual events, where it lasts no `long_share`",
    )
    alert_members: int = Field(5, ge=2, description="members that an alert must have")
    alert_share: float = Field(0.1, ge=0, le=1, description="share of all users that an alert may hold, where it has many members")
    many_members: int = Field(300, ge=2, description="members from which on an alert has many")
    alert_targets: int = Field(3, ge=0, description="items on which an alert's members must have met, where the log has items")
    alert_outsiders: float = Field(
        1.5,
        ge=0,
        description="in a log without times: visits of others for each member's, at the median target, that an alert may have",
    )
    loose_share: float = Field(
        0.8, ge=0, le=1, description="share of the log's length beyond which a ring may not last whose members hardly meet"
    )
    loose_density: float = Field(0.45, ge=0, le=1, description="share of members at the average item target below which they hardly meet")
    loose_two_target_share: float = Field(
        0.55, ge=0, le=1, description="share of members at no more than two item targets above which they hardly meet"
    )
    repeats: float = Field(
        2.0, ge=1, description="in a log without times: how much oftener than usual members must come back, to be told from a shared taste"
    )
    exclusive: float = Field(
        0.1, ge=0, description="or else: visits of others for each member's, at the median target, up to which a group has it to itself"
    )
    exclusive_users: float = Field(
        0.5, ge=0, le=1, description="share of the log's users in such groups beyond which they are a custom and tell nothing"
    )
    objections_most: int = Field(
        2, ge=1, description="objections to an alert up to which a ring is put up for review; with more it is left out"
    )
    fan_taste: float = Field(
        0.9,
        ge=-MOST_EVIDENCE,
        le=MOST_EVIDENCE,
        description="log10 of members' interest in the targets' kind at other times, over everybody's, that makes a fan club",
    )
    crowd: float = Field(
        0.4,
        ge=0,
        le=1,
        description="share of strangers beyond the usual within half an hour of members' visits from which on a ring must be stronger",
    )
    crowd_strength: float = Field(60.0, ge=0, description="log10 likelihood ratio that an alert among so many strangers must have")
    crowd_most: float = Field(0.6, ge=0, le=1, description="share of strangers from which on a ring is no alert, however strong")
    network_chance: float = Field(
        1e-3, gt=0, lt=1, description="chance that so many members use any of their addresses by accident, below which they share a network"
    )
    rush: float = Field(
        1.6, ge=-MOST_EVIDENCE, le=MOST_EVIDENCE, description="log10 of those strangers over their usual number that makes a rush"
    )
    nearly_all: float = Field(0.7, ge=0, le=1, description="share of members that counts as nearly all")
    few: float = Field(0.25, ge=0, le=1, description="share of members that counts as few")
    spread_share: float = Field(
        0.06,
        ge=0,
        le=1,
        description="in a log of bare dates: share of its length over which half of the visits to an item are spread, where people come "
        "on days of their own",
    )
    long_share: float = Field(0.4, ge=0, le=1, description="share of the log's length that counts as long")
    household_members: int = Field(6, ge=2, description="people that a household may have")


class GnnSettings(Section):
    """How the graph neural network learns, and what it may cost; without enough rings to learn from it is left out."""

    least_rings: int = Field(
        5, ge=0, description="alert rings that the network needs to learn from, and never fewer than `folds`; 0 = no network at all"
    )
    folds: int = Field(
        3, ge=2, le=1000, description="parts that rings are dealt into; a ring is scored by networks that learned from other parts"
    )
    epochs: int = Field(6, ge=1, le=MOST_ROUNDS, description="times that a network sees what it learns from")
    others: int = Field(12_000, ge=100, description="users outside rings that each network learns from, drawn at random")
    depth: int = Field(1, ge=0, le=2, description="steps along pair evidence that messages of features take; 0 = own features only")
    outscored_share: float = Field(
        0.7, gt=0, lt=1, description="share of members that an outsider must outscore to be left out of the second pass"
    )
    odd_rings: float = Field(0.2, ge=0, lt=1, description="share of rings, least like the others, that the second pass leaves out")
    weight: float = Field(
        3.5,
        ge=0,
        description="the network's log10 odds beside those of the evidence, in the score, had it learned from any number of rings",
    )
    embeddings: int = Field(100_000, ge=0, description="nodes, users first, the highest scored first, whose embeddings a run keeps")
    device: Literal["cpu", "cuda"] = Field("cpu", description="where networks learn; cpu gives the same bytes on every machine")

    @property
    def rings_needed(self) -> int:
        """Alert rings without which there is no network: each fold must be left rings to learn from."""
        return max(self.least_rings, self.folds)


class MachineSettings(Section):
    """What the machine may spend; the results do not depend on it."""

    threads: int = Field(0, ge=0, le=MOST_THREADS, description="0 = all cores")
    memory_gb: float = Field(
        0.0, ge=0, description="memory for reading before it spills to disk; 0 = a third of the machine's, at most 1.5"
    )
    arrays_gb: float = Field(
        0.0, ge=0, description="memory for large arrays before further ones lie in temporary files; 0 = a quarter of the machine's"
    )

    @property
    def workers(self) -> int:
        """`threads`, or as many as there are cores."""
        return self.threads or os.cpu_count() or 1


class Settings(Section):
    """All settings of a run."""

    seed: int = Field(20240601, ge=0, le=HIGHEST_SEED, description="drives the permutations; the same seed gives the same bytes")
    log: LogSettings = LogSettings()
    evidence: EvidenceSettings = EvidenceSettings()
    view: AllViews = AllViews()
    rings: RingSettings = RingSettings()
    tiers: TierSettings = TierSettings()
    signals: SignalSettings = SignalSettings()
    gnn: GnnSettings = GnnSettings()
    machine: MachineSettings = MachineSettings()
    alerts: AlertSettings = AlertSettings()
    drift: DriftSettings = DriftSettings()

    def decisive(self) -> dict[str, Any]:
        """Those that decide the results, as JSON has them: not what the machine may spend, nor who is told."""
        return self.model_dump(mode="json", exclude={"machine", "alerts", "drift"})


Model = TypeVar("Model", bound=Section)


LONGEST_DEFAULT = 60  # characters of one that an error tells
LONGEST_FILE = 1 << 24  # bytes; some devices never end


def load_settings(path: Path | None) -> Settings:
    """Settings from a TOML file; defaults where it is silent, or for `None`.

    Raises:
        SettingsError: the file cannot be read, or a value is of the wrong type or out of bounds.
        UnknownSetting: a key that does not exist.
    """
    if path is None:
        return Settings()
    try:
        with path.open("rb") as file:
            text = file.read(LONGEST_FILE + 1)
        if len(text) > LONGEST_FILE:
            raise SettingsError(f"{path}: more than {LONGEST_FILE >> 20} MB, which no settings file is; write one by `graphdet settings`.")
        table = tomllib.loads(text.decode("utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"{path}: no such settings file; leave --settings out for the defaults.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: not a readable TOML file ({error}).") from None
    except RecursionError:
        raise SettingsError(f"{path}: nested too deep; write settings as `graphdet settings` prints them.") from None
    chosen = parse_settings(table, str(path))
    beside: dict[str, Any] = {}
    if chosen.log.ignore:
        beside["ignore"] = str(path.parent / chosen.log.ignore)
    if chosen.log.image_folder:
        beside["image_folder"] = str(path.parent / chosen.log.image_folder)
    if chosen.log.join:
        beside["join"] = {str(path.parent / table): key for table, key in chosen.log.join.items()}
    if chosen.log.skip:
        beside["skip"] = tuple(str(path.parent / file) for file in chosen.log.skip)
    if chosen.signals.takeovers.places:
        chosen = _with_places(chosen, path.parent / chosen.signals.takeovers.places)
    return chosen.model_copy(update={"log": chosen.log.model_copy(update=beside)}) if beside else chosen


def _with_places(settings: Settings, path: Path) -> Settings:
    """With that table of networks, which is read late in a run: that it is not there is said at once."""
    if not path.is_file():
        raise SettingsError(
            f"signals.takeovers.places = {str(path)!r}: there is no such file; give a CSV with network, latitude, longitude."
        )
    takeovers = settings.signals.takeovers.model_copy(update={"places": str(path)})
    return settings.model_copy(update={"signals": settings.signals.model_copy(update={"takeovers": takeovers})})


def parse_settings(table: dict[str, Any], where: str) -> Settings:
    """Settings from a parsed table; `where` names its source in errors."""
    return parse_section(Settings, table, where)


def parse_section(model: type[Model], table: dict[str, Any], where: str) -> Model:
    """One section from a table, with this house's errors instead of pydantic's."""
    try:
        # JSON mode: arrays may become tuples, a date without quotes is the text that it would be with them, nothing else is converted
        return model.model_validate_json(json.dumps(table, default=str))
    except RecursionError:
        raise SettingsError(f"{where}: nested too deep; write settings as `graphdet settings` prints them.") from None
    except ValidationError as error:
        first = max(error.errors(), key=lambda refusal: len(refusal["loc"]))  # of a value of several kinds the one that it is most like
        if not first["loc"]:  # JSON's own parser does not go as deep as Python's
            raise SettingsError(f"{where}: nested too deep; write settings as `graphdet settings` prints them.") from None
        sections, setting = _way_to(model, first["loc"])
        if first["type"] == "extra_forbidden":
            *sections, name = sections
            raise UnknownSetting(where, ".".join(sections), name, _names(model), table=isinstance(first["input"], dict)) from None
        raise SettingsError(f"{where}: {_refused(first, sections, setting)}") from None


def _refused(refusal: Any, place: Sequence[str], setting: FieldInfo | None) -> str:
    """A value that a setting cannot have: where it stands, what it is, what it must be, and what the setting is for."""
    name, found = ".".join(place), refusal["input"]
    shown = str(found).lower() if isinstance(found, bool) else repr(found)[:200]
    value = f" = {shown}" if may_be_told(place, found) and refusal["type"] != "missing" else ""
    says = f"{name}{value}: {must(refusal)}"
    says += "" if says.endswith("?") else "."
    if setting is None or not setting.description or refusal["type"] == "value_error":  # our own words say what to do
        return says
    usual = "" if setting.is_required() or setting.default is None else _toml(setting.default)
    told = f" (default {usual})" if 0 < len(usual) < LONGEST_DEFAULT else ""
    return f'{says} `graphdet settings` says of it: "{setting.description}"{told}.'


def _way_to(model: type[BaseModel], place: Sequence[int | str]) -> tuple[list[str], FieldInfo | None]:
    """The names on the way to a value that was refused, and the setting that it is, or is in."""
    names: list[str] = []
    kind: Any = model
    setting = None
    for part in place:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            setting = kind.model_fields.get(str(part), setting)
            kind = setting.annotation if setting else None
        elif get_origin(kind) is UnionType:  # pydantic says here which of the kinds it tried
            kind = None
            continue
        else:
            kind = next((inner for inner in get_args(kind) if isinstance(inner, type) and issubclass(inner, BaseModel)), None)
        names.append(str(part))
    return names, setting


def _names(model: type[BaseModel], section: str = "") -> Iterator[tuple[str, str]]:
    """(section, name) of every setting, and of every section within one."""
    for name, field in model.model_fields.items():
        yield section, name
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield from _names(field.annotation, f"{section}.{name}" if section else name)
        for inner in get_args(field.annotation):  # sections under names of the user's own
            if isinstance(inner, type) and issubclass(inner, Section):
                yield from _names(inner, f"{section}.{name}.*" if section else f"{name}.*")


def settings_as_toml(settings: Settings) -> str:
    """Every setting with its sentence, as a TOML file that `load_settings` reads back to the same settings."""
    title = "# Every setting of graphdet with its default. Copy what you change; what you leave out keeps its default."
    return "\n".join([title, "", *_section_as_toml("", settings, set())]) + "\n"


def _section_as_toml(name: str, section: Section, told: set[str]) -> Iterator[str]:
    """Its own settings, then the sections in it. A sentence that was told before is not told again: views have the same settings."""
    own = [(key, value) for key, value in section if not isinstance(value, Section)]  # what has no value yet stands there as a comment
    if name and own:
        yield from ("", f"# {(type(section).__doc__ or '').splitlines()[0]}", f"[{name}]")
    for key, value in own:
        sentence = type(section).model_fields[key].description or ""
        if sentence not in told:
            yield f"# {sentence}"
        told.add(sentence)
        yield f"# {key} =" if value is None else f"{key} = {_toml(value)}"
    for key, value in section:
        if isinstance(value, Section):
            yield from _section_as_toml(f"{name}.{key}" if name else key, value, told)


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml(inner) for inner in value) + "]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
