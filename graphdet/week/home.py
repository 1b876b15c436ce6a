"""A home folder: the casebook, the settings, the runs by date, the kept log, and how far the last day came."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from graphdet.errors import CaseError
from graphdet.folder_lock import alone_in
from graphdet.settings import Settings
from graphdet.whole import whole_file, why

SETTINGS, RUNS, MARK, LOCK = "graphdet.toml", "runs", "day.json", "day.lock"
_DATED = re.compile(r"\d{4}-\d\d-\d\d(\.\d+)?")


@dataclass(frozen=True)
class Mark:
    """How far the last day came.

    Attributes:
        state: digest of the log, settings and suppressions that the last run was made of; empty before the first.
        told: number of the casebook's entry up to which all was printed.
    """

    state: str = ""
    told: int = 0


@contextlib.contextmanager
def hold_home(home: Path) -> Iterator[None]:
    """The home folder is this process's alone for the block; made where it is not there yet.

    Raises:
        CaseError: another has it, or it cannot be made.
    """
    taken = CaseError(f"{home}: another `graphdet day` is at work there; wait until it has ended.")
    with alone_in(
        home, LOCK, taken, lambda reason: CaseError(f"{home}: cannot be used as a home folder ({reason}); choose another --home.")
    ):
        yield


def read_mark(home: Path) -> Mark:
    """How far the last day came; the beginning where there was none.

    Raises:
        CaseError: the file is damaged.
    """
    try:
        told = json.loads((home / MARK).read_text(encoding="utf-8"))
        return Mark(str(told["state"]), int(told["told"]))
    except FileNotFoundError:
        return Mark()
    except (OSError, KeyError, TypeError, ValueError):
        raise CaseError(f"{home / MARK}: is damaged; remove it, and the next day is told from the beginning.") from None


def write_mark(home: Path, mark: Mark) -> None:
    """Whole or not at all.

    Raises:
        CaseError: the disk or the rights do not allow it.
    """
    write_text(home / MARK, json.dumps(asdict(mark)) + "\n")


def write_text(path: Path, text: str) -> None:
    """A small file of the home, whole or not at all.

    Raises:
        CaseError: the disk or the rights do not allow it.
    """
    try:
        with whole_file(path) as partial:
            partial.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CaseError(f"{path}: cannot be written ({why(error)}).") from None


def adopt_settings(home: Path, path: Path, settings: Settings) -> None:
    """Keep a settings file as the home's own, with the list of keys to leave out that it names.

    Raises:
        CaseError: the disk or the rights do not allow it.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    listed = Path(settings.log.ignore)
    if settings.log.ignore and listed.is_file() and listed.is_relative_to(path.parent):
        beside = home / listed.relative_to(path.parent)
        beside.parent.mkdir(parents=True, exist_ok=True)
        write_text(beside, listed.read_text(encoding="utf-8"))
    write_text(home / SETTINGS, path.read_text(encoding="utf-8"))


def new_run_folder(home: Path, date: str) -> Path:
    """Where a run of a date is to stand: after the first of a date they are counted."""
    runs = home / RUNS
    taken = {path.name for path in runs.iterdir()} if runs.is_dir() else set()
    number = next(number for number in range(1, len(taken) + 2) if _dated(date, number) not in taken)
    return runs / _dated(date, number)


def _dated(date: str, number: int) -> str:
    return date if number == 1 else f"{date}.{number}"


def remove_runs(home: Path, kept: Collection[str]) -> list[str]:
    """Remove the runs by date but those named; what else lies in the folder is somebody's own."""
    runs = home / RUNS
    gone = []
    for path in sorted(runs.iterdir()) if runs.is_dir() else ():
        if _DATED.fullmatch(path.name) and path.name not in kept and not path.is_symlink() and (path / "run.json").is_file():
            shutil.rmtree(path, ignore_errors=True)
            gone.append(path.name)
    return gone
