"""Review pictures with labels of writers → whether a CNN tells crews' pictures, beside words, signals and who else shows them.

    python benchmarks/review_cnn.py    # fresh markets of review crews; about six minutes of one core

All reviews that show a picture, parted forward in time; no writer, ring or picture that is handed round is in two parts. The market draws a
crew's pictures as it draws everybody's own and changes them as people who hand pictures on do, so what a CNN could tell is the change.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc
from pictures import of_review_crews
from results_io import markdown_row, write_result
from sklearn.metrics import average_precision_score, roc_auc_score

from graphdet.evaluate.metrics import bootstrap_interval
from graphdet.events import read_events
from graphdet.events.picture_prints import picture_print, small_picture
from graphdet.learning.labelled_model import grow_trees
from graphdet.learning.picture_network import learn_pictures
from graphdet.reviews.labelled_reviews import METHODS, OURS, measure_reviews, parts_of
from graphdet.reviews.review_reading import read_reviews
from graphdet.reviews.review_wording import learn_wording
from graphdet.settings import Settings
from graphdet.signals.review_pictures import groups_of_pictures
from graphdet.signals.signal import FeatureTable
from graphdet.simulate import MarketSettings, simulate, with_pictures, write_market

SEEDS = (9111, 9112, 9113, 9114, 9115)
USERS, EVENTS, SHARE = 4000, 80_000, 0.5  # of a market; half of honest reviews show a picture, too
Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]
READ = {
    "CNN alone": ("cnn",),
    "others who show it, alone": ("shown",),
    OURS: METHODS[OURS],
    f"{OURS}, CNN": (*METHODS[OURS], "cnn"),
    f"{OURS}, others who show it": (*METHODS[OURS], "shown"),
    f"{OURS}, others who show it, CNN": (*METHODS[OURS], "shown", "cnn"),
    f"{OURS}, CNN of each other's pictures": (*METHODS[OURS], "dealt"),
    "CNN of each other's pictures alone": ("dealt",),
}


@dataclass(frozen=True)
class Market:
    """n reviews with a picture, in order of time: what is measured of each, its picture, whose it is, and who is of a ring (0 = nobody)."""

    values: FeatureTable
    pictures: npt.NDArray[np.uint8]
    writer: Longs
    copies: Longs
    ring: Longs
    parts: tuple[Longs, Longs, Longs]


def crews() -> MarketSettings:
    return with_pictures(of_review_crews().model_copy(update={"users": USERS, "events": EVENTS}), SHARE)


def market_of(seed: int) -> Market:
    made = simulate(crews(), seed)
    with tempfile.TemporaryDirectory() as place:
        write_market(made, Path(place) / "market")
        events = read_events([Path(place) / "market" / "events.parquet"])
        reviews = read_reviews(events, Settings())
        files = [path.read_bytes() for path in sorted((Path(place) / "market" / "pictures").iterdir())]
    assert reviews is not None
    small = {picture_print(data): small_picture(data) for data in files}
    members = made.truth["members"].filter(pc.equal(made.truth["members"]["node_type"], "user"))
    rings = {name: number for number, name in enumerate(made.truth["rings"]["ring_id"].to_pylist(), 1)}
    of_ring = dict(zip(members["node_id"].to_pylist(), (rings[one] for one in members["ring_id"].to_pylist()), strict=True))
    ring = np.array([of_ring.get(name, 0) for name in events.ids["user"].to_pylist()])[reviews.user]
    written = events.written["image"]
    code = written.code[reviews.row]
    rows = np.flatnonzero(code >= 0)
    rows = rows[np.lexsort((rows, reviews.time[rows]))]
    group = np.asarray(groups_of_pictures(written, events.codes["user"]).indices.fill_null(-1).to_numpy())[reviews.row]
    learned, chosen, judged = parts_apart(parts_of(reviews, code >= 0), ring, group)
    taught = np.isin(np.arange(len(reviews)), learned)
    wording = learn_wording(reviews.folded, taught & (ring > 0), taught & (ring == 0))
    values = measure_reviews(reviews, None if wording is None else wording.odds).take(rows)
    at = np.full(len(reviews), -1)
    at[rows] = np.arange(len(rows))
    pictures = np.stack([small[written.values[int(one)].as_py()] for one in code[rows]])
    return Market(values, pictures, reviews.user[rows], group[rows].astype(np.int64), ring[rows], (at[learned], at[chosen], at[judged]))


def parts_apart(parts: tuple[Longs, Longs, Longs], ring: Longs, group: Longs) -> tuple[Longs, Longs, Longs]:
    """Later parts without rings and pictures of an earlier one."""
    kept = [parts[0]]
    for part in parts[1:]:
        before = np.concatenate(kept)
        known = np.isin(group[part], group[before]) | ((ring[part] > 0) & np.isin(ring[part], ring[before]))
        kept.append(part[~known])
    return kept[0], kept[1], kept[2]


def others_who_show(market: Market) -> Floats:
    """How many other writers show nearly the same picture, as a logarithm."""
    pairs = np.unique(np.column_stack([market.copies, market.writer]), axis=0)
    return np.log1p(np.bincount(pairs[:, 0])[market.copies] - 1)


def cnn(market: Market, seed: int, pictures: npt.NDArray[np.uint8]) -> Floats:
    """Log odds of each review's picture: of those learned from by the network of the other half, of later ones by both."""
    learned = np.sort(market.parts[0])
    opinion = learn_pictures(pictures[learned], market.ring[learned] > 0, market.writer[learned], market.copies[learned], seed)
    odds = opinion.log_odds(pictures)
    odds[learned] = opinion.own
    return odds


