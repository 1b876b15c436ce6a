"""Everything that one execution found, as one object, and the run folder that holds it.

The same log, settings and code give the same bytes in every table; only `cost` in run.json differs, since clocks do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from graphdet.errors import NotARun
from graphdet.run.as_html import COLUMNS, MEMBER_COLUMNS, as_list, as_table
from graphdet.run.choosing import ring_named
from graphdet.run.consistency import check_table
from graphdet.run.describing import META_KEYS
from graphdet.run.loading import ChangedTables, CheckedTables, StoredTables, load_meta
from graphdet.run.saving import RunWriter
from graphdet.schema import OPTIONAL_RUN_TABLES, RUN_TABLES


@dataclass(frozen=True)
class RunRing:
    """One ring of a run, with its own rows of the run's tables."""

    row: dict[str, Any]  # one row of `rings`: column → value
    members: pa.Table  # schema: RUN_TABLES["members"]
    evidence: pa.Table  # schema: RUN_TABLES["evidence"]

    @property
    def id(self) -> str:
        return str(self.row["ring_id"])

    def _repr_html_(self) -> str:
        """As a notebook shows it."""
        facts = as_table(f"Ring {self.id}", COLUMNS, [self.row])
        return facts + as_table("Members", MEMBER_COLUMNS, self.members.to_pylist())


@dataclass(frozen=True)
class Run:
    """One execution and all it produced; checks itself.

    Attributes:
        meta: what run.json holds: `format`, `id`, `version`, `code`, `seed`, `settings`, `inputs` (path, format, sha256, counts),
            `counts` (read, accepted, rejected, duplicates, nodes per type, events per relation), `discounted` (view, window, key,
            reason, size of each cell left out), `notes` (what the log lacks and what that costs) and `cost` (the settings of the
            machine, and stages with seconds and the process's highest resident memory so far, in bytes).
        tables: Arrow tables by name; `graphdet.schema.RUN_TABLES` and OPTIONAL_RUN_TABLES say what each column means. Those of a
            run folder are read and checked when they are first asked for.

    Raises:
        ValueError: the tables contradict their schema or each other.
    """

    meta: dict[str, Any]
    tables: Mapping[str, pa.Table]

    def __post_init__(self) -> None:
        missing = [key for key in META_KEYS if key not in self.meta]
        if missing:
            raise ValueError(f"meta lacks {', '.join(missing)}")
        absent = [name for name in RUN_TABLES if name not in self.tables]
        unknown = [name for name in self.tables if name not in RUN_TABLES and name not in OPTIONAL_RUN_TABLES]
        if absent or unknown:
            raise ValueError(f"a run's tables are {', '.join(RUN_TABLES)} (absent: {absent}, unknown: {unknown})")
        if isinstance(self.tables, CheckedTables):
            return
        for name, table in self.tables.items():
            check_table(name, table, self.tables)

    @property
    def rings(self) -> pa.Table:
        return self.tables["rings"]

    @property
    def members(self) -> pa.Table:
        return self.tables["members"]

    @property
    def evidence(self) -> pa.Table:
        return self.tables["evidence"]

    @property
    def scores(self) -> pa.Table:
        return self.tables["scores"]

    @property
    def rejected(self) -> pa.Table:
        return self.tables["rejected"]

    # What a run may lack is None: older runs, and runs made without the stage that fills it.

    @property
    def relations(self) -> pa.Table | None:
        return self.tables.get("relations")

    @property
    def embeddings(self) -> pa.Table | None:
        return self.tables.get("embeddings")

    @property
    def events(self) -> pa.Table | None:
        return self.tables.get("events")

    @property
    def keys(self) -> pa.Table | None:
        return self.tables.get("keys")

    @property
    def visits(self) -> pa.Table | None:
        return self.tables.get("visits")

    @property
    def bursts(self) -> pa.Table | None:
        return self.tables.get("bursts")

    @property
    def dossiers(self) -> pa.Table | None:
        return self.tables.get("dossiers")

    @property
    def takeovers(self) -> pa.Table | None:
        return self.tables.get("takeovers")

    @property
    def takeover_events(self) -> pa.Table | None:
        return self.tables.get("takeover_events")

    @property
    def id(self) -> str:
        """A digest of the inputs, the settings, the version and the code; the same four give the same id."""
        return str(self.meta["id"])

    def _repr_html_(self) -> str:
        """As a notebook shows it: the rings, worst first, and what the log lacks."""
        return as_table(f"Run {self.id}", COLUMNS, self.rings.to_pylist()) + as_list(self.meta["notes"])

    def has(self, name: str) -> bool:
        """Whether the run has a table, told without reading it."""
        return name in self.tables

    def with_tables(self, **changed: pa.Table) -> Run:
        """The run with these tables in place of its own."""
        own = self.tables
        return replace(self, tables=ChangedTables(own, changed) if isinstance(own, CheckedTables) else {**own, **changed})

    def ring(self, name: str) -> RunRing:
        """One ring, by its id, by the start of its id where that is unambiguous, or by its rank ("1" is the worst).

        Raises:
            UnknownRing: none or several fit; the message names the nearest.
        """
        facts = ring_named(self.rings.to_pylist(), name.strip())
        own = pc.field("ring_id") == facts["ring_id"]
        return RunRing(facts, self.members.filter(own), self.evidence.filter(own))

    def save(self, folder: Path) -> None:
        """Write the run into `folder`, which must not exist yet or be empty; all of it or nothing.

        Raises:
            RunExists: the folder holds something already.
            RunError: the disk or the rights do not allow it.
        """
        with RunWriter(folder) as writer:
            writer.finish(self.tables, self.meta)

    @staticmethod
    def load(folder: Path) -> Run:
        """The run that `folder` holds.

        Raises:
            NotARun: the folder is absent, incomplete or written by a newer graphdet; or, when a table is asked for, that is damaged.
        """
        meta = load_meta(folder)
        try:
            return Run(meta, StoredTables(folder))
        except ValueError as error:
            raise NotARun(f"{folder}: damaged run ({error}); run `graphdet run` again.") from None
