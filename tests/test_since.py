"""A log that goes on: pair evidence of whom something came is that of the whole log, and that of all others stands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from graphdet.events import EventTable, read_events
from graphdet.evidence.measured import Measured, measure
from graphdet.evidence.pairs import PairEvidence
from graphdet.evidence.since import Before, measure_since, says_more
from graphdet.progress import Progress
from graphdet.rings.cores import cores_with, find_cores
from graphdet.settings import Settings
from graphdet.simulate import preset, simulate
from graphdet.simulate.writing import log_table

Pairs = dict[tuple[str, str], tuple[float, dict[str, float]]]


@pytest.fixture(scope="module")
def log() -> pa.Table:
    return log_table(simulate(preset("easy", users=500), 3)).sort_by([("timestamp", "ascending"), ("event_id", "ascending")])


def read(log: pa.Table, folder: Path) -> EventTable:
    pq.write_table(log, folder / "log.parquet")
    return read_events([folder / "log.parquet"])


def by_name(pairs: PairEvidence, measured: Measured) -> Pairs:
    """Users → evidence, and what each key adds."""
    users = measured.events.ids["user"].to_pylist()
    names = [f"{view.name} {name}" for view in measured.visits.views for name in measured.events.ids[view.name].to_pylist()]
    found = {}
    for place, (one, other) in enumerate(pairs.users.tolist()):
        rows = slice(int(pairs.offset[place]), int(pairs.offset[place + 1]))
        keys = dict(zip((names[key] for key in pairs.key[rows].tolist()), pairs.key_evidence[rows].tolist(), strict=True))
        found[users[one], users[other]] = float(pairs.evidence[place]), keys
    return found


def visits_of(measured: Measured) -> set[tuple[str, str, int, int]]:
    users, found = measured.events.ids["user"].to_pylist(), set()
    for view in measured.visits.views:
        names = measured.events.ids[view.name].to_pylist()
        for place, name in enumerate(names):
            rows = range(*measured.visits.offset[view.first_key + place : view.first_key + place + 2].tolist())
            found |= {(view.name, name, users[measured.visits.user[row]], int(measured.visits.time[row])) for row in rows}
    return found


def test_pairs_of_whom_something_came_are_those_of_the_whole_log_and_others_stand(log: pa.Table, tmp_path: Path) -> None:
    settings, many = Settings(), log.num_rows
    shuffled = np.random.default_rng(1).permutation(np.arange(1, many))[:60]
    new = np.sort(np.concatenate([shuffled, np.arange(many - 60, many)]))  # late ones, too, and names that come between others
    old = log.take(pa.array(np.setdiff1d(np.arange(many), new)))
    before, whole = measure(read(old, tmp_path), settings), measure(read(log, tmp_path), settings)
    kept = Before.of(before)
    found = measure_since(read(log, tmp_path), kept, settings, Progress())
    assert found is not None
    measured, since = found
    users = np.array(measured.events.ids["user"].to_pylist())
    touched = set(users[since.touched].tolist())
    assert touched == set(log.take(pa.array(new))["user_id"].to_pylist())
    then, now, today = by_name(before.pairs, before), by_name(measured.pairs, measured), by_name(whole.pairs, whole)
    asked = {pair for pair in {*then, *now, *today} if touched & set(pair)}
    assert len(asked) > 20
    for pair in {*then, *now, *today}:
        assert now.get(pair) == (today if pair in asked else then).get(pair), pair
    came = visits_of(measured) - visits_of(before)
    rows, key = since.came, measured.index.key[since.came]
    names = [(view.name, name) for view in measured.visits.views for name in measured.events.ids[view.name].to_pylist()]
    times = measured.visits.time[rows].tolist()
    assert {(*names[k], users[u], t) for k, u, t in zip(key.tolist(), measured.visits.user[rows].tolist(), times, strict=True)} == came
    more = {pair for pair in asked & set(now) if pair not in then or len(now[pair][1]) > len(then[pair][1])}
    more |= {pair for pair in asked & set(now) & set(then) if now[pair][0] >= then[pair][0] + measured.affordable.least}
    told = measured.pairs.users[says_more(kept, since, measured.pairs)]
    assert {tuple(pair) for pair in users[told].tolist()} == more
    assert more


def test_cores_of_chosen_pairs_are_some_of_all_cores_and_none_of_theirs_is_missed(log: pa.Table, tmp_path: Path) -> None:
    measured, settings = measure(read(log, tmp_path), Settings()), Settings().rings
    pairs, chosen = measured.pairs, np.zeros(len(measured.pairs), np.bool_)
    chosen[np.random.default_rng(2).permutation(len(pairs))[:20]] = True
    every = [(core.users.tolist(), core.keys) for core in find_cores(pairs, measured.index, settings)]
    found = [(core.users.tolist(), core.keys) for core in cores_with(chosen, pairs, measured.index, settings)]
    place = [every.index(core) for core in found]
    assert place == sorted(place)
    for number in np.flatnonzero(chosen).tolist():
        met = set(pairs.key[pairs.offset[number] : pairs.offset[number + 1]].tolist())
        own = [core for core in every if set(pairs.users[number].tolist()) <= set(core[0]) and set(core[1]) <= met]
        assert all(core in found for core in own if len(set(core[1])) != 1)  # a crowd has one key
    assert 0 < len(found) < len(every)


def test_a_log_that_lost_a_name_or_begins_sooner_is_measured_whole(log: pa.Table, tmp_path: Path) -> None:
    settings = Settings()
    before = Before.of(measure(read(log.slice(50, 400), tmp_path), settings))
    assert measure_since(read(log.slice(0, 450), tmp_path), before, settings, Progress()) is None
    user = log.slice(449, 1)["user_id"][0].as_py()
    left = log.slice(50, 400).filter(pa.array([name != user for name in log.slice(50, 400)["user_id"].to_pylist()]))
    assert measure_since(read(left, tmp_path), before, settings, Progress()) is None


def test_communities_that_stand_in_for_categories_stay_as_they_were(log: pa.Table, tmp_path: Path) -> None:
    bare, settings = log.drop_columns(["category"]), Settings()
    before = measure(read(bare.slice(0, log.num_rows - 60), tmp_path), settings)
    assert before.learned
    kept = Before.of(before)
    for _ in range(2):  # what was carried over is carried on
        found = measure_since(read(bare, tmp_path), kept, settings, Progress())
        assert found is not None
        measured, kept = found[0], Before.of(found[0])
        now = dict(zip(measured.events.ids["item"].to_pylist(), measured.events.item_category.tolist(), strict=True))
        then = dict(zip(before.events.ids["item"].to_pylist(), before.events.item_category.tolist(), strict=True))
        assert now == {name: then.get(name, -1) for name in now}
        assert measured.learned == before.learned
