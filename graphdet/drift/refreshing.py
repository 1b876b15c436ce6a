"""A window and the latest labels → a fresh model, judged against the one in use on labels that it did not learn from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphdet.answering.score_file import LEARNED, write_learned
from graphdet.drift.model_shelf import ModelEntry, ModelShelf
from graphdet.errors import ModelError
from graphdet.extras import need
from graphdet.progress import Progress
from graphdet.settings import Settings

if TYPE_CHECKING:
    from graphdet.arrays import Float64
    from graphdet.events import EventTable, Labels
    from graphdet.learning.labelled_model import LabelledModel


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
    from graphdet.learning.from_labels import learn_labels
    from graphdet.learning.labelled_inputs import read_inputs, ring_members
    from graphdet.learning.labelled_model import load_labelled
    from graphdet.learning.parting import part_labels
    from graphdet.pipeline import detect_in
    from graphdet.signals import measure_log

    progress = progress or Progress()
    measured = measure_log(events, settings, progress)
    found = detect_in(measured, settings, progress)
    threads, rings = settings.machine.workers, ring_members(events, found.run)
    with progress.stage("learn from labels", len(labels)):
        model, _ = learn_labels(read_inputs(measured, found.run, None, threads), labels, rings, settings)
    latest = part_labels(labels, rings).judge
    users, positive = labels.user[latest], labels.positive[latest]

    def judged(one: LabelledModel) -> tuple[Float64, float]:
        """Every user's chance, and the area under precision and recall on the latest labels."""
        chance = one.chance(read_inputs(measured, found.run, one.message_scale, threads))
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
    from graphdet.learning.labelled_inputs import read_inputs
    from graphdet.learning.labelled_model import load_labelled
    from graphdet.pipeline import detect_in
    from graphdet.signals import measure_log

    progress = progress or Progress()
    model = load_labelled(shelf.path_of(shelf.in_use))
    measured = measure_log(events, settings, progress)
    found = detect_in(measured, settings, progress)
    chance = model.chance(read_inputs(measured, found.run, model.message_scale, settings.machine.workers))
    write_learned(shelf.state / LEARNED, events.ids["user"], chance, model=shelf.in_use, time=shelf.entries()[-1].time)
