"""One ring of a run → the checkable facts: who did what when, what they share, and what would be expected by chance.

Plain numbers, each of which a person can count again in the log; docs/dossier.md defines every one of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from graphdet.arrays import Bool
from graphdet.dossier.scene import Scene, moment
from graphdet.dossier.sums import at_least, near_copies, together_within
from graphdet.events import NO_TIME
from graphdet.judging.log_index import which_actions
from graphdet.judging.significance import false_rings
from graphdet.schema import DEVICE, IP, SHARED_TYPES

MICRO = 1_000_000
DAY = 86_400 * MICRO
MOST_SHARED = 30  # shared things that are listed, most members first
SHARED_DEVICE = 3  # members on one device that make it a shared one
AGED_DAYS = 14
QUIET_HOURS = 6
SAME_SECONDS = 60
MOST_TEXTS = 300  # review texts of a ring that are compared
PERIOD = 0.1  # gaps this near to the median gap count as the same gap


def measure_facts(scene: Scene) -> dict[str, Any]:
    """All facts of a ring by theme; plain values, times as ISO 8601."""
    return {
        "what": _what(scene),
        "lockstep": _lockstep(scene),
        "chance": _chance(scene),
        "shared": _shared(scene),
        "rotation": _rotation(scene),
        "timing": _timing(scene),
        "taste": _taste(scene),
        "ages": _ages(scene),
        "ratings": _ratings(scene),
        "texts": _texts(scene),
        "sellers": _sellers(scene),
        "targets": _targets(scene),
        "coattail": _coattail(scene),
        "scalars": scene.measured["scalars"],
    }


def _is(scene: Scene, *actions: str) -> Bool:
    events = scene.replay.small.events
    return which_actions(events, *actions)[events.action]


def _what(scene: Scene) -> dict[str, Any]:
    events = scene.replay.small.events
    inside = scene.inside
    time = scene.time[inside & (scene.time != NO_TIME)]
    words = np.array([*events.actions, ""], dtype=object)[events.action[inside]]
    names, count = np.unique(words.astype(str), return_counts=True) if len(words) else (np.zeros(0, str), np.zeros(0, int))
    amount = events.amount
    bought = inside & (_is(scene, "order") if (inside & _is(scene, "order")).any() else _is(scene, "pay"))
    back = inside & _is(scene, "refund", "cancel")
    pairs = max(int(scene.met.sum()), 1)
    return {
        "members": scene.size,
        "items": len(scene.windows),
        "events": int(inside.sum()),
        "all_events": len(inside),
        "actions": {
            name or "none": int(n)
            for name, n in sorted(zip(names.tolist(), count.tolist(), strict=True), key=lambda one: (-one[1], one[0]))
        },
        "amount": None if amount is None else float(np.nansum(amount[inside])),
        "orders": int(bought.sum()),
        "order_amount": None if amount is None else float(np.nansum(amount[bought])),
        "returns": int(back.sum()),
        "return_amount": None if amount is None else float(np.nansum(amount[back])),
        "returned_share": _pairs_with(scene, back) / pairs,
        "coupon_share": _pairs_with(scene, inside & _is(scene, "coupon")) / pairs,
        "first": moment(int(time.min())) if len(time) else None,
        "last": moment(int(time.max())) if len(time) else None,
        "days": float((time.max() - time.min()) / DAY) if len(time) else None,
    }


def _pairs_with(scene: Scene, chosen: Bool) -> int:
    return len(np.unique(scene.member[chosen] * len(scene.windows) + scene.target[chosen]))


def _lockstep(scene: Scene) -> dict[str, Any] | None:
    """The most surprising 'so many members at least at so many of the items'; expected: users at the same popularity, each alone."""
    if not scene.windows:
        return None
    chance = np.array([window["users"] for window in scene.windows]) / scene.users
    tail = at_least(chance) * scene.users
    touched = scene.met.sum(1)
    best: tuple[float, int, int] | None = None
    for least in range(2, len(chance) + 1):
        hit = int((touched >= least).sum())
        if hit < 2:
            break
        surprise = hit * np.log(hit / max(tail[least], 1e-300)) - (hit - tail[least])
        if best is None or surprise > best[0]:
            best = (float(surprise), least, hit)
    if best is None:
        return None
    spread = [
        int(column.max() - column.min())
        for column in (scene.first[scene.met[:, place], place] for place in range(len(chance)))
        if len(column) > 1
    ]
    hits = int(scene.met.sum())
    return {
        "least": best[1],
        "members": best[2],
        "items": len(chance),
        "expected": float(tail[best[1]]),
        "hours": float(np.median(spread) / 3.6e9) if spread and scene.replay.recorded.start is not None else None,
        "hits": hits,
        "expected_hits": float(scene.size * chance.sum()),
        "density": hits / (scene.size * len(chance)),
    }


def _chance(scene: Scene) -> dict[str, Any]:
    background = scene.replay.recorded.background
    strength = scene.replay.whole().strength
    null = background["null_strengths"]
    return {
        "permutations": background["permutations"],
        "null_rings": len(null),
        "as_strong": sum(value >= strength for value in null),
        "strongest": max(null, default=None),
        "strength": float(strength),
        "false_rings": float(false_rings(np.array([strength]), np.array(null), background["permutations"])[0]),
    }


def _shared(scene: Scene) -> dict[str, Any]:
    """Things of the shared types that two or more members used, in all their events."""
    recorded, small = scene.replay.recorded, scene.replay.small
    crowded = recorded.crowded
    rows = []
    on_devices = np.zeros(scene.size, np.bool_)
    counts = {}
    of_three = 0
    for view in small.visits.views:
        if view.name not in SHARED_TYPES:
            continue
        code = small.events.codes[view.name].astype(np.int64)
        pair = np.unique(code[code >= 0] << 32 | scene.member[code >= 0])
        keys, members = np.unique(pair >> 32, return_counts=True)
        counts[view.name] = int((members >= 2).sum())
        if view.name == DEVICE:
            often = keys[members >= SHARED_DEVICE]
            of_three = len(often)
            on_devices[(pair & 0xFFFFFFFF)[np.isin(pair >> 32, often)]] = True
        key_ids = small.key_ids[view.first_key + keys]
        users = recorded.key_users[view.name][key_ids]
        for place in np.flatnonzero(members >= 2).tolist():
            key_id = recorded.ids[view.name][int(key_ids[place])].as_py()
            expected, dense = float(scene.size * users[place] / scene.users), bool(crowded[view.name][key_ids[place]])
            counted = {"members": int(members[place]), "users": int(users[place])}
            rows.append({"type": view.name, "id": key_id, **counted, "expected": expected, "crowded": dense})
    rows.sort(key=lambda row: (-row["members"] / max(row["users"], 1) * row["members"], row["type"], row["id"]))
    return {"counts": counts, "on_devices": int(on_devices.sum()), "devices_of_three": of_three, "keys": rows[:MOST_SHARED]}


def _rotation(scene: Scene) -> dict[str, Any] | None:
    """How many addresses the ring's events on shared devices came from."""
    codes = scene.replay.small.events.codes
    if DEVICE not in codes or IP not in codes:
        return None
    device, ip = codes[DEVICE].astype(np.int64), codes[IP]
    inside = scene.inside & (device >= 0) & (ip >= 0)
    pair = np.unique(device[inside] << 32 | scene.member[inside])
    keys, members = np.unique(pair >> 32, return_counts=True)
    shared = keys[members >= SHARED_DEVICE]
    on = inside & np.isin(device, shared)
    if not on.any():
        return None
    return {"devices": len(shared), "ips": len(np.unique(ip[on])), "events": int(on.sum())}


