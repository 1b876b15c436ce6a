"""Events → tables of the run folder that no ring hangs on: what single accounts' lives tell, and bursts."""

from __future__ import annotations

import pyarrow as pa

from graphdet.events import EventTable
from graphdet.progress import Progress
from graphdet.settings import Settings
from graphdet.signals.bursts import find_bursts
from graphdet.signals.takeovers import find_takeovers, takeover_tables


def measure_lives(events: EventTable, settings: Settings, progress: Progress) -> dict[str, pa.Table]:
    """Those that the log can tell and the settings ask for."""
    tables = _accounts(events, settings, progress)
    if settings.signals.series.false_share:
        with progress.stage("series", len(events)):
            bursts = find_bursts(events, settings.signals.series, settings.machine.workers, settings.log.timezone)
        tables |= {} if bursts is None else {"bursts": bursts}
    return tables


def _accounts(events: EventTable, settings: Settings, progress: Progress) -> dict[str, pa.Table]:
    """None where the log cannot tell or nobody asks."""
    if not settings.signals.takeovers.on:
        return {}
    with progress.stage("takeovers", events.count("user")):
        found = find_takeovers(events, settings.signals.takeovers, settings.seed)
        return takeover_tables(events, found, settings.signals.takeovers.q) if found else {}
