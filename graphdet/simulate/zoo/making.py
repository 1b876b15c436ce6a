"""A shop of the zoo and a seed → its log and the truth about it, as tables."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

import graphdet
from graphdet.errors import MarketError, nearest
from graphdet.schema import ACTIONS, EVENT_COLUMN, TEXT, TIME
from graphdet.simulate.clock import DAY
from graphdet.simulate.ids import hexadecimal, make_addresses
from graphdet.simulate.planted import ring_id, truth_schema
from graphdet.simulate.streams import mix, stream
from graphdet.simulate.writing import count_kinds, write_folder
from graphdet.simulate.zoo.book import Book, Columns
from graphdet.simulate.zoo.crews import send
from graphdet.simulate.zoo.shops import SHOPS, Shop
from graphdet.simulate.zoo.town import Town, make_town

START = int(dt.datetime(2025, 3, 3, tzinfo=dt.UTC).timestamp())
PREFIX = {"user": "u", "item": "i", "device": "d", "seller": "s", "payment": "p", "address": "a", "order": "o"}
OF_COLUMN = {
    "item": "item_id",
    "device": "device_id",
    "ip": "ip",
    "seller": "seller_id",
    "order": "order_id",
    "payment": "payment_id",
    "address": "address_id",
}


@dataclass(frozen=True)
class ShopLog:
    """One shop's log.

    Attributes:
        shop, seed, users, ringed: what made it.
        events: columns of `schema.EVENT_COLUMNS` that the shop's log has, in order of time.
        truth: tables `rings`, `members` and `lookalikes`, as a market's.
    """

    shop: Shop
    seed: int
    users: int
    ringed: bool
    events: pa.Table
    truth: dict[str, pa.Table]


def make_shop(name: str, seed: int, users: int | None = None, ringed: bool = True) -> ShopLog:
    """The log of one shop of the zoo.

    Args:
        name: of the shop; `SHOPS` has them all.
        seed: the same seed gives the same bytes.
        users: the shop's own number says otherwise.
        ringed: False leaves the crews out; whatever is found then is a false alarm.

    Raises:
        MarketError: no shop of that name, or too few users.
    """
    if name not in SHOPS:
        raise MarketError(f"no shop '{name}'{nearest(name, SHOPS) or '.'} Shops: {', '.join(SHOPS)}.")
    shop = SHOPS[name]
    users = users or shop.users
    if users < 500:
        raise MarketError(f"a shop needs at least 500 users (found {users}).")
    town = make_town(users, shop.days, max(round(users * shop.items_per_user), shop.least_items), shop.categories, shop.newcomers, seed)
    book = Book({"device": town.devices, "ip": town.ips, "payment": 3 * users, "address": town.ips, "order": 0}, np.zeros(users, np.bool_))
    for number, habit in enumerate(shop.habits(users)):
        habit(book, town, stream(seed, name, "habit", number))
    if ringed:
        for number in range(round(shop.rings * users / 10_000)):
            send(book, town, shop.crews[number % len(shop.crews)], stream(seed, name, "crew", number))
    columns = book.columns()
    inside = (columns["time"] >= 0) & (columns["time"] < town.clock.end)
    columns = {column: values[inside] for column, values in columns.items()}
    ids = _ids(columns, book, town, seed)
    return ShopLog(shop, seed, users, ringed, _events(shop, columns, ids, town, seed), _truth(shop, book, columns, ids))


def write_shop(log: ShopLog, out: Path, format: Literal["parquet", "csv"] = "parquet") -> None:  # noqa: A002
    """Write `out/events.parquet` (or .csv), `out/truth/*.parquet` and `out/market.json`, or nothing at all.

    Raises:
        MarketError: `out` holds something already, or cannot be written.
    """

    def write_log(folder: Path) -> None:
        if format == "csv":
            pa_csv.write_csv(log.events, folder / "events.csv")
        else:
            pq.write_table(log.events, folder / "events.parquet", compression="zstd")

    about = {"version": graphdet.__version__, "seed": log.seed, "shop": log.shop.name, "users": log.users, "ringed": log.ringed}
    write_folder(out, write_log, log.truth, {**about, "events": log.events.num_rows, **count_kinds(log.truth)})


def _ids(columns: Columns, book: Book, town: Town, seed: int) -> dict[str, pa.StringArray]:
    """Ids of each code, as random as a log's."""
    rng = stream(seed, "ids")
    counts = {**book.next_code, "user": len(town.people), "item": len(town.goods), "seller": int(town.goods.seller.max()) + 1}
    salts = {name: int(rng.integers(0, 2**62)) for name in PREFIX}
    ids = {name: hexadecimal(mix(np.arange(counts[name]), salts[name]), prefix) for name, prefix in PREFIX.items()}
    return {**ids, "ip": make_addresses(counts["ip"], 0.08, rng)}


