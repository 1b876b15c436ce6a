"""The queue, lists for others and the report of a week: against sums by hand, exact distributions, and what files must not hold."""

from __future__ import annotations

import csv
import json
import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import get_args
from xml.etree import ElementTree

import numpy as np
import pytest
from case_runs import START, Clock, MadeRing, made_run
from commands import Command, one_line
from scipy.stats import betabinom

from graphdet.cases.casebook import Casebook
from graphdet.cases.entries import as_text
from graphdet.cases.following import follow_lineage
from graphdet.cli.caseload import AccountsFormat
from graphdet.errors import CaseError
from graphdet.judging.standing import COVERED, known_chances, known_priors
from graphdet.schema import VERDICTS
from graphdet.week.chances import Belief, Beliefs, Precision, expected_precision
from graphdet.week.figures_of_week import precision_of, week_of
from graphdet.week.hand_over import WRITERS, account_rows, still_to_act_on, write_accounts
from graphdet.week.precision_chart import precision_chart
from graphdet.week.queueing import Why, make_queue
from graphdet.week.weekly_report import as_markdown, as_page
from graphdet.words.week_words import WEEK_WORDS

TIERS = ("alert", "review", "explained")


def ring(number: int, tier: str, money: float | None, users: int = 3) -> MadeRing:
    return MadeRing(f"R-{number:02}", tuple(f"u{number:02}-{user}" for user in range(users)), (f"item {number}",), tier, money)


def filled(home: Path, *rings: MadeRing, clock: Clock | None = None, folder: Path | None = None) -> Casebook:
    book = Casebook(home, "ann", clock or Clock())
    with book:
        run = made_run("run-1", rings)
        if folder is not None:
            run.save(folder)
        book.take_in(run, follow_lineage, folder=folder)
    return Casebook(home, "ann", clock or Clock())


MANY = [ring(number, TIERS[number % 3], 100.0 + 37 * (number * 7 % 20)) for number in range(30)]


def test_the_worthiest_come_first_by_chance_times_money(tmp_path: Path) -> None:
    chances = known_chances({"alert": (3, 1), "review": (0, 2)})
    with filled(tmp_path, *MANY) as book:
        for name, verdict in (("C-0001", 0), ("C-0004", 0), ("C-0007", 0), ("C-0010", 1), ("C-0002", 1), ("C-0005", 1)):
            book.decide(name, VERDICTS[verdict])
        queue = make_queue(book, budget=10, explore=0.0)
        left = [case for case in book.cases() if not case.verdict]
    worth = {case.name: chances[case.tier].mean * (case.at_stake or 0) for case in left}
    assert [one.case.name for one in queue.asked] == sorted(worth, key=lambda name: -worth[name])[:10]
    assert [one.worth for one in queue.asked] == pytest.approx(sorted(worth.values(), reverse=True)[:10])
    assert (queue.waiting, queue.verdicts) == (24, 6)


def test_nothing_is_asked_twice(tmp_path: Path) -> None:
    with filled(tmp_path, *MANY) as book:
        book.decide("C-0001", "confirmed")
        book.decide("C-0002", "innocent")
        book.decide("C-0003", "unsure")
        book.close("C-0004")
        book.accept("C-0005", "a sports club")
        book.decide("C-0006", "innocent", users=["u05-0"])  # one member's part settles no ring
        asked = {one.case.name for one in make_queue(book, budget=100).asked}
    assert asked == {f"C-{number:04}" for number in range(6, 31)}


