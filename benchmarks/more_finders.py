"""Two published finders that look where no core of graphdet's does → do they name rings that its alerts do not?

Space-time permutation scan (Kulldorff 2005): visits of a seller's items of one category within 1 to 7 days against what the seller's
own visits and everybody's days make expected; a cylinder is told where its likelihood ratio passes the largest of nineteen of twenty logs
whose times were exchanged. Shared burstiness (co-bursting network, Li 2017): two accounts are joined where they were about in the same
hours more often than how busy they and these hours are makes likely, whatever they looked at; a group is a 3-core of such accounts.

A group names a ring where at least four of its accounts are members of it and they are more than half of the group.

    python benchmarks/more_finders.py            # three fresh hard markets with rings and without
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from typing import Any

import networkx as nx
import numpy as np
import numpy.typing as npt
import pandas as pd
from markets import Market, as_events, make_market
from results_io import markdown_row, write_result
from scipy.sparse import csr_array
from scipy.stats import poisson

from graphdet import Settings, detect
from graphdet.evaluate import evaluate
from graphdet.settings import GnnSettings

SEEDS = (9401, 9402, 9403)
SETTINGS = Settings(gnn=GnnSettings(least_rings=0))
WINDOWS = range(1, 8)  # days
PERMUTED = 99
FEWEST = 4  # users of a group
CHANCE = 1e-3  # pairs by chance in the whole log, at most
BLOCK = 500  # users compared with all others at a time

Floats = npt.NDArray[np.float64]
Group = frozenset[str]


def scan(log: pd.DataFrame, seed: int) -> list[Group]:
    """Users of each cylinder that stands out; of cylinders that overlap only the likeliest."""
    region = pd.factorize(log["seller_id"].astype(str) + "\0" + log["category"].astype(str), sort=True)[0]
    day = (log["timestamp"] - log["timestamp"].min()).dt.days.to_numpy()
    shape = int(region.max()) + 1, int(day.max()) + 1
    generator = np.random.default_rng(seed)
    highest = sorted(max(_ratios(region, generator.permutation(day), shape, days).max() for days in WINDOWS) for _ in range(PERMUTED))
    bar = highest[int(0.95 * PERMUTED)]
    found = []
    for days in WINDOWS:
        ratios = _ratios(region, day, shape, days)
        found += [(-ratios[where, first], where, first, days) for where, first in np.argwhere(ratios > bar).tolist()]
    groups, taken = [], np.zeros(shape, np.bool_)
    users = log["user_id"].to_numpy()
    for _, where, first, days in sorted(found):
        if not taken[where, first : first + days].any():
            taken[where, first : first + days] = True
            groups.append(frozenset(users[(region == where) & (day >= first) & (day < first + days)].tolist()))
    return groups


def _ratios(region: npt.NDArray[np.int64], day: npt.NDArray[np.int64], shape: tuple[int, int], days: int) -> Floats:
    """Log likelihood ratio of each region and first day; 0 where no more came than expected."""
    count = np.bincount(region * shape[1] + day, minlength=shape[0] * shape[1]).reshape(shape)
    sums = np.concatenate([np.zeros((shape[0], 1)), np.cumsum(count, axis=1)], axis=1)
    inside = sums[:, days:] - sums[:, :-days]
    expected = inside.sum(axis=0) * count.sum(axis=1, keepdims=True) / len(day)
    outside = len(day) - inside
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = inside * np.log(inside / expected) + outside * np.log(outside / (len(day) - expected))
    return np.where(inside > expected, ratio, 0.0)


def share_bursts(log: pd.DataFrame, _: int) -> list[Group]:
    """3-cores of accounts that were about in the same hours beyond chance."""
    seen = log[["user_id"]].assign(hour=log["timestamp"].dt.floor("h")).drop_duplicates()
    user, names = pd.factorize(seen["user_id"], sort=True)
    hour = pd.factorize(seen["hour"], sort=True)[0]
    about = csr_array((np.ones(len(seen)), (user, hour)), shape=(len(names), int(hour.max()) + 1))
    active, busy = np.bincount(user), np.bincount(hour) / len(seen)
    alike, pairs = float((busy**2).sum()), len(names) * (len(names) - 1) / 2
    graph: nx.Graph[str] = nx.Graph()
    for begin in range(0, len(names), BLOCK):
        common = (about[begin : begin + BLOCK] @ about.T).tocoo()
        one, other = common.row + begin, common.col
        kept = (common.data >= 3) & (one < other)
        one, other, met = one[kept], other[kept], common.data[kept]
        unlikely = poisson.sf(met - 1, active[one] * active[other] * alike) * pairs < CHANCE
        graph.add_edges_from(zip(names[one[unlikely]], names[other[unlikely]], strict=True))
    return [frozenset(group) for group in nx.connected_components(nx.k_core(graph, 3))]


def named(groups: Sequence[Group], member_of: dict[str, str]) -> tuple[int, set[str]]:
    """Groups that name a ring, and the rings."""
    right, rings = 0, set()
    for group in groups:
        met = Counter(member_of[user] for user in group if user in member_of)
        ring, members = met.most_common(1)[0] if met else ("", 0)
        if members >= FEWEST and members > len(group) / 2:
            right += 1
            rings.add(ring)
    return right, rings


def measure(seed: int, events: int) -> list[dict[str, Any]]:
    rows = []
    for parts in ("all", "no rings"):
        market: Market = make_market("hard", seed, events=events, parts=parts)  # type: ignore[arg-type]
        outcome = evaluate(detect(as_events(market.log), SETTINGS), market.truth)
        told = {ring.ring_id for ring in outcome.rings if ring.found >= FEWEST}
        members = market.truth.members[market.truth.members["node_type"] == "user"]
        member_of = dict(zip(members["node_id"], members["ring_id"], strict=True))
        log = market.log.to_pandas().dropna(subset=["item_id", "seller_id", "category"])
        for name, finder in (("space-time scan", scan), ("shared burstiness", share_bursts)):
            groups = [group for group in finder(log, seed) if len(group) >= FEWEST]
            right, rings = named(groups, member_of)
            counts = {"groups": len(groups), "largest": max(map(len, groups), default=0), "right": right}
            found = {"rings": len(market.truth.rings), "by_alerts": len(told), "named": len(rings), "new": len(rings - told)}
            rows.append({"seed": seed, "market": parts, "finder": name, **counts, **found})
            print(rows[-1], flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--events", type=int, default=200_000)
    options = parser.parse_args()
    rows = [row for seed in options.seeds for row in measure(seed, options.events)]
    columns = ("seed", "market", "finder", "groups", "largest", "right", "rings", "by_alerts", "named", "new")
    heads = ("seed", "hard market", "finder", "groups", "largest", "that name a ring", "rings", "in alerts", "named", "named, in no alert")
    lines = [
        f"# Space-time scan and shared burstiness as finders of rings, markets of {options.events:,} events",
        "",
        markdown_row(heads),
        markdown_row(["---"] * len(heads)),
    ]
    lines += [markdown_row([str(row[column]) for column in columns]) for row in rows]
    write_result("more_finders", {"rows": rows}, "\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
