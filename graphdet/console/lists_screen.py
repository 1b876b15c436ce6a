"""Lists and rules: accounts that somebody may act on, what is accepted or left out until when, and what a watch tells."""

from __future__ import annotations

from functools import partial
from typing import Any

from starlette.exceptions import HTTPException

from graphdet.console.asked import Answer, Asked
from graphdet.console.desk import Desk
from graphdet.run.log_clock import clock_of
from graphdet.scratch import scratch_folder
from graphdet.week.hand_over import account_rows, write_accounts
from graphdet.words.alert_words import alert_words

MOST_SHOWN = 500
MOST_ALERTS = 30


def lists_screen(desk: Desk, asked: Asked) -> Answer:
    """All three."""
    with desk.book(asked.who) as book, book.reading():
        now = book.now
        rows = []
        for one in reversed(book.suppressions()):
            hid = book.hid(one.name)
            rows.append({"own": one, "standing": one.standing(now), "hid": hid[-1].count if hid else ""})
        standing = desk.standing(book, accounts=True)
    accounts = [row for name in standing.cases for row in standing.accounts[name]]
    values = {"accounts": accounts, "tactics": desk.latest().tactics, "suppressions": rows, "most_shown": MOST_SHOWN}
    return Answer("lists.html", values | _alerts(desk, asked))


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
    rows = [
        {
            "own": alert,
            "time": clock.minute(alert.time),
            "what": ", ".join(words(change) for change in alert.changes),
            "sent": ", ".join(f"{sink}: {words(state)}" for sink, state in became.items()),
        }
        for alert, became in found or ()
    ]
    return {"alerts": None if found is None else rows, "beside": clock.beside}


def save_accounts(desk: Desk, asked: Asked) -> Answer:
    """The accounts with their reasons, as `graphdet cases export` writes them."""
    with desk.book(asked.who) as book, scratch_folder() as folder:
        path = folder / "accounts.csv"
        book.look_at(path.name)
        write_accounts(account_rows(book), path, "csv")
        return Answer(file=("accounts.csv", "text/csv; charset=utf-8", path.read_bytes()))


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
