"""Everything that one execution found → a run folder, and back.

A folder is written under another name and renamed when whole, so a half-written one is never mistaken for a run. The same
log and settings give the same bytes in every table; only `cost` in run.json differs, since clocks do.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from graphdet import __version__
from graphdet.errors import NotARun, RunError, RunExists, UnknownRing, nearest
from graphdet.schema import EXPLANATIONS, KEY_ROLES, KEY_TYPES, NODE_TYPE, OPTIONAL_RUN_TABLES, RUN_TABLES, TIERS, USER_ROLES, arrow_schema

if TYPE_CHECKING:  # looking into a run must not cost the time to load what makes one
    from graphdet.events import EventTable
    from graphdet.progress import StageCost
    from graphdet.settings import Settings

FORMAT = 1  # of the run folder; counted up when an older graphdet could misread a newer folder

META_KEYS = ("format", "id", "version", "seed", "settings", "inputs", "counts", "discounted", "notes", "cost")


@dataclass(frozen=True)
class RunRing:
    """One ring of a run, with its own rows of the run's tables."""

    facts: dict[str, Any]  # one row of `rings`: column → value
    members: pa.Table  # schema: RUN_TABLES["members"]
    evidence: pa.Table  # schema: RUN_TABLES["evidence"]

    @property
    def id(self) -> str:
        return str(self.facts["ring_id"])


