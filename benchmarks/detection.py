"""Markets with known truth → how well graphdet and what people use instead find their rings, in one table and one picture.

python benchmarks/detection.py                                # hard, 5 fresh seeds, all baselines
python benchmarks/detection.py --neo4j DIR                    # and the Cypher recipe, on a server that is started in DIR
python benchmarks/detection.py --drop devices ips dates times # the same with columns missing
python benchmarks/detection.py --popular                      # the same with rings at popular items
python benchmarks/detection.py --lookalikes-only              # no ring in it: every alert is false
python benchmarks/detection.py --permuted 20                  # no coordination in it: no alert is allowed
python benchmarks/detection.py --days                         # days until a ring is found; stability from one day to the next
"""

from __future__ import annotations

import argparse
import contextlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from baselines import BASELINES, Found, MissingKeyError
from cypher_recipe import CYPHER, cypher_components, server_in
from detection_plots import draw_page
from markets import FRESH_SEEDS, VARIANT_TITLES, VARIANTS, Market, as_events, at_popular_items, make_market, permuted, until
from results_io import RESULTS, markdown_row, write_result

from graphdet import EventTable, Run, Settings, detect
from graphdet.evaluate import Evaluation, bootstrap_interval, evaluate, evaluate_groups
from graphdet.schema import arrow_schema

OURS = "graphdet"

# Column title → figure of one evaluation; None where there is nothing to count over.
COLUMNS: Mapping[str, Callable[[Evaluation], float | None]] = {
    "precision": lambda e: e.precision,
    "recall": lambda e: e.detectable_recall,
    "F1": lambda e: e.detectable_f1,
    "F1, all members": lambda e: e.f1,
    "ring recall": lambda e: e.ring_recall,
    "ring precision": lambda e: e.ring_precision,
    "mean best Jaccard": lambda e: e.mean_best_jaccard,
    "fragments": lambda e: e.fragmentation,
    "precision at 50": lambda e: e.precision_at["50"],
    "user AUROC": lambda e: e.ranking["user"].auroc if "user" in e.ranking else None,
    "user AUPRC": lambda e: e.ranking["user"].auprc if "user" in e.ranking else None,
    "item AUPRC": lambda e: e.ranking["item"].auprc if "item" in e.ranking else None,
}
PARTS: Mapping[str, Callable[[Evaluation], Mapping[str, Any]]] = {
    "by_kind": lambda e: e.by_kind,
    "by_size": lambda e: e.by_size,
    "by_density": lambda e: e.by_density,
    "lookalikes": lambda e: e.lookalikes,
}
SHORT = ("precision", "recall", "F1", "ring recall", "precision at 50", "user AUPRC")


@dataclass(frozen=True)
class Trial:
    """One method on one log."""

    method: str
    variant: str
    seed: int
    seconds: float
    figures: Evaluation
    false_q: float | None = None  # share of alerts with q ≤ 0.05 that are false (ours alone has q-values)


