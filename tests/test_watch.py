"""The watch: each event counts once, whatever is killed or comes twice, and rings are those of a run on the same window."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from shutil import rmtree

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from watch_parts import NOON, Heard, add_up, event, fill, history, small_disk, watch_of

from graphdet.answering.questions import Scores
from graphdet.answering.score_file import NAME
from graphdet.cases.casebook import Casebook
from graphdet.drift.measuring import load_days
from graphdet.errors import AmbiguousColumn, MissingColumn, UnreadableFile, WatchError
from graphdet.events import read_events
from graphdet.pipeline import detect_in
from graphdet.progress import Progress
from graphdet.run.folder import Run
from graphdet.signals import measure_log
from graphdet.simulate import preset, simulate
from graphdet.simulate.writing import log_table
from graphdet.watch import folder_source, watching
from graphdet.watch.folder_source import FolderSource
from graphdet.watch.segments import DAY, MANY, read_rows
from graphdet.watch.spending import Kind, allowance
from graphdet.watch.state import ASIDE, RUNS, SEGMENTS, open_state
from graphdet.watch.taking_looks import settings_of_look
from graphdet.watch.window import Null

DAYS = 6
KINDS: tuple[Kind, Kind] = ("look", "step look")


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
        kept = Run.load(tmp_path / "state" / RUNS / state.meta["run"])
        assert kept.rings.equals(look.run.rings) or not look.is_recorded
        assert _told(kept) == _told(look.run)
        per_day = Counter((log["timestamp"].cast(pa.int64()).to_numpy() // DAY).tolist())
        measured = {day: one.events for day, one in load_days(state.connection)}  # each when it was over
        assert measured == {day: per_day[day] for day in measured}
        assert len(measured) > 2
        assert max(measured) == int(state.meta["end"]) // DAY - 1


def hard_market() -> pa.Table:
    return log_table(simulate(preset("hard", users=500).model_copy(update={"days": 12}), 2))


def real_shopping() -> pa.Table:
    """Real events, whose times are bare dates, and twelve people who come to the same nine things on two days of them."""
    data = Path(__file__).parent / "data"
    events, items = (pq.read_table(data / f"taobao_{name}.parquet") for name in ("events", "items"))
    category = dict(zip(items["item"].to_pylist(), items["category"].to_pylist(), strict=True))
    rows = [
        {"timestamp": f"{row['date']:%Y-%m-%d}", "user_id": f"{row['user']}", "item_id": f"{row['item']}", "action": row["action"]}
        | {"category": f"{category.get(row['item'], '')}"}
        for row in events.to_pylist()
    ]
    common = rows[:: len(rows) // 9][:9]
    days = sorted({row["timestamp"] for row in rows})[-4:-2]
    rows += [one | {"timestamp": days[(place + who) % 2], "user_id": f"r{who}"} for who in range(12) for place, one in enumerate(common)]
    return pa.Table.from_pylist(rows).sort_by([("timestamp", "ascending"), ("user_id", "ascending")])


@pytest.mark.parametrize("kind", [hard_market, real_shopping])
def test_looks_are_runs_on_a_hard_market_and_on_real_shopping_too(kind: Callable[[], pa.Table], tmp_path: Path) -> None:
    log, logs, ends = kind(), tmp_path / "logs", (0.0, 0.8, 0.9, 0.97, 1.0)
    logs.mkdir()
    found, fresh = [], []
    with open_state(tmp_path / "state") as state:
        watch = watch_of(state, FolderSource(logs, 60.0))
        for part in range(len(ends) - 1):
            with (logs / "events.csv").open("ab") as file:
                file.write(as_csv(rows_of(log, ends[part], ends[part + 1]), header=not part))
            watch.step()
            look = watch.look()
            assert look is not None
            settings = settings_of_look(watch.settings)
            direct = measure_log(read_events([logs / "events.csv"], settings.log), settings)
            batch = detect_in(direct, settings, Progress(), null=Null.from_json(state.meta["null"]).rings).run
            for table in ("rings", "members", "evidence", "scores"):
                assert look.run.tables[table].equals(batch.tables[table]), (part, table)
            assert _told(Run.load(tmp_path / "state" / RUNS / state.meta["run"])) == _told(batch)
            found.append(batch.rings.num_rows)
            fresh.append(look.refresh)
    assert max(found) > 0
    assert fresh[0]


def test_a_look_that_finds_the_same_rings_records_no_run_and_tells_scores_all_the_same(log: pa.Table, tmp_path: Path) -> None:
    logs, runs = tmp_path / "logs", tmp_path / "state" / RUNS
    logs.mkdir()
    (logs / "events.csv").write_bytes(as_csv(log))

    with open_state(tmp_path / "state") as state:
        watch = watch_of(state, FolderSource(logs, 0.0), home=tmp_path / "home")
        watch.step()
        first = watch.look()
        assert first is not None
        assert first.is_recorded
        assert first.run.rings.num_rows > 2
        lives = watch.between.lives
        assert lives
        add_stranger(logs, log, 0)
        watch.step()
        second = watch.look()
        assert second is not None
        assert not second.is_recorded
        assert second.run.dossiers is None
        assert second.newest == first.run.id == state.meta["run"]
        assert state.meta["looked_digest"] == second.window.digest != first.window.digest
        assert [path.name for path in runs.iterdir()] == [first.run.id]
        assert Scores(tmp_path / "state" / NAME).node("user", "stranger0")["known"]
    with open_state(tmp_path / "state") as state:  # begun again, and what was recorded is gone
        rmtree(runs / first.run.id)
        add_stranger(logs, log, 1)
        watch = watch_of(state, FolderSource(logs, 0.0), home=tmp_path / "home")
        watch.step()
        third = watch.look()
        assert third is not None
        assert third.is_recorded
        kept = Run.load(runs / state.meta["run"])
        assert kept.id == third.newest
        assert kept.dossiers is not None
        assert all(kept.tables[name].num_rows == table.num_rows for name, table in lives.items())


def add_stranger(logs: Path, log: pa.Table, number: int) -> None:
    """Somebody comes who meets nobody."""
    last = log.slice(log.num_rows - 1).to_pylist()[0]
    row = dict.fromkeys(log.column_names) | {"timestamp": last["timestamp"], "user_id": f"stranger{number}", "item_id": f"own{number}"}
    (logs / f"stranger{number}.csv").write_bytes(as_csv(pa.Table.from_pylist([row], log.schema)))


def _told(run: Run) -> list[tuple[object, ...]]:
    return sorted(tuple(row[name] for name in ("ring_id", "tier", "explanation", "amount")) for row in run.rings.to_pylist())


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
    lines.insert(20, b"no JSON, at the beginning of a piece")
    poison.append(lines[20])
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


def test_joined_tables_and_skipped_files_may_lie_in_the_folder(tmp_path: Path) -> None:
    logs = tmp_path / "shop" / "logs"
    (logs / "old").mkdir(parents=True)
    goods = "\n".join(["item_id,category", *(f"i{number},kind{number % 2}" for number in range(6))])
    (logs / "goods.csv").write_text(goods + "\n")
    (logs / "old" / "notes.csv").write_text("who,said\nA,B\n")
    events = [f"u{number},i{number % 6},2025-03-01 10:{number:02}:00,order" for number in range(30)]
    (logs / "events.csv").write_text("\n".join(["user_id,item_id,timestamp,action", *events]) + "\n")
    settings = tmp_path / "shop" / "settings.toml"
    settings.write_text('[log]\nskip = ["logs/old/notes.csv"]\n[log.join]\n"logs/goods.csv" = "item_id"\n')
    (tmp_path / "near").symlink_to(tmp_path / "shop" / "logs")  # by another way
    watch = [sys.executable, "-c", "from graphdet.cli import main; main()", "watch", str(tmp_path / "near"), "--settings", str(settings)]
    done = subprocess.run([*watch, "--state", str(tmp_path / "state"), "--once", "--json"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    with open_state(tmp_path / "state") as state:
        assert state.counts["read"] == state.counts["accepted"] == 30
        kinds = read_rows(state.rows, state.segments)["category"].to_pylist()
    assert sorted(set(kinds)) == ["kind0", "kind1"]


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
        "1500",
    ]
    follow = [sys.executable, "-c", "from graphdet.cli import main; main()", "watch", "-", "--state", str(state), "--json"]
    sink = tmp_path / "alerts.jsonl"
    (tmp_path / "mine.toml").write_text(f"[alerts.sinks.desk]\nkind = 'file'\npath = '{sink}'\n", encoding="utf-8")
    follow += ["--settings", str(tmp_path / "mine.toml")]
    told, arrived = [], []
    stream = subprocess.run(play, check=True, capture_output=True).stdout
    for _ in range(2):
        done = subprocess.run(follow, input=stream, check=True, capture_output=True)
        told.append([json.loads(line) for line in done.stdout.splitlines()])
        arrived.append([json.loads(line)["data"] for line in sink.read_text(encoding="utf-8").splitlines()])
    events = stream.count(b"\n")
    accepted, gone, known, late = (
        sum(one[name] for one in told[turn] if one["what"] == "step")
        for turn, name in ((0, "accepted"), (0, "gone"), (1, "duplicate"), (1, "late"))
    )
    assert accepted == events == known + late
    assert 0 < gone == late  # days before the window
    assert [one["what"] for one in told[1]].count("look") == 0
    assert arrived[0]
    assert arrived[0] == arrived[1]
    assert len({one["key"] for one in arrived[0]}) == len(arrived[0])
    user = json.loads(stream.split(b"\n", 1)[0])["user_id"]
    assert user not in json.dumps(told)


@pytest.mark.parametrize("seed", range(2))
def test_killed_anywhere_no_event_is_lost_and_none_counts_twice(tmp_path: Path, seed: int) -> None:
    counts = history(tmp_path, seed, kills=3)
    assert counts["accepted"] > 20
    assert counts["duplicate"] > 0


def test_late_events_backward_sources_and_clocks(tmp_path: Path) -> None:
    """All bounds go by the events' own time: a source that goes back is taken as far as the lateness says, a clock may jump."""
    logs = tmp_path / "logs"
    logs.mkdir()
    now = [NOON]

    def write(name: str, *hours: float) -> None:
        with (logs / name).open("ab") as file:
            for hour in hours:
                moment = datetime.fromtimestamp(NOON + 3600 * hour, UTC).isoformat()
                file.write(f'{{"timestamp": "{moment}", "user_id": "u", "item_id": "i{hour}"}}\n'.encode())

    with open_state(tmp_path / "state") as state:
        watch = watch_of(state, FolderSource(logs, 60.0), 3, lateness=6 * 3_600_000_000, idle=60.0, clock=lambda: now[0])
        write("a.jsonl", -10.0, -1.0, -3.0, 30.0)  # the last is ahead of the clock by more than a day
        watch.step()
        assert (state.counts["accepted"], state.counts["ahead"]) == (3, 1)
        write("a.jsonl", -6.5, -8.0, -0.5)  # backwards: by 5.5 and by 7 hours
        watch.step()
        assert (state.counts["accepted"], state.counts["late"]) == (5, 1)
        write("b.jsonl", -20.0)  # another partition is behind: late, for the watermark is that of those who spoke before
        watch.step()
        assert state.counts["late"] == 2
        assert len(list((tmp_path / "state" / ASIDE).iterdir())) == 3
        now[0] -= 7200  # the clock is set back: what was kept stays, what comes is taken
        write("a.jsonl", 0.5)
        watch.step()
        now[0] += 3 * 86_400
        write("a.jsonl", 70.0)  # three days on: the window moves, and its old days are gone from the disk
        report = watch.step()
        assert report is not None
        assert report.gone == 7 - 1
        assert {one.rows for one in state.segments} == {1}
        assert len(list((tmp_path / "state" / SEGMENTS).iterdir())) == 1
        assert not list((tmp_path / "state" / ASIDE).iterdir())
        late, known = state.counts["late"], state.counts["duplicate"]
        write("a.jsonl", -1.0, 70.0)  # of what left the window nothing is known any more
        watch.step()
        assert (state.counts["late"], state.counts["duplicate"]) == (late + 1, known + 1)
        add_up(state)


