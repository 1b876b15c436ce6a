"""Strings → integer codes, batch by batch, and rows → one canonical order.

Both are compiled loops over Arrow buffers: on the developers' two cores they take a third of the time of the same steps as SQL
joins and sorts, and hold each name once. Names are compared byte by byte, so codes are exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from itertools import chain
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
import pyarrow as pa

Codes = npt.NDArray[np.int32]
Rows = npt.NDArray[np.int32]
Key = Callable[[Rows], npt.NDArray[np.uint64]]

_BLOCK = 1024
_SHORT_RUN = 32


class Dictionary:
    """Names in order of their first appearance; grows with every batch.

    An open hash table whose entries hold a code and 32 bits of hash; the bytes of the names stand in one buffer, as in Arrow.
    """

    def __init__(self) -> None:
        self._count = 0
        self._table: npt.NDArray[np.uint64] = np.zeros(1 << 12, np.uint64)
        self._offsets: npt.NDArray[np.int64] = np.zeros((1 << 11) + 1, np.int64)
        self._bytes: npt.NDArray[np.uint8] = np.zeros(1 << 16, np.uint8)

    def encode(self, names: pa.LargeStringArray) -> Codes:
        """(n,) codes of a batch; −1 for null."""
        bounds, content = text_buffers(names)
        valid = np.frombuffer(names.buffers()[0], np.uint8) if names.null_count else np.zeros(0, np.uint8)
        codes = np.empty(len(names), np.int32)
        row = 0
        while True:
            row, self._count, wanted = _encode(
                row, bounds, content, valid, names.offset, codes, self._table, self._offsets, self._bytes, self._count
            )
            if row == len(names):
                return codes
            self._grow(int(wanted))

    def _grow(self, wanted: int) -> None:
        """Double what is full: room for the names' bytes, or for names and the hash table, which stays at most half full."""
        used = int(self._offsets[self._count])
        if used + wanted > len(self._bytes):
            self._bytes = np.concatenate([self._bytes[:used], np.empty(max(used, wanted), np.uint8)])
        if self._count + 2 > len(self._offsets):
            self._offsets = np.concatenate([self._offsets, np.empty(self._count, np.int64)])
            self._table = np.zeros(len(self._table) * 2, np.uint64)
            _fill(self._offsets, self._bytes, self._count, self._table)

    def names(self) -> pa.LargeStringArray:
        """The names, by code, without a copy: to be called last."""
        used = int(self._offsets[self._count])
        return pa.LargeStringArray.from_buffers(
            self._count, pa.py_buffer(self._offsets[: self._count + 1]), pa.py_buffer(self._bytes[:used])
        )


@numba.njit(cache=True, nogil=True)
def _hash(data: Any, start: int, stop: int) -> Any:
    """64-bit multiplicative hash, eight bytes at a time (the mixing constants are those of splitmix64)."""
    state = np.uint64(stop - start) * np.uint64(0x9E3779B97F4A7C15)
    position = start
    while position + 8 <= stop:
        word = np.uint64(0)
        for byte in range(8):
            word |= np.uint64(data[position + byte]) << np.uint64(8 * byte)
        state = (state ^ word) * np.uint64(0xBF58476D1CE4E5B9)
        state ^= state >> np.uint64(29)
        position += 8
    word = np.uint64(0)
    while position < stop:
        word = (word << np.uint64(8)) | np.uint64(data[position])
        position += 1
    state = (state ^ word) * np.uint64(0x94D049BB133111EB)
    state ^= state >> np.uint64(32)
    state *= np.uint64(0xBF58476D1CE4E5B9)
    return state ^ (state >> np.uint64(29))


