"""A ring's facts and reasons → what it seems to be for: uses by code, with the numbers that each rests on.

A ring may have several uses, or none.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from graphdet.arrays import Int32, Int64, distinct_values
from graphdet.dossier.countable import measure_facts
from graphdet.dossier.reasoning import Reason, find_reasons
from graphdet.dossier.scene import Scene, set_scene
from graphdet.events import NO_TIME
from graphdet.replay.recorded import Recorded
from graphdet.replay.replaying import Replay
from graphdet.schema import DEVICE, PAYMENT

HOUR = 3_600_000_000
MANY_CARDS = 3  # of one account in a ring's time: few people have so many
MANY_ACCOUNTS = 0.12  # share of members who paid that must have many cards, and at least three of them
CARDS_EACH = 1.3  # cards for each member who paid: friends have one each, a pool has more
RETURNED, COUPONS, OFTENER = 0.18, 0.21, 3.0  # shares of dealings, and how much oftener than everybody else's
RATED, COPIES = 0.3, 3  # share of dealings that led to a rating; texts that are nearly another member's
BAD, GOOD = 2.5, 3.5  # stars: at most, and at least, on average
FEW_SHOPS, OF_FEW = 3, 0.8  # who buys for a shop buys there: share of orders at so many shops
LEAST_GAIN = 3.0  # purchases beyond the ordinary from which on a shop gains
MOVED = 0.5  # share of old accounts on devices that they never used before

Uses = list[tuple[str, dict[str, Any]]]


def uses_of(recorded: Recorded, ring_ids: Iterable[str]) -> dict[str, Uses]:
    """Uses of each of these rings of a run."""
    found = {}
    for ring in ring_ids:
        scene = set_scene(Replay(recorded, ring), ring)
        facts = measure_facts(scene)
        facts.update(fragile=0, crowd=None)  # what only a whole dossier works out, and no use rests on
        found[ring] = find_uses(scene, facts, find_reasons(facts, [], scene.replay.recorded.clock))
    return found


def find_uses(scene: Scene, facts: dict[str, Any], reasons: list[Reason]) -> Uses:
    """Uses of one ring, from its facts and the reasons that apply."""
    told = dict(reasons)
    found: Uses = []
    what, sellers = facts["what"], facts["sellers"]
    few = sum(sorted((seller["share"] for seller in sellers), reverse=True)[:FEW_SHOPS]) >= OF_FEW
    gains = [seller["inflated"] for seller in sellers if seller["inflated"] >= LEAST_GAIN]
    if "inflated_orders" in told and few:
        found.append(("brushing", {"inflated": sum(gains), "shops": len(gains)}))
    found += _reviews(facts, what)
    moved = measure_moved(scene)
    if moved is not None and moved["moved"] >= max(3, MOVED * scene.size) and not few:
        found.append(("account_takeover", moved))
    payments = measure_payments(scene)
    if (
        payments is not None
        and payments["many"] >= max(3, MANY_ACCOUNTS * payments["payers"])
        and payments["cards"] >= CARDS_EACH * payments["payers"]
    ):
        found.append(("payment_fraud", payments))
    for use, name, others, least in (
        ("refund_abuse", "returned_share", "others_returned", RETURNED),
        ("coupon_abuse", "coupon_share", "others_coupons", COUPONS),
    ):
        usual = (what[others] or 0) / max(what["others_dealings"] or 0, 1)
        if what[name] >= max(least, OFTENER * usual):
            found.append((use, {"share": what[name], "usual": usual}))
    if "coattail_clicks" in told:
        found.append(("click_farming", {name: told["coattail_clicks"][name] for name in ("members", "own")}))
    return found


def _reviews(facts: dict[str, Any], what: dict[str, Any]) -> Uses:
    ratings, texts = facts["ratings"], facts["texts"]
    copies = texts["copies"] if texts is not None else 0
    usual = (what["others_rated"] or 0) / max(what["others_dealings"] or 0, 1)
    if ratings is None or (copies < COPIES and what["rated_share"] < max(RATED, OFTENER * usual)):
        return []
    numbers = {"ratings": ratings["ratings"], "mean": ratings["mean"], "copies": copies}
    if ratings["mean"] <= BAD:
        return [("malicious_reviews", numbers)]
    return [("fake_reviews", numbers)] if ratings["mean"] >= GOOD else []


def measure_moved(scene: Scene) -> dict[str, int] | None:
    """Members who were there before the ring, `aged`, and of them those who did all of the ring's events on devices new to them, `moved`.

    None where the log has no devices or the ring no times.
    """
    events, time, start = scene.replay.small.events, scene.time, scene.measured["time"]["start"]
    if DEVICE not in events.codes or start is None:
        return None
    device = events.codes[DEVICE].astype(np.int64)
    used = scene.member << 32 | device
    before, inside = (distinct_values(used[(device >= 0) & then]) for then in (time < start, scene.meant))
    aged = distinct_values(before >> 32)
    stayed = inside[np.isin(inside, before)] >> 32
    return {"aged": len(aged), "moved": len(np.setdiff1d(np.intersect1d(aged, inside >> 32), stayed))}


def measure_payments(scene: Scene) -> dict[str, int] | None:
    """Members' cards in the ring's time: payments, cards, the most on one device, accounts with many, the most payments of an hour.

    None where no member paid by a known card.
    """
    events, time = scene.replay.small.events, scene.time
    if PAYMENT not in events.codes:
        return None
    start, end = scene.measured["time"]["start"], scene.measured["time"]["end"]
    inside = (events.codes[PAYMENT] >= 0) & (True if start is None else (time >= start) & (time <= end))
    rows = np.flatnonzero(inside)
    if not len(rows):
        return None
    card, who = events.codes[PAYMENT][rows], scene.member[rows]
    cards_of = np.bincount(np.unique(np.column_stack([who, card]), axis=0)[:, 0], minlength=scene.size)
    device = events.codes[DEVICE][rows] if DEVICE in events.codes else np.full(len(rows), -1)
    known = device >= 0
    on_device = np.bincount(np.unique(np.column_stack([device[known], card[known]]), axis=0)[:, 0]) if known.any() else np.zeros(1)
    return {
        "payments": len(rows),
        "cards": len(np.unique(card)),
        "on_device": int(on_device.max()),
        "many": int((cards_of >= MANY_CARDS).sum()),
        "payers": int((cards_of > 0).sum()),
        "in_hour": _most_in_an_hour(device[known], time[rows][known]),
    }


def _most_in_an_hour(device: Int32, time: Int64) -> int:
    """The most payments on one device within an hour."""
    most = 0
    for one in np.unique(device[time != NO_TIME]).tolist():
        own = np.sort(time[(device == one) & (time != NO_TIME)])
        most = max(most, int((np.searchsorted(own, own + HOUR, "right") - np.arange(len(own))).max()))
    return most
