"""What the database holds and a run's picture → what stays at a push: all of it, or at a clean-up what history and verdicts rest on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from graphdet.schema import USER
from graphdet.store.drawing import Picture, RelationKey, Values
from graphdet.store.kinds import RELATION_KINDS
from graphdet.store.own import Own

HISTORY = ("MEMBER_OF", "GAINS_FROM", "FOUND_IN")  # what tells of a ring itself


@dataclass
class Stays:
    """Which relationships stay though the run does not draw them, and which as they are though it draws them otherwise.

    A verdict rests on the ring's members, on what they did with each other and with the ring's things, as it stood when it was given.
    """

    own: Own
    picture: Picture
    clean_up: bool
    _decided: dict[str, dict[RelationKey, int]] = field(init=False, default_factory=dict)  # kind → key → moment of the verdict

    def __post_init__(self) -> None:
        if self.own.decided:
            self._decided = {name: dict(self._rested_on(name)) for name in RELATION_KINDS}

    def relation(self, kind: str, key: RelationKey) -> bool:
        """Whether a relationship stays that the run does not draw."""
        if not self.clean_up or key in self._decided.get(kind, ()):
            return True
        relation = RELATION_KINDS[kind]
        return relation.type == "FOUND_IN" or (relation.type in HISTORY and key[1] not in self.picture.nodes["ring"])

    def was_decided_on(self, kind: str, key: RelationKey, current: Values, values: Values) -> bool:
        """Whether somebody decided on it as an earlier run tells it, so that the run's own must stand beside it, be it the same."""
        moment = self._decided.get(kind, {}).get(key)
        if moment is None or values.graphdetRun == current.graphdetRun:
            return False
        pushed = self.own.pushed_at(current.graphdetRun)
        return pushed is not None and pushed <= moment

    def _rested_on(self, name: str) -> Iterator[tuple[RelationKey, int]]:
        kind = RELATION_KINDS[name]
        if kind.type in HISTORY:
            for key in self.own.relations[name]:
                ring = key[0] if kind.type == "FOUND_IN" else key[1]
                if ring in self.own.decided:
                    yield key, self.own.decided[ring]
            return
        starts, ends = self._rings_of(USER), self._rings_of(kind.end.name)
        for key in self.own.relations[name]:
            both = starts.get(key[0], frozenset()) & ends.get(key[1], frozenset())
            if both:
                yield key, max(self.own.decided[ring] for ring in both)

    def _rings_of(self, kind: str) -> dict[str, frozenset[str]]:
        """Node → decided rings that it was of when they were decided on."""
        name = f"{kind}-MEMBER_OF-ring"
        states = [*self.own.relations[name].items(), *((key, one) for key, every in self.own.kept.get(name, {}).items() for one in every)]
        found: dict[str, set[str]] = {}
        for (node, ring, _), values in states:
            pushed = self.own.pushed_at(values.graphdetRun)
            if ring in self.own.decided and pushed is not None and pushed <= self.own.decided[ring]:
                found.setdefault(node, set()).add(ring)
        return {node: frozenset(rings) for node, rings in found.items()}
