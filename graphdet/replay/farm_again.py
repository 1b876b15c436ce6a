"""A farm as its run recorded it + what is left of the log → the farm that would be left: fewer accounts, fewer things, or none."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphdet.arrays import Int32
from graphdet.replay.small_log import SmallLog
from graphdet.rings.farm_tests import Closeness
from graphdet.rings.farms import Farm, as_ring
from graphdet.rings.growth import Grower, Grown
from graphdet.rings.sharers import LEAST
from graphdet.schema import NODE_TYPE
from graphdet.visits.index import VisitIndex


@dataclass(frozen=True)
class FarmAgain:
    """A recorded farm in the codes of its ring's small log."""

    recorded: dict[str, Any]
    keys: Int32
    members: Int32

    def left(self, index: VisitIndex) -> Farm | None:
        """Those accounts that are still at some of the farm's personal things (a network makes no farm); None where too few are."""
        visits, told = index.visits, self.recorded
        users = [visits.user[visits.offset[key] : visits.offset[key + 1]] for key in self.keys.tolist()]
        at = [np.intersect1d(self.members, who) for who in users]
        personal = [NODE_TYPE[visits.views[view].name].personal for view in visits.view_of(self.keys).tolist()]
        members = np.unique(np.concatenate([np.zeros(0, np.int32), *itertools.compress(at, personal)])).astype(np.int32)
        if len(members) < LEAST:
            return None
        whole = Closeness(told["accounts"], told["inside"], told["share"], told["by_number"])
        close = whole.of_those_left(whole.inside - (len(self.members) - len(members)))
        worse = 10.0 ** min(close.log_chance - whole.log_chance, 300.0)
        keys = self.keys[[len(who) > 1 for who in at]]
        chance, q = min(told["chance"] * worse, 1.0), min(told["q"] * worse, 1.0)
        return Farm(members, keys, told["start"], told["end"], close, chance, told["tests"], q)

    def grown(self, index: VisitIndex, grower: Grower) -> tuple[Grown, float]:
        """As a ring, with its q-value; an empty one where nothing is left."""
        farm = self.left(index)
        if farm is None or not len(farm.keys):
            return grower.describe(self.members[:0]), 1.0
        return as_ring(farm, index, grower), farm.q


def read_farm(recorded: dict[str, Any], small: SmallLog) -> FarmAgain:
    """Of what the run recorded; things that nobody of the small log used are left out."""
    views = {view.name: view for view in small.visits.views}
    keys = []
    for name, key_id in recorded["keys"]:
        code = small.events.ids[name].index(key_id).as_py() if name in views else -1
        if code >= 0:
            keys.append(views[name].first_key + code)
    return FarmAgain(recorded, np.unique(np.array(keys, np.int32)), small.members)
