"""A day and those before it → how far it is from the usual, by each measure, with what that means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from graphdet.drift.population import Population
from graphdet.drift_settings import DriftSettings

LEAST_SHARE = 1e-4  # that an empty bin counts as, so that one event more or less says little


@dataclass(frozen=True)
class Drift:
    """One measure of one day.

    Attributes:
        name: such as stability_amount, unknown_device_id, rate, hubs_ip, alerts.
        kind: its first part; tells which words it is told in.
        of: the feature, column or type of keys; empty for rate and alerts.
        value, usual: of the day, and of the days before; for a stability index `value` is the index, and `usual` 0.
        threshold: of the settings.
        beyond: whether the day is further from the usual than that.
    """

    name: str
    kind: str
    of: str
    value: float
    usual: float
    threshold: float
    beyond: bool


def compare_days(day: Population, before: Sequence[Population], settings: DriftSettings) -> tuple[Drift, ...]:
    """All measures, those beyond their threshold first; none where the day, or all before it, have too few events to tell."""
    usual = [one for one in before if one.events >= settings.least_events]
    if not usual or day.events < settings.least_events:
        return ()
    found = [_stability(name, day, usual, settings.stability_most) for name in sorted(day.bins) if any(name in one.bins for one in usual)]
    for column in sorted({name for one in (day, *usual) for name in one.unknown}):
        now, then = day.unknown.get(column, 1.0), float(np.mean([one.unknown.get(column, 1.0) for one in usual]))
        found.append(_drift("unknown", column, now, then, settings.unknown_most, beyond=now - then > settings.unknown_most))
    found.append(_times("rate", day.events / 1440, float(np.mean([one.events for one in usual])) / 1440, settings.rate_factor))
    for kind in sorted({name for one in usual for name in one.hubs} & set(day.hubs)):
        then = float(np.mean([one.hubs[kind] for one in usual if kind in one.hubs]))
        found.append(_drift("hubs", kind, day.hubs[kind], then, settings.hubs_most, beyond=day.hubs[kind] - then > settings.hubs_most))
    told = [one.alerts for one in usual if one.alerts is not None]
    if day.alerts is not None and told and max(day.alerts, mean := float(np.mean(told))) >= settings.alerts_least:
        found.append(_times("alerts", float(day.alerts), mean, settings.alerts_factor))
    return tuple(sorted(found, key=lambda one: (not one.beyond, one.name)))


def stability_index(now: Mapping[str, float], usual: Mapping[str, float]) -> float:
    """Population stability index of two distributions over bins: sum of (p − q) · ln(p / q), 0 where they are the same."""
    names = sorted({*now, *usual})
    p, q = (np.array([one.get(name, 0.0) for name in names], np.float64) for one in (now, usual))
    p, q = (np.maximum(one / max(one.sum(), 1e-300), LEAST_SHARE) for one in (p, q))
    p, q = p / p.sum(), q / q.sum()
    return float(((p - q) * np.log(p / q)).sum())


def _stability(name: str, day: Population, before: Sequence[Population], most: float) -> Drift:
    pooled: dict[str, float] = {}
    for one in before:
        counts = one.bins.get(name, {})
        total = sum(counts.values())
        for place, count in counts.items():
            pooled[place] = pooled.get(place, 0.0) + count / max(total, 1)
    index = stability_index(day.bins[name], pooled)
    return _drift("stability", name, index, 0.0, most, beyond=index > most)


def _times(kind: str, now: float, usual: float, factor: float) -> Drift:
    """One more on both sides, so that none is no infinity."""
    apart = max((now + 1) / (usual + 1), (usual + 1) / (now + 1)) if kind == "alerts" else max(now / usual, usual / max(now, 1e-9))
    return _drift(kind, "", now, usual, factor, beyond=apart > factor)


def _drift(kind: str, of: str, value: float, usual: float, threshold: float, *, beyond: bool) -> Drift:
    return Drift(f"{kind}_{of}" if of else kind, kind, of, round(value, 6), round(usual, 6), threshold, beyond)
