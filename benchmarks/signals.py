"""Made accounts with known truth → what each signal adds to the graph: learned on tuning seeds, judged on fresh ones.

    python benchmarks/signals.py           # markets of 4,000 accounts, with some taken over and without
    python benchmarks/signals.py --full    # hard markets as they are

Whatever learns, learns on whole markets that it is not judged on, so no ring, account or day is in two parts. A bar is that of the best F1
over the tuning markets, each judged by what others of them taught. A modality is a name in `MODALITIES` → columns of users; what is added
there joins all tables. The articles' networks stand beside these in `signals_networks.py`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
from account_meetings import bursts, cards, log_with_prints, pictures, texts
from markets import as_events
from results_io import write_result
from sklearn.metrics import average_precision_score, roc_auc_score

from graphdet import EventTable, Settings
from graphdet.evaluate.metrics import bootstrap_interval
from graphdet.learning.labelled_inputs import OF_RUN, read_inputs
from graphdet.learning.map_autoencoder import drawn_again
from graphdet.learning.sequence_network import network_surprise
from graphdet.pipeline import detect_in
from graphdet.progress import Progress
from graphdet.signal_settings import TakeoverSettings
from graphdet.signals import measure_log
from graphdet.signals.activity import ACTIVITY
from graphdet.signals.activity_maps import activity_maps, oddness
from graphdet.signals.sequences import read_steps, summarize, trigram_surprise
from graphdet.signals.signal import names_of
from graphdet.signals.takeovers import find_takeovers
from graphdet.simulate import preset, simulate, with_pictures, with_takeovers

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
SHOWN = 0.05  # of honest reviews, that show a picture
TAKEN = 100.0  # of 10,000 accounts, that are taken over


@dataclass(frozen=True)
class Plan:
    """Markets of one size, and how trees learn from them: leaves, rounds, and in how many parts the tuning markets are judged."""

    users: int
    events: int
    learn: tuple[int, ...]
    fresh: tuple[int, ...]
    leaves: int
    rounds: int
    folds: int


SMALL = Plan(4000, 120_000, tuple(range(11, 21)), (9006, 9007, 9008, 9009, 9010), leaves=7, rounds=80, folds=5)
FULL = Plan(60_000, 800_000, tuple(range(21, 27)), (9114, 9115, 9116, 9117, 9118), leaves=31, rounds=300, folds=3)


@dataclass(frozen=True)
class Accounts:
    """One market's accounts: columns by modality, the log they are of, who is a fraud, and of which kind ('' = honest)."""

    columns: Mapping[str, Floats]
    score: Floats  # of the run, which knows no label
    events: EventTable
    kind: npt.NDArray[np.str_]
    seconds: Mapping[str, float]

    @property
    def fraud(self) -> Flags:
        return self.kind != ""


def sequences(events: EventTable) -> Floats:
    steps = read_steps(events)
    return summarize(trigram_surprise(steps), steps.user, events.count("user")).astype(np.float64)


def sequences_gru(events: EventTable) -> Floats:
    steps = read_steps(events)
    bits, place = network_surprise(steps, "gru", 1)
    return summarize(bits, steps.user[place], events.count("user")).astype(np.float64)


def maps(events: EventTable) -> Floats:
    hours, weeks = activity_maps(events)
    return np.column_stack([oddness(hours), oddness(weeks)])


def maps_autoencoder(events: EventTable) -> Floats:
    return drawn_again(activity_maps(events)[0], 1)[:, None]


def takeover(events: EventTable) -> Floats:
    found = find_takeovers(events, TakeoverSettings(), 1)
    columns = np.zeros((events.count("user"), 8))
    if found is not None:
        own = [found.score, -np.log10(found.p_value), *found.parts.values()]
        columns[:, 0] = -9.0
        columns[found.blocks.account] = np.column_stack(own)
    return columns


# Name → what is told of each account beside the graph: (users, columns).
MODALITIES: dict[str, Callable[[EventTable], Floats]] = {
    "sequences": sequences,
    "activity maps": maps,
    "takeover": takeover,
    "texts": texts,
    "pictures": pictures,
    "bursts": bursts,
    "cards": cards,
}
BESIDE = {"sequences by GRU": sequences_gru, "activity maps by autoencoder": maps_autoencoder}  # measured, in no fusion


