"""The JSON of a run folder (run.json, and what `dossiers` holds of each ring) → the same, checked: kinds, ranges, and how deep it goes.

What is not described here is left as it is, since later versions may add to it.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from graphdet.refused_values import must
from graphdet.schema import ITEM, KEY_TYPES, LAST_SECOND, MOMENTS

MOST_COUNT = 2**53  # beyond it a count is no longer exact as a float
LONGEST = 1_000_000  # entries of a list: days of a log, rings, strengths

Count = Annotated[int, Field(ge=0, le=MOST_COUNT)]
Some = Annotated[int, Field(ge=1, le=MOST_COUNT)]
Seconds = Annotated[int, Field(ge=0, lt=LAST_SECOND)]
Moment = Annotated[int, Field(ge=MOMENTS[0], le=MOMENTS[1])]
Share = Annotated[float, Field(ge=0, le=1)]
Chance = Annotated[float, Field(gt=0, le=1)]
Number = Annotated[float, Field(ge=-1e300, le=1e300)]
Strength = Annotated[float, Field(ge=-1e15, le=1e15)]
Coded = Annotated[int, Field(ge=0, lt=2**31)]  # what codes of 32 bits count
Text = Annotated[str, Field(max_length=LONGEST)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


def _key_type(name: str) -> str:
    if name not in KEY_TYPES:
        raise ValueError(f"must be one of {', '.join(KEY_TYPES)}")
    return name


KeyType = Annotated[str, AfterValidator(_key_type)]


class Document(BaseModel):
    """One object; wrong kinds and numbers that are none are errors."""

    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False, extra="ignore", defer_build=True)


class Input(Document):
    """One log file."""

    path: Text
    format: Text
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    read: Count
    accepted: Count
    rejected: Count
    duplicates: Count


class Counts(Document):
    """Rows and what became of them; nodes and relations."""

    read: Count
    accepted: Count
    rejected: Count
    duplicates: Count
    nodes: dict[str, Count]
    relations: dict[Text, Count]


class Cell(Document):
    """A key and window that were left out or crowded."""

    view: Text
    window: float | str | None  # none: of a log without times
    key: Text
    reason: Text
    size: Count


class Stage(Document):
    """What one stage took."""

    stage: Text
    seconds: float
    peak_bytes: Count | None


class Cost(Document):
    """What the run took."""

    machine: dict[str, Any] = {}
    stages: list[Stage]


class ViewTold(Document):
    """A view of the whole log."""

    name: KeyType
    windows: Annotated[list[Some], Field(min_length=1, max_length=8)]
    homogeneity: Annotated[list[Annotated[float, Field(ge=1e-7, le=1e7)]], Field(min_length=2, max_length=2)]


class Group(Document):
    """A group of keys that rings have targets in."""

    node_type: KeyType
    category: Text | None
    visits: Coded
    keys: Annotated[int, Field(ge=1, lt=2**31)]


class Background(Document):
    """What run.json says of the whole log; see `record.recording.describe_background`."""

    start: Moment | None
    seconds: Seconds
    users: Annotated[int, Field(ge=1, le=LAST_SECOND)]
    to_themselves: Share
    visits: Coded
    events_per_visit: Annotated[float, Field(ge=1e-6, le=MOST_COUNT)] | None
    learned: list[Text]
    deal: Literal["order", "pay", ""] = ""
    users_of_ips: Count
    new_by_day: Annotated[list[Count], Field(max_length=LONGEST)]
    users_by_day: Annotated[list[Count], Field(max_length=LONGEST)] = []  # an older run does not speak of it
    hours: Annotated[list[Count], Field(min_length=24, max_length=24)]
    views: Annotated[list[ViewTold], Field(max_length=64)]
    groups: list[Group]
    history_seconds: Annotated[int, Field(ge=1, le=LAST_SECOND)]
    permutations: Annotated[int, Field(ge=0, le=LONGEST)]
    null_strengths: list[Strength]
    found_strengths: list[Strength]

    @model_validator(mode="after")
    def _of_one_log(self) -> Background:
        crowd = max((group.visits for group in self.groups), default=0)
        if crowd > self.visits:
            raise ValueError(f"groups must have at most the {self.visits} visits of the log (found {crowd})")
        if sum(self.new_by_day) > self.users:
            raise ValueError(f"new_by_day must add up to at most {self.users} users (found {sum(self.new_by_day)})")
        return self


class Meta(Document):
    """run.json."""

    format: Annotated[int, Field(ge=1)]
    id: Name
    version: Annotated[str, Field(max_length=64)]
    seed: Annotated[int, Field(ge=0)]
    settings: dict[str, Any]
    inputs: list[Input]
    counts: Counts
    discounted: list[Cell]
    notes: list[Text]
    cost: Cost
    background: Background | None = None


Span = TypeVar("Span", "Window", "Farm")


def _ends_after_it_starts(span: Span) -> Span:
    """Both ends are told, or neither, the later one second."""
    if (span.start is None) != (span.end is None) or (span.start is not None and span.end is not None and span.end < span.start):
        raise ValueError(f"start must be at most end (found {span.start} and {span.end})")
    return span


class Window(Document):
    """A target and the time in which members came to it."""

    type: KeyType
    id: Text
    start: Moment | None
    end: Moment | None
    users: Count
    events: Count
    orders: Count
    pays: Count
    gain: Number

    @model_validator(mode="after")
    def _in_order(self) -> Window:
        return _ends_after_it_starts(self)


class Farm(Document):
    """What makes a ring a farm."""

    accounts: Some
    inside: Some
    share: Share
    by_number: Share
    keys: list[Annotated[list[Text], Field(min_length=2, max_length=2)]]
    start: Annotated[int, Field(ge=0, lt=LAST_SECOND)]
    end: Annotated[int, Field(ge=0, lt=LAST_SECOND)]
    chance: Chance
    q: Chance
    tests: Some

    @model_validator(mode="after")
    def _in_order(self) -> Farm:
        if self.inside > self.accounts:
            raise ValueError(f"inside must be at most {self.accounts}")
        return _ends_after_it_starts(self)


class Time(Document):
    """When a ring's members met, without strays, and when the last of what began then happened."""

    start: Moment | None
    end: Moment | None
    until: Moment | None

    @model_validator(mode="after")
    def _in_order(self) -> Time:
        told = [moment for moment in (self.start, self.end, self.until) if moment is not None]
        if len(told) not in (0, 3) or told != sorted(told):
            raise ValueError(f"start, end and until must follow each other (found {self.start}, {self.end} and {self.until})")
        return self


