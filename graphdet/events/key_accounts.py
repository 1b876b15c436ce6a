"""An event table → how many accounts each device, payment instrument and address has: what is usual, and which have most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from graphdet.arrays import distinct_values
from graphdet.events.table import EventTable
from graphdet.schema import NODE_TYPES

MOST = 3  # keys that are named
STEPS = (1, 2, 3, 5, 10)  # accounts from which on keys are counted together, up to the next


@dataclass(frozen=True)
class KeyAccounts:
    """Of one node type.

    Attributes:
        keys: with so many accounts as `STEPS` say: one, two, three or four, five to nine, ten or more.
        most: id and accounts of the keys with most accounts, most first; of keys with one alone none.
    """

    keys: tuple[int, ...]
    most: tuple[tuple[str, int], ...]


def count_accounts(table: EventTable) -> dict[str, KeyAccounts]:
    """Node type → accounts per key, for those whose things belong to a person or a home."""
    found = {}
    for node_type in NODE_TYPES:
        if node_type.personal and node_type.name in table.codes:
            code = table.codes[node_type.name]
            pair = distinct_values(code[code >= 0].astype(np.int64) << 32 | table.codes["user"][code >= 0])
            accounts = np.bincount(pair >> 32, minlength=table.count(node_type.name))
            step = np.searchsorted(STEPS, accounts, side="right") - 1
            most = np.argsort(-accounts, kind="stable")[:MOST]
            most = most[accounts[most] > 1]
            names = table.ids[node_type.name].take(pa.array(most)).to_pylist()
            found[node_type.name] = KeyAccounts(
                tuple(np.bincount(step, minlength=len(STEPS)).tolist()), tuple(zip(names, accounts[most].tolist(), strict=True))
            )
    return found
