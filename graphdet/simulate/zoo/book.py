"""What a shop's habits write down: events in codes, and the truth about crews and innocent groups."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from graphdet.schema import ACTIONS
from graphdet.simulate.streams import Floats, Ints

ACTION = {name: code for code, name in enumerate(ACTIONS)}
# Columns beside user, time and action: their type, and what stands where an event has none.
GIVEN: dict[str, tuple[type, float]] = {
    "item": (np.int32, -1),
    "device": (np.int32, -1),
    "ip": (np.int32, -1),
    "order": (np.int32, -1),
    "amount": (np.float64, np.nan),
    "rating": (np.float64, np.nan),
    "payment": (np.int32, -1),
    "address": (np.int32, -1),
}
Columns = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Crew:
    """One planted ring: who, what they were paid for, and how many distinct targets each of them touched."""

    kind: str
    members: Ints
    targets: Ints
    touched: Ints
    devices: Ints
    ips: Ints


@dataclass(frozen=True)
class Group:
    """One innocent group that looks like a ring."""

    kind: str
    members: Ints


@dataclass
class Book:
    """Habits add to it in their turn; a code that is asked for is nobody else's.

    Attributes:
        next_code: node type → the first code that nobody has taken.
        taken: (users,) accounts that a crew has raised, which no other crew may use.
    """

    next_code: dict[str, int]
    taken: npt.NDArray[np.bool_]
    parts: list[Columns] = field(default_factory=list)
    crews: list[Crew] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)

    def add(self, user: Ints, time: Floats, action: str | npt.NDArray[np.int8], **given: npt.ArrayLike) -> None:
        """One event a row. Raises KeyError for an unknown column."""
        unknown = set(given) - set(GIVEN)
        if unknown:
            raise KeyError(f"events have no column {sorted(unknown)}")
        code = np.int8(ACTION[action]) if isinstance(action, str) else action
        columns: Columns = {
            "user": np.asarray(user, np.int32),
            "time": np.asarray(time, np.float64),
            "action": np.broadcast_to(code, len(user)).astype(np.int8),
        }
        for name, (kind, none) in GIVEN.items():
            columns[name] = np.broadcast_to(np.asarray(given.get(name, none), kind), len(user)).copy()
        self.parts.append(columns)

    def take(self, node_type: str, count: int) -> Ints:
        """Fresh codes of a node type, or fresh orders."""
        first = self.next_code[node_type]
        self.next_code[node_type] = first + count
        return np.arange(first, first + count, dtype=np.int32)

    def columns(self) -> Columns:
        """All events, sorted by time, then user, item and action."""
        whole = {name: np.concatenate([part[name] for part in self.parts]) for name in self.parts[0]}
        order = np.lexsort((whole["action"], whole["item"], whole["user"], whole["time"]))
        return {name: values[order] for name, values in whole.items()}
