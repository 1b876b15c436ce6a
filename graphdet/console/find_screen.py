"""Finding: one id or five hundred, and the page of an account, item, shop, device or address."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.exceptions import HTTPException

from graphdet.cases.casebook import Casebook
from graphdet.console.asked import Answer, Asked
from graphdet.console.case_standing import Standing
from graphdet.console.desk import Desk
from graphdet.console.prepared import Prepared
from graphdet.console.shelf import MOST_IDS, OpenRun
from graphdet.run.log_clock import LogClock, clock_of
from graphdet.schema import EVENT_MAKERS, NODE_TYPE, USER
from graphdet.schema.wording import Language
from graphdet.words.action_words import action_in_words

LONGEST_ID = 1000  # characters
PARTS = re.compile(r"[\r\n]+")


def find_screen(desk: Desk, asked: Asked) -> Answer:
    """Look ids up. A single one that is known goes straight to its page."""
    text = asked.form.get("ids", asked.query.get("ids", ""))
    names = list(dict.fromkeys(part.strip() for part in PARTS.split(text) if part.strip()))
    values: dict[str, Any] = {"most": MOST_IDS, "asked": text, "found": None, "known": 0}
    if not names:
        return Answer("find.html", values)
    if len(names) > MOST_IDS or any(len(name) > LONGEST_ID for name in names):
        raise HTTPException(413)
    run = desk.latest()
    with desk.book(asked.who) as book:
        if len(names) == 1 and (case := _case_named(book, desk.standing(book), names[0])):
            return Answer(go=f"/case/{case}")
        prepared = _prepared(run)
        with book.reading():
            rows = _look_up(run, prepared, book, desk.standing(book), names)
    known = [row for row in rows if row["type"]]
    if len(names) == len(known) == 1:
        return Answer(go="/about?" + urlencode({"type": known[0]["type"], "id": known[0]["name"]}))
    in_rings = len({row["name"] for row in rows if row["tier"]})
    return Answer("find.html", {**values, "found": rows, "known": len({row["name"] for row in known}), "in_rings": in_rings})


def _in_words(event: Mapping[str, Any], clock: LogClock, language: Language) -> dict[str, Any]:
    """An event as it is shown, at the time of the log's clock."""
    return {**event, "timestamp": clock.minute(event["timestamp"]), "action": action_in_words(event.get("action"), language)}


def _case_named(book: Casebook, standing: Standing, name: str) -> str:
    """The case of this very name, or that had the ring of this very id, as an alert tells it; or ''."""
    found = name.upper()
    return found if found in standing.cases else book.cases_of_rings([name]).get(name, "")


def _look_up(run: OpenRun, prepared: Prepared, book: Casebook, standing: Standing, names: list[str]) -> list[dict[str, Any]]:
    """A row for each node of such an id, and one for each id that no node has, in the order asked."""
    case_of = book.cases_of_run(run.run.id)
    said = {(word.case_name, word.user_id): word.verdict for word in book.member_words()}
    by_name: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in names}
    for score in prepared.scores_of(names):
        by_name[score["node_id"]][score["node_type"]] = {"score": score["score"], "rings": []}
    for member in run.rings_of(names):
        own = by_name[member["node_id"]].setdefault(member["node_type"], {"score": None, "rings": []})
        own["rings"].append(member["ring_id"])
    rows: list[dict[str, Any]] = []
    for name, types in by_name.items():
        for node_type, own in types.items():
            cases = [case_of[ring] for ring in own["rings"] if ring in case_of]
            cases += [case for case in book.cases_with(node_type, name) if case not in cases]
            word = next((said[case, name] for case in cases if (case, name) in said), "") if node_type == USER else ""
            told = word or next((standing.cases[case].verdict for case in cases if standing.cases[case].verdict), "")
            tier = run.by_id[own["rings"][0]]["tier"] if own["rings"] else ""
            rows.append({"name": name, "type": node_type, "score": own["score"], "cases": cases, "tier": tier, "said": told})
        if not types:
            cases = [case for kind in NODE_TYPE for case in book.cases_with(kind, name)]
            rows.append({"name": name, "type": "", "score": None, "cases": cases, "tier": "", "said": ""})
    return rows


def _prepared(run: OpenRun) -> Prepared:
    """Where scores and events are looked up.

    Raises:
        HTTPException: 503; it is being prepared, or cannot be.
    """
    try:
        found = run.bench.index()
    except LookupError as error:
        raise HTTPException(503, str(error)) from None
    if found is None:
        raise HTTPException(503, "page_comes")
    return found


def about_screen(desk: Desk, asked: Asked) -> Answer:
    """One node: its score, its rings and cases, its latest events."""
    node_type, name = asked.query.get("type", ""), asked.query.get("id", "")
    if node_type not in NODE_TYPE or not name or len(name) > LONGEST_ID:
        raise HTTPException(404)
    run = desk.latest()
    with desk.book(asked.who) as book:
        seen = f"{node_type} {name}"
        if seen not in asked.session.seen:
            asked.session.seen.add(seen)
            book.look_at(seen)
        with book.reading():
            case_of, touched = book.cases_of_run(run.run.id), book.cases_with(node_type, name)
            said = {word.case_name: word.verdict for word in book.member_words() if word.user_id == name} if node_type == USER else {}
            known = desk.standing(book).cases
    rows, clock = [], clock_of(run.run)
    for member in run.rings_of([name], node_type):
        case = case_of.get(member["ring_id"], "")
        told = said.get(case) or (known[case].verdict if case else "")
        times = {name: clock.minute(member[name]) for name in ("first_seen", "last_seen")}
        rows.append({**member, **times, "case": case, "tier": run.by_id[member["ring_id"]]["tier"], "said": told})
    prepared = _prepared(run)
    events, every = prepared.events_of(name, node_type)
    kinds = [one.name for one in EVENT_MAKERS if events and one.column in events[0] and any(event[one.column] for event in events)]
    shown = ["clock_time", *([] if node_type == USER else ["user"]), "action", *kinds]
    money = ["money"] if any(event.get("amount") is not None for event in events) else []
    return Answer(
        "about.html",
        {
            "type": node_type,
            "name": name,
            "score": next(iter(prepared.scores_of([name], node_type)), None),
            "rows": rows,
            "earlier": [case for case in touched if case not in {row["case"] for row in rows}],
            "beside": clock.beside,
            "events": [_in_words(event, clock, asked.language) for event in events],
            "all_events": every,
            "columns": [*dict.fromkeys(shown), *money],
            "types": tuple(NODE_TYPE),
            "one_of": {one: NODE_TYPE[one].column for one in NODE_TYPE},
            "discountable": True,
        },
    )
