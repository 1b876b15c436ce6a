"""Shops of the zoo and small markets → is a learned score of rings better than plain rules in a kind of shop that it never saw?

python benchmarks/tiers.py collect DIR    # every ring that permuted logs support, with its facts and the truth; a file a log
python benchmarks/tiers.py compare DIR    # the plain rules and additive monotone scores, each score judging the kind it did not learn from

Facts are stored, verdicts are not: the rules that are compared are those of today's code.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from markets import as_events, make_market
from results_io import markdown_row, write_result
from scipy.optimize import minimize

from graphdet import EventTable, Settings
from graphdet.evaluate.truth import Truth
from graphdet.judging.conditions import ring_numbers, weigh
from graphdet.judging.judge import judge_rings
from graphdet.judging.log_index import index_log
from graphdet.progress import Progress
from graphdet.rings.farms import find_farms
from graphdet.rings.null_search import affordable_permutations, search_null
from graphdet.rings.search import search_rings
from graphdet.schema.lookalikes import LOOK_ALIKES
from graphdet.schema.objections import OBJECTIONS
from graphdet.settings import TierSettings
from graphdet.signals import measure_log
from graphdet.simulate.zoo import SHOPS, make_shop

SEEDS = (101, 102, 103)
MARKET = "hard"
KINDS = (*SHOPS, MARKET)
SHARE = 3  # of a shop's usual users, one in so many: what two cores bear
LEAST_USERS, MARKET_USERS = 2000, 10_000
Numbers = npt.NDArray[np.float64]

# What a score may hang on, each turned so that more of it speaks for a ring; shapes that an analyst would expect.
FACTS: dict[str, Callable[[pd.DataFrame], pd.Series]] = {
    "strength": lambda rings: np.log10(rings["strength"].clip(lower=1)),
    "strength a member": lambda rings: rings["strength"] / rings["size"],
    "items": lambda rings: rings["targets"],
    "few of all users": lambda rings: -rings["user_share"],
    "density": lambda rings: rings["density"],
    "given to it": lambda rings: rings["dedication"],
    "attention": lambda rings: rings["attention"],
    "no crowd": lambda rings: -rings["crowd"],
    "no rush": lambda rings: -rings["rush"],
    "no company": lambda rings: -rings["outsiders_per_member"],
    "several sittings": lambda rings: -rings["one_sitting"],
    "not together": lambda rings: -rings["together"],
    "new accounts": lambda rings: rings["new_beyond"],
    "no such taste": lambda rings: -rings["best_taste"],
    "own things": lambda rings: np.log1p(rings["own_things"]),
    "on shared devices": lambda rings: rings["device_share"],
    "brief": lambda rings: -rings["days"] / rings["log_days"].clip(lower=0.1),
    "no network in common": lambda rings: np.log10(rings["place_chance"].clip(lower=1e-12)),
}
FEW = ("strength a member", "items", "given to it", "attention", "no company", "several sittings", "no such taste", "brief", "own things")
PIECES, RIDGE = 4, 3.0  # of each fact's shape; against shapes that a handful of rings would make


# The data.


def collect(events: EventTable, truth: Truth, about: dict[str, Any]) -> pa.Table:
    """A row for each ring that the permuted logs support, and for each farm; `about` and the truth go with it."""
    settings, progress = Settings.model_validate({"machine": {"threads": 1}}), Progress()
    settings = settings.model_copy(update={"tiers": settings.tiers.model_copy(update={"objections_most": len(OBJECTIONS)})})
    begun = time.perf_counter()
    measured = measure_log(events, settings, progress)
    found = search_rings(measured.pairs, measured.index, measured.base_rates, settings.rings, 1)
    null = search_null(measured, affordable_permutations(measured.visits, measured.pairs), settings, 1, progress)
    log = index_log(measured.events, measured.index)
    farms = find_farms(measured.index, settings.tiers.alert_q)
    judged = judge_rings(found, farms, null, log, measured.base_rates, settings, progress)
    owner, detectable = owners(events, truth)
    rows = []
    for ring in judged.rings:
        members = ring.facts.grown.members
        of = owner[members]
        numbers = ring_numbers(ring.facts, measured.index.items_among(ring.facts.grown.targets), judged.background)
        most = int(np.bincount(of[of >= 0]).max()) if (of >= 0).any() else 0
        rows.append({"numbers": json.dumps(numbers), "members": members.tolist(), "true_share": most / len(members)})
    schema = pa.schema([("numbers", pa.string()), ("members", pa.list_(pa.int32())), ("true_share", pa.float64())])
    told = {"users": events.count("user"), "owner": owner.tolist(), "detectable": detectable.tolist()}
    seconds = {"seconds": time.perf_counter() - begun}
    return pa.Table.from_pylist(rows, schema).replace_schema_metadata({"about": json.dumps(about | told | seconds)})


def owners(events: EventTable, truth: Truth) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """(users,) number of the true ring that each is in, −1 for none; and who is detectable: at two targets or more."""
    owner, detectable = np.full(events.count("user"), -1), np.zeros(events.count("user"), np.bool_)
    code = {name: place for place, name in enumerate(events.ids["user"].to_pylist())}
    number = {name: place for place, name in enumerate(truth.rings["ring_id"])}
    users = truth.members[(truth.members["node_type"] == "user") & truth.members["node_id"].isin(code)]
    for name, ring, touched in zip(users["node_id"], users["ring_id"], users["targets_touched"], strict=True):
        owner[code[name]] = number[ring]
        detectable[code[name]] |= touched >= 2
    return owner, detectable


def make(kind: str, seed: int, ringed: bool) -> tuple[EventTable, Truth]:
    """One log as a run would read it, and what was planted."""
    if kind == MARKET:
        market = make_market("hard", seed, users=MARKET_USERS, events=135 * MARKET_USERS // 10, parts="all" if ringed else "no rings")
        return as_events(market.log), market.truth
    log = make_shop(kind, seed, max(SHOPS[kind].users // SHARE, LEAST_USERS), ringed)
    return as_events(log.events), Truth(**{name: table.to_pandas() for name, table in log.truth.items()})


def collect_all(folder: Path, seeds: Sequence[int]) -> None:
    """What is there already stays."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        for kind in KINDS:
            for ringed in (True, False):
                path = folder / f"{kind}-{seed}-{'ringed' if ringed else 'clean'}.parquet"
                if path.exists():
                    continue
                table = collect(*make(kind, seed, ringed), {"kind": kind, "seed": seed, "ringed": ringed})
                pq.write_table(table, path)
                print(f"{path.stem}: {table.num_rows} rings, {json.loads(table.schema.metadata[b'about'])['seconds']:.1f} s", flush=True)


