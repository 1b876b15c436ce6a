"""Growth: planted blocks come back from a few of their members, nothing is left in the scratch memory, and no odd log breaks it."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from dossier_slow import SlowLog
from hypothesis import given, settings
from hypothesis import strategies as st
from planted_logs import HOUR, Block, coded_table, planted_log

from graphdet.events import EventTable
from graphdet.rings.growth import Grower, Grown
from graphdet.settings import EvidenceSettings, RingSettings, Settings
from graphdet.visits.base_rates import measure_base_rates
from graphdet.visits.index import VisitIndex, index_visits
from graphdet.visits.visits import collect_visits

RING = Block(users=tuple(range(14)), items=tuple(range(7)))


def index_of(events: EventTable) -> VisitIndex:
    return index_visits(collect_visits(events, EvidenceSettings(), Settings().view))


def grower_of(index: VisitIndex, settings: RingSettings | None = None) -> Grower:
    return Grower(index, measure_base_rates(index.visits, EvidenceSettings()), settings or RingSettings())


def same_ring(one: Grown, other: Grown) -> None:
    for field in fields(Grown):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name), err_msg=field.name)


def check_sound(ring: Grown, index: VisitIndex) -> None:
    """What holds of every ring, however odd the log."""
    assert np.isfinite(ring.strength)
    assert np.isfinite(ring.contribution).all()
    assert np.isfinite(ring.gain).all()
    assert len(ring.members) == len(ring.contribution)
    assert len(ring.targets) == len(ring.start) == len(ring.end) == len(ring.visitors) == len(ring.outsiders) == len(ring.gain)
    assert (np.diff(ring.members) > 0).all()
    assert (np.diff(ring.targets) > 0).all()
    assert (ring.start <= ring.end).all()
    assert (ring.outsiders >= 0).all()
    assert ((ring.members >= 0) & (ring.members < index.visits.users)).all()
    assert ((ring.targets >= 0) & (ring.targets < index.visits.keys)).all()


@pytest.mark.parametrize("seed", range(5))
def test_a_block_comes_back_from_three_of_its_members(seed: int) -> None:
    events, touched = planted_log(np.random.default_rng(seed), [RING])
    index = index_of(events)
    detectable = sorted(who for who, where in touched.items() if len(where) >= 2)
    ring = grower_of(index).grow(np.array(detectable[:3], np.int32))
    members = set(ring.members.tolist())
    assert members >= set(detectable)
    assert len(members - set(detectable)) <= 2  # chance brings one or two others to two of the targets at their time
    assert set(ring.targets.tolist()) >= set(RING.items)  # the log has no view but items, so keys are item codes
    assert ring.strength > 50
    check_sound(ring, index)


def test_who_came_to_one_target_only_is_no_member() -> None:
    once, twice = 400, 401
    extra = [(once, 0, 0), (twice, 0, 0), (twice, 1, 0), (twice, 2, 0)]
    events, touched = planted_log(np.random.default_rng(1), [RING], extra=extra)
    grower = grower_of(index_of(events), RingSettings(slack=0.0))
    ring = grower.grow(np.array(sorted(touched)[:6], np.int32))
    assert twice in ring.members
    assert once not in ring.members
    who, what = grower.incidence(ring)
    targets_of_member = np.bincount(who, minlength=len(ring.members))
    assert targets_of_member.min() >= 2
    assert len(what) == targets_of_member.sum()


@pytest.mark.parametrize("least", [2, 3, 4])
def test_every_member_has_the_least_number_of_targets(least: int) -> None:
    sparse = Block(users=tuple(range(20)), items=tuple(range(8)), density=0.45)
    events, touched = planted_log(np.random.default_rng(3), [sparse])
    grower = grower_of(index_of(events), RingSettings(least_targets=least))
    ring = grower.grow(np.array(sorted(touched), np.int32))
    assert len(ring.members) >= 5
    assert np.bincount(grower.incidence(ring)[0], minlength=len(ring.members)).min() >= least
    few = {who for who, where in touched.items() if len(where) < least}
    assert few  # the block has such users, or the test would say nothing
    assert len(few & set(ring.members.tolist())) <= 1  # chance may bring one of them to another target


def test_nothing_is_left_in_memory_between_cores() -> None:
    blocks = [RING, Block(users=tuple(range(10, 30)), items=tuple(range(20, 27)))]
    events, _ = planted_log(np.random.default_rng(5), blocks)
    index = index_of(events)
    generator = np.random.default_rng(0)
    cores = [np.array(block.users[:4], np.int32) for block in blocks]
    cores += [generator.choice(500, size, replace=False).astype(np.int32) for size in (2, 3, 5, 40, 200)]
    cores += [np.arange(500, dtype=np.int32), np.array([7], np.int32), np.zeros(0, np.int32)]
    fresh = [grower_of(index).grow(core) for core in cores]
    used = grower_of(index)
    for order in (range(len(cores)), reversed(range(len(cores))), [0, 0, 1, 0, 7, 7, 0]):
        for number in order:
            same_ring(used.grow(cores[number]), fresh[number])
    assert any(len(ring.members) for ring in fresh)


def test_the_order_of_a_core_does_not_matter() -> None:
    events, touched = planted_log(np.random.default_rng(6), [RING])
    grower = grower_of(index_of(events))
    core = np.array(sorted(touched), np.int32)
    same_ring(grower.grow(core), grower.grow(core[::-1].copy()))


def several_views(seed: int) -> EventTable:
    """A planted log whose users also have devices, some of them shared, and who open a second item right after the first now and then."""
    generator = np.random.default_rng(seed)
    events, _ = planted_log(generator, [RING, Block(users=tuple(range(10, 30)), items=tuple(range(20, 27)), density=0.6)])
    user, item, second = events.codes["user"], events.codes["item"], events.time // 1_000_000  # type: ignore[operator]
    more = np.flatnonzero(generator.random(len(user)) < 0.2)
    return coded_table(
        np.r_[user, user[more]],
        np.r_[second, second[more] + 1],
        events.item_category.tolist(),
        item=np.r_[item, (item[more] + 1) % 27],
        device=np.r_[user, user[more]] // 3 + generator.integers(0, 2, len(user) + len(more)),
    )


@pytest.mark.parametrize("seed", range(3))
def test_a_ring_that_grows_no_more_is_what_slow_loops_over_all_visits_tell(seed: int) -> None:
    events, settings_ = several_views(seed), Settings()
    slow, index = SlowLog(events, settings_), index_of(events)
    grower = grower_of(index, RingSettings(rounds=40))
    assert (index.visits.draw >= 0).any()
    for first in (0, 12, 20):
        ring = grower.grow(np.arange(first, first + 6, dtype=np.int32))
        same_ring(grower.grow(ring.members, generous=False), ring)
        assert len(ring.members) > 8
        told = slow.grown({f"user{code:06d}" for code in ring.members.tolist()})
        assert ring.strength == pytest.approx(told.strength)
        assert [slow.name_of(key) for key in ring.targets.tolist()] == sorted(told.targets, key=lambda name: (name[0] != "item", name[1]))
        for place, key in enumerate(ring.targets.tolist()):
            target = told.targets[slow.name_of(key)]
            columns = (ring.gain, ring.outsiders, ring.visitors, ring.start, ring.end)
            assert [column[place] for column in columns] == pytest.approx(list(target.values()))
        bar = settings_.rings.join + np.log10(index.visits.users / len(ring.members))
        passing = {}
        for user in range(index.visits.users):
            contribution, choices = told.rate(user)
            if choices > settings_.rings.least_targets - 1e-6 and contribution >= bar:
                passing[user] = contribution
        assert ring.members.tolist() == list(passing)
        assert ring.contribution == pytest.approx(list(passing.values()))
        described = grower.describe(ring.members)
        np.testing.assert_array_equal(described.gain, ring.gain)
        np.testing.assert_allclose(described.contribution, ring.contribution)


def test_what_members_did_together_is_told_of_any_members() -> None:
    events = several_views(5)
    slow, grower = SlowLog(events, Settings()), grower_of(index_of(events))
    for members in (range(0, 30, 2), range(60), [3, 77, 400]):
        described = grower.describe(np.array(members, np.int32))
        told = slow.grown({f"user{code:06d}" for code in members})
        assert {slow.name_of(key) for key in described.targets.tolist()} == set(told.targets)
        assert described.contribution == pytest.approx(list(told.contribution.values()))


def test_growth_refuses_users_and_targets_that_are_not_there() -> None:
    index = index_of(several_views(0))
    grower, none = grower_of(index), np.zeros(1, np.int32)
    for wrong in (-1, index.visits.users):
        with pytest.raises(ValueError, match="users must lie within"):
            grower.grow(np.array([0, wrong], np.int32))
        with pytest.raises(ValueError, match="users must lie within"):
            grower.describe(np.array([0, wrong], np.int32))
    ring = Grown(none, np.zeros(1), np.array([index.visits.keys], np.int32), none, none, none, none, np.zeros(1), 0.0)
    with pytest.raises(ValueError, match="targets must lie within"):
        grower.incidence(ring)


@st.composite
def logs_with_a_ring(draw: st.DrawFn) -> tuple[EventTable, list[int], list[tuple[int, int, int]]]:
    """A log of items, and any members and (target, start, end) at all."""
    rows = draw(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 5), st.integers(0, 400)), min_size=1, max_size=60))
    user, item, hour = (np.array(column) for column in zip(*rows, strict=True))
    events = coded_table(user, hour * HOUR, item=item)
    members = sorted(draw(st.sets(st.integers(0, int(user.max())))))
    targets = sorted(draw(st.sets(st.integers(0, int(item.max())))))
    windows = [sorted(draw(st.tuples(st.integers(0, 400), st.integers(0, 400)))) for _ in targets]
    return events, members, [(target, low * HOUR, high * HOUR) for target, (low, high) in zip(targets, windows, strict=True)]


@settings(max_examples=80, deadline=None)
@given(logs_with_a_ring())
def test_incidence_equals_the_obvious_double_loop(made: tuple[EventTable, list[int], list[tuple[int, int, int]]]) -> None:
    events, members, targets = made
    index = index_of(events)
    columns = [np.array([target[n] for target in targets], np.int32) for n in range(3)]
    none, zero = np.zeros(len(targets), np.int32), np.zeros(len(targets))
    ring = Grown(np.array(members, np.int32), np.zeros(len(members)), columns[0], columns[1], columns[2], none, none, zero, 0.0)
    visits = index.visits
    expected = {
        (position, place)
        for position, member in enumerate(members)
        for place, (key, start, end) in enumerate(targets)
        for visit in range(visits.offset[key], visits.offset[key + 1])
        if visits.user[visit] == member and start <= visits.time[visit] <= end
    }
    who, what = grower_of(index).incidence(ring)
    found = list(zip(who.tolist(), what.tolist(), strict=True))
    assert len(found) == len(set(found))
    assert set(found) == expected


def test_a_permuted_log_makes_nothing_of_people_who_met() -> None:
    """Cores are people who met at an item within a day, the most promising that chance has to offer."""
    generator = np.random.default_rng(8)
    events, _ = planted_log(generator, [RING, Block(users=tuple(range(30, 50)), items=tuple(range(50, 60)))])
    codes = {**events.codes, "user": generator.permutation(events.codes["user"])}
    index = index_of(coded_table(codes["user"], events.time // 1_000_000, events.item_category.tolist(), item=codes["item"]))
    grower = grower_of(index)
    visits, rings = index.visits, []
    for key in generator.choice(visits.keys, 150, replace=False).tolist():
        own = slice(visits.offset[key], visits.offset[key + 1])
        core = np.unique(visits.user[own][:6])
        rings.append(grower.grow(core))
        check_sound(rings[-1], index)
    assert np.median([ring.strength for ring in rings]) <= 0
    assert max(ring.strength for ring in rings) < RingSettings().least_strength


N = 200_000
EDGE_CASES = {
    "one event": lambda: coded_table(np.zeros(1, np.int32), np.zeros(1, np.int64), item=np.zeros(1, np.int32)),
    "one user": lambda: coded_table(np.zeros(50, np.int32), np.arange(50) * 40 * HOUR, item=np.arange(50) % 5),
    "no item view": lambda: coded_table(np.arange(60) % 20, np.arange(60) * 100, device=np.arange(60) % 4, ip=np.arange(60) % 3),
    "untimed": lambda: coded_table(np.arange(300) % 20, None, item=np.arange(300) % 7),
    "one second": lambda: coded_table(np.arange(600) % 100, np.zeros(600, np.int64), item=np.arange(600) % 37, device=np.arange(600) % 11),
    "one user's many events": lambda: coded_table(
        np.r_[np.zeros(N, np.int32), np.arange(100) % 20],
        np.r_[np.arange(N) * 10, np.arange(100)],
        item=np.r_[np.arange(N) % 50, np.arange(100) % 5],
    ),
    "all at one item": lambda: coded_table(np.arange(400), np.arange(400), item=np.zeros(400, np.int32)),
    "events without keys": lambda: coded_table(np.arange(40) % 9, np.arange(40), item=np.where(np.arange(40) % 3, -1, np.arange(40) % 4)),
}  # fmt: skip


@pytest.mark.parametrize("name", EDGE_CASES)
def test_odd_logs_give_sound_rings(name: str) -> None:
    index = index_of(EDGE_CASES[name]())
    grower = grower_of(index)
    users = index.visits.users
    for core in ([], [0], range(min(users, 5)), range(users)):
        ring = grower.grow(np.array(core, np.int32))
        check_sound(ring, index)
        who, what = grower.incidence(ring)
        assert len(who) == len(what)


@pytest.mark.parametrize(("members", "found"), [(100, True), (10, False)])
def test_devices_alone_give_a_ring_only_where_many_share_them(members: int, found: bool) -> None:
    """People on ten devices, among three thousand who have a device each: what they share says no more than `[view.device] share_most`."""
    generator = np.random.default_rng(2)
    user = np.r_[np.repeat(np.arange(members), 10), np.repeat(np.arange(members, members + 3000), 10)]
    device = np.r_[generator.integers(0, 10, 10 * members), np.repeat(np.arange(10, 3010), 10)]
    index = index_of(coded_table(user, generator.integers(0, 30 * 24 * HOUR, len(user)), device=device))
    ring = grower_of(index).grow(np.arange(members // 2, dtype=np.int32))
    check_sound(ring, index)
    assert set(ring.members.tolist()) == (set(range(members)) if found else set())
    assert (ring.strength > 10) == found
