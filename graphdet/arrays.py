"""Array types, and the two ways of walking ragged arrays that all rooms share."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Int8 = npt.NDArray[np.int8]
Int16 = npt.NDArray[np.int16]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]


def stretches(offset: Int64, chosen: npt.NDArray[np.integer]) -> Int64:
    """offset[c] … offset[c + 1] − 1 for each of the chosen, one after the other."""
    return ranges(offset[chosen], offset[chosen + 1])


def ranges(begin: Int64, end: Int64) -> Int64:
    """begin … end − 1 of each place, one after the other."""
    length = end - begin
    return np.repeat(begin - (np.cumsum(length) - length), length) + np.arange(length.sum())
