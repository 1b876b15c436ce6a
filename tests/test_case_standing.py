"""Where cases stand, carried on from entry to entry, is what it is when all of it is worked out anew."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from case_runs import Clock, MadeRing, made_run

from graphdet.cases.casebook import Casebook
from graphdet.console.case_standing import BEFORE_ALL, Standing, standing_after, with_accounts
from graphdet.errors import CaseError
from graphdet.schema import VERDICTS
from graphdet.week.hand_over import account_rows
from graphdet.week.queueing import Kinds

TIERS = ("alert", "review", "explained")


def some_rings(rng: random.Random, day: int) -> list[MadeRing]:
    """Some of twelve rings, of which some have grown."""
    names = rng.sample(range(12), rng.randint(0, 12))
    size = 3 + day % 2
    users = {name: tuple(f"u{name}-{user}" for user in range(size)) for name in names}
    return [MadeRing(f"R-{name}-{size}", own, tier=TIERS[name % 3], at_stake=float(name)) for name, own in users.items()]


def one_step(book: Casebook, rng: random.Random, clock: Clock, step: int) -> None:
    names = [case.name for case in book.cases()]
    if step % 8 == 0 or not names:
        book.take_in(made_run(f"run-{step}", some_rings(rng, step // 8)))
        clock.forward(1)
        return
    name = rng.choice(names)
    users = book.users_of(book.case(name))
    word = rng.randrange(8)
    if word < 3:
        book.decide(name, rng.choice(VERDICTS), users=users[:1] if word == 2 else ())
    elif word == 3:
        book.plan(name, rng.choice(("later", "")))
    elif word == 4:
        book.view(name) if rng.random() < 0.5 else book.look_at("user u1")
    elif word == 5:
        book.accept(name, "a club")
    elif word == 6:
        rng.choice((book.close, book.reopen))(name)
    else:
        book.undo()


def everything(standing: Standing) -> tuple[object, ...]:
    """In its order."""
    folds = {name: list(own) for name, own in standing.folds.items()}
    accounts = [row for name in standing.cases for row in standing.accounts[name]]
    return standing.entry, list(standing.cases.items()), list(standing.ranked.items()), folds, accounts


@pytest.mark.parametrize("seed", range(3))
def test_what_is_carried_on_is_what_is_worked_out_anew(tmp_path: Path, seed: int) -> None:
    rng, clock, kinds = random.Random(seed), Clock(), Kinds()  # noqa: S311
    carried, older = BEFORE_ALL, BEFORE_ALL
    with Casebook(tmp_path, "ana", clock) as book:
        for step in range(50):
            try:
                one_step(book, rng, clock, step)
            except CaseError:
                continue  # such as nothing to take back
            with book.reading():
                carried = with_accounts(book, standing_after(book, carried, kinds))
                anew = with_accounts(book, standing_after(book, BEFORE_ALL, Kinds()))
                assert everything(carried) == everything(anew)
                assert everything(with_accounts(book, standing_after(book, older, kinds))) == everything(anew)
                assert everything(anew)[-1] == account_rows(book, reasons=False)
            older = carried if rng.random() < 0.2 else older


def test_a_book_whose_only_run_has_no_ring_has_a_queue(tmp_path: Path) -> None:
    with Casebook(tmp_path, "ana") as book:
        book.take_in(made_run("run-1", []))
        assert standing_after(book, BEFORE_ALL, Kinds()).queue == []


def test_a_word_on_one_case_reads_no_other_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Casebook(tmp_path, "ana") as book:
        book.take_in(made_run("run-1", [MadeRing(f"R-{number}", (f"a{number}", f"b{number}")) for number in range(5)]))
        before = with_accounts(book, standing_after(book, BEFORE_ALL, Kinds()))
        book.decide("C-2", "confirmed")
        monkeypatch.setattr(book, "cases", lambda: pytest.fail("all cases are read"))
        after = with_accounts(book, standing_after(book, before, Kinds()))
    assert [row["user_id"] for row in after.accounts["C-0002"]] == ["a1", "b1"]
    assert "C-0002" not in after.queue
    assert all(after.accounts[name] is before.accounts[name] for name in ("C-0001", "C-0003"))
