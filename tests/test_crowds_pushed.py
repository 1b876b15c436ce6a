"""What a push would write of a run with a crowd: its core, and a word on the rest."""

from __future__ import annotations

from store_runs import two_rings, with_standings

from graphdet.run.folder import Run
from graphdet.store.drawing import Picture, draw


def with_crowd(*outside: tuple[str, str]) -> Run:
    """Two rings, of which these members (ring, user) are outside a crowd's core."""
    return with_standings(two_rings(), {ring: {user: "few_items,crowd" for own, user in outside if own == ring} for ring, _ in outside})


def ends_of(picture: Picture, verb: str) -> set[tuple[str, str]]:
    """Start and end of each relationship of a kind between any nodes."""
    return {(start, end) for kind, states in picture.relations.items() if f"-{verb}-" in kind for start, end, _ in states}


def test_of_a_crowd_the_core_is_written() -> None:
    every, picture = draw(two_rings()), draw(with_crowd(("ring-1", "cid"), ("ring-1", "bob")))
    assert every.notes == ("this run has no embeddings: no look-alike search",)
    assert picture.notes[0] == "of 1 crowd the core is written, without 2 members outside it"
    assert ends_of(every, "MEMBER_OF") - ends_of(picture, "MEMBER_OF") == {("cid", "ring-1"), ("bob", "ring-1")}
    # bob is of ring-2, too, with what he did; nothing tells of cid any more.
    assert ("bob", "ring-2") in ends_of(picture, "MEMBER_OF")
    assert set(every.nodes["user"]) - set(picture.nodes["user"]) == {"cid"}
    assert ends_of(every, "PURCHASED") - ends_of(picture, "PURCHASED") == {("cid", "soap"), ("cid", "tea")}
    assert ends_of(every, "COORDINATED_WITH") == {("ann", "bob"), ("bob", "cid"), ("bob", "dan")}
    assert ends_of(picture, "COORDINATED_WITH") == {("bob", "dan")}
    assert picture.nodes["ring"]["ring-1"][1].size == 3  # all are counted


def test_relations_that_are_asked_for_stay() -> None:
    run = with_crowd(("ring-1", "cid"))
    assert ("cid", "soap") in ends_of(draw(run, "graph", run.relations), "PURCHASED")
    assert ("cid", "soap") not in ends_of(draw(run, "graph"), "PURCHASED")