def main() -> None:
    options = read_options()
    seeds = FRESH_SEEDS[: options.seeds] if options.seeds <= len(FRESH_SEEDS) else tuple(FRESH_SEEDS[0] + i for i in range(options.seeds))
    results: dict[str, Any] = {"preset": options.preset, "seeds": list(seeds), "users": options.users, "events": options.events}
    make = partial(make_market, options.preset, users=options.users, events=options.events)
    if options.permuted:
        permuted_alerts(options, seeds, make, results)
    elif options.lookalikes_only:
        false_alerts(options, seeds, make, results)
    elif options.days:
        day_by_day(options, seeds, make, results)
    else:
        with contextlib.ExitStack() as stack:
            methods = {} if options.no_baselines else dict(BASELINES)
            if options.neo4j:
                methods[CYPHER] = partial(cypher_components, session=stack.enter_context(server_in(options.neo4j)))
            compare(options, seeds, make, methods, results)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="hard", help="easy, medium or hard (default)")
    parser.add_argument("--users", type=int, help="market size, where not the preset's")
    parser.add_argument("--events", type=int)
    parser.add_argument("--seeds", type=int, default=5, help="how many fresh seeds")
    parser.add_argument("--drop", nargs="+", default=[], choices=[name for name in VARIANTS if name != "everything"], metavar="COLUMN")
    parser.add_argument("--lookalikes-only", action="store_true", help="markets without rings")
    parser.add_argument("--popular", action="store_true", help="rings at popular items")
    parser.add_argument("--permuted", type=int, default=0, metavar="N", help="N permuted logs")
    parser.add_argument("--no-lookalikes", action="store_true", help="rings without planted look-alikes: are the q-values honest?")
    parser.add_argument("--days", action="store_true", help="runs on growing logs")
    parser.add_argument("--no-baselines", action="store_true")
    parser.add_argument(
        "--neo4j", type=Path, metavar="DIR", help="empty folder for a server that the Cypher recipe runs on; removed in the end"
    )
    parser.add_argument("--quick", action="store_true", help="one seed, 10,000 users")
    parser.add_argument("--name", default="detection", help="of the files in benchmarks/results")
    options = parser.parse_args()
    if options.quick:
        options.seeds, options.users, options.events = 1, options.users or 10_000, options.events or 135_000
    return options


def compare(
    options: argparse.Namespace,
    seeds: Sequence[int],
    make: Callable[..., Market],
    methods: Mapping[str, Callable[[EventTable], Found]],
    results: dict[str, Any],
) -> None:
    """Every method on every seed, whole and with columns missing."""
    trials: list[Trial] = []
    for seed in seeds:
        market = make(seed, parts="no look-alikes" if options.no_lookalikes else "all")
        if options.popular:
            market = at_popular_items(market, seed)
        for variant in ("everything", *options.drop):
            events = as_events(VARIANTS[variant](market.log))
            trials.append(ours(events, market, variant, seed))
            chosen = {name: find for name, find in methods.items() if name != CYPHER or variant == "everything"}  # a minute a log
            trials += [trial for method, find in chosen.items() if (trial := theirs(method, find, events, market, variant, seed))]
            print(f"seed {seed}, {VARIANT_TITLES[variant]}: {len(events):,} events", flush=True)
    tables = [method_table(trials, variant) for variant in ("everything", *options.drop)]
    tables += [recall_table(trials), false_alert_table(trials)]
    text = "\n".join(tables)
    results["methods"] = [summary(trials, method, variant) for variant, method in groups_of(trials)]
    false = {str(trial.seed): trial.false_q for trial in trials if trial.method == OURS and trial.variant == "everything"}
    results["q_values"] = false
    shares = ", ".join("–" if share is None else f"{share:.3f}" for share in false.values())
    text += f"\nOf alerts with q ≤ 0.05, so many are false, seed by seed: {shares}.\n"
    print(text)
    heading = f"# Detection on `{options.preset}`, {len(seeds)} fresh seed{'s' * (len(seeds) > 1)}\n\n"
    heading += "Rings are at popular items. " if options.popular else ""
    heading += "Rings of tier `alert`, counted over users; recall and F1 over detectable members (at least two targets touched). "
    heading += "In brackets the 95 % bootstrap interval over seeds (and rings, for ring recall).\n"
    write(options.name, results, heading + text)
    draw_page(results, RESULTS / f"{options.name}.png")


def ours(events: EventTable, market: Market, variant: str, seed: int) -> Trial:
    begin = time.perf_counter()
    run = detect(events, Settings())
    seconds = time.perf_counter() - begin
    figures = evaluate(run, market.truth)
    return Trial(OURS, variant, seed, seconds, figures, false_share(run, figures))


