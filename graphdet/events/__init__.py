"""Log files → `EventTable`, valid by construction, and the rejected rows with reasons; labels files → `Labels`, by the same reader."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from graphdet.events.table import NO_TIME, EventTable, FileReport, ReadReport

if TYPE_CHECKING:
    from graphdet.events.checking import LogCheck, check_logs
    from graphdet.events.labels import LabelReport, Labels, read_labels
    from graphdet.events.log import read_events

__all__ = [
    "NO_TIME",
    "EventTable",
    "FileReport",
    "LabelReport",
    "Labels",
    "LogCheck",
    "ReadReport",
    "check_logs",
    "read_events",
    "read_labels",
]

# Whoever looks into a run reads no log, and need not wait for what reads it.
_HOMES = {
    **dict.fromkeys(("LogCheck", "check_logs"), "graphdet.events.checking"),
    **dict.fromkeys(("LabelReport", "Labels", "read_labels"), "graphdet.events.labels"),
    "read_events": "graphdet.events.log",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
