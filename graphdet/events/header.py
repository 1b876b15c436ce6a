"""A file's header and the settings → which of its columns is which of ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graphdet.errors import MissingColumn, SettingsError, nearest
from graphdet.schema import ACTIONS, EVENT_COLUMN, EVENT_MAKERS, NODE_TYPES
from graphdet.settings import LogSettings

KEY_COLUMNS = tuple(node_type.column for node_type in EVENT_MAKERS)
_ONE_OF = f"{', '.join(KEY_COLUMNS[:-1])} or {KEY_COLUMNS[-1]}"
LABEL_COLUMNS = ("user_id", "label", "known_at")
# names seen in public logs; only ever suggested, since a wrong guess would be a wrong finding
_FOREIGN = {
    **{node_type.column: node_type.foreign for node_type in NODE_TYPES},
    "timestamp": ("time", "date", "datetime", "ts", "created_at", "event_time", "unixreviewtime"),
    "action": ("event", "event_type", "behavior", "behaviour", "type", "behavior_type"),
    "label": ("is_fraud", "fraud", "isfraud", "class", "target", "verdict", "status"),
}


@dataclass(frozen=True)
class Mapping:
    """Which column of a file (by position) holds which of our columns."""

    header: tuple[str, ...]
    positions: dict[str, int]
    catalogue: bool

    @property
    def unused(self) -> tuple[str, ...]:
        used = set(self.positions.values())
        return tuple(name for position, name in enumerate(self.header) if position not in used)

    def theirs(self, column: str) -> str:
        """Our column's name in the file; ours where the file has none."""
        return self.header[self.positions[column]] if column in self.positions else column


def check_columns(settings: LogSettings) -> None:
    """Raises:
    SettingsError: a column is mapped or set constant that neither events nor labels have, or a word for an action is mapped to one that
        nothing knows.
    """
    for word in settings.actions.values():
        if word.strip().lower() not in ACTIONS:
            raise SettingsError(f"[log.actions]: there is no action '{word}'{nearest(word, ACTIONS)} Actions: {', '.join(ACTIONS)}.")
    mappable = tuple(dict.fromkeys((*EVENT_COLUMN, *LABEL_COLUMNS)))
    for section, names, known in (
        ("log.columns", settings.columns.values(), mappable),
        ("log.constants", settings.constants.keys(), tuple(EVENT_COLUMN)),
    ):
        for name in names:
            if name not in known:
                raise SettingsError(f"[{section}]: events have no column '{name}'{nearest(name, known)} Columns: {', '.join(known)}.")


def map_columns(path: str, header: Sequence[str], settings: LogSettings) -> Mapping:
    """Columns by name, whatever their case and surrounding space; the first of two that name the same wins.

    A file with `item_id` but without `user_id` is an item catalogue.

    Raises:
        MissingColumn: the file can be neither events nor a catalogue.
    """
    positions = _positions(header, settings, tuple(EVENT_COLUMN))
    has = set(positions) | set(settings.constants)
    if ("user_id" not in has and "item_id" not in has) or ("user_id" in has and not has & set(KEY_COLUMNS)):
        raise _missing(path, header, "user_id" if "user_id" not in has else _ONE_OF, set(EVENT_COLUMN) - has)
    return Mapping(tuple(header), positions, catalogue="user_id" not in has)


def map_label_columns(path: str, header: Sequence[str], settings: LogSettings) -> Mapping:
    """The columns of a labels file, by name as `map_columns` finds them.

    Raises:
        MissingColumn: `user_id` or `label` is in none of its columns.
    """
    positions = _positions(header, settings, LABEL_COLUMNS)
    for needed in ("user_id", "label"):
        if needed not in positions:
            raise _missing(path, header, needed, {needed})
    return Mapping(tuple(header), positions, catalogue=False)


def _positions(header: Sequence[str], settings: LogSettings, ours: tuple[str, ...]) -> dict[str, int]:
    """Our column → its position, for those of `ours` that the header has; a name that the settings map wins over our own."""
    names = [_plain(name) for name in header]
    wanted = {_plain(theirs): column for theirs, column in settings.columns.items()}
    positions: dict[str, int] = {}
    for position, name in enumerate(names):
        if wanted.get(name) in ours:
            positions.setdefault(wanted[name], position)
    for position, name in enumerate(names):
        if name in ours and name not in wanted:
            positions.setdefault(name, position)
    return positions


def _plain(name: str) -> str:
    return name.strip().strip("\ufeff").lower()


def _missing(path: str, header: Sequence[str], what: str, lacking: set[str]) -> MissingColumn:
    names = [_plain(name) for name in header]
    lines = [
        f'{header[names.index(foreign)].strip()!r} = "{ours}"'.replace("'", '"')
        for ours, known in _FOREIGN.items()
        if ours in lacking
        for foreign in known
        if foreign in names
    ]
    suggestion = "; for instance " + ", ".join(lines) if lines else f', such as "their name" = "{what.split(",")[0]}"'
    shown = ", ".join(name.strip()[:40] for name in header[:30]) + (", …" if len(header) > 30 else "")
    return MissingColumn(f"{path}: no column {what} (found: {shown}). Map it under [log.columns] in a settings file{suggestion}.")