def theirs(method: str, find: Callable[[EventTable], Found], events: EventTable, market: Market, variant: str, seed: int) -> Trial | None:
    begin = time.perf_counter()
    try:
        found = find(events)
    except MissingKeyError:
        return None
    seconds = time.perf_counter() - begin
    scores = None
    if found.user_score is not None:
        users = events.ids["user"]
        score = found.user_score / max(found.user_score.max(), 1e-300)
        columns = {"node_type": ["user"] * len(users), "node_id": users, "score": score, "rank": np.zeros(len(users), np.int64)}
        scores = pa.table(columns, schema=arrow_schema("scores"))
    return Trial(method, variant, seed, seconds, evaluate_groups(found.named(events), market.truth, scores=scores))


def false_share(run: Run, figures: Evaluation) -> float | None:
    q_value = dict(zip(run.rings["ring_id"].to_pylist(), run.rings["q_value"].to_pylist(), strict=True))
    false = [alert.true_ring is None for alert in figures.alert_outcomes if q_value[alert.ring_id] <= 0.05]
    return float(np.mean(false)) if false else None


def groups_of(trials: Sequence[Trial]) -> list[tuple[str, str]]:
    return list(dict.fromkeys((trial.variant, trial.method) for trial in trials))


def summary(trials: Sequence[Trial], method: str, variant: str) -> dict[str, Any]:
    """Mean, interval and values by seed of every figure, with the recall by kind, size and density, of one method."""
    own = [trial for trial in trials if (trial.method, trial.variant) == (method, variant)]
    figures = {title: interval(own, title) for title in COLUMNS}
    figures["seconds"] = interval_of([[trial.seconds] for trial in own])
    parts = PARTS if variant == "everything" else {}
    by = {name: mean_dicts([part(trial.figures) for trial in own]) for name, part in parts.items()}
    return {"method": method, "variant": variant, "figures": figures, **by, "seeds": {str(t.seed): by_seed(t) for t in own}}


def by_seed(trial: Trial) -> dict[str, Any]:
    hits = "".join(str(int(alert.true_ring is not None)) for alert in trial.figures.alert_outcomes[:100])
    figures = {title: figure(trial.figures) for title, figure in COLUMNS.items()}
    return figures | {"alerts": trial.figures.alerts, "seconds": trial.seconds, "hits": hits}


def interval(trials: Sequence[Trial], title: str) -> tuple[float, float, float] | None:
    if title == "ring recall":
        return interval_of([[float(ring.matched) for ring in trial.figures.rings] for trial in trials])
    values = [COLUMNS[title](trial.figures) for trial in trials]
    return interval_of([[value] for value in values if value is not None])


def interval_of(samples: Sequence[Sequence[float]]) -> tuple[float, float, float] | None:
    return bootstrap_interval(samples) if any(samples) else None


