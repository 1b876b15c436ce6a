"""A dossier on one screen, in English or Chinese: what it is, why, why perhaps not, who, and which events to read first."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from graphdet.dossier.building import Dossier, event_rows, weakness
from graphdet.dossier.tried import MOST_TOLD, missed_in_words, passed_in_words, sentence, spared_in_words
from graphdet.judging.conditions import Weighed
from graphdet.replay.recorded import Recorded
from graphdet.run.log_clock import UTC_CLOCK, LogClock, clock_of
from graphdet.schema import ITEM, NODE_TYPE, USER
from graphdet.schema.lookalikes import look_alike
from graphdet.schema.wording import Language
from graphdet.terminal.canvas import ID_WIDTH, NARROW, clean, name, print_columns
from graphdet.terminal.screens import TIER_STYLES
from graphdet.words.claim_sentences import look_alike_in_words, number_in_words
from graphdet.words.finding_words import burst_in_words, burst_label
from graphdet.words.interface import counted
from graphdet.words.interface import label as words_of
from graphdet.words.use_words import purpose_in_words

MOST_BURSTS = 3  # at a ring's targets that are shown
MOST_SPARED = 3  # bars of an alert that are far from what the ring has; the pages and --json tell all
BULLET = 3  # columns before a line of a list
MEMBERS = 3
TARGETS = 3
COUNTS = {"size": "members", "visitors": "users", "events": "events"}  # of a target
SHARED = 3
TEXT = 24  # columns of a text or word among raw events
LEAST_TELLING = ("event_id", "user_agent", "order_id", "image", "category", "payment_id", "address_id")
SIDE_STYLES = {"for": "red", "caution": "yellow"}


def show_dossier(console: Console, dossier: Dossier, recorded: Recorded, language: Language) -> None:
    """The dossier on one screen."""

    def label(key: str, **values: Any) -> str:
        return words_of(key, language, **values)

    ring = dossier.ring
    head = Text(name(ring["ring_id"]), style="bold")
    head.append(f" · {label(ring['tier'])}", style=TIER_STYLES[ring["tier"]])
    rank = label(
        "ring_line",
        rank=ring["rank"],
        rings=recorded.run.rings.num_rows,
        score=ring["score"],
        q=number_in_words(ring["q_value"], "chance"),
    )
    head.append(f" · {rank}", style="default")
    console.print(head)
    said = Text(dossier.verdict(language), style=TIER_STYLES["review" if dossier.against else ring["tier"]])
    for use, told in dossier.uses:
        said.append(f" {purpose_in_words(use, told, language, alert=ring['tier'] == 'alert')}", style="default")
    console.print(said)
    clock = clock_of(recorded.run)
    for burst in dossier.bursts[:MOST_BURSTS]:
        console.print(clean(burst_in_words(burst, language, clock.named(burst["first_seen"], day=burst["grain"] == "day"))), soft_wrap=True)
    if len(dossier.bursts) > MOST_BURSTS:
        console.print(burst_label("more", language, shown=MOST_BURSTS, all=f"{len(dossier.bursts):,}"), style="dim")
    _sums(console, dossier, language, clock)
    if ring["tier"] == "explained":
        _innocent(console, dossier, language)
    for side, style in SIDE_STYLES.items():
        _bullets(console, label(side), dossier.told(side, language), style)
    if ring["tier"] != "explained":
        _innocent(console, dossier, language)
        _objections(console, dossier, language)
    _without(console, dossier, language)
    if dossier.events["witness"]:
        console.print(f"{label('hangs', witness=len(dossier.events['witness']))} {label('list_them')}")
    _members(console, dossier, language, clock)
    _targets(console, dossier, language, clock)
    _shared(console, dossier, language)
    _heading(console, label("read_first"))
    show_event_rows(console, event_rows(recorded, dossier.events["read_first"]), language, clock=clock)
    if dossier.events["fragile"]:
        _heading(console, counted("fragile", language, len(dossier.events["fragile"])))
        show_event_rows(console, event_rows(recorded, dossier.events["fragile"]), language, clock=clock)


def _without(console: Console, dossier: Dossier, language: Language) -> None:
    """What would be left of it, had the log never had this or that."""

    def label(key: str, **values: Any) -> str:
        return words_of(key, language, **values)

    lines, whole = [], dossier.ring["strength"]
    for one in dossier.counterfactuals:
        tier = label(one["tier"]) + (f" ({look_alike(one['explanation']).short.to(language)})" if one["explanation"] else "")
        numbers = {"tier": tier, "strength": one["strength"], "whole": whole, "kept": one["kept"], "all": one["kept"] + one["lost"]}
        what_left = label("gone") if one["tier"] == "gone" else label("left_line", **numbers)
        which = f" {name(one['id'], 24)}" if one["id"] is not None else ""
        what = NODE_TYPE[one["without"]].noun.to(language, many=True) if one["without"] in NODE_TYPE else label(one["without"])
        lines.append(label("told_of", what=what + which, told=what_left))
    _bullets(console, label("without"), lines, "default")


def _sums(console: Console, dossier: Dossier, language: Language, clock: LogClock) -> None:
    """How many, when, and what they bought, paid and sent back."""
    what = dossier.facts["what"]
    times = {key: clock.minute(what[key]) for key in ("first", "last")}
    span = words_of("span", language, **times, zone=clock.beside("")) if what["first"] else words_of("no_times", language)
    console.print(words_of("ring_sum", language, **{key: f"{what[key]:,}" for key in ("members", "items", "events")}, span=span))
    if not what["orders"] and not what["payments"] and not what["returns"]:
        return
    money = {
        key: "" if what[key] is None else words_of("worth_amount", language, amount=what[key])
        for key in ("order_amount", "payment_amount", "return_amount")
    }
    told = words_of("bought_line", language, **{key: f"{what[key]:,}" for key in ("orders", "payments", "returns")}, **money)
    if what["at_stake"] is not None:
        told += f"; {words_of('stake_line', language, amount=what['at_stake'])}"
    console.print(told)


def event_headings(dossier: Dossier, language: Language) -> list[tuple[str, list[int]]]:
    """The lists of raw events that a dossier has, each with its heading."""
    lists = [(kind, dossier.events[kind]) for kind in ("witness", "inside") if dossier.events[kind]]
    return [(counted(kind, language, len(rows)), rows) for kind, rows in lists]


def show_event_rows(
    console: Console, rows: list[dict[str, Any]], language: Language, heading: str = "", clock: LogClock = UTC_CLOCK
) -> None:
    """Raw events, a line each, with the columns that hold anything; times by the log's clock.

    Of columns that have no room those go first that tell least, then the last, and which are not shown is said.
    """
    if heading:
        _heading(console, heading)
    held = [column for column in (rows[0] if rows else {}) if any(row[column] not in (None, "") for row in rows)]
    ids = {column for column in held if column == "ip" or column.endswith("_id")}
    cells = {
        column: [
            "" if row[column] is None else name(_cell(column, row[column], clock), ID_WIDTH if column in ids else TEXT) for row in rows
        ]
        for column in held
    }
    spared = (*LEAST_TELLING, *(column for column in reversed(held[1:]) if column not in (*LEAST_TELLING, "action")))
    shown = _print(console, cells, held, ids, spared)
    if missing := [column for column in held if column not in shown]:
        console.print(Text(words_of("no_room", language, columns=", ".join(missing)), style="dim"))


def _cell(column: str, value: Any, clock: LogClock) -> Any:
    if value is None:
        return ""
    return clock.second(value) if column == "timestamp" else f"{value:g}" if isinstance(value, float) else value


def _heading(console: Console, text: str) -> None:
    console.print()
    console.print(Text(text, style="bold"))


def _bullets(console: Console, heading: str, lines: list[str], style: str) -> None:
    if not lines:
        return
    _heading(console, heading)
    for line in lines:
        grid = Table.grid(padding=(0, 1))
        grid.add_column(width=1)
        grid.add_column()
        grid.add_row(Text("•", style=style), clean(line))
        console.print(Padding(grid, (0, 0, 0, 1)))


def _innocent(console: Console, dossier: Dossier, language: Language) -> None:
    """What fits, in words and with the bars that it passes; of what does not fit the bars that it misses."""
    lines = []
    for one in dossier.innocent:
        if one.holds:
            found = {"plain": look_alike_in_words(one.claim.name, language), "sentence": sentence(one, language)}
            lines.append(words_of("fits_line", language, **found, passed=passed_in_words(one, language)))
        else:
            lines.append(_in_one_line(one, console.width - BULLET, language))
    _bullets(console, words_of("innocent", language), lines, "green")


def _in_one_line(one: Weighed, width: int, language: Language) -> str:
    """What does not fit, with as many of the bars that it misses as have room on a line, but for the first."""
    key, short = "untold_line" if one.untold else "fails_line", one.claim.short.to(language)
    lines = [words_of(key, language, name=short, missed=missed_in_words(one, language, most)) for most in range(MOST_TOLD, 0, -1)]
    return next((line for line in lines if cell_len(line) <= width), lines[-1])


def _objections(console: Console, dossier: Dossier, language: Language) -> None:
    """What keeps the ring from being an alert, and how far it is from what else would."""
    lines = [
        words_of("raised_line", language, name=one.claim.short.to(language), passed=passed_in_words(one, language))
        for one in dossier.objections
        if one.holds
    ]
    lines.append(words_of("spared_line", language, spared=spared_in_words(dossier.objections, language, MOST_SPARED)))
    _bullets(console, words_of("objections", language), lines, "yellow")


def _members(console: Console, dossier: Dossier, language: Language, clock: LogClock) -> None:
    labels = {key: words_of(key, language) for key in ("evidence", "targets", "events", "since", "weak")}
    labels = {USER: NODE_TYPE[USER].noun.to(language)} | labels
    _heading(console, _shown_of("member_table", MEMBERS, len(dossier.members), language))
    shown = dossier.members[:MEMBERS]
    columns = {
        labels[USER]: [name(member["id"], ID_WIDTH) for member in shown],
        labels["evidence"]: [f"{member['contribution']:.1f}" for member in shown],
        labels["targets"]: [f"{member['touched']}/{member['items']}" for member in shown],
        labels["events"]: [f"{member['events']}/{member['all_events']}" for member in shown],
        labels["since"]: [clock.minute(member["seen_since"])[: _moment(console)] for member in shown],
        labels["weak"]: [weakness(member, language) for member in shown],
    }
    left = {labels[USER], labels["since"], labels["weak"]}
    _print(console, columns, left, {labels[USER]}, (labels["since"], labels["events"]), cut=(labels["weak"],))


def _targets(console: Console, dossier: Dossier, language: Language, clock: LogClock) -> None:
    targets = dossier.facts["targets"]
    labels = {key: words_of(key, language) for key in ("size", "visitors", "events", "from", "to")}
    labels = {ITEM: NODE_TYPE[ITEM].noun.to(language)} | labels
    _heading(console, _shown_of("item_table", TARGETS, len(targets), language))
    shown = targets[:TARGETS]
    columns = {labels[ITEM]: [name(target["id"], ID_WIDTH) for target in shown]}
    columns |= {labels[key]: [f"{target[own]}" for target in shown] for key, own in COUNTS.items()}
    columns[labels["from"]] = [clock.since(target["start"])[: _moment(console)] for target in shown]
    columns[labels["to"]] = [clock.minute(target["end"])[: _moment(console)] for target in shown]
    _print(console, columns, {labels[ITEM], labels["from"], labels["to"]}, {labels[ITEM]}, (labels["to"], labels["events"]))


def _shared(console: Console, dossier: Dossier, language: Language) -> None:
    keys = dossier.facts["shared"]["keys"]
    if not keys:
        return
    labels = {key: words_of(key, language) for key in ("kind", "id", "size", "all_users", "expected")}
    _heading(console, _shown_of("shared_table", SHARED, len(keys), language))
    shown = keys[:SHARED]
    columns = {
        labels["kind"]: [NODE_TYPE[key["type"]].noun.to(language) for key in shown],
        labels["id"]: [name(key["id"], ID_WIDTH) for key in shown],
        labels["size"]: [f"{key['members']}" for key in shown],
        labels["all_users"]: [f"{key['users']:,}" for key in shown],
        labels["expected"]: [f"{key['expected']:.2g}" for key in shown],
    }
    _print(console, columns, {labels["kind"], labels["id"]}, {labels["id"]}, (labels["expected"],))


def _moment(console: Console) -> int | None:
    """Characters of a time that have room in a table: a narrow one tells the day."""
    return len("2025-03-31") if console.width < NARROW else None


def _print(
    console: Console,
    columns: Mapping[str, Sequence[str]],
    left: Collection[str],
    ids: Collection[str],
    spared: Sequence[str],
    cut: Collection[str] = (),
) -> list[str]:
    return print_columns(console, columns, left=left, ids=ids, spared=spared, cut=cut, style="dim")


def _shown_of(key: str, most: int, count: int, language: Language) -> str:
    """The heading of a table that shows the first of so many."""
    shown = words_of("shown_of", language, what=words_of(key, language), shown=most, all=f"{count:,}")
    return shown if count > most else counted(key, language, count)