@dataclass(frozen=True)
class Run:
    """One execution and all it produced; checks itself.

    Attributes:
        rings, members, evidence, scores, rejected: Arrow tables; `graphdet.schema.RUN_TABLES` says what each column means.
        meta: what run.json holds: `format`, `id`, `version`, `seed`, `settings`, `inputs` (path, format, sha256, counts), `counts`
            (read, accepted, rejected, duplicates, nodes per type, events per relation), `discounted` (view, window, key,
            reason, size of each cell left out), `notes` (what the log lacks and what that costs) and `cost` (the settings of the
            machine, and stages with seconds and the process's highest resident memory so far, in bytes).

    Raises:
        ValueError: the tables contradict their schema or each other.
    """

    rings: pa.Table
    members: pa.Table
    evidence: pa.Table
    scores: pa.Table
    rejected: pa.Table
    meta: dict[str, Any]
    relations: pa.Table | None = None  # schema: OPTIONAL_RUN_TABLES["relations"]
    events: pa.Table | None = None  # this and the next three: what dossiers are made of; None in runs of older versions
    keys: pa.Table | None = None
    visits: pa.Table | None = None
    dossiers: pa.Table | None = None
    embeddings: pa.Table | None = None  # schema: OPTIONAL_RUN_TABLES["embeddings"]

    def __post_init__(self) -> None:
        missing = [key for key in META_KEYS if key not in self.meta]
        if missing:
            raise ValueError(f"meta lacks {', '.join(missing)}")
        for name in self.tables():
            schema = getattr(self, name).schema
            if schema.names != arrow_schema(name).names or not all(map(_fits, schema.types, arrow_schema(name).types)):
                raise ValueError(f"{name} must have the columns {arrow_schema(name).to_string()} (found {schema.to_string()})")
        _must_be_unique("rings", self.rings, ["ring_id"])
        _must_be_unique("rings", self.rings, ["rank"])
        _must_be_unique("members", self.members, ["ring_id", "node_type", "node_id"])
        _must_be_unique("scores", self.scores, ["node_type", "node_id"])
        _must_lie_within("rings", self.rings, "score", 0, 1)
        _must_lie_within("rings", self.rings, "p_value", 5e-324, 1)
        _must_lie_within("rings", self.rings, "q_value", 0, 1)
        _must_lie_within("scores", self.scores, "score", 0, 1)
        _must_be_one_of("rings", self.rings, "tier", TIERS)
        _must_be_one_of("rings", self.rings, "explanation", ("", *EXPLANATIONS))
        for name in ("members", "scores"):
            _must_be_one_of(name, getattr(self, name), "node_type", tuple(NODE_TYPE))
        _must_be_one_of("members", self.members, "role", (*USER_ROLES, *KEY_ROLES.values()))
        _must_be_one_of("evidence", self.evidence, "view", KEY_TYPES)
        for name in ("members", "evidence"):
            _must_be_one_of(name, getattr(self, name), "ring_id", tuple(self.rings["ring_id"].to_pylist()))

    def tables(self) -> list[str]:
        """Names of the tables that this run has."""
        return [*RUN_TABLES, *(name for name in OPTIONAL_RUN_TABLES if getattr(self, name) is not None)]

    @property
    def id(self) -> str:
        """A digest of the inputs, the settings and the version; the same three give the same id."""
        return str(self.meta["id"])

    def ring(self, name: str) -> RunRing:
        """One ring, by its id, by the start of its id where that is unambiguous, or by its rank ("1" is the worst).

        Raises:
            UnknownRing: none or several fit; the message names the nearest.
        """
        facts = _pick(self.rings.to_pylist(), name.strip())
        own = pc.field("ring_id") == facts["ring_id"]
        return RunRing(facts, self.members.filter(own), self.evidence.filter(own))

    def save(self, folder: Path) -> None:
        """Write the run into `folder`, which must not exist yet or be empty; all of it or nothing.

        Raises:
            RunExists: the folder holds something already.
            RunError: the disk or the rights do not allow it.
        """
        require_free(folder)
        target = folder.resolve()
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            _clear_leftovers(target)
            with _half_written(target) as partial:
                for name in self.tables():
                    with (partial / f"{name}.parquet").open("xb") as file:
                        # One chunk: page limits, and so bytes, must not depend on how the table was put together.
                        pq.write_table(getattr(self, name).replace_schema_metadata(None).combine_chunks(), file, compression="zstd")
                        os.fsync(file.fileno())
                with (partial / "run.json").open("x", encoding="utf-8") as text:
                    json.dump(self.meta, text, ensure_ascii=False, indent=1)
                    text.write("\n")
                    text.flush()
                    os.fsync(text.fileno())
                _flush_folder(partial)
                partial.rename(target)
            _flush_folder(target.parent)
        except OSError as error:
            require_free(folder)  # the rename is refused where another run took the place meanwhile
            raise RunError(f"{folder}: the run cannot be written ({error.strerror}); choose another --out.") from None

    @staticmethod
    def load(folder: Path) -> Run:
        """The run that `folder` holds.

        Raises:
            NotARun: the folder is absent, incomplete, damaged, or written by a newer graphdet.
        """
        meta = _load_meta(folder)
        present = [name for name in OPTIONAL_RUN_TABLES if (folder / f"{name}.parquet").exists()]
        tables = {name: _load_table(folder / f"{name}.parquet", name) for name in (*RUN_TABLES, *present)}
        try:
            return Run(**tables, meta=meta)
        except ValueError as error:
            raise NotARun(f"{folder}: damaged run ({error}); run `graphdet run` again.") from None


def select_rings(
    rings: pa.Table,
    tiers: Sequence[str] = (),
    explanation: str | None = None,
    least_size: int | None = None,
    least_amount: float | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    sort: str = "rank",
) -> pa.Table:
    """Rings that pass every filter given, by rank, or by `size`, `amount`, `events`, `strength` or `first` seen, largest first.

    Times without a zone are UTC. A ring that has no amount or no time passes no filter on it.
    """
    keep = pc.is_in(rings["tier"], value_set=pa.array(list(tiers) or list(TIERS), pa.string()))
    bounds: list[tuple[str, Any, Any]] = [
        ("size", pc.greater_equal, least_size),
        ("amount", pc.greater_equal, least_amount),
        ("explanation", pc.equal, explanation),
    ]
    bounds += [("last_seen", pc.greater_equal, _utc(since)), ("first_seen", pc.less_equal, _utc(until))]
    for column, compare, bound in bounds:
        if bound is not None:
            keep = pc.and_(keep, pc.fill_null(compare(rings[column], pa.scalar(bound, rings[column].type)), False))
    column = {"first": "first_seen"}.get(sort, sort)
    order = [("rank", "ascending")] if sort == "rank" else [(column, "descending"), ("rank", "ascending")]
    return rings.filter(keep).sort_by(order)


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def require_free(folder: Path) -> None:
    """Nothing may stand in the way of a run that is to be saved in `folder`; asked before the work, since an answer after it is dear.

    Raises:
        RunExists: it is a file, or a folder that holds anything.
        RunError: the place cannot be written to.
    """
    if folder.is_dir():
        if (folder / "run.json").is_file():
            raise RunExists(f"{folder}: holds a run already; choose another --out, or remove that folder first.")
        found = next(iter(sorted(path.name for path in folder.iterdir())), None)
        if found is not None:
            raise RunExists(f"{folder}: is not empty (found {found!r}); choose another --out.")
        if folder.resolve().is_mount():
            raise RunError(f"{folder}: is a mount point, which cannot be replaced in one step; choose a folder inside it for --out.")
    elif folder.exists() or folder.is_symlink():
        raise RunExists(f"{folder}: is not a folder; choose another --out.")
    above = folder.resolve().parent
    while not above.exists():
        above = above.parent
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise RunError(f"{folder}: cannot be made, since {above} is no folder that may be written to; choose another --out.")


