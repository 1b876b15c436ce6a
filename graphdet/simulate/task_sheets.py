"""A ring's tasks and its sheet → looks at other goods of the kind before each task, as many and as long as the sheet says."""

from __future__ import annotations

import numpy as np

from graphdet.simulate.ledger import Ledger
from graphdet.simulate.sessions import LOOK, Plan, make_plan


def look_by_sheet(ledger: Ledger, work: Plan, rng: np.random.Generator) -> None:
    """One to three looks, each of a length of its own give or take a fifth, before four of five tasks: not everybody heeds a sheet."""
    catalogue = ledger.world.catalogue
    looks, pace = int(rng.integers(1, 4)), float(np.exp(rng.uniform(np.log(15), np.log(400))))
    if rng.random() >= ledger.world.settings.rings.sheets:
        return
    heeded = work.take(rng.random(len(work)) < 0.8)
    who, back = np.repeat(np.arange(len(heeded)), looks), np.tile(np.arange(1, looks + 1), len(heeded))
    before = heeded.time[who] - pace * back * rng.uniform(0.8, 1.2, len(who))
    other = catalogue.draw(catalogue.category[heeded.item[who]], rng)
    other = np.where(catalogue.launch[other] < before, other, catalogue.stand_in[other])
    places = {"device": heeded.device[who], "ip": heeded.ip[who]}
    ledger.add_visits(make_plan(heeded.user[who], before, other, depth=LOOK, brief=True, **places), load=0.0)
