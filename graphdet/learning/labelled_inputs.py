"""A log and its run → what models with labels read of every user: messages, what the run says, and the facts of the user's ring."""

from __future__ import annotations

import os

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graphdet.arrays import Float64, Int32
from graphdet.events import EventTable
from graphdet.evidence.pairs import affordable_evidence, expected_rates, measure_pairs
from graphdet.learning.messages import evidence_relation
from graphdet.learning.neighbourhood import gather_inputs, input_columns
from graphdet.run.folder import Run
from graphdet.schema import TIERS
from graphdet.settings import Settings
from graphdet.signals.columns import USER_COLUMNS, FeatureTable, measure_users
from graphdet.visits.communities import lacks_categories, with_communities
from graphdet.visits.visits import collect_visits

RING_FACTS = ("strength", "size", "targets", "devices", "ips", "density", "dedication", "taste")
OF_RUN = ("score_odds", "ring_tier", "ring_contribution", *(f"ring_{name}" for name in RING_FACTS))
DEPTH = 2
COLUMNS = (*input_columns(DEPTH), *OF_RUN)
# The bar that other inputs must pass: own columns and their mean and maximum over user–item–user, user–device–user and user–IP–user.
AGGREGATES = (*USER_COLUMNS, *(name for name in input_columns(1) if name.split("_")[0] in ("item", "device", "ip") and "_m" in name))


def read_inputs(events: EventTable, run: Run, settings: Settings) -> FeatureTable:
    """(users, `COLUMNS`); messages are measured anew, so that a run's folder and its log are enough.

    Args:
        events: the log.
        run: of that log.
        settings: that the run was made with.

    Raises:
        BadNumbers: a column holds what is no finite number.
    """
    threads = settings.machine.threads or os.cpu_count() or 1
    if lacks_categories(events):
        events = with_communities(events, settings.evidence)
    visits = collect_visits(events, settings.evidence, settings.view)
    rates = expected_rates(visits)
    pairs = measure_pairs(visits, rates, affordable_evidence(visits, rates, settings.evidence, threads), threads)
    own = measure_users(events, visits, pairs, threads)
    messages, _ = gather_inputs(own, visits, evidence_relation(pairs, visits.users, threads), None, threads, DEPTH)
    return FeatureTable("what models with labels read", COLUMNS, np.hstack([messages.values, _of_run(events, run)]).astype(np.float32))


def ring_members(events: EventTable, run: Run) -> list[Int32]:
    """User codes of each ring of a run, in order of the rings."""
    users = run.members.filter(pc.equal(run.members["node_type"], "user"))
    code = _codes(users["node_id"], events)
    place = pc.index_in(users["ring_id"], value_set=run.rings["ring_id"].combine_chunks()).to_numpy()
    order = np.argsort(place, kind="stable")
    return np.split(code[order], np.searchsorted(place[order], np.arange(1, run.rings.num_rows))) if run.rings.num_rows else []


def _of_run(events: EventTable, run: Run) -> Float64:
    """Columns `OF_RUN`: a user's score as log10 odds, and the facts of the highest ranked ring that has him; zeros without one."""
    values = np.zeros((events.count("user"), len(OF_RUN)))
    scores = run.scores.filter(pc.equal(run.scores["node_type"], "user"))
    chance = np.clip(scores["score"].to_numpy(), 1e-9, 1 - 1e-9)
    values[_codes(scores["node_id"], events), 0] = np.log10(chance / (1 - chance))
    facts = np.column_stack([pc.fill_null(run.rings[name].cast(pa.float64()), 0.0).to_numpy() for name in RING_FACTS])
    facts = np.nan_to_num(facts)
    tier = np.array([len(TIERS) - TIERS.index(name) for name in run.rings["tier"].to_pylist()], np.float64)
    users = run.members.filter(pc.equal(run.members["node_type"], "user"))
    code = _codes(users["node_id"], events)
    place = pc.index_in(users["ring_id"], value_set=run.rings["ring_id"].combine_chunks()).to_numpy()
    for row in np.argsort(-place, kind="stable").tolist():  # the highest ranked ring is written last
        values[code[row], 1:] = [tier[place[row]], users["contribution"][row].as_py(), *facts[place[row]]]
    return values


def _codes(names: pa.ChunkedArray, events: EventTable) -> Int32:
    return np.asarray(pc.index_in(names, value_set=events.ids["user"]).to_numpy(), np.int32)
