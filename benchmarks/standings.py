"""Rings of many kinds of markets → how often each standing was a ring (graphdet/judging/standings.json), and whether that holds in a kind
of market that it was not counted in.

python benchmarks/tiers.py collect DIR --seeds 101 102 103 201 202    # the groups, with their facts and the truth
python benchmarks/standings.py DIR --fresh 201 202

Chances that are judged come from all other kinds on the seeds that are not fresh; groups that they are held against, from the kind that was
left out on the fresh ones. Counts of all seeds are what ships.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from results_io import markdown_row, write_result
from scipy.stats import betabinom

from graphdet.judging.conditions import weigh
from graphdet.judging.standing import COUNTS, COVERED, Chance, Counts, chances, prior, standing_of
from graphdet.judging.tiers import Judgement
from graphdet.schema.lookalikes import LOOK_ALIKES
from graphdet.schema.objections import OBJECTIONS
from graphdet.schema.standings import STANDINGS
from graphdet.settings import TierSettings

Log = Mapping[str, tuple[int, int]]  # standing → rings among groups, and groups


def count(groups: Sequence[Mapping[str, Any]], settings: TierSettings) -> dict[str, tuple[int, int]]:
    """Standings of one log's groups, each with its `numbers` and `true`; those that a run leaves out are left out."""
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for group in groups:
        numbers = group["numbers"]
        judgement = Judgement(
            tuple(weigh(claim, numbers, settings) for claim in LOOK_ALIKES), tuple(weigh(claim, numbers, settings) for claim in OBJECTIONS)
        )
        if judgement.tier == "review" and len(judgement.raised) > settings.objections_most:
            continue
        own = found[standing_of(judgement)]
        own[0] += bool(group["true"])
        own[1] += 1
    return {name: (own[0], own[1]) for name, own in found.items()}


def read(folder: Path) -> dict[str, dict[str, dict[str, tuple[int, int]]]]:
    """Kind → seed → standing → counts, clean and ringed logs of one seed together."""
    kinds: dict[str, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for path in sorted(folder.glob("*.parquet")):
        table = pq.read_table(path)
        about = json.loads(table.schema.metadata[b"about"])
        kinds[about["kind"]][str(about["seed"])] += [
            {"numbers": json.loads(row["numbers"]), "true": row["true_share"] > 0.5} for row in table.to_pylist()
        ]
    settings = TierSettings()
    return {kind: {seed: count(groups, settings) for seed, groups in seeds.items()} for kind, seeds in kinds.items()}


def summed(kinds: Mapping[str, Mapping[str, Log]], seeds: set[str]) -> Counts:
    """Of some seeds."""
    return {
        kind: {
            name: (sum(of[name][0] for seed, of in logs.items() if seed in seeds and name in of),
                   sum(of[name][1] for seed, of in logs.items() if seed in seeds and name in of))
            for name in STANDINGS
        }
        for kind, logs in kinds.items()
    }  # fmt: skip


def left_out(known: Counts, fresh: Counts) -> list[dict[str, Any]]:
    """A row for each kind and standing: what was told by the other kinds, and what was found."""
    rows = []
    for kind, found in fresh.items():
        others = {other: counts for other, counts in known.items() if other != kind}
        told = chances(others, {})
        for name, (rings, groups) in found.items():
            if not groups:
                continue
            seen = [of[name] for of in others.values() if of[name][1]]
            a, b = prior([one for one, _ in seen], [one for _, one in seen])
            low, high = betabinom.ppf([(1 - COVERED) / 2, (1 + COVERED) / 2], groups, a, b)
            rows.append(
                {
                    "kind": kind,
                    "standing": name,
                    "rings": rings,
                    "groups": groups,
                    "told": told[name].mean,
                    "within": bool(low <= rings <= high),
                }
            )
    return rows


def brier(rows: Sequence[Mapping[str, Any]], told: Sequence[float]) -> float:
    """Mean squared error of a chance, each kind counting the same."""
    by_kind: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for row, chance in zip(rows, told, strict=True):
        wrong = row["rings"] * (1 - chance) ** 2 + (row["groups"] - row["rings"]) * chance**2
        by_kind[row["kind"]].append((wrong, row["groups"]))
    return float(np.mean([sum(wrong for wrong, _ in own) / sum(groups for _, groups in own) for own in by_kind.values()]))


def report(rows: Sequence[Mapping[str, Any]], shipped: Mapping[str, Chance], all_counts: Counts) -> str:
    lines = [
        markdown_row(
            ["standing", "rings of groups", "told elsewhere: chance", "interval", "told to kinds left out", "found there", "within"]
        ),
        markdown_row(["---"] * 7),
    ]
    for name, chance in shipped.items():
        own = [row for row in rows if row["standing"] == name]
        rings, groups = (sum(of[name][place] for of in all_counts.values()) for place in (0, 1))
        of = sum(row["groups"] for row in own)
        told = sum(row["told"] * row["groups"] for row in own) / max(of, 1)
        lines.append(
            markdown_row(
                [
                    name, f"{rings} of {groups}", f"{chance.mean:.2f}", f"{chance.low:.2f}–{chance.high:.2f}", f"{told:.2f}",
                    f"{sum(row['rings'] for row in own) / max(of, 1):.2f} ({sum(row['rings'] for row in own)} of {of})",
                    f"{sum(row['within'] for row in own)} of {len(own)} kinds",
                ]
            )
        )  # fmt: skip
    share = sum(row["rings"] for row in rows) / sum(row["groups"] for row in rows)
    within = np.mean([row["within"] for row in rows])
    own, alike = brier(rows, [row["told"] for row in rows]), brier(rows, [share] * len(rows))
    lines += [
        "",
        f"Of all kinds and standings {within:.0%} lie within the {COVERED:.0%} interval of what was told. Brier score {own:.3f}, ",
    ]
    lines[-1] += f"each kind counting the same; {alike:.3f} if the one share of all groups is told of each."
    outside = [
        f"{row['kind']}, {row['standing']}: {row['rings']} of {row['groups']}, told {row['told']:.2f}" for row in rows if not row["within"]
    ]
    return "\n".join([*lines, "", "Outside: " + ("; ".join(outside) or "none") + ".", ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--fresh", type=int, nargs="+", default=[201, 202])
    options = parser.parse_args()
    kinds = read(options.folder)
    fresh = {str(seed) for seed in options.fresh}
    every = {seed for logs in kinds.values() for seed in logs}
    counts = summed(kinds, every)
    rows = left_out(summed(kinds, every - fresh), summed(kinds, fresh))
    lines = [
        f'  "{kind}": {{\n' + ",\n".join(f'   "{seed}": {json.dumps(log, sort_keys=True)}' for seed, log in sorted(logs.items())) + "\n  }"
        for kind, logs in sorted(kinds.items())
    ]
    made_by = "benchmarks/standings.py: kind of market, seed, standing, [rings, groups]"
    COUNTS.write_text(f'{{\n "about": {json.dumps(made_by)},\n "kinds": {{\n' + ",\n".join(lines) + "\n }\n}\n", encoding="utf-8")
    text = report(rows, chances(counts, {}), counts)
    print(text)
    write_result("standings", {"rows": rows}, text, ("judging", "schema"))


if __name__ == "__main__":
    main()
