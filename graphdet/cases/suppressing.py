"""What is left out until when: keys whose evidence is discounted, and findings that are accepted."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa

from graphdet.cases.entries import (
    ACCEPTED,
    APPROVED,
    DISCOUNTED,
    LONGEST_ID,
    LONGEST_TEXT,
    WITHDRAWN,
    as_text,
    bounded,
    days_after,
)
from graphdet.cases.open_book import OpenBook, Writer
from graphdet.cases.rows import ACCEPT, DISCOUNT, USUAL_DAYS, Suppression
from graphdet.errors import CaseError, nearest
from graphdet.events.addresses import canonical_ips, network_of
from graphdet.schema import IP, NODE_TYPE

LONGEST_DAYS = 3660
WIDEST = 8  # bits of a network that a discount may name


class Suppressing(OpenBook):
    """The casebook as far as it takes suppressions. Each has an author, a reason and an end."""

    def discount(self, node_type: str, node_id: str, reason: str, until: datetime | None = None) -> Suppression:
        """Leave a key's evidence out of the runs to come: an office's address, a test phone.

        Where the casebook knows several authors, another one must approve before it counts.

        Args:
            node_type: ip, device, address, item, seller, payment, user.
            node_id: as runs have it.
            reason: why.
            until: its end; None = in 90 days.

        Raises:
            CaseError: no such type of node, or the key is discounted for as long already.
        """
        if node_type not in NODE_TYPE:
            raise CaseError(f"no node type '{node_type}'{nearest(node_type, NODE_TYPE) or '.'} It is one of {', '.join(NODE_TYPE)}.")
        node_id = _as_runs_have_it(node_type, bounded(node_id, LONGEST_ID, "the key", needed=True))
        with self.writing() as writer:
            end = self._end(writer, until)
            for known in self.applied(DISCOUNT, asked=True):
                if (known.node_type, known.node_id) == (node_type, node_id) and known.until >= end:
                    raise CaseError(f"{known.name} discounts this {node_type} until {known.until[:10]} already.")
            several = len(self.authors() | {self.author}) > 1
            told = {"node_type": node_type, "node_id": node_id, "group": "", "size": 0, "tier": "", "at_stake": None}
            return self._suppress(writer, DISCOUNTED, "", {**told, "needs_approval": several}, reason, end)

    def accept(self, case: str, reason: str, until: datetime | None = None) -> Suppression:
        """Take a finding for innocent: its members with its items, as they are now.

        It is still computed and counted, and is back at once when members grow by half, its tier rises or the money at stake rises by more
        than a tenth.

        Raises:
            UnknownCase: no such case.
            CaseError: it is accepted for as long already.
        """
        with self.writing() as writer:
            end = self._end(writer, until)
            found = self.case(case)
            if found.accepted:
                known = self.suppression(found.accepted)
                if known.until >= end:
                    raise CaseError(f"{known.name} accepts {found.name} until {known.until[:10]} already.")
                writer.add(WITHDRAWN, found.name, known.name, {"reason": "accepted anew"})
            told = {"node_type": "", "node_id": "", "group": found.group_digest, "size": found.size, "tier": found.tier}
            return self._suppress(writer, ACCEPTED, found.name, {**told, "at_stake": found.at_stake, "needs_approval": False}, reason, end)

    def _end(self, writer: Writer, until: datetime | None) -> str:
        end = days_after(writer.now, USUAL_DAYS) if until is None else as_text(until)
        if not writer.now < end <= days_after(writer.now, LONGEST_DAYS):
            raise CaseError(f"a suppression ends in the next {LONGEST_DAYS:,} days (found {end[:10]}, and it is {writer.now[:10]}).")
        return end

    def _suppress(self, writer: Writer, kind: str, case: str, told: dict[str, object], reason: str, end: str) -> Suppression:
        reason = bounded(reason, LONGEST_TEXT, "the reason", needed=True)
        used = self.tables.count("SELECT count(*) FROM journal WHERE kind IN (?, ?)", (ACCEPTED, DISCOUNTED))  # undone ones, too
        name = f"S-{used + 1:04d}"
        writer.add(kind, case, name, {**told, "reason": reason, "until": end})
        return self.suppression(name)

    def approve(self, name: str) -> Suppression:
        """Say yes to another person's discount.

        Raises:
            UnknownCase: no such suppression.
            CaseError: it is one's own, or needs no word.
        """
        with self.writing() as writer:
            known = self.suppression(name)
            standing = known.standing(writer.now)
            if standing != "asked":
                raise CaseError(f"{known.name} waits for no approval: it is {standing}.")
            if known.author == self.author:
                raise CaseError(f"{known.name} was asked for by {self.author}; somebody else must approve it.")
            writer.add(APPROVED, known.case_name, known.name)
            return self.suppression(known.name)

    def withdraw(self, name: str, reason: str = "") -> Suppression:
        """End a suppression before its time; what it hid counts again.

        Raises:
            UnknownCase: no such suppression.
            CaseError: it has ended already.
        """
        reason = bounded(reason, LONGEST_TEXT, "the reason")
        with self.writing() as writer:
            known = self.suppression(name)
            if known.ended:
                raise CaseError(f"{known.name} has ended already ({known.ended}, {known.ended_time[:10]}).")
            writer.add(WITHDRAWN, known.case_name, known.name, {"reason": reason})
            return self.suppression(known.name)

    def applied(self, kind: str = "", *, asked: bool = False) -> list[Suppression]:
        """Those that count now, of one kind or of both; with `asked` those, too, that wait for approval."""
        now = self.now
        return [
            one for one in self.suppressions() if kind in ("", one.kind) and (one.applies(now) or (asked and one.standing(now) == "asked"))
        ]

    def discounted_keys(self) -> dict[str, tuple[str, ...]]:
        """Column of the log → keys whose evidence is to be left out now."""
        found: dict[str, set[str]] = {}
        for one in self.applied(DISCOUNT):
            found.setdefault(NODE_TYPE[one.node_type].column, set()).add(one.node_id)
        return {column: tuple(sorted(keys)) for column, keys in sorted(found.items())}

    def acceptances(self) -> list[Suppression]:
        """Findings that are accepted now."""
        return self.applied(ACCEPT)


def _as_runs_have_it(node_type: str, node_id: str) -> str:
    """IP addresses, and networks of them, in their canonical form.

    Raises:
        CaseError: it is none, or a network of so many that hardly an address would be left.
    """
    if node_type != IP:
        return node_id
    network = network_of(node_id)
    if network is not None:
        if int(network.rpartition("/")[2]) < WIDEST:
            raise CaseError(f"'{node_id}' holds too many addresses; name a network of /{WIDEST} or narrower.")
        return network
    names, wrong = canonical_ips(pa.array([node_id], pa.large_string()), frozenset())
    if wrong.any() or not names[0].as_py():
        raise CaseError(f"'{node_id}' is no IP address.")
    return str(names[0].as_py())
