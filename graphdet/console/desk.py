"""What lies before an analyst: a home's casebook, opened for one request at a time, and the runs that it took in."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from graphdet.cases.casebook import Casebook
from graphdet.cases.rows import Case, TakenRun
from graphdet.console.case_standing import BEFORE_ALL, Standing, standing_after, with_accounts
from graphdet.console.prepared import PREPARED, Told
from graphdet.console.shelf import MOST_OPEN, OpenRun, Shelf
from graphdet.errors import GraphdetError, NotARun
from graphdet.schema import SELLER
from graphdet.schema.standings import STANDINGS
from graphdet.schema.wording import Language
from graphdet.week.queueing import Kinds
from graphdet.words.verdicts import rate_in_words

if TYPE_CHECKING:  # a watch brings much along, and few consoles show one
    from graphdet.alerts.alert import Alert
    from graphdet.alerts.outbox import State


class Desk:
    """A home folder's casebook and runs.

    Args:
        home: the casebook's folder.
        author: who decides, where there are no accounts.
        watch: the state of a watch whose alerts are to be seen, too.

    Raises:
        AlertError: no watch has its state there.
        NotACasebook: there is none.
        NotARun: it took no run in, or the latest is gone.
    """

    def __init__(self, home: Path, author: str, watch: Path | None = None) -> None:
        self.home, self.author, self.watch = home, author, watch
        self._warmed = ""  # the run whose pages are prepared; empty before somebody serves
        self.alerts(1)
        self._shelf = Shelf(home / PREPARED)
        self._standing, self._kinds = BEFORE_ALL, Kinds()
        self.writing_lists = threading.Lock()  # one at a time, since each reads the runs that were judged
        self.latest()

    def book(self, author: str) -> Casebook:
        """The casebook, for a `with` block, with the words of this author."""
        return Casebook(self.home, author, make=False)

    def standing(self, book: Casebook, *, accounts: bool = False) -> Standing:
        """Where all cases stand now, worked out once for each entry; accounts only where they are asked for."""
        with book.reading():
            found = standing_after(book, self._standing, self._kinds)
            found = with_accounts(book, found) if accounts else found
        self._standing = found
        return found

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
        run = self._shelf.open(self.home / taken[0].folder)
        if self._warmed not in ("", run.run.id):  # a newer one was taken in while the console serves
            self._prepare(run)
        return run

    def run_of(self, case: Case) -> OpenRun | None:
        """The run in which a case was last seen, if it is still there."""
        folder = next((run.folder for run in self.runs() if run.run_id == case.run_id), None)
        try:
            run = self._shelf.open(self.home / folder) if folder is not None else None
        except GraphdetError:
            return None
        return run if run is not None and run.run.id == case.run_id and case.ring_id in run.by_id else None

    def chance_of(self, book: Casebook, standing: Standing, case: Case) -> float:
        """That a case is a ring, as it is known now."""
        if case.name in standing.ranked:
            return standing.ranked[case.name]
        return standing.known.of(self._kinds.of(book, case.standing, case.group_digest)).mean

    def rate_of(self, book: Casebook, standing: Standing, case: Case, language: Language) -> str:
        """How often such groups were rings, in words, as it is known now: one number, wherever the console tells one."""
        if case.standing not in STANDINGS:  # an older graphdet made its run
            return ""
        kind = self._kinds.of(book, case.standing, case.group_digest)
        belief, verdicts = standing.known.of(kind), standing.known.verdicts_on(kind)
        return rate_in_words(case.standing, (belief.mean, *belief.interval), verdicts, language)

    def shops_of(self, run: OpenRun, book: Casebook, case: Case) -> int | None:
        """How many shops the members of a case share, None where the log tells of none."""
        found = self._kinds.sizes(book, case.group_digest).get(SELLER, 0)
        return found if found or run.tells_shops else None

    def told_of(self, run_id: str, ring_id: str) -> Told | None:
        """What the page of a ring told in codes; None where it is not there yet, or not any more."""
        return self._shelf.told_of(run_id, ring_id)

    def tell(self, rings: Collection[tuple[str, str]]) -> set[str]:
        """Find out in the background what the pages of rings of runs past, each told by its run's id and its own, tell in codes.

        Those of the latest run are prepared anyway, once somebody serves.

        Returns:
            Ids of runs of whose rings it is being found out now.
        """
        if not self._warmed:
            return set()
        folders = {run.run_id: self.home / run.folder for run in self.runs()[1:]}
        known = sorted({run_id for run_id, _ in rings} & folders.keys())
        latest = self.latest()
        at_work = {latest.run.id} if latest.bench.is_at_work else set()
        return at_work | {one for one in known if self._shelf.tell(folders[one], one, [ring for run, ring in rings if run == one])}

    def alerts(self, most: int) -> list[tuple[Alert, dict[str, State]]] | None:
        """The last alerts of the watch, latest first; None where there is no watch to be seen."""
        if self.watch is None:
            return None
        from graphdet.alerts.deliver import connect
        from graphdet.alerts.outbox import latest_alerts
        from graphdet.watch.state import FILE

        with contextlib.closing(connect(self.watch / FILE)) as connection:
            return latest_alerts(connection, most)

    def warm(self) -> None:
        """Prepare the latest run's pages in the background, and from now on those of each newer one; what is of runs long past goes."""
        self._prepare(self.latest())

    def _prepare(self, run: OpenRun) -> None:
        self._warmed = run.run.id
        runs = self.runs()
        self._shelf.clear([taken.run_id for taken in runs[:MOST_OPEN]], [one.run_id for one in runs if (self.home / one.folder).is_dir()])
        if run.has_pages:
            run.bench.start()

    def close(self) -> None:
        """Stop what goes on in the background."""
        self._shelf.close()
