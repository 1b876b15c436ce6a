"""Two runs → what differs between them: rings, by lineage, and the settings, code and spans of time that they come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from graphdet.lineage.carrying import KINDS, Change, carry_on
from graphdet.lineage.line import begin_line
from graphdet.lineage.sighting import EPOCH, Snapshot, take_snapshot
from graphdet.run.folder import Run


@dataclass(frozen=True)
class Difference:
    """What differs from one run to another.

    Attributes:
        changes: every ring of either run, what is new first, and within a kind the worst tier and the most members first.
        ring_of: line → the ring that bears it, of the later run where that has it.
        settings: setting, such as `rings.min_size` → its value in each run, where they differ.
        spans: of each run's log, first and last event; None without times.
        logs: whether the same files were read, by their digests.
        versions: of graphdet that made the runs, with the digest of its code.
    """

    changes: tuple[Change, ...]
    ring_of: Mapping[str, str]
    settings: Mapping[str, tuple[Any, Any]]
    spans: tuple[tuple[datetime | None, datetime | None], tuple[datetime | None, datetime | None]]
    logs: bool
    versions: tuple[str, str]

    @property
    def differs(self) -> bool:
        """Whether any ring does; settings and logs alone are no difference in what was found."""
        return any(is_change(change) for change in self.changes)

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "differs": self.differs,
            "changes": [change_as_dict(change, self.ring_of) for change in self.changes],
            "settings": {name: list(values) for name, values in self.settings.items()},
            "spans": [list(span) for span in self.spans],
            "same_logs": self.logs,
            "versions": list(self.versions),
        }


def compare_runs(before: Run, after: Run) -> Difference:
    """What differs from one run to a later one; or to an earlier one, of which the reverse is then told."""
    first, second = take_snapshot(before), take_snapshot(after)
    # How long rings are waited for is a matter of days one after another; two runs are compared however far apart.
    lines = [begin_line(ring, 0) for ring in first.rings]
    step = carry_on(lines, Snapshot(second.rings, second.start, second.end), moment=0)
    ring_of = {change.line: ring.ring_id for change in step.changes if (ring := change.after or change.before) is not None}
    return Difference(
        sort_changes(step.changes),
        ring_of,
        _differing(before.meta["settings"], after.meta["settings"]),
        (_span(first), _span(second)),
        _digests(before) == _digests(after),
        (_version(before), _version(after)),
    )


def sort_changes(changes: tuple[Change, ...]) -> tuple[Change, ...]:
    """By kind, tier and members; ties by the ring's id."""

    def key(change: Change) -> tuple[int, str, int, str]:
        ring = change.after or change.before
        assert ring is not None
        return KINDS.index(change.kind), ring.tier, -ring.size, ring.ring_id  # tiers are in the order of the alphabet: alert first

    return tuple(sorted(changes, key=key))


def is_change(change: Change) -> bool:
    """Whether anything of a ring differs: members, tier or money."""
    before, after = change.before, change.after
    if before is None or after is None or change.kind != "same":
        return True
    return bool(change.came or change.went) or (before.tier, before.money) != (after.tier, after.money)


def change_as_dict(change: Change, ring_of: Mapping[str, str]) -> dict[str, Any]:
    """As JSON has it; rings by their ids."""
    sides = {
        name: None
        if ring is None
        else {"ring_id": ring.ring_id, "tier": ring.tier, "size": ring.size, "at_stake": ring.at_stake, "amount": ring.amount}
        for name, ring in (("before", change.before), ("after", change.after))
    }
    kin, parted = ([ring_of.get(line, line) for line in lines] for lines in (change.kin, change.parted))
    return {
        "change": change.kind,
        **sides,
        "members_in": list(change.came),
        "members_out": list(change.went),
        "kin": kin,
        "parted": parted,
        "differs": is_change(change),
    }


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """By dotted names; None where a run's graphdet had no such setting."""
    first, second = _flat(before), _flat(after)
    return {
        name: (first.get(name), second.get(name)) for name in sorted(first.keys() | second.keys()) if first.get(name) != second.get(name)
    }


def _flat(told: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in told.items():
        found |= _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {prefix + name: value}
    return found


def _span(snapshot: Snapshot) -> tuple[datetime | None, datetime | None]:
    first, last = (None if time is None else EPOCH + timedelta(microseconds=time) for time in (snapshot.start, snapshot.end))
    return first, last


def _digests(run: Run) -> list[str]:
    return sorted(str(file["sha256"]) for file in run.meta["inputs"])


def _version(run: Run) -> str:
    return f"{run.meta['version']} ({run.meta['code']})" if "code" in run.meta else str(run.meta["version"])
