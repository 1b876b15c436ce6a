"""Made markets read week by week by a house that judges what its queue asks → how many of those asked about were rings, week by week.

python benchmarks/learning_queue.py --seeds 701 702 703 704 705

The market is `hard`, but for its innocent groups, which are so many times as many (`INNOCENT`): a house that is not like those by which
chances were learned, with so many rings that not all of them fit the budget, which is a fifth of what waits in the first week. Desks see
the same runs and know the truth, so that what they are asked about gets its true verdict: one learns from its verdicts; one learns nothing;
each with a tenth of its looks drawn blindly, and without; one goes by money alone, one by the truth itself, which is the most there is to
reach. They work for a house of one market each, and for one that has all of the markets and so as many times the looks. What is drawn hangs
on a lot; figures are means over so many of them (`LOTS`). Nothing was tuned on these seeds.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
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
from graphdet.events import read_events
from graphdet.pipeline import detect
from graphdet.run.folder import Run
from graphdet.settings import Settings
from graphdet.simulate import MarketSettings, preset, simulate
from graphdet.simulate.writing import log_table
from graphdet.week.chances import Beliefs
from graphdet.week.queueing import Kinds, rank_waiting

USERS, DAYS, WINDOW, EVERY = 6000, 42, 14, 7
RINGS, INNOCENT = 120.0, 4.0  # rings per 10,000 users; times as many innocent groups as the preset has
WEEKS = range(WINDOW, DAYS + 1, EVERY)
SHARE, EXPLORE = 0.2, 0.1  # of what waits in the first week, the budget; of that, what is drawn blindly
LOTS = 24


@dataclass(frozen=True)
class Waits:
    """A case as it waits in one week; `ring`: whether it is one."""

    case: str
    kind: str
    stake: float
    rank: int
    ring: bool


@dataclass(frozen=True)
class Desk:
    """How one orders what waits: the worth of a case by the chance of its kind, whether verdicts move that, and the share that is drawn."""

    name: str
    worth: Callable[[Waits, float], float]
    learns: bool = False
    explore: float = 0.0


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


def weeks_of(groups: Mapping[str, frozenset[str]], runs: Sequence[Run]) -> list[list[Waits]]:
    """What waits in each week where nobody decides anything."""
    planted = [own for name, own in groups.items() if name.startswith("members")]
    weeks = []
    with tempfile.TemporaryDirectory() as home, Casebook(Path(home), "ana") as book:
        for run in runs:
            book.take_in(run, follow_lineage)
            week = []
            for one in rank_waiting(book, Beliefs({}), book.cases(), Kinds()):
                users = set(book.users_of(one.case))
                is_ring = any(2 * len(users & ring) > len(users) for ring in planted)
                week.append(Waits(one.case.name, one.kind, one.stake, one.case.rank, is_ring))
            weeks.append(week)
    return weeks


def together(markets: Mapping[int, Sequence[Sequence[Waits]]]) -> list[list[Waits]]:
    """Several markets as one house has them."""
    each = [[[replace(one, case=f"{seed} {one.case}") for one in week] for week in weeks] for seed, weeks in markets.items()]
    return [[one for week in same for one in week] for same in zip(*each, strict=True)]


def by_queue(one: Waits, chance: float) -> float:
    return chance * one.stake


DESKS = (
    Desk("learns", by_queue, learns=True, explore=EXPLORE),
    Desk("learns nothing", by_queue, explore=EXPLORE),
    Desk("learns, nothing drawn", by_queue, learns=True),
    Desk("learns nothing, nothing drawn", by_queue),
    Desk("money alone", lambda one, _: one.stake),
    Desk("the truth", lambda one, _: one.stake * one.ring),
)


def worked(weeks: Sequence[Sequence[Waits]], desk: Desk, lot: int) -> np.ndarray[Any, Any]:
    """Week by week: rings among those asked about, those asked about, and the money in those rings."""
    said: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    done, told, budget = set[str](), [], 0
    for week in weeks:
        waiting = [one for one in week if one.case not in done]
        budget = budget or max(round(SHARE * len(waiting)), 1)
        known = Beliefs({kind: (rings, others) for kind, (rings, others) in said.items()} if desk.learns else {})
        chances = {kind: known.of(kind).mean for kind in sorted({one.kind for one in waiting})}
        worth = {one.case: desk.worth(one, chances[one.kind]) for one in waiting}
        order = sorted(waiting, key=lambda one: (-worth[one.case], one.rank, one.case))
        blind = round(desk.explore * budget)
        drawn = sorted(order[budget - blind :], key=lambda one: hashlib.sha256(f"{lot} {one.case}".encode()).hexdigest())[:blind]
        asked = order[: budget - blind] + drawn
        for one in asked:
            said[one.kind][not one.ring] += 1
        done |= {one.case for one in asked}
        told.append((sum(one.ring for one in asked), len(asked), sum(one.stake for one in asked if one.ring)))
    return np.array(told)


def measure(markets: Mapping[int, Sequence[Sequence[Waits]]]) -> list[dict[str, Any]]:
    """Each desk in houses of one market, all of them summed, and in one of all markets: means over lots."""
    houses = {"one market each": list(markets.values()), f"all {len(markets)} markets": [together(markets)]}
    rows = []
    for house, own in houses.items():
        for desk in DESKS:
            lots = range(LOTS if desk.explore else 1)
            weeks = np.mean([np.sum([worked(weeks, desk, lot) for weeks in own], axis=0) for lot in lots], axis=0)
            rows.append({"house": house, "desk": desk.name, "weeks": weeks.tolist()})
    return rows


def report(rows: Sequence[Mapping[str, Any]]) -> str:
    """Share of rings among those asked about, week by week, in all weeks after the first, and the money in rings found then."""
    numbers = range(1, len(WEEKS) + 1)
    head = ["house", "desk", *(f"week {number}" for number in numbers), f"weeks 2 to {len(WEEKS)}", "money in rings found then"]
    lines = [markdown_row(head), markdown_row(["---", "---", *["--:"] * (len(WEEKS) + 2)])]
    for row in rows:
        weeks = np.array(row["weeks"])
        found, asked, money = weeks[1:].sum(axis=0)
        shares = [f"{rings / of:.0%}" for rings, of, _ in weeks]
        lines.append(markdown_row([row["house"], row["desk"], *shares, f"{found / asked:.1%} of {asked:.0f}", f"{money:,.0f}"]))
    return "\n".join([*lines, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(701, 706)))
    parser.add_argument("--rings", type=float, default=RINGS, help="per 10,000 users")
    parser.add_argument("--dry", action="store_true", help="print the figures, and write no result")
    options = parser.parse_args()
    rows = measure({seed: weeks_of(*weekly_runs(seed, options.rings)) for seed in options.seeds})
    text = report(rows)
    print(text)
    if not options.dry:
        write_result("learning_queue", rows, text)


if __name__ == "__main__":
    main()
