"""Made accounts with known truth → what each signal adds to the graph, and how the articles' networks fare beside graphdet.

    python benchmarks/signals.py    # fusion table and architectures: learned on tuning seeds, judged on fresh ones

Whatever learns, learns on whole markets that it is not judged on, so no ring, account or day is in two parts. A modality is a name in
`MODALITIES` → columns of users; what is added there joins both tables.
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
import torch
from account_meetings import bursts, cards, log_with_prints, pictures, texts
from account_networks import LENGTH, OneRecurrent, Picture, SmallTransformer, TwoLstms, forecast_residual, learn
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
from graphdet.signals.activity_maps import HOUR, activity_maps, oddness
from graphdet.signals.sequences import TOKENS, read_steps, summarize, trigram_surprise
from graphdet.signals.signal import names_of
from graphdet.signals.takeovers import find_takeovers
from graphdet.simulate import preset, simulate, with_pictures, with_takeovers

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
LEARN_SEEDS, HELD_SEED, FRESH = (11, 12), 13, (9001, 9002, 9003, 9004, 9005)
USERS, EVENTS, TAKEN = 4000, 120_000, 100.0  # of a market; taken over of 10,000 accounts
SHOWN = 0.05  # of honest reviews, that show a picture


@dataclass(frozen=True)
class Accounts:
    """One market's accounts: columns by modality, what networks read, who is a fraud, and of which kind ('' = honest)."""

    columns: Mapping[str, Floats]
    score: Floats  # of the run, which knows no label
    tokens: npt.NDArray[np.int64]
    days: npt.NDArray[np.float32]  # (accounts, days, hours)
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


def accounts_of(seed: int, taken: float = TAKEN, beside: bool = False) -> Accounts:
    """A hard market's accounts; the graph is a run with two permuted logs that reads no texts and no pictures."""
    market = simulate(with_pictures(with_takeovers(preset("hard", users=USERS, events=EVENTS), taken), SHOWN), seed)
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
    return Accounts(columns, score, latest_tokens(events), day_hours(events), np.array([kind[name] for name in names]), seconds)


def latest_tokens(events: EventTable) -> npt.NDArray[np.int64]:
    """Each account's latest steps, padded at the front."""
    steps = read_steps(events)
    tokens = np.full((events.count("user"), LENGTH), TOKENS)
    last = np.append(np.flatnonzero(steps.first)[1:], len(steps.user))
    back = last[steps.user] - np.arange(len(steps.user))
    kept = back <= LENGTH
    tokens[steps.user[kept], LENGTH - back[kept]] = steps.token[kept]
    return tokens


