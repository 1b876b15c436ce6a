"""Markets with known truth → what the network adds to evidence alone, which objective it learns by best, and what a few labels add.

    python benchmarks/gnn.py                 # hard, five fresh seeds: scores with and without the network, embeddings, labels
    python benchmarks/gnn.py --objectives    # hard, tuning seeds: three objectives without labels, and the network with parts taken away

Nothing is chosen on the fresh seeds.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.compute as pc
from markets import FRESH_SEEDS, TUNING_SEEDS, Market, as_events, make_market
from results_io import write_result
from sklearn.metrics import average_precision_score

from graphdet import EventTable, Run, Settings, detect
from graphdet.errors import LabelError
from graphdet.evaluate import evaluate
from graphdet.events import Labels
from graphdet.evidence.measured import Measured, measure
from graphdet.evidence.pairs import affordable_evidence, expected_meetings, measure_pairs
from graphdet.learning.from_labels import learn_labels
from graphdet.learning.from_rings import learn_users
from graphdet.learning.labelled_inputs import LabelledInputs, read_inputs, ring_members
from graphdet.learning.labelled_model import aggregate_trees, fit_network, grow_trees, measure_trust, run_odds, tree_scores
from graphdet.learning.messages import evidence_relation
from graphdet.learning.neighbourhood import gather_inputs, measure_scale
from graphdet.learning.network import apply_network, train
from graphdet.learning.opinion import HALF_TRUST_RINGS
from graphdet.pipeline import detect_in
from graphdet.progress import Progress
from graphdet.settings import GnnSettings
from graphdet.signals import measure_keys, measure_users
from graphdet.signals.company import COMPANY
from graphdet.signals.signal import FeatureTable, names_of
from graphdet.visits.base_rates import BaseRates, measure_base_rates
from graphdet.visits.permuting import permute

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
NO_NETWORK = GnnSettings(least_rings=0)
PRECISION = 0.8  # at which recall is compared
NEAREST, LEAST_SIZE = 10, 11
KNOWN_RINGS, KNOWN_GOOD = 3, 400


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objectives", action="store_true")
    parser.add_argument("--seeds", type=int, default=5, help="how many of the fresh seeds")
    parser.add_argument("--tuning", action="store_true", help="tuning seeds instead of fresh ones; writes nothing")
    parser.add_argument("--users", type=int, help="market size, where not the preset's")
    options = parser.parse_args()
    if options.objectives:
        name, rows = "gnn_objectives", [compare_objectives(seed, options.users) for seed in TUNING_SEEDS[: options.seeds]]
    else:
        seeds = TUNING_SEEDS if options.tuning else FRESH_SEEDS
        others = None if options.tuning else learn_other_markets(options.users)
        name, rows = "gnn", [measure_market(seed, options.users, others) for seed in seeds[: options.seeds]]
    text = as_table(rows)
    print(text)
    if not options.tuning and not options.users:
        write_result(name, rows, text)


def as_table(rows: list[dict[str, float]]) -> str:
    lines = ["| figure | mean | " + " | ".join(str(int(row["seed"])) for row in rows) + " |", "|---|---|" + "---|" * len(rows)]
    for name in [name for name in rows[0] if name != "seed"]:
        values = [row.get(name, float("nan")) for row in rows]
        lines.append(f"| {name} | {np.nanmean(values):.3f} | " + " | ".join(f"{value:.3f}" for value in values) + " |")
    return "\n".join(lines) + "\n"


def measure_market(seed: int, users: int | None, others: lgb.Booster | None) -> dict[str, float]:
    """All figures of one market."""
    market = make_market("hard", seed, users=users)
    events = as_events(market.log)
    without = detect(events, Settings(gnn=NO_NETWORK))
    measured = measure(events, Settings())
    run = detect_in(measured, Settings(), Progress()).run
    row: dict[str, float] = {"seed": seed}
    member = members_of(market, events)
    for name, one in (("evidence alone", without), ("with the network", run)):
        figures, score = evaluate(one, market.truth), user_scores(one, events)
        assert figures.precision is not None
        assert figures.detectable_recall is not None
        row |= {
            f"user AUPRC, {name}": figures.ranking["user"].auprc or 0.0,
            f"item AUPRC, {name}": figures.ranking["item"].auprc or 0.0,
            f"recall of users at precision {PRECISION}, {name}": recall_at(score, member, PRECISION),
            f"precision at 50 rings, {name}": figures.precision_at["50"] or 0.0,
            f"alerts: member precision, {name}": figures.precision,
            f"alerts: recall of detectable members, {name}": figures.detectable_recall,
        }
    row["ring mates among the 10 nearest"], row["the same by chance"] = ring_mates(run, market)
    row["seconds of the network"] = next(stage["seconds"] for stage in run.meta["cost"]["stages"] if stage["stage"] == "network")
    inputs = read_inputs(measured, run, None, 2)
    row |= few_labels(inputs, member, market, events, seed)
    if others is not None:
        by_others = run_odds(inputs) + tree_scores(others, inputs)
        row["user AUPRC with all labels of three other markets"] = auprc(member, by_others)
    row |= later_labels(inputs, member, market, events, run, seed)
    print(json.dumps({name: round(value, 3) for name, value in row.items()}), flush=True)
    return row


def members_of(market: Market, events: EventTable) -> Flags:
    users = market.truth.members[market.truth.members["node_type"] == "user"]["node_id"]
    return np.isin(np.array(events.ids["user"].to_pylist()), users.unique())


def user_scores(run: Run, events: EventTable) -> Floats:
    own = run.scores.filter(pc.equal(run.scores["node_type"], "user"))
    score = np.empty(len(own))
    score[pc.index_in(own["node_id"], value_set=events.ids["user"]).to_numpy()] = own["score"].to_numpy()
    return score


def recall_at(score: Floats, member: Flags, precision: float) -> float:
    hits = np.cumsum(member[np.argsort(-score, kind="stable")])
    good = hits / np.arange(1, len(hits) + 1) >= precision
    return float(hits[good].max(initial=0) / member.sum())


def ring_mates(run: Run, market: Market) -> tuple[float, float]:
    """Mean over true rings of 11 or more: members' ring mates among their 10 nearest users, and the same for random users."""
    assert run.embeddings is not None
    own = run.embeddings.filter(pc.equal(run.embeddings["node_type"], "user"))
    vectors = own["embedding"].combine_chunks().flatten().to_numpy().reshape(len(own), -1)
    place = pd.Index(own["node_id"].to_pylist())
    members = market.truth.members[market.truth.members["node_type"] == "user"]
    found, chance = [], []
    for _, group in members.groupby("ring_id"):
        rows = place.get_indexer(group["node_id"])
        if len(group) < LEAST_SIZE:
            continue
        rows = rows[rows >= 0]  # who has no embedding finds nobody
        near = vectors[rows] @ vectors.T
        near[np.arange(len(rows)), rows] = -2
        found.append(np.isin(np.argpartition(-near, NEAREST, axis=1)[:, :NEAREST], rows).sum() / len(group))
        chance.append(NEAREST * (len(group) - 1) / len(vectors))
    return float(np.mean(found)), float(np.mean(chance))