def _timing(scene: Scene) -> dict[str, Any] | None:
    recorded = scene.replay.recorded
    if recorded.start is None or not scene.inside.any():
        return None
    close = pairs = 0
    expected = 0.0
    for place in range(len(scene.windows)):
        times = np.sort(scene.first[scene.met[:, place], place])
        found, likely = together_within(times, SAME_SECONDS * MICRO)
        close, expected, pairs = close + found, expected + likely, pairs + len(times) * (len(times) - 1) // 2
    hours = np.array(recorded.background["hours"], np.float64)
    wrapped = np.r_[hours, hours[: QUIET_HOURS - 1]]
    sums = np.convolve(wrapped, np.ones(QUIET_HOURS), "valid")
    quiet = int(sums.argmin())
    own = scene.time[scene.inside & (scene.time != NO_TIME)] // (3_600 * MICRO) % 24
    gaps = np.diff(np.sort(scene.first[scene.met])).astype(np.float64)
    gaps = gaps[gaps > 0]
    median = float(np.median(gaps)) if len(gaps) else 0.0
    return {
        "same_minute": close,
        "same_minute_expected": expected,
        "same_minute_of": pairs,
        "quiet_from": quiet,
        "quiet_share": float((((own - quiet) % 24) < QUIET_HOURS).mean()),
        "quiet_usual": float(sums.min() / max(hours.sum(), 1)),
        "gaps": len(gaps),
        "gap_minutes": median / 6e7,
        "gap_share": float((np.abs(gaps - median) <= PERIOD * median).mean()) if len(gaps) else 0.0,
        "burst": _burst(scene),
    }


def _burst(scene: Scene) -> dict[str, Any] | None:
    """The target whose busiest stretch stands out most against all its others."""
    recorded = scene.replay.recorded
    width = recorded.background["history_seconds"]
    best: dict[str, Any] | None = None
    for window in scene.windows:
        history = np.array(recorded.history_of(window["id"]))
        if len(history) < 3:
            continue
        peak = int(history.argmax())
        usual = float((history.sum() - history[peak]) / (len(history) - 1))
        ratio = float(history[peak] / (usual + 1))
        if best is None or ratio > best["ratio"]:
            day = recorded.start + peak * width * MICRO
            best = {
                "item": window["id"],
                "events": int(history[peak]),
                "usual": usual,
                "from": moment(day),
                "days": width // 86_400,
                "ratio": ratio,
            }
    return best


