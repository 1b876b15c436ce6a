"""What a run recorded of its rings, read again in codes: no visit at another key, and arrays that do not fit are refused."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from dossier_runs import LoggedRun, market_run

from graphdet.dossier.building import build_dossier
from graphdet.events import read_events
from graphdet.record import recording
from graphdet.record.texts import add_wording
from graphdet.replay.recorded import Recorded, RecordedVisits
from graphdet.replay.small_log import SmallLog, cut_small_log
from graphdet.settings import EvidenceSettings, LogSettings, MachineSettings
from graphdet.visits.base_rates import count_visits, elsewhen_of, rate_visits


@pytest.fixture(scope="module")
def few_events(tmp_path_factory: pytest.TempPathFactory) -> LoggedRun:
    """A run that kept so few events of each member that keys of theirs are missing from the table `keys`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recording, "MOST_EVENTS", 3)
        return market_run(tmp_path_factory.mktemp("few") / "log", 1, events=20_000)


def test_a_visit_to_a_key_that_is_not_in_the_table_of_keys_is_dropped(few_events: LoggedRun) -> None:
    assert few_events.run.visits is not None
    assert few_events.run.keys is not None
    known = set(zip(few_events.run.keys["node_type"].to_pylist(), few_events.run.keys["node_id"].to_pylist(), strict=True))
    columns = [few_events.run.visits[name].to_pylist() for name in ("node_type", "node_id", "user_id", "second")]
    real = Counter(zip(*columns, strict=True))
    wanted = Counter({visit: count for visit, count in real.items() if visit[:2] in known})
    assert 0 < wanted.total() < real.total()
    recorded = Recorded(few_events.run)
    names = [(view, node) for view in recorded.views for node in recorded.ids[view].to_pylist()]
    visits = recorded.visits
    told = zip(visits.key.tolist(), recorded.users.take(pa.array(visits.user)).to_pylist(), visits.second.tolist(), strict=True)
    assert Counter((*names[key], user, second) for key, user, second in told) == wanted


def test_dossiers_of_members_of_whom_few_events_were_kept_can_be_told(few_events: LoggedRun) -> None:
    recorded = Recorded(few_events.run)
    for ring in few_events.run.rings["ring_id"].to_pylist():
        assert build_dossier(recorded, few_events.run.ring(ring)).reasons


def test_wording_is_found_where_ids_have_white_space_around_them(tmp_path: Path) -> None:
    lines = [(f"u{row % 5}", f"i{row % 3}", f"2024-01-01 00:00:{row % 20:02d}", f"e{row}", f"said in {row}") for row in range(40)]
    for padded in (0, 7):  # every so many rows, so that of two events with one key one is
        log = tmp_path / f"log{padded}.csv"
        around = [("\u00a0{} ", "\t{}") if padded and row % padded == 0 else ("{}", "{}") for row in range(len(lines))]
        rows = [(of.format(user), at.format(item), *rest) for (of, at), (user, item, *rest) in zip(around, lines, strict=True)]
        pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp", "event_id", "text"]).to_csv(log, index=False)
        events = read_events([log])
        table = recording.events_table(events, np.arange(len(events)))
        told = add_wording(table, events.report.files, events.ids["item"], LogSettings(), MachineSettings())
        seconds = [time.second for time in told["timestamp"].to_pylist()]
        found = zip(
            *(told[name].to_pylist() for name in ("user_id", "item_id")),
            seconds,
            told["event_id"].to_pylist(),
            told["text"].to_pylist(),
            strict=True,
        )
        assert sorted(found) == sorted((user, item, int(time[-2:]), event, text) for user, item, time, event, text in lines)


def test_visits_at_other_times_are_read_back_from_their_rates(small_log: SmallLog) -> None:
    visits, seconds = small_log.visits, small_log.totals.seconds
    counts = count_visits(visits, seconds)
    base_rates = rate_visits(visits, counts, small_log.totals, EvidenceSettings(), None)
    chosen = np.arange(0, len(visits), 2)
    assert elsewhen_of(base_rates, visits, chosen, seconds).tolist() == counts.elsewhen[chosen].tolist()


