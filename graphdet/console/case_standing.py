"""The casebook's last entry → where all cases stand after it; of what stood before it, only what entries since are about is read anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

from graphdet.cases.casebook import Casebook
from graphdet.cases.rows import CLOSED, DECIDED, DORMANT, Case
from graphdet.week.chances import Beliefs
from graphdet.week.hand_over import Row, account_rows
from graphdet.week.queueing import Kinds, beliefs_of, rank_waiting

GONE = ("dormant", "left_window")
QUEUE = "queue"
MOST_READ = 500  # cases that are read one by one; of more, all are


@dataclass(frozen=True)
class Standing:
    """Where all cases stand after an entry of the casebook.

    Attributes:
        entry: its number.
        cases: all of them by name, in the order in which they were opened.
        known: what the verdicts so far tell of each kind of case.
        ranked: each that waits, in the order of the queue, with the chance by which it stands there.
        folds: what the screen of today shows: the queue, and what waits for nobody, each in that order.
        accounts: case → its confirmed accounts, as far as somebody asked for them.
    """

    entry: int
    cases: Mapping[str, Case]
    known: Beliefs
    ranked: Mapping[str, float]
    folds: Mapping[str, Sequence[Case]]
    accounts: Mapping[str, Sequence[Row]] = field(default_factory=dict)

    @property
    def queue(self) -> list[str]:
        """Names of the cases that wait for somebody, in the order of `graphdet cases queue`."""
        return [case.name for case in self.folds[QUEUE]]


def standing_after(book: Casebook, before: Standing, kinds: Kinds) -> Standing:
    """Where cases stand after the last entry of a book that is being read; `before`: where they stood some time before or after."""
    last = book.tables.last()
    entry = last.number if last else 0
    if entry == before.entry:
        return before
    if entry < before.entry:
        before = BEFORE_ALL
    touched = book.cases_changed_since(before.entry)
    if not touched:
        return replace(before, entry=entry)  # somebody looked at something, and nothing follows from that
    cases, known = _read(book, before.cases, touched), beliefs_of(book, kinds)
    ranked = {one.case.name: one.chance for one in rank_waiting(book, known, list(cases.values()), kinds)}
    kept = {name: rows for name, rows in before.accounts.items() if name not in touched}
    return Standing(entry, cases, known, ranked, _folds(list(cases.values()), ranked), kept)


def with_accounts(book: Casebook, standing: Standing) -> Standing:
    """The same, with the accounts of all confirmed cases; their reasons are not looked up."""
    missing = [name for name in standing.cases if name not in standing.accounts]
    if not missing:
        return standing
    found: dict[str, list[Row]] = {name: [] for name in missing}
    for row in account_rows(book, cases=() if len(missing) == len(standing.cases) else missing, reasons=False):
        found[row["case"]].append(row)
    return replace(standing, accounts={**standing.accounts, **found})


def _read(book: Casebook, known: Mapping[str, Case], touched: Set[str]) -> Mapping[str, Case]:
    if len(touched) > MOST_READ or not known.keys() >= touched:
        return {case.name: case for case in book.cases()}
    return {**known, **{name: book.case(name) for name in touched}}


def _folds(cases: Sequence[Case], ranked: Mapping[str, float]) -> dict[str, list[Case]]:
    found: dict[str, list[Case]] = {name: [] for name in (QUEUE, "folded_review", "folded_explained", "folded_hidden", "folded_decided")}
    place = {name: at for at, name in enumerate(ranked)}
    for case in sorted(cases, key=lambda one: (place.get(one.name, len(place)), one.rank, one.name)):
        if case.state in (DECIDED, CLOSED):
            found["folded_decided"].append(case)
        elif case.hidden:
            found["folded_hidden"].append(case)
        elif case.state != DORMANT and case.lineage not in GONE:
            waits = case.tier == "alert" or bool(case.back)
            found[QUEUE if waits else f"folded_{case.tier}"].append(case)
    return found


BEFORE_ALL = Standing(0, {}, Beliefs({}), {}, _folds((), {}))  # of a book in which nothing stands