@pytest.mark.parametrize(("budget", "explore", "learn"), [(10, 0.2, 3), (1, 0.0, 0), (10, 1.0, 5), (40, 0.1, 4), (7, 0.1, 20)])
def test_a_budget_is_parted_as_it_is_said(tmp_path: Path, budget: int, explore: float, learn: int) -> None:
    with filled(tmp_path, *MANY) as book:
        first, again = (make_queue(book, budget, explore, learn, seed=5) for _ in range(2))
        other = make_queue(book, budget, explore, learn, seed=6)
    assert first == again
    assert len({one.case.name for one in first.asked}) == min(budget, 30)
    why = [one.why for one in first.asked]
    if budget < 30:
        blind = min(round(explore * budget), budget)
        assert [why.count("explore"), why.count("learn")] == [blind, min(learn, budget - blind)]
        assert ([one.case.name for one in first.asked] == [one.case.name for one in other.asked]) == (blind == 0)
    assert why == sorted(why, key=list(get_args(Why)).index)


def test_those_are_asked_to_learn_that_lower_the_doubt_most(tmp_path: Path) -> None:
    with filled(tmp_path, *MANY) as book:
        queue = make_queue(book, budget=6, explore=0.0, learn=1)
        waiting = [case.standing for case in book.cases()]
    known = {tier: Beliefs({}).of(tier) for tier in TIERS}

    def doubt_after(standing: str) -> float:
        """Variance that is left over all that wait, in the mean of both verdicts."""
        own = known[standing]
        left = own.mean * Belief(own.a + 1, own.b).variance + (1 - own.mean) * Belief(own.a, own.b + 1).variance
        return sum(left if one == standing else known[one].variance for one in waiting)

    (taught,) = [one.case.standing for one in queue.asked if one.why == "learn"]
    assert doubt_after(taught) == pytest.approx(min(map(doubt_after, TIERS)))


def test_the_interval_is_that_of_the_exact_distribution() -> None:
    known = Beliefs({"alert|ip": (5, 2)})
    own, other = known.of("alert|ip"), known.of("alert|device")
    a, b = own.a, own.b
    rings, others = known_priors()["alert"]
    weight = 1 / (1 + 6 / (rings + others + 1))  # seven verdicts on one kind say less of other kinds than seven on as many
    mean = (rings + 5 * weight) / (rings + others + 7 * weight)
    assert (other.mean, other.a + other.b) == pytest.approx((mean, rings + others))
    assert (a, b) == pytest.approx((rings + 5, others + 2))
    found = expected_precision(["alert|ip"] * 40, known)
    for count in (1, 10, 40):
        low, high = np.asarray(betabinom.ppf([(1 - COVERED) / 2, (1 + COVERED) / 2], count, a, b)) / count
        assert found[count - 1].mean == pytest.approx(a / (a + b))
        assert found[count - 1].low == pytest.approx(low, abs=0.04)
        assert found[count - 1].high == pytest.approx(high, abs=0.04)


def test_before_any_verdict_a_kind_is_as_a_new_markets_and_no_kind_drowns_another() -> None:
    for tier, prior in known_priors().items():
        known = Beliefs({}).of(f"{tier}|ip")
        assert (known.a, known.b) == pytest.approx(prior)
    house = Beliefs({"alert|address": (0, 200), "alert|device": (8, 0), "review|device": (3, 1)})
    assert house.of("alert|address").mean < 0.03
    assert house.of("alert|device").mean > 0.6, "eight of eight were rings, whatever became of the offices"
    assert 0.2 < house.of("alert|ip").mean < Beliefs({}).of("alert|ip").mean, "the others tell something of a kind that nobody judged"
    assert house.of("explained|device") == Beliefs({}).of("explained|device")


def test_few_verdicts_leave_it_wide_and_many_do_not() -> None:
    few, many = (expected_precision(["alert"] * 300, Beliefs({"alert": said}))[-1] for said in ((1, 1), (60, 60)))
    assert many.high - many.low < 0.6 * (few.high - few.low)
    assert many.mean == pytest.approx(0.5, abs=0.05)


