"""All values of a column, of every file that has it → how they are written; asked only where a value is met that has several readings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import duckdb

from graphdet.errors import AmbiguousColumn
from graphdet.events.forms import NumberForm, TimeForm
from graphdet.events.number_writings import tell_decimal
from graphdet.events.odd_values import is_odd_count
from graphdet.events.opening import Source, careful_source
from graphdet.events.reading import NUMBERS, given_columns, valued_columns
from graphdet.events.refusals import REFUSALS
from graphdet.events.time_order import tell_orders
from graphdet.events.timestamps import ODD, ODD_COUNTS, WHITESPACE, OddCount, odd_counts
from graphdet.settings import LogSettings

_INSTANTS = 100_000_000  # as seconds since 1970, in 1973; a smaller number counts from some start of its own


class Asking:
    """Asks each column once; columns of the same name in several files are one."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, sources: list[Source], settings: LogSettings, folder: Path) -> None:
        self._connection, self._sources, self._settings, self._folder = connection, sources, settings, folder
        self._times: dict[tuple[str, str], TimeForm] = {}
        self._numbers: dict[tuple[str, str], NumberForm] = {}

    def answered(self, source: Source, columns: Sequence[str]) -> Source:
        """The source with the forms of these of our columns.

        Raises:
            AmbiguousColumn: the values of a column of times fit two orders of day and month, or are Excel's or seconds.
        """
        times, numbers = dict(source.times), dict(source.numbers)
        for ours in columns:
            key = ours, source.mapping.theirs(ours).strip().lower()
            if ours in NUMBERS:
                if key not in self._numbers:
                    self._numbers[key] = tell_decimal(self._texts(key, marked=True), self._settings.decimal)
                numbers[ours] = self._numbers[key]
            else:
                if key not in self._times:
                    self._times[key] = self._time_form(source, key)
                times[ours] = self._times[key]
        return replace(source, times=times, numbers=numbers)

    def _time_form(self, source: Source, key: tuple[str, str]) -> TimeForm:
        where = f"{source.file.name}: column {source.mapping.theirs(key[0])!r}"
        counts: list[str] = []
        texts: list[str] = []
        for text in self._texts(key, marked=False):
            (counts if is_odd_count(text) else texts).append(text)
        kind = self._kind_of_count(key, counts) if counts else None
        if kind is not None:
            raise AmbiguousColumn(f"{where}: {counts[0][:40]} looks like {kind.told}; set [log] timestamp_format = {kind.settings}.")
        return tell_orders(where, texts, self._settings.day_first)

    def _kind_of_count(self, key: tuple[str, str], counts: Sequence[str]) -> OddCount | None:
        """The kind that the odd counts of the column are of, if its other numbers say nothing else."""
        common = [one for one in ODD_COUNTS if all(one.fits(text) for text in counts)]
        kind = next((one for one in common or ODD_COUNTS if one.fits(counts[0])), None)
        if kind is None:
            return None
        least = _INSTANTS if kind is ODD_COUNTS[0] else "'inf'::DOUBLE"  # a serial date may stray among instants
        others = f"{{number}} > 0 AND {{number}} < {least} AND NOT {odd_counts('{number}')}"
        said = any(self._asked(key, "1", lambda text, odd: others.replace("{number}", f"TRY_CAST({text} AS DOUBLE)") + " LIMIT 1"))
        return None if said else kind

    def _texts(self, key: tuple[str, str], *, marked: bool) -> list[str]:
        """The odd texts of a column, each once; `marked`: and all numbers with a decimal mark."""
        also = " OR {text} LIKE '%.%' OR {text} LIKE '%,%'" if marked else ""
        return sorted({text for (text,) in self._asked(key, "DISTINCT {text}", lambda text, odd: odd + also.format(text=text))})

    def _asked(self, key: tuple[str, str], what: str, where: Callable[[str, str], str]) -> Iterator[tuple[str]]:
        """What an SQL query says of all files that have the column.

        Args:
            where: the column's text and whether its value is odd, both as SQL → which rows.
        """
        ours = key[0]
        for place, source in enumerate(self._sources):
            given = given_columns(source, self._settings) if not source.empty else {}
            if ours not in given or (ours, source.mapping.theirs(ours).strip().lower()) != key:
                continue
            text = f"trim({given[ours][0]}::VARCHAR, {WHITESPACE})"
            value = valued_columns(replace(source, times={}, numbers={}), self._settings, {ours: given[ours]})[ours]
            odd = f"isinf({value})" if ours in NUMBERS else f"{value} = {ODD}"
            query = f"SELECT {what.format(text=text)} FROM {{table}} WHERE {where(text, odd)}"  # noqa: S608 - names are quoted
            try:
                rows = self._connection.execute(query.replace("{table}", source.sql)).fetchall()
            except REFUSALS:
                if source.text is None or source.careful:
                    raise
                self._sources[place] = source = careful_source(source, self._folder)
                rows = self._connection.execute(query.replace("{table}", source.sql)).fetchall()
            yield from rows
