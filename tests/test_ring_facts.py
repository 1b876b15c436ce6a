"""Facts of a ring, theme by theme, against the obvious count over the log's rows."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import event_table
from scipy.stats import beta, binom
from test_growth import grower_of

from graphdet.arrays import Bool
from graphdet.events import NO_TIME, EventTable
from graphdet.judging.log_index import LogIndex, index_log, index_part
from graphdet.judging.ring_facts import RingFacts, measure_ring, measure_rings
from graphdet.judging.ring_time import time_of_ring
from graphdet.judging.stakes import measure_stakes
from graphdet.rings.growth import Grown
from graphdet.settings import EvidenceSettings, Settings
from graphdet.visits.index import index_visits
from graphdet.visits.visits import collect_visits

DAY, HOUR = 86_400, 3_600
ACTIONS = ("view", "order", "pay", "refund", "cancel", "coupon", None)
KINDS = ("item", "device", "ip", "seller", "payment", "address")
CATEGORIES = 3


@dataclass(frozen=True)
class Case:
    """A ring in a log: as the code sees it, and as rows of codes (`at` in seconds, −1 for none)."""

    facts: RingFacts
    log: LogIndex
    rows: pd.DataFrame
    own: pd.DataFrame  # rows of members
    inside: pd.DataFrame  # those at item targets in their time


def made_log(seed: int, times: str) -> EventTable:
    """Forty users at a dozen items within eight days, with all that an event may have, and some without this and that.

    `times`: instants, dates, or none.
    """
    generator = np.random.default_rng(seed)
    step = DAY if times == "dates" else 1
    rows: list[dict[str, Any]] = []
    for _ in range(900):
        item = int(generator.integers(12))
        row: dict[str, Any] = {
            "user": f"u{generator.integers(40):02d}",
            "item": f"i{item:02d}",
            "seller": f"s{item % 4}",
            "device": f"d{generator.integers(9)}",
            "ip": f"a{generator.integers(7)}",
            "payment": f"p{generator.integers(30):02d}",
            "address": f"h{generator.integers(8)}",
            "action": ACTIONS[generator.integers(len(ACTIONS))],
            "amount": float(generator.integers(100)),
        }
        if times != "none":
            row["time"] = int(generator.integers(8 * DAY)) // step * step
        for name in ("item", "device", "ip", "address", "seller", "amount"):
            if generator.random() < 0.1:
                del row[name]
        rows.append(row)
    events = event_table(rows)
    category = generator.integers(-1, CATEGORIES, events.count("item")).astype(np.int32)
    return replace(events, item_category=category, categories=tuple(f"c{n}" for n in range(CATEGORIES)))


def any_ring(log: LogIndex, seed: int) -> Grown:
    """Some users, and some keys of every view with a time each, as if somebody had grown them."""
    generator = np.random.default_rng(seed + 100)
    visits = log.visits.visits
    members = np.sort(generator.choice(visits.users, 9, replace=False)).astype(np.int32)
    targets = np.sort(generator.choice(visits.keys, visits.keys // 3, replace=False)).astype(np.int32)
    start = generator.integers(0, 5 * DAY, len(targets)).astype(np.int32)
    many = generator.integers(1, 6, (2, len(targets))).astype(np.int32)
    end = (start + generator.integers(0, 4 * DAY, len(targets))).astype(np.int32)
    timed = log.events.time is not None
    return Grown(members, np.ones(len(members)), targets, start * timed, end * timed, many[0], many[1], np.ones(len(targets)), 50.0)


def rows_of(events: EventTable) -> pd.DataFrame:
    columns: dict[str, Any] = {name: events.codes[name] for name in ("user", *KINDS)}
    at = (events.time - events.time.min()) // 1_000_000 if events.time is not None else np.zeros(len(events), np.int64)
    action = np.array([*events.actions, ""])[events.action]
    assert events.amount is not None
    return pd.DataFrame({**columns, "at": at, "action": action, "amount": events.amount})


@pytest.fixture(scope="module", params=[(seed, times) for seed in range(3) for times in ("instants", "dates", "none")], ids=str)
def case(request: pytest.FixtureRequest) -> Case:
    seed, times = request.param
    events = made_log(seed, times)
    log = index_log(events, index_visits(collect_visits(events, EvidenceSettings(), Settings().view)))
    ring = any_ring(log, seed)
    rows = rows_of(events)
    own = rows[rows["user"].isin(ring.members)]
    told = {code: time for (kind, code), time in targets_of(log, ring).items() if kind == "item"}
    within = [item in told and told[item][0] <= at <= told[item][1] for item, at in zip(own["item"], own["at"], strict=True)]
    facts = measure_ring(ring, log, grower_of(log.visits))
    assert any(within)
    return Case(facts, log, rows, own, own[within])


def targets_of(log: LogIndex, ring: Grown) -> dict[tuple[str, int], tuple[int, int, int]]:
    """(kind, code) → start, end and place of each target."""
    found = {}
    for place, key in enumerate(ring.targets.tolist()):
        view = next(view for view in log.visits.visits.views if view.first_key <= key < view.first_key + view.keys)
        found[view.name, key - view.first_key] = (int(ring.start[place]), int(ring.end[place]), place)
    return found


def test_presence(case: Case) -> None:
    grown, presence = case.facts.grown, case.facts.presence
    events = case.log.events
    for (kind, code), (start, end, place) in targets_of(case.log, grown).items():
        there = case.own[(case.own[kind] == code) & case.own["at"].between(start, end)]
        assert presence.target_events[place] == len(there)
        times = there["at"] * 1_000_000 + case.log.start if events.time is not None and len(there) else pd.Series([int(NO_TIME)])
        assert (presence.target_first[place], presence.target_last[place]) == (times.min(), times.max())
        # Visits are drops of events close together, so who has an event there then may have begun the visit before.
        met = {grown.members[who] for who in np.flatnonzero(presence.met[:, place])}
        assert met <= set(there["user"])
    for place, user in enumerate(grown.members):
        there = case.inside[case.inside["user"] == user]
        assert presence.member_events[place] == len(there)
        times = there["at"] * 1_000_000 + case.log.start if events.time is not None and len(there) else pd.Series([int(NO_TIME)])
        assert (presence.member_first[place], presence.member_last[place]) == (times.min(), times.max())
    # Members meet at items, or at anything where no item is a target; nothing is timed better than to a second here.
    kinds = [kind for kind, _ in targets_of(case.log, grown)]
    met = [
        min(at) * 1_000_000 + case.log.start
        for (kind, code), (start, end, _) in targets_of(case.log, grown).items()
        if kind == "item" or "item" not in kinds
        for _, at in case.own[(case.own[kind] == code) & case.own["at"].between(start, end)].groupby("user")["at"]
    ]
    if events.time is None:
        assert presence.days == 0
    elif "item" in kinds:
        assert (presence.start, presence.end) == time_of_ring(np.array(met))
        assert presence.days == pytest.approx((presence.end - presence.start) / 1_000_000 / DAY)
        assert presence.until >= presence.end
    if events.time is None or not len(case.inside):
        assert math.isnan(presence.apart)
        assert math.isnan(presence.hours)
        return
    at = case.inside.groupby("item")["at"]
    assert presence.hours == pytest.approx((at.quantile(0.75) - at.quantile(0.25)).median() / HOUR)
    span = (at.median().max() - at.median().min()) / case.log.end
    expected = beta.cdf(span, len(at) - 1, 2) if len(at) > 1 else math.nan  # the range of n even draws is Beta(n − 1, 2)
    assert presence.apart == pytest.approx(expected, nan_ok=True)


def test_devotion(case: Case) -> None:
    grown, devotion = case.facts.grown, case.facts.devotion
    places = [place for (kind, _), (_, _, place) in targets_of(case.log, grown).items() if kind == "item"]
    at_items = [sum(bool(row[place]) for place in places) for row in case.facts.presence.met]
    assert devotion.density == pytest.approx(sum(at_items) / len(grown.members) / len(places))
    assert devotion.two_target_share == pytest.approx(sum(many <= 2 for many in at_items) / len(grown.members))
    assert devotion.dedication == pytest.approx(len(case.inside) / (case.own["item"] >= 0).sum())
    visits = case.log.visits.visits
    item_view = next(view for view in visits.views if view.name == "item")
    per_visit = (case.rows["item"] >= 0).sum() / (visits.offset[item_view.first_key + item_view.keys] - visits.offset[item_view.first_key])
    assert devotion.attention == pytest.approx(len(case.inside) / len(grown.members) / per_visit)
    touched = case.inside.groupby(["user", "item"]).size()
    expected = math.nan if case.log.events.time is not None else touched.mean() / per_visit
    assert devotion.repeats == pytest.approx(expected, nan_ok=True)


def test_tastes(case: Case) -> None:
    busy = case.inside["at"].floordiv(DAY).value_counts() if len(case.inside) else pd.Series(dtype=int)
    days = case.log.end // DAY + 1
    busy_days = {day for day, many in busy.items() if many > 0.5 * len(case.inside) / days}
    if len(case.inside):
        first, last = (math.floor(case.inside["at"].quantile(share) / DAY) for share in (0.05, 0.95))
        campaign = set(range(first - 1, last + 4))
        busy_days |= campaign if 2 * len(campaign) < days else set()
    quiet = case.own[(case.own["item"] >= 0) & ~case.own["at"].floordiv(DAY).isin(busy_days)].drop(case.inside.index, errors="ignore")
    at_items = case.rows[case.rows["item"] >= 0]
    seller = case.rows[(case.rows["item"] >= 0) & (case.rows["seller"] >= 0)].groupby("item")["seller"].last()
    kinds = (
        (case.facts.tastes.taste, dict(enumerate(case.log.events.item_category.tolist()))),
        (case.facts.tastes.seller_taste, {item: seller.get(item, -1) for item in at_items["item"].unique()}),
    )
    items = [code for (kind, code) in targets_of(case.log, case.facts.grown) if kind == "item"]
    for found, group in kinds:
        wanted = {group[item] for item in items} - {-1}
        own = sum(group[item] in wanted for item in quiet["item"])
        usual = len(quiet) * sum(group[item] in wanted for item in at_items["item"]) / len(at_items)
        assert found == pytest.approx(math.log10((own + 1) / (usual + 1)))


def visits_to(case: Case) -> dict[int, list[tuple[int, int]]]:
    """User and second of each visit to each item target, by its place."""
    visits, found = case.log.visits.visits, {}
    for (kind, _), (_, _, place) in targets_of(case.log, case.facts.grown).items():
        if kind == "item":
            key = case.facts.grown.targets[place]
            found[place] = [(int(visits.user[at]), int(visits.time[at])) for at in range(visits.offset[key], visits.offset[key + 1])]
    return found


def test_surroundings(case: Case) -> None:
    grown, found = case.facts.grown, case.facts.surroundings
    members = set(grown.members.tolist())
    crowd, rush, outsiders = [], [], []
    for place, came in visits_to(case).items():
        start, end = int(grown.start[place]), int(grown.end[place])
        mine = [at for user, at in came if user in members and start <= at <= end]
        near = [user in members for own in mine for user, at in came if abs(own - at) <= HOUR / 2]
        others = [at for user, at in came if user not in members]
        long = end - start + 1 + HOUR
        rate = sum(at < start - HOUR / 2 or at > end + HOUR / 2 for at in others) / max(case.log.end + 1 - long, long)
        strangers, usual = len(near) - sum(near), len(mine) * rate * HOUR
        beyond = max(strangers - usual, 0)
        crowd.append(beyond / max(sum(near) + beyond, 1))
        rush.append(math.log10((strangers + 1) / (usual + 1)))
        there = sum(start <= at <= end for at in others) - rate * (end - start + 1)
        outsiders.append(max(there, 0) / grown.visitors[place])
    assert found.crowd == pytest.approx(np.mean(crowd))
    assert found.rush == pytest.approx(np.mean(rush) if case.log.events.time is not None else 0.0)
    assert found.outsiders_per_member == pytest.approx(np.median(outsiders))


def test_sittings(case: Case) -> None:
    grown, found = case.facts.grown, case.facts.sittings
    if case.log.events.time is None:
        assert all(map(math.isnan, (found.one_sitting, found.one_day, found.together, found.half_days)))
        return
    members = set(grown.members.tolist())
    came = [(place, user, at) for place, visits in visits_to(case).items() for user, at in visits]
    mine = [(place, user, at) for place, user, at in came if user in members and grown.start[place] <= at <= grown.end[place]]
    others = [visit for visit in came if visit[1] not in members]

    def at_once(visits: list[tuple[int, int, int]]) -> float:
        met = [{q for q, v, then in visits if v == user and q != place and abs(then - at) <= HOUR} for place, user, at in visits]
        return sum(len(places) for places in met)

    times = pd.DataFrame(mine, columns=["place", "user", "at"]).groupby("user")["at"]
    if all(at % DAY == 0 for _, _, at in came):  # bare dates
        assert math.isnan(found.one_sitting)
        assert math.isnan(found.together)
        days = [sorted(at // DAY for there, _, at in mine if there == place) for place, _, _ in mine]
        half = [min(last - first for first, last in zip(own, own[(len(own) - 1) // 2 :], strict=False)) + 1 for own in days]
        assert found.half_days == pytest.approx(np.mean(half))
        assert found.one_day == pytest.approx((times.max() == times.min()).mean())
        return
    assert math.isnan(found.half_days)
    assert math.isnan(found.one_day)
    assert found.one_sitting == pytest.approx((times.max() - times.min() <= HOUR).mean())
    expected = at_once(others) / (len(others) + 1) / (at_once(mine) / len(mine)) if at_once(mine) else 0.0
    assert found.together == pytest.approx(expected)


def test_ages(case: Case) -> None:
    if case.log.events.time is None or not len(case.inside):
        assert math.isnan(case.facts.ages.new_beyond)
        assert math.isnan(case.facts.ages.of_all)
        return
    first = case.rows.groupby("user")["at"].min() // DAY
    new = first.between(case.inside["at"].min() // DAY - 1, case.inside["at"].max() // DAY)
    assert case.facts.ages.new_beyond == pytest.approx(new[new.index.isin(case.facts.grown.members)].mean() - new.mean())
    about = case.rows.assign(day=case.rows["at"] // DAY)[["user", "day"]].drop_duplicates()
    about = about[about["day"].between(case.inside["at"].min() // DAY, case.inside["at"].max() // DAY)]
    assert case.facts.ages.of_all == pytest.approx(about["user"].isin(case.facts.grown.members).mean())


def test_dealings(case: Case) -> None:
    found, touched = case.facts.dealings, len(case.inside.groupby(["user", "item"]))
    assert found.amount == pytest.approx(bought(case)["amount"].sum())
    for value, words in ((found.ordered, ("order", "pay")), (found.refunded, ("refund", "cancel")), (found.coupons, ("coupon",))):
        assert value == pytest.approx(len(case.inside[case.inside["action"].isin(words)].groupby(["user", "item"])) / touched)
    targets = {code: place for (kind, code), (_, _, place) in targets_of(case.log, case.facts.grown).items() if kind == "item"}
    known = case.rows[(case.rows["item"].isin(targets)) & (case.rows["seller"] >= 0)].groupby("item")["seller"].last()
    assert found.sellers == known.nunique()
    met = case.facts.presence.met
    by_seller = {seller: sum(met[:, targets[item]].sum() for item in known[known == seller].index) for seller in known}
    assert found.top_seller == pytest.approx(max(by_seller.values()) / met[:, list(targets.values())].sum())


def bought(case: Case) -> pd.DataFrame:
    """Members' orders; payments where no order has an amount; all that is neither a refund nor a cancellation where there are neither."""
    priced = case.rows.dropna(subset=["amount"])["action"].value_counts()
    verb = next((word for word in ("order", "pay") if word in priced), None)
    rows = case.inside
    return rows[rows["action"] == verb] if verb else rows[~rows["action"].isin(["refund", "cancel"])]


