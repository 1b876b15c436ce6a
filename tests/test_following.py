"""Cases follow their rings by lineage from run to run, through the casebook and its memory."""

from __future__ import annotations

from pathlib import Path

import pytest
from case_runs import Clock, MadeRing, made_run

from graphdet.cases.casebook import Casebook
from graphdet.cases.following import follow_lineage
from graphdet.cases.taking_in import TakenIn
from graphdet.errors import NotACasebook


def ring(users: str, **facts: object) -> MadeRing:
    return MadeRing(f"R-{users}", tuple(users), **facts)  # type: ignore[arg-type]


def take(book: Casebook, number: int, *rings: str) -> TakenIn:
    return book.take_in(made_run(f"run-{number}", [ring(users) for users in rings]), follow_lineage)


def test_a_case_follows_its_ring_through_all_of_it(tmp_path: Path) -> None:
    with Casebook(tmp_path, "ann", Clock()) as book:
        assert take(book, 1, "abcdefgh", "vwxyz").case_of == {"R-abcdefgh": "C-0001", "R-vwxyz": "C-0002"}
        book.decide("C-0001", "confirmed")
        second = take(book, 2, "abcdei", "fgh")
        assert second.case_of == {"R-abcdei": "C-0001", "R-fgh": "C-0003"}
        assert second.opened == ("C-0003",)
        assert [(case.lineage, case.kin) for case in book.cases()] == [("shrank", "C-0003"), ("dormant", ""), ("split", "C-0001")]
        assert [case.state for case in book.cases()] == ["decided", "dormant", "open"]
        third = take(book, 3, "abcdefghi", "vwxy")
        assert third.case_of == {"R-abcdefghi": "C-0001", "R-vwxy": "C-0002"}
        assert third.opened == ()
        assert [(case.lineage, case.kin) for case in book.cases()] == [("merged", "C-0003"), ("returned", ""), ("merged", "C-0001")]
        assert book.case("C-0001").verdict == "confirmed"
        assert book.verify().faults == ()


def test_the_same_run_twice_changes_nothing(tmp_path: Path) -> None:
    with Casebook(tmp_path, "ann", Clock()) as book:
        first = take(book, 1, "abcd")
        head = book.verify().head
        again = take(book, 1, "abcd")
    assert (again.is_new, again.case_of) == (False, first.case_of)
    with Casebook(tmp_path, "ann", Clock()) as book:
        assert book.verify().head == head


def test_cases_from_before_there_was_lineage_are_known_by_their_users(tmp_path: Path) -> None:
    with Casebook(tmp_path, "ann", Clock()) as book:
        book.take_in(made_run("run-1", [ring("abcd"), ring("wxyz")]))
        assert take(book, 2, "abcd", "wxy").case_of == {"R-abcd": "C-0001", "R-wxy": "C-0003"}
        assert take(book, 3, "abcdef").case_of == {"R-abcdef": "C-0001"}
        assert book.verify().faults == ()


def test_a_memory_that_was_tampered_with_is_told(tmp_path: Path) -> None:
    with Casebook(tmp_path, "ann", Clock()) as book:
        take(book, 1, "abcd")
        book._connection.execute("UPDATE memory SET document = '[]'")
        with pytest.raises(NotACasebook, match="memory of rings is damaged"):
            take(book, 2, "abcd")
