"""A log, a user and a model, or the network of a run → what moved the user's score."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from graphdet.errors import LabelError, ModelError
from graphdet.events import EventTable
from graphdet.evidence.measured import Measured
from graphdet.extras import need
from graphdet.pipeline import detect_in, find_in
from graphdet.progress import Progress
from graphdet.settings import Settings
from graphdet.signals import measure_log

if TYPE_CHECKING:
    from graphdet.learning.explaining import Explanation
    from graphdet.learning.network_reasons import NetworkExplanation
    from graphdet.learning.ring_model import RingModel


def explain(
    events: EventTable, user: str, model: Path | None = None, settings: Settings | None = None, progress: Progress | None = None
) -> Explanation | NetworkExplanation:
    """What moved a user's score in a model with labels; or else what the network of a run without labels says of the user, and why.

    Args:
        events, settings, progress: as for `detect`.
        user: id, as the log has it.
        model: a file of a model of either kind; None = the network that a run of this log learns.

    Raises:
        LabelError: the log has no such user.
        NotAModel, ModelMismatch: as for `apply`.
        ModelError: the settings leave networks out, or the log has too few alert rings for one.
    """
    need("learn", "a model")
    from graphdet.learning.applying import inputs_for, load_for_run
    from graphdet.learning.explaining import explain_user
    from graphdet.learning.life_events import reasons_in_life
    from graphdet.learning.ring_model import RingModel

    settings, progress = settings or Settings(), progress or Progress()
    loaded = None if model is None else load_for_run(model, settings)
    code = events.ids["user"].index(user).as_py()
    if code < 0:
        raise LabelError(f"no user '{user}' in this log; compare the id with the log's.")
    measured = measure_log(events, settings, progress)
    if loaded is None or isinstance(loaded, RingModel):
        return _explain_network(measured, code, settings, progress, loaded)
    run = detect_in(measured, settings, progress).run
    read = inputs_for(loaded, measured, run, settings.machine.workers)
    found = explain_user(loaded, read, code)
    return replace(found, lives=reasons_in_life(measured.events, code, [one.column for one in found.moved], read, loaded.head))


def _explain_network(measured: Measured, user: int, settings: Settings, progress: Progress, model: RingModel | None) -> NetworkExplanation:
    from graphdet.learning.network_reasons import explain_opinion

    opinion = find_in(measured, settings, progress, model).opinion
    if opinion is None:
        raise ModelError(
            f"a run of this log has no network: too few alert rings to learn from (at least {settings.gnn.rings_needed}); give --model."
            if settings.gnn.least_rings
            else "[gnn] least_rings = 0 leaves networks out; set it to 1 or more, or give --model with labels."
        )
    return explain_opinion(opinion, measured, user, settings.gnn.weight, settings.machine.workers)