@numba.njit(cache=True, nogil=True)
def _look_ahead(
    row: int,
    size: int,
    bounds: Any,
    data: Any,
    table: Any,
    name_offsets: Any,
    name_bytes: Any,
    mixed: Any,
    entries: Any,
    at: Any,
    length: Any,
    touched: Any,
) -> None:
    """Of each row of a block: its hash, the entry in its slot, and where that entry's name lies, which is touched so that it is near."""
    mask = np.uint64(len(table) - 1)
    low = np.uint64(0xFFFFFFFF)
    for j in range(size):
        mixed[j] = _hash(data, bounds[row + j], bounds[row + j + 1])
    for j in range(size):
        entries[j] = table[mixed[j] & mask]
    for j in range(size):
        code = np.int64(entries[j] & low)
        code -= code > 0  # a free entry looks at name 0, to no effect
        at[j] = name_offsets[code]
        length[j] = name_offsets[code + 1] - at[j]
    for j in range(size):
        touched[j] = name_bytes[at[j]]


@numba.njit(cache=True, nogil=True)
def _encode(
    row: int, bounds: Any, data: Any, valid: Any, valid_offset: int, codes: Any, table: Any, name_offsets: Any, name_bytes: Any, count: int
) -> Any:
    """Fill `codes` from `row` on; stops early where a new name finds no room: (row, names, bytes wanted).

    A table entry is 0 where free, else code + 1 in the low 32 bits and hash in the high 32. Rows go in blocks, and each step runs
    over the whole block before the next, so that the waits for memory overlap; a row by row loop takes three times as long.
    """
    mask = np.uint64(len(table) - 1)
    low = np.uint64(0xFFFFFFFF)
    mixed = np.empty(_BLOCK, np.uint64)
    entries = np.empty(_BLOCK, np.uint64)
    at = np.empty(_BLOCK, np.int64)
    length = np.empty(_BLOCK, np.int64)
    touched = np.empty(_BLOCK, np.uint8)
    while row < len(codes):
        size = min(_BLOCK, len(codes) - row)
        _look_ahead(row, size, bounds, data, table, name_offsets, name_bytes, mixed, entries, at, length, touched)
        for j in range(size):
            i = row + j
            if len(valid) and not (valid[(i + valid_offset) >> 3] >> ((i + valid_offset) & 7)) & 1:
                codes[i] = -1
                continue
            first = bounds[i]
            wanted = bounds[i + 1] - first
            slot = mixed[j] & mask
            entry = entries[j]
            if entry == 0:
                entry = table[slot]  # an earlier row of this block may have taken it
                length[j] = -1
            while True:
                if entry == 0:
                    used = name_offsets[count]
                    if count + 2 > len(name_offsets) or used + wanted > len(name_bytes):
                        return i, count, wanted
                    for k in range(wanted):
                        name_bytes[used + k] = data[first + k]
                    count += 1
                    table[slot] = ((mixed[j] >> np.uint64(32)) << np.uint64(32)) | np.uint64(count)
                    name_offsets[count] = used + wanted
                    codes[i] = count - 1
                    break
                code = np.int64(entry & low) - 1
                if entry >> np.uint64(32) == mixed[j] >> np.uint64(32):
                    if length[j] < 0:
                        at[j] = name_offsets[code]
                        length[j] = name_offsets[code + 1] - at[j]
                    same = length[j] == wanted
                    k = 0
                    while same and k < wanted:
                        same = name_bytes[at[j] + k] == data[first + k]
                        k += 1
                    if same:
                        codes[i] = code
                        break
                slot = (slot + np.uint64(1)) & mask
                entry = table[slot]
                length[j] = -1
        row += size
    return row, count, 0


@numba.njit(cache=True, nogil=True)
def _fill(name_offsets: Any, name_bytes: Any, count: int, table: Any) -> None:
    mask = np.uint64(len(table) - 1)
    for code in range(count):
        mixed = _hash(name_bytes, name_offsets[code], name_offsets[code + 1])
        slot = mixed & mask
        while table[slot] != 0:
            slot = (slot + np.uint64(1)) & mask
        table[slot] = ((mixed >> np.uint64(32)) << np.uint64(32)) | np.uint64(code + 1)


