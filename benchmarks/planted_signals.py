"""Real public logs → what their texts, series and sequences tell as they are, and which planted bursts and bought reviews are found.

    python benchmarks/planted_signals.py --data ../shared/data    # about two minutes of one core

Bursts and reviews are planted into copies of the log, a few at a time; whatever is told elsewhere and not in the log as it is counts as
false. The stated shares of false alarms are the defaults: 1 % of bursts, 5 % of findings of reviews.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from foreign_tables import READERS, NotThereError
from markets import as_events
from results_io import markdown_row, write_result

from graphdet import EventTable, Settings, read_events
from graphdet.reviews.review_finding import find_reviews
from graphdet.reviews.review_reading import read_reviews
from graphdet.schema import ITEM, SELLER
from graphdet.signal_settings import SeriesSettings
from graphdet.signals.bursts import find_bursts
from graphdet.signals.sequences import read_steps, trigram_surprise

LOGS = ("shopping", "coupons", "stars", "pages", "marketplace")
SIZES, ROUNDS, EACH, LEAST = (10, 20, 40), 5, 8, 5  # users of a planted burst; plants a log; users whom its item has besides
WITHIN = pd.Timedelta(hours=6)
CREW, FOLLOWED = 8, 0.5  # bought reviews of an item, in two days, and the share that repeats the crew's text
Told = set[tuple[str, str]]


def bursts_in(events: EventTable) -> list[dict[str, Any]]:
    found = find_bursts(events, SeriesSettings())
    return [] if found is None else found.to_pylist()


def names_told(found: list[dict[str, Any]]) -> Told:
    return {(row["node_type"], row["node_id"]) for row in found}


def with_bursts(log: pd.DataFrame, size: int, rng: np.random.Generator) -> tuple[pd.DataFrame, dict[str, pd.Timestamp]]:
    """The log, and users of it at some items within hours (or on a date) at which they were not before."""
    users = log.groupby("item_id")["user_id"].nunique()
    items = rng.choice(users.index[users >= LEAST].to_numpy(), min(EACH, int((users >= LEAST).sum()) // 2), replace=False)
    start, length = log["timestamp"].min(), log["timestamp"].max() - log["timestamp"].min()
    bare = bool((log["timestamp"] == log["timestamp"].dt.normalize()).all())
    parts, planted = [log], {}
    for item in items.tolist():
        begin = start + length * rng.uniform(0.1, 0.9)
        own = log[log["item_id"] == item].iloc[:1]
        rows = own.loc[own.index.repeat(size)].assign(user_id=rng.choice(log["user_id"].unique(), size, replace=False))
        when = begin + pd.to_timedelta(rng.uniform(0, WITHIN.total_seconds(), size), unit="s")
        parts.append(rows.assign(timestamp=begin.normalize() if bare else when.as_unit(log["timestamp"].dt.unit)))
        planted[str(item)] = begin
    return pd.concat(parts, ignore_index=True), planted


def bursts_of(log: pd.DataFrame, as_it_is: Told, size: int) -> dict[str, int]:
    """How many planted bursts are told, and what else is."""
    told = {"planted": 0, "found": 0, "false": 0}
    for number in range(ROUNDS):
        whole, planted = with_bursts(log, size, np.random.default_rng([size, number]))
        found = bursts_in(table(whole))
        sellers = set(whole[whole["item_id"].isin(planted)]["seller_id"]) if "seller_id" in whole else set()
        right = {
            row["node_id"]
            for row in found
            if row["node_type"] == ITEM
            and row["node_id"] in planted
            and row["first_seen"].replace(tzinfo=None) - pd.Timedelta(days=1) <= planted[row["node_id"]]
            and planted[row["node_id"]] <= row["last_seen"].replace(tzinfo=None) + pd.Timedelta(days=1)
        }
        beside = {(ITEM, item) for item in planted} | {(SELLER, seller) for seller in sellers}
        told["planted"] += len(planted)
        told["found"] += len(right)
        told["false"] += len({one for one in names_told(found) - as_it_is - beside if one[0] in (ITEM, SELLER)})
    return told


def table(log: pd.DataFrame) -> EventTable:
    return as_events(pa.Table.from_pandas(log, preserve_index=False))


def of_log(name: str, log: pd.DataFrame) -> dict[str, Any]:
    start = time.process_time()
    events = table(log)
    steps = read_steps(events) if events.resolution == "instant" else None
    found = bursts_in(events)
    return {
        "events": len(events),
        "surprise": None if steps is None else float(np.mean(trigram_surprise(steps))),
        "bursts": len(found),
        "seconds": time.process_time() - start,
        **{f"{size} users": bursts_of(log, names_told(found), size) for size in SIZES},
    }


def reviews_of(data: Path) -> dict[str, Any]:
    """Findings among the marketplace's reviews as they are, and with a crew at each of a few items."""
    log = READERS["marketplace"](data)
    texts = pd.read_csv(data / "logs" / "shop_tables" / "order_reviews.csv.gz", dtype=str).drop_duplicates("order_id")
    said = log[log["action"] == "review"].merge(texts[["order_id", "review_comment_message"]], on="order_id")
    said = said.rename(columns={"review_comment_message": "text"})
    good = said[(said["rating"] == 5) & (said["text"].str.len() > 20)]["text"].unique()
    sold = said.groupby("item_id").size()
    told = {"reviews": len(said), "as it is": len(findings_in(said)), "planted": 0, "found": 0, "false": 0, "left": 0}
    for number in range(ROUNDS):
        rng = np.random.default_rng(number)
        parts, items = [said], rng.choice(sold.index[sold >= LEAST].to_numpy(), EACH, replace=False).tolist()
        for item in items:
            begin = said["timestamp"].min() + (said["timestamp"].max() - said["timestamp"].min()) * rng.uniform(0.1, 0.9)
            rows = said[said["item_id"] == item].iloc[:1]
            when = begin + pd.to_timedelta(rng.uniform(0, 2 * 86_400, CREW), unit="s")
            repeats = rng.random(CREW) < FOLLOWED
            parts.append(
                rows.loc[rows.index.repeat(CREW)].assign(
                    user_id=[f"{item}-{one}" for one in range(CREW)], order_id=[f"{item}-{one}" for one in range(CREW)], rating=5.0,
                    timestamp=when.as_unit(said["timestamp"].dt.unit),
                    text=np.where(repeats, rng.choice(good), rng.choice(good, CREW)),
                )
            )  # fmt: skip
        whole = pd.concat(parts, ignore_index=True)
        found = findings_in(whole)
        marked = {one for every in found.values() for one in every}
        rest = whole[[one not in marked for one in zip(whole["user_id"], whole["item_id"], whole["text"], strict=True)]]
        told["planted"] += len(items)
        told["found"] += len(set(found) & set(items))
        told["false"] += len(set(found) - set(items))
        told["left"] += len(set(findings_in(rest)) & set(found))
    return told


