"""Every shop of the zoo, clean, with rings and with users exchanged → how well graphdet and other methods do there, in one table.

python benchmarks/zoo.py --jobs 2 --name zoo      # all shops, three fresh seeds, baselines as zoo_baselines.py tuned them; writes results
python benchmarks/zoo.py --shops news tiny --seeds 11 --users 0.25 --no-baselines --no-permuted   # a look at a quarter of two shops
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass

import numpy as np
from markets import FRESH_SEEDS, as_events, market_of, permuted, warm_up
from results_io import markdown_row, write_result
from zoo_baselines import tuned

from graphdet import EventTable, Settings, detect
from graphdet.evaluate import Evaluation, evaluate, evaluate_groups
from graphdet.simulate.zoo import SHOPS, make_shop

OURS = "graphdet"
SEARCH = "rings"  # stage of a run
LOGS = ("clean", "rings", "permuted")  # the last is that with rings, coordination taken away
GOOD = (0.95, 0.85)  # precision and F1 that are asked for


@dataclass(frozen=True)
class Job:
    """One log; `users`: how many, or a share of the shop's own number where not above 1."""

    shop: str
    seed: int
    log: str
    users: float | None
    baselines: bool


@dataclass(frozen=True)
class Trial:
    """One method on one log; `largest` is a share of the users, shares are None where nothing is counted over."""

    method: str
    shop: str
    seed: int
    log: str
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
    search_seconds: float = 0.0


def main() -> None:
    options = read_options()
    logs = [log for log in LOGS if log != "permuted" or options.permuted]
    jobs = [Job(shop, seed, log, options.users, options.baselines) for shop in options.shops for seed in options.seeds for log in logs]
    trials: list[Trial] = []
    with ProcessPoolExecutor(options.jobs, multiprocessing.get_context("spawn"), start_process) as pool:
        for found in pool.map(try_log, jobs):
            trials += found
            print(*(line(trial) for trial in found), sep="\n", flush=True)
    text = report(trials, options.seeds)
    print("\n" + text)
    if options.name:
        write_result(options.name, {"seeds": options.seeds, "users": options.users, "trials": [asdict(trial) for trial in trials]}, text)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shops", nargs="+", default=list(SHOPS), choices=list(SHOPS), metavar="SHOP")
    parser.add_argument("--seeds", nargs="+", type=int, default=list(FRESH_SEEDS[:3]), metavar="SEED")
    parser.add_argument("--users", type=float, help="of each shop; up to 1 a share of the shop's own number")
    parser.add_argument("--jobs", type=int, default=1, help="logs at once")
    parser.add_argument("--no-baselines", dest="baselines", action="store_false")
    parser.add_argument("--no-permuted", dest="permuted", action="store_false")
    parser.add_argument("--name", default="", help="of the files in benchmarks/results; without it nothing is written")
    return parser.parse_args()


def start_process() -> None:
    """Of the pool: processes of the toolkit need not import all of this again, and compiled code is loaded before a clock runs."""
    multiprocessing.set_start_method("fork", force=True)
    warm_up()


def try_log(job: Job) -> list[Trial]:
    size = job.users if job.users is None or job.users > 1 else job.users * SHOPS[job.shop].users
    shop = make_shop(job.shop, job.seed, None if size is None else max(round(size), 500), ringed=job.log != "clean")
    market = market_of(shop)
    events = as_events(permuted(market.log, job.seed) if job.log == "permuted" else market.log)
    begin = time.perf_counter()
    run = detect(events, Settings())
    seconds = time.perf_counter() - begin
    searched = sum(stage["seconds"] for stage in run.meta["cost"]["stages"] if stage["stage"] == SEARCH)
    trials = [trial_of(OURS, job, shop.users, events, evaluate(run, market.truth), seconds, searched)]
    for method, find in tuned(job.shop).items() if job.baselines and job.log == "rings" else ():
        begin = time.perf_counter()
        found = find(events)
        seconds = time.perf_counter() - begin
        trials.append(trial_of(method, job, shop.users, events, evaluate_groups(found.named(events), market.truth), seconds))
    return trials