def _events(shop: Shop, columns: Columns, ids: dict[str, pa.StringArray], town: Town, seed: int) -> pa.Table:
    n = len(columns["time"])
    seconds = columns["time"] // DAY * DAY if shop.dates else columns["time"]
    item, known = columns["item"], columns["item"] >= 0
    codes = {**columns, "seller": np.where(known, town.goods.seller[item], -1)}
    table: dict[str, pa.Array] = {
        "event_id": hexadecimal(mix(np.arange(n), seed + 1), "e"),
        "timestamp": pa.array(((START + seconds) * 1e6).astype(np.int64)).cast(pa.timestamp("us")).cast(TIME),
        "user_id": ids["user"].take(pa.array(columns["user"])),
        "action": pa.array(ACTIONS, TEXT).take(pa.array(columns["action"])),
    }
    for name in shop.columns:
        if name in OF_COLUMN:
            table[OF_COLUMN[name]] = _named(ids[name], codes[name])
        elif name == "category":
            categories = pa.array([f"c{number:03d}" for number in range(shop.categories)], TEXT)
            table["category"] = _named(categories, np.where(known, town.goods.category[item], -1))
        else:
            table[name] = pa.array(columns[name], from_pandas=True)
    kept = [name for name in EVENT_COLUMN if name in table]
    return pa.table({name: table[name].cast(EVENT_COLUMN[name].type) for name in kept})


def _named(ids: pa.StringArray, codes: npt.NDArray[np.integer]) -> pa.Array:
    return ids.take(pa.array(codes, mask=codes < 0))


def _truth(shop: Shop, book: Book, columns: Columns, ids: dict[str, pa.StringArray]) -> dict[str, pa.Table]:
    """The tables of a market's truth, of nodes that the log names."""
    there = {name: np.unique(columns[name]) for name in ("user", "item", "device", "ip")}
    rings, members, groups = [], [], []
    for number, crew in enumerate(book.crews):
        parts = (
            ("user", "member", crew.members),
            ("item", "target", crew.targets),
            ("device", "shared_device", crew.devices),
            ("ip", "shared_ip", crew.ips),
        )
        for node_type, role, codes in parts:
            seen = np.isin(codes, there[node_type]) if node_type in ("user", *shop.columns) else np.zeros(len(codes), np.bool_)
            touched = crew.touched[seen].tolist() if role == "member" else [None] * int(seen.sum())
            names = ids[node_type].take(pa.array(codes[seen])).to_pylist()
            members += [
                {"ring_id": ring_id(number), "node_type": node_type, "node_id": node, "role": role, "targets_touched": count}
                for node, count in zip(names, touched, strict=True)
            ]
        targets = max(len(crew.targets), int(crew.touched.max(initial=1)))
        density = float(crew.touched.sum() / (len(crew.members) * targets))
        detectable = int((crew.touched >= 2).sum())
        rings.append(
            {
                "ring_id": ring_id(number),
                "kind": crew.kind,
                "size": len(crew.members),
                "detectable": detectable,
                "targets": len(crew.targets),
                "density": density,
            }
        )
    for number, group in enumerate(book.groups):
        who = group.members[np.isin(group.members, there["user"])]
        label = f"{group.kind}-{number + 1:05d}"
        groups += [
            {"group_id": label, "kind": group.kind, "node_type": "user", "node_id": user}
            for user in ids["user"].take(pa.array(who)).to_pylist()
        ]
    tables = {"rings": rings, "members": members, "lookalikes": groups}
    return {name: pa.Table.from_pylist(rows, schema=truth_schema(name)) for name, rows in tables.items()}
