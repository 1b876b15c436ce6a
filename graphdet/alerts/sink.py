"""What a sink is: somewhere that alerts go, and how it says that they did not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from graphdet.alerts.alert import Alert
from graphdet.words.failure_words import as_kept, failure_in_words


class Undelivered(Exception):
    """An attempt that failed; the reason names no address, no secret and nothing that the receiver wrote."""

    def __init__(self, failure: str, *, after: float | None = None, gone: bool = False, **values: Any) -> None:
        """`failure`, with its values: of `words/failure_words.py`; `after`: seconds that the receiver asks to be left alone; `gone`: it
        wants no more, so that trying again is of no use."""
        self.kept, self.after, self.gone = as_kept(failure, **values), after, gone
        super().__init__(failure_in_words(self.kept, "en"))


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
