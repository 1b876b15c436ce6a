"""A question about a user, another node or an event → present score, rings and reasons, from the file that the last look wrote."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from graphdet.alerts.alert import iso
from graphdet.answering.score_file import LEARNED, REASONED_AT, RING, ScoreFile, reasons_in_words
from graphdet.errors import AlertError, NoScores, nearest
from graphdet.printable import printable
from graphdet.schema import NODE_TYPE, NODE_TYPES, USER
from graphdet.schema.wording import Language
from graphdet.words.alert_words import alert_words

LONGEST_ID = 4096
LEAST_MATCHED = 2  # things of a ring that an event of somebody else must touch, for the ring to be near: one may be everybody's


class Scores:
    """What may be asked of a watch's state; follows its looks. May be used from several threads."""

    def __init__(self, path: Path) -> None:
        self._path, self._file, self._lock = path, ScoreFile.open(path), threading.Lock()
        self._learned: ScoreFile | None = None

    def node(self, node_type: str, node_id: str, language: Language = "en") -> dict[str, Any]:
        """A node's score and rings; `known` is false where no event of the window has it.

        Raises:
            AlertError: no such type of nodes.
            NoScores: the state holds none.
        """
        if node_type not in NODE_TYPE:
            hint = nearest(node_type, NODE_TYPE) or "."
            raise AlertError(f"there is no type '{printable(node_type[:100])}'{hint} Types are {', '.join(NODE_TYPE)}.")
        told = self._node(self._current(), node_type, node_id, language)
        learned = self._by_model() if node_type == USER else None
        chance = learned.find(USER, node_id) if learned is not None else None
        return told if learned is None or chance is None else told | {"learned": {"chance": chance[0], **_model(learned)}}

    def event(self, event: Mapping[str, Any], language: Language = "en") -> dict[str, Any]:
        """An event's score: its user's, or where the event touches two things of one ring the lower of their scores, if that is more.

        Args:
            event: column → value, by graphdet's own names; columns that name no node are passed over.
            language: of the words.

        Raises:
            AlertError: no column of it names a node, or one holds what is no id.
        """
        file = self._current()
        wrong = next((one.column for one in NODE_TYPES if isinstance(event.get(one.column), (list, dict, bool))), None)
        if wrong is not None:
            raise AlertError(f"the event's {wrong} is no id; an id is text or a number.")
        ids = {one.name: str(event[one.column]) for one in NODE_TYPES if event.get(one.column) not in (None, "")}
        if not ids:
            columns = [one.column for one in NODE_TYPES]
            raise AlertError(f"the event names no node; it must have one of the columns {', '.join(columns)}.")
        nodes = {node_type: _brief(file, node_type, node_id) for node_type, node_id in ids.items()}
        user = self._node(file, USER, ids[USER], language) if USER in ids else None
        own = {ring["ring_id"] for ring in user["rings"]} if user else set()
        touched: dict[str, list[str]] = defaultdict(list)
        for node_type, node in nodes.items():
            for ring_id in node["rings"] if node_type != USER else ():
                touched[ring_id].append(node_type)
        near = {ring: types for ring, types in touched.items() if ring not in own and len(types) >= LEAST_MATCHED}
        by_things = [min(nodes[node_type]["score"] for node_type in types) for types in near.values()]
        score = max([user["score"] if user and user["known"] else 0.0, *by_things])
        told = [{**_ring(file, ring, language), "touched": types} for ring, types in sorted(near.items())]
        return {"score": score, "rings": user["rings"] if user else [], "near": told, "nodes": nodes, **_when(file)}

    def _current(self) -> ScoreFile:
        """The file of the last look."""
        with self._lock:
            try:
                state = self._path.stat()
                if (state.st_ino, state.st_mtime_ns) != self._file.stamp:
                    self._file = ScoreFile.open(self._path)
            except FileNotFoundError:
                raise NoScores(f"{self._path}: the scores are gone; is its watch still at work?") from None
            return self._file

    def _by_model(self) -> ScoreFile | None:
        """What the model in use says; None where none was learned."""
        path = self._path.with_name(LEARNED)
        with self._lock:
            try:
                state = path.stat()
                if self._learned is None or (state.st_ino, state.st_mtime_ns) != self._learned.stamp:
                    self._learned = ScoreFile.open(path)
            except (FileNotFoundError, NoScores):
                self._learned = None
            return self._learned

    @staticmethod
    def _node(file: ScoreFile, node_type: str, node_id: str, language: Language) -> dict[str, Any]:
        found = file.find(node_type, node_id) if len(node_id) <= LONGEST_ID else None
        told = {"node_type": node_type, "node_id": node_id, "known": found is not None, "score": found[0] if found else None}
        rings = []
        for member in found[1] if found else ():
            ring = {**_ring(file, member["ring_id"], language), **{name: member[name] for name in ("role", "contribution", "events")}}
            if "met" in member:
                ring["met"] = [{**one, "words": _met(one, language)} for one in member["met"]]
            rings.append(ring)
        return {**told, "rings": sorted(rings, key=lambda ring: ring.get("rank", 0)), **_when(file)}


def _brief(file: ScoreFile, node_type: str, node_id: str) -> dict[str, Any]:
    found = file.find(node_type, node_id) if len(node_id) <= LONGEST_ID else None
    rings = [member["ring_id"] for member in found[1]] if found else []
    return {"node_id": node_id, "known": found is not None, "score": found[0] if found else None, "rings": rings}


def _ring(file: ScoreFile, ring_id: str, language: Language) -> dict[str, Any]:
    if (ring_id, language) not in file.told:
        _, document = file.find(RING, ring_id) or (None, {})
        own = {name: value for name, value in document.items() if name not in ("reasons", REASONED_AT, "score")}
        file.told[ring_id, language] = {"ring_id": ring_id, **own, "reasons": reasons_in_words(document, language)}
    return file.told[ring_id, language]


def _met(one: Mapping[str, Any], language: Language) -> str:
    things = NODE_TYPE[one["view"]].noun.counted(one["keys"], language)
    return alert_words("met", language, others=one["others"], things=things)


def _model(file: ScoreFile) -> dict[str, str]:
    return {name: file.meta[name] for name in ("model", "time")}


def _when(file: ScoreFile) -> dict[str, Any]:
    return {"look": int(file.meta["look"]), "moment": iso(int(file.meta["moment"]))}