def accounts_of(plan: Plan, seed: int, taken: float, beside: bool = False) -> Accounts:
    """A hard market's accounts; the graph is a run with two permuted logs that reads no texts and no pictures."""
    market = simulate(with_pictures(with_takeovers(preset("hard", users=plan.users, events=plan.events), taken), SHOWN), seed)
    events, settings = as_events(log_with_prints(market)), Settings()
    settings = settings.model_copy(update={"rings": settings.rings.model_copy(update={"permutations": 2})})
    start = time.perf_counter()
    measured = measure_log(replace(events, written={}), settings)
    run = detect_in(measured, settings, Progress()).run
    inputs = read_inputs(measured, run, None)
    own = [name for name in inputs.names if name in names_of(OF_RUN) or name.startswith("ring_")]
    columns, seconds = {"graph": inputs.select(own).values.astype(np.float64)}, {"graph": time.perf_counter() - start}
    for name, measure in {**MODALITIES, **(BESIDE if beside else {})}.items():
        start = time.perf_counter()
        columns[name] = measure(events)
        seconds[name] = time.perf_counter() - start
    columns["counts"] = inputs.values[:, [inputs.names.index(column.name) for column in ACTIVITY.columns]].astype(np.float64)
    names = events.ids["user"].to_pylist()
    kind = dict.fromkeys(names, "")
    members = market.truth["members"].to_pylist()
    kinds = dict(zip(market.truth["rings"]["ring_id"].to_pylist(), market.truth["rings"]["kind"].to_pylist(), strict=True))
    kind.update({row["node_id"]: kinds[row["ring_id"]] for row in members if row["node_type"] == "user"})
    if "takeovers" in market.truth:
        kind.update(dict.fromkeys(market.truth["takeovers"]["user_id"].to_pylist(), "taken over"))
    score = inputs.values[:, inputs.names.index("score_odds")].astype(np.float64)
    return Accounts(columns, score, events, np.array([kind[name] for name in names]), seconds)


def together(markets: Sequence[Accounts], names: Sequence[str], permuted: str = "") -> Floats:
    """Columns of all markets, one modality perhaps dealt to other accounts of its market."""
    rows = []
    for number, market in enumerate(markets):
        order = np.random.default_rng(number).permutation(len(market.kind))
        rows.append(np.hstack([market.columns[name][order] if name == permuted else market.columns[name] for name in names]))
    return np.vstack(rows)


def trees(plan: Plan, inputs: Floats, fraud: Flags, begin: Floats | None = None) -> lgb.Booster:
    """`begin`: log odds that they add to, as those of models with labels do."""
    settings = {"objective": "binary", "num_leaves": plan.leaves, "learning_rate": 0.05, "min_data_in_leaf": 60, "lambda_l2": 20.0}
    settings |= {"deterministic": True, "force_col_wise": True, "num_threads": 1, "seed": 1, "verbose": -1}
    return lgb.train(settings, lgb.Dataset(inputs, fraud.astype(float), init_score=begin), plan.rounds)


def log_odds(market: Accounts) -> Floats:
    return np.log(10) * market.score


def figures(fraud: Flags, score: Floats, bar: float) -> dict[str, float]:
    """Of one market; `bar` was chosen on another."""
    said = score >= bar
    right = int((said & fraud).sum())
    precision, recall = right / max(int(said.sum()), 1), right / max(int(fraud.sum()), 1)
    return {
        "accuracy": float((said == fraud).mean()), "precision": precision, "recall": recall,
        "F1": 2 * precision * recall / max(precision + recall, 1e-9),
        "AUROC": float(roc_auc_score(fraud, score)), "AUPRC": float(average_precision_score(fraud, score)),
    }  # fmt: skip


def best_bar(fraud: Flags, score: Floats) -> float:
    """The bar of the highest F1."""
    order = np.argsort(-score, kind="stable")
    right = np.cumsum(fraud[order])
    return float(score[order[int((2 * right / (np.arange(1, len(order) + 1) + fraud.sum())).argmax())]])


def even_rows(fraud: Flags) -> npt.NDArray[np.int64]:
    """All frauds and as many of the others."""
    honest = np.random.default_rng(7).permutation(np.flatnonzero(~fraud))[: int(fraud.sum())]
    return np.sort(np.concatenate([np.flatnonzero(fraud), honest]))


