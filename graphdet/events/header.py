"""A file's header and the settings → which of its columns is which of ours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from graphdet.errors import AmbiguousColumn, MissingColumn, SettingsError, nearest
from graphdet.printable import shown_name
from graphdet.schema import ACTIONS, EVENT_COLUMN, EVENT_MAKERS, NODE_TYPES
from graphdet.settings import LogSettings

KEY_COLUMNS = tuple(node_type.column for node_type in EVENT_MAKERS)
TIME_PARTS = ("date", "time")  # which a mapping joins to `timestamp`; no column is taken for one by its name alone
LABEL_COLUMNS = ("user_id", "label", "known_at")
# names seen in public logs; only ever suggested, since a wrong guess would be a wrong finding
_FOREIGN = {
    **{node_type.column: node_type.foreign for node_type in NODE_TYPES},
    "timestamp": ("time", "date", "datetime", "ts", "created_at", "event_time", "unixreviewtime"),
    "action": ("event", "event_type", "behavior", "behaviour", "type", "behavior_type"),
    "label": ("is_fraud", "fraud", "isfraud", "class", "target", "verdict", "status"),
}


@dataclass(frozen=True)
class ColumnMap:
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
        column = "date" if column == "timestamp" and "date" in self.positions else column
        return self.header[self.positions[column]] if column in self.positions else column


def check_columns(settings: LogSettings) -> None:
    """Raises:
    SettingsError: a column is mapped or set constant that neither events nor labels have, or a word for an action is mapped to one that
        nothing knows.
    """
    for word in settings.actions.values():
        if word.strip().lower() not in ACTIONS:
            raise SettingsError(f"[log.actions]: there is no action '{word}'{nearest(word, ACTIONS) or '.'} Actions: {', '.join(ACTIONS)}.")
    mappable = tuple(dict.fromkeys((*EVENT_COLUMN, *LABEL_COLUMNS, *TIME_PARTS)))
    for section, names, known in (
        ("log.columns", settings.columns.values(), mappable),
        ("log.constants", settings.constants.keys(), tuple(EVENT_COLUMN)),
    ):
        for name in names:
            if name not in known:
                raise SettingsError(
                    f"[{section}]: events have no column '{name}'{nearest(name, known) or '.'} Columns: {', '.join(known)}."
                )


def map_columns(path: str, header: Sequence[str], settings: LogSettings) -> ColumnMap:
    """Columns by name, whatever their case and surrounding space; one that the settings map wins over one that has our name.

    A file with `item_id` but without `user_id` is an item catalogue.

    Raises:
        MissingColumn: the file can be neither events nor a catalogue.
        AmbiguousColumn: two of its columns are the same one of ours.
    """
    positions = _positions(path, header, settings, (*EVENT_COLUMN, *TIME_PARTS))
    has = set(positions) | set(settings.constants)
    if ("user_id" not in has and "item_id" not in has) or ("user_id" in has and not has & set(KEY_COLUMNS)):
        needed = KEY_COLUMNS if "user_id" in has else ("user_id",)
        raise _missing(path, header, needed, set(EVENT_COLUMN) - has)
    return ColumnMap(tuple(header), positions, catalogue="user_id" not in has)


def map_label_columns(path: str, header: Sequence[str], settings: LogSettings) -> ColumnMap:
    """The columns of a labels file, by name as `map_columns` finds them.

    Raises:
        MissingColumn: `user_id` or `label` is in none of its columns.
    """
    positions = _positions(path, header, settings, LABEL_COLUMNS)
    for needed in ("user_id", "label"):
        if needed not in positions:
            raise _missing(path, header, (needed,), {needed})
    return ColumnMap(tuple(header), positions, catalogue=False)


def _positions(path: str, header: Sequence[str], settings: LogSettings, ours: tuple[str, ...]) -> dict[str, int]:
    """Our column → its position, for those of `ours` that the header has; a name that the settings map wins over our own."""
    names = [plain(name) for name in header]
    wanted = {plain(theirs): column for theirs, column in settings.columns.items()}
    found: dict[str, list[int]] = {}
    for position, name in enumerate(names):
        if wanted.get(name) in ours:
            found.setdefault(wanted[name], []).append(position)
    mapped = set(found)
    for position, name in enumerate(names):
        if name in ours and name not in (*wanted, *TIME_PARTS, *mapped):
            found.setdefault(name, []).append(position)
    if "date" in found:
        found.pop("timestamp", None)
    elif "time" in found:
        raise AmbiguousColumn(f'{path}: a column is mapped to "time" and none to "date"; map both, or the one to "timestamp".')
    for column, places in found.items():
        if len(places) > 1:
            twice = " and ".join(repr(header[place].strip()) for place in places[:3])
            raise AmbiguousColumn(
                f"{path}: columns {twice} ({', '.join(str(place + 1) for place in places[:3])}) are both {column}; "
                "rename one in the file, or map one of them under [log.columns]."
            )
    return {column: places[0] for column, places in found.items()}


def check_mapped(headers: Iterable[Sequence[str]], settings: LogSettings) -> None:
    """Raises:
    SettingsError: a column that the settings map is in no file; but for those of labels, which may come in files of their own.
    """
    known = {plain(name): name.strip() for header in headers for name in header}
    for theirs, ours in settings.columns.items():
        if plain(theirs) not in known and ours not in LABEL_COLUMNS[1:]:
            raise SettingsError(
                f"[log.columns]: no file has a column '{theirs}', to be read as {ours}{nearest(theirs, known.values()) or '.'} "
                f"The files have: {', '.join(name[:40] for name in list(known.values())[:30])}{', …' if len(known) > 30 else ''}."
            )


def names_of_columns(maps: Iterable[ColumnMap]) -> dict[str, frozenset[str]]:
    """Our column → what files call it, in small letters."""
    found: dict[str, set[str]] = {}
    for one in maps:
        for ours, position in one.positions.items():
            if position < len(one.header):
                found.setdefault(ours, set()).add(plain(one.header[position]))
    return {ours: frozenset(names) for ours, names in found.items()}


def plain(name: str) -> str:
    """A column's name as it is compared."""
    return name.strip().strip("\ufeff").strip().lower()


def squeezed(name: str) -> str:
    """A column's name in small letters without spaces, dots and underscores, and without MongoDB's words for types."""
    return "".join(character for character in name.lower().partition(".$")[0] if character.isalnum())


def _missing(path: str, header: Sequence[str], needed: tuple[str, ...], lacking: set[str]) -> MissingColumn:
    names = [plain(name) for name in header]
    alike = {squeezed(one): one for one in lacking}
    like_ours = [(name.strip(), alike[squeezed(name)]) for name in header if squeezed(name) in alike]
    foreign = [
        (header[names.index(foreign)].strip(), ours)
        for ours, known in _FOREIGN.items()
        if ours in lacking
        for foreign in known
        if foreign in names
    ]
    told = like_ours + foreign
    suggestion = "; for instance " + ", ".join(f'"{theirs}" = "{ours}"' for theirs, ours in told)
    if not any(ours in needed for _, ours in told):  # of the others alone nothing would come
        suggestion = f', such as "their name" = "{needed[0]}"'
    what = needed[0] if len(needed) == 1 else f"{', '.join(needed[:-1])} or {needed[-1]}"
    shown = ", ".join(shown_name(name) for name in header[:30]) + (", …" if len(header) > 30 else "")
    return MissingColumn(
        f"{path}: no column {what} (found: {shown}). "
        f"Map it under [log.columns] in a settings file{suggestion}; `graphdet init` proposes one."
    )