def test_precision_rises_as_the_house_learns_what_its_own_groups_are(tmp_path: Path) -> None:
    """Where alerts that share an address are offices, queues find rings ever more often; one that learns nothing does not."""
    rng = np.random.default_rng(3)
    office = rng.random(150) < 0.5
    rings = [
        MadeRing(ring.ring_id, ring.users, ring.items, "alert", float(rng.lognormal(5, 0.5)), {"address" if own else "device": ["one"]})
        for own, ring in zip(office, [ring(number, "alert", None) for number in range(150)], strict=True)
    ]
    truth = {one.ring_id: bool(rng.random() < (0.05 if own else 0.95)) for own, one in zip(office, rings, strict=True)}
    hits: list[float] = []
    with filled(tmp_path, *rings) as book:
        for _ in range(5):
            asked = [one.case for one in make_queue(book, budget=15, explore=0.1).asked]
            hits.append(sum(truth[case.ring_id] for case in asked) / len(asked))
            for case in asked:
                book.decide(case.name, "confirmed" if truth[case.ring_id] else "innocent")
    money = sorted(rings, key=lambda one: -(one.at_stake or 0))
    blind = [sum(truth[one.ring_id] for one in money[15 * day : 15 * (day + 1)]) / 15 for day in range(5)]
    assert sum(hits[2:]) / 3 > hits[0] + 0.2
    assert sum(hits[2:]) / 3 > sum(blind[2:]) / 3 + 0.1


def test_a_log_without_money_goes_by_accounts(tmp_path: Path) -> None:
    rings = [ring(number, "alert", None, users=number + 2) for number in range(5)]
    with filled(tmp_path, *rings) as book:
        assert [one.case.ring_id for one in make_queue(book, 5).asked] == [f"R-{number:02}" for number in reversed(range(5))]


def test_the_chart_is_a_picture_of_the_curve() -> None:
    curve = [Precision(0.9 - 0.02 * rank, 0.5, 1.0) for rank in range(20)]
    for language in ("en", "zh"):
        tree = ElementTree.fromstring(precision_chart(curve, 8, language))  # noqa: S314 - our own
        texts = ["".join(node.itertext()) for node in tree.iter("text")]
        assert f"{WEEK_WORDS['budget'].to(language)} 8" in texts
        line = [node.attrib["d"] for node in tree.iter("path")][1]
        points = [tuple(map(float, pair.split())) for pair in re.split("[ML]", line) if pair.strip()]
        assert len(points) == 20
        down = np.array([point[1] for point in points])
        assert np.corrcoef(down, [one.mean for one in curve])[0, 1] == pytest.approx(-1)
    assert precision_chart([], 8, "en") == ""
    assert precision_chart(curve[:1], 8, "en").startswith("<svg")


HOSTILE = ("=HYPERLINK(0)", "@SUM(A1)", "u\x1b[31m", "plain")


@pytest.fixture
def judged(tmp_path: Path) -> Path:
    """A home whose first case is confirmed but for one member, and whose second is innocent."""
    home = tmp_path / "home"
    first = MadeRing("R-one", HOSTILE, tier="alert")
    with filled(home, first, ring(2, "review", 50.0), ring(3, "alert", 70.0), folder=home / "runs" / "2026-01-01") as book:
        book.decide("C-0001", "confirmed")
        book.decide("C-0001", "innocent", users=["plain"])
        book.decide("C-0002", "innocent")
    return home


def test_accounts_are_handed_over_in_three_formats(judged: Path, tmp_path: Path) -> None:
    with Casebook(judged, "bo", Clock()) as book:
        rows = account_rows(book)
        every = account_rows(book, VERDICTS)
        assert account_rows(book, VERDICTS, ["C-2"]) == [row for row in every if row["case"] == "C-0002"]
    assert {row["user_id"] for row in rows} == set(HOSTILE) - {"plain"}
    assert {(row["case"], row["ring_id"], row["verdict"], row["contribution"]) for row in rows} == {("C-0001", "R-one", "confirmed", 1.0)}
    assert {row["user_id"]: row["verdict"] for row in every}["plain"] == "innocent"
    assert len(every) == 7
    for form in WRITERS:
        write_accounts(rows, tmp_path / f"a.{form}", form)
        with pytest.raises(CaseError, match="exists already"):
            write_accounts(rows, tmp_path / f"a.{form}", form)
        write_accounts([], tmp_path / f"none.{form}", form)
    with (tmp_path / "a.csv").open(encoding="utf-8-sig", newline="") as file:
        told = list(csv.DictReader(file))
    assert [row["user_id"][:1] for row in told if "HYPER" in row["user_id"] or "SUM" in row["user_id"]] == ["'", "'"]
    assert "\x1b" not in (tmp_path / "a.csv").read_text(encoding="utf-8")
    lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines()]
    assert lines == rows
    assert (tmp_path / "none.csv").read_text(encoding="utf-8-sig").startswith("user_id,case,ring_id")
    assert {form.value for form in AccountsFormat} == set(WRITERS)


