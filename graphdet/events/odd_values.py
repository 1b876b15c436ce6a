"""What DuckDB left to Python of a batch, odd times and odd numbers → their values, by what their columns told."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graphdet.events.forms import NumberForm, TimeForm
from graphdet.events.number_writings import currency_in, read_number
from graphdet.events.time_writings import read_time
from graphdet.events.timestamps import ODD, ODD_COUNTS, SPACES, UNREADABLE, plain_count
from graphdet.schema.zones import offset_of

ODD_SUFFIX = "_odd"  # the column of texts beside the column of values
MOST_NUMBER = 1e15  # no amount of money is larger, and sums of millions of these are still numbers
UNREADABLE_NUMBER = float("inf")  # also what is odd, as long as nobody has looked


def is_odd(values: pa.Array) -> bool:
    """Whether a column of times or numbers holds any that Python must look at."""
    found = pc.any(pc.is_inf(values) if pa.types.is_floating(values.type) else pc.equal(values, ODD))
    return bool(found.as_py())


def settled(batch: pa.RecordBatch, times: Mapping[str, TimeForm], numbers: Mapping[str, NumberForm], zone: str) -> pa.RecordBatch:
    """The batch with odd values read, and without the columns of their texts."""
    columns = dict(zip(batch.schema.names, batch.columns, strict=True))
    for name in [name for name in columns if name.endswith(ODD_SUFFIX)]:
        texts, ours = columns.pop(name), name.removesuffix(ODD_SUFFIX)
        odd = np.flatnonzero(np.asarray(pc.is_valid(texts)))
        if len(odd):
            distinct = texts.take(pa.array(odd)).dictionary_encode()
            words = [word.strip(SPACES) for word in distinct.dictionary.to_pylist()]
            found = _times(words, times[ours], zone) if ours in times else _numbers(words, numbers[ours])
            if ours == "amount" and any(map(currency_in, words)):
                columns["currency"] = _currencies(columns.get("currency"), len(texts), odd, distinct.indices, words)
            values = columns[ours].fill_null(0).to_numpy(zero_copy_only=False).copy()
            values[odd] = found[distinct.indices.to_numpy()]
            columns[ours] = pa.array(values, mask=np.asarray(pc.is_null(columns[ours])))
    return pa.RecordBatch.from_arrays(list(columns.values()), list(columns))


def _numbers(words: list[str], form: NumberForm) -> npt.NDArray[np.float64]:
    found = (read_number(word, form.decimal) for word in words)
    return np.array([UNREADABLE_NUMBER if value is None or abs(value) > MOST_NUMBER else value for value in found], np.float64)


def _currencies(given: pa.Array | None, rows: int, odd: npt.NDArray[np.int64], place: pa.Array, words: list[str]) -> pa.Array:
    """What the column of currencies says, and where it says nothing, or there is none, what odd amounts themselves do."""
    kind = pa.large_string() if given is None else given.type
    named = pa.array([currency_in(word) or None for word in words], kind).take(place)
    told = named.take(pc.index_in(pa.array(np.arange(rows)), pa.array(odd)))
    return told if given is None else pc.coalesce(given, told)


def _times(words: list[str], form: TimeForm, zone: str) -> npt.NDArray[np.int64]:
    orders = {(separator, digits): order for separator, digits, order in form.orders}
    micros = np.full(len(words), UNREADABLE, np.int64)
    ahead = np.zeros(len(words), np.int64)
    local = np.zeros(len(words), np.bool_)
    for place, word in enumerate(words):
        wall = (plain_count(word), 0) if is_odd_count(word) else read_time(word, orders.get)
        if wall is not None:
            micros[place], ahead[place], local[place] = wall[0], wall[1] or 0, wall[1] is None
    micros -= ahead
    micros[local] = utc_of(micros[local], zone)
    return micros


def is_odd_count(word: str) -> bool:
    """Whether a text is a number that DuckDB left, since it may count something else than seconds since 1970."""
    try:
        number = float(word)
    except ValueError:
        return False
    return any(one.first <= number <= one.last for one in ODD_COUNTS)


def utc_of(walls: npt.NDArray[np.int64], zone: str) -> npt.NDArray[np.int64]:
    """Wall clock times in a zone → microseconds since 1970 UTC; of an hour that comes twice the later one, as DuckDB has it."""
    offset = offset_of(zone)
    if offset is not None:
        return walls - offset
    if zone == "UTC" or not len(walls):
        return walls
    told = pc.assume_timezone(pa.array(walls, pa.timestamp("us")), zone, ambiguous="latest", nonexistent="latest")
    found: npt.NDArray[np.int64] = np.asarray(told.cast(pa.timestamp("us", "UTC")).cast(pa.int64()))
    return found
