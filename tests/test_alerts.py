"""Alerts: each change is told once, against what was told before, and a repeat is a repeat."""

from __future__ import annotations

import itertools
import json
import random
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from alert_parts import HOUR, NOW, alert_settings, by_name, line

from graphdet.alert_settings import AlertSettings
from graphdet.alerts.alert import Alert
from graphdet.alerts.chat import digest
from graphdet.alerts.outbox import enqueue, forget, list_deliveries, mark, open_outbox, resend, waiting
from graphdet.alerts.telling import Told, alerts_due, load_told, tell
from graphdet.lineage.carrying import Change
from graphdet.lineage.line import Line

SETTINGS = AlertSettings()
FILE = {"all": {"kind": "file", "path": "alerts.jsonl"}, "first": {"kind": "file", "path": "first.jsonl", "changes": ["appeared", "rose"]}}


@pytest.fixture
def state() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    open_outbox(connection)
    open_outbox(connection)  # it may be there
    return connection


class Watch:
    """Looks one after another, and all that was told."""

    def __init__(self, settings: AlertSettings = SETTINGS) -> None:
        self.settings, self.told, self.alerts = settings, dict[str, Told](), list[Alert]()

    def look(self, *lines: Line, hours: float = 0.0, changes: Sequence[Change] = ()) -> list[tuple[str, ...]]:
        """(line, *changes) of each alert."""
        found, self.told = alerts_due(by_name(*lines), changes, self.told, self.settings, NOW + round(hours * HOUR))
        self.alerts += found
        return [(one.line, *one.changes) for one in found]


def test_a_ring_is_told_of_once_per_rise_of_tier() -> None:
    watch = Watch(AlertSettings(least="review"))
    assert watch.look(line("a", "explained"), line("b", "review")) == [("line-b", "appeared")]
    assert watch.look(line("a", "explained"), line("b", "review")) == []
    assert watch.look(line("a", "review"), line("b", "alert")) == [("line-b", "rose"), ("line-a", "appeared")]
    for hours in range(20):  # it wavers, hour by hour
        assert watch.look(line("a", "review"), line("b", ("review", "alert")[hours % 2]), hours=hours) == []
    assert watch.look(line("b", "review"), hours=30) == []
    assert watch.look(line("b", "review"), hours=53.9) == []
    assert watch.look(line("b", "review"), hours=54) == [("line-b", "fell")]
    assert watch.look(line("b", "alert"), hours=55) == [("line-b", "rose")]
    rises = [one.key for one in watch.alerts if one.kind == "rose" and one.line == "line-b"]
    assert len(set(rises)) == 2


def test_below_the_least_tier_nothing_is_told() -> None:
    watch = Watch()
    assert watch.look(line("a", "review"), line("b", "explained", 500, 1e9)) == []
    assert watch.look(line("a", "alert")) == [("line-a", "appeared")]
    assert watch.look(line("a", "review", 400), hours=1) == []  # it grew, but is no alert at present
    assert watch.look(line("a", "review", 400), hours=25) == [("line-a", "fell")]
    assert watch.look(line("a", "review", 900), hours=26) == []
    assert watch.look(line("a", "explained", 900), hours=99) == []
    assert watch.look(line("a", "explained", 900, state="dormant"), hours=300) == []
    assert watch.look(line("a", "alert", 900), hours=301) == [("line-a", "returned")]


def test_growth_and_money_are_measured_against_what_was_told() -> None:
    watch = Watch()
    watch.look(line("a", size=20, money=100.0))
    assert [watch.look(line("a", size=size)) for size in (21, 22, 23, 24)] == [[]] * 4  # slow growth, and each step is small
    assert watch.look(line("a", size=25)) == [("line-a", "grew")]
    assert watch.look(line("a", size=30)) == []
    assert watch.look(line("a", size=32, money=149.0)) == [("line-a", "grew")]
    assert watch.look(line("a", size=32, money=198.0)) == []
    assert watch.look(line("a", size=40, money=300.0)) == [("line-a", "grew", "gained")]
    assert (watch.alerts[-1].was_size, watch.alerts[-1].size, watch.alerts[-1].was_money) == (32, 40, 149.0)
    assert watch.alerts[-1].came == tuple(sorted(f"line-a-u{number}"[5:] for number in range(32, 40)))
    small = Watch()
    small.look(line("s", size=4, money=None))
    assert small.look(line("s", size=6, money=None)) == []  # half as many more, but two
    assert small.look(line("s", size=6, money=5.0)) == [("line-s", "gained")]
    assert small.look(line("s", size=6, money=None)) == []