def trial_of(
    method: str, job: Job, users: int, events: EventTable, figures: Evaluation, seconds: float, search_seconds: float = 0.0
) -> Trial:
    return Trial(
        method=method,
        shop=job.shop,
        seed=job.seed,
        log=job.log,
        users=users,
        events=len(events),
        rings=len(figures.rings),
        alerts=figures.alerts,
        review=figures.review,
        explained=figures.explained,
        alerted_users=figures.alerted_users,
        precision=figures.precision,
        recall=figures.detectable_recall,
        f1=figures.detectable_f1,
        ring_recall=figures.ring_recall,
        largest=max((alert.size for alert in figures.alert_outcomes), default=0) / users,
        seconds=seconds,
        search_seconds=search_seconds,
    )


def line(trial: Trial) -> str:
    """One log, for who watches."""
    name = f"{trial.method[:20]:8} {trial.shop:13} {trial.seed:>4} {trial.log:8} {trial.events:>7,} events {trial.seconds:5.1f} s"
    tiers = f"search {trial.search_seconds:5.1f} alerts {trial.alerts:>3} review {trial.review:>3} explained {trial.explained:>3}"
    shares = (trial.precision, trial.recall, trial.f1, trial.ring_recall)
    found = " precision {} recall {} F1 {} rings {}".format(*map(share, shares)) + f" of {trial.rings}" if trial.log == "rings" else ""
    return f"{name} {tiers}{found} largest {trial.largest:.1%}"


def report(trials: Sequence[Trial], seeds: Sequence[int]) -> str:
    """One row a shop, and what holds of what was asked."""
    shops = list(dict.fromkeys(trial.shop for trial in trials))
    methods = [method for method in dict.fromkeys(trial.method for trial in trials) if method != OURS]
    header = ["shop", "precision", "recall", "F1", "rings found", *(f"F1 (precision): {method}" for method in methods)]
    header += ["clean: alerts", "a 100,000 users", "review", "permuted: alerts", "largest alert", "search, µs an event"]
    lines = [markdown_row(header), "|---" * len(header) + "|"]
    for shop in shops:
        own = [trial for trial in trials if (trial.shop, trial.method) == (shop, OURS)]
        ringed, clean, exchanged = ([trial for trial in own if trial.log == log] for log in LOGS[1:2] + LOGS[:1] + LOGS[2:])
        theirs = [[trial for trial in trials if (trial.shop, trial.method) == (shop, method)] for method in methods]
        alerts, users = sum(trial.alerts for trial in clean), sum(trial.users for trial in clean)
        cells = [shop, *(share(mean([getattr(trial, name) for trial in ringed])) for name in ("precision", "recall", "f1", "ring_recall"))]
        cells += [f"{share(mean([t.f1 for t in one]))} ({share(mean([t.precision for t in one]))})" if one else "–" for one in theirs]
        cells += [str(alerts), f"{alerts / users * 1e5:.1f}", str(sum(trial.review for trial in clean))]
        cells += [str(sum(trial.alerts for trial in exchanged)) if exchanged else "–", f"{max(trial.largest for trial in own):.1%}"]
        cells += [f"{max(trial.search_seconds / trial.events for trial in own) * 1e6:.1f}"]
        lines.append(markdown_row(cells))
    good = [shop for shop in shops if all(above(trials, shop, *one) for one in zip(("precision", "f1"), GOOD, strict=True))]
    told = f"Precision at least {GOOD[0]:g} and F1 at least {GOOD[1]:g} in {len(good)} of {len(shops)} shops: {', '.join(good) or 'none'}."
    heading = f"# The zoo, {len(seeds)} seed{'s' * (len(seeds) > 1)} a shop\n\n"
    heading += (
        "Means over seeds, counted on rings of tier `alert`, over users; recall and F1 over detectable members. The largest alert is a\n"
    )
    heading += "share of the users, and search the slowest log's. Baselines are tuned for each shop, on another seed.\n\n"
    return heading + "\n".join(lines) + f"\n\n{told}\n"


def above(trials: Sequence[Trial], shop: str, figure: str, least: float) -> bool:
    own = [getattr(trial, figure) for trial in trials if (trial.shop, trial.method, trial.log) == (shop, OURS, "rings")]
    return (mean(own) or 0.0) >= least


def mean(values: Iterable[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return float(np.mean(there)) if there else None


def share(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


if __name__ == "__main__":
    main()
