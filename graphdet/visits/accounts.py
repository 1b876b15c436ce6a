"""Visits → the accounts of each key of a view: who used it, how often, and from when to when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphdet import _kernels
from graphdet.arrays import Int32, Int64, check_array, check_columns
from graphdet.visits.visits import View, Visits


@dataclass(frozen=True)
class Accounts:
    """Users of k keys, each once: those of key i are at offset[i] … offset[i + 1] − 1, in order of their first visit.

    Attributes:
        offset: (k + 1,) int64.
        user: (n,) int32 user code; `visits`: (n,) int32, how often they came; `first`, `last`: (n,) int32 seconds.
    """

    offset: Int64
    user: Int32
    visits: Int32
    first: Int32
    last: Int32

    def __post_init__(self) -> None:
        check_columns(
            len(self.user), user=(self.user, np.int32), visits=(self.visits, np.int32), first=(self.first, np.int32),
            last=(self.last, np.int32),
        )  # fmt: skip
        check_array("offset", self.offset, np.int64, len(self.offset), 0, len(self.user))

    @property
    def of_key(self) -> Int64:
        """(k,) how many users each key has."""
        return np.diff(self.offset)

    @property
    def key(self) -> Int64:
        """(n,) the key of each row."""
        return np.repeat(np.arange(len(self.offset) - 1), self.of_key)


def accounts_of(visits: Visits, view: View) -> Accounts:
    """O(visits of the view)."""
    offset = visits.offset[view.first_key : view.first_key + view.keys + 1]
    return Accounts(*_kernels.list_accounts(offset, visits.user, visits.time, visits.users))