def test_an_end_is_told_once_it_lasts_and_a_return_after_it() -> None:
    watch = Watch()
    watch.look(line("a"), line("b"))
    gone = [line("a", state="dormant"), line("b", state="left_window")]
    assert watch.look(*gone, hours=23) == []
    assert watch.look(line("a"), gone[1], hours=23.5) == []
    assert watch.look(*gone, hours=23.9) == []
    assert watch.look(*gone, hours=24) == [("line-a", "ended"), ("line-b", "ended")]
    assert [one.end for one in watch.alerts[-2:]] == ["dormant", "left_window"]
    assert watch.look(*gone, hours=48) == []
    assert watch.look(line("a"), gone[1], hours=49) == [("line-a", "returned")]
    watch.look(hours=24 * 200)
    assert list(watch.told) == ["line-a"]  # what ended long ago is forgotten


def test_splits_and_mergers_name_their_kin_and_are_told_once() -> None:
    watch = Watch()
    watch.look(line("a"), line("b"), line("c"))
    part = line("p", size=4)
    split = Change("split", part.name, None, part.last, kin=("line-a",))
    assert watch.look(line("a"), line("b"), line("c"), part, changes=[split]) == [("line-p", "split")]
    assert watch.alerts[-1].kin == ("line-a",)
    into = line("b", state="merged", into="line-a")
    assert watch.look(line("a", size=20), into, line("c"), part) == [("line-a", "merged", "grew")]
    assert watch.alerts[-1].kin == ("line-b",)
    assert watch.look(line("a", size=20), into, line("c"), part, hours=99) == []  # told with the merger, so no end
    weak = [line("w", "review"), line("c", state="merged", into="line-w")]
    assert watch.look(*weak) == [("line-c", "merged")]  # who took it in is none that anybody is told of
    assert watch.alerts[-1].kin == ("line-w",)
    assert watch.look(*weak, hours=99) == []
    unknown = line("q", size=4)
    assert watch.look(unknown, changes=[Change("split", "line-q", None, unknown.last, kin=("line-none",))]) == [("line-q", "appeared")]


def test_a_line_that_is_left_out_is_passed_over_in_silence() -> None:
    watch = Watch()
    watch.look(line("a"))
    assert watch.look(hours=500) == []
    assert watch.look(line("a", size=40), hours=501) == [("line-a", "grew")]


def random_history(seed: int, looks: int = 60) -> list[dict[str, Line]]:
    """Lines that come, waver, grow, sleep and merge."""
    draw = random.Random(seed)  # noqa: S311
    found, sizes, states = [], {name: draw.randint(4, 30) for name in "abcdef"}, dict.fromkeys("abcdef", "here")
    seen = dict.fromkeys("abcdef", NOW)
    for look in range(looks):
        now = {}
        for name in "abcdef":
            if draw.random() < 0.1:
                continue
            states[name] = (
                draw.choice(("here", "here", "here", "dormant", "left_window", "merged")) if draw.random() < 0.3 else states[name]
            )
            sizes[name] += draw.randint(-2, 4) if sizes[name] > 6 else 1
            if states[name] == "here":
                seen[name] = NOW + look * 5 * HOUR
            into = "line-a" if states[name] == "merged" and name != "a" else ""
            state = states[name] if into or states[name] != "merged" else "here"
            tier = draw.choice(("alert", "alert", "review", "explained"))
            now[f"line-{name}"] = line(name, tier, sizes[name], float(sizes[name] ** 2), seen=seen[name], state=state, into=into)
        found.append(now)
    return found


def played(history: Sequence[Mapping[str, Line]], connection: sqlite3.Connection, *, again: bool) -> list[Alert]:
    """Each look in a transaction; with `again` each is first broken off, and begun anew."""
    told = []
    for look, now in enumerate(history):
        if again:
            connection.execute("BEGIN IMMEDIATE")
            tell(connection, now, (), alert_settings(FILE), NOW + look * 5 * HOUR)
            connection.execute("ROLLBACK")
        connection.execute("BEGIN IMMEDIATE")
        told += tell(connection, dict(reversed(now.items())) if again else now, (), alert_settings(FILE), NOW + look * 5 * HOUR)
        connection.execute("COMMIT")
    return told


@pytest.mark.parametrize("seed", range(8))
def test_histories_that_break_off_tell_the_same_under_the_same_keys(state: sqlite3.Connection, seed: int) -> None:
    other = sqlite3.connect(":memory:", isolation_level=None)
    open_outbox(other)
    history = random_history(seed)
    smooth, broken = played(history, state, again=False), played(history, other, again=True)
    assert smooth == broken
    assert len({one.key for one in smooth}) == len(smooth) > 5
    assert [one.number for one in list_deliveries(state, sink="all")] == list(range(1, len(smooth) + 1))
    # Another way to the same: between two words on tier the tier that was told really was another one.
    for name in {one.line for one in smooth}:
        own = [one for one in smooth if one.line == name]
        for before, after in itertools.pairwise(own):
            assert (after.was_tier, after.was_size, after.was_money) == (before.tier, before.size, before.money)
            if after.kind == "rose":
                assert after.tier < before.tier  # tiers are in the order of the alphabet
            if after.kind == "fell":
                assert after.tier > before.tier
                assert after.moment - before.moment >= 24 * HOUR
            if "grew" in after.changes:
                assert after.size >= 1.25 * before.size
            within = [one for one in smooth if before.moment <= one.moment <= after.moment]
            taken = any(name in one.kin for one in within) or (before.kind == "merged" and before.kin == ("line-a",))
            quiet = before.tier != "alert"  # what is below the least ends in silence
            assert before.kind == "ended" or taken or quiet if after.kind == "returned" else before.kind != "ended"


