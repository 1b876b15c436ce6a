"""Step looks: a ring that shows itself between two whole looks is told of then, as the whole look finds it, and never twice."""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pytest
from watch_parts import Heard, quick, watch_of

from graphdet.alerts.alert import Alert
from graphdet.cases.casebook import Casebook
from graphdet.events import read_events
from graphdet.pipeline import Finding, find_in
from graphdet.progress import Progress
from graphdet.rings.null_search import NullRings
from graphdet.signals import measure_log
from graphdet.simulate import preset, simulate
from graphdet.simulate.writing import log_table
from graphdet.watch.folder_source import FolderSource
from graphdet.watch.segments import DAY
from graphdet.watch.state import State, open_state
from graphdet.watch.step_looks import Standing, StepLook, take_step_look
from graphdet.watch.stepping import Bounds
from graphdet.watch.taking_looks import Look
from graphdet.watch.watching import Watch
from graphdet.watch.window import Window, window_of

PARTS = 3
NEARLY = 0.8  # of the members of both: growth may end elsewhere from another core


@pytest.fixture(scope="module", params=[5, 8])
def log(request: pytest.FixtureRequest) -> pa.Table:
    settings = preset("easy", users=600)
    rings = settings.rings.model_copy(update={"count": 6 * settings.rings.count})
    market = simulate(settings.model_copy(update={"days": 6, "rings": rings, "start": "2025-03-01"}), request.param)
    return log_table(market).sort_by([("timestamp", "ascending"), ("event_id", "ascending")])


def found_in(log: Path, null: NullRings | None) -> dict[frozenset[str], str]:
    """Members → tier of each ring, as a whole look finds them."""
    settings = quick()
    found: Finding = find_in(measure_log(read_events([log], settings.log), settings), settings, Progress(), null=null)
    users = found.log.events.ids["user"]
    return {frozenset(users.take(pa.array(ring.facts.grown.members)).to_pylist()): ring.tier for ring in found.rings}


def likeness(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other)


