"""Analysts' verdicts on rings: `Case` nodes with author and time, written by people alone, read back as labels."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from graphdet.errors import StoreError, UnknownRing, nearest
from graphdet.schema import CASE_NODE, HOLD, RING_NODE, VERDICTS
from graphdet.store.connection import Database
from graphdet.store.constraints import CASE_SCHEMA
from graphdet.store.ensuring import ensure_schema
from graphdet.whole import whole_file, why
from graphdet.words.empty_words import is_placeholder

_LATEST = f"""
    MATCH (c:{CASE_NODE.label})-[:ABOUT]->(r:{RING_NODE.label})-[:FOUND_IN]->(:DetectionRun {{runId: $run}})
    RETURN r.ringId, c.status, c.author, toString(c.decidedAt), c.note, c.caseId
    ORDER BY r.rank, r.ringId, c.decidedAt, c.caseId"""
_MEMBERS = f"""
    MATCH (n)-[m:MEMBER_OF]->(r:{RING_NODE.label}) WHERE r.ringId IN $rings AND n:User
    RETURN r.ringId, coalesce(n.fullId, n.userId), m.role, r.standing, m.standing ORDER BY r.ringId, n.userId"""


@dataclass(frozen=True)
class Word:
    """One verdict on a ring as the database has it; `said` is ISO 8601, or empty where none can be read."""

    case: str
    ring: str
    verdict: str
    author: str
    note: str
    said: str


def find_ring(database: Database, name: str, run_id: str | None = None) -> str:
    """The id of a ring that the database holds, by its id, the beginning of it, or its rank in a run.

    Args:
        run_id: the run that a rank is of; None = the only one there is.

    Raises:
        UnknownRing: none or several fit.
    """
    query = f"MATCH (r:{RING_NODE.label})-[:FOUND_IN]->(run:DetectionRun) RETURN r.ringId, r.rank, run.runId"
    return ring_id_of(database.read(query), name, run_id)


def ring_id_of(rows: Sequence[Sequence[Any]], name: str, run_id: str | None) -> str:
    """As `find_ring`, among (ring id, rank, run id)."""
    own = [row for row in rows if run_id in (None, row[2])]
    ids, runs = sorted({str(row[0]) for row in own}), sorted({str(row[2]) for row in own})
    if run_id is not None and not own:
        raise UnknownRing(f"the database has no ring of run '{run_id}'. Push it first.")
    starts = [name] if name in ids else [ring for ring in ids if name and ring.startswith(name)]
    if name.removeprefix("#").isdecimal() and not starts:
        starts = sorted({str(row[0]) for row in own if str(row[1]) == name.removeprefix("#")})
        if len(starts) > 1 and len(runs) > 1:
            raise UnknownRing(f"the database holds {len(runs)} runs; say with --run which one rank {name} is of, such as --run {runs[-1]}.")
    if len(starts) > 1:
        raise UnknownRing(f"ring '{name}' could be any of {len(starts)} (such as {starts[0]} and {starts[1]}); give more of its id.")
    if not starts and name.removeprefix("#").isdecimal() and own:
        raise UnknownRing(f"the database has no ring of rank {name}; ranks are 1 to {max(row[1] for row in own)}.")
    if not starts:
        raise UnknownRing(f"the database has no ring '{name}'{nearest(name, ids) or '.'} Push its run first.")
    return starts[0]


def decide(database: Database, ring: str, verdict: str, author: str, note: str = "") -> str:
    """Note a verdict on a ring as a new case; earlier ones stay, and the latest counts. Returns the case's id.

    Raises:
        UnknownRing: the database has no ring of that id.
        StoreError: no such verdict, or what should have been replaced by a name or a reason.
    """
    _require_verdict(verdict)
    ensure_schema(database, (CASE_SCHEMA,))
    if not database.read(f"MATCH (r:{RING_NODE.label} {{ringId: $ring}}) RETURN true", ring=ring):
        known = [row[0] for row in database.read(f"MATCH (r:{RING_NODE.label}) RETURN r.ringId")]
        raise UnknownRing(f"the database has no ring '{ring}'{nearest(ring, known) or '.'} Push its run first.")
    # An id made here, not by the server: where its answer is lost, the same case is not written twice.
    case = "case-" + hashlib.sha256(json.dumps([ring, verdict, author, note, time.time_ns()]).encode()).hexdigest()[:16]
    if not author.strip() or is_placeholder(author):
        raise StoreError(f"'{author}' is nobody's name; say who decides with --author NAME.")
    if is_placeholder(note):
        raise StoreError(f"the note '{note}' says nothing; write your reason, or leave --note out.")
    query = f"""
        MATCH (r:{RING_NODE.label} {{ringId: $ring}})
        MERGE (c:{CASE_NODE.label} {{caseId: $case}})
        ON CREATE SET c.ringId = $ring, c.runId = r.graphdetRun, c.status = $verdict, c.author = $author, c.note = $note,
            c.decidedAt = datetime()
        MERGE (c)-[:ABOUT]->(r)"""
    parameters = {"ring": ring, "case": case, "verdict": verdict, "author": author, "note": note}
    database.write(lambda transaction: transaction.run(query, parameters).consume())
    return case


def _require_verdict(verdict: str) -> None:
    if verdict not in VERDICTS:
        raise StoreError(f"no verdict '{verdict}'{nearest(verdict, VERDICTS) or '.'} It is one of {', '.join(VERDICTS)}.")


def write_words(database: Database, words: Sequence[Word], run_id: str) -> int:
    """Write verdicts that were said elsewhere, with their time; those that are there stay as they are. Returns how many are new.

    Args:
        words: on rings of the run.
        run_id: whose evidence they are about; that stays as it is from now on, however long ago they were said.

    Raises:
        StoreError: no such verdict.
    """
    for word in words:
        _require_verdict(word.verdict)
    if not words:
        return 0
    ensure_schema(database, (CASE_SCHEMA,))
    query = f"""
        UNWIND $rows AS row MATCH (r:{RING_NODE.label} {{ringId: row.ring}})
        OPTIONAL MATCH (known:{CASE_NODE.label} {{caseId: row.case}})
        WITH r, row, known IS NULL AS is_new
        MERGE (c:{CASE_NODE.label} {{caseId: row.case}})
        ON CREATE SET c.ringId = row.ring, c.status = row.verdict, c.author = row.author, c.note = row.note,
            c.decidedAt = datetime(row.said), c.runId = $run, c.notedAt = datetime()
        MERGE (c)-[:ABOUT]->(r)
        RETURN count(CASE WHEN is_new THEN 1 END)"""
    rows = [asdict(word) for word in words]
    return int(database.write(lambda transaction: transaction.run(query, rows=rows, run=run_id).single(strict=True)[0]))


def read_words(database: Database, run_id: str) -> list[Word]:
    """All verdicts on the rings of a run, oldest first.

    Raises:
        StoreError: a case in the database has a status that is no verdict.
    """
    found = []
    for ring, status, author, decided, note, case in database.read(_LATEST, run=run_id):
        _require_status(case, ring, status)
        found.append(Word(str(case or ""), ring, status, str(author or ""), str(note or ""), str(decided or "")))
    return sorted(found, key=lambda word: (word.said, word.case))


def rings_of(database: Database, run_id: str) -> set[str]:
    """The rings of a run that the database holds."""
    query = f"MATCH (r:{RING_NODE.label})-[:FOUND_IN]->(:DetectionRun {{runId: $run}}) RETURN r.ringId"
    return {row[0] for row in database.read(query, run=run_id)}


def _require_status(case: str, ring: str, status: str) -> None:
    if status not in VERDICTS:
        raise StoreError(
            f"case {case} of {ring} has a status that is no verdict; it must be one of {', '.join(VERDICTS)}. Mend it in Browser."
        )


def read_dispositions(database: Database, run_id: str) -> list[dict[str, Any]]:
    """The latest case of each decided ring of a run, rings worst first; `earlier` counts the cases before it.

    Raises:
        StoreError: a case in the database has a status that is no verdict.
    """
    found: dict[str, dict[str, Any]] = {}
    for ring, status, author, decided, note, case in database.read(_LATEST, run=run_id):
        _require_status(case, ring, status)
        earlier = found[ring]["earlier"] + 1 if ring in found else 0
        told = {"verdict": status, "author": author or "", "decided_at": decided or "", "note": note or "", "earlier": earlier}
        found[ring] = {"ring_id": ring, **told}
    return list(found.values())


def export_labels(database: Database, run_id: str, path: Path) -> int:
    """Write a label for each member user of each confirmed or innocent ring, as CSV or Parquet by the file's name; returns the rows.

    A user whom one ring confirms and another clears is confirmed: `label` is 1 for confirmed, 0 for innocent. Who is to be held, since
    their part in a ring is weak, has no label by it. `standing` is the ring's, so that the same file tells `graphdet run --verdicts` what
    became of such rings.
    """
    verdicts = {row["ring_id"]: row["verdict"] for row in read_dispositions(database, run_id) if row["verdict"] != "unsure"}
    labels = _labels(verdicts, database.read(_MEMBERS, rings=sorted(verdicts)))
    names = ("user_id", "label", "verdict", "ring_id", "role", "standing")
    schema = pa.schema([(name, pa.int8() if name == "label" else pa.string()) for name in names])
    table = pa.Table.from_pylist([labels[user] for user in sorted(labels)], schema)
    try:
        if path.suffix not in (".csv", ".parquet"):
            raise StoreError(f"{path}: labels are written as .csv or .parquet; name the file so.")
        with whole_file(path) as partial:
            pq.write_table(table, partial) if path.suffix == ".parquet" else pa.csv.write_csv(table, partial)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({why(error)}); choose another file.") from None
    return len(labels)


def _labels(verdicts: dict[str, str], members: list[list[Any]]) -> dict[str, dict[str, Any]]:
    """Ring → verdict, and rows of `_MEMBERS` → user → their label, with the ring that it comes from."""
    labels: dict[str, dict[str, Any]] = {}
    for ring, user, role, standing, advice in members:
        if advice == HOLD:
            continue
        label = int(verdicts[ring] == "confirmed")
        if user not in labels or label > labels[user]["label"]:
            told = {"verdict": verdicts[ring], "ring_id": ring, "role": role, "standing": standing}
            labels[user] = {"user_id": user, "label": label, **told}
    return labels
