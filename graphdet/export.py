"""A dossier → files to take away: CSV tables, JSON, a workbook, a graph for other tools, or a case note in Markdown.

Ids and texts from logs are hostile until shown otherwise: no cell becomes a formula, no character breaks XML or Markdown.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from graphdet.dossier.building import Dossier, event_rows, weakness
from graphdet.dossier.reasoning import words
from graphdet.dossier.tried import claimed, conditions_as_rows, passed_in_words
from graphdet.errors import RunError
from graphdet.judging.conditions import Weighed
from graphdet.printable import as_json, printable
from graphdet.replay.recorded import Recorded
from graphdet.run.log_clock import UTC_CLOCK, LogClock, clock_of
from graphdet.schema import EVENT_MAKERS, ITEM, NODE_TYPES, SHARED_TYPES
from graphdet.schema.wording import LANGUAGES, Language
from graphdet.spreadsheets import write_csv, write_workbook
from graphdet.whole import whole_file, whole_folder, why
from graphdet.words.claim_sentences import look_alike_in_words, number_in_words
from graphdet.words.interface import WORTH, counted, label
from graphdet.words.reasons import CATALOGUE

if TYPE_CHECKING:
    import networkx as nx

Row = dict[str, Any]


def export_ring(dossier: Dossier, recorded: Recorded, path: Path, form: str, language: Language = "en") -> Path:
    """Write one ring's dossier; what stands at `path` already is not touched.

    Args:
        path: a file, or for csv a folder.
        form: csv, json, xlsx, graphml, gexf or md.
        language: of the case note.

    Raises:
        RunError: something stands there already, or it cannot be written.
    """
    if path.exists():
        raise RunError(f"{path}: exists already; choose another --out.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_folder(path) if form == "csv" else whole_file(path) as partial:
            WRITERS[form](dossier, recorded, partial, language)
    except OSError as error:
        raise RunError(f"{path}: cannot be written ({why(error)}); choose another --out.") from None
    return path


def export_rings(dossiers: Sequence[Dossier], recorded: Recorded, folder: Path, form: str, language: Language = "en") -> list[Path]:
    """Write several rings' dossiers into a new folder, each under the ring's id; all of them or nothing. Returns where each is.

    Raises:
        RunError: something stands there already, or it cannot be written.
    """
    if folder.exists():
        raise RunError(f"{folder}: exists already; choose another --out.")
    ending = "" if form == "csv" else f".{form}"
    names = [f"{dossier.ring['ring_id']}{ending}" for dossier in dossiers]
    try:
        with whole_folder(folder) as partial:
            for name, dossier in zip(names, dossiers, strict=True):
                if form == "csv":
                    (partial / name).mkdir()
                WRITERS[form](dossier, recorded, partial / name, language)
    except OSError as error:
        raise RunError(f"{folder}: cannot be written ({why(error)}); choose another --out.") from None
    return [folder / name for name in names]


def tables_of(dossier: Dossier, recorded: Recorded) -> dict[str, list[Row]]:
    """The dossier as flat tables."""
    facts = dossier.facts
    reasons = [
        {"side": CATALOGUE[code].side, "code": code, **{one: words((code, numbers), one) for one in LANGUAGES}}
        for code, numbers in dossier.reasons
    ]
    weighed = [
        {"side": side, "code": one.claim.name, **{language: claimed(one, language) for language in LANGUAGES}}
        for side, one in (
            *(("objection", one) for one in dossier.objections if one.holds),
            *(("fits" if one.holds else "does not fit", one) for one in dossier.innocent),
        )
    ]
    witness = set(dossier.events["witness"])
    first = set(dossier.events["read_first"])
    inside = dossier.events["inside"]
    stray = set(dossier.events["stray"])
    marks = ["read first" if row in first else "witness" if row in witness else "stray" if row in stray else "" for row in inside]
    return {
        "ring": [dict(dossier.ring)],
        "reasons": [*reasons, *weighed],
        "conditions": conditions_as_rows(dossier.innocent, "innocent") + conditions_as_rows(dossier.objections, "objection"),
        "members": [{**member, "weak": weakness(member, "en")} for member in dossier.members],
        "items": facts["targets"],
        "shared": facts["shared"]["keys"],
        "sellers": facts["sellers"],
        "without": dossier.counterfactuals,
        "events": [{"mark": mark, **row} for mark, row in zip(marks, event_rows(recorded, inside), strict=True)],
    }


def graph_of(dossier: Dossier) -> nx.Graph[str]:
    """Members, items and what members share, as a graph; edges carry `events`, nodes `type`, `name` and for members their evidence."""
    import networkx as nx  # an extra's, as are other writers' packages

    scene = dossier.scene
    small = scene.replay.small
    graph: nx.Graph[str] = nx.Graph(ring=dossier.ring["ring_id"], tier=dossier.ring["tier"])
    names = small.events.ids["user"].to_pylist()
    users = [names[code] for code in small.members.tolist()]
    for member in dossier.members:
        about = {key: member[key] for key in ("role", "contribution", "touched", "events")}
        graph.add_node(f"user:{printable(member['id'])}", type="user", name=printable(member["id"]), **about)

    def connect(kind: str, key: str, count: np.ndarray[Any, Any]) -> None:
        node = f"{kind}:{printable(key)}"
        graph.add_node(node, type=kind, name=printable(key))
        for place in np.flatnonzero(count).tolist():
            graph.add_edge(f"user:{printable(users[place])}", node, events=int(count[place]))

    for number, window in enumerate(scene.windows):
        connect(ITEM, window["id"], np.bincount(scene.member[scene.target == number], minlength=scene.size))
    for key in dossier.facts["shared"]["keys"]:
        if key["type"] in SHARED_TYPES:
            connect(key["type"], key["id"], np.bincount(scene.member[small.events.at(key["type"], key["id"])], minlength=scene.size))
    return graph


def _write_csv(dossier: Dossier, recorded: Recorded, path: Path, language: Language) -> None:
    for name, rows in tables_of(dossier, recorded).items():
        write_csv(path / f"{name}.csv", rows)


def _write_json(dossier: Dossier, recorded: Recorded, path: Path, language: Language) -> None:
    path.write_text(as_json(dossier.as_dict(recorded)) + "\n", encoding="utf-8")


def _write_xlsx(dossier: Dossier, recorded: Recorded, path: Path, language: Language) -> None:
    write_workbook(path, tables_of(dossier, recorded))


def _write_graphml(dossier: Dossier, recorded: Recorded, path: Path, language: Language) -> None:
    import networkx as nx

    nx.write_graphml_xml(graph_of(dossier), path)


def _write_gexf(dossier: Dossier, recorded: Recorded, path: Path, language: Language) -> None:
    import networkx as nx

    nx.write_gexf(graph_of(dossier), path)


def _write_note(dossier: Dossier, recorded: Recorded, path: Path, language: Language) -> None:
    path.write_text(case_note(dossier, recorded, language), encoding="utf-8")


def case_note(dossier: Dossier, recorded: Recorded, language: Language) -> str:
    """A Markdown note on one ring, to file with a case."""
    ring, what = dossier.ring, dossier.facts["what"]
    counts = {key: f"{what[key]:,}" for key in ("members", "items", "events")}
    lines = [f"# {label('note_title', language, id=ring['ring_id'])}", "", f"**{_escaped(dossier.verdict(language))}**", ""]
    told = {"tier": label(ring["tier"], language), "rank": ring["rank"], "score": ring["score"]}
    lines += [label("note_sum", language, q=number_in_words(ring["q_value"], "chance"), **told, **counts), ""]
    clock, worth = clock_of(recorded.run), WORTH.get(recorded.background["deal"], "worth")
    lines += [
        *_table(
            [what],
            ("first", "last", "orders", "amount", "at_stake", "payments", "returns"),
            language,
            clock,
            first="first_seen",
            amount=worth,
        ),
        "",
    ]
    innocent = [
        f"- {label(_fit(one), language)} — "
        + label("told_of", language, what=one.claim.short.to(language), told=_escaped(_why(one, language)))
        for one in dossier.innocent
    ]
    if ring["explanation"]:
        innocent.insert(0, f"- **{_escaped(look_alike_in_words(ring['explanation'], language))}**")
    sides = [(side, [f"- {_escaped(line)}" for line in dossier.told(side, language)]) for side in ("for", "caution")]
    parts = [("innocent", innocent), *sides] if ring["tier"] == "explained" else [*sides, ("innocent", innocent)]
    for heading, part in parts:
        if part:
            lines += [f"## {label(heading, language)}", "", *part, ""]
    for heading in ("act", "hold"):
        members = [member for member in dossier.members if member["standing"] == heading]
        if members:
            columns = ("id", "role", "contribution", "touched", "events", "first", *(("weak",) if heading == "hold" else ()))
            rows = [{**row, "role": label(row["role"], language), "weak": weakness(row, language)} for row in members]
            title = "act_if" if heading == "act" and ring["tier"] != "alert" else heading
            lines += [f"## {counted(title, language, len(members))}", "", *_table(rows, columns, language, clock), ""]
    columns = ("id", "members", "users", "events", "start", "end")
    lines += [f"## {label('item_table', language)}", "", *_table(dossier.facts["targets"], columns, language, clock), ""]
    rows = event_rows(recorded, dossier.events["read_first"])
    columns = ("timestamp", "user_id", "action", *(node_type.column for node_type in EVENT_MAKERS), "amount")
    columns = tuple(name for name in columns if rows and name in rows[0])
    lines += [f"## {label('read_first', language)}", "", *_table(rows, columns, language, clock, amount="money"), ""]
    return "\n".join([*lines, label("decision", language), ""])


def _fit(one: Weighed) -> str:
    return "fits" if one.holds else "untold" if one.untold else "fails"


def _why(one: Weighed, language: Language) -> str:
    """What fits in words and with its bars; of what does not fit the bars that it misses."""
    told = claimed(one, language)
    return f"{told} [{passed_in_words(one, language)}]" if one.holds else told


# Columns of a case note's tables by the words that name them.
HEADINGS = {
    "id": "id", "role": "role", "contribution": "evidence", "touched": "targets", "events": "events", "first": "first", "weak": "weak",
    "members": "size", "users": "visitors", "start": "from", "end": "to", "timestamp": "when", "action": "action",
    "last": "last_seen", "orders": "orders", "at_stake": "at_stake", "payments": "payments", "returns": "returns",
}  # fmt: skip
TIMES = ("first", "last", "start", "end", "timestamp")
COLUMN_OF = {node_type.column: node_type for node_type in NODE_TYPES}


def _by_clock(rows: list[Row], clock: LogClock) -> list[Row]:
    """Times as the log's own clock shows them, with its zone; as they are where that is UTC."""
    if clock == UTC_CLOCK:
        return rows
    shown = dict.fromkeys(TIMES, clock.second) | ({"start": clock.since} if clock.dates else {})
    return [{name: clock.beside(shown[name](value)) if name in shown and value else value for name, value in row.items()} for row in rows]


