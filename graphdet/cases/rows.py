"""What the casebook holds at present, as rows of its tables; all of it follows from the journal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar, Self

from graphdet.cases.entries import days_after
from graphdet.errors import NotACasebook

# States of a case.
OPEN, DECIDED, DORMANT, CLOSED = STATES = ("open", "decided", "dormant", "closed")
# Kinds of suppressions, and how they stand.
DISCOUNT, ACCEPT = "discount", "accept"
ASKED, ACTIVE, ENDING, LAPSED, WITHDRAWN, RETURNED = ("asked", "active", "ending", "lapsed", "withdrawn", "returned")
USUAL_DAYS, WARNING_DAYS = 90, 7
# Why a case that was found innocent is back.
DOUBT_TIER, DOUBT_MEMBERS, DOUBT_MONEY = DOUBTS = ("doubt_tier", "doubt_members", "doubt_money")
DAMAGED = "the nodes of a ring in the casebook are damaged; `graphdet cases verify` tells more."


@dataclass(frozen=True)
class Row:
    """A row; its first `keys` columns tell it from all others of its table."""

    table: ClassVar[str]
    keys: ClassVar[int] = 1

    @property
    def values(self) -> tuple[Any, ...]:
        """In the order of the columns."""
        return tuple(self.__dict__.values())  # `astuple` copies, which is slow

    @classmethod
    def stored(cls, names: Sequence[str], values: Sequence[Any]) -> Self:
        """A row as a query tells it; a frozen class sets field by field, which is slow where all cases are read."""
        found = object.__new__(cls)
        found.__dict__.update(zip(names, values, strict=True))
        return found

    @property
    def key(self) -> tuple[str, ...]:
        """What tells it from all others."""
        return tuple(islice(self.__dict__.values(), self.keys))


@dataclass(frozen=True)
class Case(Row):
    """One suspected ring through all runs that saw it.

    Attributes:
        name: lasts; such as C-0001.
        state: open, decided, dormant (no longer found, and nothing was decided) or closed.
        verdict, story: confirmed, innocent (of which look-alike, where it was said) or unsure; empty where nothing was said.
        verdict_author, verdict_time, verdict_ring: whose word, when, and of which ring: members who came later were not judged.
        owner, next_step: who looks at it, and what is to be done; may be empty.
        lineage: what the last run says became of it: new, same, grew, shrank, split, merged, returned, dormant, left_window.
        kin: cases that it split from or merged with in that run, parted by commas.
        run_id, ring_id: where it was last seen.
        opened, seen, changed: times of the entry that opened it, of the last that saw it, and of the last about it.
        runs: that saw it.
        notes: that were written.
        accepted: the suppression that accepts this finding, or empty.
        back: why a finding that was accepted is back: lapsed, members, tier, money, withdrawn; why one that was found innocent is:
            doubt_tier, doubt_members, doubt_money; or empty.
        hidden: the suppression that covered it in the last run, or empty.
    """

    table: ClassVar[str] = "cases"

    name: str
    state: str
    verdict: str
    story: str
    verdict_author: str
    verdict_time: str
    verdict_ring: str
    owner: str
    next_step: str
    lineage: str
    kin: str
    run_id: str
    ring_id: str
    rank: int
    tier: str
    standing: str
    explanation: str
    score: float
    size: int
    at_stake: float | None
    chance: float | None
    first_seen: str
    last_seen: str
    group_digest: str
    opened: str
    seen: str
    changed: str
    runs: int
    notes: int
    accepted: str
    back: str
    hidden: str

    @property
    def is_doubted(self) -> bool:
        """Whether it was found innocent, and waits since an alert contradicts that."""
        return self.back in DOUBTS


@dataclass(frozen=True)
class Sighting(Row):
    """A case as one run saw it; `held_digest`: the group of its members whose part was weak, empty where no run told."""

    table: ClassVar[str] = "sightings"
    keys: ClassVar[int] = 2

    run_id: str
    case_name: str
    ring_id: str
    lineage: str
    kin: str
    rank: int
    tier: str
    standing: str
    explanation: str
    score: float
    size: int
    at_stake: float | None
    chance: float | None
    first_seen: str
    last_seen: str
    group_digest: str
    hidden: str
    back: str
    entry: int
    held_digest: str


@dataclass(frozen=True)
class Group(Row):
    """The nodes of a ring, or its members who are to be held; kept once however many runs saw them: JSON of node type → ids."""

    table: ClassVar[str] = "groups"

    digest: str
    nodes: str

    def ids(self, node_type: str) -> tuple[str, ...]:
        """Ids of one type.

        Raises:
            NotACasebook: what stands there is none.
        """
        try:
            return tuple(map(str, json.loads(self.nodes).get(node_type, ())))
        except (ValueError, TypeError, AttributeError, RecursionError):
            raise NotACasebook(DAMAGED) from None

    @property
    def sizes(self) -> dict[str, int]:
        """Node type → how many there are.

        Raises:
            NotACasebook: what stands there is none.
        """
        try:
            return {str(node_type): len(ids) for node_type, ids in json.loads(self.nodes).items()}
        except (ValueError, TypeError, AttributeError, RecursionError):
            raise NotACasebook(DAMAGED) from None


@dataclass(frozen=True)
class RingUsers(Row):
    """A ring's group; a ring id stands for its users, so the first group that was seen tells them for good."""

    table: ClassVar[str] = "ring_users"

    ring_id: str
    group_digest: str


