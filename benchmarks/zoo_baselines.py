"""What a user would reach for instead, in the zoo: each method's best setting for each shop, on a tuning seed that nothing reports.

python benchmarks/zoo_baselines.py                 # all shops, half their users; writes results/zoo_baselines.json
python benchmarks/zoo_baselines.py --shops news    # one anew, the others stay
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from baselines import BASELINES, Found, MissingKeyError
from coaction import coaction
from markets import TUNING_SEEDS, as_events, market_of
from results_io import RESULTS, write_result

from graphdet.evaluate import evaluate_groups
from graphdet.events import EventTable
from graphdet.simulate.zoo import SHOPS, make_shop

NAME = "zoo_baselines"
SHARE = 0.5  # of a shop's users, to tune on
LEAST_SIZES = (3, 8)

TOOLKIT = "coordination toolkit"
RECIPE = "best recipe"  # of those below
RECIPES = ("shared device", "IP 60 s", "3 common items", "24 h, 2 items, Leiden", "24 h, 3 items")
METHODS: Mapping[str, Callable[..., Found]] = {TOOLKIT: coaction, **{name: BASELINES[name] for name in RECIPES}}
GRIDS: Mapping[str, Mapping[str, Sequence[Any]]] = {
    TOOLKIT: {"seconds": (60, 600, 3600), "weight": (2, 3, 5)},  # its manual's window is a minute
    "shared device": {"key": ("device", "payment", "address"), "most_users": (5, 20, 60)},
    "IP 60 s": {"meetings": (1, 2, 5)},
    "3 common items": {"most_users": (30, 100, 300), "committing": (False, True)},
    "24 h, 2 items, Leiden": {"most_events": (30, 100), "committing": (False, True), "resolution": (1.0, 10.0)},
    "24 h, 3 items": {"most_events": (30, 100), "committing": (False, True), "common": (2, 3)},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shops", nargs="+", default=list(SHOPS), choices=list(SHOPS), metavar="SHOP")
    options = parser.parse_args()
    chosen = {**read_tuned(), **{shop: tune(shop) for shop in options.shops}}
    chosen = {shop: chosen[shop] for shop in SHOPS if shop in chosen}
    lines = ["| shop | method | F1 when tuned | setting |", "|---|---|---|---|"]
    for shop, best in chosen.items():
        for title, one in best.items():
            lines.append(
                f"| {shop} | {title}: {one['method']} | {one['f1']:.2f} | {', '.join(f'{k} {v}' for k, v in one['setting'].items())} |"
            )
    write_result(NAME, chosen, "# Baselines of the zoo, tuned\n\n" + "\n".join(lines) + "\n", rooms=("events", "simulate"))


def tuned(shop: str) -> dict[str, Callable[[EventTable], Found]]:
    """The toolkit and the best recipe, as tuned for a shop; a method that found nothing there is left out."""
    return {title: partial(_find, one) for title, one in read_tuned().get(shop, {}).items()}


def read_tuned() -> dict[str, Any]:
    path = RESULTS / f"{NAME}.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found


def _find(one: Mapping[str, Any], events: EventTable) -> Found:
    return METHODS[one["method"]](events, **one["setting"])


def at_least(found: Found, least_size: int) -> Found:
    return Found([group for group in found.groups if len(group) >= least_size])


def tune(shop: str) -> dict[str, Any]:
    """Title → method, setting and F1 of the best that was tried."""
    market = market_of(make_shop(shop, TUNING_SEEDS[0], max(round(SHOPS[shop].users * SHARE), 500)))
    events = as_events(market.log)
    best: dict[str, Any] = {}
    for method, grid in GRIDS.items():
        title = TOOLKIT if method == TOOLKIT else RECIPE
        for values in itertools.product(*grid.values()):
            setting = dict(zip(grid, values, strict=True))
            try:
                found = METHODS[method](events, **setting, least_size=LEAST_SIZES[0])
            except MissingKeyError:
                continue
            for least in LEAST_SIZES:
                f1 = evaluate_groups(at_least(found, least).named(events), market.truth).detectable_f1
                if f1 > best.get(title, {"f1": 0.0})["f1"]:
                    best[title] = {"method": method, "setting": {**setting, "least_size": least}, "f1": f1}
        print(f"{shop}, {method}: {best.get(title)}", flush=True)
    return best


if __name__ == "__main__":
    main()
