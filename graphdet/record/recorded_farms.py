"""A farm in codes → the same in the log's ids, as dossiers keep it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from graphdet.judging.log_index import LogIndex
from graphdet.rings.farms import Farm


def describe_farm(farm: Farm, log: LogIndex) -> dict[str, Any]:
    """Keys: `keys` (node type and id of each), `start`, `end` (seconds since the log's first event), `chance`, `q`, `tests`, and those of
    `Closeness`."""
    views = log.visits.visits.views
    keys = []
    for key, position in zip(farm.keys.tolist(), log.visits.view[farm.keys].tolist(), strict=True):
        view = views[position]
        keys.append([view.name, log.events.ids[view.name][key - view.first_key].as_py()])
    return {
        **asdict(farm.closeness),
        "keys": keys,
        "start": farm.start,
        "end": farm.end,
        "chance": farm.chance,
        "tests": farm.tests,
        "q": farm.q,
    }
