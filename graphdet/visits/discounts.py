"""Visits → what was discounted and why: the keys where so many meet at once that meeting there says little."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphdet.events import EventTable
from graphdet.schema import ITEM
from graphdet.schema.wording import numbered
from graphdet.visits.crowding import most_at_once
from graphdet.visits.draws import bundles_of
from graphdet.visits.index import VisitIndex
from graphdet.visits.visits import View, Visits

SHOWN = 20  # keys of each view that are named, the most crowded first
EXAMPLE = 3  # items of a bundle that are named


def list_discounts(visits: Visits, events: EventTable) -> tuple[list[dict[str, Any]], list[str]]:
    """(named keys, notes): keys with more visitors in a view's shortest window than each of them is compared with.

    Each named key has `view`, `window` (hours, null without times), `key`, `reason` and `size`, the visitors in its fullest window.
    """
    named: list[dict[str, Any]] = []
    notes = []
    for view in visits.views:
        crowd = most_at_once(visits, view)
        over = np.flatnonzero(crowd > view.settings.cap)
        if not len(over):
            continue
        worst = over[np.lexsort([over, -crowd[over]])][:SHOWN]
        entries = [
            _entry(view, name, int(crowd[key]), events)
            for key, name in zip(worst, events.ids[view.name].take(worst).to_pylist(), strict=True)
        ]
        at_once = "in all" if events.time is None else f"within {view.windows[0] / 3600:g} h"
        notes.append(
            f"{len(over):,} of {view.keys:,} {view.name} {'key is' if view.keys == 1 else 'keys are'} "
            f"crowded, with up to {numbered(entries[0]['size'], 'visitor', 'visitors')} {at_once}: "
            f"each visitor is compared with the {view.settings.cap} next{'' if events.time is None else ' in time'} only."
        )
        named += entries
    return named, notes


def bundle_note(index: VisitIndex, events: EventTable) -> str:
    """What the log's bundles are, for a reader who may know better; empty where it has none."""
    visits = index.visits
    told = visits.draw >= 0
    if index.item_view < 0 or not told.any():
        return ""
    view = visits.views[index.item_view]
    rows = slice(int(visits.offset[view.first_key]), int(visits.offset[view.first_key + view.keys]))
    single = np.where(told[rows], visits.draw[rows], len(visits) + np.arange(rows.stop - rows.start))
    bundle = bundles_of(index.key[rows] - np.int32(view.first_key), single, view.keys)
    if (bundle < 0).all():
        return ""
    example = ", ".join(events.ids[ITEM].take(np.flatnonzero(bundle == 0)[:EXAMPLE]).to_pylist())
    return (
        f"{np.count_nonzero(bundle >= 0):,} items come in {numbered(int(bundle.max()) + 1, 'bundle', 'bundles')}, "
        f"such as {example}: who visits one nearly always "
        "visits the others at one go. They are sold, shown or sent together, or are one thing under several ids, and count as one choice."
    )


def _entry(view: View, key: str, size: int, events: EventTable) -> dict[str, Any]:
    window = None if events.time is None else view.windows[0] / 3600
    return {"view": view.name, "window": window, "key": key, "reason": "crowded", "size": size}