def few_labels(inputs: LabelledInputs, member: Flags, market: Market, events: EventTable, seed: int) -> dict[str, float]:
    """Three labelled rings and some users known to be good; judged on everybody else."""
    generator = np.random.default_rng(seed)
    truth = market.truth.members[market.truth.members["node_type"] == "user"]
    place = pd.Index(events.ids["user"].to_pylist())
    sizes = truth.groupby("ring_id").size()
    chosen = generator.choice(sizes.index[sizes >= LEAST_SIZE], KNOWN_RINGS, replace=False)
    known = np.unique(place.get_indexer(truth["node_id"][truth["ring_id"].isin(chosen)]))
    good = generator.choice(np.flatnonzero(~member), KNOWN_GOOD, replace=False)
    rows = np.concatenate([known, good]).astype(np.int64)
    positive = np.arange(len(rows)) < len(known)
    others = np.setdiff1d(np.arange(len(member)), rows)
    run = run_odds(inputs)
    begin = measure_trust(run[rows], positive) * run
    by_trees = begin + tree_scores(grow_trees(inputs.take(rows), positive, 0, begin=begin[rows]), inputs)
    network, scale = fit_network(inputs, rows, positive, GnnSettings(), 0, begin[rows])
    by_network = begin + apply_network(network, scale, (inputs.values,))
    scores = {
        "trees over aggregates": aggregate_trees(inputs, rows, positive, 0),
        "run without labels": run,
        "trees from the run's odds": by_trees,
        "average of trees and network": ranks(by_trees) + ranks(by_network),
    }
    return {f"user AUPRC with 3 labelled rings, {name}": auprc(member[others], score[others]) for name, score in scores.items()}


