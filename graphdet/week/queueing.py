"""Open cases and a budget → which to look at: those worth most, a few drawn blindly, and those whose verdict teaches most.

Worth is the chance of being a ring times the money at stake. Who only ever looks at the worthiest learns nothing of the others, so a stated
share is drawn from all of them; what is drawn depends on the seed alone, and stays drawn until it is decided.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Literal, get_args

from graphdet.cases.casebook import Casebook
from graphdet.cases.rows import Case
from graphdet.judging.standing import COVERED
from graphdet.schema import ITEM, USER, VERDICTS
from graphdet.week.chances import Beliefs, Precision, expected_precision, kind_of_case
from graphdet.week.news import waits

CONFIRMED, INNOCENT, UNSURE = VERDICTS
Why = Literal["worth", "learn", "explore"]
LATER = "later"  # the next step of a case that somebody put off


@dataclass(frozen=True)
class Ranked:
    """A case that waits, and what looking at it is worth: its chance of being a ring times the money at stake."""

    case: Case
    kind: str
    chance: float
    stake: float

    @property
    def worth(self) -> float:
        """In money; in accounts where no case tells of money."""
        return self.chance * self.stake


@dataclass(frozen=True)
class Asked:
    """A case that is to be looked at, and why."""

    case: Case
    why: Why
    chance: float
    stake: float
    worth: float

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        case = self.case
        told = {name: getattr(case, name) for name in ("tier", "standing", "size", "at_stake", "ring_id", "owner", "first_seen", "opened")}
        return {"case": case.name, "why": self.why, "chance": self.chance, "worth": self.worth, **told}


@dataclass(frozen=True)
class Queue:
    """What is to be looked at.

    Attributes:
        asked: the worthiest first, then what teaches, then what was drawn.
        waiting: how many cases wait in all.
        curve: expected precision among the first 1, 2, … of all that wait, the worthiest first.
        precision: of `asked` as a whole; None where nothing waits.
        verdicts: of the house, that chances rest on.
    """

    asked: tuple[Asked, ...]
    waiting: int
    curve: tuple[Precision, ...]
    precision: Precision | None
    verdicts: int

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        told = None if self.precision is None else asdict(self.precision)
        asked, curve = [one.as_dict() for one in self.asked], [asdict(one) for one in self.curve]
        return {"asked": asked, "waiting": self.waiting, "precision": told, "covered": COVERED, "verdicts": self.verdicts, "curve": curve}


def make_queue(book: Casebook, budget: int, explore: float = 0.1, learn: int = 0, seed: int = 0) -> Queue:
    """The queue of a casebook as it is now.

    Args:
        book: open.
        budget: so many cases can be looked at.
        explore: share of the budget that is drawn blindly.
        learn: so many of the budget are those whose verdict teaches most.
        seed: of what is drawn.
    """
    shared = Kinds()
    known = beliefs_of(book, shared)
    waiting = rank_waiting(book, known, book.cases(), shared)
    by_name = {one.case.name: one for one in waiting}
    ranked = [one.case for one in waiting]
    kinds = {name: one.kind for name, one in by_name.items()}
    why = _choose(ranked, budget, explore, learn, _Doubt(kinds, known), seed)
    places = list(get_args(Why))
    asked = [Asked(one.case, why[name], one.chance, one.stake, one.worth) for name, one in by_name.items() if name in why]
    asked.sort(key=lambda one: places.index(one.why))
    chosen = expected_precision([kinds[one.case.name] for one in asked], known)
    curve = expected_precision([one.kind for one in waiting], known)
    said = sum(map(sum, known.said.values()))
    return Queue(tuple(asked), len(waiting), tuple(curve), chosen[-1] if chosen else None, said)


class Kinds:
    """What the members of groups share. A digest tells all of a group, so that each is read once, whatever becomes of its case."""

    def __init__(self) -> None:
        self._sizes: dict[str, dict[str, int]] = {}

    def sizes(self, book: Casebook, digest: str) -> dict[str, int]:
        """Node type → how many are in a group."""
        if digest not in self._sizes:
            self._sizes[digest] = book.group(digest).sizes
        return self._sizes[digest]

    def of(self, book: Casebook, standing: str, digest: str) -> str:
        """The kind of a case that stands so and has this group."""
        return kind_of_case(standing, [name for name, count in self.sizes(book, digest).items() if count and name not in (USER, ITEM)])

    def read(self, book: Casebook, digests: Iterable[str]) -> None:
        """Read the groups among these that are not known yet, all in one look."""
        if missing := {digest for digest in digests if digest not in self._sizes}:
            self._sizes |= {group.digest: group.sizes for group in book.groups(missing)}


def rank_waiting(book: Casebook, known: Beliefs, cases: Sequence[Case], kinds: Kinds) -> list[Ranked]:
    """Those of the cases that wait, the worthiest first, those that somebody put off last: the order of the queue, wherever it is shown."""
    cases = [case for case in cases if is_asked(case)]
    stakes = _stakes(cases)
    kinds.read(book, (case.group_digest for case in cases))
    found, chances = [], dict[str, float]()
    for case in cases:
        kind = kinds.of(book, case.standing, case.group_digest)
        if kind not in chances:
            chances[kind] = known.of(kind).mean
        found.append(Ranked(case, kind, chances[kind], stakes[case.name]))
    return sorted(found, key=lambda one: (one.case.next_step == LATER, -one.worth, one.case.rank, one.case.name))


def beliefs_of(book: Casebook, kinds: Kinds) -> Beliefs:
    """What a casebook's verdicts tell of each kind of case, each as it was when it was judged."""
    query = """SELECT name, verdict, sightings.standing, sightings.group_digest
        FROM cases JOIN sightings ON sightings.case_name = name AND sightings.ring_id = verdict_ring
        WHERE verdict IN (?, ?) ORDER BY sightings.entry"""
    said: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    with book.reading() as connection:
        judged = {row[0]: row[1:] for row in connection.execute(query, (CONFIRMED, INNOCENT))}  # of several runs the last
        for verdict, standing, digest in judged.values():
            said[kinds.of(book, standing, digest)][verdict == INNOCENT] += 1
    return Beliefs({kind: (confirmed, innocent) for kind, (confirmed, innocent) in said.items()})


