"""A real shopping log → how many alerts it gives as it is, and which planted rings are found in it.

The log has bare dates and no labels, so it is an organic background: it should give (almost) no alert. Into it we plant the small ring of
the README, and HoloScope-style blocks of 200 users and 200 items of falling density, half of whose users' events are camouflage.
Data: xuehansheng/DyHATR, MIT licence.

    python benchmarks/taobao.py --data ../shared/data
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from baselines import fraudar
from results_io import write_result
from weibo import flagged

from graphdet import EventTable, Settings, detect, load_settings, read_events

CONFIG = Path(__file__).parents[1] / "configs" / "taobao.toml"

DENSITIES = (0.5, 0.25, 0.125, 0.06, 0.03, 0.015)
BLOCK = 200  # users and items of an injected block, as in the paper
ENOUGH = 0.9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data", type=Path, default=Path("../shared/data"), help="folder with taobao_events.parquet and taobao_items.parquet"
    )
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    settings = load_settings(CONFIG)
    log = pd.read_parquet(options.data / "taobao_events.parquet").astype({"action": str})
    log = log.merge(pd.read_parquet(options.data / "taobao_items.parquet", columns=["item", "category"]), on="item", how="left")

    run = detect(as_events(log, settings), settings)
    tiers = run.rings["tier"].to_pylist()
    results: dict[str, Any] = {"alerts": tiers.count("alert"), "review": tiers.count("review"), "explained": tiers.count("explained")}
    lines = [f"The log as it is: {results['alerts']} alerts, {results['review']} for review, {results['explained']} explained.\n"]

    shares = []
    for seed in range(options.seeds):
        planted, users, detectable = with_small_ring(log, np.random.default_rng(seed))
        found = flagged(detect(as_events(planted, settings), settings), ("alert",))
        shares.append(len(found & detectable) / len(detectable))
        results.setdefault("small_ring", []).append({"found": shares[-1], "others_alerted": len(found - users)})
    lines.append(f"A ring of 20 users and 6 items: {np.mean(shares):.0%} of its detectable members are found ({options.seeds} seeds).\n")

    lines += ["| block density | graphdet, dates | graphdet, no times | FRAUDAR |", "|---|---|---|---|"]
    lowest: dict[str, float | None] = {}
    for density in DENSITIES:
        cells: dict[str, list[float]] = {name: [] for name in ("dates", "no times", "FRAUDAR")}
        for seed in range(options.seeds):
            injected, users = with_block(log, density, np.random.default_rng(100 + seed))
            events = as_events(injected, settings)
            cells["dates"].append(f_measure(flagged(detect(events, settings), ("alert",)), users))
            untimed = as_events(injected.drop(columns="date"), settings)
            cells["no times"].append(f_measure(flagged(detect(untimed, settings), ("alert",)), users))
            cells["FRAUDAR"].append(f_measure(set(fraudar(events, blocks=1, committing=False).named(events)["1"]), users))
        for name, values in cells.items():
            if np.mean(values) >= ENOUGH:
                lowest[name] = density
        results.setdefault("blocks", {})[str(density)] = cells
        lines.append(f"| {density:g} | " + " | ".join(f"{np.mean(values):.2f}" for values in cells.values()) + " |")
    results["lowest_density"] = lowest
    stated = ", ".join(f"{name} {lowest.get(name, 'none')}" for name in ("dates", "no times", "FRAUDAR"))
    lines.append(f"\nLowest density with F ≥ {ENOUGH:g}: {stated}.")
    text = "\n".join(lines) + "\n"
    print(text)
    write_result("taobao", results, text)


def as_events(log: pd.DataFrame, settings: Settings) -> EventTable:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.parquet"
        log.assign(event_id=np.arange(len(log)).astype(str)).to_parquet(path, index=False)
        columns = {name: role for name, role in settings.log.columns.items() if name in log}
        return read_events([path], settings.log.model_copy(update={"columns": columns}))


def with_small_ring(log: pd.DataFrame, generator: np.random.Generator) -> tuple[pd.DataFrame, set[str], set[str]]:
    """20 new users buy about four of 6 items within two days, and do 8 other things; the log, the ring, and its detectable members."""
    items = generator.choice(_quiet_items(log), 6, replace=False)
    touched = generator.random((20, 6)) < 0.65
    user, item = np.nonzero(touched)
    days = np.sort(log["date"].unique())
    start = int(generator.integers(len(days) - 1))
    ids = _new_users(20)
    ring = _visits(ids[user], items[item], generator.choice(days[start : start + 2], len(user)), log)
    noise = _visits(np.repeat(ids, 8), generator.choice(log["item"], 160), generator.choice(days, 160), log)
    names = {str(name) for name in ids}
    return pd.concat([log, ring, noise]), names, {str(name) for name, count in zip(ids, touched.sum(axis=1), strict=True) if count >= 2}


def with_block(log: pd.DataFrame, density: float, generator: np.random.Generator) -> tuple[pd.DataFrame, set[str]]:
    """A block of new users on little-known items, each item within a day or two; as many camouflage visits, by popularity.

    Source: Liu, Hooi and Faloutsos (2017), HoloScope, section 4.2.
    """
    items = generator.choice(_quiet_items(log), BLOCK, replace=False)
    ids = _new_users(BLOCK)
    cells = generator.choice(BLOCK * BLOCK, round(density * BLOCK * BLOCK), replace=False)
    user, item = np.divmod(cells, BLOCK)
    days = np.sort(log["date"].unique())
    burst = generator.integers(len(days) - 1, size=BLOCK)
    when = days[burst[item] + generator.integers(2, size=len(item))]
    block = _visits(ids[user], items[item], when, log)
    camouflage = _visits(ids[user], generator.choice(log["item"], len(user)), generator.choice(days, len(user)), log)
    return pd.concat([log, block, camouflage]), {str(name) for name in ids}


def _new_users(count: int) -> npt.NDArray[np.int64]:
    return 90_000_000_000 + np.arange(count)


def _quiet_items(log: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Items that somebody touched, but at most 10 times: what a ring is paid to lift."""
    counts = log["item"].value_counts()
    return counts.index[counts <= 10].to_numpy()


def _visits(users: npt.NDArray[np.int64], items: npt.NDArray[np.int64], dates: npt.NDArray[Any], log: pd.DataFrame) -> pd.DataFrame:
    category = log.drop_duplicates("item").set_index("item")["category"]
    return pd.DataFrame({"user": users, "item": items, "action": "buy", "date": dates, "category": category.reindex(items).to_numpy()})


def f_measure(found: set[str], true: set[str]) -> float:
    return 2 * len(found & true) / (len(found) + len(true))


if __name__ == "__main__":
    main()
