"""The casebook over a span of time → the figures of a week: new, closed, confirmed, money, precision of alerts, and how long it took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from statistics import median
from typing import Any

import scipy

from graphdet.cases.casebook import Casebook
from graphdet.cases.entries import ACCEPTED, as_moment, as_text
from graphdet.cases.rows import CLOSED, Case, Sighting
from graphdet.judging.standing import COVERED
from graphdet.schema import VERDICTS
from graphdet.schema.standings import ALERT
from graphdet.week.chances import Precision
from graphdet.week.queueing import Queue, make_queue

CONFIRMED, INNOCENT, UNSURE = VERDICTS


@dataclass(frozen=True)
class Decided:
    """A case that was decided in the span, as it stood when it was judged."""

    case: Case
    tier: str
    at_stake: float | None
    hours: float | None  # from the ring's first event to the verdict; None without times


@dataclass(frozen=True)
class Week:
    """What a span of time came to.

    Attributes:
        since, until: ISO 8601, UTC.
        opened: cases that were opened in it, by tier.
        decided: cases whose verdict of today was said in it.
        accepted, closed: cases that were accepted or closed in it.
        money_confirmed, money_waiting: at stake in cases that were confirmed in it, and in those that wait now.
        precision: of alerts that were decided in it, with its interval; None where none was.
        hours: middle of the hours from first event to verdict; None where none is told.
        queue: as it is now.
    """

    since: str
    until: str
    opened: dict[str, int]
    decided: tuple[Decided, ...]
    accepted: int
    closed: int
    money_confirmed: float | None
    money_waiting: float | None
    precision: Precision | None
    hours: float | None
    queue: Queue

    def count(self, verdict: str) -> int:
        """Cases with this verdict."""
        return sum(one.case.verdict == verdict for one in self.decided)

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "since": self.since,
            "until": self.until,
            "opened": self.opened,
            **{name: self.count(name) for name in VERDICTS},
            "accepted": self.accepted,
            "closed": self.closed,
            "money_confirmed": self.money_confirmed,
            "money_waiting": self.money_waiting,
            "precision_of_alerts": None if self.precision is None else asdict(self.precision),
            "hours_to_verdict": self.hours,
            "decided": [
                {"case": one.case.name, "verdict": one.case.verdict, "tier": one.tier, "at_stake": one.at_stake, "hours": one.hours}
                for one in self.decided
            ],
            "queue": self.queue.as_dict(),
        }


def week_of(book: Casebook, since: datetime, until: datetime, budget: int, explore: float = 0.1) -> Week:
    """The figures of a span, and the queue as it is now.

    Args:
        book: open.
        since, until: UTC where they have no zone.
        budget: of the queue.
        explore: as for the queue.
    """
    start, end = as_text(since), as_text(until)
    with book.reading():
        cases = book.cases()
        queue = make_queue(book, budget, explore)
        decided = [_decided(case, book.sightings(case.name)) for case in cases if case.verdict and start <= case.verdict_time < end]
        entries = [entry for entry in book.tables.entries() if start <= entry.time < end]
        gone = book.undone()
    said = [entry for entry in entries if entry.number not in gone]
    alerts = [one for one in decided if one.tier == ALERT.tier and one.case.verdict in (CONFIRMED, INNOCENT)]
    hours = [one.hours for one in decided if one.hours is not None and one.case.verdict != UNSURE]
    return Week(
        start[:19] + "Z",
        end[:19] + "Z",
        dict(sorted(Counter(case.tier for case in cases if start <= case.opened < end).items())),
        tuple(sorted(decided, key=lambda one: (one.case.verdict_time, one.case.name))),
        len({entry.case for entry in said if entry.kind == ACCEPTED}),
        sum(case.state == CLOSED and start <= case.changed < end for case in cases),
        _sum([one.at_stake for one in decided if one.case.verdict == CONFIRMED]),
        _sum([one.case.at_stake for one in queue.asked]),
        precision_of([one.case.verdict == CONFIRMED for one in alerts]),
        median(hours) if hours else None,
        queue,
    )


def precision_of(hits: Sequence[bool]) -> Precision | None:
    """Share of hits, with the interval of a rate that was unknown before (Jeffreys)."""
    if not hits:
        return None
    right, wrong = sum(hits), len(hits) - sum(hits)
    low, high = (float(scipy.special.betaincinv(right + 0.5, wrong + 0.5, share)) for share in ((1 - COVERED) / 2, (1 + COVERED) / 2))
    return Precision(right / len(hits), min(low, right / len(hits)), max(high, right / len(hits)))


def _decided(case: Case, seen: Sequence[Sighting]) -> Decided:
    judged = [one for one in seen if one.ring_id == case.verdict_ring] or list(seen)
    last = judged[-1]
    hours = None
    if last.first_seen:
        hours = (as_moment(case.verdict_time) - as_moment(last.first_seen)).total_seconds() / 3600
    return Decided(case, last.tier, last.at_stake, hours)


def _sum(values: Sequence[float | None]) -> float | None:
    told = [value for value in values if value is not None]
    return sum(told) if told else None
