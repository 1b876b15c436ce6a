"""Log files → `EventTable`, valid by construction, and the rejected rows with reasons."""

from graphdet.events.checking import LogCheck, check_logs
from graphdet.events.log import read_events
from graphdet.events.table import NO_TIME, EventTable, FileReport, ReadReport

__all__ = ["NO_TIME", "EventTable", "FileReport", "LogCheck", "ReadReport", "check_logs", "read_events"]
