"""Signals as others would write them: columns and meeting places come in by one object, and what does not fit is refused."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from planted_logs import Block, planted_log

import graphdet.signals
from graphdet.errors import BadNumbers, ModelMismatch
from graphdet.events import EventTable, Labels, read_events
from graphdet.events.table import Written
from graphdet.learning.explaining import explain_user
from graphdet.learning.from_labels import learn_labels
from graphdet.learning.labelled_inputs import read_inputs
from graphdet.learning.labelled_model import load_labelled
from graphdet.pipeline import detect
from graphdet.settings import GnnSettings, RingSettings, Settings
from graphdet.signals import SIGNALS, MadePlaces, columns_of, made_places, measure_log, message_columns, with_meeting_places
from graphdet.signals.signal import Column, Signal, names_of

QUICK = Settings(rings=RingSettings(permutations=1), gnn=GnnSettings(epochs=1, least_rings=0))
HOUR = 3_600_000_000


def morning_share(events: EventTable) -> np.ndarray:
    assert events.time is not None
    early = (events.time // HOUR % 24 < 6).astype(np.float64)
    count = np.bincount(events.codes["user"])
    return (np.bincount(events.codes["user"], weights=early) / count)[:, None].astype(np.float32)


def of_one_hour(events: EventTable) -> pa.StringArray:
    """Who acts on items with even codes meets with whoever does so in the same hour."""
    assert events.time is not None
    hours = (events.time // HOUR).tolist()
    return pa.array([f"h{hour}" if item % 2 == 0 else None for hour, item in zip(hours, events.codes["item"].tolist(), strict=True)])


COLUMN = Column("share_morning", "share of events before six", "六点前事件占比", message=18)
MORNING = Signal("morning", ("user",), (COLUMN,), lambda events, visits, rates, pairs: {"user": morning_share(events)})
SAME_HOUR = Signal("same hour", meeting_place="address", nodes=of_one_hour)


@pytest.fixture(scope="module")
def log() -> EventTable:
    ring = Block(users=tuple(range(12)), items=tuple(range(6)))
    return planted_log(np.random.default_rng(2), [ring], users=300, items=120, events=3000)[0]


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphdet.signals, "SIGNALS", (*SIGNALS, MORNING, SAME_HOUR))


def test_the_columns_are_those_of_the_signals_and_messages_keep_their_order(toys: None) -> None:
    assert names_of(columns_of("user"))[-1] == "share_morning"
    assert len(set(names_of(columns_of("user")))) == len(columns_of("user"))
    through_devices = names_of(message_columns("device"))
    assert through_devices[-1] == "share_morning"
    assert names_of(message_columns("item"))[: len(through_devices)] == through_devices
    assert through_devices[:3] == ("best_pair", "log_evidence", "pairs_6")


def test_a_meeting_place_is_made_of_the_events(toys: None, log: EventTable) -> None:
    found = with_meeting_places(log)
    names = of_one_hour(log).to_pylist()
    ids = sorted({name for name in names if name is not None})
    assert found.ids["address"].to_pylist() == ids
    assert found.codes["address"].tolist() == [-1 if name is None else ids.index(name) for name in names]
    assert with_meeting_places(found) is found, "what the log names itself stays"


def test_toys_go_through_detection_learning_and_explaining(
    toys: None, log: EventTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = detect(log, QUICK)
    assert pc.sum(pc.equal(run.scores["node_type"], "address")).as_py() == len(with_meeting_places(log).ids["address"])
    inputs = read_inputs(measure_log(log, QUICK), run, None)
    np.testing.assert_array_equal(inputs.column("share_morning"), morning_share(log)[:, 0])
    assert inputs.column("address_most_others").max() > 0
    labels = Labels(np.arange(90, dtype=np.int32), inputs.column("share_morning")[:90] > 0.25, np.arange(90))
    model, _ = learn_labels(inputs, labels, [], QUICK)
    moved = {one.column: one for one in explain_user(model, inputs, 3, most=len(inputs.names)).moved}
    assert moved["share_morning"].words == "share of events before six"
    assert moved["share_morning"].value == pytest.approx(float(inputs.column("share_morning")[3]), rel=1e-5)
    model.save(tmp_path / "model.npz")
    assert load_labelled(tmp_path / "model.npz").columns == inputs.names
    monkeypatch.setattr(graphdet.signals, "SIGNALS", SIGNALS)
    with pytest.raises(ModelMismatch, match="'share_morning'") as caught:
        load_labelled(tmp_path / "model.npz")
    assert "\n" not in str(caught.value)


def test_a_signal_that_does_not_fit_is_named(log: EventTable, monkeypatch: pytest.MonkeyPatch) -> None:
    def use(values: np.ndarray) -> None:
        toy = Signal("toy", ("user",), (COLUMN,), lambda events, visits, rates, pairs: {"user": values})
        monkeypatch.setattr(graphdet.signals, "SIGNALS", (*SIGNALS, toy))
        read_inputs(measure_log(log, QUICK), run, None)

    run = detect(log, QUICK)
    with pytest.raises(BadNumbers, match="signal 'toy' of user nodes: share_morning"):
        use(np.full((log.count("user"), 1), np.nan, np.float32))
    with pytest.raises(ValueError, match="signal 'toy' of user nodes: 1 columns are named"):
        use(np.zeros((log.count("user"), 2), np.float32))
    with pytest.raises(ValueError, match="signal 'toy': a meeting place is one of"):
        Signal("toy", meeting_place="shoe", nodes=of_one_hour)


def test_a_log_without_any_series_has_no_bursts() -> None:
    """Where nothing happens often enough to be counted, nothing is split among kinds."""
    from graphdet.signals.surveillance import false_shares

    assert false_shares([]) == []


SHEET = "the {} of this blender is quiet and strong, it makes soup in a minute and my whole family uses it every morning"


def test_where_a_log_goes_on_what_nodes_were_made_of_stands_and_what_is_new_joins_it_or_its_like(tmp_path: Path) -> None:
    """Held against the groups of the whole log, portion by portion: words exchanged, said again, said first, said by nobody else."""
    other = "arrived late and the box was open, the seller never answered and I had to send {} back at my own cost"
    said = [
        SHEET.format("motor"),
        "good",
        other.format("it"),
        "!!!",
        SHEET.format("engine"),
        "nothing like this was ever on the wall before",
    ]
    more = [SHEET.format("sound"), "Good", "??", "blue boots for a rainy day with my aunt and a dog", other.format("all")]
    last = ["blue boots for a rainy day with my uncle and a dog", SHEET.format("noise"), "!!!", "bad", None]
    texts = [*said, *more, *last]
    rows = {"event_id": [f"e{number}" for number in range(len(texts))], "user_id": [f"u{number}" for number in range(len(texts))]}
    rows |= {"item_id": ["i"] * len(texts), "timestamp": [f"2025-03-01 10:{number:02}" for number in range(len(texts))]}
    log = pa.table({**rows, "text": pa.array(texts, pa.string())})

    def read(first: int) -> EventTable:
        pq.write_table(log.slice(0, first), tmp_path / "log.parquet")
        return read_events([tmp_path / "log.parquet"])

    def groups(events: EventTable) -> set[frozenset[str]]:
        names, found = events.ids["user"].to_pylist(), defaultdict(set)
        for user, code in zip(events.codes["user"].tolist(), events.codes["text_group"].tolist(), strict=True):
            found[code].add(names[user])
        return {frozenset(users) for code, users in found.items() if code >= 0}

    known, ids = made_places(with_meeting_places(read(len(said)))), set[str]()
    for first in (len(said), len(said) + len(more), len(texts)):
        events = with_meeting_places(read(first), known)
        assert groups(events) == groups(with_meeting_places(read(first)))
        assert groups(with_meeting_places(turned(read(first)), known)) == groups(events)
        assert ids <= set(events.ids["text_group"].to_pylist())
        assert events.ids["text_group"].to_pylist() == sorted(events.ids["text_group"].to_pylist(), key=str.encode)
        known, ids = made_places(events), set(events.ids["text_group"].to_pylist())
    assert max(map(len, groups(events))) == 4


def turned(events: EventTable) -> EventTable:
    """The same, with what is written in another order."""
    written = events.written["text"]
    order = np.arange(len(written.values))[::-1]
    code = np.append(order, -1)[written.code].astype(np.int32)
    return replace(events, written={**events.written, "text": Written(written.values.take(pa.array(order)), code)})


@pytest.mark.parametrize("order", [False, True])
def test_texts_stand_where_they_were_put_before(order: bool, tmp_path: Path) -> None:
    texts = [
        SHEET.format("sound"),
        "nothing like this was ever on the wall before",
        SHEET.format("noise"),
        "sturdy, and it came on a Sunday",
    ]
    rows = {"event_id": [f"e{number}" for number in range(4)], "user_id": [f"u{number}" for number in range(4)]}
    rows |= {"item_id": ["i"] * 4, "timestamp": [f"2025-03-01 10:{number:02}" for number in range(4)], "text": texts}
    pq.write_table(pa.table(rows), tmp_path / "log.parquet")
    events = read_events([tmp_path / "log.parquet"])
    values = events.written["text"].values
    first = values.slice(0, 2)  # which are at one place, as nobody would put them now, or at none
    known = {"text_group": MadePlaces(pa.array(["together"]), first, np.array([0, 0], np.int32))}
    found = with_meeting_places(turned(events) if order else events, known)
    at = dict(zip([texts[int(user[1:])] for user in found.ids["user"].to_pylist()], found.codes["text_group"].tolist(), strict=True))
    names = found.ids["text_group"].to_pylist()
    assert [names[at[text]] for text in first.to_pylist()] == ["together", "together"]
