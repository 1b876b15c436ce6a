"""What lies before an analyst: a home's casebook, opened for one request at a time, and the runs that it took in."""

from __future__ import annotations

import threading
from pathlib import Path

from graphdet.cases.casebook import Casebook
from graphdet.cases.rows import Case, TakenRun
from graphdet.console.shelf import OpenRun, Shelf
from graphdet.errors import GraphdetError, NotARun

WARMED = 60  # rings at the head of a run whose pages are built beforehand


class Desk:
    """A home folder's casebook and runs.

    Args:
        home: the casebook's folder.
        author: who decides, where there are no accounts.

    Raises:
        NotACasebook: there is none.
        NotARun: it took no run in, or the latest is gone.
    """

    def __init__(self, home: Path, author: str) -> None:
        self.home, self.author = home, author
        self._shelf = Shelf()
        self._ended = threading.Event()
        self.latest()

    def book(self, author: str) -> Casebook:
        """The casebook, for a `with` block, with the words of this author."""
        return Casebook(self.home, author, make=False)

    def runs(self) -> list[TakenRun]:
        """Runs that were taken in, the latest first."""
        with self.book(self.author) as book:
            return book.runs()[::-1]

    def latest(self) -> OpenRun:
        """The latest run.

        Raises:
            NotARun: there is none, or it is gone.
        """
        taken = self.runs()
        if not taken:
            raise NotARun(f"{self.home}: the casebook took no run in yet; `graphdet cases add RUN --home {self.home}` does.")
        return self._shelf.open(self.home / taken[0].folder)

    def run_of(self, case: Case) -> OpenRun | None:
        """The run in which a case was last seen, if it is still there."""
        folder = next((run.folder for run in self.runs() if run.run_id == case.run_id), None)
        try:
            run = self._shelf.open(self.home / folder) if folder is not None else None
        except GraphdetError:
            return None
        return run if run is not None and run.run.id == case.run_id and case.ring_id in run.by_id else None

    def warm(self) -> None:
        """Build the first pages beforehand, in the background, one after the other."""
        threading.Thread(target=self._warm, daemon=True).start()

    def _warm(self) -> None:
        try:
            run = self.latest()
            for ring in run.rings[:WARMED]:
                if self._ended.is_set() or not run.has_pages:
                    return
                run.page(str(ring["ring_id"]))
        except GraphdetError:
            return  # whoever opens the page is told

    def close(self) -> None:
        """Stop what goes on in the background."""
        self._ended.set()