# The comparison.


@dataclass(frozen=True)
class Rings:
    """All rings of all logs: a row each, with its facts, `log`, `kind`, `members`, `true`; and the logs they are of."""

    rows: pd.DataFrame
    logs: list[dict[str, Any]]


def load(folder: Path) -> Rings:
    logs, rows = [], []
    for path in (path for path in sorted(folder.glob("*.parquet")) if path.stem.rsplit("-", 2)[0] in KINDS):
        table = pq.read_table(path)
        about = json.loads(table.schema.metadata[b"about"])
        for row in table.to_pylist():
            told = {"log": len(logs), "kind": about["kind"], "members": row["members"], "true": row["true_share"] > 0.5}
            rows.append(json.loads(row["numbers"]) | told)
        logs.append(about | {"owner": np.array(about["owner"]), "detectable": np.array(about["detectable"], np.bool_)})
    return Rings(pd.DataFrame(rows), logs)


def by_rules(rings: Rings) -> tuple[pd.Series, pd.Series]:
    """Which rings the rules make alerts, and which they explain."""
    settings = TierSettings()
    numbers = rings.rows[list(dict.fromkeys(rings.rows.columns.drop(["log", "kind", "members", "true"])))].to_dict("records")
    explained = [any(weigh(claim, one, settings).holds for claim in LOOK_ALIKES) for one in numbers]
    raised = [any(weigh(claim, one, settings).holds for claim in OBJECTIONS) for one in numbers]
    of = rings.rows.index
    return pd.Series(~np.array(explained) & ~np.array(raised), of), pd.Series(explained, of)


