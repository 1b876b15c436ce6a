"""The compiled kernels (graphdet/kernels/*.cpp). Arrays have one dimension, the exact type and no gaps; none is copied."""

from graphdet.arrays import Int32, Int64

# crowding.cpp
def fullest(offset: Int64, time: Int32, window: int) -> tuple[Int64, Int64]: ...