def describe_run(
    events: EventTable, settings: Settings, discounted: Sequence[dict[str, Any]], notes: Sequence[str], costs: Sequence[StageCost]
) -> dict[str, Any]:
    """`Run.meta` for a log and what became of it; `notes` are put after those of the reader."""
    from graphdet.graph import count_relations

    report = events.report
    inputs = [
        {
            "path": file.path,
            "format": file.format,
            "sha256": file.sha256,
            "read": file.read,
            "accepted": file.accepted,
            "rejected": file.rejected,
            "duplicates": file.duplicates,
        }
        for file in report.files
    ]
    return {
        "format": FORMAT,
        "id": run_id([file.sha256 for file in report.files], settings),
        "version": __version__,
        "seed": settings.seed,
        "settings": settings.model_dump(mode="json", exclude={"machine"}),
        "inputs": inputs,
        "counts": {
            "read": report.read,
            "accepted": report.accepted,
            "rejected": report.rejected.num_rows,
            "duplicates": report.duplicates,
            "nodes": {node_type: events.count(node_type) for node_type in NODE_TYPE if node_type in events.ids},
            "relations": {relation.name: count for relation, count in count_relations(events).items()},
        },
        "discounted": list(discounted),
        "notes": [*report.notes, *notes],
        "cost": {
            "machine": settings.machine.model_dump(mode="json"),
            "stages": [{"stage": cost.name, "seconds": round(cost.seconds, 3), "peak_bytes": cost.peak_bytes} for cost in costs],
        },
    }


def run_id(digests: Sequence[str], settings: Settings) -> str:
    """A digest of the inputs' SHA-256 in any order, the settings but for the machine's, and the version."""
    words = json.dumps([sorted(digests), settings.model_dump(mode="json", exclude={"machine"}), __version__], sort_keys=True)
    return "run-" + hashlib.sha256(words.encode()).hexdigest()[:16]


def _must_be_unique(name: str, table: pa.Table, columns: list[str]) -> None:
    distinct = table.group_by(columns).aggregate([]).num_rows
    if distinct != table.num_rows:
        raise ValueError(f"{name}: {', '.join(columns)} must be unique (found {table.num_rows - distinct} repeats)")


def _must_lie_within(name: str, table: pa.Table, column: str, low: float, high: float) -> None:
    values = table[column]
    good = pc.fill_null(pc.and_(pc.greater_equal(values, low), pc.less_equal(values, high)), False)
    wrong = values.filter(pc.invert(good))
    if len(wrong):
        raise ValueError(f"{name}: {column} must lie in [{low:g}, {high:g}] (found {wrong[0].as_py()})")


def _must_be_one_of(name: str, table: pa.Table, column: str, known: Sequence[str]) -> None:
    values = table[column]
    wrong = values.filter(pc.invert(pc.is_in(values, value_set=pa.array(known, pa.string()))))
    if len(wrong):
        raise ValueError(f"{name}: unknown {column} {wrong[0].as_py()!r}")


