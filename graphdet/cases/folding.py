"""Entries, in order → the rows that follow from them. The casebook and its check fold the same way, over different stores."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from graphdet.cases import entries as of
from graphdet.cases.entries import Entry, canonical
from graphdet.cases.rows import (
    ACCEPT,
    DECIDED,
    DISCOUNT,
    DORMANT,
    LAPSED,
    OPEN,
    RETURNED,
    WITHDRAWN,
    Case,
    Group,
    Hid,
    MemberWord,
    RingUsers,
    Row,
    Sighting,
    Suppression,
    TakenRun,
    Touch,
)
from graphdet.schema import VERDICTS

INNOCENT = VERDICTS[1]
AnyRow = TypeVar("AnyRow", bound=Row)
_OF_SIGHTING = ("rank", "tier", "standing", "explanation", "score", "size", "at_stake", "chance", "first_seen", "last_seen")


class Tables(Protocol):
    """Where rows are kept, and the journal that they follow from."""

    def get(self, kind: type[AnyRow], *key: str) -> AnyRow | None:
        """The row of this key."""

    def put(self, row: Row) -> None:
        """Write a row in place of that of its key."""

    def clear(self, kind: type[Row], first: str) -> None:
        """Take out the rows whose key begins so."""

    def about(self, *, case: str = "", suppression: str = "") -> Sequence[Entry]:
        """The entries so far on one case, or on one suppression."""


def fold(tables: Tables, entry: Entry) -> None:
    """Write what follows from one entry more; it stands in the journal already.

    Raises:
        KeyError, TypeError, ValueError: the entry does not follow from those before it.
    """
    told = entry.told
    if entry.kind == of.UNDONE:
        _fold_anew(tables, entry)
        return
    if entry.kind == of.RUN:
        _take_run(tables, entry, told)
    if entry.case:
        _step_case(tables, entry, told)
    if entry.suppression:
        _step_suppression(tables, entry, told)


def _take_run(tables: Tables, entry: Entry, told: dict[str, Any]) -> None:
    facts = (told["events"], told["first_event"], told["last_event"], told["rings"], canonical(told["applied"]))
    tables.put(TakenRun(told["run"], told["folder"], entry.time, entry.author, *facts, entry.number))
    for name, hid in told["hid"].items():
        tables.put(Hid(name, told["run"], canonical(hid["rings"]), len(hid["rings"]), float(hid["evidence"]), hid["rows"]))


def _fold_anew(tables: Tables, entry: Entry) -> None:
    """The case and the suppression of the undone entry, from all entries on them but those that were undone."""
    if entry.case:
        tables.clear(Case, entry.case)
        tables.clear(MemberWord, entry.case)
        for one in _standing(tables.about(case=entry.case)):
            _step_case(tables, one, one.told)
        case = _present(tables, entry.case)
        tables.put(replace(case, changed=entry.time))
    if entry.suppression:
        tables.clear(Suppression, entry.suppression)
        for one in _standing(tables.about(suppression=entry.suppression)):
            _step_suppression(tables, one, one.told)


def _standing(entries: Sequence[Entry]) -> list[Entry]:
    undone = undone_among(entries)
    return [entry for entry in entries if entry.kind != of.UNDONE and entry.number not in undone]


def undone_among(entries: Sequence[Entry]) -> set[int]:
    """Numbers of the entries that others of them undo."""
    return {entry.told["undoes"] for entry in entries if entry.kind == of.UNDONE}


def _step_case(tables: Tables, entry: Entry, told: dict[str, Any]) -> None:
    if entry.kind == of.VIEWED:
        _present(tables, entry.case)
    elif entry.kind == of.SEEN:
        _see(tables, entry, told)
    elif entry.kind == of.MEMBER:
        _judge_member(tables, entry, told)
    else:
        step = _STEPS.get(entry.kind)
        if step is None:
            raise ValueError(f"an entry of kind {entry.kind} is about no case")
        case = _present(tables, entry.case)
        tables.put(step(replace(case, changed=entry.time), entry, told))


def _present(tables: Tables, name: str) -> Case:
    case = tables.get(Case, name)
    if case is None:
        raise ValueError(f"case {name} was never opened")
    return case


def _see(tables: Tables, entry: Entry, told: dict[str, Any]) -> None:
    """A run saw the case's ring; the first one opens it."""
    facts = {name: told[name] for name in _OF_SIGHTING} | {"group_digest": told["group"], "hidden": told["hidden"]}
    facts["score"] = float(facts["score"])
    facts |= {"ring_id": told["ring"], "run_id": told["run"], "lineage": told["lineage"], "kin": ",".join(told["kin"])}
    before = tables.get(Case, entry.case)
    held = told.get("held", "")  # entries of an older graphdet do not tell
    for digest, nodes in ((told["group"], "nodes"), (held, "held_nodes")):
        if nodes in told:
            tables.put(Group(digest, canonical(told[nodes])))
    if before is None or before.group_digest != told["group"]:
        _touch(tables, entry.case, told["group"])
    if tables.get(RingUsers, told["ring"]) is None:
        tables.put(RingUsers(told["ring"], told["group"]))
    tables.put(Sighting(case_name=entry.case, back=told["back"], entry=entry.number, held_digest=held, **facts))
    if before is None:
        words: dict[str, Any] = dict.fromkeys(
            ("verdict", "story", "verdict_author", "verdict_time", "verdict_ring", "owner", "next_step"), ""
        )
        more: dict[str, Any] = {"state": OPEN, "opened": entry.time, "runs": 1, "notes": 0, "accepted": "", "back": ""}
        case = Case(name=entry.case, seen=entry.time, changed=entry.time, **facts, **words, **more)
    else:
        state = OPEN if before.state == DORMANT else before.state
        case = replace(before, **facts, state=state, seen=entry.time, changed=entry.time, runs=before.runs + 1)
    tables.put(case)


