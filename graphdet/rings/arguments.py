"""What the compiled halves of growth hand to each other, by name: the log that they walk on, how far they may go, their scratch memory."""

from __future__ import annotations

from typing import NamedTuple

from graphdet.arrays import Bool, Float32, Float64, Int8, Int32, Int64


class Log(NamedTuple):
    """What growth walks on: the arrays of `Visits` and `VisitIndex`, named as there or nearly so, with v visits, k keys and u users."""

    user_offset: Int64  # (u + 1,)
    by_user: Int64  # (v,)
    key_of: Int32  # (v,)
    offset: Int64  # (k + 1,)
    user: Int32  # (v,)
    time: Int32  # (v,)
    log_base_rate: Float32  # (v,)
    log_intent: Float32  # (v,)
    near: Int32  # (v,)
    usual: Float32  # (v,)
    draw: Int32  # (v,)
    group_of: Int32  # (k,)
    view_of: Int8  # (k,)
    item_view: int


class Limits(NamedTuple):
    """How far growth may go: its settings, with arrays of one entry per view."""

    reach: Int64  # seconds without a member after which a target's time is over
    slack: Int64  # seconds before and after members' visits that are looked at for more, at the least
    most: Float64  # log10 likelihood ratio that a view may add to one member
    generous_rounds: int
    rounds: int
    join: float
    least_targets: int
    members_most: float


class Scratch(NamedTuple):
    """One entry per user, as good as new after each call."""

    score: Float64  # (u, views)
    hits: Int32
    seen: Int64
    member: Bool
    last_group: Int32
    group_hits: Int32
    best_gap: Float64
    gaps: Float64
    choices: Float64
    hits_of_draw: Int32  # one entry per draw


class Targets(NamedTuple):
    """t targets, sorted by group, then key; see `growth.Grown`."""

    key: Int32
    start: Int32
    end: Int32
    visitors: Int32
    outsiders: Int32
    gain: Float64