def test_what_an_alert_says_comes_back_from_the_outbox(state: sqlite3.Connection) -> None:
    rings = {"ring-a": {"chance": 0.87, "explanation": "bulk_buyer"}}
    alerts = tell(
        state,
        by_name(line("a", users=["é'\x00\n", "b"])),
        (),
        alert_settings(FILE),
        NOW,
        cases={"line-a": "C-0001"},
        doubted={"line-a"},
        rings=rings,
    )
    [(delivery, back)] = waiting(state, "all", 2e9, 10)
    assert (back,) == alerts
    assert (back.case, back.verdict, back.chance, back.explanation) == ("C-0001", "innocent", 0.87, "bulk_buyer")
    assert delivery.ring_id == "ring-a"
    assert back.as_dict()["verdict"] == "innocent"
    for language, words in (("en", "case C-0001, which was judged innocent"), ("zh", "案件 C-0001（曾判为正常）")):
        assert words in digest(alerts, language, names=False)[1][0]
    before = json.loads(back.as_text())
    del before["verdict"]  # as an older graphdet wrote it
    assert Alert.from_text(json.dumps(before)) == replace(back, verdict="")
    assert "members" not in back.as_dict(names=False)
    assert load_told(state)["line-a"].alerts == 1


def test_sinks_get_what_they_want_and_a_known_key_is_no_second_alert(state: sqlite3.Connection) -> None:
    settings = alert_settings(FILE)
    (first,) = tell(state, by_name(line("a")), (), settings, NOW)
    tell(state, by_name(line("a", size=90)), (), settings, NOW)
    assert [(one.sink, one.kind) for one in list_deliveries(state)] == [("all", "appeared"), ("first", "appeared"), ("all", "grew")]
    both = replace(first, key="other", kind="grew", changes=("grew", "appeared"))
    assert enqueue(state, [both], settings.sinks) == 1
    assert [one.sink for one in list_deliveries(state)][3:] == ["all", "first"]  # told of a change that is not the foremost, too
    assert enqueue(state, [first, replace(first, size=99)], settings.sinks) == 0
    assert len(list_deliveries(state)) == 5


def test_dead_letters_are_sent_again_and_old_alerts_lose_what_they_say(state: sqlite3.Connection) -> None:
    settings = alert_settings(FILE)
    tell(state, by_name(line("a"), line("b")), (), settings, NOW)
    every = list_deliveries(state, sink="all")
    mark(state, every[:1], "dead", why="answered 410")
    mark(state, every[1:], "delivered")
    assert [one.state for one in list_deliveries(state, sink="all")] == ["dead", "delivered"]
    assert waiting(state, "all", 2e9, 10) == []
    mark(state, list_deliveries(state, sink="first"), "delivered")
    assert forget(state, NOW) == 0  # the rings' last events are in the window still
    assert resend(state, list_deliveries(state, sink="all")) == 2
    assert [(one.line, alert.size) for one, alert in waiting(state, "all", 2e9, 10)] == [("line-a", 10), ("line-b", 10)]
    mark(state, every, "dead")  # of the attempt before they were sent again
    assert len(waiting(state, "all", 2e9, 10)) == 2
    mark(state, [one for one in list_deliveries(state, sink="all") if one.line == "line-b"], "delivered")
    assert forget(state, NOW + 1) == 0
    assert [alert.size for _, alert in waiting(state, "all", 2e9, 10)] == [10]  # what still waits says what it said
    assert resend(state, list_deliveries(state, ["delivered"])) == 1  # to the other sink; what the other alert said is gone
    mark(state, list_deliveries(state, ["waiting"]), "dead", why="answered 410")
    assert forget(state, NOW) == 0
    assert forget(state, NOW + 1) == 2
    assert [(one.line, one.state) for one in list_deliveries(state)] == [("line-b", "delivered"), ("line-b", "delivered")]
    assert list(state.execute("SELECT line, document FROM outbox ORDER BY line")) == [("line-a", None), ("line-b", None)]
    tell(state, {}, (), settings, NOW)
    assert len(list_deliveries(state)) == 2
