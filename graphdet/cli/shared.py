"""What the commands share: arguments of one meaning, settings from a file and the command line, and JSON for machines."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from graphdet.events import EventTable
    from graphdet.progress import Progress
    from graphdet.settings import Settings


class Tier(StrEnum):
    """Tiers of rings, for the command line; a test holds them to `schema.TIERS`."""

    ALERT = "alert"
    REVIEW = "review"
    EXPLAINED = "explained"


class Lang(StrEnum):
    """Languages of words for people; a test holds them to `words.reasons.LANGUAGES`."""

    EN = "en"
    ZH = "zh"


Logs = Annotated[
    list[Path], typer.Argument(metavar="LOGS", help="Log files or folders of them: CSV, TSV, JSON lines, Parquet; plain, .gz or .zst.")
]
Folder = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")]
SettingsFile = Annotated[Path | None, typer.Option("--settings", help="TOML file; `graphdet settings` prints one with all defaults.")]
Threads = Annotated[int | None, typer.Option(min=0, help="Threads; 0 = all cores. The results do not depend on it.")]
Seed = Annotated[int | None, typer.Option(min=0, help="Seed of the permutations.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout and nothing else.")]


def choose_settings(path: Path | None, threads: int | None = None, seed: int | None = None) -> Settings:
    """The settings file's, but for what the command line says otherwise."""
    from graphdet.settings import load_settings

    chosen = load_settings(path)
    if seed is not None:
        chosen = chosen.model_copy(update={"seed": seed})
    if threads is not None:
        chosen = chosen.model_copy(update={"machine": chosen.machine.model_copy(update={"threads": threads})})
    return chosen


def follower(progress: Progress) -> Callable[[str, int, int | None], None]:
    """Tells the open stage of the rows that the reader has done; the reader tells their sum so far."""
    reported = 0

    def follow(stage: str, rows: int, total: int | None) -> None:
        nonlocal reported
        progress.advance(max(rows - reported, 0))
        reported = max(rows, reported)

    return follow


def read_logs(logs: list[Path], settings: Settings, progress: Progress) -> EventTable:
    """The events of log files, as a stage."""
    from graphdet.events import read_events

    with progress.stage("read logs"):
        return read_events(logs, settings.log, settings.machine, follower(progress))


def print_json(document: object) -> None:
    print(json.dumps(_plain(document), ensure_ascii=False, indent=1))


def _plain(value: Any) -> Any:
    """What JSON can hold: times in ISO 8601, and null for numbers that are none."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.isoformat() if isinstance(value, datetime) else value