def visits_of(**wrong: Any) -> RecordedVisits:
    right = RecordedVisits(
        key=np.array([0, 0, 1]),
        user=np.array([0, 1, 1], np.int32),
        second=np.array([5, 9, 2], np.int32),
        told=np.ones(3, np.bool_),
        user_visits=np.array([1, 2, 2]),
        near=np.ones(3, np.int32),
        elsewhen=np.zeros(3, np.int32),
        draw=np.full(3, -1, np.int32),
        public=np.zeros(3, np.float32),
        log_hours=np.zeros(3, np.float32),
        keys=2,
        users=2,
    )
    return replace(right, **wrong)


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        ({"key": np.array([-1, 0, 1])}, "key must be at least 0"),
        ({"keys": 1}, "key must be at most 0"),
        ({"user": np.array([0, 1, 2], np.int32)}, "user must be at most 1"),
        ({"second": np.array([5, -9, 2], np.int32)}, "second must be at least 0"),
        ({"near": np.zeros(3, np.int32)}, "near must be at least 1"),
        ({"elsewhen": np.zeros(2, np.int32)}, "elsewhen must"),
        ({"told": np.ones(3, np.int8)}, "told must be bool"),
        ({"user_visits": np.array([1, 0, 2])}, "user_visits must be at least 1"),
        ({"second": np.array([9, 5, 2], np.int32)}, "visits must be sorted by key and time"),
        ({"key": np.array([1, 0, 1])}, "visits must be sorted by key and time"),
    ],
)
def test_recorded_visits_refuse_what_does_not_fit(wrong: dict[str, Any], found: str) -> None:
    assert len(visits_of()) == 3
    with pytest.raises(ValueError, match=found):
        visits_of(**wrong)


@pytest.fixture(scope="module")
def small_log(few_events: LoggedRun) -> SmallLog:
    recorded = Recorded(few_events.run)
    return cut_small_log(recorded, recorded.members_of(few_events.run.rings["ring_id"][0].as_py()))


@pytest.mark.parametrize("name", ["members", "rows", "second", "told", "known", "key_ids"])
def test_a_small_log_refuses_arrays_of_another(small_log: SmallLog, name: str) -> None:
    array = vars(small_log)[name]
    if name != "members":  # as many as there are
        with pytest.raises(ValueError, match=f"{name} must"):
            replace(small_log, **{name: array[:-1]})
    with pytest.raises(ValueError, match=f"{name} must"):
        replace(small_log, **{name: array.astype(np.float32)})


def test_a_small_log_refuses_members_in_disorder_unknown_visits_and_counts_of_others(small_log: SmallLog) -> None:
    with pytest.raises(ValueError, match="members must be sorted, each once"):
        replace(small_log, members=small_log.members[::-1].copy())
    view = small_log.visits.views[0].name
    with pytest.raises(ValueError, match=f"made of {view} must be at most {len(small_log.visits) - 1}"):
        replace(small_log, made={**small_log.made, view: np.full(len(small_log.events), len(small_log.visits))})
    with pytest.raises(ValueError, match="counts and base rates must be those of"):
        replace(small_log, counts=replace(small_log.counts, own=small_log.counts.own[:-1]))


def test_tables_that_do_not_fit_are_refused(few_events: LoggedRun) -> None:
    run = few_events.run
    assert run.visits is not None
    place = run.visits.column_names.index("near")
    visits = run.visits.set_column(place, "near", pa.array(np.zeros(run.visits.num_rows, np.int32)))
    with pytest.raises(ValueError, match="visits: near must lie in \\[1, inf\\] \\(found 0\\)"):
        Recorded(type(run)(run.meta, {**run.tables, "visits": visits}))
