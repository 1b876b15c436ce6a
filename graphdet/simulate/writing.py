"""A market → a folder: the log in the schema of logs, the truth beside it, and what made it. All or nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

import graphdet
from graphdet.errors import MarketError
from graphdet.schema import ACTIONS, EVENT_COLUMN, TEXT, TIME
from graphdet.simulate.ids import hexadecimal
from graphdet.simulate.knobs import MarketSettings
from graphdet.simulate.market import Market
from graphdet.simulate.reviews import review_texts
from graphdet.simulate.sessions import ACTION
from graphdet.simulate.showing import pictures_of, truth_of, write_pictures
from graphdet.simulate.streams import mix
from graphdet.whole import whole_folder, why

LOG_COLUMNS = (
    "event_id", "timestamp", "user_id", "item_id", "device_id", "ip", "action", "category", "seller_id", "amount", "rating", "text",
    "order_id", "payment_id", "address_id", "user_agent",
)  # fmt: skip
_CHUNK = 500_000
_AGENTS = tuple(
    [f"ShopApp/{major}.{minor} (Android {version})" for major in (8, 9) for minor in (1, 2, 4) for version in (10, 11, 12, 13, 14)]
    + [f"ShopApp/{major}.{minor} (iOS {version})" for major in (8, 9) for minor in (1, 2, 4) for version in (15, 16, 17)]
    + [
        f"Mozilla/5.0 ({system}) {browser}"
        for system in ("Windows NT 10.0", "Macintosh", "X11; Linux")
        for browser in ("Chrome/126", "Firefox/128")
    ]
)


def log_schema(*, pictures: bool = False) -> pa.Schema:
    """The Arrow schema of the written log; `image` only where a market has pictures."""
    return pa.schema([pa.field(name, EVENT_COLUMN[name].type) for name in (*LOG_COLUMNS, *(("image",) if pictures else ()))])


def _schema_of(market: Market) -> pa.Schema:
    return log_schema(pictures=market.settings.pictures.share > 0)


def log_batches(market: Market) -> Iterator[pa.RecordBatch]:
    """The log in batches of rows, in time order."""
    # One batch is built while the one before it is written or used.
    with ThreadPoolExecutor(1) as builder:
        coming: list[Future[pa.RecordBatch]] = []
        for low in range(0, len(market), _CHUNK):
            coming.append(builder.submit(_batch, market, low, min(low + _CHUNK, len(market))))
            if len(coming) > 1:
                yield coming.pop(0).result()
        for last in coming:
            yield last.result()


def log_table(market: Market) -> pa.Table:
    """The whole log as one table; for small markets."""
    return pa.Table.from_batches(list(log_batches(market)), schema=_schema_of(market))


def write_market(market: Market, out: Path, format: Literal["parquet", "csv"] = "parquet") -> None:  # noqa: A002
    """Write `out/events.parquet` (or .csv), `out/truth/*.parquet` and `out/market.json`, or nothing at all.

    Raises:
        MarketError: `out` holds something already, or cannot be written.
    """
    shown = pictures_of(market)

    def write_all(folder: Path) -> None:
        _write_log(market, folder, format)
        if market.settings.pictures.share:
            write_pictures(market, shown, folder)

    truth = {**market.truth, "pictures": truth_of(market, shown)} if market.settings.pictures.share else market.truth
    write_folder(out, write_all, truth, describe(market))


def write_folder(out: Path, write_log: Callable[[Path], None], truth: Mapping[str, pa.Table], about: Mapping[str, object]) -> None:
    """A folder with a log, its truth and what made both, as a whole or not at all.

    Args:
        write_log: writes the log into the folder that it is given.
        truth: tables by name.
        about: goes into market.json, by which a folder is known as a made market.

    Raises:
        MarketError: `out` holds something already, or cannot be written.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise MarketError(f"{out}: there is something already; name a new or empty folder.")
    try:
        with whole_folder(out) as part:
            (part / "truth").mkdir()
            write_log(part)
            for name, table in truth.items():
                pq.write_table(table, part / "truth" / f"{name}.parquet")
            (part / "market.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise MarketError(f"{out}: cannot be written ({why(error)}).") from None


def describe(market: Market) -> dict[str, object]:
    """What made the market and what it holds, as plain data."""
    return {
        "version": graphdet.__version__,
        "seed": market.seed,
        # A market without takeovers, pictures, task sheets or night shifts is described as it was before there were any.
        "settings": market.settings.model_dump(exclude=_not_asked_for(market.settings)),
        "events": len(market),
        "nodes": {name: len(ids) for name, ids in market.ids.items()},
        **count_kinds(market.truth),
    }


def _not_asked_for(settings: MarketSettings) -> dict[str, Any]:
    asked = {"takeovers": settings.takeovers.count, "pictures": settings.pictures.share}
    of_rings = {name for name in ("sheets", "nights") if not getattr(settings.rings, name)}
    return {name: True for name, much in asked.items() if not much} | ({"rings": of_rings} if of_rings else {})


def count_kinds(truth: Mapping[str, pa.Table]) -> dict[str, dict[str, int]]:
    """How many rings and innocent groups of each kind the truth holds."""
    groups = truth["lookalikes"].select(["group_id", "kind"]).group_by(["group_id", "kind"]).aggregate([])
    kinds = {"rings": truth["rings"].column("kind").to_pylist(), "lookalikes": groups.column("kind").to_pylist()}
    return {name: {kind: found.count(kind) for kind in sorted(set(found))} for name, found in kinds.items()}


def _write_log(market: Market, folder: Path, format: str) -> None:  # noqa: A002
    if format == "csv":
        with pa_csv.CSVWriter(folder / "events.csv", _schema_of(market)) as writer:
            for batch in log_batches(market):
                writer.write_batch(batch)
        return
    with pq.ParquetWriter(folder / "events.parquet", _schema_of(market), compression="zstd", use_dictionary=_REPEATED) as writer:
        for batch in log_batches(market):
            writer.write_batch(batch, row_group_size=_CHUNK)


_REPEATED = ["user_id", "item_id", "device_id", "ip", "action", "category", "seller_id", "rating", "payment_id", "address_id", "user_agent"]


def _batch(market: Market, low: int, high: int) -> pa.RecordBatch:
    part = market.columns.take(slice(low, high))
    n = high - low

    def named(name: str, codes: np.ndarray) -> pa.Array:
        return market.ids[name].take(pa.array(codes, mask=codes < 0))

    def on_items(values: pa.Array, codes: np.ndarray) -> pa.Array:
        return values.take(pa.array(codes[part.item], mask=part.item < 0))

    order = np.flatnonzero(part.order >= 0)
    order_id = pa.array(np.searchsorted(order, np.arange(n)), mask=part.order < 0)
    told = np.flatnonzero(part.action == ACTION["review"])
    seller = np.asarray(market.item_seller)[part.item[told]]
    texts = review_texts(part.order[told], part.rating[told], part.script[told], market.english[part.user[told]], seller, market.salt)
    place = np.zeros(n, dtype=np.int64)
    place[told] = np.arange(len(told))
    agent = (mix(part.device, market.salt + 3) % np.uint64(len(_AGENTS) ** 2)).astype(np.float64) ** 0.5
    columns = {
        "event_id": hexadecimal(mix(np.arange(low, high), market.salt + 1), "e"),
        "timestamp": pa.array(part.time).cast(pa.timestamp("us")).cast(TIME),
        "user_id": named("user", part.user),
        "item_id": named("item", part.item),
        "device_id": named("device", part.device),
        "ip": named("ip", part.ip),
        "action": pa.array(ACTIONS).take(pa.array(part.action)),
        "category": on_items(pa.array(market.categories), market.item_category),
        "seller_id": on_items(market.ids["seller"], market.item_seller),
        "amount": pa.array(part.amount.astype(np.float64).round(2), mask=np.isnan(part.amount)),
        "rating": pa.array(part.rating.astype(np.float64), mask=part.rating == 0),
        "text": texts.take(pa.array(place, mask=part.action != ACTION["review"])),
        "order_id": hexadecimal(mix(part.order[order], market.salt + 2), "o").take(order_id),
        "payment_id": named("payment", part.payment),
        "address_id": named("address", part.address),
        "user_agent": pa.array(_AGENTS, type=TEXT).take(pa.array(agent.astype(np.int64))),
    }
    schema = _schema_of(market)
    if "image" in schema.names:
        columns["image"] = pictures_of(market).images(len(market)).slice(low, n)
    return pa.record_batch([columns[name] for name in schema.names], schema=schema)
