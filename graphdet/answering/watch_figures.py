"""A watch's state → its figures: whether it is well, and all that Prometheus is told. No personal data is among them."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphdet.alerts.outbox import STATES, Counts, count

if TYPE_CHECKING:
    from prometheus_client.core import Metric

STATE = "watch.sqlite"
STALE_SECONDS = 120.0  # without a step, after which a watch is not well: it steps every few seconds, whether there are events or not
HELP = {
    "events_read_total": "Rows read since the state began.",
    "events_accepted_total": "Events accepted.",
    "events_rejected_total": "Rows rejected.",
    "events_duplicate_total": "Events that were known already.",
    "events_late_total": "Events later than the lateness allows, kept aside.",
    "events_ahead_total": "Events of the future, kept aside.",
    "window_events": "Events in the window.",
    "lag_seconds": "Wall clock less the time up to which events were taken in.",
    "step_seconds": "Seconds that the last step took.",
    "look_seconds": "Seconds that the last look for rings took.",
    "looks_total": "Looks for rings.",
    "step_look_seconds": "Seconds that the last step look took.",
    "step_looks_total": "Step looks since the process began.",
    "steps_total": "Steps since the process began.",
    "source_up": "Whether the source can be reached.",
    "source_lost_total": "Messages deleted at the source before they were read, since the process began.",
    "memory_bytes": "Resident memory of the watch.",
    "events_per_second": "Events accepted a second in the last step.",
    "stepped": "When the last step ended, in seconds since 1970.",
}


@dataclass(frozen=True)
class Figures:
    """What a state says of itself; drift: name → value and whether it is beyond its threshold."""

    figures: Mapping[str, float]
    meta: Mapping[str, str]
    counts: Counts
    drift: Mapping[str, tuple[float, bool]]


def read_figures(state: Path) -> Figures | None:
    """None where there is no state, or it cannot be read now."""
    try:
        with _reading(state / STATE) as connection:
            figures = dict(connection.execute("SELECT name, value FROM figures"))
            meta = dict(connection.execute("SELECT name, value FROM meta WHERE name IN ('look', 'looked', 'run')"))
            try:
                drift = {name: (value, bool(beyond)) for name, value, beyond in connection.execute("SELECT name, value, beyond FROM drift")}
            except sqlite3.OperationalError:  # not measured yet
                drift = {}
            return Figures(figures, meta, count(connection), drift)
    except sqlite3.Error:
        return None


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(
        sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5.0, isolation_level=None)
    ) as connection:
        connection.execute("BEGIN")
        yield connection


def health(state: Path, now: float | None = None) -> tuple[bool, dict[str, Any]]:
    """Whether the watch is well, and what that rests on."""
    found = read_figures(state)
    if found is None or "stepped" not in found.figures:
        return False, {"status": "no step yet"}
    ago = (time.time() if now is None else now) - found.figures["stepped"]
    well = ago <= STALE_SECONDS
    told: dict[str, Any] = {"status": "ok" if well else "stale", "stepped_seconds_ago": round(ago, 3)}
    told |= {name: found.figures[name] for name in ("lag_seconds", "step_seconds", "window_events") if name in found.figures}
    told |= {name: found.meta.get(name, "") for name in ("look", "looked")}
    told["deliveries"] = {state: sum(n for (_, own), n in found.counts.deliveries.items() if own == state) for state in STATES}
    return well, told | {"drift": sorted(name for name, (_, beyond) in found.drift.items() if beyond)}


class StateCollector:
    """What `prometheus_client` asks at each scrape."""

    def __init__(self, state: Path) -> None:
        self._state = state

    def collect(self) -> Iterator[Metric]:
        """All figures; only that it is down, where the state cannot be read."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        found = read_figures(self._state)
        yield GaugeMetricFamily("graphdet_up", "Whether the watch's state can be read.", value=float(found is not None))
        if found is None:
            return
        for name, value in sorted(found.figures.items()):
            kind = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
            yield kind(f"graphdet_{name}", HELP.get(name, name.replace("_", " ")), value=value)
        alerts = CounterMetricFamily("graphdet_alerts", "Alerts by foremost change and tier.", labels=("change", "tier"))
        for labels, number in found.counts.alerts.items():
            alerts.add_metric(labels, number)
        deliveries = GaugeMetricFamily("graphdet_deliveries", "Deliveries by sink and state.", labels=("sink", "state"))
        for labels, number in found.counts.deliveries.items():
            deliveries.add_metric(labels, number)
        failed = CounterMetricFamily("graphdet_sink_failures", "Attempts to deliver that failed.", labels=("sink",))
        for sink, number in found.counts.failed.items():
            failed.add_metric((sink,), number)
        drift = GaugeMetricFamily("graphdet_drift", "How far from usual, by what is measured.", labels=("of",))
        beyond = GaugeMetricFamily("graphdet_drift_beyond", "Whether that is beyond its threshold.", labels=("of",))
        for name, (value, is_beyond) in found.drift.items():
            drift.add_metric((name,), value)
            beyond.add_metric((name,), float(is_beyond))
        yield from (alerts, deliveries, failed, drift, beyond)


def metrics(state: Path) -> bytes:
    """In the text format of Prometheus."""
    from prometheus_client import CollectorRegistry, generate_latest

    registry = CollectorRegistry(auto_describe=False)
    registry.register(StateCollector(state))
    return generate_latest(registry)
