"""A day in one command: day."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphdet.cli.manner import progress_here, say
from graphdet.cli.shared import AsJson, Lang, SettingsFile, Threads, Wanted, choose_settings, print_json

if TYPE_CHECKING:
    from graphdet.settings import Settings
    from graphdet.week.working_day import Day

HEADING = "Work on cases"
NEW_ALERTS = 3  # exit code
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(day)


def day(
    home: Annotated[
        Path,
        typer.Option("--home", metavar="DIR", envvar="GRAPHDET_HOME", help="The home folder: casebook, settings, runs; made if absent."),
    ],
    logs: Annotated[
        list[Path] | None, typer.Argument(metavar="LOGS", help="Log files or folders; what was taken in before is passed over.")
    ] = None,
    keep: Annotated[str, typer.Option("--keep", metavar="TIME", help="The window before the last event: 30d, 8w or 36h.")] = "30d",
    most_runs: Annotated[int, typer.Option("--runs", min=1, help="So many runs are kept, and those that cases rest on.")] = 30,
    settings: SettingsFile = None,
    threads: Threads = None,
    language: Annotated[Lang, typer.Option("--lang", help="Words in English or Chinese.")] = Lang.EN,
    as_json: AsJson = False,
) -> None:
    """Take in new log files, find rings in the window, carry cases on, and tell what is new, grew, ended and waits.

    Exit code 0: no new alert. 3: new alerts. 2: something to mend. Fit for cron: each file counts once, and a day that was killed is
    gone on with by the next.
    """
    from graphdet.week.working_day import work_day

    window = _as_time(keep)
    chosen = _settings_of(home, settings, logs or [], threads)
    with work_day(home, logs or [], chosen, window, most_runs, progress_here()) as done:
        if as_json:
            print_json(_as_dict(done))
        else:
            from graphdet.terminal import console_for
            from graphdet.terminal.day_screen import show_day

            show_day(console_for(), done, language.value)
    if done.news.alerts:
        raise typer.Exit(NEW_ALERTS)


def _as_time(text: str) -> timedelta:
    from graphdet.errors import SettingsError

    found = re.fullmatch(r"\s*(\d{1,5})\s*([hdw])\s*", text)
    if found is None or not int(found[1]):
        raise SettingsError(f"--keep {text!r} is no time; write days, weeks or hours, such as 30d, 8w or 36h.")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _settings_of(home: Path, given: Path | None, logs: list[Path], threads: int | None) -> Settings:
    """The file that is named, else the home's own, else one that lies about; the first that is used becomes the home's own."""
    from graphdet.cli.shared import settings_lying_about
    from graphdet.week.home import SETTINGS, adopt_settings

    own = home / SETTINGS
    path = given or (own if own.is_file() else settings_lying_about(logs))
    chosen = choose_settings(path, logs, Wanted(threads)) if path else choose_settings(None, (), Wanted(threads))
    if path is not None and not own.is_file():
        adopt_settings(home, path, chosen)
        say(f"settings from {path}, kept as {own}; change them there")
    elif given is not None and given.resolve() != own.resolve():
        say(f"settings from {given}; those in {own} are left aside")
    return chosen


def _as_dict(done: Day) -> dict[str, Any]:
    intake = done.intake
    return {
        "files": [vars(file) for file in intake.files],
        "known_files": intake.known,
        "events_taken": intake.rows,
        "events_in_window": intake.all_rows,
        "events_late": intake.late,
        "events_ahead": intake.ahead,
        "events_gone": intake.gone,
        "run": None if done.run is None else str(done.run),
        "new_alerts": done.news.alerts,
        "cases": [one.as_dict() for one in done.news.cases],
        "waiting": done.news.waiting,
        "notes": list(done.notes),
    }