class AdditiveScore:
    """Log odds of a ring as a sum of rising shapes, one a fact, each of a few straight pieces: logistic regression with weights ≥ 0."""

    def __init__(self, facts: pd.DataFrame, true: pd.Series, weight: pd.Series) -> None:
        self._bends = {name: np.unique(np.nanquantile(facts[name], np.linspace(0.02, 0.98, PIECES + 1))) for name in facts}
        pieces, target, share = self._pieces(facts), true.to_numpy(float), (weight / weight.sum()).to_numpy()

        def loss(slope: Numbers) -> tuple[float, Numbers]:
            odds = pieces @ slope[1:] + slope[0]
            wrong = share * (1 / (1 + np.exp(-odds)) - target)
            ridge = RIDGE / len(target)
            value = float(share @ (np.logaddexp(0, odds) - target * odds) + ridge * (slope[1:] ** 2).sum())
            return value, np.r_[wrong.sum(), pieces.T @ wrong + 2 * ridge * slope[1:]]

        bounds = [(None, None), *[(0, None)] * pieces.shape[1]]
        self._slope: Numbers = minimize(loss, np.zeros(len(bounds)), jac=True, bounds=bounds, method="L-BFGS-B").x

    def chance(self, facts: pd.DataFrame) -> Numbers:
        return np.asarray(1 / (1 + np.exp(-(self._pieces(facts) @ self._slope[1:] + self._slope[0]))))

    def _pieces(self, facts: pd.DataFrame) -> Numbers:
        """Of each fact how far it is through each piece, 0 … 1; what a log cannot tell is in the middle."""
        columns = []
        for name, bends in self._bends.items():
            value = facts[name].fillna(bends[len(bends) // 2]).to_numpy(float)
            columns += [np.clip((value - low) / (high - low), 0, 1) for low, high in pairwise(bends)]
        return np.array(columns).T


def by_trees(facts: pd.DataFrame, true: pd.Series, weight: pd.Series) -> Callable[[pd.DataFrame], Numbers]:
    """The same as boosted stumps, rising in each fact and without interactions."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    trees = HistGradientBoostingClassifier(
        max_iter=150, learning_rate=0.08, max_leaf_nodes=4, min_samples_leaf=15, l2_regularization=5.0,
        monotonic_cst=[1] * facts.shape[1], interaction_cst="no_interactions", random_state=0,
    )  # fmt: skip
    trees.fit(facts, true, sample_weight=weight)
    return lambda others: np.asarray(trees.predict_proba(others)[:, 1])


Learner = Callable[[pd.DataFrame, pd.Series, pd.Series], Callable[[pd.DataFrame], Numbers]]


def unseen(rings: Rings, names: Sequence[str], learn: Learner) -> pd.Series:
    """Each ring's chance of being one, by a score that learned from all other kinds of shops."""
    rows = rings.rows
    facts = pd.DataFrame({name: FACTS[name](rows).astype(float) for name in names})
    weight = rows.groupby(["kind", "true"])["log"].transform("size") ** -0.5  # a kind with hundreds of sets is one kind
    chance = pd.Series(np.nan, rows.index)
    for kind in rows["kind"].unique():
        own = rows["kind"] == kind
        chance[own] = learn(facts[~own], rows.loc[~own, "true"], weight[~own])(facts[own])
    return chance


def figures(rings: Rings, alert: pd.Series) -> pd.DataFrame:
    """Kind → precision of users, recall of detectable members, F1, share of rings found, alerts per 100,000 users of clean logs."""
    counts = pd.DataFrame(
        [{"kind": log["kind"]} | _count(log, rings.rows[alert & (rings.rows["log"] == n)]) for n, log in enumerate(rings.logs)]
    )
    total = counts.groupby("kind").sum()
    precision, recall = total["hit"] / total["named"].clip(lower=1), total["reached"] / total["detectable"].clip(lower=1)
    return pd.DataFrame(
        {
            "precision": precision, "recall": recall, "F1": 2 * precision * recall / (precision + recall).clip(lower=1e-9),
            "rings found": total["found"] / total["rings"].clip(lower=1), "clean": 1e5 * total["false"] / total["clean_users"],
        }
    )  # fmt: skip


def _count(log: dict[str, Any], alerts: pd.DataFrame) -> dict[str, int]:
    """Of one log; `found`: true rings that share more than half of the union with one alert."""
    if not log["ringed"]:
        return {"false": len(alerts), "clean_users": log["users"]}
    named = np.zeros(log["users"], np.bool_)
    groups = [np.array(members) for members in alerts["members"]]
    for members in groups:
        named[members] = True
    own, found = log["owner"], 0
    size = np.bincount(own[own >= 0])
    for ring in np.flatnonzero(size):
        common = [int((own[members] == ring).sum()) for members in groups]
        found += any(both > 0.5 * (size[ring] + len(members) - both) for both, members in zip(common, groups, strict=True))
    return {
        "named": int(named.sum()), "hit": int((named & (own >= 0)).sum()), "detectable": int(log["detectable"].sum()),
        "reached": int((named & log["detectable"]).sum()), "rings": int((size > 0).sum()), "found": found,
    }  # fmt: skip


def compare(folder: Path) -> None:
    """Writes the table `tiers`."""
    rings = load(folder)
    rules, explained = by_rules(rings)
    additive: Learner = lambda facts, true, weight: AdditiveScore(facts, true, weight).chance  # noqa: E731
    every, few, trees = unseen(rings, list(FACTS), additive), unseen(rings, FEW, additive), unseen(rings, list(FACTS), by_trees)
    ways = {
        "plain rules": rules,
        "18 shapes": every > 0.5,
        "18 shapes, unexplained": (every > 0.5) & ~explained,
        "9 shapes, unexplained": (few > 0.5) & ~explained,
        "trees, unexplained": (trees > 0.5) & ~explained,
        "rules and 18 shapes": rules & (every > 0.3),
    }
    results = {name: figures(rings, alert) for name, alert in ways.items()}
    lines = []
    for column in ("F1", "precision", "recall", "rings found", "clean"):
        lines += ["", f"**{column}**" + (": alerts per 100,000 users of logs without rings" if column == "clean" else ""), ""]
        lines += [markdown_row(["kind", *results]), markdown_row(["---"] * (len(results) + 1))]
        digits = 1 if column == "clean" else 2
        for kind in results["plain rules"].index:
            lines.append(markdown_row([kind, *(f"{table.loc[kind, column]:.{digits}f}" for table in results.values())]))
        lines.append(markdown_row(["mean", *(f"{table[column].mean():.{digits}f}" for table in results.values())]))
    heading = f"{len(rings.rows)} rings of {len(rings.logs)} logs, {rings.rows['true'].sum()} true; a score judges kinds it never saw.\n"
    text = heading + "\n".join(lines) + "\n"
    print(text)
    write_result("tiers", {name: table.round(4).to_dict("index") for name, table in results.items()}, text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["collect", "compare"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    options = parser.parse_args()
    if options.what == "collect":
        collect_all(options.folder, options.seeds)
    else:
        compare(options.folder)


if __name__ == "__main__":
    main()