def test_an_account_is_acted_on_until_its_ring_has_been_at_rest(tmp_path: Path) -> None:
    """90 days after the word on it or its ring's last event, whichever is later; a word anew puts it back."""
    clock = Clock(START - timedelta(days=30))  # the ring acts after the word on it
    with filled(tmp_path, ring(1, "alert", 10.0), clock=clock) as book:

        def listed() -> dict[str, str]:
            return {row["user_id"]: row["until"] for row in still_to_act_on(account_rows(book), book.now)}

        book.decide("C-0001", "confirmed")
        book.decide("C-0001", "innocent", users=["u01-0"])
        assert listed() == dict.fromkeys(("u01-1", "u01-2"), "2026-04-01")
        assert {row["until"] for row in account_rows(book, ["innocent"])} == {""}
        clock.now = START + timedelta(days=60)
        book.decide("C-0001", "confirmed", users=["u01-2"])
        assert listed() == {"u01-1": "2026-04-01", "u01-2": "2026-05-31"}
        clock.now = START + timedelta(days=90, hours=23)
        assert listed().keys() == {"u01-1", "u01-2"}, "the last day counts"
        clock.forward(0.1)
        assert listed().keys() == {"u01-2"}
        clock.forward(400)
        assert listed() == {}
        assert len(account_rows(book)) == 2, "no verdict is lost"
        book.decide("C-0001", "confirmed")
        assert listed().keys() == {"u01-1", "u01-2"}


def test_a_run_that_is_gone_leaves_reasons_empty_and_accounts_whole(judged: Path) -> None:
    (judged / "runs" / "2026-01-01" / "run.json").unlink()
    with Casebook(judged, "bo", Clock()) as book:
        rows = account_rows(book)
    assert {row["user_id"] for row in rows} == set(HOSTILE) - {"plain"}
    assert {(row["reasons"], row["contribution"]) for row in rows} == {("", None)}


def test_the_figures_of_a_week(tmp_path: Path) -> None:
    clock = Clock(START + timedelta(days=1))
    with filled(tmp_path, *MANY, clock=clock) as book:
        clock.forward(1)
        book.decide("C-0001", "confirmed")
        book.decide("C-0004", "innocent")
        book.decide("C-0002", "confirmed")
        clock.forward(8)
        book.decide("C-0007", "unsure")
        book.accept("C-0010", "a class")
        clock.forward(1)
        week = week_of(book, START, START + timedelta(days=7), budget=5)
        later = week_of(book, START + timedelta(days=7), clock(), budget=5)
        money = {case.name: case.at_stake or 0 for case in book.cases()}
    assert week.opened == {"alert": 10, "explained": 10, "review": 10}
    assert [(one.case.name, one.tier) for one in week.decided] == [("C-0001", "alert"), ("C-0002", "review"), ("C-0004", "alert")]
    assert week.money_confirmed == pytest.approx(money["C-0001"] + money["C-0002"])
    assert week.precision is not None
    assert week.precision.mean == 0.5
    assert week.hours == pytest.approx(48)
    assert (later.opened, later.count("unsure"), later.accepted, later.precision, later.hours) == ({}, 1, 1, None, None)