def _touch(tables: Tables, case: str, digest: str) -> None:
    """Note that the case had the nodes of this group."""
    group = tables.get(Group, digest)
    if group is None:
        raise ValueError("the nodes of a ring were never told")
    nodes: dict[str, list[str]] = json.loads(group.nodes)
    for node_type, ids in nodes.items():
        for node_id in ids:
            tables.put(Touch(node_type, node_id, case))


def _judge_member(tables: Tables, entry: Entry, told: dict[str, Any]) -> None:
    said = told.get("said", entry.time)
    known = tables.get(MemberWord, entry.case, told["user"])
    if known is None or said >= known.time:
        word = (told["verdict"], told["story"], told["note"], entry.author, said, entry.number)
        tables.put(MemberWord(entry.case, told["user"], *word))
    tables.put(replace(_present(tables, entry.case), changed=entry.time))


def _judge(case: Case, entry: Entry, told: dict[str, Any]) -> Case:
    """The later word counts, and a word that comes from elsewhere was said when it was said."""
    said = told.get("said", entry.time)
    if said < case.verdict_time:
        return case
    case = replace(case, verdict=told["verdict"], story=told["story"], verdict_author=entry.author, verdict_time=said)
    return replace(case, verdict_ring=told["ring"], state=OPEN if told["verdict"] == "unsure" else DECIDED, back="")


def _absent(case: Case, entry: Entry, told: dict[str, Any]) -> Case:
    """The run did not find it. What was decided stays so."""
    state = DORMANT if case.state == OPEN else case.state
    return replace(case, lineage=told["lineage"], kin=",".join(told["kin"]), state=state, hidden="")


def _note(case: Case, entry: Entry, told: dict[str, Any]) -> Case:
    if not isinstance(told["text"], str):
        raise TypeError("a note is a text")
    return replace(case, notes=case.notes + 1)


def _accept(case: Case, entry: Entry, told: dict[str, Any]) -> Case:
    return replace(case, accepted=entry.suppression, back="", state=DECIDED)


def _end_acceptance(case: Case, entry: Entry, told: dict[str, Any]) -> Case:
    """What was accepted or, where no acceptance is named, found innocent waits again; where that no longer counts nothing changes."""
    if case.accepted != entry.suppression or not (entry.suppression or case.verdict == INNOCENT):
        return case
    back = {of.LAPSED: LAPSED, of.WITHDRAWN: WITHDRAWN}.get(entry.kind) or told["why"]
    return replace(case, accepted="", back=back, hidden="", state=case.state if case.state == DORMANT else OPEN)


_STEPS: dict[str, Callable[[Case, Entry, dict[str, Any]], Case]] = {
    of.VERDICT: _judge,
    of.ABSENT: _absent,
    of.NOTE: _note,
    of.ASSIGNED: lambda case, entry, told: replace(case, owner=told["owner"]),
    of.NEXT_STEP: lambda case, entry, told: replace(case, next_step=told["step"]),
    of.STATE: lambda case, entry, told: replace(case, state=told["state"], back=""),
    of.ACCEPTED: _accept,
    of.LAPSED: _end_acceptance,
    of.RETURNED: _end_acceptance,
    of.WITHDRAWN: _end_acceptance,
}


def _step_suppression(tables: Tables, entry: Entry, told: dict[str, Any]) -> None:
    if entry.kind in (of.ACCEPTED, of.DISCOUNTED):
        kind = ACCEPT if entry.kind == of.ACCEPTED else DISCOUNT
        key = (told["node_type"], told["node_id"], entry.case, told["group"], told["size"], told["tier"], told["at_stake"])
        word = (told["reason"], entry.author, entry.time, told["until"], int(told["needs_approval"]))
        tables.put(Suppression(entry.suppression, kind, *key, *word, approved_by="", ended="", ended_time="", ended_by=""))
        return
    known = tables.get(Suppression, entry.suppression)
    if known is None:
        return  # what it was about was undone
    if entry.kind == of.APPROVED:
        tables.put(replace(known, approved_by=entry.author))
    elif not known.ended:
        ended = {of.LAPSED: LAPSED, of.WITHDRAWN: WITHDRAWN, of.RETURNED: RETURNED}[entry.kind]
        tables.put(replace(known, ended=ended, ended_time=entry.time, ended_by=entry.author))
