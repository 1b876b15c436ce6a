"""What left the window is gone from the state wherever it named somebody: alerts, lines, what was told, runs, what a model says.

A step removes segments and rejected rows itself. All else is the affair of the first look after the window has moved. What stays are an
alert that still waits for a sink, a ring's end that is still to be told, and runs that a case rests on.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from shutil import rmtree

import pyarrow as pa
import pyarrow.compute as pc

from graphdet.alerts.telling import forget_told, load_told
from graphdet.cases.casebook import Casebook
from graphdet.lineage.line import Line
from graphdet.run.folder import Run
from graphdet.schema import USER
from graphdet.watch.taking_looks import Look
from graphdet.week.working_day import runs_in_use


def users_of(run: Run) -> pa.StringArray:
    """Everybody whom an event of the window names."""
    return run.scores.filter(pc.equal(run.scores["node_type"], USER))["node_id"]


def lines_left(connection: sqlite3.Connection, look: Look, start: int) -> list[Line]:
    """The lines of a look without whom only what left the window names; what was told of them loses the same. Within its transaction.

    Args:
        connection: on which alerts of the look were told.
        look: the first since the window begins where it does.
        start: of the window.
    """
    told, may_be_told = load_told(connection), look.lines
    owed = {name for name, one in told.items() if name in may_be_told and not one.ended}  # their end is told once it lasts
    here = frozenset(users_of(look.run).to_pylist())
    found = [_without(line, here) for line in look.step.lines if line.name in owed or not _is_past(line, start)]
    forget_told(connection, {line.name for line in found}, here)
    return found


def _is_past(line: Line, start: int) -> bool:
    last = line.last.last_seen
    return line.state != "here" and last is not None and last < start


def _without(line: Line, here: Collection[str]) -> Line:
    """With those of its last ring, and with others only where they are in the window."""
    return replace(line, known={user: one for user, one in line.known.items() if user in here or user in line.last.members})


def prune_runs(runs: Path, kept: Collection[str], home: Path | None) -> None:
    """Remove runs but these, and those that cases rest on."""
    left = set(kept)
    if home is not None:
        with Casebook(home) as book:
            left |= {path.name for path in runs_in_use(book)}
    for path in runs.iterdir():
        if path.name not in left and (path / "run.json").is_file():
            rmtree(path, ignore_errors=True)
