"""A ring's scene → what its members did and when: at the same items, in the same minute, out of hours, with accounts of what age."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphdet.arrays import Bool
from graphdet.dossier.scene import DAY, MICRO, Scene, moment
from graphdet.dossier.sums import together_within
from graphdet.events import NO_TIME
from graphdet.judging.lockstep import find_lockstep
from graphdet.judging.log_index import GIVE_BACK
from graphdet.judging.significance import false_rings
from graphdet.rings.farm_tests import Closeness

AGED_DAYS = 14
QUIET_HOURS = 6
SAME_SECONDS = 60
PERIOD = 0.1  # gaps this near to the median gap count as the same gap


def measure_what(scene: Scene) -> dict[str, Any]:
    """Events, orders, payments and returns inside; the ring's time; and shares of the member–item pairs that are there, with others'."""
    events = scene.replay.small.events
    inside, usual, time = scene.inside, scene.usual, scene.measured["time"]
    words = np.array([*events.actions, ""], dtype=object)[events.action[inside]]
    names, count = np.unique(words.astype(str), return_counts=True) if len(words) else (np.zeros(0, str), np.zeros(0, int))
    ordered, paid, back = (inside & scene.did(*words) for words in (("order",), ("pay",), GIVE_BACK))
    deal = scene.replay.recorded.background["deal"]
    bought = inside & scene.did(deal) if deal else inside & ~scene.did(*GIVE_BACK)
    pairs = max(int(scene.met.sum()) if scene.windows else scene.size, 1)
    told = bool(scene.replay.recorded.actions)  # a log that says nothing of what was done does not say that nobody ordered
    days = None if time["start"] is None else (time["end"] - time["start"]) / DAY
    worth = [entry["inflated_amount"] for entry in scene.measured["bought"].values()]
    return {
        "members": scene.size,
        "items": len(scene.windows),
        "events": int(inside.sum()),
        "all_events": len(inside),
        "actions": {
            name or "none": int(n)
            for name, n in sorted(zip(names.tolist(), count.tolist(), strict=True), key=lambda one: (-one[1], one[0]))
        },
        "amount": _worth(scene, bought),
        "at_stake": float(sum(worth)) if worth and None not in worth else None,
        "orders": int(ordered.sum()) if told else None,
        "order_amount": _worth(scene, ordered),
        "payments": int(paid.sum()) if told else None,
        "payment_amount": _worth(scene, paid),
        "returns": int(back.sum()) if told else None,
        "return_amount": _worth(scene, back, signless=True),
        "ordered_share": _pairs_with(scene, ordered | paid) / pairs,
        "rated_share": _pairs_with(scene, inside & ~np.isnan(scene.replay.recorded.rating[scene.replay.small.rows])) / pairs,
        "returned_share": _pairs_with(scene, back) / pairs,
        "coupon_share": _pairs_with(scene, inside & scene.did("coupon")) / pairs,
        "dealings": pairs,
        "others_dealings": usual.get("dealings"),
        "others_ordered": usual.get("ordered"),
        "others_rated": usual.get("rated"),
        "others_returned": usual.get("returned"),
        "others_coupons": usual.get("coupons"),
        "first": moment(time["start"]),
        "last": moment(time["end"]),
        "until": moment(time["until"]),
        "days": days,
        "strays": int(scene.stray.sum()),
    }


def _worth(scene: Scene, chosen: Bool, *, signless: bool = False) -> float | None:
    """What the chosen events are worth; `signless`: what comes back stands in some logs with a minus, in others without."""
    amount = scene.replay.small.events.amount
    if amount is None:
        return None
    return float(np.nansum(np.abs(amount[chosen]) if signless else amount[chosen]))


def _pairs_with(scene: Scene, chosen: Bool) -> int:
    return len(np.unique(scene.member[chosen] * max(len(scene.windows), 1) + scene.target[chosen]))


def measure_lockstep(scene: Scene) -> dict[str, Any] | None:
    """The most surprising 'so many members at least at so many of the items'; expected: users at the same popularity, each alone."""
    if not scene.windows:
        return None
    found = find_lockstep(scene.met.sum(1), scene.chance, scene.users)
    if found is None:
        return None
    spread = [
        int(column.max() - column.min())
        for column in (scene.came[scene.came[:, place] != NO_TIME, place] for place in range(len(scene.windows)))
        if len(column) > 1
    ]
    hits = int(scene.met.sum())
    return {
        "least": found.least,
        "members": found.members,
        "items": len(scene.windows),
        "expected": found.expected,
        "hours": float(np.median(spread) / 3.6e9) if spread and scene.replay.recorded.start is not None else None,
        "log_hours": scene.replay.recorded.background["seconds"] / 3600,
        "hits": hits,
        "expected_hits": float(scene.size * scene.chance.sum()),
        "density": hits / (scene.size * len(scene.windows)),
    }


def measure_chance(scene: Scene) -> dict[str, Any]:
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


def measure_farm(scene: Scene) -> dict[str, Any] | None:
    """Of a farm, the accounts at its things and when they came, and how unlikely that is for honest ones."""
    farm = scene.measured.get("farm")  # an older run does not speak of farms
    if farm is None:
        return None
    close = Closeness(farm["accounts"], farm["inside"], farm["share"], farm["by_number"])
    return {
        "accounts": close.accounts,
        "inside": close.inside,
        "things": len(farm["keys"]),
        "minutes": max((farm["end"] - farm["start"]) / 60, 1.0) if close.share < 1 else None,
        "share": close.share,
        "digits": -close.log_chance,
        "groups": farm["tests"],
    }


def measure_timing(scene: Scene) -> dict[str, Any] | None:
    recorded = scene.replay.recorded
    if recorded.start is None or not scene.inside.any():
        return None
    close = pairs = 0
    expected = 0.0
    for place in range(0 if recorded.bare_dates else len(scene.windows)):
        times = np.sort(scene.came[scene.came[:, place] != NO_TIME, place])
        found, likely = together_within(times, SAME_SECONDS * MICRO)
        close, expected, pairs = close + found, expected + likely, pairs + len(times) * (len(times) - 1) // 2
    hours = np.array(recorded.background["hours"], np.float64)
    wrapped = np.r_[hours, hours[: QUIET_HOURS - 1]]
    sums = np.convolve(wrapped, np.ones(QUIET_HOURS), "valid")
    quiet = int(sums.argmin())
    own = scene.time[scene.meant & (scene.time != NO_TIME)] // (3_600 * MICRO) % 24
    others = np.array(scene.usual["hours"] or [0] * 24)
    gaps = np.diff(np.sort(scene.came[scene.came != NO_TIME])).astype(np.float64)
    gaps = gaps[(gaps > 0) & (not recorded.bare_dates)]
    median = float(np.median(gaps)) if len(gaps) else 0.0
    return {
        "same_minute": close,
        "same_minute_expected": expected,
        "same_minute_of": pairs,
        "quiet_from": quiet,
        "quiet_share": 0.0 if recorded.bare_dates else float((((own - quiet) % 24) < QUIET_HOURS).mean()),
        "quiet_usual": float(others[(np.arange(24) - quiet) % 24 < QUIET_HOURS].sum() / others.sum()) if others.any() else None,
        "gaps": len(gaps),
        "gap_minutes": median / 6e7,
        "gap_share": float((np.abs(gaps - median) <= PERIOD * median).mean()) if len(gaps) else 0.0,
        "burst": _burst(scene),
    }


def _burst(scene: Scene) -> dict[str, Any] | None:
    """The target whose busiest stretch of those with members in it stands out most against all its others."""
    recorded = scene.replay.recorded
    width = recorded.background["history_seconds"]
    best: dict[str, Any] | None = None
    for place, window in enumerate(scene.windows):
        history = np.array(recorded.history_of(window["id"]))
        if len(history) < 3 or not (scene.meant & (scene.target == place)).any():
            continue
        there = (scene.time[scene.meant & (scene.target == place)] - recorded.start) // (width * MICRO)
        there = np.unique(np.minimum(there, len(history) - 1))  # what goes on with the log's last visit may be past midnight
        peak = int(there[history[there].argmax()])
        usual = float((history.sum() - history[peak]) / (len(history) - 1))
        ratio = float(history[peak] / (usual + 1))
        if best is None or ratio > best["ratio"]:
            day = recorded.start + peak * width * MICRO
            best = {
                "item": window["id"],
                "events": int(history[peak]),
                "usual": usual,
                "from": moment(day),
                "day": recorded.clock.minute(moment(day))[:10],
                "days": width // 86_400,
                "ratio": ratio,
            }
    return best


def measure_ages(scene: Scene) -> dict[str, Any] | None:
    """How long the accounts had been in the log when the ring began, and how long everybody else's who did anything in its time."""
    known, start, usual = scene.time != NO_TIME, scene.measured["time"]["start"], scene.usual
    if start is None:
        return None
    first = np.full(scene.size, np.iinfo(np.int64).max)
    np.minimum.at(first, scene.member[known], scene.time[known])
    days = (start - first[first != np.iinfo(np.int64).max]) / DAY
    return {
        "new": int((days <= 1).sum()),
        "aged": int((days >= AGED_DAYS).sum()),
        "median_days": float(np.median(np.maximum(days, 0))),
        "others": usual["users"],
        "others_new": usual["new"],
        "others_aged": usual["aged"],
    }
