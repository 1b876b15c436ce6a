"""What becomes of lines at a step look made by hand: who stands as they were, whom it tests, what that spends, and who is told of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pyarrow as pa
from alert_parts import NOW, line

from graphdet.judging.significance import LEAST_Q
from graphdet.lineage.carrying import Change, Step
from graphdet.settings import Settings
from graphdet.watch.segments import DAY
from graphdet.watch.step_looks import Standing, StepLook, _carried, _spent
from graphdet.watch.window import Window

SETTINGS = Settings()
STANDING = Standing(SETTINGS, cast("Any", None), 0, cast("Any", None), {}, (), ())


def look(
    grew: Mapping[str, float], apart: Mapping[str, float], told: str = "", *, since: int = DAY // 2, standing: Standing = STANDING
) -> StepLook:
    """Lines whose rings grew and lines that stand, each with its q-value; those in `told` were told of before."""
    lines = {name: line(name) for name in (*grew, *apart)}
    before = frozenset(lines[name].name for name in told.split())
    window = Window(cast("Any", None), (), "", NOW, NOW - DAY, NOW - since, "", "", 0, "", None, list(lines.values()), before)
    changes = tuple(Change("grew", lines[name].name, lines[name].last, lines[name].last) for name in grew)
    after = replace(standing, q_values={lines[name].last.ring_id: q_value for name, q_value in {**grew, **apart}.items()})
    table = pa.table({"ring_id": pa.array([lines[name].last.ring_id for name in grew], pa.string())})
    step = Step(changes, tuple(lines.values()))
    return _spent(window, table, step, [lines[name] for name in apart], after, SETTINGS, 0.0)


def names(*told: str) -> set[str]:
    return {line(name).name for name in told}


def test_only_what_was_never_told_is_tested_and_what_fails_the_test_is_not_told() -> None:
    allowed = SETTINGS.tiers.alert_q / 8  # half a day's quarter
    found = look({"old": 0.9, "clear": allowed * 0.99, "doubtful": allowed * 1.01}, {"other": 0.9}, "old other")
    assert found.allowed == allowed
    assert found.told == names("old", "clear")
    assert found.tellable == names("old", "other", "clear")
    assert found.stands == names("other")


def test_where_all_was_told_before_nothing_is_spent() -> None:
    found = look({"old": LEAST_Q}, {"other": LEAST_Q}, "old other")
    assert (found.allowed, found.told) == (0.0, names("old"))


def test_a_ring_that_failed_at_a_step_look_before_may_pass_at_a_later_one_and_is_kept_as_told() -> None:
    found = look({}, {"waits": LEAST_Q})
    assert (found.told, found.stands) == (names("waits"), frozenset())  # its line is written anew, since it may be told of now


def test_less_than_any_ring_can_pass_is_left_to_the_next() -> None:
    short = int(DAY * LEAST_Q / SETTINGS.tiers.alert_q)  # a quarter of it is too little, five times as long is enough
    assert look({"new": LEAST_Q}, {}, since=short).allowed == 0.0
    assert look({"new": LEAST_Q}, {}, since=5 * short).told == names("new")


def test_what_the_casebook_hides_and_what_was_not_found_is_the_whole_looks() -> None:
    standing = replace(STANDING, hidden=frozenset(names("hidden")), asleep=frozenset(names("asleep")))
    for told in ("", "seen hidden asleep"):
        assert look(dict.fromkeys(("seen", "hidden", "asleep"), LEAST_Q), {}, told, standing=standing).told == names("seen")


def test_lines_that_know_nobody_in_a_ring_that_grew_stand_and_so_do_those_whose_ring_is_another() -> None:
    grew = line("grew", users=["a", "b", "c", "d"])
    beside = line("beside", users=["d", "x", "y", "z"])  # one of them is in the ring that grew now
    apart = line("apart", users=["k", "l", "m"])
    window = Window(cast("Any", None), (), "", NOW + 1, NOW, None, "", "", 0, "", None, [grew, beside, apart], frozenset())
    now = replace(grew.last, ring_id="ring-larger", members=dict.fromkeys("abcde", grew.last.members["a"]))
    step, stand = _carried(window, [now], cast("Any", SimpleNamespace(start=NOW - DAY, end=DAY // 1_000_000)))
    assert stand == [apart]
    assert {one.name: (one.state, one.last.ring_id) for one in step.lines} == {
        grew.name: ("here", "ring-larger"),
        beside.name: ("here", beside.last.ring_id),
        apart.name: ("here", apart.last.ring_id),
    }
    assert step.line_of == {"ring-larger": grew.name, beside.last.ring_id: beside.name}
