"""Markets with accounts taken over → how many `graphdet users` would name, by length of history; and real logs as they are.

python benchmarks/taken_over.py
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from foreign_tables import READERS, NotThereError
from markets import FRESH_SEEDS, as_events
from results_io import write_result

from graphdet import EventTable, Settings, read_events
from graphdet.errors import GraphdetError
from graphdet.evaluate.metrics import ranking_figures
from graphdet.signal_settings import TakeoverSettings
from graphdet.signals import measure_log
from graphdet.signals.takeovers import Takeovers, find_takeovers
from graphdet.simulate import Market, preset, simulate, with_takeovers
from graphdet.simulate.writing import log_table

DATA = Path(__file__).parent.parent.parent / "shared" / "data"
SIZES = (("40 events an account", 6000, 240_000), ("26 events an account", 6000, 156_000), ("13 events an account", 12_000, 160_000))
OTHERS_HANDS = ("takeover", "hijacked", "payment")  # rings whose members' accounts are used from an operator's devices


def main() -> None:
    rows: dict[str, Any] = {}
    for name, users, events in SIZES:
        for label, taken in ((name, 100.0), (f"{name}, nobody taken over", 0.0)):
            told = [of_market(simulate(with_takeovers(preset("hard", users=users, events=events), taken), seed)) for seed in FRESH_SEEDS]
            rows[label] = {key: [one[key] for one in told] for key in told[0]}
            print(label, rows[label], flush=True)
    real = real_logs()
    lines = ["# Accounts taken over", "", f"Means of seeds {FRESH_SEEDS}, in brackets seed by seed; 1 of 100 accounts taken over.", ""]
    heads = list(rows[SIZES[0][0]])
    lines += ["| | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    lines += [f"| {name} | " + " | ".join(shown(row[head]) for head in heads) + " |" for name, row in rows.items()]
    lines += ["", "| real log as it is | accounts with a new place | named |", "|---|---|---|"]
    lines += [f"| {name} | {looked:,} | {named} |" for name, (looked, named) in real.items()]
    write_result("taken_over", {"markets": rows, "real": real}, "\n".join(lines) + "\n")


def shown(values: list[float]) -> str:
    return f"{np.mean(values):.3g} ({', '.join(f'{value:.3g}' for value in values)})"


def named_rows(found: Takeovers) -> np.ndarray:
    """Which are named, by the rule of the run."""
    return np.flatnonzero((found.q_value <= TakeoverSettings().q) & found.broken & (found.score > 0))


def of_market(market: Market) -> dict[str, float]:
    events = as_events(log_table(market))
    start = time.perf_counter()
    found = find_takeovers(events, TakeoverSettings(), 1)
    seconds = time.perf_counter() - start
    assert found is not None
    users = np.array(events.ids["user"].to_pylist())
    named = set(users[found.blocks.account[named_rows(found)]].tolist())
    taken = set(market.truth["takeovers"]["user_id"].to_pylist()) if "takeovers" in market.truth else set()
    kinds = dict(zip(market.truth["rings"]["ring_id"].to_pylist(), market.truth["rings"]["kind"].to_pylist(), strict=True))
    others = {row["node_id"] for row in market.truth["members"].to_pylist() if kinds[row["ring_id"]] in OTHERS_HANDS} - taken
    score = np.full(len(users), -9.0)
    score[found.blocks.account] = found.score
    positive, aside = np.isin(users, list(taken)), np.isin(users, list(others))
    return {
        # Members of such rings are in others' hands, too, and count for neither side in the first figure.
        "AUPRC": ranking_figures(positive[~aside], score[~aside]).auprc or 0.0,
        "AUPRC, such rings' members as honest": ranking_figures(positive, score).auprc or 0.0,
        "planted": len(taken), "named": len(named), "right": len(named & taken), "of such rings": len(named & others),
        "honest": len(named - taken - others), "seconds": seconds,
    }  # fmt: skip


def real_logs() -> dict[str, tuple[int, int]]:
    """Accounts with a new place, and how many are named, in logs of other people."""
    told: dict[str, tuple[int, int]] = {}
    for name, read in READERS.items():
        try:
            told[name] = of_real(as_events(pa.Table.from_pandas(read(DATA).drop(columns="fraud", errors="ignore"), preserve_index=False)))
        except NotThereError as error:
            print(error)
    for path in sorted(DATA.glob("cases/*.csv.gz")):
        try:
            told[path.name] = of_real(read_events([path]))
        except GraphdetError as error:  # some need settings of their own; they are named
            print(f"{path.name}: {error}")
    return told


def of_real(events: EventTable) -> tuple[int, int]:
    found = find_takeovers(measure_log(events, Settings()).events, TakeoverSettings(), 1)
    return (0, 0) if found is None else (len(found.score), len(named_rows(found)))


if __name__ == "__main__":
    main()
