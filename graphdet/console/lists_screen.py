"""Lists and rules: accounts that somebody may act on, and what is accepted or left out until when."""

from __future__ import annotations

import csv
import io
from typing import Any

from starlette.exceptions import HTTPException

from graphdet.cases.casebook import Casebook
from graphdet.console.asked import Answer, Asked
from graphdet.console.desk import Desk
from graphdet.printable import for_spreadsheet

MOST_SHOWN = 500
COLUMNS = ("user", "case", "tier", "author", "time")


def lists_screen(desk: Desk, asked: Asked) -> Answer:
    """Both."""
    with desk.book(asked.who) as book, book.reading():
        now = book.now
        rows = []
        for one in reversed(book.suppressions()):
            hid = book.hid(one.name)
            rows.append({"own": one, "standing": one.standing(now), "hid": hid[-1].count if hid else ""})
        accounts = accounts_to_act_on(book)
    return Answer("lists.html", {"accounts": accounts, "suppressions": rows, "most_shown": MOST_SHOWN})


def accounts_to_act_on(book: Casebook) -> list[dict[str, Any]]:
    """Members of confirmed rings without those judged innocent, and single members who were confirmed; by case and id."""
    cases = {case.name: case for case in book.cases()}
    words = {(word.case_name, word.user_id): word for word in book.member_words()}
    found = []
    for one in book.judged_users():
        if not one.positive:
            continue
        case, word = cases[one.case_name], words.get((one.case_name, one.user_id))
        author = word.author if word else case.verdict_author
        found.append({"user": one.user_id, "case": case.name, "tier": case.tier, "author": author, "time": one.known_at})
    return sorted(found, key=lambda row: (row["case"], row["user"]))


def save_accounts(desk: Desk, asked: Asked) -> Answer:
    """The accounts as a table that a spreadsheet takes for text."""
    with desk.book(asked.who) as book, book.reading():
        rows = accounts_to_act_on(book)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows({name: for_spreadsheet(value) for name, value in row.items()} for row in rows)
    return Answer(file=("accounts.csv", "text/csv; charset=utf-8", text.getvalue().encode("utf-8-sig", "backslashreplace")))


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
