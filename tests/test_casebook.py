"""The casebook takes runs in, keeps every word, and tells what counts now."""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
import sqlite3
import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from case_runs import START, Clock, MadeRing, made_run
from rich.console import Console

from graphdet.cases.casebook import Casebook
from graphdet.cases.casebook_file import MIGRATIONS, VERSION
from graphdet.cases.entries import Entry, canonical
from graphdet.cases.judged import Judged
from graphdet.cases.open_book import Writer, full_name
from graphdet.cases.rows import TABLES
from graphdet.cases.stored_rows import COLUMNS
from graphdet.cases.taking_in import Before, Carried, Followed
from graphdet.errors import CaseError, NotACasebook, UnknownCase
from graphdet.run.folder import Run
from graphdet.terminal.case_screens import show_history
from graphdet.week.hand_over import account_rows
from graphdet.words.casework import entry_in_words

FOUR = MadeRing("ring-aa", ("u1", "u2", "u3", "u4"), ("i1", "i2"), "review")
PAIR = MadeRing("ring-bb", ("u4", "u5"), ("i3",))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "home"


@pytest.fixture
def book(home: Path, clock: Clock) -> Iterator[Casebook]:
    with Casebook(home, "ann", clock) as book:
        book.take_in(made_run("run-1", [FOUR, PAIR]))
        yield book
        assert book.verify().faults == ()


def followed(case: str, ring: MadeRing, lineage: str = "grew") -> Followed:
    return Followed({ring.ring_id: Carried(case, lineage)})


def test_a_run_opens_cases_and_the_same_run_again_changes_nothing(book: Casebook) -> None:
    assert [(case.name, case.ring_id, case.lineage, case.state) for case in book.cases()] == [
        ("C-0001", "ring-aa", "new", "open"),
        ("C-0002", "ring-bb", "new", "open"),
    ]
    before = len(book.history())
    again = book.take_in(made_run("run-1", [FOUR, PAIR]))
    assert not again.is_new
    assert again.case_of == {"ring-aa": "C-0001", "ring-bb": "C-0002"}
    assert len(book.history()) == before


def test_a_case_is_found_by_its_name_and_by_its_ring(book: Casebook) -> None:
    for name in ("C-0001", "c-1", " C-01 ", "ring-aa", "ring-a"):
        assert book.case(name).name == "C-0001"
    with pytest.raises(UnknownCase, match="could be a ring of 2 cases"):
        book.case("ring-")
    for name in ("C-0003", "", "ring-zz", "'; DROP TABLE cases", "%", "_ing-aa"):
        with pytest.raises(UnknownCase, match="no case"):
            book.case(name)
    with pytest.raises(UnknownCase, match="a rank is a run's, and means no case: did you mean C-1\\?"):
        book.case("1")
    assert full_name("c-1\u0663", "C") == "c-1\u0663"  # digits of another script are no number of ours


def test_what_becomes_of_rings_is_as_it_is_told(book: Casebook) -> None:
    book.decide("C-2", "confirmed")
    larger, part = MadeRing("ring-cc", ("u1", "u2", "u3", "u4", "u6"), ("i1",)), MadeRing("ring-dd", ("u7", "u8"))

    def follow(run: Run, before: Before) -> Followed:
        assert before.case_of("ring-aa") == "C-0001"
        assert before.memory is None
        carried = {"ring-cc": Carried("C-0001", "grew", ("ring-dd",)), "ring-dd": Carried(None, "split", ("C-0001",))}
        return Followed(carried, {"C-0002": Carried("C-0002", "left_window")}, memory=str)

    taken = book.take_in(made_run("run-2", [larger, part]), follow)
    assert taken.opened == ("C-0003",)
    first, second, third = book.cases()
    assert (first.ring_id, first.lineage, first.kin, first.runs) == ("ring-cc", "grew", "C-0003", 2)
    assert (second.lineage, second.state, second.verdict) == ("left_window", "decided", "confirmed")  # which is no innocence
    assert (third.lineage, third.kin) == ("split", "C-0001")
    assert book.recall("lineage") == "{'ring-cc': 'C-0001', 'ring-dd': 'C-0003'}"
    assert [one.run_id for one in book.sightings("C-0001")] == ["run-1", "run-2"]
    assert book.cases_with("user", "u4") == ["C-0001", "C-0002"]


