"""Visits → what was discounted and why: the keys where so many meet at once that meeting there says little."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphdet.events import EventTable
from graphdet.visits.crowding import most_at_once
from graphdet.visits.visits import View, Visits

SHOWN = 20  # keys of each view that are named, the most crowded first


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
            f"{len(over):,} of {view.keys:,} {view.name} keys are crowded, with up to {entries[0]['size']:,} visitors {at_once}: "
            f"each visitor is compared with the {view.settings.cap} next{'' if events.time is None else ' in time'} only."
        )
        named += entries
    return named, notes


def _entry(view: View, key: str, size: int, events: EventTable) -> dict[str, Any]:
    window = None if events.time is None else view.windows[0] / 3600
    return {"view": view.name, "window": window, "key": key, "reason": "crowded", "size": size}
