"""Microblog users and what they posted, without times or devices → F1 of the flagged users against known spammers.

No label is used but for scoring and one setting, the default, is run. The published FRAUDAR figure on this data is F1 0.754
(precision 0.962, recall 0.620). Data: zhao-tong/Graph-Anomaly-Loss, MIT licence.

    python benchmarks/weibo.py --data ../shared/data
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from baselines import fraudar
from markets import as_events
from results_io import write_result

from graphdet import Run, Settings, detect
from graphdet.evaluate.metrics import ranking_figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of weibo_edges.parquet, weibo_labels.parquet")
    options = parser.parse_args()
    labels = pq.read_table(options.data / "weibo_labels.parquet")
    spammers = {f"u{user}" for user in labels.filter(pc.equal(labels["spammer"], 1))["user"].to_pylist()}
    events = as_events(as_log(pq.read_table(options.data / "weibo_edges.parquet")))

    begin = time.perf_counter()
    run = detect(events, Settings())
    seconds = time.perf_counter() - begin
    lines = ["| method | users flagged | precision | recall | F1 |", "|---|---|---|---|---|"]
    rows = {"graphdet, alerts": flagged(run, ("alert",)), "graphdet, alerts and review": flagged(run, ("alert", "review"))}
    for blocks in (1, 5):
        rows[f"FRAUDAR, {blocks} block{'s' * (blocks > 1)}"] = set().union(*fraudar(events, blocks=blocks, keep=0.0).named(events).values())
    results = {}
    for name, users in rows.items():
        hits = len(users & spammers)
        figures = {
            "flagged": len(users),
            "precision": hits / max(len(users), 1),
            "recall": hits / len(spammers),
            "f1": 2 * hits / (len(users) + len(spammers)),
        }
        results[name] = figures
        lines.append(f"| {name} | {len(users):,} | {figures['precision']:.3f} | {figures['recall']:.3f} | {figures['f1']:.3f} |")
    lines.append("| FRAUDAR as published | | 0.962 | 0.620 | 0.754 |")
    scores = run.scores.filter(pc.equal(run.scores["node_type"], "user"))
    truth = np.isin(scores["node_id"].to_pylist(), list(spammers))
    ranking = ranking_figures(truth, scores["score"].to_numpy())
    lines.append(f"\nUser scores: AUROC {ranking.auroc:.3f}, AUPRC {ranking.auprc:.3f}. {len(events):,} events in {seconds:.1f} s.")
    text = "\n".join(lines) + "\n"
    print(text)
    document = {"methods": results, "auroc": ranking.auroc, "auprc": ranking.auprc, "seconds": seconds}
    write_result("weibo", document, text)


def as_log(edges: pa.Table) -> pa.Table:
    """A log of one event for each time that a user posted a thing; ids of their own keep repeats from being taken for duplicates."""
    row = np.repeat(np.arange(len(edges)), edges["weight"].to_numpy())
    user, item = edges["user"].to_numpy()[row], edges["item"].to_numpy()[row]
    return pa.table(
        {
            "event_id": [str(number) for number in range(len(row))],
            "user_id": [f"u{code}" for code in user],
            "item_id": [f"i{code}" for code in item],
        }
    )


def flagged(run: Run, tiers: tuple[str, ...]) -> set[str]:
    rings = run.rings.filter(pc.is_in(run.rings["tier"], pa.array(tiers)))["ring_id"]
    members = run.members.filter(pc.and_(pc.is_in(run.members["ring_id"], rings), pc.equal(run.members["node_type"], "user")))
    return set(members["node_id"].to_pylist())


if __name__ == "__main__":
    main()