def findings_in(log: pd.DataFrame) -> dict[str, list[tuple[str, str, str]]]:
    """Item → user, item and text of those of a finding's reviews that carry a sign themselves."""
    with tempfile.TemporaryDirectory() as folder:
        log.to_csv(Path(folder) / "log.csv", index=False)
        events = read_events([Path(folder) / "log.csv"])
        reviews = read_reviews(events, Settings())
        assert reviews is not None
        users = events.ids["user"].to_pylist()
        return {
            one.item: [
                (users[reviews.user[row]], one.item, reviews.text[row])
                for row, signs in zip(one.reviews.tolist(), one.signs, strict=True)
                if signs
            ]
            for one in find_reviews(reviews, events)
        }


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--data", type=Path, default=Path("../shared/data"))
    data = asked.parse_args().data
    rows: dict[str, dict[str, Any]] = {}
    for name in LOGS:
        try:
            rows[name] = of_log(name, READERS[name](data))
        except NotThereError as error:
            print(error)
            continue
        print(name, rows[name], flush=True)
    reviews = reviews_of(data)
    text = as_text(rows, reviews)
    print(text)
    write_result("planted_signals", {"bursts": rows, "reviews": reviews}, text)


def as_text(rows: dict[str, dict[str, Any]], reviews: dict[str, Any]) -> str:
    heads = [f"{size} users: found of planted, false" for size in SIZES]
    about = (
        f"Bursts of so many users at an item within six hours (of bare dates: on one), {EACH} items at a time "
        f"and {ROUNDS} times, at a stated share of false alarms of {SeriesSettings().false_share:.0%}. False: items and shops told besides."
    )
    of_reviews = (
        f"Of {reviews['reviews']:,} reviews of the marketplace {reviews['as it is']} findings as they are; of {reviews['planted']} items "
        f"that had {CREW} five-star reviews planted within two days, {FOLLOWED:.0%} of them one text and the others those of other items, "
        f"{reviews['found']} are found, and {reviews['false']} others told (stated share 5 %). "
        f"Without the reviews that carry a sign themselves {reviews['left']} of these findings are left."
    )
    lines = [
        "# Planted into real logs",
        "",
        about,
        "",
        markdown_row(["log", "events", "surprise a step, bits", "bursts as it is", *heads, "processor seconds, as it is"]),
        "|---" * (5 + len(heads)) + "|",
    ]
    for name, row in rows.items():
        planted = [
            f"{row[f'{size} users']['found']} of {row[f'{size} users']['planted']}, {row[f'{size} users']['false']}" for size in SIZES
        ]
        surprise = "–" if row["surprise"] is None else f"{row['surprise']:.2f}"
        lines.append(markdown_row([name, f"{row['events']:,}", surprise, str(row["bursts"]), *planted, f"{row['seconds']:.1f}"]))
    return "\n".join([*lines, "", of_reviews, ""])


if __name__ == "__main__":
    main()
