"""The casebook's journal since an entry → what is new, grew, ended, and what waits for a decision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from graphdet.cases.casebook import Casebook
from graphdet.cases.entries import ABSENT, LAPSED, RETURNED, SEEN, Entry
from graphdet.cases.rows import CLOSED, DECIDED, OPEN, Case, Sighting
from graphdet.schema import VERDICTS
from graphdet.schema.standings import ALERT

FRESH = ("new", "returned", "split")
ENDED = ("dormant", "left_window")
AGAIN = ("back", "doubted")  # to be looked at once more


@dataclass(frozen=True)
class CaseNews:
    """What became of one case since it was last told of.

    Attributes:
        case: as it is now.
        what: a kind of change of lineage; `back` where an acceptance of it ended, `doubted` where an alert contradicts an innocent verdict.
        before: size, tier and money when it was last told of; None where it is told of for the first time.
    """

    case: Case
    what: str
    before: Sighting | None

    @property
    def is_alert(self) -> bool:
        """Whether somebody should be told now: an alert that is new, back, or was none before, and that nobody has let go or decided."""
        if self.case.tier != ALERT.tier or self.case.hidden or self.case.state != OPEN or self.what in ENDED:
            return False
        return self.before is None or self.what in (*FRESH, *AGAIN) or self.before.tier != ALERT.tier

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        case, before = self.case, self.before
        told = {name: getattr(case, name) for name in ("state", "verdict", "owner", "ring_id", "tier", "size", "at_stake", "chance", "kin")}
        past = None if before is None else {name: getattr(before, name) for name in ("ring_id", "tier", "size", "at_stake")}
        return {"case": case.name, "change": self.what, **told, "before": past, "new_alert": self.is_alert}


@dataclass(frozen=True)
class News:
    """All of it, what is new first; `waiting`: tier → open cases that nobody has decided or let go."""

    cases: tuple[CaseNews, ...]
    waiting: dict[str, int]

    @property
    def alerts(self) -> int:
        """New ones."""
        return sum(one.is_alert for one in self.cases)

    def of(self, kinds: Iterable[str]) -> list[CaseNews]:
        """Cases to which one of these happened."""
        return [one for one in self.cases if one.what in tuple(kinds)]


def tell_news(book: Casebook, told: int) -> News:
    """What the casebook learned after an entry; cases of which only members' words changed are not among it, nor what stays innocent."""
    with book.reading():
        entries = [entry for entry in book.tables.entries(after=told) if entry.case and entry.kind in (SEEN, ABSENT, LAPSED, RETURNED)]
        by_case: dict[str, list[Entry]] = {}
        for entry in entries:
            by_case.setdefault(entry.case, []).append(entry)
        found = []
        for name, own in by_case.items():
            one = _news_of(book, name, own, told)
            if one is not None:
                found.append(one)
        waiting = Counter(case.tier for case in book.cases() if waits(case))
    return News(tuple(sorted(found, key=_order)), dict(sorted(waiting.items())))


def waits(case: Case) -> bool:
    """Whether a case waits for a decision: it is open, found by the last run that could find it, and not accepted."""
    return case.state == OPEN and not case.hidden and not case.accepted


def _news_of(book: Casebook, name: str, entries: list[Entry], told: int) -> CaseNews | None:
    case = book.case(name)
    if case.verdict == VERDICTS[1] and case.state in (DECIDED, CLOSED):
        return None
    before = max((one for one in book.sightings(name) if one.entry <= told), key=lambda one: one.entry, default=None)
    if before is None:
        return CaseNews(case, "split" if entries[0].told.get("lineage") == "split" else "new", None)
    kinds = [entry.told.get("lineage", "back" if entry.suppression else "doubted") for entry in entries]
    last = [kind for kind in kinds if kind != "same"]
    what = next((kind for kind in reversed(last) if kind in AGAIN), last[-1] if last else "same")
    return None if what == "same" and before.tier == case.tier else CaseNews(case, what, before)


def _order(one: CaseNews) -> tuple[bool, bool, int, str]:
    return not one.is_alert, one.what in ENDED, one.case.rank, one.case.name
