"""Lineage: rings of a run against lines of the runs before, held against exhaustive search and against stories whose end is known."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdet.lineage.carrying import KINDS, Change, Step, carry_on
from graphdet.lineage.line import DAY, KEPT_DAYS, Line
from graphdet.lineage.overlap import LEAST_COMMON, MOST_OF, match_overlaps, measure_overlaps
from graphdet.lineage.sighting import Sighting, Snapshot, take_snapshot, weigh
from graphdet.run.folder import Run


def ring(members: str | Mapping[str, float], began: int = 0, tier: str = "alert") -> Sighting:
    """A ring of users that are a letter each, all of one weight, or of those told."""
    told = dict.fromkeys(members, 1.0) if isinstance(members, str) else members
    return Sighting("R-" + "".join(sorted(told)), tier, weigh({user: (weight, began * DAY) for user, weight in told.items()}))


def day(number: int, *rings: Sighting, reach: int = 30) -> Snapshot:
    return Snapshot(rings, (number - reach) * DAY, number * DAY)


def story(*days: Snapshot) -> list[dict[str, Change]]:
    """Each day's changes by the ring seen, or where none is by the ring that was."""
    lines: tuple[Line, ...] = ()
    told = []
    for snapshot in days:
        step = carry_on(lines, snapshot)
        lines = step.lines
        told.append({(change.after or change.before).ring_id: change for change in step.changes})  # type: ignore[union-attr]
    return told


def kinds(changes: Mapping[str, Change]) -> dict[str, str]:
    return {ring_id.removeprefix("R-"): change.kind for ring_id, change in changes.items()}


def test_a_ring_keeps_its_line_while_members_come_and_go() -> None:
    told = story(day(1, ring("abcde")), day(2, ring("abcdefg")), day(3, ring("cdefg")), day(4, ring("cdefh")))
    assert [kinds(one) for one in told] == [{"abcde": "new"}, {"abcdefg": "grew"}, {"cdefg": "shrank"}, {"cdefh": "same"}]
    assert len({change.line for one in told for change in one.values()}) == 1
    grew = told[1]["R-abcdefg"]
    assert (grew.came, grew.went) == (("f", "g"), ())
    assert (told[3]["R-cdefh"].came, told[3]["R-cdefh"].went) == (("h",), ("g",))


def test_a_ring_may_grow_tenfold_in_a_day() -> None:
    many = {f"user {number}": 1.0 for number in range(50)}
    few = dict(itertools.islice(many.items(), 5))
    told = story(day(1, ring(few)), day(2, ring(many)), day(3, ring(few)))
    assert [change.kind for one in told for change in one.values()] == ["new", "grew", "shrank"]


def test_a_split_and_a_merger_are_told_of_both_sides() -> None:
    told = story(day(1, ring("abcdefgh")), day(2, ring("abcde"), ring("fgh")), day(3, ring("abcdefgh")), day(4, ring("abcde"), ring("fgh")))
    assert kinds(told[1]) == {"abcde": "shrank", "fgh": "split"}
    whole, part = told[1]["R-abcde"], told[1]["R-fgh"]
    assert part.kin == (whole.line,)
    assert whole.parted == (part.line,)
    assert kinds(told[2]) == {"abcdefgh": "merged", "fgh": "merged"}
    assert told[2]["R-abcdefgh"].kin == (part.line,)
    assert told[2]["R-fgh"].kin == (whole.line,)
    assert kinds(told[3]) == {"abcde": "shrank", "fgh": "returned"}
    assert told[3]["R-fgh"].line == part.line


def test_a_ring_that_sleeps_comes_back_under_its_name() -> None:
    told = story(day(1, ring("abcd")), day(2), day(3), day(50, ring("abcx", began=45)))
    assert [kinds(one) for one in told] == [{"abcd": "new"}, {"abcd": "dormant"}, {}, {"abcx": "returned"}]
    assert told[3]["R-abcx"].line == told[0]["R-abcd"].line


def test_after_sixty_days_nobody_waits_any_more() -> None:
    on_time, late = (story(day(1, ring("abcd")), day(2), day(1 + days, ring("abcd"))) for days in (KEPT_DAYS, KEPT_DAYS + 1))
    assert kinds(on_time[2]) == {"abcd": "returned"}
    assert kinds(late[2]) == {"abcd": "new"}
    assert late[2]["R-abcd"].line != late[0]["R-abcd"].line


def test_leaving_the_window_is_not_sleeping() -> None:
    told = story(day(10, ring("abcd", began=5)), day(40, ring("wxyz", began=35)))
    assert kinds(told[1]) == {"abcd": "left_window", "wxyz": "new"}
    untimed = Sighting("R-abcd", "alert", weigh(dict.fromkeys("abcd", (1.0, None))))
    steps = story(Snapshot((untimed,)), Snapshot(()))
    assert [kinds(one) for one in steps] == [{"abcd": "new"}, {"abcd": "dormant"}]


def test_a_ring_that_lost_all_but_two_to_the_window_is_known_by_those_who_were_in_it() -> None:
    told = story(day(1, ring("abcdef")), day(20, ring("ef")), day(25), day(40, ring("abcd", began=35)))
    assert told[3]["R-abcd"].kind == "returned"
    assert told[3]["R-abcd"].line == told[0]["R-abcdef"].line


