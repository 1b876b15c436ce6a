"""A shop as somebody else would imagine it: logs of seven kinds with planted fraud, the truth beside them, and how runs compare with it.

python benchmarks/stranger.py make DIR                  # events.csv.gz, truth.csv of each log in a folder of its own
graphdet run DIR/full/events.csv.gz --out DIR/full/run  # and so on, one after the other
python benchmarks/stranger.py judge DIR                 # alerts, reviews and explained groups beside the truth

Nothing of graphdet.simulate is used, so that neither its habits nor its blind spots come along.
"""

from __future__ import annotations

import argparse
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from strangers_rings import TACTICS
from strangers_shop import DAY, HONEST, HOUR, NONE, Shop, everyday

START = 1_756_684_800  # Monday, 1 September 2025


@dataclass(frozen=True)
class Kind:
    """What a log has: its columns, its length, and how many rings of each tactic."""

    columns: Sequence[str]
    rings: dict[str, int]
    users: int = 20_000
    days: int = 42
    dates: bool = False


ALL = (
    "timestamp",
    "user_id",
    "item_id",
    "category",
    "seller_id",
    "device_id",
    "ip",
    "payment_id",
    "address_id",
    "action",
    "amount",
    "rating",
    "text",
)
MIX = {"brushing": 3, "slow": 2, "ghost": 2, "crew_copied": 1, "crew_own_words": 1, "farm_small": 2, "farm_large": 1, "hijacked": 1}
MIX |= {"refund_ring": 1, "coupon_crew": 1, "card_testers": 1, "click_farm": 1, "sale_hidden": 1, "shared_workers": 1}
GOODS = {
    "brushing": 4,
    "slow": 2,
    "ghost": 3,
    "crew_copied": 2,
    "farm_small": 1,
    "farm_large": 1,
    "click_farm": 1,
    "sale_hidden": 1,
    "refund_ring": 1,
}
KINDS = {
    "clean": Kind(ALL, {}, 18_000),
    "full": Kind(ALL, MIX),
    "bare": Kind(("timestamp", "user_id", "item_id"), GOODS, days=28),
    "no_devices": Kind(
        ("timestamp", "user_id", "item_id", "category", "seller_id", "ip", "action", "amount"), GOODS | {"shared_workers": 1}
    ),
    "logins": Kind(
        ("timestamp", "user_id", "device_id", "ip", "action"),
        {"farm_small": 4, "farm_large": 1, "farm_huge": 1, "coupon_crew": 2, "hijacked": 2},
    ),
    "dates": Kind(("timestamp", "user_id", "item_id", "seller_id", "action", "rating", "text"), MIX | {"slow": 1}, dates=True),
    "flood": Kind(
        ALL, {"farm_huge": 1, "farm_large": 2, "farm_small": 6, "coupon_crew": 4, "card_testers": 2, "refund_ring": 3}, 16_000, 24
    ),
}


