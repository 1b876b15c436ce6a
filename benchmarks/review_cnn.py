"""Review pictures with labels of writers → whether a CNN tells crews' pictures, beside words, signals and who else shows them.

    python benchmarks/review_cnn.py    # five fresh markets of review crews; some three minutes of one core

Each market is judged by what three others taught, with bars (and where the article's network stops) chosen on a fifth, so no writer,
ring, picture or day is in two parts. The market draws a crew's pictures as it draws everybody's own and changes them as people who hand
pictures on do, so what a CNN could tell is the change.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc
import torch
from account_networks import ArticlePicture, learn
from pictures import of_review_crews
from results_io import markdown_row, write_result
from signals import best_bar, even_rows, figures

from graphdet.evaluate.metrics import bootstrap_interval
from graphdet.events import read_events
from graphdet.events.picture_prints import picture_print, small_picture
from graphdet.learning.labelled_model import grow_trees
from graphdet.learning.picture_network import learn_pictures
from graphdet.reviews.labelled_reviews import METHODS, OURS, measure_reviews
from graphdet.reviews.review_reading import read_reviews
from graphdet.reviews.review_wording import learn_wording
from graphdet.settings import Settings
from graphdet.signals.review_pictures import groups_of_pictures
from graphdet.signals.signal import FeatureTable
from graphdet.simulate import MarketSettings, simulate, with_pictures, write_market

SEEDS = (9111, 9112, 9113, 9114, 9115)
USERS, EVENTS, SHARE = 1500, 30_000, 0.5  # of a market; half of honest reviews show a picture, too
Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]
HAND = ("light", "contrast", "white", "across", "down", "mirrored", "edges", "blocks")
WORDS = tuple(name for name in METHODS[OURS] if name != "shown")
TEXT, WHOLE = "words and signals of texts", f"{OURS}, as `graphdet reviews` reads them"
READ: dict[str, tuple[str, ...]] = {  # what is told → the columns that it reads: trees, or the one column itself
    "the article's CNN": ("article",),
    "graphdet's CNN": ("cnn",),
    "trees on hand-made features": HAND,
    "others who show it, alone": ("shown",),
    TEXT: WORDS,
    f"{TEXT}, graphdet's CNN": (*WORDS, "cnn"),
    f"{TEXT}, hand-made features": (*WORDS, *HAND),
    WHOLE: METHODS[OURS],
    f"{WHOLE}, graphdet's CNN": (*METHODS[OURS], "cnn"),
    f"{WHOLE}, hand-made features": (*METHODS[OURS], *HAND),
}


@dataclass(frozen=True)
class Shown:
    """n reviews with a picture, of one market or of several: what is measured of each, its words, its picture, and who is of a ring."""

    columns: Mapping[str, Floats]
    folded: list[str]
    pictures: npt.NDArray[np.uint8]
    writer: Longs
    copies: Longs
    fraud: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.fraud)


def crews() -> MarketSettings:
    return with_pictures(of_review_crews().model_copy(update={"users": USERS, "events": EVENTS}), SHARE)


def market_of(seed: int) -> Shown:
    made = simulate(crews(), seed)
    with tempfile.TemporaryDirectory() as place:
        write_market(made, Path(place) / "market")
        events = read_events([Path(place) / "market" / "events.parquet"])
        reviews = read_reviews(events, Settings())
        files = [path.read_bytes() for path in sorted((Path(place) / "market" / "pictures").iterdir())]
    assert reviews is not None
    small = {picture_print(data): small_picture(data) for data in files}
    members = made.truth["members"].filter(pc.equal(made.truth["members"]["node_type"], "user"))
    of_ring = np.isin(events.ids["user"].to_pylist(), members["node_id"].to_pylist())[reviews.user]
    written = events.written["image"]
    code = written.code[reviews.row]
    rows = np.flatnonzero(code >= 0)
    rows = rows[np.lexsort((rows, reviews.time[rows]))]
    group = np.asarray(groups_of_pictures(written, events.codes["user"]).indices.fill_null(-1).to_numpy())[reviews.row[rows]]
    pictures = np.stack([small[written.values[int(one)].as_py()] for one in code[rows]])
    measured = measure_reviews(reviews, events, None)
    columns = {name: measured.column(name)[rows].astype(np.float64) for name in measured.names if name != "words"}
    columns |= dict(zip(HAND, by_hand(pictures).T, strict=True))
    return Shown(columns, [reviews.folded[row] for row in rows], pictures, reviews.user[rows], group.astype(np.int64), of_ring[rows])


def by_hand(pictures: npt.NDArray[np.uint8]) -> Floats:
    """(n, 8): light, contrast, share of white, roughness across and down, likeness to its mirror image, light of the edges, and blocks."""
    light = pictures.astype(np.float64) / 255
    across, down = np.abs(np.diff(light, axis=2)), np.abs(np.diff(light, axis=1))
    blocks = across[:, :, 3::4].mean(axis=(1, 2)) - across.mean(axis=(1, 2))
    return np.column_stack([
        light.mean(axis=(1, 2)), light.std(axis=(1, 2)), (light > 0.94).mean(axis=(1, 2)), across.mean(axis=(1, 2)), down.mean(axis=(1, 2)),
        np.abs(light - light[:, :, ::-1]).mean(axis=(1, 2)), light[:, :6].mean(axis=(1, 2)) - light[:, -6:].mean(axis=(1, 2)), blocks,
    ])  # fmt: skip


def together(markets: Sequence[Shown]) -> Shown:
    """Several markets as one; writers and copies of two are never the same."""
    whose = [np.concatenate([getattr(one, name) + 10**6 * place for place, one in enumerate(markets)]) for name in ("writer", "copies")]
    return Shown(
        {name: np.concatenate([one.columns[name] for one in markets]) for name in markets[0].columns},
        [text for one in markets for text in one.folded],
        np.concatenate([one.pictures for one in markets]),
        whose[0], whose[1], np.concatenate([one.fraud for one in markets]),
    )  # fmt: skip


def told_of(taught: Shown, held: Shown, asked: Shown, seed: int) -> dict[str, tuple[Floats, Floats]]:
    """What each way says of the held and of the asked market's reviews, as log odds."""
    every = together([taught, held, asked])
    parts = np.split(np.arange(len(every)), np.cumsum([len(taught), len(held)]))
    known = np.arange(len(every)) < len(taught)
    wording = learn_wording(every.folded, known & every.fraud, known & ~every.fraud)
    columns = dict(every.columns) | {"words": np.zeros(len(every)) if wording is None else np.nan_to_num(wording.odds)}
    opinion = learn_pictures(taught.pictures, taught.fraud, taught.writer, taught.copies, seed)
    columns["cnn"] = opinion.log_odds(every.pictures)
    columns["cnn"][known] = opinion.own
    network = learn(ArticlePicture, light(taught.pictures), taught.fraud, (light(held.pictures), held.fraud))
    columns["article"] = network.says(light(every.pictures))
    table = FeatureTable("reviews with pictures", tuple(columns), np.column_stack(list(columns.values())).astype(np.float32))
    told = {}
    for name, names in READ.items():
        read = table.select(names)
        odds = (
            read.values[:, 0].astype(np.float64)
            if len(names) == 1
            else grow_trees(read.take(parts[0]), taught.fraud, seed).scores(read.values)
        )
        told[name] = odds[parts[1]], odds[parts[2]]
    return told


