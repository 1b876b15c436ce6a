"""Codes and names → columns of tables that may be larger than the log they tell of, in arrays that `spilling` may lay into files.

Arrow's own memory cannot be laid there. So what Arrow makes is copied to NumPy's, a piece at a time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

ROWS = 1 << 20  # of a piece


def named(names: pa.StringArray, codes: npt.NDArray[np.integer[Any]]) -> pa.ChunkedArray:
    """(n,) strings: the name that each code is the place of; null where it is negative."""
    pieces = (codes[begin : begin + ROWS] for begin in range(0, len(codes), ROWS))
    return pa.chunked_array([_settled(names.take(pa.array(piece, mask=piece < 0)).cast(pa.string())) for piece in pieces], pa.string())


def repeated(word: str, rows: int) -> pa.ChunkedArray:
    """(rows,) strings, all of them the same word; the pieces share their memory."""
    piece = pa.repeat(pa.scalar(word, pa.string()), min(rows, ROWS))
    return pa.chunked_array([piece[: rows - begin] for begin in range(0, rows, ROWS)], pa.string())


def _settled(made: pa.StringArray) -> pa.StringArray:
    """The same strings in NumPy's memory."""
    buffers = [None if buffer is None else pa.py_buffer(np.frombuffer(buffer, np.uint8).copy()) for buffer in made.buffers()]
    return pa.Array.from_buffers(pa.string(), len(made), buffers, made.null_count, made.offset)
