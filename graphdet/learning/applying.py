"""A run and a model with labels → the same run with calibrated scores of users; and which kind of model a file holds."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graphdet.errors import ModelError, NotAModel
from graphdet.evidence.measured import Measured
from graphdet.learning.labelled_inputs import LabelledInputs, read_inputs
from graphdet.learning.labelled_model import KIND as LABELLED
from graphdet.learning.labelled_model import LabelledModel, load_labelled
from graphdet.learning.life_columns import lives_in
from graphdet.learning.model_file import kind_of
from graphdet.learning.ring_model import KIND as NETWORK
from graphdet.learning.ring_model import RingModel, load_model
from graphdet.run.folder import Run
from graphdet.schema import arrow_schema
from graphdet.settings import Settings
from graphdet.signals.sequences import read_steps


def load_for_run(path: Path, settings: Settings) -> RingModel | LabelledModel:
    """The model that a file holds, of either kind, for runs with these settings.

    Raises:
        NotAModel: it is no model, is damaged, or is of a newer graphdet.
        ModelMismatch: it reads other features than this graphdet measures.
        ModelError: the settings leave networks out, and it is one.
    """
    kind = kind_of(path)
    if kind == NETWORK:
        if not settings.gnn.least_rings:
            raise ModelError(f"{path}: [gnn] least_rings = 0 leaves networks out; set it to 1 or more, or leave --model out.")
        return load_model(path)
    if kind == LABELLED:
        return load_labelled(path)
    raise NotAModel(f"{path}: is a {kind!r}; give a file that `graphdet train` wrote.")


def inputs_for(model: LabelledModel, measured: Measured, run: Run, threads: int = 1) -> LabelledInputs:
    """What a model reads of every user of a log: the columns that it learned from, and what its own network says of their steps."""
    inputs = read_inputs(measured, run, model.message_scale, threads, lives_in(model.columns))
    return inputs if model.head is None else inputs.with_head(model.head.odds(read_steps(measured.events), len(inputs)))


def apply_labelled(run: Run, measured: Measured, model: LabelledModel, threads: int = 1) -> Run:
    """The run with users' scores from the model: calibrated chances, ranked anew. Rings and all else stay as they are."""
    chance = model.chance(inputs_for(model, measured, run, threads))
    order = np.argsort(-chance, kind="stable")
    users = pa.table(
        {
            "node_type": pa.repeat(pa.scalar("user"), len(chance)),
            "node_id": measured.events.ids["user"].take(pa.array(order)).cast(pa.string()),
            "score": pa.array(chance[order]),
            "rank": pa.array(np.arange(1, len(chance) + 1)),
        },
        schema=arrow_schema("scores"),
    )
    others = run.scores.filter(pc.not_equal(run.scores["node_type"], "user"))
    note = f"Users' scores are chances by a model with labels; it flags from {model.threshold:.3f} on."
    scored = run.with_tables(scores=pa.concat_tables([users, others]))
    return replace(scored, meta={**run.meta, "notes": [*run.meta["notes"], note]})


def with_model(run: Run, path: Path) -> Run:
    """The run with an id of its own, since the model's bytes decided its scores, too."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    identity = hashlib.sha256(json.dumps([run.meta["id"], digest]).encode()).hexdigest()[:16]
    return replace(run, meta={**run.meta, "id": f"run-{identity}", "model": digest})
