"""The casebook: one file in a home folder that runs, people and the console write to, and from which training learns."""

from __future__ import annotations

from graphdet.cases.case_words import CaseWords
from graphdet.cases.identifying import Identifying
from graphdet.cases.judged import Judged, held_members, judged_users, ring_verdicts
from graphdet.cases.rows import Case
from graphdet.cases.suppressing import Suppressing
from graphdet.cases.taking_in import TakingIn
from graphdet.cases.verifying import Verified, verify_tables


class Casebook(CaseWords, Suppressing, Identifying, TakingIn):
    """All of it, to be used in a `with` block; see `OpenBook` for its arguments and for what it holds.

    Words are methods: `decide`, `note`, `assign`, `plan`, `close`, `reopen`, `undo`; `accept`, `discount`, `approve`, `withdraw`;
    `pseudonyms`, `identify`, `approve_identifying`; `take_in` carries cases on through a run. Each raises `CaseError` in one line where
    it cannot be.
    """

    def verify(self, head: str = "") -> Verified:
        """Whether the journal is whole and all else follows from it; `head` is a hash that was noted down earlier."""
        with self.reading():
            return verify_tables(self.tables, self.recall("lineage"), head)

    def judged_users(self) -> list[Judged]:
        """What is known of users by the words of the casebook, by user."""
        with self.reading():
            return judged_users(self.tables)

    def held_members(self, case: Case) -> frozenset[str] | None:
        """Of the ring that it was decided by, who is to be held; None where no run told."""
        with self.reading():
            return held_members(self.tables, case)

    def ring_verdicts(self) -> dict[str, tuple[str, str]]:
        """Ring that was confirmed or found innocent → how it stood, and the verdict; `run.house_verdicts` updates chances by them."""
        with self.reading():
            return ring_verdicts(self.tables)
