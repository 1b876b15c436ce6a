"""Looks at files → a proposal: which column is which of ours, and why; what is not sure stays open and is said.

A wrong guess would be a wrong finding, so a column is mapped only where its name and its values agree, and every guess has its reason.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from graphdet.events.header import KEY_COLUMNS, squeezed
from graphdet.events.items import FACTS
from graphdet.proposing.composed_names import composed, names_a_number
from graphdet.proposing.joining_tables import Join, Plan, objection_to_table, plan_joins
from graphdet.proposing.layouts import LAYOUTS, Layout
from graphdet.proposing.lexicon import NAMES, OTHER_TIMES
from graphdet.proposing.looking import ColumnLook, FileLook
from graphdet.proposing.objecting import KINDS, objection
from graphdet.schema import ACTION_OF, ACTIONS, EVENT_COLUMN
from graphdet.schema.wording import numbered

USER = "user_id"
ITEM = "item_id"
IP = "ip"
TIME = "timestamp"
ACTION = "action"
CATEGORY = "category"
ORDER = tuple(dict.fromkeys((USER, *KEY_COLUMNS, TIME, ACTION, *EVENT_COLUMN)))  # in which columns are told
NEEDED = (USER, *KEY_COLUMNS, TIME)  # of which a fair guess is better than none
WEB_LOG = "a web server's log, a request a line: the address is the user, the path the item"
ITEMLESS = f"it names users, but none of {', '.join(KEY_COLUMNS)}"
OFTEN = 2  # rows for each value, from which on users may meet at it
COMPOSED = 0.6  # how well one fits that is put together of known words
FAIR = 0.5  # how well a name fits that only ends in a known one, such as `client_user_id`
VAGUE = {"type", "event", "value", "total", "class", "host", "content", "comment", "order", "op", "cat", "path", "page", "url", "uid"}


@dataclass(frozen=True)
class Guess:
    """One column: theirs, ours, why, and how well its name fits (1 = one of the known names)."""

    theirs: str
    ours: str
    reason: str
    fit: float = 1.0


@dataclass(frozen=True)
class FileRole:
    """What a file is with the proposed settings: "events", "catalogue", "table" or "left out", and why."""

    path: str
    role: str
    why: str


@dataclass(frozen=True)
class Proposal:
    """Settings to start from.

    Attributes:
        files: what each file is.
        mapped: columns whose name and values agree; by their name, each once.
        unsure: columns that may be one of ours, and why they are not mapped.
        own: our columns that files have by that name already.
        unused: the rest.
        actions: their word → ours.
        kept: action words that nothing is known of.
        constants, timezone, names: as in `[log]`; "" and () where there is nothing to say.
        layout: the well-known layout that a file has, or None.
        preset: as in `[log]`, for logs that have no columns.
        joins, unjoined: tables that are joined, and files that share a key and are not.
    """

    files: tuple[FileRole, ...]
    mapped: tuple[Guess, ...]
    unsure: tuple[Guess, ...]
    own: tuple[str, ...]
    unused: tuple[str, ...]
    actions: dict[str, str] = field(default_factory=dict)
    kept: tuple[str, ...] = ()
    constants: dict[str, str] = field(default_factory=dict)
    timezone: str = ""
    names: tuple[str, ...] = ()
    layout: Layout | None = None
    preset: str = ""
    joins: tuple[Join, ...] = ()
    unjoined: tuple[Join, ...] = ()

    @property
    def usable(self) -> tuple[str, ...]:
        """Files that a run can read with it."""
        return tuple(file.path for file in self.files if file.role in ("events", "catalogue"))

    @property
    def skipped(self) -> tuple[str, ...]:
        """Files that a run has to leave out, where others are logs."""
        left = tuple(file.path for file in self.files if file.role == "left out")
        return left if any(file.role == "events" for file in self.files) else ()

    def answered(self, ours: str) -> bool:
        """Whether a column is mapped to one of ours, or has its name."""
        return ours in {guess.ours for guess in self.mapped} | {_plain(name) for name in self.own}

    @property
    def lacking(self) -> tuple[str, ...]:
        """Our columns without which no file is a log: the user, and what users meet at; () where nothing lacks."""
        if any(file.role == "events" for file in self.files):
            return ()
        meets = any(self.answered(key) for key in KEY_COLUMNS)
        return (*(() if self.answered(USER) else (USER,)), *(() if meets else (ITEM,)))

    def with_column(self, theirs: str, ours: str, reason: str) -> Proposal:
        """The same, but for one column that is mapped so ("" = not at all)."""
        others = tuple(guess for guess in self.mapped if guess.theirs != theirs and guess.ours != ours)
        unsure = tuple(guess for guess in self.unsure if guess.theirs != theirs)
        return replace(self, mapped=(*others, Guess(theirs, ours, reason)) if ours else others, unsure=unsure)


def propose(looks: Sequence[FileLook], layout: Layout | None = None) -> Proposal:
    """The best guess for some files.

    Args:
        looks: from `look_at_files`.
        layout: that they have; None = find out.
    """
    if any(look.web_log for look in looks):
        roles = [("events", WEB_LOG) if look.web_log else ("left out", "it is no web server's log, as others are") for look in looks]
        files = tuple(FileRole(look.path, role, why) for look, (role, why) in zip(looks, roles, strict=True))
        return Proposal(files, mapped=(), unsure=(), own=(), unused=(), preset="combined")
    found = layout or next((one for one in LAYOUTS for look in looks if _has(one, look)), None)
    named = [_named(look, found) for look in looks]
    plan = plan_joins(named, lambda look: _meant([look], found))
    role_of = _roles(named, plan, found)
    paths = [look.path for look in looks]
    looks, mapped, unsure = _settled_with_roles(_worth_reading(plan, role_of), role_of, found)
    unsure = (*unsure, *_by_values_alone(looks, role_of, {guess.theirs for guess in (*mapped, *unsure)}))
    header = [column.name for look in looks for column in look.columns]
    other = {guess.theirs for guess in mapped if guess.ours != _plain(guess.theirs)}
    own = tuple(dict.fromkeys(name for name in header if _plain(name) in EVENT_COLUMN and name not in other))
    known = {guess.theirs for guess in (*mapped, *unsure)} | set(own)
    ours = {guess.theirs: guess.ours for guess in mapped} | {name: _plain(name) for name in own}
    actions, kept = _translate_actions(looks, ours, found)
    return Proposal(
        files=tuple(role_of[path] for path in paths),
        mapped=mapped,
        unsure=unsure,
        own=own,
        unused=tuple(dict.fromkeys(name for name in header if name not in known)),
        actions=actions,
        kept=kept,
        constants=dict(found.constants) if found else {},
        timezone=found.timezone if found else "",
        names=next((tuple(column.name for column in look.columns) for look in looks if look.headerless), ()),
        layout=found,
        joins=plan.joins,
        unjoined=plan.unsure,
    )


def _roles(named: Sequence[FileLook], plan: Plan, layout: Layout | None) -> dict[str, FileRole]:
    """What each file is; why one is left out is told by what it has itself."""
    meant = _meant(plan.looks, layout)
    roles = {join.table: FileRole(join.table, "table", f"joined by {join.key}: {join.reason}") for join in plan.joins}
    alone = {look.path: look for look in named}
    for look in plan.looks:
        role = _role(look, meant)
        roles[look.path] = role if role.role != "left out" else _role(alone[look.path], _meant([alone[look.path]], layout))
    return roles


def _worth_reading(plan: Plan, roles: Mapping[str, FileRole]) -> list[FileLook]:
    """Without the files that are no logs, where others are."""
    if not any(role.role == "events" for role in roles.values()):
        return list(plan.looks)
    return [look for look in plan.looks if roles[look.path].role != "left out"]


def _settled_with_roles(
    looks: list[FileLook], roles: dict[str, FileRole], layout: Layout | None
) -> tuple[list[FileLook], tuple[Guess, ...], tuple[Guess, ...]]:
    """Which of their columns is which of ours in all files at once. A file that is no log by it, since another one needs a column
    otherwise, is left out (in `roles`, too), if there are others."""
    while True:
        mapped, unsure = _settled([guess for look in looks for guess in _guess_file(look, layout)], looks)
        own = {name: _plain(name) for look in looks for name in (column.name for column in look.columns) if _plain(name) in EVENT_COLUMN}
        ours = own | {guess.theirs: guess.ours for guess in mapped}
        now = {look.path: _role(look, ours) for look in looks if roles[look.path].role == "events"}
        lost = {path: role for path, role in now.items() if role.role != "events"}
        if not lost or len(lost) == len(now):
            return looks, mapped, unsure
        roles |= lost
        looks = [look for look in looks if roles[look.path].role != "left out"]


def _meant(looks: Sequence[FileLook], layout: Layout | None) -> dict[str, str]:
    """Their columns → ours, of those that are told."""
    guesses = [guess for look in looks for guess in _guess_file(look, layout)]
    refused = {guess.theirs for guess in guesses if not guess.ours}
    own = {column.name: _plain(column.name) for look in looks for column in look.columns if _plain(column.name) in EVENT_COLUMN}
    mapped, _ = _settled(guesses, looks)
    return {name: ours for name, ours in own.items() if name not in refused} | {guess.theirs: guess.ours for guess in mapped}


def _has(layout: Layout, look: FileLook) -> bool:
    if not look.headerless:
        return layout.fits([column.name for column in look.columns])
    if len(layout.names) != len(look.columns):
        return False
    place = dict(zip(layout.names, look.columns, strict=True))
    times = place[TIME].times + place[TIME].epochs
    return times > 0.9 and {word.lower() for word in place[ACTION].commonest} <= set(layout.actions)


def _named(look: FileLook, layout: Layout | None) -> FileLook:
    """A file without a header with names for its columns: the layout's, or what their values tell."""
    if not look.headerless:
        return look
    names = list(layout.names) if layout and layout.names and len(layout.names) == len(look.columns) else _names_by_values(look.columns)
    return replace(look, columns=tuple(replace(column, name=name) for name, column in zip(names, look.columns, strict=True)))