def _table(rows: list[Row], columns: tuple[str, ...], language: Language, clock: LogClock, **named: str) -> list[str]:
    """A Markdown table; `named` is what these columns mean here, where that is not what they mean elsewhere."""
    named = (HEADINGS if clock == UTC_CLOCK else HEADINGS | {"timestamp": "when_here"}) | named
    heads = [COLUMN_OF[name].noun.to(language) if name in COLUMN_OF else label(named[name], language, zone=clock.zone) for name in columns]
    head = [f"| {' | '.join(heads)} |", f"|{' --- |' * len(columns)}"]
    return head + [f"| {' | '.join(_in_table(row[name]) for name in columns)} |" for row in _by_clock(rows, clock)]


def _in_table(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.2f}"
    return str(value) if isinstance(value, int) else _escaped(str(value))


def _escaped(text: str) -> str:
    """Text that Markdown shows as it is: control and direction marks spelt out, markup characters escaped."""
    return re.sub(r"([\\`*_{}\[\]<>#|~!&$])", r"\\\1", printable(unicodedata.normalize("NFC", text)))


WRITERS: dict[str, Callable[[Dossier, Recorded, Path, Language], None]] = {
    "csv": _write_csv,
    "json": _write_json,
    "xlsx": _write_xlsx,
    "graphml": _write_graphml,
    "gexf": _write_gexf,
    "md": _write_note,
}
