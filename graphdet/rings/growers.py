"""Several growers on one log that share out the work between threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Self, TypeVar

from graphdet.rings.growth import Grower
from graphdet.settings import RingSettings
from graphdet.visits.base_rates import BaseRates
from graphdet.visits.index import VisitIndex

Thing = TypeVar("Thing")
Result = TypeVar("Result")


class Growers:
    """One grower for each thread; `with` ends the threads."""

    def __init__(self, index: VisitIndex, base_rates: BaseRates, settings: RingSettings, threads: int) -> None:
        self._growers = [Grower(index, base_rates, settings) for _ in range(threads)]
        self._pool = ThreadPoolExecutor(threads)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    @property
    def first(self) -> Grower:
        """For work that is not shared out."""
        return self._growers[0]

    @property
    def walked(self) -> int:
        """Visits that all of them have looked at so far."""
        return sum(grower.walked for grower in self._growers)

    @property
    def swallowed(self) -> int:
        """Cores so far that were growing into everybody."""
        return sum(grower.swallowed for grower in self._growers)

    def each(self, do: Callable[[Grower, Thing], Result], things: list[Thing]) -> list[Result]:
        """Done with each thing, in their order."""
        threads = len(self._growers)
        shares = self._pool.map(
            lambda grower, own: [do(grower, thing) for thing in own], self._growers, [things[n::threads] for n in range(threads)]
        )
        done: list[Result] = [None] * len(things)  # type: ignore[list-item]
        for number, share in enumerate(shares):
            done[number::threads] = share
        return done
