"""A run's embeddings → the users nearest to a user or a ring, with what they share."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graphdet.errors import RunError, UnknownRing, nearest
from graphdet.run.folder import Run

FACTS = 5  # shared nodes that are named


@dataclass(frozen=True)
class Similar:
    """One user near the one asked for: cosine of the embeddings, score, rings in common, and nodes that both touched."""

    user_id: str
    cosine: float
    score: float
    rings: tuple[str, ...]
    shared: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def find_similar(run: Run, name: str, count: int = 10) -> list[Similar]:
    """The users nearest to a user, or to the middle of a ring (its own members left out).

    Args:
        run: with embeddings.
        name: a user's id, or a ring's id or rank.
        count: how many.

    Raises:
        RunError: the run has no embeddings, or none of those asked for.
        UnknownRing: the name is neither a user with an embedding nor a ring.
    """
    if run.embeddings is None:
        raise RunError("this run has no embeddings; run again with [gnn] least_rings above 0.")
    own = run.embeddings.filter(pc.equal(run.embeddings["node_type"], "user"))
    users = own["node_id"].to_pylist()
    if not users:
        raise RunError("this run keeps no embeddings of users; run again with a higher [gnn] embeddings.")
    vectors = np.asarray(own["embedding"].combine_chunks().flatten().to_numpy()).reshape(len(users), -1)
    if name in users:
        asked = [name]
    else:
        try:
            asked = run.ring(name).members.filter(pc.equal(pc.field("node_type"), "user"))["node_id"].to_pylist()
        except UnknownRing as error:
            near = nearest(name, users[:50_000]).removeprefix("; ") or "the embeddings hold none like it."
            raise UnknownRing(f"{error} No user '{name}' has an embedding; {near}") from None
    place = np.flatnonzero(np.isin(users, asked))
    if not len(place):
        raise RunError(f"this run keeps no embedding of any member of ring '{name}'; run again with a higher [gnn] embeddings.")
    middle = vectors[place].mean(axis=0)
    cosine = vectors @ (middle / max(float(np.linalg.norm(middle)), 1e-12))
    cosine[place] = -2
    chosen = np.argsort(-cosine, kind="stable")[: min(count, len(users) - len(place))]
    names = [users[row] for row in chosen.tolist()]
    score = run.scores.filter(pc.and_(pc.equal(run.scores["node_type"], "user"), pc.is_in(run.scores["node_id"], pa.array(names))))
    scores = dict(zip(score["node_id"].to_pylist(), score["score"].to_pylist(), strict=True))
    rings = _rings_of(run, {*names, *asked})
    touched = _touched(run, {*names, *asked})
    theirs = set().union(*(touched.get(user, set()) for user in asked))
    of_asked = set().union(*(rings.get(user, set()) for user in asked))
    return [
        Similar(
            user,
            float(cosine[row]),
            float(scores[user]),
            tuple(sorted(rings.get(user, set()) & of_asked)),
            tuple(sorted(touched.get(user, set()) & theirs)[:FACTS]),
        )
        for user, row in zip(names, chosen.tolist(), strict=True)
    ]


def _rings_of(run: Run, users: set[str]) -> dict[str, set[str]]:
    own = run.members.filter(pc.and_(pc.equal(run.members["node_type"], "user"), pc.is_in(run.members["node_id"], pa.array(sorted(users)))))
    return _grouped(own["node_id"], own["ring_id"].to_pylist())


def _touched(run: Run, users: set[str]) -> dict[str, set[str]]:
    """'type:id' of what each user touched, as far as the run keeps it."""
    if run.relations is None:
        return {}
    own = run.relations.filter(pc.is_in(run.relations["user_id"], pa.array(sorted(users))))
    nodes = [f"{kind}:{node}" for kind, node in zip(own["node_type"].to_pylist(), own["node_id"].to_pylist(), strict=True)]
    return _grouped(own["user_id"], nodes)


def _grouped(keys: pa.ChunkedArray, values: list[str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for key, value in zip(keys.to_pylist(), values, strict=True):
        found.setdefault(key, set()).add(value)
    return found
