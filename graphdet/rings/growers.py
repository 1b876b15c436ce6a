"""Several growers on one log that share out the work between threads, and work ahead of who asks them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import NamedTuple, Self, TypeVar

from graphdet.arrays import Int32
from graphdet.rings.growth import Grower, Grown, Tried, grow_each, parts_each, unions_each
from graphdet.settings import RingSettings
from graphdet.visits.base_rates import BaseRates
from graphdet.visits.index import VisitIndex

Thing = TypeVar("Thing")
Result = TypeVar("Result")


class Ahead(NamedTuple):
    """What was grown ahead: of each core, and the parts of each ring. What nobody asks for counts for nothing."""

    grown: list[Tried]
    parts: list[Tried]


class Growers:
    """One grower for each thread, and one for who asks; `with` ends the threads."""

    def __init__(self, index: VisitIndex, base_rates: BaseRates, settings: RingSettings, threads: int) -> None:
        self.first = Grower(index, base_rates, settings)  # for work that is not shared out
        self._growers = [self.first.another() for _ in range(threads)]
        self._pool, self._ahead = ThreadPoolExecutor(threads), ThreadPoolExecutor(1)
        self._running: Future[Ahead] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ahead.shutdown(cancel_futures=True)
        self._pool.shutdown()

    @property
    def walked(self) -> int:
        """Visits looked at so far in what was asked for."""
        return sum(grower.walked for grower in (self.first, *self._growers))

    @property
    def swallowed(self) -> int:
        """Cores so far that were growing into everybody."""
        return sum(grower.swallowed for grower in (self.first, *self._growers))

    def count(self, tried: Tried) -> list[Grown]:
        """The rings of something done ahead that is asked for now."""
        self.first.walked += tried.walked
        self.first.swallowed += tried.swallowed
        return tried.rings

    def work_ahead(self, cores: Sequence[Int32], rings: Sequence[Grown]) -> Future[Ahead]:
        """Grow cores and find the parts of rings, on all threads, while whoever asks does something else; `each` waits for it."""
        self._running = self._ahead.submit(lambda: Ahead(grow_each(self._growers, cores), parts_each(self._growers, rings)))
        return self._running

    def unite(self, pairs: Sequence[tuple[Grown, Grown]]) -> list[Grown | None]:
        """Of each two rings the one that tells them better, if one does, see `unions_each`."""
        self._await_ahead()
        return [next(iter(self.count(tried)), None) for tried in unions_each(self._growers, pairs)]

    def each(self, do: Callable[[Grower, Thing], Result], things: Sequence[Thing]) -> list[Result]:
        """Done with each thing, in their order."""
        self._await_ahead()
        threads = len(self._growers)
        shares = self._pool.map(
            lambda grower, own: [do(grower, thing) for thing in own], self._growers, [things[n::threads] for n in range(threads)]
        )
        done: list[Result] = [None] * len(things)  # type: ignore[list-item]
        for number, share in enumerate(shares):
            done[number::threads] = share
        return done

    def _await_ahead(self) -> None:
        if self._running is not None:  # it goes on where the effort was spent before it was asked for, and has the same growers
            wait((self._running,))