def is_asked(case: Case) -> bool:
    """Whether a case is to be asked about: it waits, and nobody was unsure about just this ring."""
    return waits(case) and not (case.verdict == UNSURE and case.verdict_ring == case.ring_id)


def _stakes(cases: Sequence[Case]) -> dict[str, float]:
    """Money at stake; where it is told of some, the others count as the middle one of those; where of none, accounts count."""
    told = [case.at_stake for case in cases if case.at_stake is not None]
    usual = median(told) if told else 0.0
    if usual <= 0:
        return {case.name: float(case.size) + max(case.at_stake or 0.0, 0.0) for case in cases}
    return {case.name: max(usual if case.at_stake is None else case.at_stake, 0.01 * usual) for case in cases}


@dataclass(frozen=True)
class _Doubt:
    """Each case's kind, and what is known of kinds."""

    kinds: Mapping[str, str]
    known: Beliefs


def _choose(ranked: Sequence[Case], budget: int, explore: float, learn: int, doubt: _Doubt, seed: int) -> dict[str, Why]:
    """Case → why it is asked about."""
    if len(ranked) <= budget:
        return {case.name: "worth" for case in ranked}
    blind = min(round(explore * budget), budget)
    taught = min(learn, budget - blind)
    why: dict[str, Why] = {case.name: "worth" for case in ranked[: budget - blind - taught]}
    for name in _teaching([case for case in ranked if case.name not in why], ranked, taught, doubt):
        why[name] = "learn"
    rest = [case for case in ranked if case.name not in why]
    for case in sorted(rest, key=lambda case: _lot(case, seed))[:blind]:
        why[case.name] = "explore"
    return why


def _teaching(rest: Sequence[Case], ranked: Sequence[Case], count: int, doubt: _Doubt) -> list[str]:
    """Those whose verdict lowers the doubt about all that wait the most, one after another; of one kind the worthiest first."""
    waiting = Counter(doubt.kinds[case.name] for case in ranked)
    present = {kind: doubt.known.of(kind) for kind in waiting}
    left = list(rest)
    chosen: list[str] = []
    while left and len(chosen) < count:
        case = max(left, key=lambda one: waiting[doubt.kinds[one.name]] * present[doubt.kinds[one.name]].lesson)  # the first of equal ones
        left.remove(case)
        chosen.append(case.name)
        present[doubt.kinds[case.name]] = present[doubt.kinds[case.name]].taught()
    return chosen


def _lot(case: Case, seed: int) -> str:
    return hashlib.sha256(f"{seed} {case.name}".encode()).hexdigest()
