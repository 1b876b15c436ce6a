"""The watch: each event counts once, whatever is killed or comes twice, and rings are those of a run on the same window."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pytest

from graphdet.alerts.alert import Alert
from graphdet.events import read_events
from graphdet.pipeline import detect_in
from graphdet.progress import Progress
from graphdet.run.folder import Run
from graphdet.settings import Settings
from graphdet.signals import measure_log
from graphdet.simulate import preset, simulate
from graphdet.simulate.writing import log_table
from graphdet.watch.chunks import Source
from graphdet.watch.folder_source import FolderSource
from graphdet.watch.segments import DAY, read_rows
from graphdet.watch.state import RUNS, SEGMENTS, State, open_state
from graphdet.watch.stepping import Bounds, StepReport
from graphdet.watch.taking_looks import Look, Null, settings_of_look
from graphdet.watch.watching import Watch

DAYS = 6
NOON = datetime(2025, 3, 20, 12, tzinfo=UTC).timestamp()


@dataclass
class Heard:
    """What a watch told."""

    steps: list[StepReport] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)

    def stepped(self, report: StepReport, figures: Mapping[str, float]) -> None:
        self.steps.append(report)

    def looked(self, look: Look, alerts: Sequence[Alert], figures: Mapping[str, float]) -> None:
        self.looks.append(look)
        self.alerts += alerts

    def hindered(self, why: str) -> None:
        raise AssertionError(why)


def quick() -> Settings:
    settings = Settings()
    none, few = {"least_rings": 0}, {"permutations": 4}
    return settings.model_copy(update={"gnn": settings.gnn.model_copy(update=none), "rings": settings.rings.model_copy(update=few)})


def watch_of(state: State, source: Source, days: int = 30, **bounds: Any) -> Watch:
    heard = Heard()
    return Watch(state, source, quick(), Bounds(days, **bounds), 0.01, DAY // 24, None, heard, clock=lambda: NOON)


@pytest.fixture(scope="module")
def log() -> pa.Table:
    settings = preset("easy", users=600)
    rings = settings.rings.model_copy(update={"count": 6 * settings.rings.count})
    return log_table(simulate(settings.model_copy(update={"days": DAYS, "rings": rings, "start": "2025-03-01"}), 5))


def rows_of(log: pa.Table, low: float, high: float) -> pa.Table:
    return log.slice(int(low * log.num_rows), int(high * log.num_rows) - int(low * log.num_rows))


def as_csv(log: pa.Table, *, header: bool = True) -> bytes:
    out = io.BytesIO()
    pa_csv.write_csv(log, out, pa_csv.WriteOptions(include_header=header))
    return out.getvalue()


def add_up(state: State) -> None:
    """read = accepted + rejected + duplicates, and what was accepted lies in the window or has left it."""
    counts = state.counts
    assert counts["read"] == counts["accepted"] + counts["rejected"] + counts["duplicate"]
    assert state.events == read_rows(state.rows, state.segments).num_rows


def finished(folder: Path) -> None:
    """Nobody has written to these files for a while."""
    for path in folder.rglob("*"):
        os.utime(path, (NOON - 3600, NOON - 3600))


def test_after_each_look_rings_are_those_of_a_run_on_the_same_window_and_null(log: pa.Table, tmp_path: Path) -> None:
    logs, days, ends = tmp_path / "logs", 4, (0.0, 0.5, 0.75, 0.97, 1.0)
    logs.mkdir()
    found, fresh = 0, []
    with open_state(tmp_path / "state") as state:
        watch = watch_of(state, FolderSource(logs, 60.0), days=days)
        for part in range(len(ends) - 1):
            with (logs / "events.csv").open("ab") as file:
                file.write(as_csv(rows_of(log, ends[part], ends[part + 1]), header=not part))
            watch.step()
            add_up(state)
            look = watch.look()
            assert look is not None
            assert watch.look() is None  # nothing has changed since
            first = int(state.meta["end"]) // DAY - days + 1
            settings = settings_of_look(watch.settings)
            since = datetime.fromtimestamp(first * DAY / 1e6, UTC).isoformat()
            direct = measure_log(read_events([logs / "events.csv"], settings.log.model_copy(update={"since": since})), settings)
            own = detect_in(direct, settings, Progress())
            null = Null.from_json(state.meta["null"])
            batch = own if look.refresh else detect_in(direct, settings, Progress(), null=null.rings)
            for table in ("rings", "members", "evidence", "scores"):
                assert look.run.tables[table].equals(batch.run.tables[table]), (part, table)
            assert not look.refresh or (null.events, null.rings.strengths.tolist()) == (len(direct.events), own.null.strengths.tolist())
            found += look.run.rings.num_rows
            fresh.append(look.refresh)
        assert found > 4
        assert len(set(fresh)) == 2
        assert state.counts["accepted"] == log.num_rows
        assert min(one.day for one in state.segments) == first
        assert {path.name for path in (tmp_path / "state" / SEGMENTS).iterdir()} == {one.name for one in state.segments}
        assert Run.load(tmp_path / "state" / RUNS / state.meta["run"]).rings.equals(look.run.rings)


def test_a_file_that_grows_is_read_line_by_line_and_a_rotated_one_goes_on_under_its_new_name(log: pa.Table, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    text = as_csv(rows_of(log, 0.0, 0.1))
    lines = text.splitlines(keepends=True)
    current = logs / "events.csv"
    with open_state(tmp_path / "state") as state:
        watch = watch_of(state, FolderSource(logs, 60.0))
        current.write_bytes(b"".join(lines[:50]) + lines[50][:30])  # the last line is partial
        watch.step()
        assert state.counts["read"] == 49
        current.rename(logs / "events.csv.1")
        with (logs / "events.csv.1").open("ab") as file:  # whoever writes to it has it open still
            file.write(lines[50][30:] + b"".join(lines[51:80]))
        current.write_bytes(lines[0] + b"".join(lines[80:200]))
        watch.step()
        assert state.counts["read"] == state.counts["accepted"] == 199
        current.write_bytes(lines[0] + b"".join(lines[200:230]))  # emptied and begun anew, under its own inode
        late = logs / "before.jsonl"
        late.write_bytes(b'{"user_id": "u", "item_id": "i", "timestamp": "2025-03-01T00:00:00Z", "action": "view"}')  # without a line end
        watch.step()
        assert state.counts["read"] == 229
        finished(logs)
        watch.step()
        assert state.counts["read"] == state.counts["accepted"] == 230
        add_up(state)
        assert watch.step() is None


def test_whatever_comes_again_counts_once(log: pa.Table, tmp_path: Path) -> None:
    """By event id; where there is none, by all that the row says, as `graphdet run` counts."""
    logs = tmp_path / "logs"
    logs.mkdir()
    bare = rows_of(log, 0.0, 0.1).drop_columns(["event_id"])
    doubled = pa.concat_tables([bare, bare.slice(0, 40)])
    for named, table in (("ids", rows_of(log, 0.0, 0.1)), ("bare", doubled)):
        with open_state(tmp_path / named) as state:
            folder = logs / named
            folder.mkdir()
            watch = watch_of(state, FolderSource(folder, 60.0))
            for part, (low, high) in enumerate(((0.0, 0.6), (0.4, 1.0), (0.0, 1.0))):
                (folder / f"{part}.csv").write_bytes(as_csv(rows_of(table, low, high)))
                watch.step()
            (folder / "again.jsonl").write_bytes(
                b"".join(json.dumps(row, default=str).encode() + b"\n" for row in table.slice(0, 30).to_pylist())
            )
            watch.step()
            batch = read_events([folder])
            assert state.counts["read"] == batch.report.read
            if named == "ids":
                assert state.counts["accepted"] == len(batch) == table.num_rows
            else:  # a JSON row says more than a CSV row: columns that are not ours may differ in their writing
                assert state.counts["accepted"] == len(read_events([folder / "2.csv"])) + state.counts["accepted"] - bare.num_rows
            add_up(state)


@pytest.mark.parametrize("step", [20, 1000])
def test_a_poison_message_is_rejected_and_told_alone(log: pa.Table, tmp_path: Path, step: int) -> None:
    rows = rows_of(log, 0.0, 0.03).select(["event_id", "timestamp", "user_id", "item_id", "device_id", "action"]).to_pylist()
    lines = [json.dumps(row, default=str).encode() for row in rows]
    poison = [
        b"\xff\xfe\x00nonsense",
        b"[" * 5000,
        b"{" + b'"a":{' * 2000,
        b'{"user_id": {"x": [1]}}',
        b"null",
        b'{"timestamp": "yesterday"}',
        b"",
    ]
    for place, one in enumerate(poison):
        lines.insert(30 + 5 * place, one)
    logs = tmp_path / "logs"
    logs.mkdir()
    with open_state(tmp_path / "state") as state:
        watch = watch_of(state, FolderSource(logs, 60.0))
        for first in range(0, len(lines), step):
            with (logs / "events.jsonl").open("ab") as file:
                file.write(b"\n".join(lines[first : first + step]) + b"\n")
            watch.step()
        assert state.counts["accepted"] == len(rows)
        assert state.counts["rejected"] == len(poison) - 1  # an empty line is no record
        add_up(state)


def test_a_made_market_plays_into_a_watch(tmp_path: Path) -> None:
    """What docs/watch.md begins with; a second one on the same stream knows it all, and tells nobody again."""
    state = tmp_path / "state"
    play = [
        sys.executable,
        "-c",
        "from graphdet.cli import main; main()",
        "simulate",
        "--stream",
        "--hours",
        "0",
        "--preset",
        "easy",
        "--users",
        "600",
    ]
    follow = [sys.executable, "-c", "from graphdet.cli import main; main()", "watch", "-", "--state", str(state), "--json"]
    told = []
    stream = subprocess.run(play, check=True, capture_output=True).stdout
    for _ in range(2):
        done = subprocess.run(follow, input=stream, check=True, capture_output=True)
        told.append([json.loads(line) for line in done.stdout.splitlines()])
    events = stream.count(b"\n")
    accepted, gone, known, late = (
        sum(one[name] for one in told[turn] if one["what"] == "step")
        for turn, name in ((0, "accepted"), (0, "gone"), (1, "duplicate"), (1, "late"))
    )
    assert accepted == events == known + late
    assert 0 < gone == late  # days before the window
    assert [one["what"] for one in told[1]].count("look") == 0
    user = json.loads(stream.split(b"\n", 1)[0])["user_id"]
    assert user not in json.dumps(told)
