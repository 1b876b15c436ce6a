"""A ring's scene → the goods it came for: each target, how new their categories are to the members, and which shops gain."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphdet.arrays import Bool
from graphdet.dossier.scene import Scene, moment


def measure_targets(scene: Scene) -> list[dict[str, Any]]:
    rows = []
    names, told = scene.replay.small.events.categories, told_categories(scene)
    item = scene.replay.small.events.codes.get("item", np.zeros(0, np.int32))
    for place, window in enumerate(scene.windows):
        own = item[scene.target == place]
        category = scene.replay.small.events.item_category[own[0]] if len(own) else -1
        rows.append(
            {
                "id": window["id"],
                "members": int(scene.met[:, place].sum()),
                "users": window["users"],
                "events": int((scene.target == place).sum()),
                "start": moment(window["start"]),
                "end": moment(window["end"]),
                "category": names[category] if told[category] else None,
                "gain": window["gain"],
            }
        )
    return rows


def measure_taste(scene: Scene) -> dict[str, Any]:
    """How much of their activity, and how new to them, the targets' categories are."""
    small = scene.replay.small
    item = small.events.codes.get("item")
    touched = int((item >= 0).sum()) if item is not None else 0
    out: dict[str, Any] = {
        "dedication": float((scene.target >= 0).sum() / max(touched, 1)),
        "item_events": touched,
        "novel": None,
        "novel_of": None,
    }
    told = told_categories(scene)
    if item is None or not told.any():
        return out
    category = np.where(item >= 0, small.events.item_category[item], -1).astype(np.int64)
    category[~told[category]] = -1
    elsewhere = np.unique(scene.member[~scene.inside] << 32 | (category[~scene.inside] + 1))
    own = np.unique(scene.member[scene.inside & (category >= 0)] << 32 | (category[scene.inside & (category >= 0)] + 1))
    return {**out, "novel": int((~np.isin(own, elsewhere)).sum()), "novel_of": len(own)}


def told_categories(scene: Scene) -> Bool:
    """(categories + 1,) which are the shop's own, not learned; the last place stands for items without one."""
    return np.array([name not in scene.replay.recorded.background["learned"] for name in scene.replay.small.events.categories] + [False])


def measure_sellers(scene: Scene) -> list[dict[str, Any]]:
    """Who gains: members' orders by seller, and how many of them are more than so many ordinary users would have placed."""
    small = scene.replay.small
    if "seller" not in small.events.codes:
        return []
    verb = "order" if (scene.inside & scene.did("order")).any() else "pay"
    bought = scene.inside & scene.did(verb)
    seller = small.events.codes["seller"]
    amount = small.events.amount
    by_target: dict[int, int] = {}
    for place in range(len(scene.windows)):
        codes = seller[(scene.target == place) & (seller >= 0)]
        if len(codes):
            by_target[place] = int(np.bincount(codes).argmax())
    rows = []
    for code in sorted(set(by_target.values())):
        places = [place for place, own in by_target.items() if own == code]
        own = bought & np.isin(scene.target, places)
        outsiders = sum(scene.windows[place]["orders" if verb == "order" else "pays"] for place in places) - int(own.sum())
        expected = scene.size * outsiders / max(scene.users - scene.size, 1)
        money = None if amount is None else float(np.nansum(amount[own]))
        inflated = max(int(own.sum()) - expected, 0.0)
        rows.append(
            {
                "id": small.events.ids["seller"][code].as_py(),
                "items": len(places),
                "orders": int(own.sum()),
                "amount": money,
                "expected": float(expected),
                "inflated": float(inflated),
                "inflated_amount": None if money is None else money * inflated / max(int(own.sum()), 1),
                "share": float(own.sum() / max(bought.sum(), 1)),
            }
        )
    rows.sort(key=lambda row: (-row["orders"], row["id"]))
    return rows


def measure_coattail(scene: Scene) -> dict[str, Any] | None:
    """Members who tie a popular item, at which they are few among many, to items at which they are most of all visitors."""
    share = np.array([scene.met[:, place].sum() / max(window["users"], 1) for place, window in enumerate(scene.windows)])
    users = np.array([window["users"] for window in scene.windows])
    hot, own = (share <= 0.2) & (users >= 30), share >= 0.5
    if not hot.any() or not own.any():
        return None
    both = scene.met[:, hot].any(1) & scene.met[:, own].any(1)
    busiest = int(np.flatnonzero(hot)[users[hot].argmax()])
    return {
        "members": int(both.sum()),
        "hot": int(hot.sum()),
        "own": int(own.sum()),
        "item": scene.windows[busiest]["id"],
        "users": int(users[busiest]),
    }