def test_who_is_no_longer_found_sleeps_and_wakes(book: Casebook) -> None:
    book.take_in(
        made_run("run-2", [PAIR]),
        lambda run, before: Followed({"ring-bb": Carried("C-0002", "same")}, {"C-0001": Carried("C-0001", "dormant")}),
    )
    assert book.case("C-1").state == "dormant"
    book.take_in(made_run("run-3", [FOUR]), lambda run, before: followed("C-0001", FOUR, "returned"))
    assert (book.case("C-1").state, book.case("C-1").lineage) == ("open", "returned")


def test_two_rings_on_one_case_are_refused_and_nothing_is_kept(book: Casebook) -> None:
    before = len(book.history())
    twice = Followed({"ring-aa": Carried("C-0001", "same"), "ring-bb": Carried("C-0001", "same")})
    for bad in (twice, followed("C-0009", FOUR), Followed({}, {"C-0009": Carried("C-0009", "dormant")})):
        with pytest.raises(CaseError):
            book.take_in(made_run("run-2", [FOUR, PAIR]), lambda run, before, bad=bad: bad)
    assert len(book.history()) == before


def test_later_words_count_and_all_are_kept(book: Casebook) -> None:
    book.decide("C-1", "confirmed", note="three phones")
    book.decide("ring-aa", "innocent", "household")
    case = book.case("C-1")
    assert (case.verdict, case.story, case.state) == ("innocent", "household", "decided")
    assert [entry.told["verdict"] for entry in book.history("C-0001") if entry.kind == "verdict"] == ["confirmed", "innocent"]
    assert book.decide("C-1", "unsure").state == "open"


def test_a_last_word_is_taken_back_one_at_a_time(book: Casebook, home: Path, clock: Clock) -> None:
    book.decide("C-1", "confirmed")
    book.assign("C-1", "bo")
    with Casebook(home, "bo", clock) as other:
        other.decide("C-1", "innocent", "fan_club")
    assert book.undo().kind == "assigned"
    assert (book.case("C-1").owner, book.case("C-1").verdict) == ("", "innocent")
    book.undo()
    assert book.case("C-1").verdict == "innocent"  # bo's word is bo's
    with Casebook(home, "bo", clock) as other:
        other.undo()
        with pytest.raises(CaseError, match="bo has said nothing"):
            other.undo()
    assert (book.case("C-1").verdict, book.case("C-1").state) == ("", "open")


def test_verdicts_are_labels_and_a_member_goes_before_the_ring(book: Casebook, clock: Clock) -> None:
    book.decide("C-1", "innocent", "household")
    clock.forward(1)
    book.decide("C-2", "confirmed", users=())
    book.decide("C-2", "innocent", users=["u5"])
    grown = MadeRing("ring-cc", (*FOUR.users, "u9"))
    book.take_in(made_run("run-2", [grown]), lambda run, before: followed("C-0001", grown))
    first, second = "2026-01-01T00:00:00.000000Z", "2026-01-02T00:00:00.000000Z"
    assert book.judged_users() == [
        *(Judged(user, False, first, "C-0001") for user in ("u1", "u2", "u3")),
        Judged("u4", True, second, "C-0002"),  # confirmed in one ring, innocent in another
        Judged("u5", False, second, "C-0002"),
    ]  # and of u9, who came after the verdict, nothing is known
    assert book.ring_verdicts() == {"ring-aa": ("review", "innocent"), "ring-bb": ("alert", "confirmed")}
    book.decide("C-2", "unsure")
    assert [one.user_id for one in book.judged_users() if one.positive] == []


def test_who_is_to_be_held_is_no_label_by_the_ring(tmp_path: Path) -> None:
    """As the last run that saw the ring says; a word on a member counts all the same, and an older graphdet's run holds nobody."""
    ring = MadeRing("ring-aa", ("u1", "u2", "u3"), held=None)
    with Casebook(tmp_path / "home", "ann") as book:
        book.take_in(made_run("run-1", [ring]))
        book.decide("C-1", "confirmed")
        assert book.held_members(book.case("C-1")) is None
        assert {one.user_id for one in book.judged_users()} == {"u1", "u2", "u3"}
        assert {row["standing"] for row in account_rows(book)} == {""}
        for name, held, known in (("run-2", ("u2", "u3"), {"u1"}), ("run-3", (), {"u1", "u2", "u3"}), ("run-4", ("u2", "u3"), {"u1"})):
            book.take_in(made_run(name, [replace(ring, held=held)]))
            assert book.held_members(book.case("C-1")) == set(held)
            assert {one.user_id for one in book.judged_users()} == known
        book.decide("C-1", "confirmed", users=["u3"])
        assert {one.user_id: one.positive for one in book.judged_users()} == {"u1": True, "u3": True}
        assert {row["user_id"]: row["standing"] for row in account_rows(book)} == {"u1": "act", "u2": "hold", "u3": "act"}
        assert not book.verify().faults


