"""The whole path, log to rings: what it finds, what it must not find, and that nothing but the log and the settings decides it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import markets
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from graphdet.events import EventTable, read_events
from graphdet.pipeline import detect
from graphdet.run.folder import Run
from graphdet.settings import GnnSettings, MachineSettings, RingSettings, Settings, load_settings
from graphdet.simulate import Planted, plant_ring, preset, simulate, write_market

ROOT = Path(__file__).parent.parent
QUICK = Settings(rings=RingSettings(permutations=3))


@dataclass(frozen=True)
class MadeLog:
    """A market's log, its file, and who of it is in a ring."""

    path: Path
    log: pd.DataFrame
    planted: set[str]
    detectable: set[str]
    decoys: set[str]


def make(folder: Path, events: int | None, seed: int) -> MadeLog:
    market = simulate(preset("demo", events=events), seed=seed)
    write_market(market, folder)
    members = market.truth["members"].to_pandas()
    users = members[members["node_type"] == "user"]
    own = users[users["role"] == "member"]
    return MadeLog(
        path=folder / "events.parquet",
        log=pd.read_parquet(folder / "events.parquet"),
        planted=set(own["node_id"]),
        detectable=set(own.loc[own["targets_touched"] >= 2, "node_id"]),
        decoys=set(users["node_id"]) - set(own["node_id"]),
    )


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> MadeLog:
    return make(tmp_path_factory.mktemp("demo") / "market", None, 1)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> MadeLog:
    return make(tmp_path_factory.mktemp("small") / "market", 40_000, 1)


@pytest.fixture(scope="module")
def small_events(small: MadeLog) -> EventTable:
    return read_events([small.path])


@pytest.fixture(scope="module")
def demo_events(demo: MadeLog) -> EventTable:
    return read_events([demo.path])


@pytest.fixture(scope="module")
def demo_run(demo_events: EventTable) -> Run:
    return detect(demo_events, QUICK)


def alerted(run: Run, tiers: tuple[str, ...] = ("alert",)) -> set[str]:
    """Users of the rings of some tiers."""
    chosen = run.rings.filter(pc.is_in(run.rings["tier"], pa.array(tiers)))["ring_id"]
    members = run.members.filter(
        pc.and_(pc.is_in(run.members["ring_id"], chosen.combine_chunks()), pc.equal(run.members["node_type"], "user"))
    )
    return set(members["node_id"].to_pylist())


def test_alerts_hold_the_demo_rings_and_hardly_anybody_else(demo: MadeLog, demo_run: Run) -> None:
    found = alerted(demo_run)
    assert len(found & demo.detectable) >= 0.8 * len(demo.detectable)
    assert len(found & demo.planted) >= 0.9 * len(found - demo.decoys)


def scores_of_users(run: Run) -> pd.Series[float]:
    scores = run.scores.to_pandas()
    return scores[scores["node_type"] == "user"].set_index("node_id")["score"]


def test_members_of_alerts_have_the_highest_scores(demo: MadeLog, demo_events: EventTable, demo_run: Run) -> None:
    """By evidence alone each of them; the network's opinion may put a weak member below somebody outside, but not most members."""
    alone = detect(demo_events, QUICK.model_copy(update={"gnn": GnnSettings(least_rings=0)}))
    for run, quantile in ((alone, 0.0), (demo_run, 0.5)):
        users = scores_of_users(run)
        assert len(users) == demo.log["user_id"].nunique()
        found = sorted(alerted(run))
        assert users[found].quantile(quantile) > users.drop(found).max()
        assert users.between(0, 1).all()


# The same log in other clothes.


def tables_of(run: Run, folder: Path) -> dict[str, bytes]:
    run.save(folder)
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.parquet")) if path.name != "rejected.parquet"}


def shuffled(small: MadeLog, folder: Path) -> list[Path]:
    small.log.sample(frac=1.0, random_state=7).to_parquet(folder / "shuffled.parquet", index=False)
    return [folder / "shuffled.parquet"]


def ten_files(small: MadeLog, folder: Path) -> list[Path]:
    part = np.random.default_rng(1).integers(0, 10, len(small.log))
    paths = [folder / f"{n}.parquet" for n in range(10)]
    for number, path in enumerate(paths):
        small.log[part == number].to_parquet(path, index=False)
    return paths[::-1]


def as_csv(small: MadeLog, folder: Path) -> list[Path]:
    small.log.to_csv(folder / "log.csv", index=False)
    return [folder / "log.csv"]


