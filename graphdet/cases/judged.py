"""Words on rings and members → what is known of users, and how often groups of each standing were rings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from graphdet.cases.rows import Case, Group, MemberWord, RingUsers, Sighting
from graphdet.cases.stored_rows import StoredTables
from graphdet.schema import USER, VERDICTS
from graphdet.schema.standings import STANDINGS

CONFIRMED, INNOCENT, UNSURE = VERDICTS


@dataclass(frozen=True)
class Judged:
    """What is known of a user: whether they are suspected with reason, since when, and by which case."""

    user_id: str
    positive: bool
    known_at: str
    case_name: str


def judged_users(tables: StoredTables) -> list[Judged]:
    """Members of confirmed rings are positive, those of innocent rings negative; a word on a member goes before the word on their ring.

    A ring stands for the members whom it had when it was judged, but for those who were to be held when it was last seen. Of words on one
    member in several cases the latest counts; a user in several judged rings is positive where one of them was confirmed. Unsure says
    nothing.
    """
    by_ring: dict[str, Judged] = {}
    for one in _by_ring(tables):
        known = by_ring.get(one.user_id)
        if known is None or (not one.positive, one.known_at, one.case_name) < (not known.positive, known.known_at, known.case_name):
            by_ring[one.user_id] = one
    words: dict[str, MemberWord] = {}
    for word in tables.rows(MemberWord):
        known_word = words.get(word.user_id)
        if known_word is None or (word.time, word.entry) > (known_word.time, known_word.entry):
            words[word.user_id] = word
    for user, word in words.items():
        by_ring.pop(user, None)
        if word.verdict != UNSURE:
            by_ring[user] = Judged(user, word.verdict == CONFIRMED, word.time, word.case_name)
    return [by_ring[user] for user in sorted(by_ring)]


def _by_ring(tables: StoredTables) -> Iterator[Judged]:
    for case in tables.rows(Case, "WHERE verdict IN (?, ?)", (CONFIRMED, INNOCENT)):
        ring = tables.get(RingUsers, case.verdict_ring)
        group = tables.get(Group, ring.group_digest) if ring else None
        held = held_members(tables, case) or frozenset()
        for user in group.ids(USER) if group else ():
            if user in held:
                continue
            yield Judged(user, case.verdict == CONFIRMED, case.verdict_time, case.name)


def held_members(tables: StoredTables, case: Case) -> frozenset[str] | None:
    """Of the ring that a case was decided by the members whose part was weak, as the last run that saw it says; None where none does."""
    seen = _seen(tables, case)
    group = tables.get(Group, seen.held_digest) if seen else None
    return frozenset(group.ids(USER)) if group else None


def _seen(tables: StoredTables, case: Case) -> Sighting | None:
    """The ring that a case was decided by, as it was last seen."""
    seen = tables.rows(Sighting, "WHERE case_name = ? AND ring_id = ?", (case.name, case.verdict_ring))
    return max(seen, key=lambda one: one.entry, default=None)


def ring_verdicts(tables: StoredTables) -> dict[str, tuple[str, str]]:
    """Ring that was confirmed or found innocent → how it stood when it was judged, and the verdict; what else is known says nothing."""
    found = {}
    for case in tables.rows(Case, "WHERE verdict IN (?, ?)", (CONFIRMED, INNOCENT)):
        seen = _seen(tables, case)
        standing = seen.standing if seen else ""
        if standing in STANDINGS:
            found[case.verdict_ring] = (standing, case.verdict)
    return found