def _names_by_values(columns: Sequence[ColumnLook]) -> list[str]:
    """Times, addresses and actions tell themselves; of the others the first is taken for the user, the next for the item, unless it
    has just as many different values: then it is the user's other id."""
    names = [column.name for column in columns]
    left, user = [USER, ITEM], None
    for place, column in enumerate(columns):
        known = sum(squeezed(word) in ACTION_OF for word in column.commonest)
        words = ACTION if known * 2 > len(column.commonest) else ""
        own = TIME if column.times + column.epochs > 0.9 else IP if column.ips > 0.9 else words
        if own and own not in names:
            names[place] = own
        elif left and (column.numbers < 1 or column.distinct > KINDS) and not (user and column.distinct == user.distinct > KINDS):
            names[place] = left.pop(0)
            user = user or column
    return names


def _guess_file(look: FileLook, layout: Layout | None) -> list[Guess]:
    header = {_plain(column.name): column for column in look.columns}
    joined = any(column.table for column in look.columns)
    if layout is not None and layout.columns and layout.fits(list(header)) and (layout.alone or not joined):
        wanted = {_plain(theirs): ours for theirs, ours in layout.columns.items()}
        told = [Guess(header[name].name, ours, f"as in {layout.title}") for name, ours in wanted.items() if name in header]
        return told + _guess_columns(replace(look, columns=tuple(column for column in look.columns if column.table)))
    return _guess_columns(look)


