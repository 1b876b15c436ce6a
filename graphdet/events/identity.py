"""Events of parts of a log → 128 bits that tell each apart: its event id, or else all that its row says."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graphdet.events.expressions import identifier

Bits = npt.NDArray[np.uint64]
TOLD_BY = f"duckdb {duckdb.__version__}"  # whose digests these are: another version may have others


def identity_of(rows: pa.Table, apart: Mapping[str, Bits]) -> tuple[Bits, Bits]:
    """(n,) and (n,): two rows agree in both where `graphdet run` counts one of them as a duplicate.

    Args:
        rows: columns as they were read, with canonical names.
        apart: of the same rows, from `read_part`.
    """
    count = rows.num_rows
    none = np.zeros(count, np.uint64)
    a, b = apart.get("event_a", none), apart.get("event_b", none)
    unnamed = (a == 0) & (b == 0)
    if not unnamed.any():
        return a, b
    told = rows.append_column("digest", pa.array(apart.get("digest", none)))
    columns = ", ".join(identifier(name) for name in told.column_names if name != "category")  # which is the item's, not the row's
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("told", told)
        reader = connection.sql(f"SELECT hash({columns}) AS a, hash('#', {columns}) AS b FROM told").to_arrow_reader()  # noqa: S608
        found = reader.read_all()
    of_row = [found[name].to_numpy() for name in ("a", "b")]
    return np.where(unnamed, of_row[0], a), np.where(unnamed, of_row[1], b)
