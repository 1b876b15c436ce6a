"""All screens and changes, each with its address: one line a screen, its function beside its like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from graphdet.console.asked import Answer, Asked
from graphdet.console.case_screen import accept as accept_finding
from graphdet.console.case_screen import case_screen, keep_work, undo_word
from graphdet.console.case_screen import decide as decide_case
from graphdet.console.desk import Desk
from graphdet.console.find_screen import about_screen, find_screen
from graphdet.console.lists_screen import alerts_part, change_suppression, discount, lists_screen, save_accounts
from graphdet.console.runs_screen import runs_screen
from graphdet.console.today_screen import fold_screen, quick_word, today_screen
from graphdet.console.week_screen import week_screen


@dataclass(frozen=True)
class Screen:
    """One address.

    Attributes:
        ask: the desk and what was asked → what is answered.
        method: of the request.
        change: whether it changes the casebook, which readers may not.
        by_itself: an open page asks it again and again, whether somebody is there or not.
    """

    path: str
    ask: Callable[[Desk, Asked], Answer]
    method: str = "GET"
    change: bool = False
    by_itself: bool = False


def _change(path: str, ask: Callable[[Desk, Asked], Answer]) -> Screen:
    return Screen(path, ask, "POST", change=True)


SCREENS = (
    Screen("/", today_screen),
    Screen("/fold/{fold}", fold_screen),
    _change("/case/{name}/quick", quick_word),
    Screen("/case/{name}", case_screen),
    _change("/case/{name}/decide", decide_case),
    _change("/case/{name}/work", keep_work),
    _change("/case/{name}/accept", accept_finding),
    _change("/case/{name}/undo", undo_word),
    Screen("/about", about_screen),
    Screen("/find", find_screen),
    Screen("/find", find_screen, "POST"),
    Screen("/week", week_screen),
    Screen("/lists", lists_screen),
    Screen("/lists/accounts.csv", save_accounts),
    Screen("/lists/alerts", alerts_part, by_itself=True),
    _change("/lists/discount", discount),
    _change("/lists/suppression", change_suppression),
    Screen("/runs", runs_screen),
)
