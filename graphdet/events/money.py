"""Amounts in several currencies → amounts in one: converted by stated rates, or else missing, never added up as if they were alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graphdet.events.number_writings import currency_code
from graphdet.events.table import EventTable
from graphdet.settings import LogSettings

CURRENCY = "currency"


def in_one_currency(table: EventTable, settings: LogSettings) -> EventTable:
    """The events with amounts in the log's currency alone, and a note of what became of others.

    The log's currency is the one that the settings name, or else that of most amounts (of equally many the first by name). An amount that
    names none is taken to be in it. `written` loses its currencies, since they say nothing more.
    """
    given = table.written.get(CURRENCY)
    if given is None:
        return table
    rest = {column: written for column, written in table.written.items() if column != CURRENCY}
    if table.amount is None:
        return replace(table, written=rest)
    named, names = _currencies(given.values, given.code)
    paid = ~np.isnan(table.amount)
    counts = {name: int(count) for name, count in zip(names, np.bincount(named[paid & (named >= 0)], minlength=len(names)), strict=True)}
    counts = {name: count for name, count in counts.items() if count}
    own = currency_code(settings.currency) or min(counts, key=lambda name: (-counts[name], name), default="")
    rates = {currency_code(name): rate for name, rate in settings.rates.items()} | {own: 1.0}
    factor = np.array([*(rates.get(name, np.nan) for name in names), 1.0])  # the last place is that of −1: it names none
    amount = table.amount * factor[named]
    notes = (*_notes(counts, own, rates), *table.report.notes)
    return replace(table, amount=None if np.isnan(amount).all() else amount, written=rest, report=replace(table.report, notes=notes))


def _currencies(values: pa.LargeStringArray, code: npt.NDArray[np.int32]) -> tuple[npt.NDArray[np.int64], list[str]]:
    """(n,) each event's currency as a position among codes, sorted, that are written in several ways; −1 where it names none."""
    own = [currency_code(value) for value in values.to_pylist()]
    names = sorted({name for name in own if name})
    place = {name: position for position, name in enumerate(names)}
    return np.array([*(place.get(name, -1) for name in own), -1], np.int64)[code], names


def _notes(counts: Mapping[str, int], own: str, rates: Mapping[str, float]) -> list[str]:
    """What was done with amounts in other currencies, each with how many; nothing where there are none."""
    others = sorted(name for name in counts if name != own)
    converted = ", ".join(f"{name[:10]} × {rates[name]:g} ({counts[name]:,})" for name in others if name in rates)
    left_out = ", ".join(f"{name[:10]} ({counts[name]:,})" for name in others if name not in rates)
    if not others:
        return []
    found = f"amount: money is counted in {own[:10]} ({counts.get(own, 0):,})" + (f"; converted: {converted}" if converted else "")
    if left_out:
        found += f"; left out of it: {left_out}. [log.rates] says what one of them is worth, [log] currency chooses another"
    return [found + "."]
