"""A simulated market's truth folder → `Truth`: the rings that were planted and the innocent groups that look like them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from graphdet.errors import NotAMarket

TRUTH_COLUMNS = {
    "rings": ("ring_id", "kind", "size", "density"),
    "members": ("ring_id", "node_type", "node_id", "role", "targets_touched"),
    "lookalikes": ("group_id", "kind", "node_type", "node_id"),
}


@dataclass(frozen=True)
class Truth:
    """What a market planted.

    Attributes:
        rings: one row per ring: ring_id, kind, size (users), density (share of user-target pairs that are there).
        members: ring_id, node_type, node_id, role (items: target or decoy), targets_touched (of that ring; for users).
        lookalikes: group_id, kind, node_type, node_id of innocent groups that look like rings.
    """

    rings: pd.DataFrame
    members: pd.DataFrame
    lookalikes: pd.DataFrame

    def __post_init__(self) -> None:
        for name, columns in TRUTH_COLUMNS.items():
            missing = set(columns) - set(getattr(self, name).columns)
            if missing:
                raise ValueError(f"truth table {name} lacks {sorted(missing)}")
        if self.rings["ring_id"].duplicated().any():
            raise ValueError("truth rings must have ids of their own")
        if not self.members["ring_id"].isin(self.rings["ring_id"]).all():
            raise ValueError("every truth member must belong to a ring of the rings table")


def load_truth(folder: Path) -> Truth:
    """The truth tables of a simulated market.

    Args:
        folder: the market's folder (with `truth/` inside) or the truth folder itself.

    Raises:
        NotAMarket: a table is missing or lacks a column.
    """
    inner = folder / "truth" if (folder / "truth").is_dir() else folder
    tables = {}
    for name, columns in TRUTH_COLUMNS.items():
        path = inner / f"{name}.parquet"
        try:
            table = pq.read_table(path)
        except (OSError, ValueError, pa.ArrowException) as error:
            raise NotAMarket(f"{path}: no readable truth table ({error}); give a folder that `graphdet simulate` wrote.") from None
        missing = sorted(set(columns) - set(table.column_names))
        if missing:
            raise NotAMarket(f"{path}: lacks the column {missing[0]!r} (found {', '.join(table.column_names)}).")
        tables[name] = table.select(list(columns)).to_pandas()
    return Truth(**tables)