def test_stakes(case: Case) -> None:
    """What is at stake, item by item, in plain loops."""
    (found,) = measure_stakes([case.facts.grown], case.log)
    mine, total, users = bought(case), 0.0, case.log.events.count("user")
    size = len(case.facts.grown.members)
    verbs = set(mine["action"])
    for (kind, code), (start, end, _) in targets_of(case.log, case.facts.grown).items():
        if kind != "item":
            continue
        own = mine[(mine["item"] == code) & mine["at"].between(start, end)]
        there = case.rows[(case.rows["item"] == code) & case.rows["at"].between(start, end) & case.rows["action"].isin(verbs)]
        others = there[~there["user"].isin(case.facts.grown.members)]
        place = found.item.tolist().index(code)
        assert (found.own[place], found.others[place]) == (len(own), len(others))
        inflated = max(len(own) - size * len(others) / (users - size), 0)
        assert found.inflated[place] == pytest.approx(inflated)
        total += own["amount"].sum() * inflated / max(len(own), 1)
    assert found.value == pytest.approx(total)


def rows_at_own(case: Case) -> dict[str, pd.DataFrame]:
    """Of each kind of shared thing, members' events with those that they have to themselves, in their time."""
    grown, found = case.facts.grown, dict.fromkeys(("device", "ip", "payment", "address"), case.own[:0])
    for (kind, code), (start, end, place) in targets_of(case.log, grown).items():
        if kind in found and grown.visitors[place] >= 3 and 2 * grown.outsiders[place] <= grown.visitors[place]:
            there = case.own[(case.own[kind] == code) & case.own["at"].between(start, end)]
            found[kind] = pd.concat([found[kind], there])
    return found