Judge = Callable[[Accounts], Floats]
Set = tuple[list[str], str]  # names of modalities that are read, and the one that is dealt to other accounts


def taught(plan: Plan, learned: Sequence[Accounts], names: Sequence[str], permuted: str = "") -> Judge:
    """Trees that learned from whole markets, on top of the run's log odds."""
    begin = np.concatenate([log_odds(market) for market in learned])
    model = trees(plan, together(learned, names, permuted), np.concatenate([market.fraud for market in learned]), begin)
    return lambda market: log_odds(market) + model.predict(together([market], names, permuted), raw_score=True)


def of_others(plan: Plan, learned: Sequence[Accounts], names: Sequence[str], permuted: str = "") -> list[Floats]:
    """What each tuning market is given by those of the other parts."""
    told: list[Floats] = [np.zeros(0)] * len(learned)
    for fold in range(plan.folds):
        judge = taught(plan, [market for place, market in enumerate(learned) if place % plan.folds != fold], names, permuted)
        for place in range(fold, len(learned), plan.folds):
            told[place] = judge(learned[place])
    return told


def judged(judge: Judge, tuning: Sequence[Accounts], told: Sequence[Floats], fresh: Sequence[Accounts]) -> dict[str, Any]:
    """Figures in natural proportion and balanced, over fresh markets, with 95 % intervals of AUPRC and F1; bars of the tuning markets."""
    even_of = [even_rows(market.fraud) for market in tuning]
    bars = (
        best_bar(np.concatenate([market.fraud for market in tuning]), np.concatenate(told)),
        best_bar(
            np.concatenate([market.fraud[rows] for market, rows in zip(tuning, even_of, strict=True)]),
            np.concatenate([score[rows] for score, rows in zip(told, even_of, strict=True)]),
        ),
    )
    natural, even = [], []
    for market in fresh:
        score, rows = judge(market), even_rows(market.fraud)
        natural.append(figures(market.fraud, score, bars[0]))
        even.append(figures(market.fraud[rows], score[rows], bars[1]))
    mean = {
        name: {key: float(np.mean([one[key] for one in part])) for key in part[0]}
        for name, part in (("natural", natural), ("balanced", even))
    }
    mean["interval"] = {key: bootstrap_interval([[one[key]] for one in natural])[1:] for key in ("AUPRC", "F1")}
    return mean


def sets_of(beside: bool, full: bool) -> dict[str, Set]:
    """The graph alone, with each, with all, without each, and with each dealt to others; of full markets the first three."""
    modalities = [*MODALITIES, "counts"]
    sets: dict[str, Set] = {"graph alone": (["graph"], "")}
    sets |= {f"graph + {name}": (["graph", name], "") for name in (*modalities, *(BESIDE if beside else ()))}
    sets["all"] = (["graph", *modalities], "")
    if not full:
        sets |= {f"all without {name}": ([one for one in ("graph", *modalities) if one != name], "") for name in modalities}
        sets |= {f"graph + {name}, permuted": (["graph", name], name) for name in modalities}
    return sets


def fusion(plan: Plan, learned: Sequence[Accounts], fresh: Sequence[Accounts], sets: Mapping[str, Set]) -> dict[str, Any]:
    """Figures of each set, and beside them those of the run's score."""
    rows: dict[str, Any] = {}
    for told, (names, permuted) in {"the run, no labels": ([], ""), **sets}.items():
        judge = taught(plan, learned, names, permuted) if names else log_odds
        others = of_others(plan, learned, names, permuted) if names else [log_odds(market) for market in learned]
        rows[told] = judged(judge, learned, others, fresh)
        rows[told]["recall"], rows[told]["AUPRC"] = by_kind(judge, fresh)
        print(f"{told:<40} AUPRC {rows[told]['natural']['AUPRC']:.3f}  F1 {rows[told]['natural']['F1']:.3f}", flush=True)
    return rows


