"""A log, settings and what became of them → what run.json holds, the run's id among it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from graphdet import __version__
from graphdet.run.code import code_digest
from graphdet.schema import NODE_TYPE

if TYPE_CHECKING:  # looking into a run must not cost the time to load what makes one
    from graphdet.events import EventTable
    from graphdet.progress import StageCost
    from graphdet.settings import Settings

# 3: visits with their draws and their share of a rush; 2: with counts in named columns. Counted up when an older graphdet could misread a
# newer folder.
FORMAT = 4

META_KEYS = ("format", "id", "version", "seed", "settings", "inputs", "counts", "discounted", "notes", "cost")


def describe_run(
    events: EventTable, settings: Settings, discounted: Sequence[dict[str, Any]], notes: Sequence[str], costs: Sequence[StageCost]
) -> dict[str, Any]:
    """`Run.meta` for a log and what became of it; `notes` are put after those of the reader."""
    from graphdet.graph import count_relations

    report = events.report
    inputs = [
        {
            "path": file.path,
            "format": file.format,
            "sha256": file.sha256,
            "read": file.read,
            "accepted": file.accepted,
            "rejected": file.rejected,
            "duplicates": file.duplicates,
        }
        for file in report.files
    ]
    return {
        "format": FORMAT,
        "id": run_id([file.sha256 for file in report.files], settings),
        "version": __version__,
        "code": code_digest(),
        "seed": settings.seed,
        "settings": settings.decisive(),
        "inputs": inputs,
        "counts": {
            "read": report.read,
            "accepted": report.accepted,
            "rejected": report.rejected.num_rows,
            "duplicates": report.duplicates,
            "nodes": {node_type: events.count(node_type) for node_type in NODE_TYPE if node_type in events.ids},
            "relations": {relation.name: count for relation, count in count_relations(events).items()},
        },
        "discounted": list(discounted),
        "notes": [*report.notes, *notes],
        "cost": {
            "machine": settings.machine.model_dump(mode="json"),
            "stages": [{"stage": cost.name, "seconds": round(cost.seconds, 3), "peak_bytes": cost.peak_bytes} for cost in costs],
        },
    }


def run_id(digests: Sequence[str], settings: Settings) -> str:
    """A digest of what decides the results: the inputs' SHA-256 in any order, the settings that decide them, version and code."""
    told = [sorted(digests), settings.decisive(), __version__, code_digest()]
    return "run-" + hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]
