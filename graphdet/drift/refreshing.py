"""A window and the latest labels or rings → a fresh model or network, judged against the one in use on what it did not learn from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from graphdet.answering.score_file import LEARNED, write_learned
from graphdet.drift.model_shelf import ModelEntry, ModelShelf
from graphdet.errors import ModelError
from graphdet.extras import need
from graphdet.progress import Progress
from graphdet.settings import Settings

if TYPE_CHECKING:
    from graphdet.arrays import Bool, Float64, Int64
    from graphdet.events import EventTable, Labels
    from graphdet.judging.judged_ring import JudgedRing
    from graphdet.learning.labelled_model import LabelledModel

LATEST = 0.2  # of the alert rings, by when they began, those that networks are judged on


def refresh_model(
    events: EventTable, labels: Labels, shelf: ModelShelf, reason: str, settings: Settings, progress: Progress | None = None
) -> ModelEntry:
    """Learn a model, judge it and the one in use on the latest labels, and use it where it is no worse.

    The labels are parted in time, and by rings, as `graphdet train` parts them; both models are judged on the last part, which the
    fresh one has not learned from. The one in use may have, which can only speak for it.

    Args:
        events: of the window.
        labels: what is known of its users.
        shelf: with the models of before.
        reason: why, for the journal.
        settings: of learning.
        progress: told of each stage.

    Raises:
        LabelError: too few labels, or labels of one kind.
        ModelError: the model in use cannot be read.
    """
    need("learn", "graphdet refresh")
    from graphdet.evaluate.metrics import ranking_figures
    from graphdet.learning.applying import inputs_for
    from graphdet.learning.from_labels import learn_from_log
    from graphdet.learning.labelled_inputs import ring_members
    from graphdet.learning.labelled_model import load_labelled
    from graphdet.learning.parting import part_labels
    from graphdet.pipeline import detect_in
    from graphdet.signals import measure_log

    progress = progress or Progress()
    measured = measure_log(events, settings, progress)
    found = detect_in(measured, settings, progress)
    threads, rings = settings.machine.workers, ring_members(events, found.run)
    with progress.stage("learn from labels", len(labels)):
        model, _ = learn_from_log(measured, found.run, labels, settings)
    latest = part_labels(labels, rings).judge
    users, positive = labels.user[latest], labels.positive[latest]

    def judged(one: LabelledModel) -> tuple[Float64, float]:
        """Every user's chance, and the area under precision and recall on the latest labels."""
        chance = one.chance(inputs_for(one, measured, found.run, threads))
        area = ranking_figures(positive, chance[users]).auprc
        if area is None:
            raise ModelError("the latest labels are of one kind, so nothing can be judged on them.")
        return chance, float(area)

    with progress.stage("judge models"):
        chance, area = judged(model)
        old = judged(load_labelled(shelf.path_of(shelf.in_use))) if shelf.in_use else None
    entry = shelf.add(model, reason, area, None if old is None else old[1], len(users), int(positive.sum()))
    in_use = chance if entry.what == "kept" or old is None else old[0]
    write_learned(shelf.state / LEARNED, events.ids["user"], in_use, model=shelf.in_use, time=entry.time)
    return entry


def tell_learned(events: EventTable, shelf: ModelShelf, settings: Settings, progress: Progress | None = None) -> None:
    """Write what the model in use says of every user of the window, where another one spoke before.

    Raises:
        ModelError: the model cannot be read.
    """
    need("learn", "graphdet refresh")
    from graphdet.learning.applying import inputs_for
    from graphdet.learning.labelled_model import load_labelled
    from graphdet.pipeline import detect_in
    from graphdet.signals import measure_log

    progress = progress or Progress()
    model = load_labelled(shelf.path_of(shelf.in_use))
    measured = measure_log(events, settings, progress)
    found = detect_in(measured, settings, progress)
    chance = model.chance(inputs_for(model, measured, found.run, settings.machine.workers))
    write_learned(shelf.state / LEARNED, events.ids["user"], chance, model=shelf.in_use, time=shelf.entries()[-1].time)


def refresh_network(events: EventTable, shelf: ModelShelf, reason: str, settings: Settings, progress: Progress | None = None) -> ModelEntry:
    """Learn a network from the window's alert rings, judge it and the one in use on the latest of them, and use it where it is no worse.

    Of the fresh one each ring is judged by networks that have not learned from it. The one in use may have, which can only speak for it.

    Args:
        events, shelf, reason, settings, progress: as for `refresh_model`.

    Raises:
        ModelError: too few alert rings, or the network in use cannot be read.
    """
    need("learn", "graphdet refresh")
    from graphdet.evaluate.metrics import ranking_figures
    from graphdet.learning.messages import evidence_relation
    from graphdet.learning.opinion import learn_opinion
    from graphdet.learning.ring_model import load_model
    from graphdet.pipeline import find_in
    from graphdet.signals import measure_log

    progress, threads = progress or Progress(), settings.machine.workers
    old = load_model(shelf.path_of(shelf.in_use)) if shelf.in_use else None
    measured = measure_log(events, settings, progress)
    without = settings.model_copy(update={"gnn": settings.gnn.model_copy(update={"least_rings": 0})})
    rings = find_in(measured, without, progress).rings  # as they are without a network's members
    if sum(ring.tier == "alert" for ring in rings) < settings.gnn.rings_needed:
        raise ModelError(f"too few alert rings to learn a network from (at least {settings.gnn.rings_needed}); the one in use stays.")
    with progress.stage("network", events.count("user")):
        relation = evidence_relation(measured.pairs, measured.visits.users, threads)
        said = [
            learn_opinion(measured, relation, rings, settings.gnn, settings.seed, threads, model) for model in (None, old)[: 1 + bool(old)]
        ]
    users, positive = latest_members(rings, events.count("user"))
    areas = [ranking_figures(positive, opinion.odds[users]).auprc for opinion in said]
    if areas[0] is None:
        raise ModelError("nobody is in the latest rings alone, so networks cannot be judged on them; the one in use stays.")
    return shelf.add(said[0].model, reason, areas[0], areas[1] if old else None, len(users), int(positive.sum()))


def latest_members(rings: Sequence[JudgedRing], users: int) -> tuple[Int64, Bool]:
    """Users who are in the latest alert rings alone, and those in none at all; and which of them are members."""
    alerts = sorted((ring.facts.grown for ring in rings if ring.tier == "alert"), key=lambda grown: int(grown.start.min()))
    earlier = len(alerts) - max(round(LATEST * len(alerts)), 1)
    member, known = np.zeros(users, np.bool_), np.zeros(users, np.bool_)
    for grown in alerts[earlier:]:
        member[grown.members] = True
    for grown in [*alerts[:earlier], *(ring.facts.grown for ring in rings if ring.tier != "alert")]:
        known[grown.members] = True
    chosen = np.flatnonzero(~known)
    return chosen, member[chosen]
