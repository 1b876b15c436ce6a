"""The run's tables: every number of rings, members and evidence again from the raw log, by pandas."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from text_groups import with_text_groups

from graphdet.events import read_events
from graphdet.judging.judged_ring import ring_id
from graphdet.pipeline import detect
from graphdet.run.folder import Run
from graphdet.schema import KEY_ROLES, NODE_TYPE, TIERS, USER_ROLES
from graphdet.schema.lookalikes import look_alike_names
from graphdet.settings import EvidenceSettings, RingSettings, Settings, TierSettings
from graphdet.simulate import preset, simulate, write_market

names = st.lists(st.text(max_size=4), min_size=1, max_size=6, unique=True)


@given(names, st.randoms(use_true_random=False))
def test_a_ring_has_one_id_in_any_order(users: list[str], random) -> None:  # type: ignore[no-untyped-def]
    shuffled = list(users)
    random.shuffle(shuffled)
    assert ring_id(shuffled) == ring_id(users)


@given(names, names)
def test_other_members_have_another_id(one: list[str], other: list[str]) -> None:
    assert (ring_id(one) == ring_id(other)) == (set(one) == set(other))


def test_ids_that_run_together_are_told_apart() -> None:
    groups = [["a", "b"], ["ab", ""], ["ab"], ["a"], ["b"], ["a,b"], ["a\0b"], ["", "a", "b"], ["1", "11"], ["111"], ["a", "b", "c"]]
    assert len({ring_id(group) for group in groups}) == len(groups)


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, Run]:
    """The demo market's log as pandas reads it, and its run."""
    folder: Path = tmp_path_factory.mktemp("market") / "demo"
    write_market(simulate(preset("demo", events=30_000), seed=3), folder)
    log = with_text_groups(pd.read_parquet(folder / "events.parquet"))
    assert log["event_id"].is_unique
    run = detect(
        read_events([folder / "events.parquet"]), Settings(rings=RingSettings(permutations=2), tiers=TierSettings(objections_most=6))
    )
    assert run.rings.num_rows >= 5
    assert "alert" in run.rings["tier"].to_pylist()
    return log, run


@pytest.fixture(scope="module")
def log(market: tuple[pd.DataFrame, Run]) -> pd.DataFrame:
    return market[0]


@pytest.fixture(scope="module")
def run(market: tuple[pd.DataFrame, Run]) -> Run:
    return market[1]


def members_of(run: Run, ring: str, node_type: str = "user") -> pd.DataFrame:
    """Rows of the members table."""
    of_ring = pc.and_(pc.equal(run.members["ring_id"], ring), pc.equal(run.members["node_type"], node_type))
    return run.members.filter(of_ring).to_pandas()


def events_inside(log: pd.DataFrame, run: Run, ring: str, node_type: str = "item") -> pd.DataFrame:
    """Members' events on the ring's targets, from each target's first to its last event inside the ring."""
    own = log[log["user_id"].isin(members_of(run, ring)["node_id"])]
    targets = members_of(run, ring, node_type)[["node_id", "first_seen", "last_seen"]]
    own = own.merge(targets, left_on=NODE_TYPE[node_type].column, right_on="node_id")
    return own[(own["timestamp"] >= own["first_seen"]) & (own["timestamp"] <= own["last_seen"])]