class Bought(Document):
    """What members and others bought of one item in its time."""

    own: Count
    others: Count
    inflated: Annotated[float, Field(ge=0, le=MOST_COUNT)]
    amount: Number | None
    inflated_amount: Number | None


class Beside(Document):
    """What everybody else did in the ring's time; see `record.usual.Usual.beside`."""

    everybody: Count
    on_devices: Count | None
    users: Count
    new: Count | None
    aged: Count | None
    hours: Annotated[list[Count], Field(min_length=24, max_length=24)] | None
    dealings: Count | None = None
    ordered: Count | None = None
    rated: Count | None = None
    coupons: Count | None = None
    returned: Count | None = None
    interests: Count | None = None
    novel: Count | None = None
    devices: Count | None = None
    addresses: Count | None = None
    ratings: Count | None
    mean: Number | None
    item_events: Count


class Script(Document):
    """The way to deeds at a ring's targets that most members took beyond what as active users would."""

    steps: Text
    members: Count
    of: Count
    ways: Count
    expected: Annotated[float, Field(ge=0, le=MOST_COUNT)]
    others: Count
    others_of: Count
    chance: Annotated[float, Field(ge=0, le=1)]


class Measured(Document):
    """What only the whole log tells of a ring."""

    scalars: dict[Text, Number | None]
    time: Time
    windows: Annotated[list[Window], Field(min_length=1)]
    bought: dict[Text, Bought]
    usual: Beside
    farm: Farm | None = None
    script: Script | None = None

    @model_validator(mode="after")
    def _of_its_items(self) -> Measured:
        items = {window.id for window in self.windows if window.type == ITEM}
        if set(self.bought) != items:
            raise ValueError(f"bought must be told of the {len(items)} items among the windows (found {len(self.bought)})")
        return self

    @property
    def types(self) -> set[str]:
        """Of the targets that it names."""
        return {window.type for window in self.windows}


def format_of(text: str) -> tuple[int | None, str]:
    """The number of a run.json's format, None where it says none, and the version that wrote it; read first, since all else hangs on it.

    Raises:
        ValueError: it is no JSON.
    """
    found = _parsed(text)
    form = found.get("format") if isinstance(found, dict) else None
    return (form, str(found.get("version"))) if isinstance(form, int) else (None, "")


def read_meta(text: str) -> dict[str, Any]:
    """What a run.json of a known format holds; what an older one does not tell has its default.

    Raises:
        ValueError: it is no JSON, or not of the shape of `Meta`; one line that says where.
    """
    try:
        meta = Meta.model_validate_json(text)
    except ValidationError as error:
        raise ValueError(_first(error)) from None
    found: dict[str, Any] = _parsed(text)
    if meta.background is not None:
        found["background"] = dict(meta.background) | found["background"]
    return found


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("nested too deep") from None


def read_measured(ring: str, text: str) -> Measured:
    """What a row of `dossiers` holds.

    Raises:
        ValueError: it is no JSON, or not of its shape.
    """
    try:
        return Measured.model_validate_json(text)
    except ValidationError as error:
        raise ValueError(f"dossiers: of ring {ring} {_first(error)}") from None


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number")


def _first(error: ValidationError) -> str:
    """'background.users: must be at least 1 (found -1)', on one line."""
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    kind = "" if isinstance(first["input"], (dict, list)) or first["type"] == "missing" else f" (found {str(first['input'])[:60]!r})"
    return f"{place or 'it'}: {must(first)}{kind if place else ''}"
