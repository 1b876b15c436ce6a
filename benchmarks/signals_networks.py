"""Made accounts with known truth → how the networks of the articles that graphdet starts from fare beside graphdet.

    python benchmarks/signals_networks.py    # some minutes

Markets as those of `signals.py`, with accounts taken over; all learn on the same whole markets, stop and choose their bars on two others,
and are judged on fresh ones.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from account_networks import LENGTH, OneRecurrent, Picture, SmallTransformer, TwoLstms, forecast_residual, learn
from results_io import write_result
from signals import MODALITIES, SMALL, TAKEN, Accounts, Judge, accounts_of, as_table, even_rows, judged, log_odds, taught, together, trees

from graphdet import EventTable
from graphdet.signals.activity_maps import HOUR
from graphdet.signals.sequences import TOKENS, read_steps

LEARN, HELD = SMALL.learn[:4], SMALL.learn[4:6]
DAYS = 45


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
    """(accounts, days, hours) of log(1 + events)."""
    assert events.time is not None
    hours = DAYS * 24
    hour = (events.time // HOUR - events.time.min() // (24 * HOUR) * 24).clip(0, hours - 1)
    counts = np.bincount(events.codes["user"].astype(np.int64) * hours + hour, minlength=events.count("user") * hours)
    return np.log1p(counts).reshape(-1, DAYS, 24).astype(np.float32)


def contestants(learned: Sequence[Accounts], held: Sequence[Accounts]) -> dict[str, Callable[[], Judge]]:
    """Name → what learns it. Networks see one fraud for four honest accounts."""
    fraud = np.concatenate([market.fraud for market in learned])
    honest = np.random.default_rng(5).permutation(np.flatnonzero(~fraud))[: 4 * int(fraud.sum())]
    rows = np.sort(np.concatenate([np.flatnonzero(fraud), honest]))
    tokens, days = (np.concatenate([read(market.events) for market in learned]) for read in (latest_tokens, day_hours))
    few = [even_rows(market.fraud) for market in held]
    truth = np.concatenate([market.fraud[some] for market, some in zip(held, few, strict=True)])

    def held_out(read: Callable[[EventTable], npt.NDArray[np.generic]]) -> npt.NDArray[np.generic]:
        return np.concatenate([read(market.events)[some] for market, some in zip(held, few, strict=True)])

    def by_tokens(make: Callable[[], torch.nn.Module], focal: float = 0.0) -> Judge:
        network = learn(make, tokens[rows], fraud[rows], (held_out(latest_tokens), truth), focal)
        return lambda market: network.says(latest_tokens(market.events))

    def by_days() -> Judge:
        network = learn(lambda: Picture(DAYS), days[rows], fraud[rows], (held_out(day_hours), truth))
        return lambda market: network.says(day_hours(market.events))

    def by_counts() -> Judge:
        model = trees(SMALL, together(learned, ["counts"]), fraud)
        return lambda market: model.predict(together([market], ["counts"]), raw_score=True)

    daily = np.expm1(days).sum(axis=2)
    return {
        "LSTM 128, 64 over sequences": lambda: by_tokens(TwoLstms),
        "plain RNN over sequences": lambda: by_tokens(lambda: OneRecurrent("rnn")),
        "forecast residual, windows of five, 2 × LSTM 50": lambda: (
            lambda market: forecast_residual(daily, np.expm1(day_hours(market.events)).sum(axis=2))
        ),
        "CNN on activity pictures": by_days,
        "GRU with focal loss over sequences": lambda: by_tokens(lambda: OneRecurrent("gru"), 2.0),
        "small transformer over sequences": lambda: by_tokens(SmallTransformer),
        "trees on counts": by_counts,
        "graphdet, no labels": lambda: log_odds,
        "graphdet with labels": lambda: taught(SMALL, learned, ["graph", *MODALITIES, "counts"]),
    }


def main() -> None:
    torch.set_num_threads(1)
    learned, held, fresh = ([accounts_of(SMALL, seed, TAKEN) for seed in seeds] for seeds in (LEARN, HELD, SMALL.fresh))
    print("markets made", flush=True)
    told: dict[str, Any] = {}
    for name, make in contestants(learned, held).items():
        start = time.perf_counter()
        judge = make()
        told[name] = judged(judge, held, [judge(market) for market in held], fresh) | {"seconds": time.perf_counter() - start}
        print(f"{name:<50} AUPRC {told[name]['natural']['AUPRC']:.3f}", flush=True)
    lines = [
        "# The articles' networks beside graphdet",
        "",
        f"Markets `hard` of {SMALL.users:,} accounts and {SMALL.events:,} events, {TAKEN:g} of 10,000 accounts taken over besides;",
        f"learned on seeds {LEARN}, stopped and bars chosen on {HELD}, judged on {SMALL.fresh}.",
        "",
        *as_table(told, "natural"),
        *as_table(told, "balanced"),
        "Seconds to learn and judge: " + ", ".join(f"{name} {row['seconds']:.0f}" for name, row in told.items()) + ".",
    ]
    write_result("signals_networks", told, "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
