"""Lines so far and a run's rings → what became of each line, and the lines as they are now.

Pure: the same lines and the same run give the same changes, in whatever order rings are told, and the same run twice changes nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from graphdet.lineage.line import DAY, KEPT_DAYS, Line, begin_line, lengthen
from graphdet.lineage.overlap import MOST_OF, Overlap, match_overlaps, measure_overlaps
from graphdet.lineage.sighting import Sighting, Snapshot

Kind = Literal["new", "returned", "split", "merged", "grew", "shrank", "same", "dormant", "left_window"]
KINDS: tuple[Kind, ...] = ("new", "returned", "split", "merged", "grew", "shrank", "same", "dormant", "left_window")


@dataclass(frozen=True)
class Change:
    """What became of one line in a run.

    Attributes:
        kind: new, or returned after runs that did not find it; split: most of it was in another line; merged: it took in most of other
            lines, or (without `after`) was itself taken in; grew, shrank: more members came than went, or fewer; same: as many; dormant:
            not found, though the log reaches its time; left_window: the log no longer reaches that, which is no sign of innocence.
        line: its name.
        before, after: the ring as it was last seen, None where it is new, and as the run sees it, None where it does not.
        came, went: members, by id.
        kin: other lines: of a split the one that it comes from, of a merger those taken in, of one that was taken in who took it.
        parted: lines that split off from this one.
    """

    kind: Kind
    line: str
    before: Sighting | None
    after: Sighting | None
    came: tuple[str, ...] = ()
    went: tuple[str, ...] = ()
    kin: tuple[str, ...] = ()
    parted: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """What a run made of the lines: all changes, by line, and every line that is still waited for."""

    changes: tuple[Change, ...]
    lines: tuple[Line, ...]

    @property
    def line_of(self) -> dict[str, str]:
        """Ring of the run → its line."""
        return {change.after.ring_id: change.line for change in self.changes if change.after is not None}


def carry_on(lines: Iterable[Line], snapshot: Snapshot, moment: int | None = None) -> Step:
    """Follow all lines into a run.

    Args:
        lines: of the runs before; none for a first run.
        snapshot: of the run.
        moment: when it counts as seen, in microseconds since 1970 UTC; else the end of its log, or without times a day after the last.
    """
    every = list(lines)
    moment = _moment(every, snapshot) if moment is None else moment
    before = {line.name: line for line in every if abs(moment - line.seen) <= KEPT_DAYS * DAY}
    rings = {ring.ring_id: ring for ring in snapshot.rings}
    overlaps = measure_overlaps(before, rings)
    line_of = match_overlaps(overlaps)
    parents = _parents(before, rings, line_of, overlaps)
    begun = {ring_id: begin_line(rings[ring_id], moment) for ring_id in sorted(rings) if ring_id not in line_of}
    takers = _takers(before, line_of, overlaps)
    taken: dict[str, list[str]] = defaultdict(list)
    for absorbed, taker in takers.items():
        taken[taker].append(absorbed)
    parted: dict[str, list[str]] = defaultdict(list)
    for ring_id, parent in parents.items():
        parted[parent].append(begun[ring_id].name)
    changes = [
        Change("split" if ring_id in parents else "new", line.name, None, line.last, came=tuple(sorted(line.last.members)),
               kin=(parents[ring_id],) if ring_id in parents else ())
        for ring_id, line in begun.items()
    ]  # fmt: skip
    changes += [_followed(before[line], rings[ring_id], taken[line], parted[line]) for ring_id, line in line_of.items()]
    changes += _not_found(before, set(line_of.values()), takers, snapshot)
    after = [*begun.values(), *_lengthened(before, rings, line_of, moment), *_waiting(before, set(line_of.values()), takers, snapshot)]
    return Step(tuple(sorted(changes, key=lambda change: change.line)), tuple(sorted(after, key=lambda line: line.name)))


def _moment(lines: Sequence[Line], snapshot: Snapshot) -> int:
    return snapshot.end if snapshot.end is not None else max((line.seen for line in lines), default=0) + DAY


def _parents(
    lines: Mapping[str, Line], rings: Mapping[str, Sighting], line_of: Mapping[str, str], overlaps: Mapping[tuple[str, str], Overlap]
) -> dict[str, str]:
    """Ring of no line → the line that most of it comes from."""
    best: dict[str, tuple[float, str]] = {}
    for (line, ring_id), overlap in sorted(overlaps.items()):
        if ring_id not in line_of and overlap.is_inclusion and overlap.of_ring > MOST_OF:
            best[ring_id] = max(best.get(ring_id, (0.0, "")), (overlap.of_ring, line))
    return {ring_id: line for ring_id, (_, line) in best.items()}


def _takers(lines: Mapping[str, Line], line_of: Mapping[str, str], overlaps: Mapping[tuple[str, str], Overlap]) -> dict[str, str]:
    """Line without a ring → the line whose ring has most of it; those that merged before stay so without another word."""
    followed = set(line_of.values())
    best: dict[str, tuple[float, str]] = {}
    for (line, ring_id), overlap in sorted(overlaps.items()):
        if (
            line not in followed
            and lines[line].state != "merged"
            and overlap.is_inclusion
            and overlap.of_line > MOST_OF
            and ring_id in line_of
        ):
            best[line] = max(best.get(line, (0.0, "")), (overlap.of_line, line_of[ring_id]))
    return {line: taker for line, (_, taker) in best.items()}


def _followed(line: Line, ring: Sighting, taken: Sequence[str], parted: Sequence[str]) -> Change:
    came = tuple(sorted(set(ring.members) - set(line.last.members)))
    went = tuple(sorted(set(line.last.members) - set(ring.members)))
    kind: Kind = "grew" if len(came) > len(went) else "shrank" if len(came) < len(went) else "same"
    if taken:
        kind = "merged"
    if line.state != "here":
        kind = "returned"
    return Change(kind, line.name, line.last, ring, came, went, tuple(sorted(taken)), tuple(sorted(parted)))


def _not_found(before: Mapping[str, Line], followed: set[str], takers: Mapping[str, str], snapshot: Snapshot) -> list[Change]:
    """Of lines that were here, or that were waited for and turn up inside another."""
    changes = []
    for name, line in before.items():
        if name in followed:
            continue
        went = tuple(sorted(line.last.members))
        if name in takers:
            changes.append(Change("merged", name, line.last, None, kin=(takers[name],)))
        elif line.state == "here":
            changes.append(Change("left_window" if is_out_of_reach(line.last, snapshot) else "dormant", name, line.last, None, went=went))
    return changes


def is_out_of_reach(ring: Sighting, snapshot: Snapshot) -> bool:
    """Whether a log lacks the time in which most of a ring, by contribution, began to act."""
    if snapshot.start is None or snapshot.end is None:
        return False
    start, end = snapshot.start, snapshot.end
    out = sum(one.weight for _, one in sorted(ring.members.items()) if one.began is not None and not start <= one.began <= end)
    return out > MOST_OF


def _lengthened(before: Mapping[str, Line], rings: Mapping[str, Sighting], line_of: Mapping[str, str], moment: int) -> list[Line]:
    rings_of = Counter(user for ring in rings.values() for user in ring.members)
    found = []
    for ring_id, name in line_of.items():
        own = rings[ring_id].members
        elsewhere = frozenset(user for user in before[name].known.keys() & rings_of.keys() if rings_of[user] > (user in own))
        found.append(lengthen(before[name], rings[ring_id], moment, elsewhere))
    return found


def _waiting(before: Mapping[str, Line], followed: set[str], takers: Mapping[str, str], snapshot: Snapshot) -> list[Line]:
    """Lines without a ring, as long as they are waited for."""
    found = []
    for name, line in before.items():
        if name in followed:
            continue
        if name in takers:
            found.append(replace(line, state="merged", into=takers[name]))
        elif line.state == "here":
            found.append(replace(line, state="left_window" if is_out_of_reach(line.last, snapshot) else "dormant"))
        else:
            found.append(line)
    return found
