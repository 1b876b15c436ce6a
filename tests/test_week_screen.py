"""The screen of the week: every case of the span counts once, on its day or in its week, whatever the span."""

from __future__ import annotations

import random
from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from case_runs import Clock, MadeRing, made_run

from graphdet.cases.casebook import Casebook
from graphdet.cases.entries import as_moment
from graphdet.console.week_screen import MOST_DAYS, groups_of, week_of


@pytest.mark.parametrize("days", [7, 31, 32, 90])
def test_the_trend_counts_each_case_of_the_span_once(tmp_path: Path, days: int) -> None:
    rng, clock, rings = random.Random(days), Clock(), []  # noqa: S311
    with Casebook(tmp_path, "ana", clock) as book:
        for run in range(24):
            rings += [MadeRing(f"R-{run}-{number}", (f"a{run}-{number}", f"b{run}-{number}"), at_stake=10.0 * run) for number in range(2)]
            book.take_in(made_run(f"run-{run}", rings))
            book.decide(f"R-{run}-0", "confirmed")
            clock.forward(rng.uniform(0, 7))
        cases, now = book.cases(), as_moment(book.now)
    week = week_of(cases, Counter(), now, days)
    long = 1 if days <= MOST_DAYS else 7
    firsts = [datetime.fromisoformat(one.first).date() for one in week.trend]
    assert firsts[0] == now.date() - timedelta(days=long - 1)
    assert all(earlier == later - timedelta(days=long) for later, earlier in pairwise(firsts))
    assert firsts[-1] <= (now - timedelta(days=days - 1)).date() < firsts[-1] + timedelta(days=long)
    for one, first in zip(week.trend, firsts, strict=True):
        inside = [case for case in cases if first <= as_moment(case.opened).date() < first + timedelta(days=long)]
        inside = [case for case in inside if as_moment(case.opened) > now - timedelta(days=days)]
        assert (one.opened, one.money) == (len(inside), sum(case.at_stake or 0.0 for case in inside))
        assert one.decided == sum(bool(case.verdict) for case in inside)
    assert 0 <= week.opened - sum(one.opened for one in week.trend) <= 2 * 24  # those of the part of a day before the first


def test_new_cases_of_a_shop_are_those_of_the_span(tmp_path: Path) -> None:
    clock = Clock()
    old, new = MadeRing("R-old", ("a", "b"), at_stake=5.0), MadeRing("R-new", ("c", "d"), at_stake=2.0)
    with Casebook(tmp_path, "ana", clock) as book:
        book.take_in(made_run("run-1", [old]))
        clock.forward(10)
        book.take_in(made_run("run-2", [old, new]))
        found = groups_of(book.cases(), {"R-old": ("s1", "s2"), "R-new": ("s2",)}, as_moment(book.now) - timedelta(days=7))
    assert found == [("s2", 2, 1, 7.0), ("s1", 1, 0, 5.0)]
