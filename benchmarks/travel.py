"""Markets with accounts taken over, and a table of where their networks are → what impossible journeys add, and what they cost.

    python benchmarks/travel.py --seeds 5 --users 6000    # as in taken_over.py; the same markets without and with a table

Towns of a market lie somewhere in a country of 3,000 km; homes, workplaces, carriers and cafés are in theirs, and pools that change hands
are in no table. `--wrong` is the share of networks that the table puts into another town, as bought ones do.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from markets import FRESH_SEEDS, as_events
from results_io import markdown_row, write_result
from taken_over import named_rows

from graphdet import EventTable
from graphdet.evaluate.metrics import ranking_figures
from graphdet.signal_settings import TakeoverSettings
from graphdet.signals.takeovers import find_takeovers
from graphdet.simulate import Market, preset, simulate, with_takeovers
from graphdet.simulate import market as making
from graphdet.simulate.people import People
from graphdet.simulate.writing import log_table

EVENTS_AN_ACCOUNT = 40
FIGURES = ("AUPRC", "planted", "named", "right", "processor seconds")


def with_towns(users: int, seed: int) -> tuple[Market, np.ndarray]:
    """A market, and the town of each of its addresses; −1 where no table would know it."""
    seen: dict[str, Any] = {}

    def keeping(name: str, make: Callable[..., Any]) -> Callable[..., Any]:
        def kept(*arguments: Any) -> Any:
            found = make(*arguments)
            seen[f"{name} {arguments[1]}" if name == "used" else name] = found
            return found

        return kept

    settings = with_takeovers(preset("hard", users=users, events=EVENTS_AN_ACCOUNT * users), 100.0)
    with (
        patch.object(making, "make_people", keeping("people", making.make_people)),
        patch.object(making, "_used", keeping("used", making._used)),
    ):
        market = simulate(settings, seed)
    return market, towns_of(seen["people"])[seen["used ip"][0]]


def towns_of(people: People) -> np.ndarray:
    """The town of each address of the layout, −1 of pools that change hands."""
    networks, region = people.networks, people.region
    town = np.full(networks.codes, -1)
    town[: len(region)] = region
    for place, (first, count) in enumerate(zip(networks.work_first, networks.work_count, strict=True)):
        workers = region[people.home[people.workplace == place]]
        town[first : first + count] = np.bincount(workers).argmax() if len(workers) else -1
    for number in range(len(networks.cafe_first)):
        town[networks.cafe_first[number] : networks.cafe_first[number] + networks.cafe_count[number]] = number
        for first, count in zip(networks.carrier_first[number], networks.carrier_count[number], strict=True):
            town[first : first + count] = number
    return town


def write_table(market: Market, town: np.ndarray, wrong: float, path: Path) -> None:
    """Towns drawn on a map, and each known address as a network of its own."""
    rng = np.random.default_rng(market.seed)
    towns = int(town.max()) + 1
    latitude, longitude = rng.uniform(25, 50, towns), rng.uniform(80, 118, towns)
    told = np.where(rng.random(len(town)) < wrong, rng.integers(0, towns, len(town)), town)
    names = market.ids["ip"].to_pylist()
    rows = [
        f"{name}/{64 if ':' in name else 32},{latitude[place]:.4f},{longitude[place]:.4f}"
        for name, place, known in zip(names, told.tolist(), (town >= 0).tolist(), strict=True)
        if known
    ]
    path.write_text("\n".join(["network,latitude,longitude", *rows]) + "\n", encoding="utf-8")


def measured(events: EventTable, market: Market, settings: TakeoverSettings) -> dict[str, float]:
    begun = time.process_time()
    found = find_takeovers(events, settings, 1)
    spent = time.process_time() - begun
    assert found is not None
    users = np.array(events.ids["user"].to_pylist())
    score = np.full(len(users), -9.0)
    score[found.blocks.account] = found.score
    taken = np.isin(users, market.truth["takeovers"]["user_id"].to_pylist())
    members = market.truth["members"].to_pylist()
    aside = np.isin(users, [row["node_id"] for row in members]) & ~taken  # rings' members may act from an operator's devices
    named = np.zeros(len(users), np.bool_)
    named[found.blocks.account[named_rows(found)]] = True
    auprc = ranking_figures(taken[~aside], score[~aside]).auprc or 0.0
    return dict(zip(FIGURES, (auprc, int(taken.sum()), int(named.sum()), int((named & taken).sum()), spent), strict=True))


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--seeds", type=int, default=5)
    asked.add_argument("--users", type=int, default=6000)
    asked.add_argument("--wrong", type=float, default=0.02)
    given = asked.parse_args()
    seeds = FRESH_SEEDS[: given.seeds]
    rows: dict[str, list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            market, town = with_towns(given.users, seed)
            path = Path(folder) / f"{seed}.csv"
            write_table(market, town, given.wrong, path)
            events = as_events(log_table(market))
            for name, settings in (("without a table", TakeoverSettings()), ("with a table", TakeoverSettings(places=str(path)))):
                rows.setdefault(name, []).append(measured(events, market, settings))
            print(seed, {name: told[-1] for name, told in rows.items()}, flush=True)
    of = f"seeds {', '.join(map(str, seeds))}; {given.wrong:.0%} of networks put elsewhere"
    about = f"{given.users:,} accounts, {EVENTS_AN_ACCOUNT} events each, {of}."
    lines = [f"# Impossible journeys\n\n{about}\n", markdown_row(["", *FIGURES]), "|---" * (len(FIGURES) + 1) + "|"]
    lines += [markdown_row([name, *(f"{np.mean([one[figure] for one in told]):.3g}" for figure in FIGURES)]) for name, told in rows.items()]
    text = "\n".join([*lines, ""])
    print(text)
    write_result("travel", {"wrong": given.wrong, "rows": rows}, text)


if __name__ == "__main__":
    main()
