"""Rings of a run → the cases that they carry on, by lineage; what the next run is to be told is kept in the casebook."""

from __future__ import annotations

import json
from collections.abc import Mapping

from graphdet.cases.rows import DORMANT
from graphdet.cases.taking_in import Before, Carried, Followed
from graphdet.errors import NotACasebook
from graphdet.lineage.carrying import Step, carry_on
from graphdet.lineage.line import Line
from graphdet.lineage.sighting import take_snapshot
from graphdet.run.folder import Run


def follow_lineage(run: Run, before: Before) -> Followed:
    """A case follows its ring while members come and go; one that is asleep is waited for.

    A ring of exactly the users of a case that no line knows any more, or none knew yet, carries that case on, too.

    Raises:
        NotACasebook: what was kept for this cannot be read.
    """
    lines, case_of = _recalled(before)
    step = carry_on(lines, take_snapshot(run))
    known = {line: case for line, case in case_of.items() if case in before.cases}
    carried: dict[str, Carried] = {}
    absent: dict[str, Carried] = {}
    ring_of = {line: ring for ring, line in step.line_of.items()}
    taken = {known[line] for line in ring_of if line in known}
    for change in step.changes:
        kin = tuple(known.get(line) or ring_of.get(line, "") for line in (*change.kin, *change.parted))
        kin = tuple(name for name in kin if name)
        case = known.get(change.line)
        if change.after is None:
            if case is not None and case not in taken:
                absent[case] = Carried(case, change.kind, kin)
            continue
        kind: str = change.kind
        if case is None:
            again = before.case_of(change.after.ring_id)
            if again is not None and again not in taken:
                case, kind = again, "returned" if before.cases[again].state == DORMANT else "same"
                taken.add(case)
        carried[change.after.ring_id] = Carried(case, kind, kin)
    # A case that was carried on by its users after all is not absent.
    absent = {case: one for case, one in absent.items() if case not in taken}
    return Followed(carried, absent, lambda named: _kept(step, known, named))


def _recalled(before: Before) -> tuple[list[Line], dict[str, str]]:
    if before.memory is None:
        return [], {}
    try:
        told = json.loads(before.memory)
        return [Line.from_dict(one) for one in told["lines"]], dict(told["case_of"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NotACasebook(f"the casebook's memory of rings is damaged ({error}); `graphdet cases verify` tells more.") from None


def _kept(step: Step, known: Mapping[str, str], named: Mapping[str, str]) -> str:
    """For the next run; `named`: ring → its case."""
    case_of = {**known, **{line: named[ring] for ring, line in step.line_of.items()}}
    lines = [line.as_dict() for line in step.lines]
    told = {"lines": lines, "case_of": {line.name: case_of[line.name] for line in step.lines if line.name in case_of}}
    return json.dumps(told, sort_keys=True, separators=(",", ":"))
