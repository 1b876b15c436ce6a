"""Made markets read week by week by a house that judges what its queue asks → how many of those asked about were rings, week by week.

python benchmarks/learning_queue.py --seeds 501 502 503

The market is `hard`, but for its innocent groups, which are so many times as many (`INNOCENT`): a house that is not like those by which
chances were learned, with so many rings that not all of them fit the budget, which is a fifth of what waits in the first week. Three desks
see the same runs and know the truth: one goes by the queue, which learns from its verdicts and draws a tenth blindly; one by the order of
what was known before, which learns nothing and draws nothing; one by money alone. Nothing was tuned on these seeds.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from lineage import DAY, truth_of
from results_io import markdown_row, write_result

from graphdet.cases.casebook import Casebook
from graphdet.cases.following import follow_lineage
from graphdet.cases.rows import Case
from graphdet.events import read_events
from graphdet.pipeline import detect
from graphdet.run.folder import Run
from graphdet.settings import Settings
from graphdet.simulate import MarketSettings, preset, simulate
from graphdet.simulate.writing import log_table
from graphdet.week.chances import Beliefs
from graphdet.week.queueing import Kinds, make_queue, rank_waiting

USERS, DAYS, WINDOW, EVERY = 6000, 42, 14, 7
RINGS, INNOCENT = 120.0, 4.0  # rings per 10,000 users; times as many innocent groups as the preset has
WEEKS = range(WINDOW, DAYS + 1, EVERY)
SHARE, EXPLORE = 0.2, 0.1  # of what waits in the first week, the budget; of that, what is drawn blindly
Choose = Callable[[Casebook, int], list[Case]]


def odd_market(count: float) -> MarketSettings:
    """`hard`, with more rings and still more innocent groups."""
    settings = preset("hard", users=USERS)
    rings = settings.rings.model_copy(update={"count": count})
    innocent = {name: INNOCENT * count for name, count in settings.lookalikes}
    return settings.model_copy(update={"days": DAYS, "rings": rings, "lookalikes": type(settings.lookalikes)(**innocent)})


def weekly_runs(seed: int, count: float) -> tuple[dict[str, frozenset[str]], list[Run]]:
    """The truth's groups, and each week's run."""
    market = simulate(odd_market(count), seed)
    table = log_table(market)
    time = pc.cast(table["timestamp"], pa.int64())
    settings = Settings()
    settings = settings.model_copy(update={"gnn": settings.gnn.model_copy(update={"least_rings": 0})})
    found = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.parquet"
        for day in WEEKS:
            until = market.start + day * DAY
            pq.write_table(table.filter(pc.and_(pc.greater_equal(time, until - WINDOW * DAY), pc.less(time, until))), path)
            found.append(detect(read_events([path]), settings))
    return truth_of(market.truth), found


def by_queue(book: Casebook, budget: int) -> list[Case]:
    return [one.case for one in make_queue(book, budget, EXPLORE).asked]


def by_what_was_known(book: Casebook, budget: int) -> list[Case]:
    return [one.case for one in rank_waiting(book, Beliefs({}), book.cases(), Kinds())[:budget]]


def by_money(book: Casebook, budget: int) -> list[Case]:
    waiting = rank_waiting(book, Beliefs({}), book.cases(), Kinds())
    return [one.case for one in sorted(waiting, key=lambda one: (-one.stake, one.case.name))[:budget]]


DESKS: dict[str, Choose] = {"queue": by_queue, "queue that learns nothing": by_what_was_known, "money alone": by_money}


def worked(runs: Sequence[Run], groups: Mapping[str, frozenset[str]], choose: Choose) -> list[tuple[int, int, int, int]]:
    """Week by week: rings among those asked about, those asked about, rings among those that waited, and those that waited."""
    planted = [own for name, own in groups.items() if name.startswith("members")]
    told, budget = [], 0
    with tempfile.TemporaryDirectory() as home, Casebook(Path(home), "ana") as book:
        for run in runs:
            book.take_in(run, follow_lineage)
            waiting = [one.case for one in rank_waiting(book, Beliefs({}), book.cases(), Kinds())]
            users = {case.name: set(book.users_of(case)) for case in waiting}
            rings = {name for name, own in users.items() if any(2 * len(own & ring) > len(own) for ring in planted)}
            budget = budget or max(round(SHARE * len(waiting)), 1)
            asked = choose(book, budget)
            for case in asked:
                book.decide(case.name, "confirmed" if case.name in rings else "innocent")
            told.append((sum(case.name in rings for case in asked), len(asked), len(rings), len(waiting)))
    return told


def report(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rings among those asked about, by all markets together, week by week; and rings among those that waited."""
    lines = [markdown_row(["desk", *(f"week {number}" for number in range(1, len(WEEKS) + 1))]), markdown_row(["---"] * (len(WEEKS) + 1))]
    for desk in DESKS:
        counts = np.array([row["weeks"] for row in rows if row["desk"] == desk]).sum(axis=0)
        lines.append(markdown_row([desk, *(f"{rings / asked:.0%} ({rings} of {asked})" for rings, asked, _, _ in counts)]))
        lines.append(markdown_row([f"{desk}: rings among those that waited", *(f"{rings} of {cases}" for _, _, rings, cases in counts)]))
    return "\n".join([*lines, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(501, 504)))
    parser.add_argument("--rings", type=float, default=RINGS, help="per 10,000 users")
    parser.add_argument("--dry", action="store_true", help="print the figures, and write no result")
    options = parser.parse_args()
    rows = []
    for seed in options.seeds:
        groups, runs = weekly_runs(seed, options.rings)
        for desk, choose in DESKS.items():
            rows.append({"seed": seed, "desk": desk, "weeks": worked(runs, groups, choose)})
            print(seed, desk, rows[-1]["weeks"], flush=True)
    text = report(rows)
    print(text)
    if not options.dry:
        write_result("learning_queue", rows, text)


if __name__ == "__main__":
    main()
