"""A line: one ring through all runs that saw it, under a name that lasts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from graphdet.lineage.sighting import Sighting

DAY = 24 * 60 * 60 * 1_000_000  # microseconds
KEPT_DAYS = 60  # so long a line that no run finds is waited for

State = Literal["here", "dormant", "left_window", "merged"]


@dataclass(frozen=True)
class Known:
    """A user whom a line knows: their weight when they were last in it, and the moment of the run that saw them there."""

    weight: float
    seen: int


@dataclass(frozen=True)
class Line:
    """One ring through time.

    Attributes:
        name: made when it was first seen; lasts through all that becomes of it.
        began, seen: moments of the first and of the last run that found it, in microseconds since 1970 UTC.
        last: the ring as that last run saw it.
        known: users who were in it within `KEPT_DAYS`, its present members among them.
        state: here: the last run found it; dormant: it did not, though its log reaches the ring's time; left_window: its log no longer
            reaches that; merged: its members are in a ring that goes by another name.
        into: the line that it merged into, else empty.
    """

    name: str
    began: int
    seen: int
    last: Sighting
    known: Mapping[str, Known]
    state: State = "here"
    into: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        known = {user: [one.weight, one.seen] for user, one in sorted(self.known.items())}
        return {
            "name": self.name,
            "began": self.began,
            "seen": self.seen,
            "last": self.last.as_dict(),
            "known": known,
            "state": self.state,
            "into": self.into,
        }

    @staticmethod
    def from_dict(told: Mapping[str, Any]) -> Line:
        """What `as_dict` told."""
        known = {user: Known(*one) for user, one in told["known"].items()}
        return Line(**{**told, "last": Sighting.from_dict(told["last"]), "known": known})


def begin_line(ring: Sighting, moment: int) -> Line:
    """The line of a ring that is seen for the first time."""
    name = "line-" + hashlib.sha256(f"{ring.ring_id} {moment}".encode()).hexdigest()[:12]
    return Line(name, moment, moment, ring, _members_known(ring, moment))


def lengthen(line: Line, ring: Sighting, moment: int, elsewhere: frozenset[str]) -> Line:
    """The line with one sighting more; users who went on in a ring of another line are forgotten here."""
    known = {
        user: one
        for user, one in line.known.items()
        if user not in ring.members and user not in elsewhere and abs(moment - one.seen) <= KEPT_DAYS * DAY
    }
    return Line(line.name, line.began, moment, ring, known | _members_known(ring, moment))


def _members_known(ring: Sighting, moment: int) -> dict[str, Known]:
    return {user: Known(one.weight, moment) for user, one in ring.members.items()}
