"""Lists and rules: accounts that somebody may act on, what is accepted or left out until when, and what a watch tells."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

from starlette.exceptions import HTTPException

from graphdet.cases.casebook import Casebook
from graphdet.cases.entries import days_after
from graphdet.cases.rows import WARNING_DAYS, Hid
from graphdet.console.asked import Answer, Asked
from graphdet.console.desk import Desk
from graphdet.errors import CaseError
from graphdet.run.log_clock import clock_of
from graphdet.schema import HOLD
from graphdet.schema.wording import Language
from graphdet.scratch import scratch_folder
from graphdet.week.hand_over import Row, still_to_act_on
from graphdet.words.alert_words import alert_words
from graphdet.words.reason_names import reason_name

MOST_SHOWN = 200  # accounts; all are copied, and in the file
MOST_REASONS = 4  # of an account, those that name a tactic first; the case's page tells all with their numbers
FILE = "accounts.csv"
MOST_ALERTS = 30
MOST_HIDDEN = 20  # cases that one suppression hid


def lists_screen(desk: Desk, asked: Asked) -> Answer:
    """All three."""
    with desk.book(asked.who) as book, book.reading():
        now = book.now
        rows = []
        for one in reversed(book.suppressions()):
            hid = book.hid(one.name)
            rows.append({"own": one, "standing": one.standing(now), "hid": hid[-1].count if hid else "", "cases": _hidden(book, hid)})
        standing = desk.standing(book, accounts=True)
    judged = [row for name in standing.cases for row in standing.accounts[name]]
    accounts = sorted(still_to_act_on(judged, now), key=lambda row: bool(row["standing"] == HOLD))  # those to be held at the end
    held = sum(row["standing"] == HOLD for row in accounts)
    acted_on = [row["user_id"] for row in accounts[: len(accounts) - held]]
    values = {"acted_on": acted_on, "held": held, "at_rest": len(judged) - len(accounts), "suppressions": rows}
    values["shown"] = shown = [_in_words(desk, row, now, asked.language) for row in accounts[:MOST_SHOWN]]
    values["kept"] = {run.run_id for run in desk.runs() if (desk.home / run.folder).is_dir()}
    values["coming"] = desk.tell({(row["own"]["run_id"], row["own"]["ring_id"]) for row in shown if row["reasons"] is None})
    return Answer("lists.html", values | _alerts(desk, asked))


def _hidden(book: Casebook, hid: Sequence[Hid]) -> list[str]:
    """The cases that a suppression hid in the last run under it; rings that would stand with a key that was left out are none."""
    if not hid or not (rings := json.loads(hid[-1].rings)):
        return []
    case_of = book.cases_of_run(hid[-1].run_id)
    return [case_of[ring] for ring in rings if ring in case_of][:MOST_HIDDEN]


def _in_words(desk: Desk, row: Row, now: str, language: Language) -> dict[str, Any]:
    """An account to act on: the reasons in few words, None where its ring's page is not prepared; and whether its time ends soon."""
    told = desk.told_of(row["run_id"], row["ring_id"])
    reasons = [] if told is None else [(code, reason_name(code, language)) for code in dict.fromkeys((*told.tactics, *told.reasons))]
    first, more = reasons[:MOST_REASONS], [name for _, name in reasons[MOST_REASONS:]]
    return {"own": row, "reasons": None if told is None else first, "more": more, "ends": row["until"] <= days_after(now, WARNING_DAYS)}


def alerts_part(desk: Desk, asked: Asked) -> Answer:
    """The watch's alerts alone, for a page that asks again and again."""
    found = _alerts(desk, asked)
    if found["alerts"] is None:
        raise HTTPException(404)
    return Answer("alerts.html", found, go="/lists", part=True)


def _alerts(desk: Desk, asked: Asked) -> dict[str, Any]:
    """The alerts, None where there is no watch; and what says their zone, that of the log."""
    found, clock = desk.alerts(MOST_ALERTS), clock_of(desk.latest().run)
    words = partial(alert_words, language=asked.language)
    with desk.book(asked.who) as book:  # a step look tells of a ring before the casebook knows it
        known = book.cases_of_rings(alert.ring_id for alert, _ in found or ())
    rows = [
        {
            "own": alert,
            "case": alert.case or known.get(alert.ring_id, ""),
            "time": clock.minute(alert.time),
            "what": ", ".join(words(change) for change in alert.changes),
            "sent": ", ".join(f"{sink}: {words(state)}" for sink, state in became.items()),
        }
        for alert, became in found or ()
    ]
    return {"alerts": None if found is None else rows, "beside": clock.beside}


def save_accounts(desk: Desk, asked: Asked) -> Answer:
    """The accounts with their reasons, as `graphdet cases export` writes them."""
    with desk.book(asked.who) as book:
        book.look_at(FILE)
    with desk.writing_lists, scratch_folder() as folder:
        path = folder / FILE
        command = [sys.executable, "-P", "-m", "graphdet", "cases", "export", "--home", str(desk.home), "--out", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - runs are large, and not for this process
        if done.returncode:
            raise CaseError(done.stderr.strip())
        return Answer(file=(FILE, "text/csv; charset=utf-8", path.read_bytes()))


def discount(desk: Desk, asked: Asked) -> Answer:
    """Leave a key's evidence out of the runs to come."""
    with desk.book(asked.who) as book:
        book.discount(asked.form.get("type", ""), asked.form.get("id", ""), asked.form.get("reason", ""), asked.until())
    return Answer(go="/lists")


def change_suppression(desk: Desk, asked: Asked) -> Answer:
    """Approve or withdraw one."""
    act, name = asked.form.get("word", ""), asked.form.get("name", "")
    if act not in ("approve", "withdraw"):
        raise HTTPException(400)
    with desk.book(asked.who) as book:
        book.approve(name) if act == "approve" else book.withdraw(name)
    return Answer(go="/lists")