def test_one_worker_of_two_rings_ties_nothing() -> None:
    told = story(day(1, ring("abcdef")), day(2, ring("abcdef"), ring("fx")))
    assert kinds(told[1]) == {"abcdef": "same", "fx": "new"}


def test_contribution_decides_and_not_the_head_count() -> None:
    heavy = {"a": 10.0, "b": 10.0, **dict.fromkeys("cdefgh", 0.1)}
    told = story(day(1, ring(heavy)), day(2, ring({"a": 9.0, "b": 8.0, "x": 9.0}), ring(dict.fromkeys("cdefgh", 1.0))))
    assert told[1]["R-abx"].line == told[0]["R-abcdefgh"].line


def rings_of_a_day(draw: st.DrawFn) -> list[Sighting]:
    groups = draw(st.lists(st.frozensets(st.sampled_from("abcdefghij"), min_size=2, max_size=6), max_size=4, unique=True))
    return [ring({user: draw(st.floats(-1, 5)) for user in sorted(group)}, began=draw(st.integers(0, 40))) for group in groups]


@st.composite
def markets(draw: st.DrawFn) -> list[Snapshot]:
    gaps = draw(st.lists(st.integers(1, 40), min_size=1, max_size=5))
    return [day(number, *rings_of_a_day(draw)) for number in itertools.accumulate(gaps)]


def run_all(days: Sequence[Snapshot]) -> list[Step]:
    lines: tuple[Line, ...] = ()
    steps = []
    for snapshot in days:
        steps.append(carry_on(lines, snapshot))
        lines = steps[-1].lines
    return steps


@given(markets())
def test_the_matching_is_the_best_there_is(days: list[Snapshot]) -> None:
    """Against all ways to pair lines and rings, with overlaps counted by a loop."""
    lines = {line.name: line for line in run_all(days)[-1].lines}
    rings = {one.ring_id: one for one in days[0].rings}
    worth = {}
    for (name, line), (ring_id, one) in itertools.product(lines.items(), rings.items()):
        common = [user for user in one.members if user in line.known]
        of_ring = sum(one.members[user].weight for user in common)
        of_last = sum(line.last.members[user].weight for user in common if user in line.last.members)
        of_known = sum(line.known[user].weight for user in common) / sum(known.weight for known in line.known.values())
        of_line = max(of_last, of_known)
        if len(common) >= LEAST_COMMON and max(of_ring, of_line) > MOST_OF:
            worth[name, ring_id] = 2 * of_ring * of_line / (of_ring + of_line)
    padded = [*rings, *[""] * len(lines)]
    best = max(
        sum(worth.get((name, ring_id), 0.0) for name, ring_id in zip(lines, chosen, strict=True))
        for chosen in itertools.permutations(padded, len(lines))
    ) if len(padded) <= 8 else None  # fmt: skip
    found = match_overlaps(measure_overlaps(lines, rings))
    assert len(set(found.values())) == len(found)
    total = sum(worth[line, ring_id] for ring_id, line in found.items())
    if best is not None:
        assert total == pytest.approx(best)


@given(markets(), st.randoms())
def test_the_order_of_rings_lines_and_members_does_not_matter(days: list[Snapshot], rng: random.Random) -> None:
    def mix(snapshot: Snapshot) -> Snapshot:
        rings = [replace(one, members=dict(rng.sample(sorted(one.members.items()), one.size))) for one in snapshot.rings]
        return replace(snapshot, rings=tuple(rng.sample(rings, len(rings))))

    assert run_all(days) == run_all([mix(snapshot) for snapshot in days])


@given(markets())
def test_every_ring_has_one_line_and_every_line_one_change(days: list[Snapshot]) -> None:
    named: set[str] = set()
    for snapshot, step in zip(days, run_all(days), strict=True):
        assert set(step.line_of) == {one.ring_id for one in snapshot.rings}
        assert len(set(step.line_of.values())) == len(step.line_of)
        assert len({change.line for change in step.changes}) == len(step.changes)
        fresh = {change.line for change in step.changes if change.before is None}
        assert not fresh & named
        named |= fresh
        assert {line.name for line in step.lines} <= named
        for change in step.changes:
            assert change.kind in KINDS
            before = set(change.before.members) if change.before else set()
            if change.after is not None:
                assert (before | set(change.came)) - set(change.went) == set(change.after.members)
            assert all(kin in named for kin in (*change.kin, *change.parted))


@given(markets())
def test_the_same_run_once_more_changes_nothing(days: list[Snapshot]) -> None:
    step = run_all(days)[-1]
    again = carry_on(step.lines, days[-1])
    assert again.lines == step.lines
    assert again.line_of == step.line_of
    assert {change.kind for change in again.changes} <= {"same"}


@given(markets())
def test_lines_outlive_a_file(days: list[Snapshot]) -> None:
    lines = run_all(days)[-1].lines
    assert tuple(Line.from_dict(json.loads(json.dumps(line.as_dict()))) for line in lines) == lines


def test_a_run_is_seen_by_its_own_ids(small_run: Run) -> None:
    snapshot = take_snapshot(small_run)
    users = [row for row in small_run.members.to_pylist() if row["node_type"] == "user"]
    assert {(one.ring_id, user) for one in snapshot.rings for user in one.members} == {(row["ring_id"], row["node_id"]) for row in users}
    for one in snapshot.rings:
        assert sum(member.weight for member in one.members.values()) == pytest.approx(1)
