"""The week: what was opened and decided, how often tiers were right, and where the money is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from graphdet.cases.entries import VERDICT, as_moment
from graphdet.cases.rows import Case
from graphdet.console.asked import Answer, Asked
from graphdet.console.desk import Desk
from graphdet.schema import TIERS, VERDICTS

LONGEST = 366  # days
LARGEST = 10
CONFIRMED, INNOCENT = VERDICTS[:2]
COVERED = 0.9  # of the true rates lie within the interval


@dataclass(frozen=True)
class Week:
    """Counts of a span; of cases opened in it, and of those whose present verdict was said in it."""

    opened: int
    decided: int
    confirmed: int
    confirmed_money: float | None
    by_day: list[tuple[str, int, int]]
    by_tier: list[dict[str, Any]]
    by_author: list[tuple[str, int]]
    hours_to_verdict: float | None
    largest: list[Case]

    @property
    def most_a_day(self) -> int:
        return max([1, *(max(opened, decided) for _, opened, decided in self.by_day)])


def week_screen(desk: Desk, asked: Asked) -> Answer:
    """The last days."""
    days = asked.number("days", 1, LONGEST, 7)
    with desk.book(asked.who) as book, book.reading():
        now = as_moment(book.now)
        cases, undone = book.cases(), book.undone()
        said = [entry for entry in book.tables.select("kind = ?", (VERDICT,)) if entry.number not in undone]
    begin = now - timedelta(days=days)
    authors = Counter(entry.author for entry in said if as_moment(entry.time) > begin)
    run = desk.latest()
    here = [case for case in cases if case.run_id == run.run.id]
    groups = {"by_shop": _groups(here, run.sellers), "by_tactic": _groups(here, run.tactics)}
    unread = sum(case.ring_id not in run.tactics for case in here)
    return Answer("week.html", {"week": week_of(cases, authors, now, days), "days": days, "groups": groups, "unread": unread})


def _groups(cases: list[Case], names: Mapping[str, tuple[str, ...]]) -> list[tuple[str, int, float]]:
    """Name → cases of the latest run and money at stake in them, most first. A case of several counts in each."""
    counts, money = Counter[str](), dict[str, float]()
    for case in cases:
        for name in names.get(case.ring_id, ()):
            counts[name] += 1
            money[name] = money.get(name, 0.0) + (case.at_stake or 0.0)
    return [(name, counts[name], money[name]) for name in sorted(counts, key=lambda name: (-money[name], -counts[name], name))[:LARGEST]]


def week_of(cases: list[Case], authors: Counter[str], now: datetime, days: int) -> Week:
    """What the last days brought."""
    begin = now - timedelta(days=days)
    opened = [case for case in cases if as_moment(case.opened) > begin]
    decided = [case for case in cases if case.verdict_time and as_moment(case.verdict_time) > begin]
    confirmed = [case for case in decided if case.verdict == CONFIRMED]
    money = [case.at_stake for case in confirmed if case.at_stake is not None]
    dates = [f"{now - timedelta(days=back):%Y-%m-%d}" for back in range(min(days, 31))]
    opened_on, decided_on = Counter(case.opened[:10] for case in opened), Counter(case.verdict_time[:10] for case in decided)
    hours = [(as_moment(case.verdict_time) - as_moment(case.opened)).total_seconds() / 3600 for case in decided]
    waiting = [case for case in cases if case.at_stake is not None]
    return Week(
        len(opened), len(decided), len(confirmed), sum(money) if money else None,
        [(date, opened_on[date], decided_on[date]) for date in dates], [_tier(cases, tier) for tier in TIERS], authors.most_common(),
        median(hours) if hours else None, sorted(waiting, key=lambda case: (-(case.at_stake or 0.0), case.name))[:LARGEST],
    )  # fmt: skip


def _tier(cases: list[Case], tier: str) -> dict[str, Any]:
    """How often a tier was right, with the interval of Jeffreys (Brown, Cai and DasGupta 2001)."""
    own = [case for case in cases if case.tier == tier]
    right, wrong = (sum(case.verdict == verdict for case in own) for verdict in (CONFIRMED, INNOCENT))
    found: dict[str, Any] = {
        "tier": tier,
        "cases": len(own),
        "confirmed": right,
        "innocent": wrong,
        "rate": None,
        "low": None,
        "high": None,
    }
    if right + wrong:
        import scipy.special

        low, high = (float(scipy.special.betaincinv(right + 0.5, wrong + 0.5, share)) for share in ((1 - COVERED) / 2, (1 + COVERED) / 2))
        found |= {"rate": right / (right + wrong), "low": low, "high": high}
    return found
