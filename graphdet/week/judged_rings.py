"""A casebook's runs → of a ring that was judged, its accounts' contributions and the reasons for the suspicion, while its run is there.

What the pages of a run told in codes, as the console prepares them, is taken from there: a run of millions of events takes half a minute
to be read for its reasons, and its rings some tenths of a second each. The codes are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Protocol

import pyarrow.compute as pc

from graphdet.cases.casebook import Casebook
from graphdet.dossier.why_suspected import suspicion_codes
from graphdet.errors import NotARun, RunError
from graphdet.replay.recorded import Recorded
from graphdet.run.folder import Run
from graphdet.schema import USER
from graphdet.words.reasons import CATALOGUE

Users = dict[str, tuple[float, str]]  # user → contribution and role


class ToldPage(Protocol):
    """What a ring's page told in codes."""

    @property
    def reasons(self) -> Sequence[str]:
        """For the suspicion."""


ToldOf = Callable[[str, str], ToldPage | None]  # run, ring → what its page told, None where none was made


class JudgedRings:
    """What runs tell of judged rings, each run opened once.

    Args:
        book: open.
        told_of: what pages that this graphdet made told already.
    """

    def __init__(self, book: Casebook, told_of: ToldOf | None = None) -> None:
        self._folders = {run.run_id: book.folder_of(run) for run in book.runs() if run.folder}
        self._told_of = told_of
        self._runs: dict[str, _JudgedRun | None] = {}

    def of(self, run_id: str, ring_id: str) -> tuple[Users, str]:
        """User → contribution and role; and the codes of the reasons, parted by spaces. Both empty where the run is gone."""
        run = self._open(run_id)
        try:
            if run is None or ring_id not in run.users:
                return {}, ""
            told = self._told_of(run_id, ring_id) if self._told_of and run.has_reasons else None
            if told is None or not CATALOGUE.keys() >= set(told.reasons):  # whoever may write there may write anything
                return run.users[ring_id], " ".join(run.reasons(ring_id))
            return run.users[ring_id], " ".join(told.reasons)
        except (NotARun, RunError):
            return {}, ""

    def _open(self, run_id: str) -> _JudgedRun | None:
        if run_id not in self._runs:
            try:
                self._runs[run_id] = _JudgedRun(Run.load(self._folders[run_id]))
            except (KeyError, NotARun, RunError):
                self._runs[run_id] = None
        return self._runs[run_id]


class _JudgedRun:
    """One run; its tables are read when they are first asked for."""

    def __init__(self, run: Run) -> None:
        self._run = run

    @property
    def has_reasons(self) -> bool:
        return self._run.has("dossiers")

    @cached_property
    def users(self) -> dict[str, Users]:
        """Ring → its users."""
        own = self._run.members.filter(pc.equal(self._run.members["node_type"], USER))
        found: dict[str, Users] = {}
        columns = (own[name].to_pylist() for name in ("ring_id", "node_id", "contribution", "role"))
        for ring_id, user, contribution, role in zip(*columns, strict=True):
            found.setdefault(ring_id, {})[user] = (contribution, role)
        return found

    def reasons(self, ring_id: str) -> list[str]:
        """Found anew; none where the run holds nothing, or nothing that can be read, that they are found in."""
        return suspicion_codes(self._recorded, ring_id) if self._recorded is not None else []

    @cached_property
    def _recorded(self) -> Recorded | None:
        try:
            return Recorded(self._run) if self.has_reasons else None
        except (NotARun, RunError):
            return None