def _guess_columns(look: FileLook) -> list[Guess]:
    header = {_plain(column.name): column for column in look.columns}
    guesses = []
    others = [column for column in look.columns if _plain(column.name) not in EVENT_COLUMN]
    for column in others:
        guesses += [_weighed(column, ours, fit, look) for ours, fit in _fits(column.name)]
    for own, column in header.items():
        against = (objection(own, column, look.rows) or objection_to_table(own, column)) if own in EVENT_COLUMN else ""
        if against and column.filled:
            guesses.append(Guess(column.name, "", f"is {own} by its name, but {against}", 0))
    named = {guess.ours for guess in guesses if guess.fit >= FAIR} | set(header)
    guesses += [
        Guess(column.name, IP, f"{column.ips:.0%} of its values are IP addresses")
        for column in others
        if IP not in named and column.ips >= 0.9
    ]
    times = [column for column in others if column.times >= 0.9 and not _is_other_time(column.name)]
    if TIME not in named and len(times) == 1:
        guesses.append(Guess(times[0].name, TIME, f"{times[0].times:.0%} of its values are times, such as {times[0].commonest[0]}"))
    return guesses


def _fits(name: str) -> list[tuple[str, float]]:
    """Which of our columns a name may mean, and how well: 1 for a known name, less the later it stands; `FAIR` for one that ends in it."""
    whole = squeezed(name)
    words = [squeezed(word) for word in re.findall(r"[^\W_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name))]
    ends = {"".join(words[first:]) for first in range(1, len(words))} - VAGUE
    fits = []
    for ours, names in NAMES.items():
        if whole in names:
            fits.append((ours, 1 - names.index(whole) / 200))
        elif ends & set(names):
            fits.append((ours, FAIR))
    known = [fit for fit in fits if fit[1] > FAIR]
    put_together = composed(name)
    return known or ([(put_together, COMPOSED)] if put_together and whole not in VAGUE else fits)


def _weighed(column: ColumnLook, ours: str, fit: float, look: FileLook) -> Guess:
    """The guess with its reason; a fit of 0 where the values speak against it."""
    against = objection(ours, column, look.rows) or objection_to_table(ours, column)
    if ours == TIME and not against and _is_other_time(column.name):
        against = "it seems to be the time of something else than the event"
    if against:
        return Guess(column.name, ours, f"{'' if fit > FAIR else 'its name is like others for it, but '}{against}", 0)
    values = f"{max(column.times, column.epochs):.0%} of its values are times, such as {column.commonest[0]}" if ours == TIME else ""
    values = (
        values
        or f"{column.distinct:,} different {'value' if column.distinct == 1 else 'values'} in {numbered(column.filled, 'row', 'rows')}"
    )
    return Guess(column.name, ours, f"{'its name' if fit > FAIR else 'a name like others for it'}; {values}", fit)


def _settled(guesses: Sequence[Guess], looks: Sequence[FileLook]) -> tuple[tuple[Guess, ...], tuple[Guess, ...]]:
    """In each file, each of our columns to the column that fits best; the others that were thought of are unsure."""
    headers = [{column.name: column for column in look.columns} for look in looks]
    taken = [{_plain(name): name for name, own in header.items() if own.filled and _plain(name) in EVENT_COLUMN} for header in headers]
    for guess in guesses:
        if not guess.ours:  # has our name and cannot be it
            for own in taken:
                own.pop(_plain(guess.theirs), None)
    mapped: dict[str, Guess] = {}
    unsure: dict[str, Guess] = {}
    for guess in sorted(guesses, key=lambda guess: -guess.fit):
        places = [place for place, header in enumerate(headers) if guess.theirs in header]
        rival = next((taken[place][guess.ours] for place in places if guess.ours in taken[place]), "")
        least = FAIR if guess.ours in NEEDED else FAIR + 0.01
        if guess.theirs in mapped:
            continue
        if guess.ours and guess.fit >= least and not rival:
            mapped[guess.theirs] = guess
            for place in places:
                taken[place][guess.ours] = guess.theirs
        else:
            unsure.setdefault(
                guess.theirs, replace(guess, reason=f"{guess.reason}; {rival} is it" if guess.fit and rival else guess.reason)
            )
    ordered = sorted(mapped.values(), key=lambda guess: ORDER.index(guess.ours))
    return tuple(ordered), tuple(guess for guess in unsure.values() if guess.theirs not in mapped)


def _by_values_alone(looks: Sequence[FileLook], roles: Mapping[str, FileRole], thought_of: set[str]) -> list[Guess]:
    """Where no file names users, or what they touched: columns whose values come again and again may; none is mapped for that alone."""
    if any(role.role == "events" for role in roles.values()):
        return []
    guesses: dict[str, Guess] = {}
    for look in looks:
        lacking = ITEM if roles[look.path].why == ITEMLESS else USER
        for column in look.columns:
            own = _plain(column.name) in EVENT_COLUMN or column.name in thought_of or not column.name
            if not own and KINDS < column.distinct <= column.filled / OFTEN and not _is_no_name(column):
                often = f"{numbered(column.distinct, 'value', 'values')} in {numbered(column.filled, 'row', 'rows')}"
                guesses.setdefault(column.name, Guess(column.name, lacking, f"{often}, again and again, and no other column tells it", 0))
    named = [guess for name, guess in guesses.items() if names_a_number(name)]
    return named or list(guesses.values())  # beside a column of ids, one of quantities is none


def _is_no_name(column: ColumnLook) -> bool:
    """Whether its values are times, addresses, clients' words or sums."""
    sums = column.numbers > 0.8 and any(re.search(r"\d[.,]\d", value) for value in column.commonest)
    return sums or max(column.times, column.agents, column.ips) > 0.8


def _translate_actions(looks: Sequence[FileLook], ours: dict[str, str], layout: Layout | None) -> tuple[dict[str, str], tuple[str, ...]]:
    words = [word for look in looks for column in look.columns if ours.get(column.name) == ACTION for word in column.commonest]
    actions, kept = dict(layout.actions) if layout else {}, []
    for word in dict.fromkeys(word.lower() for word in words):
        own = actions.get(word) or ACTION_OF.get(squeezed(word))
        if own and word != own:
            actions[word] = own
        elif word not in ACTIONS:
            kept.append(word)
    return actions, tuple(kept)


def _role(look: FileLook, ours: dict[str, str]) -> FileRole:
    has = {ours.get(column.name, "") for column in look.columns}
    if USER in has and has & set(KEY_COLUMNS):
        return FileRole(look.path, "events", f"{numbered(look.rows, 'row', 'rows')} looked at")
    if USER in has:
        return FileRole(look.path, "left out", ITEMLESS)
    if ITEM in has and has & set(FACTS):
        items = next(column for column in look.columns if ours.get(column.name) == ITEM)
        if items.distinct * 2 < items.filled and CATEGORY not in has:
            return FileRole(
                look.path, "left out", "it names no users, and items on several rows each, so that none is sure to have one seller"
            )
        return FileRole(look.path, "catalogue", "it names items and no users")
    if ITEM in has:
        return FileRole(look.path, "left out", f"it names items and no users, and none of {', '.join(FACTS)}, which a catalogue may tell")
    return FileRole(look.path, "left out", "it names neither users nor items")


def _is_other_time(name: str) -> bool:
    return any(word in squeezed(name) for word in OTHER_TIMES)


def _plain(name: str) -> str:
    return name.strip().lower()
