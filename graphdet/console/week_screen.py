"""The week: what was opened and decided, how often tiers were right, and where the money is."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from statistics import median
from typing import Any

from graphdet.cases.entries import VERDICT, as_moment
from graphdet.cases.rows import Case
from graphdet.console.asked import Answer, Asked
from graphdet.console.desk import Desk
from graphdet.schema import TIERS, VERDICTS

LONGEST = 366  # days
MOST_DAYS = 31  # that are told one by one; of longer spans, weeks are
LARGEST = 10
CONFIRMED, INNOCENT = VERDICTS[:2]
COVERED = 0.9  # of the true rates lie within the interval


@dataclass(frozen=True)
class Step:
    """A day, or a week of a long span: cases opened and decided in it, and the money at stake in those opened."""

    first: str
    opened: int
    decided: int
    money: float


@dataclass(frozen=True)
class Week:
    """Counts of a span; of cases opened in it, and of those whose present verdict was said in it."""

    opened: int
    decided: int
    confirmed: int
    confirmed_money: float | None
    trend: list[Step]
    by_tier: list[dict[str, Any]]
    by_author: list[tuple[str, int]]
    hours_to_verdict: float | None
    largest: list[Case]

    @property
    def most_a_step(self) -> int:
        return max([1, *(max(one.opened, one.decided) for one in self.trend)])


def week_screen(desk: Desk, asked: Asked) -> Answer:
    """The last days."""
    days = asked.number("days", 1, LONGEST, 7)
    with desk.book(asked.who) as book, book.reading():
        now = as_moment(book.now)
        cases, undone = list(desk.standing(book).cases.values()), book.undone()
        said = [entry for entry in book.tables.select("kind = ?", (VERDICT,)) if entry.number not in undone]
    begin = now - timedelta(days=days)
    authors = Counter(entry.author for entry in said if as_moment(entry.time) > begin)
    run = desk.latest()
    here = [case for case in cases if case.run_id == run.run.id]
    told = run.bench.prepared.told()
    tactics = {ring_id: one.tactics for ring_id, one in told.items()}
    groups = {"by_shop": groups_of(here, run.sellers, begin), "by_tactic": groups_of(here, tactics, begin)}
    unread = sum(case.ring_id not in told for case in here)
    values = {"week": week_of(cases, authors, now, days), "days": days, "by_week": days > MOST_DAYS, "groups": groups, "unread": unread}
    return Answer("week.html", values)


def groups_of(cases: list[Case], names: Mapping[str, tuple[str, ...]], begin: datetime) -> list[tuple[str, int, int, float]]:
    """Name → cases of the latest run, those of them opened since, and money at stake, most first. A case of several counts in each."""
    counts, fresh, money = Counter[str](), Counter[str](), dict[str, float]()
    for case in cases:
        is_new = as_moment(case.opened) > begin
        for name in names.get(case.ring_id, ()):
            counts[name] += 1
            fresh[name] += is_new
            money[name] = money.get(name, 0.0) + (case.at_stake or 0.0)
    first = sorted(counts, key=lambda name: (-money[name], -counts[name], name))[:LARGEST]
    return [(name, counts[name], fresh[name], money[name]) for name in first]


def week_of(cases: list[Case], authors: Counter[str], now: datetime, days: int) -> Week:
    """What the last days brought."""
    begin = now - timedelta(days=days)
    opened = [case for case in cases if as_moment(case.opened) > begin]
    decided = [case for case in cases if case.verdict_time and as_moment(case.verdict_time) > begin]
    confirmed = [case for case in decided if case.verdict == CONFIRMED]
    money = [case.at_stake for case in confirmed if case.at_stake is not None]
    hours = [(as_moment(case.verdict_time) - as_moment(case.opened)).total_seconds() / 3600 for case in decided]
    waiting = [case for case in cases if case.at_stake is not None]
    return Week(
        len(opened), len(decided), len(confirmed), sum(money) if money else None,
        _trend(opened, decided, now, days), [_tier(cases, tier) for tier in TIERS], authors.most_common(),
        median(hours) if hours else None, sorted(waiting, key=lambda case: (-(case.at_stake or 0.0), case.name))[:LARGEST],
    )  # fmt: skip


def _trend(opened: list[Case], decided: list[Case], now: datetime, days: int) -> list[Step]:
    """Day by day, of a long span week by week; the latest first."""
    long = 1 if days <= MOST_DAYS else 7

    @cache  # a run opens all its cases at one moment
    def step_of(time: str) -> int:
        return (now.date() - as_moment(time).date()).days // long

    opened_in, decided_in = Counter(step_of(case.opened) for case in opened), Counter(step_of(case.verdict_time) for case in decided)
    money: dict[int, float] = defaultdict(float)
    for case in opened:
        money[step_of(case.opened)] += case.at_stake or 0.0
    firsts = [f"{now - timedelta(days=(place + 1) * long - 1):%Y-%m-%d}" for place in range(math.ceil(days / long))]
    return [Step(first, opened_in[place], decided_in[place], money[place]) for place, first in enumerate(firsts)]


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
