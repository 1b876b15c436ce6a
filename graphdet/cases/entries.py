"""One change of the casebook → one entry of its journal, which holds the hash of the entry before it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from graphdet.errors import CaseError, NotACasebook

# What the machine writes down.
RUN, SEEN, ABSENT, LAPSED, RETURNED = "run", "seen", "absent", "lapsed", "returned"
# Words of people.
VERDICT, MEMBER, NOTE, ASSIGNED, NEXT_STEP, STATE = "verdict", "member", "note", "assigned", "next_step", "state"
ACCEPTED, DISCOUNTED, APPROVED, WITHDRAWN, UNDONE = "accepted", "discounted", "approved", "withdrawn", "undone"
WORDS = (VERDICT, MEMBER, NOTE, ASSIGNED, NEXT_STEP, STATE, ACCEPTED, DISCOUNTED, APPROVED, WITHDRAWN)  # each can be undone
VIEWED = "viewed"  # a person looked at it; nothing follows from that
ASKED_WHO, WHO_APPROVED, TOLD_WHO = "asked_who", "who_approved", "told_who"  # whose a pseudonym is; what was told cannot be undone
KINDS = (RUN, SEEN, ABSENT, LAPSED, RETURNED, *WORDS, UNDONE, VIEWED, ASKED_WHO, WHO_APPROVED, TOLD_WHO)

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)  # made once: to make one takes longer than an entry
BEGINNING = "0" * 64  # stands before the first entry
MACHINE = "graphdet"  # author of what follows from the book's own rules
LONGEST_NAME, LONGEST_TEXT, LONGEST_ID = 200, 10_000, 100_000  # characters


@dataclass(frozen=True)
class Entry:
    """One change.

    Attributes:
        number: 1, 2, … without gaps.
        time: ISO 8601, UTC, with microseconds; never before that of the entry before.
        author: whose word it is.
        kind: one of `KINDS`.
        case: the case that it is about, or empty.
        suppression: the suppression that it is about, or empty.
        payload: canonical JSON; what is in it depends on the kind.
        before: hash of the entry before.
        hash: SHA-256 of all of the above.
    """

    number: int
    time: str
    author: str
    kind: str
    case: str
    suppression: str
    payload: str
    before: str
    hash: str

    @property
    def values(self) -> tuple[int | str, ...]:
        """In the order of the journal's columns."""
        return tuple(self.__dict__.values())  # `astuple` copies, which is slow

    @property
    def told(self) -> dict[str, Any]:
        """The payload.

        Raises:
            NotACasebook: it is none, as somebody wrote it who knew how hashes are made.
        """
        try:
            found = json.loads(self.payload)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise NotACasebook(f"entry {self.number} of the casebook is damaged; `graphdet cases verify` tells more.")
        return found

    @property
    def is_whole(self) -> bool:
        """Whether its hash is that of what it says."""
        return self.hash == _digest(self.number, self.time, self.author, self.kind, self.case, self.suppression, self.payload, self.before)


def new_entry(
    last: Entry | None, time: str, author: str, kind: str, case: str = "", suppression: str = "", told: dict[str, Any] | None = None
) -> Entry:
    """The entry that follows `last`. Time does not go back, though clocks may."""
    number, before = (last.number + 1, last.hash) if last else (1, BEGINNING)
    time = max(time, last.time) if last else time
    payload = canonical(told or {})
    digest = _digest(number, time, author, kind, case, suppression, payload, before)
    return Entry(number, time, author, kind, case, suppression, payload, before, digest)


def canonical(told: object) -> str:
    """JSON, one way for each value."""
    return _ENCODER.encode(told)


def _digest(*parts: int | str) -> str:
    return hashlib.sha256(canonical(parts).encode()).hexdigest()


Clock = Callable[[], datetime]


def clock_here() -> datetime:
    """Now."""
    return datetime.now(UTC)


def as_text(moment: datetime) -> str:
    """A moment as entries have it; in this form texts are in the order of time. Without a zone it is UTC."""
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")


def as_moment(text: str) -> datetime:
    """The moment that `as_text` told."""
    return datetime.fromisoformat(text)


def is_moment(text: str) -> bool:
    """Whether a text is as `as_text` tells times."""
    try:
        return as_text(as_moment(text)) == text
    except (ValueError, OverflowError):
        return False


def days_after(text: str, days: float) -> str:
    """A moment so many days later; the end of time where there is none so late."""
    try:
        return as_text(as_moment(text) + timedelta(days=days))
    except OverflowError:
        return as_text(datetime.max.replace(tzinfo=UTC))


def bounded(text: str, longest: int, what: str, *, needed: bool = False) -> str:
    """A text that people gave, trimmed.

    Raises:
        CaseError: it is too long, no readable text, or empty though it is needed.
    """
    text = text.strip()
    try:
        text.encode()
    except UnicodeEncodeError:
        raise CaseError(f"{what} is no readable text; give it in UTF-8.") from None
    if len(text) > longest:
        raise CaseError(f"{what} has {len(text):,} characters; at most {longest:,} are kept.")
    if needed and not text:
        raise CaseError(f"{what} is empty; say it in a few words.")
    return text