def by_kind(judge: Judge, fresh: Sequence[Accounts]) -> tuple[dict[str, float], dict[str, float]]:
    """Share of each kind's accounts among the highest scored, as many as there are frauds; and AUPRC of each against honest ones."""
    there: dict[str, list[bool]] = {}
    apart: dict[str, list[float]] = {}
    for market in fresh:
        score = judge(market)
        top = np.zeros(len(score), np.bool_)
        top[np.argsort(-score, kind="stable")[: int(market.fraud.sum())]] = True
        for kind in sorted(set(market.kind[market.fraud].tolist())):
            own, asked = market.kind == kind, (market.kind == kind) | ~market.fraud
            there.setdefault(kind, []).extend(top[own].tolist())
            apart.setdefault(kind, []).append(float(average_precision_score(own[asked], score[asked])))
    return {kind: float(np.mean(hits)) for kind, hits in sorted(there.items())}, {
        kind: float(np.mean(apart[kind])) for kind in sorted(apart)
    }


def as_table(rows: Mapping[str, Any], proportion: str) -> list[str]:
    heads = ("accuracy", "precision", "recall", "F1", "AUROC", "AUPRC")
    lines = [f"| {proportion} | " + " | ".join(heads) + " | AUPRC, 95 % |", "|---" * (len(heads) + 2) + "|"]
    for name, row in rows.items():
        low, high = row["interval"]["AUPRC"]
        cells = " | ".join(f"{row[proportion][head]:.3f}" for head in heads)
        lines.append(f"| {name} | {cells} | {f'{low:.3f}–{high:.3f}' if proportion == 'natural' else ''} |")
    return [*lines, ""]


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--full", action="store_true", help="hard markets of 60,000 accounts; half an hour")
    asked.add_argument("--beside", action="store_true", help="the GRU and the autoencoder in the fusion, too; minutes more")
    options = asked.parse_args()
    plan, name = (FULL, "signals_full") if options.full else (SMALL, "signals")
    told: dict[str, Any] = {"seeds": plan.fresh}
    for part, taken in (("plain", 0.0),) if options.full else (("taken", TAKEN), ("plain", 0.0)):
        learned, fresh = ([accounts_of(plan, seed, taken, options.beside) for seed in seeds] for seeds in (plan.learn, plan.fresh))
        print(f"{part}: markets made", flush=True)
        told.setdefault("seconds", {key: float(np.mean([one.seconds[key] for one in fresh])) for key in fresh[0].seconds})
        told[part] = fusion(plan, learned, fresh, sets_of(options.beside, options.full))
        write_result(name, told, as_text(plan, told))


def as_text(plan: Plan, told: Mapping[str, Any]) -> str:
    """The tables of what is measured so far."""
    lines = [
        "# What signals add to the graph",
        "",
        f"Markets `hard` of {plan.users:,} accounts and {plan.events:,} events, {SHOWN:.0%} of honest reviews with a picture;",
        "the graph alone reads no texts and no pictures. Trees on top of the run's log odds learned on the markets of seeds",
        f"{plan.learn}, bars are those of the best F1 there, and fresh seeds {plan.fresh} are judged.",
        "A fraud is a ring's member or an account taken over.",
    ]
    heads = {"taken": f"{TAKEN:g} of 10,000 accounts taken over besides", "plain": "Nobody taken over"}
    for part in [part for part in heads if part in told]:
        lines += ["", f"## {heads[part]}", "", *as_table(told[part], "natural"), *of_kinds(told[part])]
    return "\n".join(
        [*lines, "", "Seconds a market: " + ", ".join(f"{name} {value:.1f}" for name, value in told["seconds"].items()) + ".", ""]
    )


def of_kinds(rows: Mapping[str, Any]) -> list[str]:
    """Recall and AUPRC of each kind of ring."""
    kinds = sorted({kind for row in rows.values() for kind in row["recall"]})
    lines = []
    for figure, about in (
        ("recall", "Recall by kind among as many as there are frauds:"),
        (
            "AUPRC",
            "AUPRC of each kind against honest accounts, other frauds left out (few are such, so it is lower than that of all):",
        ),
    ):
        lines += [about, "", "| | " + " | ".join(kinds) + " |", "|---" * (len(kinds) + 1) + "|"]
        lines += [f"| {name} | " + " | ".join(f"{row[figure].get(kind, 0.0):.2f}" for kind in kinds) + " |" for name, row in rows.items()]
        lines += [""]
    return lines[:-1]


if __name__ == "__main__":
    main()