def judged(market: Market, seed: int) -> dict[str, tuple[float, float]]:
    """AUPRC and AUROC on the latest reviews, of what reads each set of columns: trees, or the one column itself."""
    dealt = np.random.default_rng(seed).permutation(len(market.pictures))
    columns = {
        "shown": others_who_show(market),
        "cnn": cnn(market, seed, market.pictures),
        "dealt": cnn(market, seed, market.pictures[dealt]),
    }
    values = np.column_stack([market.values.values, *columns.values()]).astype(np.float32)
    table = FeatureTable("reviews with pictures", (*market.values.names, *columns), values)
    learned, _, last = market.parts
    truth, told = market.ring > 0, {}
    for name, names in READ.items():
        read = table.select(names)
        odds = read.values[:, 0] if len(names) == 1 else grow_trees(read.take(learned), truth[learned], seed).scores(read.values)
        told[name] = float(average_precision_score(truth[last], odds[last])), float(roc_auc_score(truth[last], odds[last]))
    return told


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--seeds", type=int, default=len(SEEDS))
    seeds = SEEDS[: asked.parse_args().seeds]
    rows: dict[str, list[tuple[float, float]]] = {name: [] for name in READ}
    counts = []
    for seed in seeds:
        market = market_of(seed)
        counts.append([(len(part), int((market.ring[part] > 0).sum())) for part in market.parts])
        for name, figures in judged(market, seed).items():
            rows[name].append(figures)
        print(seed, counts[-1], {name: round(told[-1][0], 3) for name, told in rows.items()}, flush=True)
    text = as_text(seeds, counts, rows)
    print(text)
    write_result("review_cnn", {"seeds": seeds, "counts": counts, "rows": rows}, text)


def as_text(seeds: tuple[int, ...], counts: list[list[tuple[int, int]]], rows: dict[str, list[tuple[float, float]]]) -> str:
    taught, _, last = (np.sum([one[part] for one in counts], axis=0).tolist() for part in range(3))
    about = (
        f"Seeds {', '.join(map(str, seeds))}; {taught[0]:,} reviews with pictures to learn from ({taught[1]:,} by crews), "
        f"{last[0]:,} later ones of other writers, rings and pictures to judge by ({last[1]:,} by crews)."
    )
    lines = [f"# A CNN on review pictures\n\n{about}\n", markdown_row(["read", "AUPRC", "95 %", "AUROC"]), "|---" * 4 + "|"]
    for name, told in rows.items():
        low, high = bootstrap_interval([[one[0]] for one in told])[1:]
        precision, ranking = np.mean(told, axis=0).tolist()
        lines.append(markdown_row([name, f"{precision:.3f}", f"{low:.3f}–{high:.3f}", f"{ranking:.3f}"]))
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