def test_of_histories_side_by_side_none_is_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read one after another, each from its beginning, days behind the end of the one before."""
    monkeypatch.setattr(folder_source, "MOST_BYTES", 10_000)
    logs = tmp_path / "logs"
    logs.mkdir()
    for server in ("a", "b"):
        moments = (datetime.fromtimestamp(NOON - 600_000 + 3000 * number, UTC).isoformat() for number in range(180))
        lines = (f'{{"timestamp": "{moment}", "user_id": "u", "item_id": "{server}"}}\n' for moment in moments)
        (logs / f"{server}.jsonl").write_text("".join(lines))
    with open_state(tmp_path / "state") as state:
        watch = watch_of(state, FolderSource(logs, 60.0), lateness=3_600_000_000)
        turns = 0
        while watch.step() is not None:
            turns += 1
        assert turns > 2
        assert (state.counts["accepted"], state.counts["late"]) == (360, 0)


def test_a_flood_waits_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty times the usual: each step takes a bounded piece, and the next follows at once."""
    monkeypatch.setattr(folder_source, "MOST_BYTES", 10_000)
    logs = tmp_path / "logs"
    logs.mkdir()
    usual = b"".join(event(number) + b"\n" for number in range(40))
    (logs / "events.jsonl").write_bytes(usual)
    with open_state(tmp_path / "state") as state:
        watch = watch_of(state, FolderSource(logs, 60.0))
        watch.step()
        assert not watch.source.waiting
        with (logs / "events.jsonl").open("ab") as file:
            file.write(b"".join(event(number) + b"\n" for number in range(40, 2040)))
        turns = 0
        while watch.step() is not None:
            turns += 1
            assert state.counts["read"] <= 40 + 200 * turns
            assert watch.source.waiting or state.counts["read"] == 2040
        assert turns > 20
        assert state.counts["accepted"] == 2040
        watch.window()
        assert max(Counter(one.day for one in state.segments).values()) <= MANY < turns  # small ones were made one
        add_up(state)