def light(pictures: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    return pictures.astype(np.float32) / 255


def judged(markets: Sequence[Shown], place: int, seed: int) -> dict[str, dict[str, dict[str, float]]]:
    """Figures of one market, in natural proportion and balanced, by what the others taught; the next one chooses the bars."""
    near = (place + 1) % len(markets)
    taught = together([market for number, market in enumerate(markets) if number not in (place, near)])
    asked, held = markets[place], markets[near]
    even = {"asked": even_rows(asked.fraud), "held": even_rows(held.fraud)}
    told = {}
    for name, (before, after) in told_of(taught, held, asked, seed).items():
        bars = best_bar(held.fraud, before), best_bar(held.fraud[even["held"]], before[even["held"]])
        told[name] = {
            "natural": figures(asked.fraud, after, bars[0]),
            "balanced": figures(asked.fraud[even["asked"]], after[even["asked"]], bars[1]),
        }
    return told


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--seeds", type=int, default=len(SEEDS), help="three at least: one is judged, one chooses bars")
    seeds = SEEDS[: asked.parse_args().seeds]
    torch.set_num_threads(1)
    markets = [market_of(seed) for seed in seeds]
    counts = [(len(market), int(market.fraud.sum())) for market in markets]
    rows: list[dict[str, Any]] = []
    for place, seed in enumerate(seeds):
        rows.append(judged(markets, place, seed))
        print(seed, {name: round(told["natural"]["AUPRC"], 3) for name, told in rows[-1].items()}, flush=True)
        write_result("review_cnn", {"seeds": seeds, "counts": counts, "rows": rows}, as_text(seeds, counts, rows))


def as_text(seeds: Sequence[int], counts: Sequence[tuple[int, int]], rows: Sequence[Mapping[str, Any]]) -> str:
    about = (
        f"Markets of review crews, {USERS:,} accounts and {EVENTS:,} events each; {SHARE:.0%} of honest reviews show a picture. "
        f"Seeds {', '.join(map(str, seeds))}, with {', '.join(f'{count:,}' for count, _ in counts)} reviews with a picture, of which "
        f"{', '.join(f'{fraud:,}' for _, fraud in counts)} are by crews. The first {len(rows)} are judged, each by what the others "
        "but one taught; that one chooses bars. Means."
    )
    lines = [f"# A CNN on review pictures\n\n{about}\n"]
    heads = ("accuracy", "precision", "recall", "F1", "AUROC", "AUPRC")
    for proportion in ("natural", "balanced"):
        lines += [markdown_row([proportion, *heads, "AUPRC, 95 %"]), "|---" * (len(heads) + 2) + "|"]
        for name in READ:
            told = [one[name][proportion] for one in rows]
            low, high = bootstrap_interval([[one["AUPRC"]] for one in told])[1:]
            lines.append(markdown_row([name, *(f"{np.mean([one[head] for one in told]):.3f}" for head in heads), f"{low:.3f}–{high:.3f}"]))
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
