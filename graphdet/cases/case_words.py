"""What people say of cases: verdicts on rings and on members, notes, owners, next steps, states; and the last word taken back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import merge

from graphdet.cases.entries import (
    ASSIGNED,
    LONGEST_ID,
    LONGEST_NAME,
    LONGEST_TEXT,
    MEMBER,
    NEXT_STEP,
    NOTE,
    STATE,
    UNDONE,
    VERDICT,
    VIEWED,
    WORDS,
    Entry,
    bounded,
)
from graphdet.cases.folding import undone_among
from graphdet.cases.open_book import OpenBook
from graphdet.cases.rows import CLOSED, OPEN, Case
from graphdet.errors import CaseError, nearest
from graphdet.schema import VERDICTS
from graphdet.schema.lookalikes import look_alike_names

INNOCENT = VERDICTS[1]


class CaseWords(OpenBook):
    """The casebook as far as it takes words on cases. A case is named as `OpenBook.case` takes names; later words count, all are kept."""

    def decide(self, case: str, verdict: str, story: str = "", note: str = "", users: Sequence[str] = ()) -> Case:
        """Judge a case's ring as it was last seen, or only some of its members.

        Args:
            case: its name, or a ring's.
            verdict: confirmed, innocent or unsure.
            story: the look-alike that they are, where innocent.
            note: why.
            users: the members who are judged; none = the ring.

        Raises:
            UnknownCase: no such case, or a user who was never in it.
            CaseError: no such verdict or story.
        """
        self._require_verdict(verdict, story)
        note = bounded(note, LONGEST_TEXT, "the note")
        with self.writing() as writer:
            found = self.case(case)
            told = {"verdict": verdict, "story": story, "note": note}
            for user in dict.fromkeys(bounded(user, LONGEST_ID, "the user's id", needed=True) for user in users):
                writer.add(MEMBER, found.name, told={**told, "user": self.require_member(found, user), "ring": found.ring_id})
            if not users:
                writer.add(VERDICT, found.name, told={**told, "ring": found.ring_id})
            return self.case(found.name)

    def _require_verdict(self, verdict: str, story: str) -> None:
        if verdict not in VERDICTS:
            raise CaseError(f"no verdict '{verdict}'{nearest(verdict, VERDICTS) or '.'} It is one of {', '.join(VERDICTS)}.")
        if story and verdict != INNOCENT:
            raise CaseError(f"a story tells why a ring is innocent (found '{story}' with {verdict}); leave it out.")
        if story and story not in look_alike_names():
            hint = nearest(story, look_alike_names()) or "."
            raise CaseError(f"no innocent story '{story}'{hint} It is one of {', '.join(look_alike_names())}.")

    def note(self, case: str, text: str) -> Case:
        """Write a note."""
        return self._say(case, NOTE, {"text": bounded(text, LONGEST_TEXT, "the note", needed=True)})

    def assign(self, case: str, owner: str) -> Case:
        """Say who looks at a case; an empty name = nobody."""
        return self._say(case, ASSIGNED, {"owner": bounded(owner, LONGEST_NAME, "the owner's name")})

    def plan(self, case: str, step: str) -> Case:
        """Say what is to be done next; an empty text = nothing."""
        return self._say(case, NEXT_STEP, {"step": bounded(step, LONGEST_TEXT, "the next step")})

    def close(self, case: str, note: str = "") -> Case:
        """Say that nothing is left to do; later runs still see the case."""
        return self._say(case, STATE, {"state": CLOSED, "note": bounded(note, LONGEST_TEXT, "the note")})

    def reopen(self, case: str, note: str = "") -> Case:
        """Say that a case is to be looked at again; what was said of it stays."""
        return self._say(case, STATE, {"state": OPEN, "note": bounded(note, LONGEST_TEXT, "the note")})

    def _say(self, case: str, kind: str, told: dict[str, object]) -> Case:
        with self.writing() as writer:
            found = self.case(case)
            writer.add(kind, found.name, told=told)
            return self.case(found.name)

    def view(self, case: str) -> Case:
        """Note that somebody looked at a case."""
        return self._say(case, VIEWED, {})

    def look_at(self, what: str) -> None:
        """Note that somebody looked at something else than a case: the page of an account, a list that they took with them."""
        with self.writing() as writer:
            writer.add(VIEWED, told={"what": bounded(what, LONGEST_ID, "what was looked at", needed=True)})

    def undo(self, only: str = "") -> Entry:
        """Take this author's last word back, by an entry more; returns the entry that no longer counts.

        Args:
            only: a case that the word must be about.

        Raises:
            CaseError: they said nothing, or took back all of it.
        """
        with self.writing() as writer:
            last = self.last_word()
            if last is None:
                raise CaseError(f"{self.author} has said nothing in this casebook that could be taken back.")
            if only and last.case != only:
                raise CaseError(f"the last word of {self.author} is not about {only}, but about {last.case or last.suppression}.")
            writer.add(UNDONE, last.case, last.suppression, {"undoes": last.number})
            return last

    def last_word(self) -> Entry | None:
        """This author's last word that still counts; None where there is none."""
        undone = undone_among(list(self._own((UNDONE,))))
        return next((entry for entry in self._own(WORDS) if entry.number not in undone), None)

    def _own(self, kinds: Sequence[str]) -> Iterator[Entry]:
        """This author's entries of these kinds, the latest first, each read when it is asked for."""
        return merge(*(self.tables.latest(kind, self.author) for kind in kinds), key=lambda entry: entry.number, reverse=True)