def _pick(rings: list[dict[str, Any]], name: str) -> dict[str, Any]:
    by_id = {str(ring["ring_id"]): ring for ring in rings}
    if name in by_id:
        return by_id[name]
    rank = name.removeprefix("#")
    for ring in rings:
        if rank == str(ring["rank"]):
            return ring
    starts = [ring for ring in by_id if name and ring.startswith(name)]
    if len(starts) == 1:
        return by_id[starts[0]]
    if starts:
        raise UnknownRing(f"ring '{name}' could be any of {len(starts)} (such as {starts[0]} and {starts[1]}); give more of its id.")
    if not rings:
        raise UnknownRing(f"no ring '{name}': this run found no rings.")
    hint = nearest(name, by_id) or f"; there are ranks 1 to {len(rings)}."
    raise UnknownRing(f"no ring '{name}'{hint} `graphdet rings` lists them.")


@contextlib.contextmanager
def _half_written(target: Path) -> Iterator[Path]:
    """A locked folder beside `target`, gone afterwards unless it was renamed; the lock tells it from a dead run's leftover."""
    while True:
        partial = target.parent / f"{_leftover_prefix(target)}{secrets.token_hex(4)}"
        partial.mkdir()
        handle = _lock(partial, wait=True)
        if partial.is_dir():
            break
        if handle is not None:  # another save took it for a leftover before the lock was on
            os.close(handle)
    try:
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        if handle is not None:
            os.close(handle)


def _clear_leftovers(target: Path) -> None:
    """Remove what killed runs left beside `target`; those still being written hold a lock."""
    for leftover in target.parent.iterdir():
        handle = _lock(leftover) if leftover.name.startswith(_leftover_prefix(target)) else None
        if handle is not None:
            shutil.rmtree(leftover, ignore_errors=True)
            os.close(handle)


def _leftover_prefix(target: Path) -> str:
    return f".{target.name}.graphdet-"


def _lock(folder: Path, *, wait: bool = False) -> int | None:
    """A handle that holds the folder's lock; None where it is gone, the file system knows no locks or, unless we `wait`, another has it."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        os.close(handle)
        return None
    return handle


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _load_meta(folder: Path) -> dict[str, Any]:
    path = folder / "run.json"
    if not folder.is_dir():
        raise NotARun(f"{folder}: no such run folder; `graphdet run LOGS… --out {folder}` makes one.")
    try:
        meta = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotARun(f"{folder}: not a run folder (run.json is missing); give the folder that `graphdet run` wrote.") from None
    except (OSError, ValueError) as error:
        raise NotARun(f"{path}: damaged ({error}); run `graphdet run` again.") from None
    if not isinstance(meta, dict) or not isinstance(meta.get("format"), int):
        raise NotARun(f"{path}: not a graphdet run.json (no format number in it).")
    if meta["format"] > FORMAT:
        raise NotARun(f"{folder}: written by a newer graphdet ({meta.get('version')}, format {meta['format']}); upgrade to read it.")
    return meta


def _fits(found: pa.DataType, wanted: pa.DataType) -> bool:
    """The same type; embeddings of another graphdet may be wider or narrower."""
    if pa.types.is_fixed_size_list(found) and pa.types.is_fixed_size_list(wanted):
        return bool(found.value_type == wanted.value_type)
    return bool(found == wanted)


def _load_table(path: Path, name: str) -> pa.Table:
    schema = arrow_schema(name)
    try:
        table = pq.ParquetFile(path).read()
    except FileNotFoundError:
        raise NotARun(f"{path.parent}: not a whole run ({path.name} is missing); run `graphdet run` again.") from None
    except (OSError, pa.ArrowException) as error:
        raise NotARun(f"{path}: damaged ({str(error).splitlines()[0]}); run `graphdet run` again.") from None
    for field in schema:
        if table.schema.get_field_index(field.name) < 0 or not _fits(table.schema.field(field.name).type, field.type):
            raise NotARun(f"{path}: has no column {field.name!r} of type {field.type}; run `graphdet run` again.")
    return table.select(schema.names).replace_schema_metadata(None)  # later versions may add columns