@pytest.mark.parametrize("farm", [False, True])
def test_sharing(case: Case, farm: bool) -> None:
    facts = measure_ring(case.facts.grown, case.log, grower_of(case.log.visits), farm=farm)
    found, size = facts.sharing, len(facts.grown.members)
    assert found.own_things == sum(kind in ("device", "payment") for kind, _ in targets_of(case.log, case.facts.grown))
    on_device = case.inside[case.inside["device"] >= 0].groupby("device")["user"].agg(set)
    together = set().union(*(users for users in on_device if len(users) >= 3))
    at_own = rows_at_own(case) if farm else dict.fromkeys(("device", "payment"), case.own[:0])
    together |= set(at_own["device"]["user"])
    assert found.device_share == pytest.approx(len(together) / size)
    address = case.own[case.own["address"] >= 0].groupby("address")["user"].nunique()
    assert found.address_share == pytest.approx(address.max() / size)
    kinds = [kind for kind, rows in at_own.items() if 2 * rows["user"].nunique() > size]
    assert found.own_kinds == (len(kinds) if {"device", "payment"} & set(kinds) else min(len(kinds), 1))
    elsewhere = case.own.drop(case.inside.index)
    network = elsewhere[elsewhere["ip"] >= 0].groupby("ip")["user"].nunique()
    users = case.rows[case.rows["ip"] >= 0].groupby("ip")["user"].nunique()
    networks = elsewhere[elsewhere["ip"] >= 0].groupby("user")["ip"].nunique().reindex(case.facts.grown.members, fill_value=0)
    chance = {
        ip: len(network) * binom.sf(many - 1, size, (1 - (1 - users[ip] / users.sum()) ** networks).mean()) for ip, many in network.items()
    }
    of_many = {ip: value for ip, value in chance.items() if network[ip] >= 3} or {network.idxmax(): chance[network.idxmax()]}
    assert found.place_chance == pytest.approx(min(*of_many.values(), 1.0))
    assert (found.place_share * size, found.place_users) in {
        (network[ip], users[ip]) for ip, value in of_many.items() if min(value, 1.0) == pytest.approx(found.place_chance)
    }