def learn_other_markets(users: int | None) -> lgb.Booster:
    """Trees from the run's odds, by every user of the tuning markets: what the columns could tell, were nobody's truth hidden."""
    tables, member = [], []
    for seed in TUNING_SEEDS:
        market = make_market("hard", seed, users=users)
        events = as_events(market.log)
        measured = measure(events, Settings())
        tables.append(read_inputs(measured, detect_in(measured, Settings(), Progress()).run, None, 2))
        member.append(members_of(market, events))
    stacked = FeatureTable("three markets", tables[0].names, np.vstack([table.values for table in tables]))
    options = {"num_iterations": 300, "num_leaves": 31, "learning_rate": 0.05}
    return grow_trees(stacked, np.concatenate(member), 0, options=options, begin=run_odds(stacked))


def ranks(score: Floats) -> Floats:
    """Log odds of the rank, so that the top counts."""
    share = (np.argsort(np.argsort(score, kind="stable"), kind="stable") + 0.5) / len(score)
    return np.asarray(np.log(share / (1 - share)))


def later_labels(inputs: LabelledInputs, member: Flags, market: Market, events: EventTable, run: Run, seed: int) -> dict[str, float]:
    """A tenth of all users labelled, 2 % of them wrongly, known by their last event: calibration error on the latest fifth."""
    assert events.time is not None
    generator = np.random.default_rng(seed)
    user = np.sort(generator.choice(len(member), len(member) // 10, replace=False)).astype(np.int32)
    last = np.zeros(len(member), np.int64)
    np.maximum.at(last, events.codes["user"], events.time)
    wrong = generator.random(len(user)) < 0.02
    try:
        _, judged = learn_labels(inputs, Labels(user, member[user] ^ wrong, last[user]), ring_members(events, run), Settings())
    except LabelError:
        return {}
    row = {"calibration error on later labels": judged.calibration_error}
    return row | {f"AUPRC on later labels, {one.method}": one.auprc for one in judged.methods}


def auprc(member: Flags, score: Floats) -> float:
    return float(average_precision_score(member, score))


def compare_objectives(seed: int, users: int | None) -> dict[str, float]:
    """The network by each objective, and the one that is kept with parts taken away; network alone and beside the evidence."""
    market = make_market("hard", seed, users=users)
    events = as_events(market.log)
    settings = Settings()
    run = detect(events, Settings(gnn=NO_NETWORK))
    member, evidence = members_of(market, events), user_scores(run, events)
    odds = np.log10(evidence / (1 - evidence))
    measured = measure(events, settings)
    visits, pairs = measured.visits, measured.pairs
    tiers = run.rings["tier"].to_pylist()
    rings = ring_members(events, run)
    groups = [group for group, tier in zip(rings, tiers, strict=True) if tier == "alert"]
    relation, features = evidence_relation(pairs, visits.users), measure_users(measured.events, visits, measured.base_rates, pairs)
    row: dict[str, float] = {"seed": seed, "evidence alone": auprc(member, evidence)}

    def note(name: str, logit: Floats) -> None:
        network = logit / np.log(10)
        of_ring = np.full(len(network), -np.inf)
        for group in rings:
            of_ring[group] = np.maximum(of_ring[group], network[group].mean())
        mixed = np.where(np.isfinite(of_ring), (network + of_ring) / 2, network)
        row[f"{name}: network alone"] = auprc(member, logit)
        row[f"{name}: with evidence"] = auprc(member, odds + settings.gnn.weight * len(groups) / (len(groups) + HALF_TRUST_RINGS) * mixed)
        print(seed, name, round(row[f"{name}: network alone"], 3), round(row[f"{name}: with evidence"], 3), flush=True)

    inputs, _ = gather_inputs(features, visits, relation, None, depth=settings.gnn.depth)
    note("contrast of validated rings (kept)", learn_users(inputs.values, groups, visits, relation, settings.gnn, settings.seed).logit)
    note("real log against permuted log", against_null(measured, inputs, settings))
    note("surprise of masked visits", masked_visits(measured, settings))
    for depth, name in enumerate(("own features, second layer", "one step of messages", "two steps of messages")):
        if depth == settings.gnn.depth:
            continue
        other, _ = gather_inputs(features, visits, relation, None, depth=depth)
        note(name, learn_users(other.values, groups, visits, relation, settings.gnn, settings.seed).logit)
    empty = relation.copy()
    empty.data[:] = 0
    alone, _ = gather_inputs(features, visits, empty, None, depth=settings.gnn.depth)
    note("without the evidence relation", learn_users(alone.values, groups, visits, empty, settings.gnn, settings.seed).logit)
    note("one layer", first_layer(inputs.values, groups, settings))
    own, _ = gather_inputs(features, visits, relation, None, depth=0)
    note("one layer, own features", first_layer(own.values, groups, settings))
    blind = own.values.copy()
    blind[:, [number for number, name in enumerate(own.names) if name in names_of(COMPANY.columns)]] = 0
    note("one layer, no evidence in own features", first_layer(blind, groups, settings))
    return row


def first_layer(values: npt.NDArray[np.float32], groups: list[npt.NDArray[np.int32]], settings: Settings) -> Floats:
    from graphdet.learning.from_rings import _layer, ring_folds

    fold, barred = ring_folds(groups, len(values), settings.gnn.folds, settings.seed)
    member = np.zeros(len(values), np.bool_)
    member[np.concatenate(groups)] = True
    return _layer((values,), member, fold, barred, settings.gnn, settings.seed, "first layer", 1)[1]


def against_null(measured: Measured, inputs: FeatureTable, settings: Settings) -> Floats:
    """Users of the log told from users of a permuted log; each half of the users is scored by the network of the other half."""
    shuffled = permute(measured.visits, settings.seed)
    base_rates = measure_base_rates(shuffled, measured.affordable, measured.base_rates.homogeneity)
    pairs = measure_pairs(shuffled, base_rates, measured.expected, measured.affordable, 2)
    features = measure_users(measured.events, shuffled, base_rates, pairs)
    scale = measure_scale(measure_users(measured.events, measured.visits, measured.base_rates, measured.pairs).values)
    null, _ = gather_inputs(features, shuffled, evidence_relation(pairs, shuffled.users), scale, depth=settings.gnn.depth)
    generator = np.random.default_rng(settings.seed)
    half = generator.permutation(len(inputs)) % 2
    logit = np.zeros(len(inputs))
    standard = measure_scale(inputs.values)
    for side in (0, 1):
        own = np.flatnonzero(half == side)
        rows = generator.choice(own, min(settings.gnn.others, len(own)), replace=False)
        values = standard.apply(np.vstack([inputs.values[rows], null.values[rows]]))
        network = train(values, np.arange(len(values)) < len(rows), settings.gnn, settings.seed, "against the null")
        logit[half != side] = apply_network(network, standard, (inputs.values,), np.flatnonzero(half != side))
    return logit


def masked_visits(measured: Measured, settings: Settings) -> Floats:
    """Half of the item visits hidden; who made them is guessed from the rest, and users are as odd as their hidden visits surprise."""
    events, visits, known = measured.events, measured.visits, measured.base_rates
    view = next(view for view in visits.views if view.name == "item")
    generator = np.random.default_rng(settings.seed)
    key = np.repeat(np.arange(visits.keys), np.diff(visits.offset))
    hidden = (generator.random(len(visits)) < 0.5) & (key >= view.first_key) & (key < view.first_key + view.keys)
    counts = np.bincount(key[~hidden], minlength=visits.keys)
    offset = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    left = replace(visits, offset=offset, user=visits.user[~hidden], time=visits.time[~hidden], draw=visits.draw[~hidden])
    # What was usual of the visits that are left is that of the whole log.
    rates = [column[~hidden] for column in (known.log_base_rate, known.log_intent, known.near, known.usual)]
    base_rates = BaseRates(*rates, homogeneity=known.homogeneity)
    expected = expected_meetings(left)
    left_pairs = measure_pairs(left, base_rates, expected, affordable_evidence(left, base_rates, expected, settings.evidence, 2), 2)
    features = measure_users(events, left, base_rates, left_pairs)
    users, _ = gather_inputs(features, left, evidence_relation(left_pairs, left.users), None, depth=1)
    items = measure_keys(events, left, base_rates, left_pairs)["item"].values
    rows = np.flatnonzero(hidden)
    who, what = visits.user[rows], key[rows] - view.first_key
    swapped = who[generator.permutation(len(who))]

    def both(user: npt.NDArray[Any], item: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        return np.hstack([users.values[user], items[item]]).astype(np.float32)

    learn = generator.choice(len(rows), min(settings.gnn.others, len(rows)), replace=False)
    values = np.vstack([both(who[learn], what[learn]), both(swapped[learn], what[learn])])
    scale = measure_scale(values)
    network = train(scale.apply(values), np.arange(len(values)) < len(learn), settings.gnn, settings.seed, "masked visits")
    logit = np.concatenate(
        [apply_network(network, scale, (both(who[part], what[part]),)) for part in np.array_split(np.arange(len(rows)), 20)]
    )
    surprise = np.bincount(who, weights=np.log1p(np.exp(-logit)), minlength=visits.users)
    return surprise / np.maximum(np.bincount(who, minlength=visits.users), 1)


if __name__ == "__main__":
    started = time.perf_counter()
    main()
    print(f"{time.perf_counter() - started:.0f} s")
