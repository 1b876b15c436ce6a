"""A log and its run → what models with labels read of every user: messages, what the run says, and the facts of the user's ring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graphdet.arrays import Float64, Int32
from graphdet.events import EventTable
from graphdet.evidence.measured import Measured
from graphdet.learning.life_columns import life_columns, measure_lives
from graphdet.learning.messages import evidence_relation
from graphdet.learning.neighbourhood import Scale, gather_inputs, in_units, input_columns
from graphdet.learning.step_head import HEAD
from graphdet.run.folder import Run
from graphdet.schema import KEY_TYPES, NODE_TYPE, TIERS
from graphdet.signals import columns_of, measure_users
from graphdet.signals.signal import Column, FeatureTable, names_of

OF_RUN = (
    Column("score_odds", "odds by the run's score, log10", "运行所给分数的几率（log10）"),
    Column("ring_tier", "tier of the user's ring: 3 alert, 2 review, 1 explained, 0 none", "所在团伙级别：3 警报，2 复核，1 已解释，0 无"),
    Column("ring_contribution", "what the user adds to the ring, log10", "对所在团伙的贡献（log10）"),
)
OF_RING = (  # facts of the user's ring, by their column in the run's table of rings
    Column("strength", "strength of the user's ring, log10", "所在团伙的强度（log10）"),
    Column("size", "members of the user's ring", "所在团伙的成员数"),
    Column("targets", "targets of the user's ring", "所在团伙的目标数"),
    Column("devices", "devices that the user's ring shares", "所在团伙共用的设备数"),
    Column("ips", "IP addresses that the user's ring shares", "所在团伙共用的 IP 地址数"),
    Column("density", "share of the user's ring at its average target", "团伙成员在平均每个目标上的占比"),
    Column("dedication", "share of the ring's item events on its targets", "团伙商品事件中落在目标上的比例"),
    Column("taste", "members' interest in the targets' kind on other days, log10", "成员平日对目标类商品的兴趣（log10）"),
)
DEPTH = 2


def labelled_columns(lives: Sequence[str] = (), *, head: bool = False) -> tuple[Column, ...]:
    """What models with labels read of a user, in order; `lives`: names of signals of single accounts among it; `head`: what a network
    that learned labels from steps says is, too."""
    of_ring = (replace(column, name=f"ring_{column.name}") for column in OF_RING)
    return (*input_columns(DEPTH), *OF_RUN, *of_ring, *life_columns(lives), *([HEAD] if head else ()))


def aggregates() -> tuple[str, ...]:
    """The bar that other inputs must pass: own columns, and their mean and highest over user–item–user, user–device–user, user–IP–user."""
    through = tuple(f"{name}_" for name in KEY_TYPES if NODE_TYPE[name].baseline)
    own = names_of(columns_of("user"))
    return (*own, *(column.name for column in input_columns(1)[len(own) :] if column.name.startswith(through)))


@dataclass(frozen=True)
class LabelledInputs(FeatureTable):
    """All users in `labelled_columns`, in the columns' own units; `scale` is of users' columns, with which the messages were made."""

    scale: Scale

    def with_head(self, odds: Float64) -> LabelledInputs:
        """The same and, last, what a network that learned labels says of each user's steps."""
        return LabelledInputs(self.stage, (*self.names, HEAD.name), np.column_stack([self.values, odds]).astype(np.float32), self.scale)


def read_inputs(measured: Measured, run: Run, scale: Scale | None, threads: int = 1, lives: Sequence[str] = ()) -> LabelledInputs:
    """What models with labels read of every user.

    Args:
        measured: the log, as the run measured it.
        run: of that log.
        scale: the model's; None where a model is still to be learned from this log.
        threads: the result does not depend on it.
        lives: names of signals of single accounts that the model reads, too.

    Raises:
        BadNumbers: a column holds what is no finite number.
    """
    visits, pairs = measured.visits, measured.pairs
    own = measure_users(measured.events, visits, measured.base_rates, pairs, threads)
    messages, scale = gather_inputs(own, visits, evidence_relation(pairs, visits.users, threads), scale, threads, DEPTH)
    of_lives = measure_lives(measured.events, lives)
    values = np.hstack([in_units(messages, own, scale, DEPTH), _of_run(measured.events, run), of_lives]).astype(np.float32)
    return LabelledInputs("what models with labels read", names_of(labelled_columns(lives)), values, scale)


def ring_members(events: EventTable, run: Run) -> list[Int32]:
    """User codes of each ring of a run, in order of the rings."""
    users = run.members.filter(pc.equal(run.members["node_type"], "user"))
    code = _codes(users["node_id"], events)
    place = pc.index_in(users["ring_id"], value_set=run.rings["ring_id"].combine_chunks()).to_numpy()
    order = np.argsort(place, kind="stable")
    return np.split(code[order], np.searchsorted(place[order], np.arange(1, run.rings.num_rows))) if run.rings.num_rows else []


def _of_run(events: EventTable, run: Run) -> Float64:
    """Columns `OF_RUN` and `OF_RING`: the score as log10 odds, and the facts of the highest ranked ring that has the user, or zeros."""
    values = np.zeros((events.count("user"), len(OF_RUN) + len(OF_RING)))
    scores = run.scores.filter(pc.equal(run.scores["node_type"], "user"))
    chance = np.clip(scores["score"].to_numpy(), 1e-9, 1 - 1e-9)
    values[_codes(scores["node_id"], events), 0] = np.log10(chance / (1 - chance))
    facts = np.column_stack([pc.fill_null(run.rings[name].cast(pa.float64()), 0.0).to_numpy() for name in names_of(OF_RING)])
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