@pytest.fixture(scope="module")
def parts(log: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> list[pa.Table]:
    """The log without the last of its day and without one ring, which comes with that, portion by portion."""
    path = tmp_path_factory.mktemp("whole") / "events.csv"
    pa_csv.write_csv(log, path)
    ring = max((members for members, tier in found_in(path, None).items() if tier == "alert"), key=len)
    time = log["timestamp"].cast(pa.int64()).to_numpy()
    begin = (int(time[-1]) // DAY * DAY + int(time[-1])) // 2
    theirs = pc.is_in(log["user_id"], pa.array(sorted(ring))).to_numpy()
    late, of_ring = np.flatnonzero((time > begin) & ~theirs), np.flatnonzero(theirs)
    portions = [np.concatenate(two) for two in zip(np.array_split(late, PARTS), np.array_split(of_ring, PARTS), strict=True)]
    return [log.filter(pa.array((time <= begin) & ~theirs)), *(log.take(pa.array(np.sort(rows))) for rows in portions)]


def begun(state: State, logs: Path, first: pa.Table, home: Path | None = None) -> Watch:
    """A watch that has taken its first look."""
    watch = watch_of(state, FolderSource(logs, 60.0), home=home, lateness=30 * DAY)
    add(watch, logs, first)
    assert watch.glance() is None  # no whole look was taken yet
    assert watch.look() is not None
    assert watch.glance() is None  # nothing came since
    return watch


def add(watch: Watch, logs: Path, rows: pa.Table) -> None:
    with (logs / "events.csv").open("ab") as file:
        pa_csv.write_csv(rows, file, pa_csv.WriteOptions(include_header=not file.tell()))
    watch.step()
    watch.rested = 0.0


def heard(watch: Watch) -> Heard:
    assert isinstance(watch.witness, Heard)
    return watch.witness


def grown(look: StepLook) -> dict[frozenset[str], str]:
    ids = set(look.rings["ring_id"].to_pylist())
    return {frozenset(line.last.members): line.last.tier for line in look.step.lines if line.last.ring_id in ids}


def test_step_by_step_what_grew_is_what_a_whole_look_finds_and_each_change_is_told_once(parts: list[pa.Table], tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    with open_state(tmp_path / "state") as state:
        watch = begun(state, logs, parts[0])
        before, looked, same, told = len(heard(watch).alerts), state.meta["looked_end"], [], set(state.meta.items())
        for part in parts[1:]:
            add(watch, logs, part)
            asked = set(watch.standing.q_values) if watch.standing else set()
            look = watch.glance()
            assert look is not None
            assert set(look.standing.q_values) == asked | set(look.rings["ring_id"].to_pylist())  # until the next whole look
            whole = found_in(logs / "events.csv", look.standing.null.rings)
            for members, tier in grown(look).items():
                nearest = max(whole, key=lambda other: likeness(members, other))
                assert likeness(members, nearest) >= NEARLY
                assert whole[nearest] == tier
                same.append(members == nearest)
            assert state.meta["looked_end"] == looked  # a whole look stays due when it was
        assert sum(same) >= NEARLY * len(same) > 2
        assert {name for name, _ in set(state.meta.items()) - told} <= {"digest", "end", "spent_end"}
        new = heard(watch).alerts[before:]
        assert "appeared" in {alert.kind for alert in new}
        assert watch.is_due()
    with open_state(tmp_path / "state") as state:  # killed between the step look and the whole one
        watch = watch_of(state, FolderSource(logs, 60.0), lateness=30 * DAY)
        assert watch.glance() is None  # what step looks go by is in memory alone
        assert watch.look() is not None
        keys = [key for (key,) in state.connection.execute("SELECT key FROM outbox")]
        assert len(set(keys)) == len(keys)
        lines = {alert.line for alert in new if alert.kind == "appeared"}
        assert not any(alert.line in lines and alert.kind == "appeared" for alert in heard(watch).alerts)
        assert {line for (line,) in state.connection.execute("SELECT line FROM outbox_told")} >= lines


def test_a_step_look_spends_only_where_it_tests_and_nothing_where_that_is_less_than_any_ring(parts: list[pa.Table], tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    with open_state(tmp_path / "state") as state:
        watch = begun(state, logs, parts[0])
        last = parts[0].slice(parts[0].num_rows - 1)
        stranger = last.set_column(last.column_names.index("user_id"), "user_id", pa.array(["stranger"]))
        add(watch, logs, stranger.set_column(last.column_names.index("event_id"), "event_id", pa.array(["own"])))
        look = watch.glance()
        assert look is not None
        assert (look.rings.num_rows, look.allowed) == (0, 0.0)
        assert "spent_end" not in state.meta
        for part in parts[1:]:
            add(watch, logs, part)
            look = watch.glance()
            assert look is not None
            assert look.allowed == 0.0 or state.meta["spent_end"] == str(look.window.end)
        assert "spent_end" in state.meta


def test_of_what_the_casebook_has_decided_no_step_look_tells(parts: list[pa.Table], tmp_path: Path) -> None:
    logs, home = tmp_path / "logs", tmp_path / "home"
    logs.mkdir()
    with open_state(tmp_path / "state") as state:
        watch = begun(state, logs, pa.concat_tables(parts[:-2]), home)
        standing = watch.standing
        assert standing is not None
        add(watch, logs, parts[-2])
        lines = window_of(state).lines
        found = take_step_look(watch.window(), watch.between.events, standing, Progress())
        assert found is not None
        members = max(grown(found), key=len)
        codes = np.flatnonzero(pc.is_in(standing.before.ids["user"], pa.array(sorted(members))).to_numpy(zero_copy_only=False))
        assert 2 * len(codes) > len(members)
        of_farm = replace(standing, farms=[codes.astype(np.int32)])
        again = take_step_look(watch.window(), watch.between.events, of_farm, Progress())
        assert again is not None
        assert grown(again) == {
            who: tier for who, tier in grown(found).items() if 2 * len(who & members) <= len(codes)
        }  # which is told is the whole look's to say
        assert again.standing.farms
        with Casebook(home) as book:
            for case in book.cases():
                book.decide(case.name, "innocent")
        assert watch.keep_glance(found) == ()  # decided while it was at work
        assert window_of(state).lines == lines
        assert watch.is_due()  # a whole look, before any step look
        assert watch.look() is not None
        assert watch.standing is not None
        hidden, before = watch.standing.hidden, len(heard(watch).alerts)
        assert hidden
        add(watch, logs, parts[-1])
        look = watch.glance()
        assert look is not None
        assert {look.step.line_of[ring] for ring in look.rings["ring_id"].to_pylist()} & hidden
        assert not hidden & {alert.line for alert in heard(watch).alerts[before:]}
        whole = watch.look()
        assert whole is not None
        told = {alert.line: alert.verdict for alert in heard(watch).alerts[before:] if alert.line in hidden}
        assert told == dict.fromkeys(whole.doubted & hidden, "innocent"), "what an alert contradicts is told, and as that"
        contradicted = [alert.line for alert in heard(watch).alerts if alert.verdict]
        assert sorted(contradicted) == sorted(whole.doubted), "once, by this look or the one before"
        with Casebook(home) as book:
            assert {case.name for case in book.cases() if case.is_doubted} == {whole.cases[line] for line in whole.doubted}
        if whole.doubted:  # one of the two markets has a ring that grew into an alert against its verdict
            tell_of_a_twin(watch, logs, pa.concat_tables(parts), whole)


def tell_of_a_twin(watch: Watch, logs: Path, log: pa.Table, whole: Look) -> None:
    """A step look at which rings whose cases were found innocent grow by one who did what a member did."""
    watch.settings = watch.settings.model_copy(
        update={"alerts": watch.settings.alerts.model_copy(update={"grew_least": 1, "grew_share": 0.0})}
    )
    before, lines = len(heard(watch).alerts), {line.name: line for line in whole.step.lines}
    for number, name in enumerate(sorted(whole.doubted)):
        ring = lines[name].last
        member = max(sorted(ring.members), key=lambda user: ring.members[user].weight)
        theirs = log.filter(pc.equal(log["user_id"], member))
        for column, told in (("user_id", f"twin {number}"), ("event_id", f"twin {number} of ")):
            own = [told if column == "user_id" else told + event for event in theirs[column].to_pylist()]
            theirs = theirs.set_column(theirs.column_names.index(column), column, pa.array(own))
        add(watch, logs, theirs)
    look = watch.glance()
    assert look is not None
    told_of = {alert.line: alert for alert in heard(watch).alerts[before:] if alert.line in whole.doubted}
    assert any("grew" in alert.changes for alert in told_of.values())
    assert {alert.verdict for alert in told_of.values()} == {"innocent"}  # as the whole look tells it
    assert {line: alert.case for line, alert in told_of.items()} == {line: whole.cases[line] for line in told_of}


class Counting(Watch):
    """A watch that counts what step looks go by, wherever it is held, whenever a look begins; not what other tests hold."""

    others: Sequence[Standing] = ()

    def standings(self) -> int:
        return sum(all(one is not other for other in self.others) for one in standings())

    def _take(self, window: Window) -> Look:
        self.figures["held"] = max(self.figures.get("held", 0.0), self.standings())
        return super()._take(window)

    def _glance_at(self, window: Window) -> StepLook | None:
        self.figures["held beside"] = max(self.figures.get("held beside", 0.0), self.standings())
        return super()._glance_at(window)


def standings() -> list[Standing]:
    gc.collect()
    return [one for one in gc.get_objects() if type(one) is Standing]  # isinstance asks objects of other libraries, which may complain


def test_what_step_looks_go_by_is_held_once_and_not_beside_a_whole_look(parts: list[pa.Table], tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()

    class Quiet(Heard):
        """Keeps no look; adds the next part of the log after each of the first looks, and says when it was enough."""

        def looked(self, look: Look, alerts: Sequence[Alert], figures: Mapping[str, float]) -> None:
            self.then()

        def glanced(self, look: StepLook, alerts: Sequence[Alert], figures: Mapping[str, float]) -> None:
            self.then()

        def then(self) -> None:
            if waiting:
                with (logs / "events.csv").open("ab") as file:
                    pa_csv.write_csv(waiting.pop(0), file, pa_csv.WriteOptions(include_header=False))
            else:
                source.over = True

    class Ending(FolderSource):
        over = False

        @property
        def ended(self) -> bool:
            return self.over

    pa_csv.write_csv(parts[0], logs / "events.csv")
    waiting, source = list(parts[1:]), Ending(logs, 60.0)
    with open_state(tmp_path / "state") as state:
        watch = Counting(state, source, quick(), Bounds(30, lateness=30 * DAY), 0.01, DAY * 10, None, Quiet())
        watch.others = standings()
        watch.run(once=False)
    assert not waiting
    assert watch.figures["step_looks_total"] == len(parts) - 1
    assert (watch.figures["held"], watch.figures["held beside"]) == (0, 1)
