"""Visits and base rates of a log that goes on are those of the whole log, made without what was before."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from conftest import event_table

from graphdet.arrays import Int32
from graphdet.events import EventTable
from graphdet.schema import USER
from graphdet.settings import Settings
from graphdet.visits.base_rates import BaseRates, count_elsewhen, measure_base_rates
from graphdet.visits.earlier import Earlier, collect_visits_since
from graphdet.visits.visits import Visits, collect_visits

HOUR = 3600
ALL = Settings()


def rows_of(generator: np.random.Generator, count: int, *, users: int, names: str) -> list[dict[str, Any]]:
    """Events that crowd at a few seconds and things, so that many are at the same time and place; names come between others'."""
    found: list[dict[str, Any]] = []
    for number in range(count):
        name = f"{generator.integers(users):03}{generator.choice(list(names))}"
        moment = float(generator.integers(40) * 8 * HOUR + generator.integers(3) * 20)
        more = {"device": f"d{name[:2]}"} if generator.random() < 0.5 else {}
        if generator.random() < 0.1:
            more["ip"] = f"10.0.0.{generator.integers(5)}"
        item = f"i{int(generator.integers(1, 12) ** 2 / 6):02}{generator.choice(list(names))}"
        time = None if generator.random() < 0.02 else moment
        found.append({"user": name, "item": item, "time": time, "action": "order", "amount": float(number), **more})
    return found


def place_in(names: Any, now: Any) -> Int32:
    at = {name: place for place, name in enumerate(now.to_pylist())}
    return np.array([at[name] for name in names.to_pylist()], np.int32)


def earlier_of(before: EventTable, visits: Visits, rates: BaseRates, events: EventTable) -> Earlier:
    place = {name: place_in(ids, events.ids[name]) for name, ids in before.ids.items()}
    then = np.zeros(events.count(USER), np.int64)
    then[place[USER]] = np.bincount(before.codes[USER], minlength=before.count(USER))
    touched = then != np.bincount(events.codes[USER], minlength=events.count(USER))
    return Earlier(visits, before.resolution, rates.near, count_elsewhen(rates, visits), place, touched)


def draws(visits: Visits) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(visits.draw == number).tolist()) for number in set(visits.draw.tolist()) - {-1}}


def whole(events: EventTable) -> tuple[Visits, BaseRates]:
    visits = collect_visits(events, ALL.evidence, ALL.view)
    return visits, measure_base_rates(visits, ALL.evidence)


@pytest.mark.parametrize("seed", range(6))
def test_a_log_that_goes_on_has_the_visits_and_rates_of_the_whole_log(seed: int) -> None:
    generator = np.random.default_rng(seed)
    rows = rows_of(generator, 700, users=40, names="bd")
    before = event_table(rows)
    visits, rates = whole(before)
    for new in (1, 30, 150):  # what was found by going on is gone on from
        rows = [*rows, *rows_of(generator, new, users=40, names="abcde")]
        events = event_table(rows)
        earlier = earlier_of(before, visits, rates, events)
        assert not earlier.touched.all()
        visits = collect_visits_since(events, earlier, ALL.evidence, ALL.view, threads=2)
        rates = measure_base_rates(visits, ALL.evidence, threads=2, earlier=earlier)
        wanted, usual = whole(events)
        assert visits.views == wanted.views
        for name in ("offset", "user", "time", "group", "stratum"):
            np.testing.assert_array_equal(getattr(visits, name), getattr(wanted, name), name)
        assert draws(visits) == draws(wanted)
        assert len(draws(wanted)) > 5
        for name in ("log_base_rate", "log_intent", "near", "usual", "homogeneity"):
            np.testing.assert_array_equal(getattr(rates, name), getattr(usual, name), name)
        before = events


def test_a_log_with_a_view_more_than_before_has_it_too() -> None:
    rows = [{"user": f"u{number % 9}", "item": f"i{number % 7}", "time": 50.0 * HOUR * number} for number in range(40)]
    before = event_table(rows)
    visits, rates = whole(before)
    events = event_table([*rows, {"user": "u3", "item": "i3", "device": "d1", "time": 7.0}, {"user": "w", "device": "d1", "time": 9.0}])
    earlier = earlier_of(before, visits, rates, events)
    found, (wanted, _) = collect_visits_since(events, earlier, ALL.evidence, ALL.view), whole(events)
    assert [view.name for view in found.views] == [view.name for view in wanted.views] != [view.name for view in visits.views]
    for name in ("offset", "user", "time", "draw"):
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name), name)


def test_where_times_were_bare_dates_all_is_collected() -> None:
    """A bundle is one choice there, and which items are one hangs on everybody."""
    rows = rows_of(np.random.default_rng(1), 300, users=30, names="ab")
    before = event_table(rows)
    visits, rates = whole(before)
    events = event_table([*rows, {"user": "001a", "item": "i03a", "time": 5.0}])
    by_day = Earlier(**{**vars(earlier_of(before, visits, rates, events)), "resolution": "day"})
    assert not by_day.touched.all()
    nobody = Earlier(**{**vars(by_day), "visits": wrong_times(visits)})
    found, (wanted, _) = collect_visits_since(events, nobody, ALL.evidence, ALL.view), whole(events)
    np.testing.assert_array_equal(found.time, wanted.time)
    np.testing.assert_array_equal(found.draw, wanted.draw)


def wrong_times(visits: Visits) -> Visits:
    return Visits(**{**vars(visits), "time": visits.time + np.int32(1)})