def mean_dicts(parts: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Means over seeds of name → figures, counts and shares alike; what is None in a seed is left out there."""
    frames = [pd.DataFrame({name: asdict(figures) for name, figures in part.items()}).T.astype(float) for part in parts if part]
    if not frames:
        return {}
    means = pd.concat(frames).groupby(level=0).mean()
    return {str(name): {str(k): float(v) for k, v in row.dropna().items()} for name, row in means.iterrows()}


def method_table(trials: Sequence[Trial], variant: str) -> str:
    methods = [method for other, method in groups_of(trials) if other == variant]
    lines = [f"\n## {VARIANT_TITLES[variant].capitalize()}\n", markdown_row(["method", *SHORT, "seconds"]), "|---" * (len(SHORT) + 2) + "|"]
    for method in methods:
        own = [trial for trial in trials if (trial.method, trial.variant) == (method, variant)]
        cells = [with_interval(interval(own, title)) for title in SHORT]
        lines.append(markdown_row([method, *cells, f"{np.mean([trial.seconds for trial in own]):.1f}"]))
    return "\n".join(lines) + "\n"


def recall_table(trials: Sequence[Trial]) -> str:
    """Ours alone: which rings are found."""
    own = [trial for trial in trials if (trial.method, trial.variant) == (OURS, "everything")]
    header = ["rings", "per market", "ring recall", "detectable ring recall", "member recall", "detectable recall", "mean best Jaccard"]
    lines = ["\n## Which rings graphdet finds\n", markdown_row(header), "|---" * len(header) + "|"]
    for part, title in (("by_kind", ""), ("by_size", "size "), ("by_density", "density ")):
        for name, row in mean_dicts([PARTS[part](trial.figures) for trial in own]).items():
            columns = ("ring_recall", "detectable_ring_recall", "member_recall", "detectable_recall", "mean_best_jaccard")
            cells = [f"{row[column]:.2f}" if column in row else "–" for column in columns]
            lines.append(markdown_row([title + name.split(": ")[-1], f"{row['rings']:.0f}", *cells]))
    return "\n".join(lines) + "\n"


def false_alert_table(trials: Sequence[Trial]) -> str:
    own = [trial for trial in trials if (trial.method, trial.variant) == (OURS, "everything")]
    header = ["innocent look-alike", "groups", "alerts", "groups that raised one", "explained", "explained rightly"]
    lines = ["\n## False alerts of graphdet, all seeds together\n", markdown_row(header), "|---" * len(header) + "|"]
    kinds = sorted({kind for trial in own for kind in trial.figures.lookalikes})
    for kind in kinds:
        figures = [trial.figures.lookalikes[kind] for trial in own if kind in trial.figures.lookalikes]
        groups, raised = sum(f.groups for f in figures), sum(f.groups_alerted for f in figures)
        counts = (groups, sum(f.alerts for f in figures), f"{raised} ({raised / groups:.2%})")
        explained = (sum(f.explained for f in figures), sum(f.explained_right for f in figures))
        lines.append(markdown_row([kind, *map(str, counts + explained)]))
    nobody = sum(alert.true_ring is None and alert.lookalike is None for trial in own for alert in trial.figures.alert_outcomes)
    lines.append(f"\n{nobody} false alerts are of no labelled look-alike.")
    right = [trial.figures.explanation_right for trial in own if trial.figures.explanation_right is not None]
    if right:
        lines.append(f"The named explanation is right for {np.mean(right):.0%} of explained groups.")
    return "\n".join(lines) + "\n"


def false_alerts(options: argparse.Namespace, seeds: Sequence[int], make: Callable[..., Market], results: dict[str, Any]) -> None:
    """Markets with every look-alike and no ring."""
    trials, users = [], 0
    for seed in seeds:
        market = make(seed, parts="no rings")
        events = as_events(market.log)
        users += events.count("user")
        trials.append(ours(events, market, "everything", seed))
        print(f"seed {seed}: {trials[-1].figures.alerts} alerts among {events.count('user'):,} users", flush=True)
    alerts = sum(trial.figures.alerts for trial in trials)
    results |= {
        "users_in_all": users,
        "alerts": alerts,
        "per_100k_users": 1e5 * alerts / users,
        "kinds": summary(trials, OURS, "everything"),
    }
    text = f"# A market without rings: {alerts} alerts among {users:,} users ({1e5 * alerts / users:.1f} per 100,000)\n"
    text += false_alert_table(trials)
    print(text)
    write(f"{options.name}_lookalikes", results, text)


def permuted_alerts(options: argparse.Namespace, seeds: Sequence[int], make: Callable[..., Market], results: dict[str, Any]) -> None:
    """Markets whose coordination was shuffled away."""
    alerts = []
    for number in range(options.permuted):
        seed = seeds[number % len(seeds)]
        log = permuted(make(seed).log, seed=number)
        tiers = detect(as_events(log), Settings()).rings["tier"].to_pylist()
        alerts.append(tiers.count("alert"))
        print(f"permutation {number} of seed {seed}: {alerts[-1]} alerts, {len(tiers)} rings of any tier", flush=True)
    results |= {"permutations": options.permuted, "alerts": alerts}
    text = f"# {options.permuted} permuted markets: {sum(alerts)} alerts\n"
    print(text)
    write(f"{options.name}_permuted", results, text)


def day_by_day(options: argparse.Namespace, seeds: Sequence[int], make: Callable[..., Market], results: dict[str, Any]) -> None:
    """How long a ring goes unseen, and whether today's alerts are yesterday's."""
    waits: list[float] = []
    kept: list[float] = []
    never = 0
    for seed in seeds:
        market = make(seed)
        span = pc.subtract(pc.max(market.log["timestamp"]), pc.min(market.log["timestamp"])).as_py().total_seconds() / 86_400
        begun = first_days(market)
        found: dict[str, float] = {}
        for day in [*np.arange(5, span, 5), span + 1]:
            figures = evaluate(detect(as_events(until(market.log, day)), Settings()), market.truth)
            for alert in figures.alert_outcomes:
                if alert.true_ring is not None:
                    found.setdefault(alert.true_ring, day)
        waits += [day - begun[ring] for ring, day in found.items()]
        never += len(begun) - len(found)
        kept += stability(market.log, span)
        print(f"seed {seed}: {len(found)} of {len(begun)} rings seen, median wait {np.median(waits or [np.nan]):.0f} days", flush=True)
    results |= {"waits": waits, "never": never, "stability": kept}
    quartiles = np.percentile(waits or [np.nan], [25, 50, 75])
    text = "# Day by day\n\n"
    text += f"From a ring's first visit to its first alert, looking every five days: median {quartiles[1]:.1f} days "
    text += f"(quartiles {quartiles[0]:.1f} and {quartiles[2]:.1f}); {never} of {never + len(waits)} rings never raise one.\n"
    text += f"Of {len(kept)} alerts on the last day but one, {np.mean(kept):.1%} are there on the last (Jaccard > 0.5).\n"
    print(text)
    write(f"{options.name}_days", results, text)


def first_days(market: Market) -> dict[str, float]:
    """Days from the log's start until the first visit of a ring's member to one of its targets."""
    truth = market.truth.members
    pairs = truth[truth["node_type"] == "user"].merge(truth[truth["node_type"] == "item"], on="ring_id", suffixes=("_user", "_item"))
    log = market.log.select(["user_id", "item_id", "timestamp"]).to_pandas()
    start = log["timestamp"].min()
    visits = log.merge(pairs, left_on=["user_id", "item_id"], right_on=["node_id_user", "node_id_item"])
    first = visits.groupby("ring_id")["timestamp"].min()
    return {str(ring): (when - start).total_seconds() / 86_400 for ring, when in first.items()}


def stability(log: pa.Table, span: float) -> list[float]:
    """For each alert one day before the end, 1 if it is still there, as the same group of users, at the end, else 0."""
    yesterday, today = (detect(as_events(until(log, day)), Settings()) for day in (span - 1, span + 1))
    before, after = alerted(yesterday), alerted(today)
    return [float(any(len(old & new) > 0.5 * len(old | new) for new in after)) for old in before]


def alerted(run: Run) -> list[set[str]]:
    ids = set(run.rings.filter(pc.equal(run.rings["tier"], "alert"))["ring_id"].to_pylist())
    members = run.members.filter(pc.equal(run.members["node_type"], "user")).select(["ring_id", "node_id"]).to_pandas()
    return [set(group) for ring, group in members.groupby("ring_id")["node_id"] if ring in ids]


def with_interval(values: tuple[float, float, float] | None) -> str:
    if values is None:
        return "–"
    mean, low, high = values
    return f"{mean:.3f} [{low:.2f}, {high:.2f}]" if low < high else f"{mean:.3f}"


def write(name: str, results: dict[str, Any], text: str) -> None:
    plain = json.loads(json.dumps(results), parse_float=lambda text: round(float(text), 4))
    told = json.dumps(plain, ensure_ascii=False).replace('{"method"', '\n{"method"')  # a line for each method
    write_result(name, told, text)


if __name__ == "__main__":
    main()
