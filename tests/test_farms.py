"""Farms: each number against an obvious loop, networkx or scipy; farms that come back, and honest sharers who are left alone."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

import networkx as nx
import numpy as np
import pytest
from conftest import event_table
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, false_discovery_control

from graphdet.dossier.building import build_dossier
from graphdet.events import EventTable
from graphdet.pipeline import detect
from graphdet.replay.recorded import Recorded
from graphdet.replay.replaying import GONE, Replay
from graphdet.report.data import report_data
from graphdet.rings.closeness import MOST_SHARE, TOGETHER, find_closest, log_chance
from graphdet.rings.customs import attached_users, chance_of_attached, false_discovery, keys_with_so_many
from graphdet.rings.farms import Farm, find_farms
from graphdet.rings.sharers import LEAST, group_of_keys, read_sharers
from graphdet.run.folder import Run
from graphdet.settings import EvidenceSettings, Settings, parse_settings
from graphdet.visits.accounts import accounts_of
from graphdet.visits.index import VisitIndex, index_visits
from graphdet.visits.permuting import permute
from graphdet.visits.visits import DAY, Visits, collect_visits

HOUR, DAYS = 3600, 30
Row = dict[str, Any]


def visits_of(events: EventTable) -> Visits:
    return collect_visits(events, EvidenceSettings(), Settings().view)


def index_of(rows: list[Row]) -> VisitIndex:
    return index_visits(visits_of(event_table(rows)))


def shop(seed: int, users: int = 240, each: int = 6) -> list[Row]:
    """Log-ins of people with a phone of their own, at any time; every third home shares a tablet and an address on the net."""
    generator = np.random.default_rng(seed)
    rows = []
    for user in range(users):
        home = int(generator.integers(users // 2))
        for _ in range(1 + generator.poisson(each)):
            on_tablet = home % 3 == 0 and generator.random() < 0.5
            rows.append(
                {
                    "user": f"u{user:04d}",
                    "device": f"tablet{home}" if on_tablet else f"phone{user}",
                    "ip": f"10.0.{home // 250}.{home % 250}",
                    "time": float(generator.integers(DAYS * DAY)),
                }
            )
    return rows


def farm(size: int, hours: float, times: int = 1, seed: int = 1, begin: float = 12.0, letter: str = "z", **given: str) -> list[Row]:
    """Accounts at one device (and whatever else) within some hours, each so many times."""
    generator = np.random.default_rng(seed)
    start = begin * DAY
    return [
        {"user": f"{letter}{who:03d}", "device": "FARM", "time": start + float(generator.random() * hours * HOUR), **given}
        for who in range(size)
        for _ in range(times)
    ]


def names(found: list[Farm], rows: list[Row]) -> list[list[str]]:
    ids = event_table(rows).ids["user"]
    return [ids.take(one.members).to_pylist() for one in found]


# Numbers.

few_visits = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4), st.integers(0, 12 * DAY)), min_size=1, max_size=60)


@settings(max_examples=60, deadline=None)
@given(few_visits)
def test_accounts_are_those_of_a_loop(events: list[tuple[int, int, int]]) -> None:
    visits = visits_of(event_table([{"user": f"u{u}", "device": f"d{d}", "time": float(t)} for u, d, t in events]))
    (view,) = visits.views
    expected: dict[tuple[int, int], list[int]] = defaultdict(list)
    for key in range(visits.keys):
        for place in range(visits.offset[key], visits.offset[key + 1]):
            expected[key, int(visits.user[place])].append(int(visits.time[place]))
    found = accounts_of(visits, view)
    columns = zip(found.key, found.user, found.visits, found.first, found.last, strict=True)
    assert {(int(k), int(u)): (n, a, b) for k, u, n, a, b in columns} == {
        both: (len(times), min(times), max(times)) for both, times in expected.items()
    }
    assert found.of_key.tolist() == [sum(key == own for key, _ in expected) for own in range(visits.keys)]


stays = st.lists(st.tuples(st.integers(0, 20 * HOUR), st.integers(0, 9 * HOUR), st.integers(1, 3)), min_size=3, max_size=9)


@settings(max_examples=100, deadline=None)
@given(stays, st.integers(0, 6), st.integers(60, 4000))
def test_the_closest_window_is_that_of_all_windows(stays: list[tuple[int, int, int]], more: int, others: int) -> None:
    first = np.array([begin for begin, _, _ in stays], np.int32)
    last = np.array([begin + long for begin, long, _ in stays], np.int32)
    count = np.array([own for _, _, own in stays], np.int32)
    clock = np.sort(np.r_[first, last, np.random.default_rng(others).integers(0, 40 * HOUR, others)])
    low, high = np.searchsorted(clock, first), np.searchsorted(clock, last, side="right")
    users = len(stays) + more
    best = 0.0
    for begin in range(len(stays)):
        for finish in range(len(stays)):
            inside = (first >= first[begin]) & (last <= last[finish])
            if inside.sum() < LEAST or not inside[begin] or not inside[finish]:
                continue
            share = max(high[finish] - low[begin] - count[inside].sum() + 1, 1) / (len(clock) - count.sum() + 1)
            if share <= MOST_SHARE:
                together = min(max(last[finish] - first[begin], 60) / DAY, TOGETHER)
                chance = 2 * math.log10(users) + math.log10(math.comb(users - 1, int(inside.sum()) - 1))
                best = min(best, chance + (inside.sum() - 1) * math.log10(max(share, together)))
    found = find_closest(
        np.array([0, len(stays)]), np.array([users]), first, last, count, low, high, np.array([len(clock)]), 60, LEAST
    )  # fmt: skip
    assert found.log_chance[0] <= best + 1e-9
    if found.log_chance[0] < 0:
        inside = (first >= found.start[0]) & (last <= found.end[0])
        again = last == found.end[0]  # who leave in the same second may be left out: then so many, at least, are inside
        assert inside.sum() - again.sum() < found.inside[0] <= inside.sum()
        assert log_chance(users, int(found.inside[0]), float(found.share[0])) == pytest.approx(found.log_chance[0])
        if found.inside[0] == inside.sum():
            assert found.log_chance[0] == pytest.approx(best)


@given(st.lists(st.floats(1e-12, 1.0), min_size=1, max_size=30))
def test_false_discovery_is_that_of_scipy(chances: list[float]) -> None:
    assert false_discovery(np.array(chances)) == pytest.approx(false_discovery_control(chances))


def test_the_chance_of_being_attached_is_binomial() -> None:
    own = np.array([1, 2, 5, 8])  # visits of each user to the view; the last two may come again
    share = (1 + 2 + (5 * 4 + 8 * 7) * 1.6 / 16) / 16
    assert 0.5 < share <= 0.8
    found = chance_of_attached(np.array([9]), np.array([7]), np.array([1.6]), own)
    assert found == pytest.approx([binom.sf(6, 9, share)])
    assert chance_of_attached(np.array([9]), np.array([7]), np.array([8.0]), own) == [0.0]  # nearly everybody would come again
    rare = np.full(1000, 10)
    expected = binom.sf(4, 6, 1000 * 90 * 12 / 10_000 / 10_000)
    assert chance_of_attached(np.array([6]), np.array([5]), np.array([12.0]), rare) == pytest.approx([expected])


def test_where_everybody_came_once_nobody_can_tell_who_is_attached() -> None:
    assert chance_of_attached(np.array([9]), np.array([9]), np.array([9.0]), np.ones(500, np.int64)) == [0.0]


def test_how_many_share_a_thing_is_read_from_the_log() -> None:
    homes = np.r_[np.full(8000, 1), np.full(900, 2), np.full(150, 3), np.full(20, 4)]
    of_20, of_4 = keys_with_so_many(homes, [20, 4])
    assert of_20 < 1e-6
    assert of_4 > 20
    assert keys_with_so_many(np.r_[homes, 20], [20])[0] < 1e-6
    terminals = np.arange(1, 60)
    assert keys_with_so_many(terminals, [40])[0] > 5
    falling = keys_with_so_many(homes, range(3, 31))
    assert falling == sorted(set(falling), reverse=True)


@pytest.mark.parametrize("seed", range(4))
def test_groups_are_components_of_keys_with_most_accounts_in_common(seed: int) -> None:
    generator = np.random.default_rng(seed)
    rows = shop(seed, users=60)
    for user in range(24):  # a ring that changes phones, cards and addresses on the net
        for _ in range(3):
            rows.append(
                {
                    "user": f"r{user}",
                    "device": f"D{user % 5}",
                    "payment": f"P{user % 3}",
                    "ip": f"9.9.9.{generator.integers(2)}",
                    "time": float(generator.integers(5 * DAY)),
                }
            )
    visits = index_of(rows).visits
    sharers = read_sharers(visits)
    graph, keeps = nx.Graph(), {}
    for one in sharers:
        for key in np.flatnonzero(one.chosen).tolist():
            rows_at = np.arange(one.accounts.offset[key], one.accounts.offset[key + 1])
            keeps[key + one.view.first_key] = set(one.accounts.user[rows_at[one.attached[rows_at]]].tolist())
    graph.add_nodes_from(keeps)
    for one_key, mine in keeps.items():
        for other, theirs in keeps.items():
            common = len(mine & theirs)
            if one_key < other and common >= 2 and 2 * common >= min(len(mine), len(theirs)):
                graph.add_edge(one_key, other)
    for view in visits.views:
        if view.name == "ip":
            for key in range(view.first_key, view.first_key + view.keys):
                users = set(visits.user[visits.offset[key] : visits.offset[key + 1]].tolist())
                near = [own for own, mine in keeps.items() if len(mine & users) >= 2 and 2 * len(mine & users) >= len(mine)]
                if near and 2 * len(users & set().union(*(keeps[own] for own in near))) >= len(users):
                    graph.add_edges_from((own, key) for own in near)
    group = group_of_keys(sharers, visits)
    found = {frozenset(np.flatnonzero(group == label).tolist()) for label in np.unique(group[group >= 0])}
    assert found == {frozenset(part) for part in nx.connected_components(graph)}
    assert any(len(part) >= 8 for part in found)


def test_attached_is_who_came_again_or_is_nowhere_else_as_often() -> None:
    came = [("once", "D", 0), ("again", "D", 0), ("again", "D", 3), ("half", "D", 2), ("half", "E", 5)]
    came += [("guest", "D", 1), ("guest", "E", 3), ("guest", "E", 6)]
    rows = [{"user": user, "device": device, "time": day * DAY} for user, device, day in came]
    visits = visits_of(event_table(rows))
    found = accounts_of(visits, visits.views[0])
    attached = attached_users(found, np.bincount(visits.user, minlength=visits.users))
    ids = event_table(rows).ids["user"].take(found.user).to_pylist()
    assert {name for name, key, yes in zip(ids, found.key, attached, strict=True) if yes and key == 0} == {"once", "again", "half"}


# Farms.


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("size", "hours", "times"), [(20, 1, 1), (60, 0.02, 1), (9, 0.02, 1), (30, 70, 3)])
def test_a_farm_comes_back_with_all_its_accounts(seed: int, size: int, hours: float, times: int) -> None:
    rows = shop(seed) + farm(size, hours, times, seed)
    (found,) = find_farms(index_of(rows), 0.05)
    assert names([found], rows) == [[f"z{who:03d}" for who in range(size)]]
    assert found.q <= 0.05


@pytest.mark.parametrize("seed", range(6))
def test_honest_people_who_share_are_left_alone(seed: int) -> None:
    generator = np.random.default_rng(seed)
    rows = shop(seed)
    people = sorted({row["user"] for row in rows})
    for _ in range(300):  # a café's terminal: everybody's now and then
        rows.append({"user": str(generator.choice(people)), "device": "cafe", "time": float(generator.integers(DAYS * DAY))})
    for who in range(120):  # a kiosk that newcomers use once, on any day
        rows.append({"user": f"n{who}", "device": "kiosk", "time": float(generator.integers(DAYS * DAY))})
    for who in range(9):  # a large family with one tablet for all
        for _ in range(8):
            rows.append({"user": f"f{who}", "device": "family", "time": float(generator.integers(DAYS * DAY))})
    assert find_farms(index_of(rows), 0.05) == []


@pytest.mark.parametrize("each", [6, 1])  # where visits are few, a farm's device has guests enough who were nowhere else
@pytest.mark.parametrize("seed", range(6))
def test_no_farm_is_left_where_users_are_exchanged(seed: int, each: int) -> None:
    rows = shop(seed, 600 // each, each) + farm(20, 1, 1, seed) + farm(40, 70, 3, seed + 1, begin=20, device="OTHER", ip="9.9.9.9")
    visits = index_of(rows).visits
    assert len(find_farms(index_visits(visits), 0.05)) >= 1
    assert find_farms(index_visits(permute(visits, seed)), 0.05) == []


def test_many_accounts_that_share_things_of_two_kinds_at_any_time() -> None:
    rows = [{**row, "payment": row["device"].replace("phone", "card").replace("tablet", "family")} for row in shop(1)]
    slow = farm(16, DAYS * 24 - 300, 5, begin=0.0, payment="CARD")
    (found,) = find_farms(index_of(rows + slow), 0.05)
    assert len(found.members) == 16
    assert found.closeness.share == 1
    alone = [{key: value for key, value in row.items() if key != "payment"} for row in slow]
    assert find_farms(index_of(rows + alone), 0.05) == []  # one device at any time may be a terminal


def test_more_accounts_than_a_ring_can_have_are_found_by_their_time_alone() -> None:
    """Thousands on one device within an hour are told, if as a crowd; thousands who are on it all the time are a name for none."""
    crowd = farm(1300, 1.0, 5, letter="y", item="i0")
    everywhere = [
        {"user": f"q{who}", "device": "NONE", "ip": "10.9.9.9", "time": float(t), "item": "i1"}
        for who, t in enumerate(np.random.default_rng(5).integers(0, DAYS * DAY, 1300).tolist())
        for _ in range(2)
    ]
    rows = [*shop(3), *crowd, *everywhere]
    (found,) = names(find_farms(index_of(rows), 0.01), rows)
    assert len(found) > 1200
    assert {name[0] for name in found} == {"y"}
    quick = parse_settings({"gnn": {"least_rings": 0}, "rings": {"permutations": 2}}, "test")
    run = detect(event_table(rows), quick)
    (ring,) = run.rings.to_pylist()
    assert (ring["tier"], ring["size"]) == ("review", len(found))
    page = report_data(run, 1)
    (told,) = page["dossiers"]
    assert told["crowd"]["size"] == len(found)
    assert len(told["members"]) == told["crowd"]["core"] < len(found)
    column = page["columns"]["members"].index("standing")
    standing = {row["node_id"]: row["standing"] for row in run.members.to_pylist() if row["node_type"] == "user"}
    assert sum(one == "act" for one in standing.values()) == sum(row[column] == "act" for row in told["members"]) > 0
    assert f"{len(found):,} share 1 thing " in told["verdict"]["en"]
    place = {column: number for number, column in enumerate(page["columns"]["events"])}["member"]
    assert {row[place] for row in told["events"]} <= set(range(len(told["members"])))


def test_whoever_had_the_device_before_is_no_member() -> None:
    owner = [{"user": "owner", "device": "FARM", "time": float(day * DAY)} for day in range(1, 28, 3)]
    rows = shop(2) + farm(12, 1) + owner
    (found,) = find_farms(index_of(rows), 0.05)
    assert "owner" not in names([found], rows)[0]
    assert found.closeness.accounts == 13


def test_a_farm_on_a_thing_that_has_more_regulars_than_the_farm_has_accounts_is_told_with_that_thing() -> None:
    regulars = [
        {"user": f"w{who:03d}", "device": "FARM", "time": float((9 * week + 1) * DAY + 9000 * who)}
        for who in range(18)
        for week in range(3)
    ]
    rows = shop(3) + farm(12, 1) + regulars
    (found,) = find_farms(index_of(rows), 0.05)
    assert len(found.keys) == 1  # without a thing it could neither be told nor be judged again
    run = detect(event_table(rows), Settings())
    (ring,) = [ring_id for ring_id in run.rings["ring_id"].to_pylist() if len(Replay(Recorded(run), ring_id).whole().members) == 12]
    assert build_dossier(Recorded(run), run.ring(ring)).reasons


def test_logs_without_times_or_without_such_things() -> None:
    rows = shop(3) + farm(20, 1)
    assert find_farms(index_of([{**row, "time": None} for row in rows]), 0.05) == []
    assert find_farms(index_of([{"user": row["user"], "ip": "10.1.1.1", "time": row["time"]} for row in rows]), 0.05) == []


# Runs.


@pytest.fixture(scope="module")
def farm_run() -> Run:
    quick = parse_settings({"gnn": {"least_rings": 0}, "rings": {"permutations": 2}}, "test")
    rows = shop(4) + farm(24, 2, 2, ip="9.9.9.9") + farm(6, 0.02, 1, 9, begin=20, letter="y", device="SMALL")
    return detect(event_table(rows), quick)


def test_things_of_two_kinds_make_an_alert_and_a_device_alone_a_review(farm_run: Run) -> None:
    members = farm_run.members.to_pylist()
    found = {}
    for ring in farm_run.rings.to_pylist():
        own = [row for row in members if row["ring_id"] == ring["ring_id"]]
        users = {row["node_id"] for row in own if row["node_type"] == "user"}
        things = {row["node_id"] for row in own if row["node_type"] != "user"}
        found[ring["tier"], frozenset(users)] = things
        assert ring["first_seen"] is not None
    assert found == {
        ("alert", frozenset(f"z{who:03d}" for who in range(24))): {"FARM", "9.9.9.9"},
        ("review", frozenset(f"y{who:03d}" for who in range(6))): {"SMALL"},
    }


@pytest.mark.parametrize("rank", [1, 2])
def test_a_replay_finds_the_same_farm_and_less_of_it_with_less(farm_run: Run, rank: int) -> None:
    ring = farm_run.ring(str(rank))
    replay = Replay(Recorded(farm_run), ring.id)
    users = replay.small.events.ids["user"]
    assert len(replay.whole().members) == ring.row["size"]
    assert replay.whole().strength == pytest.approx(ring.row["strength"])
    assert replay.judgement.tier == ring.row["tier"]
    events = len(replay.small.events)
    same = replay.without_events(np.zeros(events, np.bool_))
    assert (same.tier, same.strength, len(same.members)) == (ring.row["tier"], pytest.approx(ring.row["strength"]), ring.row["size"])
    one = users.index(same.members[0]).as_py()
    fewer = replay.without_events(replay.small.events.codes["user"] == one)
    assert set(same.members) - set(fewer.members) == {same.members[0]}
    assert fewer.strength < same.strength
    assert replay.without_events(np.ones(events, np.bool_)).tier == GONE
    assert replay.without_view("device").tier == GONE


def test_a_farm_is_told_where_nothing_else_is_found() -> None:
    quick = parse_settings({"gnn": {"least_rings": 0}, "rings": {"permutations": 1}}, "test")
    run = detect(
        event_table(farm(12, 0.02) + [{"user": f"u{who}", "device": f"d{who}", "time": float(who * DAY)} for who in range(28)]), quick
    )
    assert run.meta["background"]["found_strengths"] == []
    assert build_dossier(Recorded(run), run.ring("1")).ring["tier"] == "review"


@pytest.mark.parametrize("rank", [1, 2])
def test_a_dossier_tells_of_a_farm_in_both_languages(farm_run: Run, rank: int) -> None:
    recorded = Recorded(farm_run)
    dossier = build_dossier(recorded, farm_run.ring(str(rank)))
    size = dossier.ring["size"]
    told = dict(dossier.reasons)
    assert "farm_minutes" in told
    assert "shuffled_logs" not in told
    assert told["device_farm"]["members"] == size
    assert dossier.facts["what"]["events"] == len(dossier.events["inside"]) == (48 if rank == 1 else 6)
    assert dossier.events["witness"] == []
    for language in ("en", "zh"):
        sentences = [*dossier.told("for", language), *dossier.told("caution", language), dossier.verdict(language)]
        assert all("{" not in sentence for sentence in sentences)
    assert ("one_kind" in {one.claim.name for one in dossier.objections if one.holds}) == (rank == 2)
    assert not any(code in told for code in ("nat_like", "small"))
    assert "coincidence" not in dossier.verdict("en")
    assert any(f"{size} of them did so within" in sentence for sentence in dossier.told("for", "en"))
    assert dossier.as_dict(recorded)["facts"]["farm"]["inside"] == size
