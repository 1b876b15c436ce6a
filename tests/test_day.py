"""A day in one command: files count once, the window is kept and no more, cases are carried on, and what was killed is gone on with."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
import rich.console
from case_runs import MadeRing, made_run
from commands import Command, one_line

from graphdet.cases.casebook import Casebook
from graphdet.cases.following import follow_lineage
from graphdet.errors import CaseError, EmptyLog, SettingsError
from graphdet.events import read_events
from graphdet.pipeline import detect
from graphdet.progress import Progress
from graphdet.run.folder import Run
from graphdet.schema.wording import Language
from graphdet.settings import Settings
from graphdet.simulate import preset, simulate
from graphdet.simulate.writing import log_table
from graphdet.terminal.day_screen import show_day
from graphdet.week import working_day
from graphdet.week.home import MARK, RUNS, hold_home
from graphdet.week.kept_log import COPY, KeptLog, load_kept
from graphdet.week.news import News, tell_news, waits
from graphdet.week.queueing import make_queue
from graphdet.week.working_day import Day, Intake, work_day

DAY = 24 * 60 * 60 * 1_000_000
DAYS = 16


def quick() -> Settings:
    settings = Settings()
    none, few = {"least_rings": 0}, {"permutations": 4}
    return settings.model_copy(update={"gnn": settings.gnn.model_copy(update=none), "rings": settings.rings.model_copy(update=few)})


@pytest.fixture(scope="module")
def daily(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a made market's log, a file a day."""
    folder = tmp_path_factory.mktemp("daily")
    settings = preset("demo", users=1200)
    rings = settings.rings.model_copy(update={"count": 40.0})
    market = simulate(settings.model_copy(update={"days": DAYS, "rings": rings}), 11)
    table = log_table(market)
    day_of = pc.divide(pc.subtract(table["timestamp"].cast(pa.int64()), market.start), DAY)
    for day in range(DAYS):
        pa_csv.write_csv(table.filter(pc.equal(day_of, day)), folder / f"{day:02}.csv")
    return folder


def work(home: Path, *logs: Path, keep: float = 10.0, runs: int = 30, settings: Settings | None = None) -> Day:
    with work_day(home, logs, settings or quick(), timedelta(days=keep), runs, Progress()) as day:
        return day


def days(folder: Path, *numbers: int) -> list[Path]:
    return [folder / f"{number:02}.csv" for number in numbers]


def test_it_finds_what_a_run_on_the_same_window_finds(daily: Path, tmp_path: Path) -> None:
    work(tmp_path / "home", *days(daily, *range(6)))
    done = work(tmp_path / "home", *days(daily, *range(5, 14)))
    assert (done.intake.known, len(done.intake.files)) == (1, 8)
    assert done.run is not None
    found = Run.load(done.run)
    kept = load_kept(tmp_path / "home")
    assert kept.end is not None
    settings = quick()
    since = datetime.fromtimestamp(kept.end / 1e6, UTC) - timedelta(days=10)
    log = settings.log.model_copy(update={"since": since.isoformat()})
    direct = detect(read_events(days(daily, *range(14)), log), settings)
    assert found.rings.num_rows > 3
    assert found.rings.equals(direct.rings)
    assert found.members.equals(direct.members)
    assert found.evidence.equals(direct.evidence)
    assert {one.case.ring_id for one in done.news.cases if one.case.state == "open"} == set(found.rings["ring_id"].to_pylist())


def test_each_row_counts_once_and_quantities_stay(tmp_path: Path) -> None:
    def export(name: str, *rows: str) -> Path:
        path = tmp_path / name
        path.write_text("user_id,item_id,timestamp,line\n" + "".join(f"{row}\n" for row in rows), encoding="utf-8")
        return path

    monday = ["ann,soap,2026-03-02 10:00:00,1", "ann,soap,2026-03-02 10:00:00,2", "bob,soap,2026-03-02 11:00:00,1"]
    home = tmp_path / "home"
    first = work(home, export("monday.csv", *monday))
    assert first.intake.rows == 3
    again = work(home, export("copy-of-monday.csv", *monday))
    assert (again.intake.known, again.intake.rows, again.run) == (1, 0, None)
    grown = work(home, export("so-far.csv", *monday, "bob,soap,2026-03-03 09:00:00,1", "ann,soap,2026-03-02 10:00:00,3"))
    assert (grown.intake.rows, grown.intake.all_rows) == (2, 5)
    late = work(
        home, export("late.csv", "cid,soap,2026-03-02 12:00:00,1", "cid,soap,2026-01-02 12:00:00,1", "cid,soap,2100-01-01 00:00:00,1")
    )
    assert (late.intake.rows, late.intake.late, late.intake.ahead) == (1, 1, 1)
    assert sorted(load_kept(home).rows[COPY].to_pylist()) == [1, 1, 1, 1, 2, 3]


