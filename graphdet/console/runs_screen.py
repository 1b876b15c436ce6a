"""Runs: what was taken in, which files the latest one read, and what its log lacks."""

from __future__ import annotations

from graphdet.console.asked import Answer, Asked
from graphdet.console.desk import Desk
from graphdet.words.run_notes import note_in_words

MOST_SHOWN = 100


def runs_screen(desk: Desk, asked: Asked) -> Answer:
    """All of it."""
    taken, latest = desk.runs(), desk.latest()
    run = latest.run
    rows = [
        {"name": one.folder, "id": one.run_id, "events": one.events, "rings": one.rings, "time": one.time, "author": one.author}
        for one in taken
    ]
    sources = [{"path": one["path"], "read": one["read"], "accepted": one["accepted"]} for one in run.meta["inputs"]]
    notes = [note_in_words(note, asked.language) for note in run.meta["notes"]]
    values = {"runs": rows[:MOST_SHOWN], "all_runs": len(taken), "sources": sources, "notes": notes}
    return Answer("runs.html", {**values, "given_up": latest.bench.has_given_up})
