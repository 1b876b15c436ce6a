"""Wider rings: nearest partners against an obvious loop, and a sparse ring that growth alone leaves in part."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted_logs import Block, planted_log
from test_growth import same_ring
from test_search import Met, found_of, meetings, pair_evidence, search

import graphdet.rings.search
from graphdet.rings.widening import Partners


@settings(max_examples=150, deadline=None)
@given(meetings, st.sets(st.integers(0, 12), min_size=1), st.integers(1, 6))
def test_nearest_partners_equal_an_obvious_loop(met: Met, members: set[int], most: int) -> None:
    evidence = {
        user: sum(value for pair, (value, _) in met.items() if user in pair and members & set(pair))
        for user in range(13)
        if user not in members
    }
    expected = sorted((user for user in evidence if evidence[user]), key=lambda user: (-evidence[user], user))[:most]
    found = Partners(pair_evidence(met), 13).nearest(np.array(sorted(members), np.int32), most)
    assert found.tolist() == expected


def test_a_sparse_ring_takes_in_those_whom_growth_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    block = Block(users=tuple(range(40)), items=tuple(range(40)), density=0.08, hours=30.0)
    events, _ = planted_log(np.random.default_rng(3), [block], users=6000, items=3000, events=40_000)
    found = search(events, 1).rings
    for ring, same in zip(found, search(events, 3).rings, strict=True):
        same_ring(ring, same)
    assert max(found_of(set(ring.members.tolist()), block) for ring in found) > 0.8
    monkeypatch.setattr(graphdet.rings.search, "_with_wider", lambda rings, *_: rings)
    narrow = search(events, 1).rings
    assert max(found_of(set(ring.members.tolist()), block) for ring in narrow) < 0.75
    assert max(ring.strength for ring in found) > max(ring.strength for ring in narrow)
