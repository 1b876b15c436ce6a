"""A run → one file from which a node's score, rings and reasons are read in a fraction of a millisecond, without opening the run.

It is an Arrow file of rows sorted by key, which readers map into memory and search by halves. A look writes a new one and renames it
into place, so that whoever reads has one look or the next, never both.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graphdet.dossier.building import build_dossier
from graphdet.errors import AlertError, NoScores, RunError
from graphdet.replay.recorded import Recorded
from graphdet.run.folder import Run
from graphdet.schema import TIERS, USER
from graphdet.whole import whole_file, why
from graphdet.words.reasons import CATALOGUE

NAME = "scores.arrow"
LEARNED = "learned.arrow"  # users' chances by the model in use, as of when it was refreshed
FORMAT = 1
MARK = "\x1f"  # between a key's type and id; no type holds one
RING = "ring"
MOST_DOSSIERS = 10  # rings whose reasons are worked out in one look, the worst first; the next look goes on with others
MOST_REASONS = 8
REASONED_AT = "reasoned_at"  # what was at stake when they were worked out
NEARLY = 0.01  # by how much what is at stake may differ for reasons to stand
_TOLD = ("rank", "tier", "size", "at_stake", "amount", "chance", "explanation", "first_seen", "last_seen", "score")


def write_scores(path: Path, run: Run, *, look: int, moment: int, hurried: bool = False) -> int:
    """Write what is to be asked.

    Args:
        path: the file, in the watch's state.
        run: of the look.
        look: its number.
        moment: up to which events go, in microseconds since 1970 UTC.
        hurried: whether a look is waiting already; reasons are worked out of one ring only then.

    Returns:
        Rings whose reasons were worked out anew.

    Raises:
        AlertError: it cannot be written.
    """
    rings = {row["ring_id"]: {name: _plain(row[name]) for name in _TOLD} for row in run.rings.to_pylist()}
    made = _with_reasons(rings, run, path, 1 if hurried else MOST_DOSSIERS)
    keys = [f"{RING}{MARK}{ring_id}" for ring_id in rings]
    told = [json.dumps(document, ensure_ascii=True) for document in rings.values()]
    nodes = pc.binary_join_element_wise(
        run.scores["node_type"].cast(pa.large_string()), run.scores["node_id"].cast(pa.large_string()), pa.scalar(MARK, pa.large_string())
    )
    table = pa.table(
        {
            "key": pa.concat_arrays([nodes.combine_chunks(), pa.array(keys, pa.large_string())]),
            "score": pa.concat_arrays(
                [run.scores["score"].combine_chunks(), pa.array([row["score"] for row in rings.values()], pa.float64())]
            ),
            "document": pa.concat_arrays([_documents(run, nodes), pa.array(told, pa.large_string())]),
        }
    )
    _write(path, table, {"look": str(look), "moment": str(moment), "run": run.id})
    return made


def write_learned(path: Path, users: pa.StringArray, chance: npt.NDArray[np.float64], *, model: str, time: str) -> None:
    """Write users' chances by a model, to be told beside their scores.

    Raises:
        AlertError: it cannot be written.
    """
    columns = (_keys(users), pa.array(chance, pa.float64()), pa.array([""] * len(users), pa.large_string()))
    _write(path, pa.table(dict(zip((name for name, _ in _KINDS), columns, strict=True))), {"model": model, "time": time})


def keep_learned(path: Path, users: pa.StringArray) -> None:
    """Of what a model said keep these users; nothing where none was ever asked.

    Raises:
        AlertError: it cannot be written.
    """
    try:
        file = ScoreFile.open(path)
    except NoScores:
        return
    stay = pc.is_in(file.keys, _keys(users))
    if not pc.all(stay, min_count=0).as_py():
        columns = zip((name for name, _ in _KINDS), (file.keys, file.scores, file.documents), strict=True)
        _write(path, pa.table(dict(columns)).filter(stay), file.meta)


def _keys(users: pa.StringArray) -> pa.LargeStringArray:
    return pa.array([f"{USER}{MARK}{user}" for user in users.to_pylist()], pa.large_string())


def _write(path: Path, table: pa.Table, meta: Mapping[str, str]) -> None:
    table = table.take(pc.sort_indices(table["key"])).combine_chunks()
    meta = {"format": str(FORMAT), **meta}
    schema = table.schema.with_metadata({name.encode(): value.encode() for name, value in meta.items()})
    try:
        with whole_file(path) as partial:
            partial.touch(0o600)  # it names people
            with pa.OSFile(str(partial), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
                writer.write_table(table.cast(schema), max_chunksize=max(len(table), 1))
    except OSError as error:
        raise AlertError(f"{path}: scores cannot be written ({why(error)}).") from None


def _with_reasons(rings: dict[str, dict[str, Any]], run: Run, path: Path, most: int) -> int:
    """Put a ring's reasons beside its row: those of the file before where the ring is the same, else worked out, `most` in one look."""
    before = _reasons_before(path)
    recorded, made = None, 0
    order = sorted(rings, key=lambda ring_id: (TIERS.index(rings[ring_id]["tier"]), rings[ring_id]["rank"]))
    for ring_id in order:
        row = rings[ring_id]
        kept = before.get(ring_id)
        if kept is not None and _is_as_before(kept, row):
            row |= {"reasons": kept["reasons"], REASONED_AT: kept.get(REASONED_AT)}
        elif made < most and run.dossiers is not None:
            try:
                recorded = recorded or Recorded(run)
                dossier = build_dossier(recorded, run.ring(ring_id))
            except RunError:
                continue
            row["reasons"] = [
                [code, {name: _plain(one) for name, one in numbers.items()}] for code, numbers in dossier.reasons[:MOST_REASONS]
            ]
            row[REASONED_AT] = row["at_stake"]
            made += 1
    return made