def test_a_casebook_of_an_older_graphdet_is_brought_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its entries and tables do not tell who is to be held; those of runs since then do."""
    ring = MadeRing("ring-aa", ("u1", "u2", "u3"), held=("u2",))
    add = Writer.add

    def add_as_before(writer: Writer, *words: Any, told: dict[str, Any], **more: Any) -> Any:
        return add(writer, *words, told={name: value for name, value in told.items() if not name.startswith("held")}, **more)

    with monkeypatch.context() as patch, Casebook(tmp_path, "ann") as book:
        patch.setattr(Writer, "add", add_as_before)
        book.take_in(made_run("run-1", [ring]))
    with contextlib.closing(sqlite3.connect(tmp_path / "casebook.db")) as file:
        file.executescript("ALTER TABLE sightings DROP COLUMN held_digest; PRAGMA user_version = 1")
    with Casebook(tmp_path, "ann") as book:
        book.decide("C-1", "confirmed")
        assert book.held_members(book.case("C-1")) is None
        book.take_in(made_run("run-2", [ring]))
        assert book.held_members(book.case("C-1")) == {"u2"}
        assert not book.verify().faults


def test_words_that_cannot_be_are_refused(book: Casebook) -> None:
    for act in (
        lambda: book.decide("C-1", "guilty"),
        lambda: book.decide("C-1", "confirmed", "household"),
        lambda: book.decide("C-1", "innocent", "houshold"),
        lambda: book.decide("C-1", "innocent", users=["u5"]),
        lambda: book.note("C-1", "  "),
        lambda: book.note("C-1", "x" * 10_001),
        lambda: book.note("C-1", "\ud800"),
        lambda: book.accept("C-1", ""),
        lambda: book.accept("C-1", "so", START),
        lambda: book.accept("C-1", "so", START + timedelta(days=4000)),
        lambda: book.discount("fax", "1", "so"),
        lambda: book.discount("ip", "not an address!", "so"),
        lambda: book.withdraw("S-1"),
        lambda: book.approve("S-1"),
    ):
        before = len(book.history())
        with pytest.raises(CaseError) as error:
            act()
        assert "\n" not in str(error.value)
        assert len(book.history()) == before


def test_an_accepted_finding_is_hidden_until_it_rises(book: Casebook) -> None:
    book.accept("C-1", "a household; seen their papers")
    assert book.case("C-1").state == "decided"
    taken = book.take_in(made_run("run-2", [FOUR, PAIR]))
    assert (book.case("C-1").hidden, book.hid("S-0001")[0].count) == ("S-0001", 1)
    book.take_in(made_run("run-0", [FOUR, PAIR]))
    assert [one.run_id for one in book.hid("S-0001")] == ["run-2", "run-0"], "the last to be taken in stands at the end"
    larger = MadeRing("ring-cc", (*FOUR.users, "u7", "u8"), FOUR.items, "review")
    taken = book.take_in(made_run("run-3", [larger]), lambda run, before: followed("C-0001", larger))
    assert taken.back == {"C-0001": "members"}
    assert (book.case("C-1").state, book.case("C-1").back) == ("open", "members")
    assert book.suppression("s-1").ended == "returned"


@pytest.mark.parametrize(
    ("ring", "why"),
    [
        (MadeRing("ring-x", FOUR.users, FOUR.items, "alert"), "tier"),
        (MadeRing("ring-x", FOUR.users, FOUR.items, "review", 111.0), "money"),
        (MadeRing("ring-x", FOUR.users, FOUR.items, "review", 109.0), ""),
        (MadeRing("ring-x", FOUR.users, FOUR.items, "explained", None), ""),
        (MadeRing("ring-x", (*FOUR.users, "u7"), FOUR.items, "review"), ""),
        (MadeRing("ring-x", ("u7", "u8", "u3", "u4"), FOUR.items, "review"), "members"),
    ],
)
def test_what_brings_a_finding_back(book: Casebook, ring: MadeRing, why: str) -> None:
    book.accept("C-1", "fine")
    book.take_in(made_run("run-2", [ring]), lambda run, before: followed("C-0001", ring))
    assert book.case("C-1").back == why


@pytest.mark.parametrize("judged_as", ["review", "alert", "review after an alert"])
@pytest.mark.parametrize(
    ("ring", "why"),
    [
        (MadeRing("ring-x", FOUR.users, FOUR.items, "alert"), "doubt_tier"),
        (MadeRing("ring-x", FOUR.users, FOUR.items, "alert", 199.0), "doubt_tier"),
        (MadeRing("ring-x", FOUR.users, FOUR.items, "alert", 201.0), "doubt_money"),
        (MadeRing("ring-x", FOUR.users, FOUR.items, "alert", None), "doubt_tier"),
        (MadeRing("ring-x", (*FOUR.users, "u7"), FOUR.items, "alert"), "doubt_tier"),
        (MadeRing("ring-x", ("u7", "u8", "u3", "u4"), FOUR.items, "alert"), "doubt_members"),
        (MadeRing("ring-x", ("u7", "u8", "u9", "u4"), FOUR.items, "review"), ""),
        (MadeRing("ring-x", FOUR.users, FOUR.items, "explained", 1000.0), ""),
    ],
)
def test_an_innocent_verdict_holds_until_an_alert_contradicts_it(book: Casebook, judged_as: str, ring: MadeRing, why: str) -> None:
    if judged_as != "review":
        risen = MadeRing("ring-a", FOUR.users, FOUR.items, "alert")
        book.take_in(made_run("run-1b", [risen]), lambda run, before: followed("C-0001", risen))
        if judged_as != "alert":
            book.take_in(made_run("run-1c", [FOUR]), lambda run, before: followed("C-0001", FOUR))
        why = why if why != "doubt_tier" else ""
    elif why:
        why = "doubt_tier"  # which says it all
    book.decide("C-1", "innocent")
    taken = book.take_in(made_run("run-2", [ring]), lambda run, before: followed("C-0001", ring))
    assert taken.back == ({"C-0001": why} if why else {})
    case = book.case("C-1")
    assert (case.state, case.back, case.verdict) == ("open" if why else "decided", why, "innocent")
    assert entry_in_words("returned", {"why": why}, "", "en").startswith("back: judged innocent") == bool(why)
    assert book.verify().faults == ()
    if why:
        book.take_in(made_run("run-3", [ring]), lambda run, before: followed("C-0001", ring))
        assert [entry.kind for entry in book.history("C-0001")].count("returned") == 1, "it is told once"
        book.decide("C-1", "innocent")
        book.take_in(made_run("run-4", [ring]), lambda run, before: followed("C-0001", ring))
        assert (book.case("C-1").state, book.case("C-1").back) == ("decided", ""), "of what it is now"
        book.undo()
        book.undo()
        assert (book.case("C-1").verdict, book.case("C-1").back) == ("", ""), "without the verdict nothing contradicts it"
    assert book.verify().faults == ()


def test_money_that_was_known_when_it_was_judged_contradicts_nothing(book: Casebook) -> None:
    """Sums waver as the window moves on: the most that whoever judged could know counts, and each new verdict knows more."""
    rich, poor, richer = (MadeRing("ring-a", FOUR.users, FOUR.items, "alert", money) for money in (150.0, 40.0, 301.0))
    number = 1

    def back_after(ring: MadeRing) -> str:
        nonlocal number
        number += 1
        return book.take_in(made_run(f"run-{number}", [ring]), lambda run, before: followed("C-0001", ring)).back.get("C-0001", "")

    back_after(rich)
    back_after(poor)
    book.decide("C-1", "innocent")
    assert (back_after(rich), back_after(poor)) == ("", "")
    assert back_after(richer) == "doubt_money"
    book.decide("C-1", "innocent")
    assert back_after(MadeRing("ring-a", FOUR.users, FOUR.items, "alert", 600.0)) == "", "less than twice of what is known by now"
    assert back_after(MadeRing("ring-a", FOUR.users, FOUR.items, "alert", 603.0)) == "doubt_money"
    book.decide("C-1", "confirmed")
    assert back_after(MadeRing("ring-a", FOUR.users, FOUR.items, "alert", 6000.0)) == "", "of innocent verdicts alone"


def test_what_was_found_innocent_and_accepted_is_back_by_its_acceptance_alone(book: Casebook) -> None:
    risen = MadeRing("ring-x", FOUR.users, FOUR.items, "alert")
    book.decide("C-1", "innocent")
    book.accept("C-1", "a household")
    taken = book.take_in(made_run("run-2", [risen]), lambda run, before: followed("C-0001", risen))
    assert taken.back == {"C-0001": "tier"}


def test_the_same_people_and_items_are_accepted_under_another_name(book: Casebook) -> None:
    book.accept("C-1", "fine")
    alike, others = (
        MadeRing("ring-x", ("u1", "u2", "u9"), ("i1",), "review", 50.0),
        MadeRing("ring-y", ("u1", "u8", "u9"), ("i1",), "review"),
    )
    elsewhere = MadeRing("ring-z", ("u1", "u2", "u3"), ("i7",), "review", 50.0)
    book.take_in(made_run("run-2", [alike, others, elsewhere]))
    assert {case.ring_id: case.hidden for case in book.cases()[2:]} == {"ring-x": "S-0001", "ring-y": "", "ring-z": ""}


def test_an_acceptance_lapses_and_the_finding_is_back(book: Casebook, clock: Clock) -> None:
    book.accept("C-1", "fine")
    clock.forward(82)
    assert book.suppression("S-1").standing(book.now) == "active"
    clock.forward(1)
    assert book.suppression("S-1").standing(book.now) == "ending"
    clock.forward(7)
    assert book.suppression("S-1").standing(book.now) == "lapsed"
    book.lapse_due()
    assert (book.case("C-1").state, book.case("C-1").back, book.case("C-1").accepted) == ("open", "lapsed", "")
    assert [entry.author for entry in book.history("C-0001") if entry.kind == "lapsed"] == ["graphdet"]


def test_a_discount_needs_a_second_person_where_there_are_several(book: Casebook, home: Path, clock: Clock) -> None:
    book.discount("ip", "::ffff:203.0.113.7", "the office")
    assert book.discounted_keys() == {"ip": ("203.0.113.7",)}  # of a lone author at once, in the form that runs have
    with Casebook(home, "bo", clock) as other:
        other.note("C-1", "I am here, too")
        asked = other.discount("device", "d-1", "a test phone")
        assert asked.standing(other.now) == "asked"
        with pytest.raises(CaseError, match="somebody else"):
            other.approve("S-2")
    assert book.discounted_keys() == {"ip": ("203.0.113.7",)}
    book.approve("S-2")
    assert book.discounted_keys() == {"device_id": ("d-1",), "ip": ("203.0.113.7",)}
    with pytest.raises(CaseError, match="already"):
        book.discount("device", "d-1", "again")
    book.withdraw("S-1", "moved out")
    clock.forward(90)
    assert book.discounted_keys() == {}


def test_tables_are_as_their_rows(book: Casebook) -> None:
    with book.reading() as connection:
        for kind in TABLES:
            found = connection.execute(f"PRAGMA table_info({kind.table})").fetchall()
            assert tuple(row[1] for row in found) == COLUMNS[kind.table]
            keys = [row[1] for row in sorted(found, key=lambda row: row[5]) if row[5]]
            assert tuple(keys) == COLUMNS[kind.table][: kind.keys]


def test_nobody_else_may_read_it(book: Casebook, home: Path) -> None:
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in home.iterdir()} == {0o600}


def test_the_journal_refuses_changes(book: Casebook) -> None:
    for statement in ("UPDATE journal SET author = 'x'", "DELETE FROM journal"):
        with book.reading() as connection, pytest.raises(sqlite3.IntegrityError, match="nothing in the journal is overwritten"):
            connection.execute(statement)


def _tamper(home: Path, *statements: str) -> None:
    with sqlite3.connect(home / "casebook.db") as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


TRIGGER = re.search(r"CREATE TRIGGER journal_stays.*", MIGRATIONS[0])[0]  # type: ignore[index]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ("UPDATE journal SET payload = replace(payload, 'three', 'no') WHERE kind = 'verdict'", "entry 4 was changed after it was written"),
        ("UPDATE journal SET author = 'bo' WHERE kind = 'verdict'", "entry 4 was changed after it was written"),
        ("UPDATE cases SET verdict = 'innocent' WHERE name = 'C-0001'", "cases C-0001: verdict is not what the journal says"),
        ("INSERT INTO touches VALUES ('user', 'planted', 'C-0001')", "touches user planted C-0001: follows from no entry"),
        ("DELETE FROM member_words", "member_words C-0001 u1: is missing"),
    ],
)
def test_a_change_behind_its_back_is_found(home: Path, clock: Clock, change: str, fault: str) -> None:
    with Casebook(home, "ann", clock) as book:
        book.take_in(made_run("run-1", [FOUR]))
        head = book.verify().head
        book.note("C-1", "first")
        book.decide("C-1", "confirmed", note="three phones")
        book.decide("C-1", "innocent", users=["u1"])
        book.note("C-1", "last")
        assert book.verify(head).faults == ()
        assert "cut or written anew" in book.verify("f" * 64).faults[0]
    _tamper(home, "DROP TRIGGER journal_stays", change, TRIGGER)
    with Casebook(home, "ann", clock) as book:
        assert fault in book.verify().faults


def test_a_changed_last_entry_stops_the_next_word(home: Path, clock: Clock) -> None:
    with Casebook(home, "ann", clock) as book:
        book.take_in(made_run("run-1", [FOUR]))
        book.note("C-1", "last")
    _tamper(home, "DROP TRIGGER journal_stays", "UPDATE journal SET author = 'bo' WHERE kind = 'note'", TRIGGER)
    with Casebook(home, "ann", clock) as book, pytest.raises(NotACasebook, match="entry 3 was tampered with"):
        book.note("C-1", "more")


@pytest.mark.parametrize("payload", ["no JSON", "[]", "{}", "[" * 9999, '{"text":7,"run":[],"undoes":"x","nodes":3,"why":null}'])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_who_knows_how_hashes_are_made_still_breaks_nothing(home: Path, clock: Clock, payload: str, number: int) -> None:
    """A whole chain written anew over an entry that nobody would write: told, or refused in one line."""
    with Casebook(home, "ann", clock) as book:
        book.take_in(made_run("run-1", [FOUR]))
        book.note("C-1", "last")
        entries, last = list(book.history()), None
    rewritten = []
    for entry in entries:
        told = payload if entry.number == number else entry.payload
        before = last.hash if last else entry.before
        parts = (entry.number, entry.time, entry.author, entry.kind, entry.case, entry.suppression, told, before)
        last = Entry(*parts, hashlib.sha256(canonical(parts).encode()).hexdigest())
        rewritten.append((last.payload, last.before, last.hash, last.number))
    with sqlite3.connect(home / "casebook.db") as connection:
        connection.execute("DROP TRIGGER journal_stays")
        connection.executemany("UPDATE journal SET payload = ?, before = ?, hash = ? WHERE number = ?", rewritten)
        connection.execute(TRIGGER)
    connection.close()
    with Casebook(home, "ann", clock) as book:
        assert book.verify().faults
        console = Console(file=io.StringIO())
        for act in (
            lambda: show_history(console, book.history(), book.undone(), "en"),
            lambda: book.undo(),
            lambda: book.decide("C-1", "confirmed"),
            lambda: book.take_in(made_run("run-2", [FOUR])),
        ):
            with contextlib.suppress(CaseError):
                act()


@pytest.mark.parametrize(
    "statement",
    [
        f"PRAGMA user_version = {VERSION + 1}",
        "PRAGMA user_version = -3",
        "PRAGMA application_id = 7",
        "CREATE VIEW more AS SELECT 1",
        "CREATE TRIGGER quiet AFTER INSERT ON cases BEGIN DELETE FROM member_words; END",
        "DROP INDEX cases_of_ring",
    ],
)
def test_a_file_that_is_no_casebook_of_ours_is_refused(home: Path, statement: str) -> None:
    with Casebook(home, "ann"):
        pass
    _tamper(home, statement)
    with pytest.raises(NotACasebook) as error, Casebook(home, "ann"):
        pass
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"no database at all", b"SQLite format 3\x00" + b"\xff" * 200])
def test_any_other_file_is_refused(home: Path, content: bytes) -> None:
    home.mkdir(parents=True)
    (home / "casebook.db").write_bytes(content)
    with pytest.raises(NotACasebook), Casebook(home, "ann"):
        pass
    assert (home / "casebook.db").read_bytes() == content


def test_none_is_made_where_none_is_asked_for(home: Path) -> None:
    with pytest.raises(NotACasebook, match="holds no casebook"), Casebook(home, "ann", make=False):
        pass
    assert not home.exists()


def test_a_clock_that_goes_back_loses_no_word(book: Casebook, clock: Clock) -> None:
    clock.forward(5)
    book.decide("C-1", "confirmed")
    clock.forward(-400)
    assert book.decide("C-1", "innocent").verdict == "innocent"