def visits_of(log: pd.DataFrame, column: str, hours: float) -> pd.DataFrame:
    """One user at one key once per window: a return within the window after a visit began is no new visit."""
    given = log.dropna(subset=[column]).sort_values("timestamp", kind="stable")
    second = ((given["timestamp"] - log["timestamp"].min()) // pd.Timedelta(seconds=1)).to_numpy()
    last: dict[tuple[str, str], int] = {}
    kept = []
    for who, key, when in zip(given["user_id"], given[column], second.tolist(), strict=True):
        if (who, key) not in last or when - last[who, key] > hours * 3600:
            last[who, key] = when
            kept.append(True)
        else:
            kept.append(False)
    return given.assign(second=second)[kept]


def test_the_members_table_counts_events_of_users_on_targets(log: pd.DataFrame, run: Run) -> None:
    for ring in run.rings["ring_id"].to_pylist():
        inside = events_inside(log, run, ring).groupby("user_id")["timestamp"].agg(["size", "min", "max"])
        members = members_of(run, ring).set_index("node_id")
        assert set(inside.index) == set(members.index)  # every member was at a target in its time
        inside = inside.reindex(members.index)
        assert members["events"].tolist() == inside["size"].tolist()
        assert members["first_seen"].tolist() == inside["min"].tolist()
        assert members["last_seen"].tolist() == inside["max"].tolist()


def test_the_members_table_counts_events_at_everything_shared(log: pd.DataFrame, run: Run) -> None:
    seen = set()
    for ring in run.rings["ring_id"].to_pylist():
        for node_type in KEY_ROLES:
            rows = members_of(run, ring, node_type).set_index("node_id")
            if not len(rows):
                continue
            seen.add(node_type)
            assert (rows["role"] == KEY_ROLES[node_type]).all()
            assert rows.index.is_unique
            inside = events_inside(log, run, ring, node_type).groupby(NODE_TYPE[node_type].column)
            found = inside["timestamp"].agg(["size", "min", "max"]).reindex(rows.index)
            assert rows["events"].tolist() == found["size"].tolist()
            assert rows["first_seen"].tolist() == found["min"].tolist()
            assert rows["last_seen"].tolist() == found["max"].tolist()
            assert (inside["user_id"].nunique() >= 2).all()
            assert (rows["contribution"] > 0).all()
    assert {"item", "device", "ip"} <= seen


def time_of_meetings(inside: pd.DataFrame) -> tuple[pd.Timestamp, pd.Timestamp]:
    """The shortest stretch with all meetings but one in twenty, and one by one what lies within half of its length, or a day, of it."""
    first = inside.groupby(["user_id", "item_id"])["timestamp"].min().reset_index()
    times = sorted(first[["user_id", "timestamp"]].drop_duplicates()["timestamp"])
    kept = len(times) - (max(len(times) // 20, 1) if len(times) >= 8 else 0)
    low = min(range(len(times) - kept + 1), key=lambda place: times[place + kept - 1] - times[place])
    own = times[low : low + kept]
    reach = max(pd.Timedelta(days=1), (own[-1] - own[0]) / 2)
    for earlier in reversed(times[:low]):
        own = [earlier, *own] if own[0] - earlier <= reach else own
    for later in times[low + kept :]:
        own = [*own, later] if later - own[-1] <= reach else own
    return own[0], own[-1]


def test_the_rings_table_again_by_pandas(log: pd.DataFrame, run: Run) -> None:
    visits = visits_of(log, "item_id", Settings().view["item"].windows[0])
    for row in run.rings.to_pylist():
        ring = row["ring_id"]
        members, targets = members_of(run, ring), members_of(run, ring, "item")
        inside = events_inside(log, run, ring)
        own = log[log["user_id"].isin(members["node_id"])]
        assert ring == ring_id(members["node_id"].tolist())
        assert row["size"] == len(members) == members["node_id"].nunique()
        assert row["targets"] == len(targets)
        assert row["devices"] == len(members_of(run, ring, "device"))
        assert row["ips"] == len(members_of(run, ring, "ip"))
        assert row["events"] == len(inside)
        assert (pd.Timestamp(row["first_seen"]), pd.Timestamp(row["last_seen"])) == time_of_meetings(inside)
        bought = inside[inside["action"] == ("order" if (log["action"] == "order").any() else "pay")]
        assert row["amount"] == pytest.approx(bought["amount"].sum())
        assert row["dedication"] == pytest.approx(len(inside) / own["item_id"].notna().sum())
        met = visits[visits["user_id"].isin(members["node_id"])].merge(targets, left_on="item_id", right_on="node_id")
        met = met[(met["timestamp"] >= met["first_seen"].dt.floor("s")) & (met["timestamp"] <= met["last_seen"])]
        there = met.groupby(["user_id", "item_id"]).ngroups
        assert row["density"] == pytest.approx(there / (len(members) * len(targets)))


def test_taste_again_by_pandas(log: pd.DataFrame, run: Run) -> None:
    category = log.dropna(subset=["item_id"]).groupby("item_id")["category"].agg(lambda given: given.value_counts().index[0])
    start = log["timestamp"].min()
    days = int((log["timestamp"].max() - start) / pd.Timedelta(days=1)) + 1
    item_category = log["item_id"].map(category)
    share = item_category[log["item_id"].notna()].value_counts(normalize=True)
    for row in run.rings.to_pylist():
        members, targets = members_of(run, row["ring_id"])["node_id"], members_of(run, row["ring_id"], "item")["node_id"]
        inside = events_inside(log, run, row["ring_id"])
        seconds = (inside["timestamp"] - start) // pd.Timedelta(seconds=1)
        per_day = (seconds // 86_400).value_counts()
        busy = set(per_day.index[per_day > 0.5 * len(inside) / days])
        campaign = range(int(seconds.quantile(0.05) // 86_400) - 1, int(seconds.quantile(0.95) // 86_400) + 4)  # a day before, three after
        if 2 * len(campaign) < days:
            busy |= set(campaign)
        own = log[log["user_id"].isin(members) & log["item_id"].notna() & ~log["event_id"].isin(inside["event_id"])]
        other = own[~((own["timestamp"] - start) // pd.Timedelta(days=1)).isin(busy)]
        kinds = category[targets].unique()
        expected = len(other) * share[kinds].sum()
        assert row["taste"] == pytest.approx(np.log10((item_category[other.index].isin(kinds).sum() + 1) / (expected + 1)))


def test_ranks_scores_and_roles_are_in_order(run: Run) -> None:
    rings = run.rings.to_pandas()
    assert rings["rank"].tolist() == list(range(1, len(rings) + 1))
    assert rings["ring_id"].is_unique
    assert rings["score"].is_monotonic_decreasing
    for column in ("score", "p_value", "q_value", "density", "dedication"):
        assert rings[column].between(0, 1).all()
    assert (rings["p_value"] > 0).all()
    by_strength = rings.sort_values("strength", ascending=False)
    assert (by_strength[["p_value", "q_value"]].diff().dropna() >= 0).all(axis=None)  # stronger is never less significant
    assert [TIERS.index(tier) for tier in rings["tier"]] == sorted(TIERS.index(tier) for tier in rings["tier"])
    assert set(rings["explanation"]) <= {"", *look_alike_names()}
    assert ((rings["explanation"] != "") == (rings["tier"] == "explained")).all()
    for ring in rings["ring_id"]:
        members = members_of(run, ring)
        assert set(members["role"]) <= set(USER_ROLES)
        assert members["contribution"].is_monotonic_decreasing
        core = members.loc[members["role"] == "core", "contribution"]
        assert len(core) >= len(members) / 2
        attached = members.loc[members["role"] == "attached", "contribution"]
        assert attached.empty or core.min() >= attached.max()


def test_the_evidence_table_again_by_pandas(log: pd.DataFrame, run: Run) -> None:
    evidence = run.evidence.to_pandas()
    assert len(evidence) > 100
    assert not evidence.duplicated(["ring_id", "user_a", "user_b", "view", "key"]).any()
    assert (evidence["user_a"] < evidence["user_b"]).all()
    for ring, rows in evidence.groupby("ring_id"):
        members = set(members_of(run, str(ring))["node_id"])
        assert set(rows["user_a"]) | set(rows["user_b"]) <= members
    rules = EvidenceSettings()
    assert evidence["evidence"].between(0, rules.most + 1e-4).all()
    assert (evidence["expected"] > 0).all()
    closest = []
    for view, rows in evidence.groupby("view"):
        column = NODE_TYPE[str(view)].column
        window = Settings().view[str(view)].windows
        people = set(rows["user_a"]) | set(rows["user_b"])
        own = log[log["user_id"].isin(people) & log[column].isin(rows["key"])]
        events = own.groupby(["user_id", column]).size()
        visits = visits_of(log, column, window[0])
        visits = visits[visits["user_id"].isin(people) & visits[column].isin(rows["key"])]
        times = visits.groupby(["user_id", column])["second"].agg(list)
        for row in rows.itertuples():
            one, other = (row.user_a, row.key), (row.user_b, row.key)
            assert row.events == events[one] + events[other]
            apart = min(abs(a - b) for a, b in itertools.product(times[one], times[other]))
            assert apart <= row.seconds_apart <= window[-1] * 3600
            assert row.seconds_apart in {abs(a - b) for a, b in itertools.product(times[one], times[other])}
            closest.append(row.seconds_apart == apart)
    # A meeting with too little evidence is not counted, even if it is the pair's closest.
    assert np.mean(closest) > 0.95
