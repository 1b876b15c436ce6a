"""Log files → `EventTable`, valid by construction, and the rejected rows with reasons; labels files → `Labels`, by the same reader."""

from graphdet.events.checking import LogCheck, check_logs
from graphdet.events.labels import LabelReport, Labels, read_labels
from graphdet.events.log import read_events
from graphdet.events.table import NO_TIME, EventTable, FileReport, ReadReport

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