def _is_as_before(kept: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """Whether reasons stand: all that is told of the ring is as it was when they were made, but for its rank and, nearly, what
    hangs on the whole log, as what is at stake does."""
    same = all(kept.get(name) == value for name, value in row.items() if name not in ("rank", "score", "at_stake"))
    return same and math.isclose(kept.get(REASONED_AT) or 0.0, row["at_stake"] or 0.0, rel_tol=NEARLY)


def _reasons_before(path: Path) -> dict[str, dict[str, Any]]:
    """Ring → its document in the file that is there, where it tells reasons."""
    try:
        file = ScoreFile.open(path)
    except NoScores:
        return {}
    found = {}
    for place in range(file.place_of(RING + MARK), len(file.keys)):
        key = file.keys[place].as_py()
        if not key.startswith(RING + MARK):
            break
        document = json.loads(file.documents[place].as_py())
        if "reasons" in document:
            found[key.removeprefix(RING + MARK)] = document
    return found


def _documents(run: Run, nodes: pa.ChunkedArray) -> pa.LargeStringArray:
    """(nodes,) what is told of each, empty of those in no ring; most are, so that no name becomes an object of Python."""
    documents = _members(run)
    keys, told = (pa.array(list(column), pa.large_string()) for column in (documents.keys(), documents.values()))
    return pc.fill_null(told.take(pc.index_in(nodes, value_set=keys).combine_chunks()), "")


def _members(run: Run) -> dict[str, str]:
    """Key of a node in a ring → its rings and, for users, where they met the others, as JSON."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    met = _meetings(run)
    columns = [run.members[name].to_pylist() for name in ("ring_id", "node_type", "node_id", "role", "contribution", "events")]
    for ring_id, node_type, node_id, role, contribution, events in zip(*columns, strict=True):
        told = {"ring_id": ring_id, "role": role, "contribution": round(contribution, 3), "events": events}
        if node_type == USER:
            told["met"] = met.get((ring_id, node_id), [])
        found[f"{node_type}{MARK}{node_id}"].append(told)
    return {key: json.dumps(rings, ensure_ascii=True) for key, rings in found.items()}


def _meetings(run: Run) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """(ring, user) → at nodes of which type they met how many others, strongest first."""
    sides = [
        run.evidence.select(["ring_id", user, other, "view", "key", "evidence"]).rename_columns(
            ["ring_id", "user", "other", "view", "key", "evidence"]
        )
        for user, other in (("user_a", "user_b"), ("user_b", "user_a"))
    ]
    grouped = (
        pa.concat_tables(sides)
        .group_by(["ring_id", "user", "view"])
        .aggregate([("other", "count_distinct"), ("key", "count_distinct"), ("evidence", "sum")])
    )
    found: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in grouped.to_pylist():
        told = {"view": row["view"], "others": row["other_count_distinct"], "keys": row["key_count_distinct"]}
        found[row["ring_id"], row["user"]].append({**told, "evidence": round(row["evidence_sum"], 3)})
    for rows in found.values():
        rows.sort(key=lambda row: (-row["evidence"], row["view"]))
    return found


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


@dataclass(frozen=True)
class ScoreFile:
    """An open file of scores; checked once, and mapped into memory, so that opening costs the same however large it is.

    Attributes:
        stamp: tells this file from one that took its place.
        meta: look, moment, run.
        told: (ring, language) → what was already put into words, which takes longer than all else.
    """

    stamp: tuple[int, int]
    meta: Mapping[str, str]
    keys: pa.LargeStringArray
    scores: pa.DoubleArray
    documents: pa.LargeStringArray
    told: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict, compare=False)

    @staticmethod
    def open(path: Path) -> ScoreFile:
        """Raises NoScores where there is none, or it is none of this graphdet's."""
        try:
            state = path.stat()
            with pa.memory_map(str(path)) as source:
                table = pa.ipc.open_file(source).read_all()
            meta = {name.decode(): value.decode() for name, value in (table.schema.metadata or {}).items()}
            if meta.get("format") != str(FORMAT):
                raise NoScores(f"{path}: was written by another graphdet; the next look of its watch writes it anew.")
            columns = [table[name].chunk(0) if table[name].num_chunks else pa.array([], kind) for name, kind in _KINDS]
        except FileNotFoundError:
            raise NoScores(f"{path}: there are no scores yet; `graphdet watch` writes them with its first look.") from None
        except (OSError, pa.ArrowException, KeyError, UnicodeDecodeError) as error:
            raise NoScores(f"{path}: is no file of scores ({type(error).__name__}); the next look of its watch writes it anew.") from None
        return ScoreFile((state.st_ino, state.st_mtime_ns), meta, *columns)

    def place_of(self, key: str) -> int:
        """The first row whose key is not before this one."""
        return bisect_left(range(len(self.keys)), key, key=lambda place: self.keys[place].as_py())

    def find(self, kind: str, name: str) -> tuple[float, Any] | None:
        """(score, what the document says) of a node or ring; None where the run knows none of that id."""
        key = f"{kind}{MARK}{name}"
        place = self.place_of(key)
        if place == len(self.keys) or self.keys[place].as_py() != key:
            return None
        document = self.documents[place].as_py()
        return self.scores[place].as_py(), json.loads(document) if document else []


_KINDS = (("key", pa.large_string()), ("score", pa.float64()), ("document", pa.large_string()))


def reasons_in_words(document: Mapping[str, Any], language: Any) -> list[dict[str, str]]:
    """A ring's reasons: code, side and sentence."""
    told = [(code, numbers) for code, numbers in document.get("reasons", ()) if code in CATALOGUE]
    return [{"code": code, "side": CATALOGUE[code].side, "words": CATALOGUE[code].words(language, numbers)} for code, numbers in told]
