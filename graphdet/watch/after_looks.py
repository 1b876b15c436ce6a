"""A look → what is told to those who ask: scores, and how days drift. Nothing hangs on it; what cannot be written is told on as it was."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pyarrow.compute as pc

from graphdet.alerts.deliver import connect
from graphdet.answering.score_file import LEARNED, keep_learned, write_scores
from graphdet.answering.score_file import NAME as SCORES
from graphdet.drift.measuring import measure_drift
from graphdet.drift_settings import DriftSettings
from graphdet.errors import AlertError, WatchError
from graphdet.schema import USER
from graphdet.watch.forgetting import users_of
from graphdet.watch.segments import read_rows
from graphdet.watch.state import FILE, SEGMENTS
from graphdet.watch.taking_looks import Look


def tell_those_who_ask(folder: Path, look: Look, number: int, drift: DriftSettings, *, hurried: bool) -> str:
    """Write what is to be asked.

    Args:
        folder: of the state.
        look: that is over.
        number: of the look.
        drift: how far days may differ.
        hurried: another look is due already.

    Returns:
        What could not be written, and why; empty where all was.
    """
    try:
        write_scores(folder / SCORES, look.run, look=number, moment=look.window.end, hurried=hurried)
        if look.refresh:
            keep_learned(folder / LEARNED, users_of(look.run))
        _measure(folder, look, drift)
    except AlertError as error:
        return str(error)
    except sqlite3.Error as error:
        return f"{folder / FILE}: drift cannot be measured ({error})."
    return ""


def _measure(folder: Path, look: Look, drift: DriftSettings) -> None:
    """Of days that are over, on a connection of its own, since steps go on beside it; what they tidied away the next look measures."""
    segments, rows = look.window.segments, folder / SEGMENTS
    scores = look.run.scores.filter(pc.equal(look.run.scores["node_type"], USER))["score"].to_numpy()
    with contextlib.suppress(WatchError), contextlib.closing(connect(folder / FILE)) as connection:
        measure_drift(
            connection,
            {one.day for one in segments},
            lambda day: read_rows(rows, [one for one in segments if one.day == day]),
            look.window.end,
            drift,
            scores,
        )