def _taste(scene: Scene) -> dict[str, Any]:
    """How much of their activity, and how new to them, the targets' categories are."""
    small = scene.replay.small
    item = small.events.codes.get("item")
    touched = int((item >= 0).sum()) if item is not None else 0
    out: dict[str, Any] = {
        "dedication": float(scene.inside.sum() / max(touched, 1)),
        "item_events": touched,
        "novel": None,
        "novel_of": None,
    }
    told = _told_categories(scene)
    if item is None or not told.any():
        return out
    category = np.where(item >= 0, small.events.item_category[item], -1).astype(np.int64)
    category[~told[category]] = -1
    elsewhere = np.unique(scene.member[~scene.inside] << 32 | (category[~scene.inside] + 1))
    own = np.unique(scene.member[scene.inside & (category >= 0)] << 32 | (category[scene.inside & (category >= 0)] + 1))
    return {**out, "novel": int((~np.isin(own, elsewhere)).sum()), "novel_of": len(own)}


def _told_categories(scene: Scene) -> Bool:
    """(categories + 1,) which are the shop's own, not learned; the last place stands for items without one."""
    return np.array([name not in scene.replay.recorded.background["learned"] for name in scene.replay.small.events.categories] + [False])


def _ages(scene: Scene) -> dict[str, Any] | None:
    """When the accounts first appear in the log, against when the ring begins."""
    known = scene.time != NO_TIME
    if scene.replay.recorded.start is None or not (scene.inside & known).any():
        return None
    first = np.full(scene.size, np.iinfo(np.int64).max)
    np.minimum.at(first, scene.member[known], scene.time[known])
    own = np.full(scene.size, np.iinfo(np.int64).max)
    np.minimum.at(own, scene.member[scene.inside & known], scene.time[scene.inside & known])
    begin = int(own.min())
    days = (own - first)[own != np.iinfo(np.int64).max] / DAY
    return {
        "new": int((first >= begin - DAY).sum()),
        "new_users": scene.measured["new_users"],
        "users": scene.users,
        "aged": int((days >= AGED_DAYS).sum()),
        "median_days": float(np.median(days)),
    }


def _ratings(scene: Scene) -> dict[str, Any] | None:
    """Members' ratings of the targets against everybody else's."""
    recorded, small = scene.replay.recorded, scene.replay.small
    rating = recorded.rating[small.rows]
    given = scene.inside & ~np.isnan(rating)
    if not given.any():
        return None
    total = count = 0.0
    for window in scene.windows:
        everybody, mean = recorded.ratings_of(window["id"])
        count += everybody
        total += everybody * (mean or 0.0)
    item = small.events.codes["item"]
    targets = np.unique(item[scene.inside])
    members = ~np.isnan(rating) & np.isin(item, targets)
    others = int(count) - int(members.sum())
    return {
        "ratings": int(given.sum()),
        "mean": float(rating[given].mean()),
        "top": int((rating[given] >= 5).sum()),
        "others": others,
        "others_mean": float((total - rating[members].sum()) / others) if others > 0 else None,
    }


def _texts(scene: Scene) -> dict[str, Any] | None:
    """Members' review texts on the targets, and how many of them are nearly another member's."""
    recorded, small = scene.replay.recorded, scene.replay.small
    rows = np.flatnonzero(scene.inside)
    texts = recorded.events["text"].take(pa.array(small.rows[rows])).to_pylist()
    given = [(int(scene.member[row]), text) for row, text in zip(rows.tolist(), texts, strict=True) if text]
    if not given:
        return None
    given = given[:MOST_TEXTS]
    groups = near_copies([text for _, text in given])
    copied = [group for group in groups if len({given[place][0] for place in group}) > 1]
    examples = [given[place][1] for group in copied[:1] for place in group[:3]]
    return {"texts": len(given), "copies": sum(len(group) for group in copied), "examples": [text[:200] for text in examples]}


def _sellers(scene: Scene) -> list[dict[str, Any]]:
    """Who gains: members' orders by seller, and how many of them are more than so many ordinary users would have placed."""
    small = scene.replay.small
    if "seller" not in small.events.codes:
        return []
    verb = "order" if (scene.inside & _is(scene, "order")).any() else "pay"
    bought = scene.inside & _is(scene, verb)
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


def _targets(scene: Scene) -> list[dict[str, Any]]:
    rows = []
    names, told = scene.replay.small.events.categories, _told_categories(scene)
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


def _coattail(scene: Scene) -> dict[str, Any] | None:
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
