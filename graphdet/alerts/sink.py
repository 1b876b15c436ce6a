"""What a sink is: somewhere that alerts go, and how it says that they did not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from graphdet.alerts.alert import Alert


class Undelivered(Exception):
    """An attempt that failed; the reason names no address, no secret and nothing that the receiver wrote."""

    def __init__(self, why: str, *, after: float | None = None, gone: bool = False) -> None:
        """`after`: seconds that the receiver asks to be left alone; `gone`: it wants no more, so that trying again is of no use."""
        super().__init__(why)
        self.why, self.after, self.gone = why, after, gone


class Sink(Protocol):
    """One receiver.

    Attributes:
        most: alerts that go in one message.
    """

    most: int

    def deliver(self, alerts: Sequence[Alert]) -> None:
        """Hand alerts over; once this returns the receiver has them.

        Raises:
            Undelivered: it has not, or nobody knows.
        """
