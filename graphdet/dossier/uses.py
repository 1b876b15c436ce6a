"""A ring's facts and reasons → what it seems to be for: uses by code, with the numbers that each rests on.

A ring may have several uses, or none.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from graphdet.arrays import Int32, Int64
from graphdet.dossier.countable import measure_facts
from graphdet.dossier.reasoning import Reason, find_reasons
from graphdet.dossier.scene import Scene, set_scene
from graphdet.events import NO_TIME
from graphdet.replay.recorded import Recorded
from graphdet.replay.replaying import Replay
from graphdet.schema import DEVICE, PAYMENT

HOUR = 3_600_000_000
MANY_CARDS = 3  # of one account in a ring's time: few people have so many
CARDS_OF_A_DEVICE = 5  # more than a household's
MANY_ACCOUNTS = 0.25  # share of members who paid that must have many cards
BAD, GOOD = 2.5, 3.5  # stars: at most, and at least, on average
COPIES = 3  # texts that are nearly another member's

Uses = list[tuple[str, dict[str, Any]]]


def uses_of(recorded: Recorded, ring_ids: Iterable[str]) -> dict[str, Uses]:
    """Uses of each of these rings of a run."""
    found = {}
    for ring in ring_ids:
        scene = set_scene(Replay(recorded, ring), ring)
        facts = measure_facts(scene)
        facts.update(fragile=0, crowd=None)  # what only a whole dossier works out, and no use rests on
        found[ring] = find_uses(scene, facts, find_reasons(facts, []))
    return found


def find_uses(scene: Scene, facts: dict[str, Any], reasons: list[Reason]) -> Uses:
    """Uses of one ring, from its facts and the reasons that apply."""
    told = dict(reasons)  # of several shops that gain, the last; the sum is taken from the facts
    found: Uses = []
    gains = [seller["inflated"] for seller in facts["sellers"] if seller["inflated"] >= 3]
    if "inflated_orders" in told and gains:
        found.append(("brushing", {"inflated": sum(gains), "shops": len(gains)}))
    found += _reviews(facts, told)
    if "hijacked_accounts" in told:
        found.append(("account_takeover", {"aged": told["hijacked_accounts"]["aged"]}))
    payments = measure_payments(scene)
    if payments is not None:
        crowded = payments["on_device"] >= CARDS_OF_A_DEVICE
        if crowded or payments["many"] >= max(3, MANY_ACCOUNTS * payments["payers"]):
            found.append(("payment_fraud", payments))
    for code, use in (("refund_cycle", "refund_abuse"), ("coupon_crew", "coupon_abuse")):
        if code in told:
            found.append((use, {"share": told[code]["share"], "usual": told[code]["usual"] or 0.0}))
    if "coattail_clicks" in told:
        found.append(("click_farming", {name: told["coattail_clicks"][name] for name in ("members", "own")}))
    return found


def _reviews(facts: dict[str, Any], told: dict[str, dict[str, Any]]) -> Uses:
    ratings, texts = facts["ratings"], facts["texts"]
    if ratings is None or not ("rating_burst" in told or "review_copies" in told):
        return []
    copies = texts["copies"] if texts is not None else 0
    numbers = {"ratings": ratings["ratings"], "mean": ratings["mean"], "copies": copies if copies >= COPIES else 0}
    if ratings["mean"] <= BAD:
        return [("malicious_reviews", numbers)]
    return [("fake_reviews", numbers)] if ratings["mean"] >= GOOD else []


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