@dataclass(frozen=True)
class Touch(Row):
    """A node that was in a ring of a case in any run."""

    table: ClassVar[str] = "touches"
    keys: ClassVar[int] = 3

    node_type: str
    node_id: str
    case_name: str


@dataclass(frozen=True)
class MemberWord(Row):
    """What was last said of one member of a case."""

    table: ClassVar[str] = "member_words"
    keys: ClassVar[int] = 2

    case_name: str
    user_id: str
    verdict: str
    story: str
    note: str
    author: str
    time: str
    entry: int


@dataclass(frozen=True)
class TakenRun(Row):
    """A run that was taken in; `applied` is JSON of the suppressions that it was computed under, with what each cost."""

    table: ClassVar[str] = "runs"

    run_id: str
    folder: str
    time: str
    author: str
    events: int
    first_event: str
    last_event: str
    rings: int
    applied: str
    entry: int


@dataclass(frozen=True)
class Suppression(Row):
    """A key whose evidence is left out, or a finding that is accepted.

    Attributes:
        name: lasts; such as S-0001.
        kind: discount or accept.
        node_type, node_id: the key of a discount.
        case_name, group_digest, size, tier, at_stake: the finding that is accepted, as it was then.
        reason, author, time, until: why, who, since when and until when.
        needs_approval: whether another person's word is needed, as there are several.
        approved_by: whose it was.
        ended, ended_time, ended_by: lapsed, withdrawn or returned, when and by whom; empty while it runs.
    """

    table: ClassVar[str] = "suppressions"

    name: str
    kind: str
    node_type: str
    node_id: str
    case_name: str
    group_digest: str
    size: int
    tier: str
    at_stake: float | None
    reason: str
    author: str
    time: str
    until: str
    needs_approval: int
    approved_by: str
    ended: str
    ended_time: str
    ended_by: str

    def standing(self, now: str) -> str:
        """How it stands at a moment: asked, active, ending (soon), lapsed, withdrawn or returned."""
        if self.ended:
            return self.ended
        if now >= self.until:
            return LAPSED
        if self.needs_approval and not self.approved_by:
            return ASKED
        return ENDING if days_after(now, WARNING_DAYS) >= self.until else ACTIVE

    def applies(self, now: str) -> bool:
        """Whether it counts at a moment."""
        return self.standing(now) in (ACTIVE, ENDING)


@dataclass(frozen=True)
class Hid(Row):
    """What a suppression hid in one run; `rings` is JSON: ring ids, of a discount those that would stand with its key."""

    table: ClassVar[str] = "hid"
    keys: ClassVar[int] = 2

    suppression: str
    run_id: str
    rings: str
    count: int
    evidence: float
    rows: int


TABLES: tuple[type[Row], ...] = (Case, Sighting, Group, RingUsers, Touch, MemberWord, TakenRun, Suppression, Hid)
