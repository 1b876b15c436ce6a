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
        "others_events": sum(window["events"] for window in scene.windows) - int((scene.target >= 0).sum()),
        "others_item_events": scene.usual["item_events"],
        "novel": None,
        "novel_of": None,
        "others_novel": None,
        "others_novel_of": None,
    }
    told, time = told_categories(scene), scene.measured["time"]
    if item is None or not told.any() or time["start"] is None:
        return out
    category = np.where(item >= 0, small.events.item_category[item], -1).astype(np.int64)
    category[~told[category]] = -1
    away = (scene.time < time["start"]) | (scene.time > time["until"])
    elsewhere = np.unique(scene.member[away] << 32 | (category[away] + 1))
    here = scene.meant & (category >= 0)
    own = np.unique(scene.member[here] << 32 | (category[here] + 1))
    novel = {"novel": int((~np.isin(own, elsewhere)).sum()), "novel_of": len(own)}
    return out | novel | {"others_novel": scene.usual.get("novel"), "others_novel_of": scene.usual.get("interests")}


def told_categories(scene: Scene) -> Bool:
    """(categories + 1,) which are the shop's own, not learned; the last place stands for items without one."""
    return np.array([name not in scene.replay.recorded.background["learned"] for name in scene.replay.small.events.categories] + [False])


def measure_sellers(scene: Scene) -> list[dict[str, Any]]:
    """Who gains: members' purchases by seller, and how many of them are more than as many ordinary users would have placed."""
    small = scene.replay.small
    if "seller" not in small.events.codes or scene.replay.recorded.background["deal"] == "":
        return []
    seller, bought = small.events.codes["seller"], scene.measured["bought"]
    by_seller: dict[int, list[dict[str, Any]]] = {}
    for place, window in enumerate(scene.windows):
        codes = seller[(scene.target == place) & (seller >= 0)]
        if len(codes):
            by_seller.setdefault(int(np.bincount(codes).argmax()), []).append(bought[window["id"]])
    orders = sum(entry["own"] for entry in bought.values())
    rows = []
    for code in sorted(by_seller):
        own = by_seller[code]
        known = small.events.amount is not None
        rows.append(
            {
                "id": small.events.ids["seller"][code].as_py(),
                "items": len(own),
                "orders": sum(entry["own"] for entry in own),
                "amount": sum(entry["amount"] for entry in own) if known else None,
                "expected": float(scene.size * sum(entry["others"] for entry in own) / max(scene.users - scene.size, 1)),
                "inflated": sum(entry["inflated"] for entry in own),
                "inflated_amount": sum(entry["inflated_amount"] for entry in own) if known else None,
                "share": float(sum(entry["own"] for entry in own) / max(orders, 1)),
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
