"""One day: new files in, the window kept, rings found, cases carried on; killed anywhere, the next day goes on from there.

Each step is whole or not at all: the kept log with what was taken in, then the run, then the casebook, then the mark that all was told.
A run that the casebook does not know is no run.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from graphdet.cases.casebook import Casebook
from graphdet.cases.entries import Clock, clock_here
from graphdet.cases.following import follow_lineage
from graphdet.cases.rows import Case
from graphdet.cases.suppressed_run import run_suppressed
from graphdet.errors import EmptyLog, SettingsError, UnreadableFile
from graphdet.events import EventTable, FileReport, read_events
from graphdet.events.files import digest
from graphdet.events.log import read_new
from graphdet.events.named_files import find_logs
from graphdet.lineage.sighting import EPOCH, in_microseconds
from graphdet.pipeline import detect
from graphdet.progress import Progress
from graphdet.run.code import code_digest
from graphdet.run.folder import Run
from graphdet.run.house_verdicts import with_verdicts
from graphdet.scratch import scratch_folder
from graphdet.settings import Settings
from graphdet.week.home import RUNS, Mark, hold_home, new_run_folder, read_mark, remove_runs, write_mark
from graphdet.week.kept_log import (
    NAME,
    KeptLog,
    TakenFile,
    kept_digest,
    load_kept,
    rows_of,
    settings_of_kept,
    settings_to_take_in,
)
from graphdet.week.news import News, tell_news

AHEAD = timedelta(days=1)  # an event later than the clock by more is a fault of its log, and would push the whole window away


@dataclass(frozen=True)
class Intake:
    """What was taken in.

    Attributes:
        files: that were new.
        known: that had been taken in before.
        rows: kept from them, and in all.
        late, ahead: rows left out since they lie before the window, or later than the clock says it is.
        gone: rows that left the window.
    """

    files: tuple[TakenFile, ...]
    known: int
    rows: int
    all_rows: int
    late: int
    ahead: int
    gone: int


@dataclass(frozen=True)
class Day:
    """What a day came to."""

    intake: Intake
    run: Path | None  # the run that was made; None where nothing had changed
    news: News
    notes: tuple[str, ...] = ()


@contextlib.contextmanager
def work_day(
    home: Path,
    logs: Sequence[Path],
    settings: Settings,
    keep: timedelta,
    most_runs: int,
    progress: Progress,
    clock: Clock = clock_here,
) -> Iterator[Day]:
    """Take files in, find rings and carry cases on; the news count as told once the block ends without an error.

    Args:
        home: folder; made where there is none.
        logs: files or folders; those that were taken in before are passed over.
        settings: how logs are read and rings found.
        keep: length of the window, which ends with the last event.
        most_runs: so many runs are kept, and those that cases rest on.
        progress: told of each stage.
        clock: tells the time.

    Raises:
        CaseError: another day is at work, or the home is damaged.
        LogError: a file cannot be read, or nothing was ever taken in.
    """
    if settings.log.since or settings.log.until:
        raise SettingsError("[log] since and until are what --keep is for; leave them out for `graphdet day`.")
    with hold_home(home), Casebook(home, clock=clock) as book:
        mark = read_mark(home)
        kept, intake = _take_files(home, logs, settings, keep, progress, clock)
        if not kept.rows.num_rows:
            raise EmptyLog(f"{home}: no event was taken in yet; name log files that have some.")
        state = _state(home, settings, book)
        made: Path | None = None
        notes: tuple[str, ...] = ()
        if state != mark.state:
            made, notes = _run(home, kept, settings, book, progress)
        yield Day(intake, made, tell_news(book, mark.told), notes)
        last = book.tables.last()
        write_mark(home, Mark(state, last.number if last else 0))
        _prune(home, book, most_runs)


def _take_files(
    home: Path, logs: Sequence[Path], settings: Settings, keep: timedelta, progress: Progress, clock: Clock
) -> tuple[KeptLog, Intake]:
    """The kept log, written with what is new and without what has left the window."""
    kept = load_kept(home)
    paths, known = _new_files(logs, kept, settings)
    before, late, ahead, added = kept, 0, 0, 0
    files: tuple[TakenFile, ...] = ()
    if paths:
        with progress.stage("read new files"):
            events = read_new(paths, settings_to_take_in(settings.log), settings.machine)
        if not len(events) and events.report.rejected.num_rows:
            first = events.report.rejected.slice(0, 1).to_pylist()[0]
            where = f"line {first['line']}, {first['column'] or 'the row'}: {first['reason']}"
            raise EmptyLog(f"{first['file']}: no event in it ({where}); `graphdet check` shows more. Nothing was taken in.")
        rows = rows_of(events)
        own = rows["timestamp"].cast("int64").to_numpy()
        now = in_microseconds(clock() + AHEAD) or 0
        ahead = int((own > now).sum())
        rows = rows.filter(own <= now) if ahead else rows
        end = max((time for time in (kept.end, int(own[own <= now].max()) if (own <= now).any() else None) if time is not None), default=0)
        start = end - round(keep / timedelta(microseconds=1))
        late = int((own < start).sum())
        files = tuple(_taken(report) for report in events.report.files if not report.catalogue)
        count = kept.rows.num_rows
        merged = kept.with_rows(rows.filter(own[own <= now] >= start) if late else rows, files)
        added = merged.rows.num_rows - count
        kept = merged
    if kept.end is not None:
        kept = kept.since(kept.end - round(keep / timedelta(microseconds=1)))
    gone = before.rows.num_rows + added - kept.rows.num_rows
    if files or gone:
        kept.save(home)
    return kept, Intake(files, known, added, kept.rows.num_rows, late, ahead, gone)


def _new_files(logs: Sequence[Path], kept: KeptLog, settings: Settings) -> tuple[list[Path], int]:
    """Files whose content was never taken in, each content once, and how many were."""
    if not logs:
        return [], 0
    with scratch_folder() as scratch:
        found = dict.fromkeys(file.whole for file in find_logs(logs, scratch, settings.log).files)
        pipe = next((path for path in found if path.is_relative_to(scratch)), None)
        if pipe is not None:
            raise UnreadableFile("`graphdet day` takes files, which it knows again, and no pipe; write what comes through it to a file.")
    new: dict[str, Path] = {}
    known = 0
    for path in found:
        told = digest(path)
        if told in kept.taken or told in new:
            known += 1
        else:
            new[told] = path
    return list(new.values()), known


def _taken(report: FileReport) -> TakenFile:
    return TakenFile(report.sha256, Path(report.path).name, report.read, report.accepted, report.rejected, report.duplicates)


def _state(home: Path, settings: Settings, book: Casebook) -> str:
    """Digest of what decides which rings are found."""
    told = [kept_digest(home), settings.decisive(), book.discounted_keys(), code_digest()]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _run(home: Path, kept: KeptLog, settings: Settings, book: Casebook, progress: Progress) -> tuple[Path, tuple[str, ...]]:
    """Find rings in the window, save the run, and carry cases on."""
    known = {book.folder_of(run).name for run in book.runs()}
    _clear_unknown(home, known)
    own = settings.model_copy(update={"log": settings_of_kept(settings.log)})

    def read(by: Settings) -> EventTable:
        with progress.stage("read the window"):
            return _named(read_events([home / NAME], by.log, by.machine))

    under = run_suppressed(book, own, read, _finder(progress), progress)
    verdicts = book.ring_verdicts()
    run = with_verdicts(under.run, verdicts) if verdicts else under.run
    assert kept.end is not None
    folder = new_run_folder(home, f"{EPOCH + timedelta(microseconds=kept.end):%Y-%m-%d}")
    run.save(folder)
    taken = book.take_in(run, follow_lineage, folder=folder, discounts=under.discounts, costs=under.costs)
    if not taken.is_new and book.folder_of(taken.run) != folder:
        remove_runs(home, {path.name for path in (home / RUNS).iterdir()} - {folder.name})  # the same run lies there already
    return book.folder_of(taken.run), tuple(run.meta["notes"])


def _clear_unknown(home: Path, known: set[str]) -> None:
    """What a day that was killed saved, and told the casebook nothing of."""
    remove_runs(home, known)


def _finder(progress: Progress) -> Callable[[EventTable, Settings], Run]:
    return lambda events, by: detect(events, by, progress)


def _named(events: EventTable) -> EventTable:
    """Under the kept log's name alone: a run's bytes do not depend on where the home lies."""
    files = tuple(replace(file, path=NAME) for file in events.report.files)
    return replace(events, report=replace(events.report, files=files))


def _prune(home: Path, book: Casebook, most_runs: int) -> list[str]:
    """Remove old runs that no case rests on."""
    newest = {book.folder_of(run).name for run in book.runs()[-most_runs:]}
    return remove_runs(home, newest | {folder.name for folder in runs_in_use(book)})


def runs_in_use(book: Casebook) -> set[Path]:
    """Folders of runs that cases rest on: they were last seen in them, or judged by them."""
    folder_of = {run.run_id: book.folder_of(run) for run in book.runs()}
    return {folder_of[run_id] for case in book.cases() for run_id in _rests_on(book, case) if run_id in folder_of}


def _rests_on(book: Casebook, case: Case) -> set[str]:
    judged = {one.run_id for one in book.sightings(case.name) if one.ring_id == case.verdict_ring} if case.verdict_ring else set()
    return {case.run_id, *sorted(judged)[:1]}