def test_what_left_the_window_is_gone(daily: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    work(home, *days(daily, 0, 1))
    early = set(load_kept(home).rows["user_id"].to_pylist())
    done = work(home, *days(daily, 12), keep=3)
    assert done.intake.gone > 0
    kept = load_kept(home).rows
    late = set(pa_csv.read_csv(daily / "12.csv")["user_id"].to_pylist())
    assert set(kept["user_id"].to_pylist()) == late
    raw = (home / "log.parquet").read_bytes()
    assert not [user for user in sorted(early - late) if user.encode() in raw]


def test_the_same_days_give_the_same_bytes(daily: Path, tmp_path: Path) -> None:
    homes = [tmp_path / "one", tmp_path / "two"]
    work(homes[0], *days(daily, 0, 1, 2, 3))
    work(homes[0], *days(daily, 4))
    work(homes[1], *days(daily, 3, 2, 1, 0))
    work(homes[1], *days(daily, 4))
    assert (homes[0] / "log.parquet").read_bytes() == (homes[1] / "log.parquet").read_bytes()
    for path in sorted((homes[0] / RUNS).rglob("*.parquet")):
        assert path.read_bytes() == (homes[1] / path.relative_to(homes[0])).read_bytes(), path


class Killed(BaseException):
    """As a signal that cannot be caught ends a process, as far as files are concerned."""


STEPS = ["KeptLog.save", "run_suppressed", "Run.save", "Casebook.take_in", "write_mark", "remove_runs"]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_anywhere_the_next_day_goes_on(
    step: str, after: bool, daily: Path, whole: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    work(home, *days(daily, *range(4)))
    owner, _, name = step.rpartition(".")
    holder = {"": working_day, "KeptLog": KeptLog, "Run": Run, "Casebook": Casebook}[owner]
    real = getattr(holder, name)

    def killed(*arguments: object, **named: object) -> object:
        if after:
            real(*arguments, **named)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(holder, name, killed)
        with pytest.raises(Killed):
            work(home, *days(daily, 4, 5))
    told = work(home, *days(daily, 4, 5))
    assert as_it_is(home) == whole
    if step not in ("remove_runs",) and (step, after) != ("write_mark", True):
        assert told.news.cases  # nothing is lost that was not told


def as_it_is(home: Path) -> str:
    """All that a home knows but for times."""
    with Casebook(home) as book:
        assert book.verify().faults == ()
        cases = [{name: value for name, value in vars(case).items() if name not in ("opened", "seen", "changed")} for case in book.cases()]
    runs = sorted(path.name for path in (home / RUNS).iterdir())
    state = json.loads((home / MARK).read_text())["state"]
    return json.dumps([cases, runs, state, sorted(load_kept(home).taken)])


@pytest.fixture(scope="module")
def whole(daily: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What a home holds after days that nothing disturbed."""
    home = tmp_path_factory.mktemp("whole") / "home"
    work(home, *days(daily, *range(4)))
    work(home, *days(daily, 4, 5))
    return as_it_is(home)


def test_runs_are_pruned_but_not_those_that_cases_rest_on(daily: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    for number in range(6, 11):
        work(home, *days(daily, *range(number)), keep=3, runs=1)
    with Casebook(home) as book:
        rested = {case.run_id for case in book.cases()} | {book.runs()[-1].run_id}
        assert len(book.runs()) == 5
    there = {Run.load(path).id for path in (home / RUNS).iterdir()}
    assert there == rested
    (home / RUNS / "mine").mkdir()
    work(home, *days(daily, 12), keep=3, runs=1)
    assert (home / RUNS / "mine").is_dir()


def test_a_discount_or_another_setting_makes_a_run_anew(daily: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    work(home, *days(daily, *range(3)))
    assert work(home).run is None
    assert work(home, settings=quick().model_copy(update={"seed": 9})).run is not None
    with Casebook(home) as book:
        user = book.users_of(book.cases()[0])[0]
        book.discount("user", user, "a tester")
    done = work(home, settings=quick().model_copy(update={"seed": 9}))
    assert done.run is not None
    assert user not in Run.load(done.run).members["node_id"].to_pylist()
    assert user in load_kept(home).rows["user_id"].to_pylist()


def test_it_fails_in_one_line_and_changes_nothing(daily: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    with pytest.raises(EmptyLog, match="no event was taken in yet"):
        work(home)
    work(home, *days(daily, 0))
    before = (home / "log.parquet").read_bytes()
    bad = tmp_path / "bad.csv"
    bad.write_text("user_id,item_id,timestamp\nann,soap,yesterday or so\n", encoding="utf-8")
    with pytest.raises(EmptyLog, match="no event in it"):
        work(home, bad)
    untimed = tmp_path / "untimed.csv"
    untimed.write_text("user_id,item_id\nann,soap\n", encoding="utf-8")
    with pytest.raises(EmptyLog, match="no times"):
        work(home, untimed)
    spanned = quick().model_copy(update={"log": quick().log.model_copy(update={"since": "2025-01-01"})})
    with pytest.raises(SettingsError, match="--keep"):
        work(home, settings=spanned)
    assert (home / "log.parquet").read_bytes() == before
    pq.write_table(pa.table({"user_id": ["ann"]}), home / "log.parquet")
    with pytest.raises(CaseError, match="is no log that `graphdet day` kept"):
        work(home)


def test_the_command_is_fit_for_cron(daily: Path, tmp_path: Path, graphdet_command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop.toml").write_text('[log]\nignore = "office.txt"\n[gnn]\nleast_rings = 0\n', encoding="utf-8")
    (tmp_path / "office.txt").write_text("10.0.0.1\n", encoding="utf-8")
    logs = days(daily, *range(6))
    first = graphdet_command("day", "--home", "home", "--settings", "shop.toml", "-q", *logs)
    assert first.code == 3, first.err
    assert "New alerts: " in first.out
    assert "Waiting for a decision: alert" in first.out
    assert (tmp_path / "home" / "office.txt").is_file()
    same = graphdet_command("day", "--home", "home", "-q", *logs)
    assert same.code == 0
    assert "Nothing new." in same.out
    told = json.loads(graphdet_command("day", "--home", "home", "--json", "-q", *logs).out)
    assert (told["known_files"], told["run"], told["new_alerts"], told["cases"]) == (6, None, 0, [])
    assert "没有新情况" in graphdet_command("day", "--home", "home", "-q", "--lang", "zh").out
    assert "no time; write days" in one_line(graphdet_command("day", "--home", "home", "--keep", "soon"), 2)
    with hold_home(tmp_path / "home"):
        assert "another `graphdet day` is at work" in one_line(graphdet_command("day", "--home", "home", "-q"), 2)


def test_an_innocent_verdict_is_told_of_only_once_an_alert_contradicts_it(tmp_path: Path) -> None:
    """Silence while it holds, whatever its ring becomes; then a new alert, as the queue and a watch have it, and once."""

    def ring(tier: str, *more: str) -> MadeRing:
        return MadeRing(f"R-{tier}{len(more)}", ("a", "b", "c", "d", *more), tier=tier)

    def news(number: int, one: MadeRing) -> News:
        told = book.tables.last()
        assert told is not None
        book.take_in(made_run(f"run-{number}", [one]), follow_lineage)
        return tell_news(book, told.number)

    def screen(language: Language) -> str:
        console = rich.console.Console(file=io.StringIO(), width=120)
        show_day(console, Day(Intake((), 0, 0, 0, 0, 0, 0), None, told), language)
        return cast(io.StringIO, console.file).getvalue()

    with Casebook(tmp_path, "ann") as book:
        book.take_in(made_run("run-1", [ring("review")]), follow_lineage)
        book.decide("C-1", "innocent")
        for number, one in enumerate((ring("review", "e"), ring("explained", "e"), ring("review", "e", "f", "g", "h", "i")), 2):
            assert news(number, one).cases == ()
            assert not waits(book.case("C-1"))
        told = news(5, ring("alert", "e", "f", "g"))
        assert [(one.case.name, one.what, one.as_dict()["new_alert"]) for one in told.cases] == [("C-0001", "doubted", True)]
        assert (told.alerts, told.waiting) == (1, {"alert": 1})
        assert waits(book.case("C-1")), "by which a watch tells of it"
        assert [asked.case.name for asked in make_queue(book, 5).asked] == ["C-0001"]
        assert "was judged innocent" in screen("en")
        assert "New alerts: 1" in screen("en")
        assert "曾判为正常" in screen("zh")
        assert news(6, ring("alert", "e", "f", "g")).cases == ()
        book.decide("C-1", "confirmed")
        assert [one.what for one in news(7, ring("alert", "e", "f", "g", "h")).cases] == ["grew"], "more accounts are worth hearing"


def test_what_an_older_graphdet_kept_is_read(tmp_path: Path) -> None:
    """It knew fewer kinds of things."""
    (tmp_path / "log.csv").write_text(
        "user_id,item_id,timestamp,text\nann,soap,2026-03-02 10:00:00,so good\nbob,soap,2026-03-02 11:00:00,So good!\n", encoding="utf-8"
    )
    home = tmp_path / "home"
    work(home, tmp_path / "log.csv")
    now = load_kept(home)
    assert now.rows["text"].to_pylist() == ["so good", "So good!"]
    path = home / "log.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["text", "phone_id", "text_group"]), path)
    assert load_kept(home).rows.drop_columns(["text"]).equals(now.rows.drop_columns(["text"]))
