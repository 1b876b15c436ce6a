"""`Run` → which sellers gain by each ring: what its members bought of them, and how much of that ordinary users would not have."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from graphdet.arrays import Int32, Int64
from graphdet.run.folder import Run
from graphdet.schema import ITEM, USER


@dataclass(frozen=True)
class Gain:
    """What one seller has of one ring, as the ring's page tells it: members' orders, those expected of as many others, those beyond."""

    seller: str
    ring: str
    orders: int
    expected: float
    inflated: float
    amount: float | None
    at_stake: float | None


def measure_gains(run: Run) -> list[Gain]:
    """Of each ring the sellers whose goods members bought; nothing where the run keeps no dossiers or its log names no sellers."""
    if run.dossiers is None or run.events is None or run.meta.get("background") is None or "seller_id" not in run.events.schema.names:
        return []
    if run.meta["background"].get("deal", "") == "" or run.events["seller_id"].null_count == run.events.num_rows:
        return []
    deals = _Deals(run.events)
    members: dict[str, list[str]] = {}
    for row in run.members.select(["ring_id", "node_type", "node_id"]).to_pylist():
        if row["node_type"] == USER:
            members.setdefault(row["ring_id"], []).append(row["node_id"])
    users = int(run.meta["background"]["users"])
    money = run.events["amount"].null_count < run.events.num_rows
    found = []
    for row in run.dossiers.to_pylist():
        people = members.get(row["ring_id"], [])
        found += _of_ring(row["ring_id"], people, users, json.loads(row["measured"]), deals, money)
    return found


class _Deals:
    """The events in codes, by item."""

    def __init__(self, events: pa.Table) -> None:
        coded = {name: events[name].combine_chunks().dictionary_encode() for name in ("user_id", "item_id", "seller_id")}
        self.places = {name: {word: place for place, word in enumerate(column.dictionary.to_pylist())} for name, column in coded.items()}
        self.sellers: list[str] = coded["seller_id"].dictionary.to_pylist()
        codes = {name: np.asarray(column.indices.fill_null(-1), np.int32) for name, column in coded.items()}
        order = np.argsort(codes["item_id"], kind="stable")
        self.item, self.user, self.seller = (codes[name][order] for name in ("item_id", "user_id", "seller_id"))
        moments = events["timestamp"].cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).combine_chunks()
        self.time: Int64 = np.asarray(moments.fill_null(np.iinfo(np.int64).min), np.int64)[order]

    def seller_of(self, window: dict[str, Any], people: Int32) -> int:
        """Of whom members bought an item in its time, mostly; −1 of nobody."""
        item = self.places["item_id"].get(window["id"], -1)
        low, high = np.searchsorted(self.item, [item, item + 1])
        here = np.isin(self.user[low:high], people) & (self.seller[low:high] >= 0)
        if window["start"] is not None:
            here &= (self.time[low:high] >= window["start"]) & (self.time[low:high] <= window["end"])
        sellers = self.seller[low:high][here]
        if not len(sellers):
            return -1
        # Of several as frequent the one with the first name, whatever the order of the rows.
        names, count = np.unique(sellers, return_counts=True)
        most: list[int] = names[count == count.max()].tolist()
        return min(most, key=lambda code: self.sellers[code].encode())


def _of_ring(ring: str, people: list[str], users: int, measured: dict[str, Any], deals: _Deals, money: bool) -> list[Gain]:
    bought = measured.get("bought") or {}
    codes = np.array([deals.places["user_id"][one] for one in people if one in deals.places["user_id"]], np.int32)
    by_seller: dict[int, list[dict[str, Any]]] = {}
    for window in measured["windows"]:
        if window["type"] == ITEM and window["id"] in bought:
            by_seller.setdefault(deals.seller_of(window, codes), []).append(bought[window["id"]])
    gains = [
        Gain(
            seller=deals.sellers[code],
            ring=ring,
            orders=sum(one["own"] for one in own),
            expected=float(len(people) * sum(one["others"] for one in own) / max(users - len(people), 1)),
            inflated=float(sum(one["inflated"] for one in own)),
            amount=float(sum(one["amount"] for one in own)) if money else None,
            at_stake=float(sum(one["inflated_amount"] for one in own)) if money else None,
        )
        for code, own in by_seller.items()
        if code >= 0
    ]
    return sorted((gain for gain in gains if gain.orders), key=lambda gain: (-gain.orders, gain.seller))