def day_hours(events: EventTable) -> npt.NDArray[np.float32]:
    """log(1 + events) by day and hour."""
    assert events.time is not None
    hour = (events.time // HOUR - events.time.min() // (24 * HOUR) * 24).clip(0, 45 * 24 - 1)
    counts = np.bincount(events.codes["user"].astype(np.int64) * 1080 + hour, minlength=events.count("user") * 1080)
    return np.log1p(counts).reshape(-1, 45, 24).astype(np.float32)


def together(markets: Sequence[Accounts], names: Sequence[str], permuted: str = "") -> Floats:
    """Columns of all markets, one modality perhaps dealt to other accounts of its market."""
    rows = []
    for number, market in enumerate(markets):
        order = np.random.default_rng(number).permutation(len(market.kind))
        rows.append(np.hstack([market.columns[name][order] if name == permuted else market.columns[name] for name in names]))
    return np.vstack(rows)


def trees(inputs: Floats, fraud: Flags, begin: Floats | None = None) -> lgb.Booster:
    """Small trees; `begin`: log odds that they add to, as those of models with labels do."""
    settings = {"objective": "binary", "num_leaves": 7, "learning_rate": 0.05, "min_data_in_leaf": 60, "lambda_l2": 20.0, "verbose": -1}
    settings |= {"deterministic": True, "force_col_wise": True, "num_threads": 1, "seed": 1}
    return lgb.train(settings, lgb.Dataset(inputs, fraud.astype(float), init_score=begin), 80)


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


def judged(judge: Judge, held: Accounts, fresh: Sequence[Accounts]) -> dict[str, Any]:
    """Figures in natural proportion and balanced, over fresh markets, with 95 % intervals of AUPRC and F1."""
    rows = even_rows(held.fraud)
    told = judge(held)
    bars = best_bar(held.fraud, told), best_bar(held.fraud[rows], told[rows])
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


def fusion(learned: Sequence[Accounts], held: Accounts, fresh: Sequence[Accounts]) -> dict[str, Any]:
    """The graph alone, with each, with all, without each, and with each dealt to others."""
    modalities = list(MODALITIES)
    sets: dict[str, tuple[list[str], str]] = {"graph alone": (["graph"], "")}
    sets |= {f"graph + {name}": (["graph", name], "") for name in (*modalities, *(name for name in BESIDE if name in fresh[0].columns))}
    sets["all"] = (["graph", *modalities], "")
    sets |= {f"all without {name}": ([one for one in ("graph", *modalities) if one != name], "") for name in modalities}
    sets |= {f"graph + {name}, permuted": (["graph", name], name) for name in modalities}
    fraud, begin = np.concatenate([market.fraud for market in learned]), np.concatenate([log_odds(market) for market in learned])
    rows = {}
    for told, (names, permuted) in sets.items():
        model = trees(together(learned, names, permuted), fraud, begin)
        judge: Judge = lambda market, names=names, permuted=permuted, model=model: (  # type: ignore[misc]  # noqa: E731
            log_odds(market) + model.predict(together([market], names, permuted), raw_score=True)
        )
        rows[told] = judged(judge, held, fresh)
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


def architectures(learned: Sequence[Accounts], held: Accounts, fresh: Sequence[Accounts]) -> dict[str, Any]:
    """The articles' networks and the others beside graphdet, on the same accounts; networks see one fraud for four honest accounts."""
    fraud = np.concatenate([market.fraud for market in learned])
    honest = np.random.default_rng(5).permutation(np.flatnonzero(~fraud))[: 4 * int(fraud.sum())]
    rows = np.sort(np.concatenate([np.flatnonzero(fraud), honest]))
    tokens, days = np.concatenate([market.tokens for market in learned]), np.concatenate([market.days for market in learned])
    labels, few = fraud[rows], even_rows(held.fraud)

    def by_tokens(make: Callable[[], torch.nn.Module], focal: float = 0.0) -> Judge:
        network = learn(make, tokens[rows], labels, (held.tokens[few], held.fraud[few]), focal)
        return lambda market: network.says(market.tokens)

    def by_days() -> Judge:
        network = learn(lambda: Picture(45), days[rows], labels, (held.days[few], held.fraud[few]))
        return lambda market: network.says(market.days)

    def by_trees(names: list[str], told: bool) -> Judge:
        model = trees(together(learned, names), fraud, np.concatenate([log_odds(market) for market in learned]) if told else None)
        return lambda market: model.predict(together([market], names), raw_score=True) + (log_odds(market) if told else 0.0)

    daily = np.expm1(days).sum(axis=2)
    contestants: dict[str, Callable[[], Judge]] = {
        "LSTM 128, 64 over sequences": lambda: by_tokens(TwoLstms),
        "plain RNN over sequences": lambda: by_tokens(lambda: OneRecurrent("rnn")),
        "forecast residual, windows of five, 2 × LSTM 50": lambda: (
            lambda market: forecast_residual(daily, np.expm1(market.days).sum(axis=2))
        ),
        "CNN on activity pictures": by_days,
        "GRU with focal loss over sequences": lambda: by_tokens(lambda: OneRecurrent("gru"), 2.0),
        "small transformer over sequences": lambda: by_tokens(SmallTransformer),
        "trees on counts": lambda: by_trees(["counts"], False),
        "graphdet, no labels": lambda: lambda market: market.score,
        "graphdet with labels": lambda: by_trees(["graph", *MODALITIES], True),
    }
    told = {}
    for name, make in contestants.items():
        start = time.perf_counter()
        told[name] = judged(make(), held, fresh) | {"seconds": time.perf_counter() - start}
        print(f"{name:<50} AUPRC {told[name]['natural']['AUPRC']:.3f}", flush=True)
    return told


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
    asked.add_argument("--seeds", type=int, default=len(FRESH))
    asked.add_argument("--beside", action="store_true", help="the GRU and the autoencoder in the fusion, too; minutes more")
    options = asked.parse_args()
    torch.set_num_threads(1)
    seeds = FRESH[: options.seeds]
    learned, held = [accounts_of(seed, beside=options.beside) for seed in LEARN_SEEDS], accounts_of(HELD_SEED, beside=options.beside)
    fresh = [accounts_of(seed, beside=options.beside) for seed in seeds]
    print("markets made", flush=True)
    told: dict[str, Any] = {
        "seeds": seeds,
        "seconds": {name: float(np.mean([one.seconds[name] for one in fresh])) for name in fresh[0].seconds},
    }
    told["fusion"] = fusion(learned, held, fresh)
    write_result("signals", told, as_text(told))
    told["networks"] = architectures(learned, held, fresh)
    write_result("signals", told, as_text(told))
    told["plain"] = fusion(
        [accounts_of(seed, 0.0) for seed in LEARN_SEEDS], accounts_of(HELD_SEED, 0.0), [accounts_of(seed, 0.0) for seed in seeds]
    )
    write_result("signals", told, as_text(told))


def as_text(told: Mapping[str, Any]) -> str:
    """The tables of what is measured so far."""
    fused = told["fusion"]
    kinds = sorted({kind for row in fused.values() for kind in row["recall"]})
    heads = ["| | " + " | ".join(kinds) + " |", "|---" * (len(kinds) + 1) + "|"]
    lines = [
        "# What signals add to the graph",
        "",
        f"Markets `hard` of {USERS:,} accounts and {EVENTS:,} events, {TAKEN:g} of 10,000 accounts taken over besides,",
        f"{SHOWN:.0%} of honest reviews with a picture; the graph alone reads no texts and no pictures;",
        f"learned on seeds {LEARN_SEEDS}, bars chosen on {HELD_SEED}, judged on {told['seeds']}. A fraud is a ring's member",
        "or an account taken over.",
        "",
        "## Fusion",
        "",
        *as_table(fused, "natural"),
        "Recall by kind among as many as there are frauds:",
        "",
        *heads,
        *(f"| {name} | " + " | ".join(f"{fused[name]['recall'][kind]:.2f}" for kind in kinds) + " |" for name in fused),
        "",
        "AUPRC of each kind against honest accounts, other frauds left out (few of many are such, so it is lower than that of all):",
        "",
        *heads,
        *(f"| {name} | " + " | ".join(f"{fused[name]['AUPRC'][kind]:.2f}" for kind in kinds) + " |" for name in fused),
        "",
    ]
    if "networks" in told:
        lines += [
            "## The articles' networks beside graphdet",
            "",
            *as_table(told["networks"], "natural"),
            *as_table(told["networks"], "balanced"),
        ]
    if "plain" in told:
        lines += [
            "## The same markets without accounts taken over, where takeover scores can tell nothing",
            "",
            *as_table(told["plain"], "natural"),
        ]
    return "\n".join([*lines, "Seconds a market: " + ", ".join(f"{name} {value:.1f}" for name, value in told["seconds"].items()) + ".", ""])


if __name__ == "__main__":
    main()