def canonical_order(rows: int, keys: Iterable[Key]) -> tuple[Rows, npt.NDArray[np.bool_]]:
    """Rows sorted by several keys, first key first, ties in the order given.

    Args:
        rows: how many rows there are.
        keys: functions from rows (m,) to their unsigned values (m,), a new array; each is asked only about rows that all earlier
            keys leave tied.

    Returns:
        order (n,): the rows, sorted; repeats (n,): in sorted order, whether all keys equal those of the row before.
    """
    order = np.arange(rows, dtype=np.int32)
    repeats = np.ones(rows, np.bool_)
    repeats[:1] = False
    for key in keys:
        positions = _tied(repeats)
        if not len(positions):
            break
        _sort_runs(order, repeats, positions, key(taken(order, positions)))
    return order, repeats


@numba.njit(cache=True, nogil=True)
def _tied(repeats: Any) -> Any:
    """Positions of rows that share their keys with the row before or after."""
    n = len(repeats)
    count = 0
    for i in range(n):
        count += repeats[i] or (i + 1 < n and repeats[i + 1])
    positions = np.empty(count, np.int32)
    count = 0
    for i in range(n):
        if repeats[i] or (i + 1 < n and repeats[i + 1]):
            positions[count] = i
            count += 1
    return positions


@numba.njit(cache=True, nogil=True)
def _sort_runs(order: Any, repeats: Any, positions: Any, values: Any) -> None:
    """Sort each run of tied rows by `values`, and mark the rows that still repeat the row before."""
    start = 0
    while start < len(positions):
        stop = start + 1
        while stop < len(positions) and repeats[positions[stop]]:
            stop += 1
        first = positions[start]
        if stop - start <= _SHORT_RUN:
            for i in range(start + 1, stop):
                value, row = values[i], order[first + i - start]
                j = i - 1
                while j >= start and values[j] > value:
                    values[j + 1] = values[j]
                    order[first + j + 1 - start] = order[first + j - start]
                    j -= 1
                values[j + 1] = value
                order[first + j + 1 - start] = row
        else:
            _radix_sort(values[start:stop], order[first : first + stop - start])
        for i in range(start + 1, stop):
            repeats[first + i - start] = values[i] == values[i - 1]
        start = stop


@numba.njit(cache=True, nogil=True)
def _radix_sort(keys: Any, rows: Any) -> None:
    """Sort keys, and rows along with them, in place and stably: least significant byte first, bytes that all share left out."""
    n = len(keys)
    differing = np.uint64(0)
    for i in range(1, n):
        differing |= keys[i] ^ keys[0]
    other_keys = np.empty_like(keys)
    other_rows = np.empty_like(rows)
    swapped = False
    for shift in range(0, 64, 8):
        if (differing >> np.uint64(shift)) & np.uint64(255) == 0:
            continue
        from_keys, to_keys = (other_keys, keys) if swapped else (keys, other_keys)
        from_rows, to_rows = (other_rows, rows) if swapped else (rows, other_rows)
        place = np.zeros(257, np.int64)
        for i in range(n):
            place[np.int64((from_keys[i] >> np.uint64(shift)) & np.uint64(255)) + 1] += 1
        for d in range(1, 257):
            place[d] += place[d - 1]
        for i in range(n):
            digit = np.int64((from_keys[i] >> np.uint64(shift)) & np.uint64(255))
            to_keys[place[digit]] = from_keys[i]
            to_rows[place[digit]] = from_rows[i]
            place[digit] += 1
        swapped = not swapped
    if swapped:
        keys[:] = other_keys
        rows[:] = other_rows


@numba.njit(cache=True, nogil=True)
def taken(values: Any, rows: Any) -> Any:
    """values[rows]; numpy would first copy the 32-bit row numbers to 64 bits."""
    result = np.empty(len(rows), values.dtype)
    for i in range(len(rows)):
        result[i] = values[rows[i]]
    return result


