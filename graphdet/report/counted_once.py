"""What is in several rings → counted once: what of a purchase is at stake, and what an account did in any of its rings."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from graphdet.arrays import Int64, distinct_counts, distinct_values
from graphdet.dossier.building import Dossier
from graphdet.events import NO_TIME
from graphdet.judging.log_index import GIVE_BACK
from graphdet.replay.recorded import Recorded

DAY = 86_400_000_000


def order_stakes(dossier: Dossier) -> dict[int, float]:
    """Of each purchase inside (a row of the run's events) what of it is at stake, so that one in two rings is counted once."""
    scene = dossier.scene
    recorded, bought = scene.replay.recorded, scene.measured["bought"]
    deal = recorded.background["deal"]
    chosen = np.flatnonzero((scene.inside & scene.did(deal) if deal else scene.inside & ~scene.did(*GIVE_BACK)) & (scene.target >= 0))
    rows, found = scene.replay.small.rows[chosen], {}
    for row, target in zip(rows.tolist(), scene.target[chosen].tolist(), strict=True):
        item = bought[scene.windows[target]["id"]]
        amount = float(recorded.amount[row])
        if amount == amount and item["own"]:
            found[row] = amount * item["inflated"] / item["own"]
    return found


def in_several_rings(recorded: Recorded, inside: list[Int64], place: Callable[[str], int]) -> dict[str, list[list[int]]]:
    """What accounts did in any of their rings, of those that did something in several: an event that is in two rings is one event.

    Args:
        recorded: the run.
        inside: of each ring rows of the run's events.
        place: of an id in the page's list.

    Returns:
        `items`: account, item, events; `days`: account, day of the log, events.
    """
    rows = np.concatenate([np.zeros(0, np.int64), *inside])
    user = recorded.event_user[rows].astype(np.int64)
    ring = np.repeat(np.arange(len(inside)), np.array([len(own) for own in inside], np.int64))
    who, rings = distinct_counts(distinct_values(user << 32 | ring) >> 32)
    own = distinct_values(rows[np.isin(user, who[rings > 1])])
    item, time = recorded.event_code.get("item", np.full(len(recorded.time), -1, np.int32))[own], recorded.time[own]
    day = np.zeros(len(time), np.int64)
    day[time != NO_TIME] = days_of_log(recorded, time[time != NO_TIME])
    found: dict[str, list[list[int]]] = {"items": [], "days": []}
    for kind, what, known in (("items", item, item >= 0), ("days", day, time != NO_TIME)):
        pair, count = distinct_counts(recorded.event_user[own[known]].astype(np.int64) << 32 | what[known])
        of = recorded.users.take(pa.array(pair >> 32)).to_pylist()
        things = (pair & 0xFFFFFFFF).tolist()
        if kind == "items":
            things = [place(name) for name in recorded.ids["item"].take(pa.array(things, pa.int64())).to_pylist()] if things else []
        found[kind] = [[place(name), thing, events] for name, thing, events in zip(of, things, count.tolist(), strict=True)]
    return found


def days_of_log(recorded: Recorded, time: Int64) -> Int64:
    """Times → days since the log's first one, as the log's own clock has them."""
    start = np.array([recorded.start or 0], np.int64)
    return recorded.clock.wall(time) // DAY - recorded.clock.wall(start) // DAY
