"""Log files → `EventTable`, valid by construction, and the rejected rows with reasons."""

from graphdet.events.table import NO_TIME, EventTable, FileReport, ReadReport

__all__ = ["NO_TIME", "EventTable", "FileReport", "ReadReport"]