def test_two_watches_cannot_share_a_state_and_a_damaged_one_is_refused(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "events.jsonl").write_bytes(b"".join(event(number) + b"\n" for number in range(5)))
    with open_state(tmp_path / "state") as state:
        watch_of(state, FolderSource(logs, 60.0)).step()
        with pytest.raises(WatchError, match="another watch has this state"), open_state(tmp_path / "state"):
            pass
    (tmp_path / "state" / SEGMENTS / "orphan.parquet").write_bytes(b"of a step that was killed")
    with open_state(tmp_path / "state") as state:
        assert [path.name for path in (tmp_path / "state" / SEGMENTS).iterdir()] == [one.name for one in state.segments]
    next((tmp_path / "state" / SEGMENTS).iterdir()).unlink()
    with pytest.raises(WatchError, match="missing or damaged"), open_state(tmp_path / "state"):
        pass


def test_a_log_that_is_none_and_times_that_may_be_two_are_said(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    with pytest.raises(UnreadableFile, match="no such folder"):
        FolderSource(tmp_path / "absent", 60.0)
    (logs / "a.csv").write_bytes(b"name,shoe\nx,42\n")
    with open_state(tmp_path / "state") as state, pytest.raises(MissingColumn, match="user_id"):
        watch_of(state, FolderSource(logs, 60.0)).step()
    (logs / "a.csv").write_bytes(b"user_id,item_id,timestamp\nu,i,03/04/2025 10:00\n")
    with open_state(tmp_path / "state") as state, pytest.raises(AmbiguousColumn, match="day_first"):
        watch_of(state, FolderSource(logs, 60.0)).step()


def test_a_folder_that_goes_and_comes_back_is_told_once_and_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    logs, away = tmp_path / "logs", tmp_path / "away"
    logs.mkdir()
    (logs / "events.jsonl").write_bytes(event(0) + b"\n")
    with open_state(tmp_path / "state") as state:
        watch = watch_of(state, FolderSource(logs, 60.0))
        watch.step()
        logs.rename(away)
        for _ in range(3):
            assert watch.step() is None
        assert isinstance(watch.witness, Heard)
        assert watch.witness.hindrances == [f"{logs}: the folder is gone."]
        assert watch.figures["source_up"] == 0.0
        with (away / "events.jsonl").open("ab") as file:
            file.write(event(1) + b"\n")
        away.rename(logs)
        watch.step()
        assert (state.counts["read"], watch.figures["source_up"]) == (2, 1.0)
        logs.rename(away)
        monkeypatch.setattr(watching, "GIVEN_UP", 0.0)
        with pytest.raises(WatchError, match=r"the folder is gone\. Not all was read"):
            watch.run(once=True)
        assert state.meta["look"] == "1"


def test_a_file_is_known_by_its_inode_and_its_first_bytes_and_goes_on_under_any_name(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    path = logs / "events.jsonl"
    path.write_bytes(b"".join(event(number) + b"\n" for number in range(10)))
    with open_state(tmp_path / "state") as state:
        watch = watch_of(state, FolderSource(logs, 60.0))
        watch.step()
        inode = path.stat().st_ino
        path.write_bytes(b"".join(event(number) + b"\n" for number in range(100, 130)))  # another log, longer than the one before
        assert path.stat().st_ino == inode
        watch.step()
        assert (state.counts["read"], state.counts["accepted"]) == (40, 40)
        path.rename(logs / "kept.bak")  # who writes it has it open
        with (logs / "kept.bak").open("ab") as file:
            file.write(event(130) + b"\n")
        (logs / "other.bak").write_bytes(event(131) + b"\n")  # no log by its name
        watch.step()
        assert (state.counts["read"], state.counts["accepted"]) == (41, 41)


def test_what_two_files_of_one_step_hold_counts_once_and_a_watermark_never_goes_back(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    for name in ("a.jsonl", "b.jsonl"):
        (logs / name).write_bytes(b"".join(event(number) + b"\n" for number in (3, 4, 9)))
    with open_state(tmp_path / "state") as state:
        watch = watch_of(state, FolderSource(logs, 60.0))
        watch.step()
        assert (state.counts["read"], state.counts["accepted"], state.counts["duplicate"]) == (6, 3, 3)
        before = dict(state.watermarks)
        assert {mark for mark, _ in before.values()} == {state.end}
        with (logs / "a.jsonl").open("ab") as file:
            file.write(event(5) + b"\n")
        watch.step()
        assert state.counts["accepted"] == 4
        assert state.watermarks == before
        add_up(state)


def test_what_is_read_whole_waits_until_nobody_writes_to_it_any_more(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    path = logs / "events.jsonl.gz"
    path.write_bytes(gzip.compress(event(0) + b"\n"))
    now = path.stat().st_mtime
    with open_state(tmp_path / "state") as state:
        watch = watch_of(state, FolderSource(logs, 60.0), clock=lambda: now + 0.5)
        assert watch.step() is None
        assert watch.source.waiting
        watch.clock = lambda: now + 2.0
        watch.step()
        assert state.counts["accepted"] == 1


def test_the_allowed_false_discovery_of_a_day_is_spent_once() -> None:
    """However many looks are taken, and whenever: those of a day spend half of it together, its refresh the other half."""
    chance = random.Random(3)  # noqa: S311
    for _ in range(20):
        ends = sorted(chance.randrange(DAY) for _ in range(chance.randrange(1, 400)))
        spent = [sum(allowance(0.05, end, before, kind) for before, end in pairwise([0, *ends, DAY])) for kind in KINDS]
        assert allowance(0.05, 0, None, "refresh") + sum(spent) == pytest.approx(0.05)
    assert allowance(0.05, 9 * DAY, DAY, "look") == pytest.approx(0.0125)  # after a pause no more than a day's


def test_the_casebook_applies_as_it_is_written_to(log: pa.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A verdict and a discount of somebody else's make a look due, and hold from it on; what is decided is told to nobody."""
    logs, home = tmp_path / "logs", tmp_path / "home"
    logs.mkdir()
    (logs / "events.csv").write_bytes(as_csv(rows_of(log, 0.0, 1.0)))
    with open_state(tmp_path / "state") as state:
        watch = watch_of(state, FolderSource(logs, 0.0), home=home)
        watch.step()
        look = watch.look()
        assert look is not None
        assert set(look.cases) == set(look.step.line_of.values())
        told = {alert.line for alert in watch.witness.alerts}  # type: ignore[attr-defined]
        assert told
        assert all(alert.case == look.cases[alert.line] for alert in watch.witness.alerts)  # type: ignore[attr-defined]
        assert not watch.is_due()
        line = min(told)
        with Casebook(home) as book:
            book.decide(look.cases[line], "innocent")
        assert watch.is_due()
        look = watch.look()
        assert look is not None
        assert look.is_recorded  # with the verdict in it
        assert line in look.hidden
        assert line not in look.lines
        assert not watch.is_due()
        item = next(row["node_id"] for row in look.run.members.to_pylist() if row["node_type"] == "item")
        with Casebook(home) as book:
            book.discount("item", item, "a campaign of ours")
        look = watch.look()
        assert look is not None
        assert look.refresh  # the null is made anew without the key
        assert item not in look.run.members["node_id"].to_pylist()
        assert len(list((tmp_path / "state" / RUNS).iterdir())) <= 3
        told_of = look.run.meta["suppressions"]
        monkeypatch.delattr("graphdet.cases.suppressed_run.detect")  # what a discount cost is measured once a day
        add_stranger(logs, log, 0)
        watch.step()
        look = watch.look()
        assert look is not None
        assert not look.refresh
        assert look.run.meta["suppressions"] == told_of


def test_on_a_full_disk_nothing_is_lost_and_it_goes_on_when_there_is_room(tmp_path: Path) -> None:
    place, logs = tmp_path / "small", tmp_path / "logs"
    logs.mkdir()
    with small_disk(place, 1 << 20) as fills:
        if not fills:
            pytest.skip("mounting a small file system needs root")
        with open_state(place / "state") as state:
            watch = watch_of(state, FolderSource(logs, 60.0))
            for part, room in enumerate((0, 4096, 8192, 20_000, 30_000, 60_000)):
                with (logs / "events.jsonl").open("ab") as file:
                    file.write(b"".join(event(number) + b"\n" for number in range(20 * part, 20 * part + 20)))
                fill(place, room)
                before, refused = dict(state.counts), ""
                try:
                    watch.step()
                except WatchError as error:
                    refused = str(error)
                (place / "filler").unlink()
                if refused:
                    assert "full" in refused
                    assert state.counts == before
                    add_up(state)
                    watch.step()
                assert state.counts["accepted"] == 20 * part + 20
        with open_state(place / "state") as state:
            add_up(state)
            assert state.events == 120


@pytest.mark.parametrize("room", [0, 20_000, 100_000])
def test_a_look_for_which_the_disk_has_no_room_is_taken_again(
    log: pa.Table, room: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the run, the state or neither could be written: the watch says so and goes on, and each alert is told of once."""
    monkeypatch.setattr(watching, "PATIENCE", 0.01)
    place, logs = tmp_path / "small", tmp_path / "logs"
    logs.mkdir()
    (logs / "events.csv").write_bytes(as_csv(rows_of(log, 0.0, 0.9)))
    with small_disk(place, 8 << 20) as fills:
        if not fills:
            pytest.skip("mounting a small file system needs root")
        with open_state(place / "state") as state:

            class Ending(FolderSource):
                ended = property(lambda _: state.meta["look"] != "0")  # type: ignore[assignment]

            class Cleaning(Heard):
                def hindered(self, why: str) -> None:
                    super().hindered(why)
                    (place / "filler").unlink()

            watch = watch_of(state, Ending(logs, 60.0))
            watch.witness = witness = Cleaning()
            while watch.step() is not None:
                pass
            fill(place, room)
            watch.run(once=False)
            assert ["full" in why for why in witness.hindrances] == [True]
            assert len(witness.looks) == 1
            assert [one.key for one in witness.alerts] == [
                key for (key,) in state.connection.execute("SELECT key FROM outbox ORDER BY number")
            ]
            assert witness.alerts
            assert Run.load(place / "state" / RUNS / state.meta["run"]).rings.equals(witness.looks[0].run.rings)