def make(kind: Kind, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A log of this kind, and its groups: name, tactic or kind, whether fraud, user."""
    shop = Shop(np.random.default_rng(seed), kind.users, kind.days)
    for habit in HONEST:
        habit(shop)
    for tactic in TACTICS:
        for _ in range(kind.rings.get(tactic.__name__, 0)):
            shop.told(tactic.__name__, True, tactic(shop))
    everyday(shop)
    log = pd.concat(shop.blocks, ignore_index=True)
    log = log[(log["timestamp"] >= 0) & (log["timestamp"] < kind.days * DAY)].sort_values("timestamp", kind="stable")
    if "item_id" not in kind.columns:  # a log-in stands for a sitting
        sitting = log["timestamp"] // HOUR
        log = log[~pd.DataFrame({"u": log["user_id"], "s": sitting, "d": log["device_id"], "i": log["ip"]}).duplicated()].assign(
            action="login"
        )
    item, ip = log["item_id"].to_numpy(), log["ip"].to_numpy()
    log["category"], log["seller_id"] = shop.category[item], shop.seller[item]
    log["amount"] = np.where(log["action"].isin(["order", "refund"]), shop.price[item], np.nan)
    log["ip"] = [f"{11 + code % 97}.{code // 97 % 251}.{code // 24347 % 251}.{code // 6111097 % 251 + 1}" for code in ip.tolist()]
    log["text"] = [None if code == NONE else _words(code) for code in log["text"].tolist()]
    log["rating"] = log["rating"].where(log["rating"] != NONE)
    for name in ("item_id", "category", "seller_id", "device_id", "payment_id", "address_id"):
        values = log[name]
        log[name] = (name[0] + values.astype(str)).where(values != NONE)
    log["user_id"] = "u" + log["user_id"].astype(str)
    moment = pd.to_datetime(log["timestamp"] + START, unit="s", utc=True)
    log["timestamp"] = moment.dt.strftime("%Y-%m-%d" if kind.dates else "%Y-%m-%dT%H:%M:%SZ")
    seen = set(log["user_id"])
    truth = [
        (f"{name}-{number}", name, fraud, f"u{user}")
        for number, (name, fraud, who) in enumerate(shop.groups)
        for user in who.tolist()
        if f"u{user}" in seen
    ]
    return log[list(kind.columns)], pd.DataFrame(truth, columns=["group", "kind", "fraud", "user_id"])


def _words(code: int) -> str:
    """A review's text, the same for the same number."""
    rng = np.random.default_rng(code)
    size = int(rng.integers(6, 16))
    return " ".join(zlib.crc32(str(word).encode()).to_bytes(4, "big").hex()[:5] for word in rng.zipf(1.4, size).clip(0, 4000).tolist())


def judge(folder: Path) -> None:
    """One log's run beside its truth: accounts, tactics, and what else stands in which tier."""
    truth = pd.read_csv(folder / "truth.csv", dtype={"user_id": str})
    rings, members = pd.read_parquet(folder / "run" / "rings.parquet"), pd.read_parquet(folder / "run" / "members.parquet")
    members = members[members["node_type"] == "user"].merge(rings[["ring_id", "tier", "rank", "explanation"]], on="ring_id")
    guilty = set(truth.loc[truth["fraud"], "user_id"])
    alerted = set(members.loc[members["tier"] == "alert", "node_id"])
    hit = len(alerted & guilty)
    precision, recall = hit / max(len(alerted), 1), hit / max(len(guilty), 1)
    print(f"{folder.name}: {rings['tier'].value_counts().to_dict()}, precision {precision:.2f}, recall {recall:.2f}")
    for name, group in truth[truth["fraud"]].groupby("group", sort=False):
        users = set(group["user_id"])
        held = {tier: len(users & set(some["node_id"])) for tier, some in members.groupby("tier")}
        print(f"  {name:20} {len(users):5} accounts, in {held}")
    for ring_id, some in members.groupby("ring_id", sort=False):
        who = set(some["node_id"])
        rank, tier, story = some["rank"].iloc[0], some["tier"].iloc[0], some["explanation"].iloc[0]
        counts = truth[truth["user_id"].isin(who)]["kind"].value_counts().head(3).to_dict()
        if len(who & guilty) < 0.5 * len(who) or tier == "explained":
            print(f"  {tier} {rank} {story}: {len(who)} users, {len(who & guilty)} of rings, {counts} {ring_id}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("make", "judge"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--seed", type=int, default=1)
    told = parser.parse_args()
    for name in told.kinds:
        folder = told.folder / name
        if told.what == "judge":
            if (folder / "run").exists():
                judge(folder)
            continue
        folder.mkdir(parents=True, exist_ok=True)
        log, truth = make(KINDS[name], told.seed)
        log.to_csv(folder / "events.csv.gz", index=False, compression={"method": "gzip", "compresslevel": 1})
        truth.to_csv(folder / "truth.csv", index=False)
        print(
            f"{name}: {len(log):,} events, {log['user_id'].nunique():,} users, {truth.loc[truth['fraud'], 'user_id'].nunique():,} of rings"
        )


if __name__ == "__main__":
    main()
