"""The book of a search: what is news, what a ring has told already, and which rings are one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from planted_logs import HOUR, made_ring, planted_log
from test_splitting import union_of

from graphdet import _kernels
from graphdet.rings.growth import Grower, Grown
from graphdet.rings.known import KnownRings
from graphdet.rings.merging import best_told, distinct, merged, without_compounds
from graphdet.settings import EvidenceSettings, RingSettings, Settings
from graphdet.visits.base_rates import measure_base_rates
from graphdet.visits.index import index_visits
from graphdet.visits.visits import collect_visits

SETTINGS = RingSettings(least_members=4, least_strength=0.0)


def own_of(own: int, _: int) -> int:
    return own


def set_of(_: int, things: int) -> int:
    return things


def no_parts(ring: Grown) -> list[Grown]:
    return []


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sets(st.integers(0, 9)), max_size=6), st.sets(st.integers(0, 9)))
def test_an_inverted_index_counts_what_sets_have_in_common(sets: list[set[int]], asked: set[int]) -> None:
    index = _kernels.InvertedIndex()
    for number, things in enumerate(sets):
        index.add(number, np.array(sorted(things), np.int32))
    for _ in range(2):  # nothing is left of the first question
        numbers, shared = index.common(np.array(sorted(asked), np.int32))
        expected = {number: len(things & asked) for number, things in enumerate(sets) if things & asked}
        assert list(zip(numbers.tolist(), shared.tolist(), strict=True)) == list(expected.items())
        for share in (0.0, 0.5, 0.8):
            own = {number: (len(asked), len(things)) for number, things in enumerate(sets)}
            one = np.array(sorted(asked), np.int32)
            for ask, of in ((index.holding, own_of), (index.within, set_of), (index.overlapping, min)):
                found = ask(one, share)
                assert found.tolist() == [number for number, common in expected.items() if common > share * of(*own[number])]


def test_a_ring_is_news_once_and_not_with_nearly_the_same_members() -> None:
    known = KnownRings(SETTINGS)
    ring = made_ring(range(20), range(6))
    assert known.unknown([ring, ring]) == [ring]
    assert known.take_up(ring, no_parts)
    assert not known.take_up(ring, no_parts)
    nearly, half = made_ring(range(19), range(6)), made_ring(range(10), range(6))
    assert known.unknown([ring, nearly, half]) == [half]
    assert KnownRings(SETTINGS).apart([ring, nearly, half, ring]) == [ring, half]
    assert not known.take_up(nearly, no_parts)
    assert known.take_up(half, no_parts)
    assert not known.take_up(made_ring(range(3), range(6)), no_parts)  # too small
    assert known.whole == [ring, nearly, half]


def test_a_ring_with_rings_inside_is_not_whole() -> None:
    known = KnownRings(SETTINGS)
    both, one, other = made_ring(range(20), range(12)), made_ring(range(10), range(6)), made_ring(range(10, 20), range(6, 12))
    asked: list[Grown] = []

    def parts_of(ring: Grown) -> list[Grown]:
        asked.append(ring)
        return [one, other] if ring is both else []

    assert known.take_up(both, parts_of)
    assert known.whole == [other, one]
    assert not known.take_up(both, parts_of)
    assert [len(ring.members) for ring in asked] == [20, 10, 10]  # and nobody asks a second time


def test_a_ring_among_its_own_parts_parts_is_not_lost() -> None:
    known = KnownRings(SETTINGS)
    ring, part, rest, other = (
        made_ring(range(20), range(12)),
        made_ring(range(15), range(9)),
        made_ring(range(30, 40), range(6)),
        made_ring(range(50, 60), range(6)),
    )
    inside = {ring.members.tobytes(): [part, rest], part.members.tobytes(): [ring, other]}
    assert known.take_up(ring, lambda ring: inside.get(ring.members.tobytes(), []))
    assert [len(whole.members) for whole in known.whole] == [10, 15]  # the part stays whole, since the ring waits for it


def test_what_is_told_is_most_of_the_users_at_one_of_the_targets() -> None:
    known = KnownRings(SETTINGS)
    known.take_up(made_ring(range(20), range(6)), no_parts)
    assert known.told((5, 9), np.array([0, 1, 2, 30], np.int32))
    assert known.told((9, 5), np.array([0, 1, 2, 30], np.int32))
    assert not known.told((8, 9), np.array([0, 1, 2, 30], np.int32))
    assert not known.told((5, 9), np.array([0, 30, 31, 32], np.int32))


def test_of_rings_that_share_members_and_targets_the_strongest_stays() -> None:
    strong, weak = made_ring(range(20), range(6), 50.0), made_ring(range(12), range(4), 20.0)
    elsewhere, others, nothing = (
        made_ring(range(12), range(20, 24), 30.0),
        made_ring(range(40, 52), range(4), 25.0),
        made_ring(range(9), range(3), 0.0),
    )
    assert distinct([weak, elsewhere, nothing, strong, others], SETTINGS) == [strong, elsewhere, others]


class Joined(Grower):
    """Grows a core into a ring at all targets of a given strength."""

    def __init__(self, strength: float) -> None:
        index = index_visits(collect_visits(planted_log(np.random.default_rng(1))[0], EvidenceSettings(), Settings().view))
        super().__init__(index, measure_base_rates(index.visits, EvidenceSettings()), SETTINGS)
        self.strength = strength

    def grow(self, core: np.ndarray, generous: bool = True) -> Grown:  # type: ignore[type-arg]
        return made_ring(core.tolist(), range(6), self.strength)

    def parts_of(self, ring: Grown) -> list[Grown]:
        return []


def united_by(grower: Grower) -> Callable[[Sequence[tuple[Grown, Grown]]], list[Grown | None]]:
    return lambda pairs: [union_of(*pair, grower) for pair in pairs]


def test_two_rings_at_the_same_targets_and_times_are_one_where_that_is_shorter() -> None:
    one, other = made_ring(range(10), range(6), 30.0), made_ring(range(10, 20), range(4), 20.0)
    (union,) = merged([one, other], united_by(Joined(51.0)), most=300)
    assert union.members.tolist() == list(range(20))
    assert merged([one, other], united_by(Joined(50.0)), most=300) == [one, other]  # no shorter than two
    later = made_ring(range(10, 20), range(4), 20.0, start=2 * HOUR, end=3 * HOUR)
    assert merged([one, later], united_by(Joined(51.0)), most=300) == [one, later]
    apart = made_ring(range(10, 20), range(5, 9), 20.0)  # one target in common is too few
    assert merged([one, apart], united_by(Joined(51.0)), most=300) == [one, apart]
    crowd = made_ring(range(10, 330), range(4), 20.0)
    assert merged([one, crowd], united_by(Joined(51.0)), most=300) == [one, crowd]


def test_what_a_crowd_holds_of_a_union_is_told_in_parts() -> None:
    one, other = made_ring(range(10), range(6), 30.0), made_ring(range(10, 20), range(4, 8), 20.0)
    crowd = made_ring(range(6, 40), [*range(4), *range(20, 24)], 100.0)  # has most of both together, and of each too little
    united = united_by(Joined(51.0))
    (union,) = best_told([one, other], united, 300, SETTINGS)  # though half of the other's targets are not the union's
    assert union.members.tolist() == list(range(20))
    assert best_told([crowd, one, other], united, 300, SETTINGS) == [crowd, one, other]


class PartedAgain(Joined):
    """As `Joined`; but what it grows is better told as two rings."""

    def parts_of(self, ring: Grown) -> list[Grown]:
        return [made_ring(ring.members.tolist(), range(3), 0.6 * self.strength)] * 2


def test_two_rings_are_not_one_where_that_one_is_better_told_as_two() -> None:
    one, other = made_ring(range(10), range(6), 30.0), made_ring(range(10, 20), range(6), 20.0)
    assert len(merged([one, other], united_by(Joined(51.0)), most=300)) == 1
    assert merged([one, other], united_by(PartedAgain(51.0)), most=300) == [one, other]


class Together(Joined):
    """As `Joined`; the more there are, the stronger each."""

    def grow(self, core: np.ndarray, generous: bool = True) -> Grown:  # type: ignore[type-arg]
        return made_ring(core.tolist(), range(6), len(core) ** 1.5)


def test_of_three_rings_the_one_that_two_make_may_take_in_the_third() -> None:
    one, other, third = (made_ring(range(10 * n, 10 * n + 10), range(6), 20.0) for n in range(3))
    (union,) = merged([one, other, third], united_by(Together(0.0)), most=300)
    assert union.members.tolist() == list(range(30))


def test_what_two_rings_both_tell_counts_once() -> None:
    log = planted_log(np.random.default_rng(1))[0]
    index = index_visits(collect_visits(log, EvidenceSettings(), Settings().view))
    grower = Grower(index, measure_base_rates(index.visits, EvidenceSettings()), SETTINGS)
    everywhere = range(len(index.visits.offset) - 1)
    strong, weak = (made_ring(members, everywhere, strength, end=10**9) for members, strength in ((range(30), 50.0), (range(20, 40), 20.0)))
    met = {(int(user), int(key)) for user, key in zip(index.visits.user, index.key, strict=True)}
    again, both = (sum(user in members for user, _ in met) for members in (range(20, 40), range(20, 30)))
    assert 0 < both < again
    together, shared = grower.told_by_both(weak, strong)
    assert shared == both / again
    assert together == 50.0 + 20.0 * (1 - shared)


def test_a_ring_of_two_others_that_tell_more_is_none() -> None:
    both = made_ring(range(20), range(12), 50.0)
    one, other = made_ring(range(10), range(6), 30.0), made_ring(range(10, 20), range(6, 12), 25.0)
    assert without_compounds([both, one, other], SETTINGS) == [one, other]
    assert without_compounds([both, one], SETTINGS) == [both, one]
    less = made_ring(range(10, 20), range(6, 12), 20.0)  # no more than the whole
    assert without_compounds([both, one, less], SETTINGS) == [both, one, less]
    again = made_ring(range(5, 15), range(6), 25.0)  # half of whom are in the other part, so that they would tell it twice
    assert without_compounds([both, one, again], SETTINGS) == [both, one, again]
    outside = made_ring(range(13, 23), range(6, 12), 25.0)  # three of ten are not in the whole
    assert without_compounds([both, one, outside], SETTINGS) == [both, one, outside]
    elsewhere = made_ring(range(10, 20), range(20, 26), 25.0)  # what they did elsewhere
    assert without_compounds([both, one, elsewhere], SETTINGS) == [both, one, elsewhere]