@pytest.mark.parametrize("clothes", [shuffled, ten_files, as_csv])
def test_the_same_log_gives_the_same_bytes(
    clothes: Callable[[MadeLog, Path], list[Path]], small: MadeLog, small_events: EventTable, tmp_path: Path
) -> None:
    expected = tables_of(detect(small_events, QUICK), tmp_path / "expected")
    assert pq.read_metadata(tmp_path / "expected" / "rings.parquet").num_rows >= 3
    found = tables_of(detect(read_events(clothes(small, tmp_path)), QUICK), tmp_path / "found")
    assert found == expected


def test_the_number_of_threads_changes_no_byte(small_events: EventTable, tmp_path: Path) -> None:
    runs = [detect(small_events, QUICK.model_copy(update={"machine": MachineSettings(threads=threads)})) for threads in (1, 2)]
    one, two = (tables_of(run, tmp_path / str(number)) for number, run in enumerate(runs))
    assert one == two


# The null.


def test_permuting_keeps_what_a_category_has(demo: MadeLog) -> None:
    log = pq.read_table(demo.path)
    events, other = (one.filter(pc.is_valid(one["item_id"])).to_pandas() for one in (log, markets.permuted(log, 0)))
    for column in ("user_id", "item_id"):
        own, theirs = (set(zip(log["category"], log[column], strict=True)) for log in (events, other))
        assert own == theirs
    pairs, others = (set(zip(log["user_id"], log["item_id"], strict=True)) for log in (events, other))
    assert len(pairs & others) < 0.2 * len(pairs)


@pytest.mark.parametrize("seed", range(20))
def test_a_permuted_log_gives_no_alert(demo: MadeLog, seed: int) -> None:
    """Users exchanged within categories, at devices and at IP addresses, each apart from the others."""
    assert alerted(detect(markets.as_events(markets.permuted(pq.read_table(demo.path), seed)), QUICK)) == set()


@pytest.mark.parametrize("seed", range(3))
def test_a_log_with_all_users_exchanged_gives_no_alert(demo_events: EventTable, seed: int) -> None:
    user = np.random.default_rng(seed).permutation(demo_events.codes["user"])
    assert alerted(detect(replace(demo_events, codes={**demo_events.codes, "user": user}), QUICK)) == set()


def test_the_log_itself_gives_alerts(demo: MadeLog, demo_run: Run) -> None:
    """Without this the permuted logs' silence would say nothing."""
    assert len(alerted(demo_run) & demo.planted) >= 100


# Logs that lack something.

LESS: dict[str, tuple[list[str], str]] = {
    "no device": (["device_id"], "no device_id"),
    "no ip": (["ip"], "no ip"),
    "no category": (["category"], "no category"),
    "no seller": (["seller_id"], ""),
    "items and times only": (["device_id", "ip", "category", "seller_id", "payment_id", "address_id"], "no device_id"),
    "dates only": ([], "bare dates"),
    "no times": (["timestamp"], "no timestamp"),
}


@pytest.mark.parametrize("name", LESS)
def test_a_log_that_lacks_something_still_gives_what_it_can(name: str, demo: MadeLog, demo_run: Run, tmp_path: Path) -> None:
    columns, note = LESS[name]
    log = demo.log.drop(columns=columns)
    if name == "dates only":
        log["timestamp"] = log["timestamp"].dt.normalize()
    log.to_parquet(tmp_path / "log.parquet", index=False)
    run = detect(read_events([tmp_path / "log.parquet"]), QUICK)
    assert any(note in said for said in run.meta["notes"]) or not note
    if name != "no times":
        tiers = ("alert", "review")
        full = alerted(demo_run, tiers) & demo.detectable
        assert len(alerted(run, tiers) & full) >= 0.5 * len(full)


