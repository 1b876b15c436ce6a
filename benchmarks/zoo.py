"""Every shop of the zoo, clean and with rings → how well graphdet and other methods find them, in one table.

python benchmarks/zoo.py                                     # all shops, three fresh seeds, baselines
python benchmarks/zoo.py --shops news tiny --seeds 1 2 --users 0.25 --no-baselines   # other seeds, a quarter of each shop's users
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from markets import FRESH_SEEDS, as_events
from results_io import write_result

from graphdet import Settings, detect
from graphdet.evaluate import Evaluation, Truth, evaluate
from graphdet.simulate.zoo import SHOPS, ShopLog, make_shop

OURS = "graphdet"
SEARCH = "rings"  # stage of a run
DETECTABLE = 2  # targets; what a crew does at devices or cards alone shows by one of them


@dataclass(frozen=True)
class Job:
    """One log."""

    shop: str
    seed: int
    ringed: bool
    users: float | None  # of them, or a share of the shop's own number where not above 1


@dataclass(frozen=True)
class Trial:
    """One method on one log; `largest` is a share of the users, shares are None where nothing is counted over."""

    method: str
    shop: str
    seed: int
    ringed: bool
    users: int
    events: int
    rings: int
    alerts: int
    review: int
    explained: int
    alerted_users: int
    precision: float | None
    recall: float | None
    f1: float
    ring_recall: float | None
    largest: float
    seconds: float
    search_seconds: float | None


def main() -> None:
    options = read_options()
    jobs = [Job(shop, seed, ringed, options.users) for shop in options.shops for seed in options.seeds for ringed in (False, True)]
    trials: list[Trial] = []
    with ProcessPoolExecutor(options.jobs, multiprocessing.get_context("spawn"), warm_up) as pool:
        for found in pool.map(try_log, jobs):
            trials += found
            print(*(line(trial) for trial in found), sep="\n", flush=True)
    text = f"# The zoo, {len(options.seeds)} seed{'s' * (len(options.seeds) > 1)} a shop\n\n" + table(trials)
    print("\n" + text)
    if options.name:
        write_result(options.name, {"seeds": options.seeds, "users": options.users, "trials": [asdict(trial) for trial in trials]}, text)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shops", nargs="+", default=list(SHOPS), choices=list(SHOPS), metavar="SHOP")
    parser.add_argument("--seeds", nargs="+", type=int, default=list(FRESH_SEEDS[:3]), metavar="SEED")
    parser.add_argument("--users", type=float, help="of each shop; up to 1 a share of the shop's own number")
    parser.add_argument("--jobs", type=int, default=1, help="logs at once")
    parser.add_argument("--name", default="", help="of the files in benchmarks/results; without it nothing is written")
    return parser.parse_args()


def warm_up() -> None:
    """Compiled code is loaded before a clock runs."""
    detect(as_events(make_shop("tiny", 1, 500).events), Settings())


def try_log(job: Job) -> list[Trial]:
    size = job.users if job.users is None or job.users > 1 else job.users * SHOPS[job.shop].users
    log = make_shop(job.shop, job.seed, None if size is None else max(round(size), 500), job.ringed)
    return [ours(log)]


def ours(log: ShopLog) -> Trial:
    events = as_events(log.events)
    begin = time.perf_counter()
    run = detect(events, Settings())
    seconds = time.perf_counter() - begin
    searched = sum(stage["seconds"] for stage in run.meta["cost"]["stages"] if stage["stage"] == SEARCH)
    return trial_of(OURS, log, evaluate(run, truth_of(log)), seconds, searched)


def truth_of(log: ShopLog) -> Truth:
    """The truth of a shop; where a log has no items, all members of a crew can be found."""
    truth = {name: table.to_pandas() for name, table in log.truth.items()}
    if "item" not in log.shop.columns:
        truth["members"]["targets_touched"] = truth["members"]["targets_touched"].clip(lower=DETECTABLE)
    return Truth(**truth)


def trial_of(method: str, log: ShopLog, figures: Evaluation, seconds: float, search_seconds: float | None = None) -> Trial:
    return Trial(
        method=method,
        shop=log.shop.name,
        seed=log.seed,
        ringed=log.ringed,
        users=log.users,
        events=log.events.num_rows,
        rings=len(figures.rings),
        alerts=figures.alerts,
        review=figures.review,
        explained=figures.explained,
        alerted_users=figures.alerted_users,
        precision=figures.precision,
        recall=figures.detectable_recall,
        f1=figures.detectable_f1,
        ring_recall=figures.ring_recall,
        largest=max((alert.size for alert in figures.alert_outcomes), default=0) / log.users,
        seconds=seconds,
        search_seconds=search_seconds,
    )


def line(trial: Trial) -> str:
    """One log, for who watches."""
    tiers = f"alerts {trial.alerts:>3}, review {trial.review:>3}, explained {trial.explained:>3}"
    cost = f"{trial.seconds:5.1f} s" + (f", search {trial.search_seconds:5.1f}" if trial.search_seconds is not None else "")
    told = (
        f"{trial.method:9} {trial.shop:13} {trial.seed:>5} {'rings' if trial.ringed else 'clean'} {trial.events:>7,} events {cost} {tiers}"
    )
    if trial.ringed:
        shares = (trial.precision, trial.recall, trial.f1, trial.ring_recall)
        told += " precision {} recall {} F1 {} rings {}".format(*map(share, shares)) + f" of {trial.rings}"
    return told + f", largest {trial.largest:.1%}"


def table(trials: Sequence[Trial]) -> str:
    """One row a shop."""
    header = (
        "shop",
        "precision",
        "recall",
        "F1",
        "rings found",
        "largest alert",
        "clean: alerts",
        "a 100,000 users",
        "review",
        "µs an event",
    )
    lines = ["| " + " | ".join(header) + " |", "|---" * len(header) + "|"]
    for shop in dict.fromkeys(trial.shop for trial in trials):
        own = [trial for trial in trials if (trial.shop, trial.method) == (shop, OURS)]
        ringed, clean = [trial for trial in own if trial.ringed], [trial for trial in own if not trial.ringed]
        alerts, users = sum(trial.alerts for trial in clean), sum(trial.users for trial in clean)
        cells = [
            shop,
            *(
                share(mean(ringed, figure))
                for figure in (lambda t: t.precision, lambda t: t.recall, lambda t: t.f1, lambda t: t.ring_recall)
            ),
            f"{max(trial.largest for trial in own):.1%}",
            str(alerts),
            f"{alerts / users * 1e5:.1f}",
            str(sum(trial.review for trial in clean)),
            f"{max((trial.search_seconds or 0.0) / trial.events for trial in own) * 1e6:.1f}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def mean(trials: Sequence[Trial], figure: Callable[[Trial], Any]) -> float | None:
    values = [value for trial in trials if (value := figure(trial)) is not None]
    return float(np.mean(values)) if values else None


def share(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


if __name__ == "__main__":
    main()