def test_precision_of_alerts_has_the_interval_of_a_rate_that_nobody_knew() -> None:
    assert precision_of([]) is None
    all_right = precision_of([True] * 10)
    assert all_right is not None
    assert all_right.mean == all_right.high == 1
    assert 0.7 < all_right.low < 0.95


class Pages(HTMLParser):
    """What a page is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not [value for name, value in attrs if name in ("src", "href") or name.startswith("on")]
        if tag not in ("meta", "line", "path", "circle"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("line", "path", "circle"):
            assert self.open.pop() == tag


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_report_is_a_page_and_a_text_in_either_language(language: str, tmp_path: Path) -> None:
    with filled(tmp_path, *MANY) as book:
        book.decide("C-0001", "confirmed")
        week = week_of(book, START - timedelta(days=1), START + timedelta(days=1), budget=8)
    page, text = as_page(week, language, 8), as_markdown(week, language)  # type: ignore[arg-type]
    reader = Pages()
    reader.feed(page)
    assert reader.open == []
    assert {"h1", "table", "svg"} <= set(reader.tags)
    assert "http" not in page
    for told in (page, text):
        assert "C-0001" in told
        assert ("确认" in told) == (language == "zh")
        if language == "zh":
            assert not re.search(r"\b(alert|confirmed|worth|days|none|waiting)\b", re.sub(r"<style>.*?</style>|<[^>]*>", "", told))


def test_every_word_is_read_somewhere() -> None:
    package = Path(__file__).parent.parent / "graphdet"
    code = "\n".join(path.read_text(encoding="utf-8") for path in package.rglob("*.py") if path.name != "week_words.py")
    assert [key for key in WEEK_WORDS if f'"{key}"' not in code] == []


def test_the_commands(judged: Path, tmp_path: Path, graphdet_command: Command) -> None:
    queue = json.loads(graphdet_command("cases", "queue", "--home", judged, "--budget", 1, "--json").out)
    assert [one["case"] for one in queue["asked"]] == ["C-0003"]
    shown = graphdet_command("cases", "queue", "--home", judged).out
    assert "To look at: 1 of 1 waiting case." in shown
    assert "2 verdicts of this house" in shown
    assert "最值得" in graphdet_command("cases", "queue", "--home", judged, "--lang", "zh").out
    done = graphdet_command("cases", "export", "C-1", "--home", judged, "--out", tmp_path / "act.csv")
    assert done.out == f"Accounts: 3, cases: 1. {tmp_path / 'act.csv'}\n"
    with Casebook(judged, "ann") as book:
        left = len(still_to_act_on(account_rows(book), as_text(datetime.now(UTC))))
    done = graphdet_command("cases", "export", "--home", judged, "--out", tmp_path / "now.jsonl")
    assert done.out.startswith(f"Accounts: {left}, ")
    assert ("Left out: 3 accounts whose time is over" in done.out) == (left == 0)
    assert "no format" in one_line(graphdet_command("cases", "export", "--home", judged, "--out", tmp_path / "act.doc"), 2)
    day = datetime.now(UTC) + timedelta(days=1)
    until = f"{day:%Y-%m-%d}"
    assert "| Decided | 2 (confirmed 1, innocent 1) |" in graphdet_command("cases", "week", "--home", judged, "--since", "2025-12-30").out
    page = graphdet_command("cases", "week", "--home", judged, "--out", tmp_path / "week.html", "--until", until, "--since", "2025-12-30")
    assert page.out == f"{tmp_path / 'week.html'}\n"
    assert (tmp_path / "week.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert json.loads(graphdet_command("cases", "week", "--home", judged, "--since", "2025-12-30", "--json").out)["confirmed"] == 1
    assert "not before" in one_line(graphdet_command("cases", "week", "--home", judged, "--since", until), 2)
    assert "holds no casebook" in one_line(graphdet_command("cases", "queue", "--home", tmp_path / "nowhere"), 2)
