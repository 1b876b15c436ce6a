"""The compiled kernels (graphdet/kernels/*.cpp). Arrays have one dimension, the exact type and no gaps; none is copied."""

import numpy as np
import numpy.typing as npt

from graphdet.arrays import Float32, Float64, Int16, Int32, Int64

# company.cpp
def company(
    pair: Int32,
    evidence: Float32,
    offset: Int64,
    key_evidence: Float32,
    apart: Int32,
    view: Int32,
    users: int,
    views: int,
    level: Float64,
    top: int,
) -> Float64: ...
def met_keys(begin: Int64, rows: Int64, offset: Int64, key: Int32, keys: int) -> Int64: ...

# crowding.cpp
def fullest(offset: Int64, time: Int32, window: int) -> tuple[Int64, Int64]: ...

# edges.cpp
def fold_edges(
    user: Int32, target: Int32, rows: Int64, users: int, targets: int, times: Int64, amounts: Float64
) -> tuple[Int64, Int32, Int64, Int64, Int64, Float64]: ...

# grouping.cpp
def group_rows(code: Int32, size: int) -> tuple[Int64, Int64]: ...
def first_of_user(offset: Int64, user: Int32, users: int) -> npt.NDArray[np.uint8]: ...

# messages.cpp
def sum_common(first: int, last: int, start: Int64, to: Int32, pair: Int32, root: Float32, common: Float32) -> None: ...
def meet(
    offset: Int64, user: Int32, time: Int32, fade: float, prior: float, values: Float32, users: int
) -> tuple[Float32, Float32, Int64]: ...

# windows.cpp
def count_within(
    code: Int32,
    start: Int64,
    end: Int64,
    timed: bool,
    codes: Int32,
    rows: Int64,
    user: Int32,
    time: Int64,
    action: Int16,
    order: int,
    pay: int,
    users: int,
) -> Int64: ...