TIMES = np.arange(500) + 1_700_000_000
LEAST: dict[str, pd.DataFrame] = {
    "one event": pd.DataFrame({"user_id": ["a"], "item_id": ["x"], "timestamp": ["2024-01-01"]}),
    "two users at one item": pd.DataFrame(
        {"user_id": ["a", "b"], "item_id": "x", "timestamp": ["2024-01-01T10:00:00", "2024-01-01T10:00:05"]}
    ),
    "users and devices": pd.DataFrame({"user_id": [f"u{n % 40}" for n in range(400)], "device_id": [f"d{n % 7}" for n in range(400)]}),
    "users and IPs": pd.DataFrame({"user_id": [f"u{n % 40}" for n in range(400)], "ip": [f"10.0.0.{n % 9}" for n in range(400)]}),
    "users and devices with times": pd.DataFrame(
        {"user_id": [f"u{n % 40}" for n in range(500)], "device_id": [f"d{n % 7}" for n in range(500)], "timestamp": TIMES}
    ),
    "all at one item": pd.DataFrame({"user_id": [f"u{n}" for n in range(500)], "item_id": "x", "timestamp": TIMES}),
    "one user": pd.DataFrame({"user_id": "u", "item_id": [f"i{n}" for n in range(500)], "timestamp": TIMES}),
    "every event at the same second": pd.DataFrame(
        {"user_id": [f"u{n % 50}" for n in range(900)], "item_id": [f"i{n % 31}" for n in range(900)], "timestamp": 1_700_000_000}
    ),
    "some events without a time": pd.DataFrame(
        {"user_id": list("abca"), "item_id": list("xxxy"), "timestamp": ["2024-01-01T10:00:00", None, "2024-01-02T11:00:00", None]}
    ),
    "times in 1970 and 2260": pd.DataFrame(
        {"user_id": list("abcabc"), "item_id": list("xxxyyy"), "timestamp": ["1970-01-02", "2260-01-01", "2024-05-05"] * 2}
    ),
}


@pytest.mark.parametrize("name", LEAST)
def test_the_least_of_logs_runs(name: str, tmp_path: Path) -> None:
    log = LEAST[name]
    log.assign(event_id=[f"e{n}" for n in range(len(log))]).to_csv(tmp_path / "log.csv", index=False)
    events = read_events([tmp_path / "log.csv"])
    assert len(events) == len(log)
    run = detect(events, Settings(rings=RingSettings(permutations=2)))
    run.save(tmp_path / "run")
    again = Run.load(tmp_path / "run")
    assert again.rings.equals(run.rings)
    assert again.scores.num_rows == sum(events.count(node_type) for node_type in events.ids)
    assert run.rings.num_rows == 0 or name.startswith("users and")
    assert alerted(run) == set() or name.startswith("users and")


# A real log.


@pytest.fixture(scope="module")
def taobao_settings() -> Settings:
    return load_settings(ROOT / "configs" / "taobao.toml").model_copy(update={"rings": RingSettings(permutations=5)})


def test_real_shopping_gives_no_alert(taobao_settings: Settings) -> None:
    files = [ROOT / "tests" / "data" / name for name in ("taobao_events.parquet", "taobao_items.parquet")]
    run = detect(read_events(files, taobao_settings.log), taobao_settings)
    assert run.rings["tier"].to_pylist().count("alert") == 0
    assert any("bare dates" in note for note in run.meta["notes"])


def planted_in_taobao(seed: int) -> Planted:
    log = pd.read_parquet(ROOT / "tests" / "data" / "taobao_events.parquet").astype({"user": str, "item": str, "action": str})
    items = pd.read_parquet(ROOT / "tests" / "data" / "taobao_items.parquet", columns=["item", "category"]).astype(str)
    log = log.merge(items, on="item", how="left").rename(columns={"user": "user_id", "item": "item_id", "date": "timestamp"})
    log = log.sort_values("timestamp", kind="stable", ignore_index=True)
    return plant_ring(
        log, users=20, targets=6, density=0.65, window=86_400.0, camouflage="popular", noise_events_per_user=8.0, seed=seed, action="buy"
    )


@pytest.mark.parametrize("seed", range(3))
def test_a_ring_planted_in_real_shopping_is_found(seed: int, taobao_settings: Settings, tmp_path: Path) -> None:
    planted = planted_in_taobao(seed)
    planted.events.assign(event_id=np.arange(len(planted.events)).astype(str)).to_parquet(tmp_path / "log.parquet", index=False)
    named = taobao_settings.log.model_copy(update={"columns": {}})  # the planted log has graphdet's own names
    run = detect(read_events([tmp_path / "log.parquet"], named), taobao_settings)
    detectable = {user for user, touched in zip(planted.users, planted.touched, strict=True) if touched >= 2}
    alerts = run.rings.filter(pc.equal(run.rings["tier"], "alert"))["ring_id"].to_pylist()
    members = run.members.to_pandas()
    found = [set(members.loc[(members["ring_id"] == ring) & (members["node_type"] == "user"), "node_id"]) for ring in alerts]
    assert max((len(detectable & users) for users in found), default=0) >= 0.9 * len(detectable)
    assert len(alerts) <= 3