def test_scalars_are_all_numbers_of_all_themes(case: Case) -> None:
    facts = case.facts
    themes = (facts.devotion, facts.tastes, facts.surroundings, facts.dealings, facts.sharing, facts.sittings, facts.ages)
    expected = {name: value for theme in themes for name, value in vars(theme).items() if name != "amount"} | {
        name: getattr(facts.presence, name) for name in ("days", "apart", "hours")
    }
    assert facts.scalars() == pytest.approx(expected, nan_ok=True)


def test_facts_do_not_hang_on_the_rings_that_are_measured_with_a_ring(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    log, grower = case.log, grower_of(case.log.visits)
    rings = [any_ring(log, seed) for seed in range(5)]
    items = log.visits.view == log.visits.item_view
    for place in (1, 3):  # rings without items stand between the others
        rings[place] = without_targets(rings[place], items[rings[place].targets])
    alone = [measure_ring(ring, log, grower) for ring in rings]
    for rows in (1 << 16, 500, 1):  # all at once, some of them, each alone
        monkeypatch.setattr("graphdet.judging.ring_facts.ROWS", rows)
        for together, facts in zip(measure_rings(rings, log, grower, threads=2), alone, strict=True):
            np.testing.assert_equal(asdict(together), asdict(facts))


def without_targets(ring: Grown, left_out: Bool) -> Grown:
    columns = ("targets", "start", "end", "visitors", "outsiders", "gain")
    return replace(ring, **{name: getattr(ring, name)[~left_out] for name in columns})


def test_a_part_of_a_log_has_the_whole_log_s_numbers(case: Case) -> None:
    whole = case.log
    told = {"category_share": np.full(CATEGORIES + 1, 0.25), "seller_share": np.zeros(0), "users_of_ip": whole.users_of_ip + 1}
    told |= {"users_of_ips": whole.users_of_ips, "new_by_day": whole.new_by_day, "users_by_day": whole.users_by_day, "deal": whole.deal}
    part = index_part(whole.events, whole.visits, start=whole.start, end=whole.end + DAY, events_per_visit=2.0, **told)
    assert (part.end, part.events_per_visit) == (whole.end + DAY, 2.0)
    ring = case.facts.grown
    facts = measure_ring(ring, part, grower_of(whole.visits))
    assert math.isnan(facts.tastes.seller_taste)
    assert facts.sharing.place_users == case.facts.sharing.place_users + 1
    assert facts.devotion.attention == pytest.approx(case.facts.devotion.attention * whole.events_per_visit / 2.0)


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        ({"end": -1}, r"the last visit cannot be before the first event \(found -1 seconds after it\)"),
        ({"category_share": np.zeros(2)}, r"category_share must have 0 or 4 values \(found 2\)"),
        ({"seller_share": np.zeros(2)}, r"seller_share must have 0 or 5 values \(found 2\)"),
        ({"users_of_ip": np.zeros(2, np.int64)}, r"users_of_ip must have 7 values \(found 2\)"),
        ({"offset": np.zeros(2, np.int64)}, r"offset must have 41 values \(found 2\)"),
        ({"item_seller": np.zeros(2, np.int32)}, r"item_seller must have 12 values \(found 2\)"),
        ({"coupons": np.zeros(2, np.bool_)}, r"coupons must have 7 values \(found 2\)"),
        ({"by_user": np.zeros(2, np.int64)}, r"by_user must have 900 values \(found 2\)"),
    ],
)
def test_an_index_refuses_what_is_not_of_its_log(case: Case, wrong: dict[str, Any], found: str) -> None:
    with pytest.raises(ValueError, match=found):
        replace(case.log, **wrong)


def test_facts_refuse_another_ring_s_presence(case: Case) -> None:
    grown = case.facts.grown
    fewer = replace(grown, members=grown.members[1:], contribution=grown.contribution[1:])
    with pytest.raises(ValueError, match=r"facts must be of the ring's \(8, \d+\) members and targets \(found \(9, \d+\)\)"):
        replace(case.facts, grown=fewer)
