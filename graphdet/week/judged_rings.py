"""A casebook's runs → of a ring that was judged, its accounts' contributions and the reasons for the suspicion, while its run is there."""

from __future__ import annotations

from graphdet.cases.casebook import Casebook
from graphdet.dossier.building import build_dossier
from graphdet.errors import NotARun, RunError
from graphdet.replay.recorded import Recorded
from graphdet.run.folder import Run
from graphdet.schema import USER
from graphdet.words.reasons import CATALOGUE


class JudgedRings:
    """What runs tell of judged rings, each run opened once."""

    def __init__(self, book: Casebook) -> None:
        self._folders = {run.run_id: book.folder_of(run) for run in book.runs() if run.folder}
        self._runs: dict[str, tuple[Run, Recorded | None] | None] = {}

    def of(self, run_id: str, ring_id: str) -> tuple[dict[str, tuple[float, str]], str]:
        """User → contribution and role; and the codes of the reasons, parted by spaces. Both empty where the run is gone."""
        opened = self._open(run_id)
        if opened is None:
            return {}, ""
        run, recorded = opened
        try:
            ring = run.ring(ring_id)
            reasons = [code for code, _ in build_dossier(recorded, ring).reasons] if recorded is not None else []
        except (NotARun, RunError):
            return {}, ""
        users = [row for row in ring.members.to_pylist() if row["node_type"] == USER]
        return {row["node_id"]: (row["contribution"], row["role"]) for row in users}, " ".join(
            dict.fromkeys(code for code in reasons if CATALOGUE[code].side == "for")
        )

    def _open(self, run_id: str) -> tuple[Run, Recorded | None] | None:
        if run_id not in self._runs:
            try:
                run = Run.load(self._folders[run_id])
                self._runs[run_id] = run, Recorded(run) if run.dossiers is not None else None
            except (KeyError, NotARun, RunError):
                self._runs[run_id] = None
        return self._runs[run_id]