@numba.njit(cache=True, nogil=True)
def repeated_keys(first: Any, second: Any) -> Any:
    """(n,) bool: whether an earlier row has the same 128-bit key; a key of zeros is no key."""
    capacity = 1 << 4
    while capacity < 2 * len(first):
        capacity <<= 1
    slots = np.full(capacity, -1, np.int64)
    repeated = np.zeros(len(first), np.bool_)
    mask = capacity - 1
    for i in range(len(first)):
        if first[i] == 0 and second[i] == 0:
            continue
        slot = np.int64(first[i] & np.uint64(mask))
        while slots[slot] >= 0:
            other = slots[slot]
            if first[other] == first[i] and second[other] == second[i]:
                repeated[i] = True
                break
            slot = (slot + 1) & mask
        if not repeated[i]:
            slots[slot] = i
    return repeated


def sorted_names(names: pa.LargeStringArray) -> tuple[Rows, npt.NDArray[np.bool_]]:
    """`canonical_order` of names by their bytes: eight bytes a time, then the length, which only NUL bytes at the end leave open."""
    bounds, content = text_buffers(names)
    longest = int(np.diff(bounds).max(initial=0))
    by_bytes = (partial(_eight_bytes, bounds, content, at) for at in range(0, longest, 8))
    return canonical_order(len(names), chain(by_bytes, [lambda rows: (bounds[rows + 1] - bounds[rows]).astype(np.uint64)]))


@numba.njit(cache=True, nogil=True)
def _eight_bytes(bounds: Any, data: Any, at: int, rows: Any) -> Any:
    """The bytes at … at + 7 of each name as one number that sorts as they do."""
    values = np.zeros(len(rows), np.uint64)
    for i in range(len(rows)):
        start = bounds[rows[i]] + at
        stop = min(bounds[rows[i] + 1], start + 8)
        for k in range(start, stop):
            values[i] |= np.uint64(data[k]) << np.uint64(8 * (7 - (k - start)))
    return values


@numba.njit(cache=True, nogil=True)
def plain_names(bounds: Any, data: Any, longest: int) -> bool:
    """Whether no name is empty, longer than `longest` bytes, or begins or ends with what may be a space or is not ASCII."""
    for i in range(len(bounds) - 1):
        start, stop = bounds[i], bounds[i + 1]
        if not 0 < stop - start <= longest:
            return False
        if not (32 < data[start] < 127 and 32 < data[stop - 1] < 127):
            return False
    return True


@numba.njit(cache=True, nogil=True)
def plain_ipv4(bounds: Any, data: Any) -> Any:
    """(n,) bool: which names are IPv4 addresses in their one canonical writing: four numbers up to 255 without leading zeros."""
    plain = np.zeros(len(bounds) - 1, np.bool_)
    for i in range(len(plain)):
        start, stop = bounds[i], bounds[i + 1]
        parts, digits, value, good = 1, 0, 0, stop - start <= 15
        for k in range(start, stop if good else start):
            byte = data[k]
            if byte == 46:
                good = good and digits > 0
                parts, digits, value = parts + 1, 0, 0
            elif 48 <= byte <= 57:
                good = good and not (digits > 0 and value == 0)
                value, digits = value * 10 + byte - 48, digits + 1
                good = good and value <= 255
            else:
                good = False
        plain[i] = good and parts == 4 and digits > 0
    return plain


def text_buffers(names: pa.LargeStringArray) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """The bounds (n + 1,) and the bytes of an Arrow string array, without a copy."""
    _, offsets, data = names.buffers()
    bounds = np.frombuffer(offsets, np.int64)[names.offset : names.offset + len(names) + 1]
    return bounds, np.frombuffer(data, np.uint8) if data is not None and data.size else np.zeros(1, np.uint8)
