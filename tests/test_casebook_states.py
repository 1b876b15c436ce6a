"""Random sequences of runs, words here and in a graph, pushes, suppressions, lapses, undos and kills end as a plain list predicts."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import hypothesis.strategies as st
import pytest
from case_runs import Clock, MadeRing, made_run
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from graphdet.cases import mirror
from graphdet.cases.casebook import Casebook
from graphdet.cases.entries import as_moment, as_text
from graphdet.cases.taking_in import Before, Carried, Followed
from graphdet.errors import CaseError, StoreError
from graphdet.run.folder import Run
from graphdet.store.connection import Database
from graphdet.store.decisions import Word

PEOPLE = ("ann", "bo", "\u202ecy'; --")
RINGS, BASE, MOST_MORE = 3, 4, 4
KEYS = (("ip", "203.0.113.7"), ("device", "d'\"; DROP TABLE cases; --"), ("user", "\x1b[31m=cmd()"))
TIER_RANK = {"alert": 0, "review": 1, "explained": 2}
ring_number = st.integers(0, RINGS - 1)
person = st.sampled_from(PEOPLE)
verdict = st.sampled_from(["confirmed", "innocent", "unsure"])


def users(ring: int, more: int) -> tuple[str, ...]:
    return tuple(f"u{ring}-{n}" for n in range(BASE + more))


@dataclass
class Said:
    """One thing that happened; the model is a list of these and nothing else."""

    kind: str
    author: str
    case: int = -1
    suppression: int = -1
    facts: dict[str, Any] = field(default_factory=dict)
    undone: bool = False


class Model:
    """What the casebook should hold, told from the list by plain loops."""

    def __init__(self) -> None:
        self.said: list[Said] = []

    def add(self, kind: str, author: str, case: int = -1, suppression: int = -1, **facts: Any) -> None:
        self.said.append(Said(kind, author, case, suppression, facts))

    def counting(self, *kinds: str, case: int | None = None, suppression: int | None = None) -> list[Said]:
        return [
            one
            for one in self.said
            if not one.undone and (not kinds or one.kind in kinds) and case in (None, one.case) and suppression in (None, one.suppression)
        ]

    def cases(self) -> list[int]:
        return list(dict.fromkeys(one.case for one in self.said if one.kind == "seen"))

    def suppressions(self) -> int:
        return sum(one.kind in ("accepted", "discounted") for one in self.said)

    def born(self, suppression: int) -> Said | None:
        return next(iter(self.counting("accepted", "discounted", suppression=suppression)), None)

    def ended(self, suppression: int) -> str:
        ends = self.counting("withdrawn", "lapsed", "returned", suppression=suppression)
        return ends[0].kind if ends else ""

    def standing(self, suppression: int, now: Any) -> str:
        born = self.born(suppression)
        assert born is not None
        if self.ended(suppression):
            return self.ended(suppression)
        if now >= born.facts["until"]:
            return "lapsed"
        if born.facts.get("several") and not self.counting("approved", suppression=suppression):
            return "asked"
        return "ending" if now + timedelta(days=7) >= born.facts["until"] else "active"

    def lapse(self, now: Any) -> None:
        for number in range(1, self.suppressions() + 1):
            born = self.born(number)
            if born is not None and not self.ended(number) and now >= born.facts["until"]:
                self.add("lapsed", "graphdet", born.case, number)

    def case(self, case: int) -> dict[str, Any]:
        return {name: value for name, value in self.standing_of(case).items() if name not in ("said", "users", "tier", "money")}

    def standing_of(self, case: int) -> dict[str, Any]:
        """With when the verdict that counts was said, and of whom and what."""
        told: dict[str, Any] = {
            "said": datetime.min.replace(tzinfo=UTC),
            "users": (),
            "tier": "",
            "money": 0.0,
            "state": "open",
            "verdict": "",
            "owner": "",
            "notes": 0,
            "accepted": "",
            "back": "",
            "runs": 0,
        }
        for one in self.counting(case=case):
            if one.kind == "seen":
                told |= {"runs": told["runs"] + 1, "ring_id": one.facts["ring_id"]}
                told["state"] = "open" if told["state"] == "dormant" else told["state"]
            elif one.kind == "absent":
                told["state"] = "dormant" if told["state"] == "open" else told["state"]
            elif one.kind == "verdict" and one.facts["said"] >= told["said"]:  # the later word counts, wherever it was said
                told |= {name: one.facts[name] for name in ("said", "users", "tier", "money")}
                told |= {"verdict": one.facts["verdict"], "back": "", "state": "open" if one.facts["verdict"] == "unsure" else "decided"}
            elif one.kind == "note":
                told["notes"] += 1
            elif one.kind == "assigned":
                told["owner"] = one.facts["owner"]
            elif one.kind == "state":
                told |= {"state": one.facts["state"], "back": ""}
            elif one.kind == "accepted":
                told |= {"accepted": f"S-{one.suppression:04d}", "back": "", "state": "decided"}
            elif one.kind == "returned" and one.suppression < 0:  # a run contradicts that it was found innocent
                if told["verdict"] == "innocent" and not told["accepted"]:
                    told |= {"back": one.facts["why"], "state": "dormant" if told["state"] == "dormant" else "open"}
            elif one.kind in ("withdrawn", "lapsed", "returned") and told["accepted"] == f"S-{one.suppression:04d}":
                back = one.facts["why"] if one.kind == "returned" else one.kind
                told |= {"accepted": "", "back": back, "state": "dormant" if told["state"] == "dormant" else "open"}
        return told

    def labels(self) -> dict[str, bool]:
        found: dict[str, bool] = {}
        for case in self.cases():
            standing = self.standing_of(case)
            if standing["verdict"] not in ("", "unsure"):
                found |= dict.fromkeys(standing["users"], standing["verdict"] == "confirmed")
        for one in self.counting("member"):
            found.pop(one.facts["user"], None)
        latest = {one.facts["user"]: one.facts["verdict"] for one in self.counting("member")}
        return found | {user: said == "confirmed" for user, said in latest.items() if said != "unsure"}

    def undo(self, author: str) -> bool:
        words = ("verdict", "member", "note", "assigned", "state", "accepted", "discounted", "approved", "withdrawn")
        own = [one for one in self.counting(*words) if one.author == author]
        if own:
            own[-1].undone = True
        return bool(own)

    def authors(self) -> set[str]:
        machine = ("seen", "absent", "lapsed", "returned")
        return {one.author for one in self.said if one.kind not in machine}


class Graph:
    """What `cases.mirror` asks of a database in which runs lie and people decide, too."""

    def __init__(self) -> None:
        self.words: list[Word] = []
        self.rings: dict[str, set[str]] = {}  # run → its rings
        self.fails = False

    def read(self, run_id: str) -> list[Word]:
        return sorted((one for one in self.words if one.ring in self.rings[run_id]), key=lambda one: (one.ring, one.said, one.case))

    def write(self, words: Sequence[Word]) -> int:
        if self.fails:
            raise StoreError("the database went away")
        known = {one.case for one in self.words}
        self.words += [one for one in words if one.case not in known]
        return len({one.case for one in words} - known)


@pytest.fixture(scope="module", autouse=True)
def _graph_in_memory() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mirror, "rings_of", lambda graph, run_id: graph.rings.get(run_id, set()))
        patch.setattr(mirror, "read_words", lambda graph, run_id: graph.read(run_id))
        patch.setattr(mirror, "write_words", lambda graph, words, _: graph.write(words))
        yield


class Week(RuleBasedStateMachine):
    """Both, side by side."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.clock, self.model, self.runs = Clock(), Model(), itertools.count(1)
        self.taken: set[str] = set()
        self.graph, self.met, self.latest = Graph(), self.clock.now, ""  # and when both last met, and the run that came last
        self.shown: dict[int, tuple[int, str, float]] = {}  # ring → how many more members, tier, money, as last seen
        self.worst: dict[int, str] = {}  # ring → the worst tier that it ever had
        self.most: dict[int, float] = {}  # ring → the most money that it ever had
        self.book = self._opened("ann")

    def teardown(self) -> None:
        if hasattr(self, "book"):
            self.book.__exit__(None, None, None)
            shutil.rmtree(self.folder)

    def _opened(self, author: str) -> Casebook:
        return Casebook(self.folder / "home", author, self.clock).__enter__()

    def _as(self, author: str) -> Casebook:
        if self.book.author != author:
            self.book.__exit__(None, None, None)
            self.book = self._opened(author)
        self.model.lapse(self.clock.now)
        return self.book

    def _number(self, ring: int) -> int:
        return self.model.cases().index(ring) + 1

    def _any_case(self, ring: int) -> int | None:
        cases = self.model.cases()
        return cases[ring % len(cases)] if cases else None

    @rule(
        rings=st.dictionaries(
            ring_number,
            st.tuples(st.integers(0, MOST_MORE), st.sampled_from(list(TIER_RANK)), st.sampled_from([50.0, 100.0, 105.0, 200.0])),
        ),
        author=person,
    )
    def run(self, rings: dict[int, tuple[int, str, float]], author: str) -> None:
        book, known = self._as(author), self.model.cases()
        made = [
            MadeRing(f"ring-{ring}-{more}", users(ring, more), (f"i{ring}",), tier, money)
            for ring, (more, tier, money) in sorted(rings.items())
        ]
        name = {ring: f"C-{number:04d}" for number, ring in enumerate(known, 1)}

        def follow(run: Run, before: Before) -> Followed:
            carried = {one.ring_id: Carried(name[int(one.ring_id[5])], "grew") for one in made if int(one.ring_id[5]) in name}
            return Followed(carried, {name[ring]: Carried(name[ring], "dormant") for ring in known if ring not in rings})

        self.latest = f"run-{next(self.runs)}"
        taken = book.take_in(made_run(self.latest, made), follow)
        self.graph.rings[self.latest] = {one.ring_id for one in made}
        assert len(taken.opened) == len(set(rings) - set(known))
        ending = {}
        for number in range(1, self.model.suppressions() + 1):
            born = self.model.born(number)
            if (
                born is not None
                and born.kind == "accepted"
                and self.model.standing(number, self.clock.now) in ("active", "ending")
                and born.case in rings
            ):
                more, tier, money = rings[born.case]
                if len(set(users(born.case, more)) - set(born.facts["users"])) >= max(0.5 * len(born.facts["users"]), 1):
                    ending[born.case, number] = "members"
                elif TIER_RANK[tier] < TIER_RANK[born.facts["tier"]]:
                    ending[born.case, number] = "tier"
                elif money > born.facts["money"] * 1.1:
                    ending[born.case, number] = "money"
        for ring, (more, tier, money) in sorted(rings.items()):
            told = self.model.standing_of(ring) if ring in known else {"verdict": ""}
            if told["verdict"] == "innocent" and told["state"] in ("decided", "closed") and not told["accepted"] and tier == "alert":
                if told["tier"] != "alert":
                    ending[ring, -1] = "doubt_tier"
                elif len(set(users(ring, more)) - set(told["users"])) >= 0.5 * len(told["users"]):
                    ending[ring, -1] = "doubt_members"
                elif money > 2 * told["money"]:
                    ending[ring, -1] = "doubt_money"
        for ring, (more, *_) in sorted(rings.items()):
            self.model.add("seen", author, ring, ring_id=f"ring-{ring}-{more}")
        for ring in known:
            if ring not in rings:
                self.model.add("absent", author, ring)
        for (ring, number), why in sorted(ending.items()):
            self.model.add("returned", "graphdet", ring, number, why=why)
        self.shown |= rings
        for ring, (_, tier, money) in rings.items():
            self.worst[ring] = min(tier, self.worst.get(ring, tier), key=lambda one: TIER_RANK[one])
            self.most[ring] = max(money, self.most.get(ring, money))

    @rule(ring=ring_number, said=verdict, author=person)
    def decide(self, ring: int, said: str, author: str) -> None:
        case, book = self._any_case(ring), self._as(author)
        if case is not None:
            self.clock.forward(0.001)
            book.decide(f"C-{self._number(case)}", said)
            facts = {"users": users(case, self.shown[case][0]), "tier": self.worst[case], "money": self.most[case]}
            self.model.add("verdict", author, case, verdict=said, said=self.clock.now, **facts)

    @rule(ring=ring_number, said=verdict, member=st.integers(0, BASE - 1), author=person)
    def judge_member(self, ring: int, said: str, member: int, author: str) -> None:
        case, book = self._any_case(ring), self._as(author)
        if case is not None:
            book.decide(f"C-{self._number(case)}", said, users=[f"u{case}-{member}"])
            self.model.add("member", author, case, verdict=said, user=f"u{case}-{member}")

    @rule(words=st.lists(st.tuples(ring_number, verdict, person), max_size=3), author=person, is_cut=st.booleans())
    def meet_the_graph(self, words: list[tuple[int, str, str]], author: str, is_cut: bool) -> None:
        """The run that came last is pushed, people decide there one after another since both last met, and verdicts go both ways."""
        self.clock.forward(0.001)
        book, rings = self._as(author), sorted(self.graph.rings.get(self.latest, ()))
        if not rings:
            return
        start, spans = self.met, len(words) + 1
        for number, (ring, said, who) in enumerate(words, 1):
            moment = as_text(
                start + (self.clock.now - start) * number / spans + timedelta(microseconds=number)
            )  # at no other word's moment
            self.graph.words.append(Word(f"word-{len(self.graph.words)}", rings[ring % len(rings)], said, who, "", moment))
        new = [one for one in self.graph.read(self.latest) if one.case.startswith("word-")]
        for one in new:
            case, more = (int(part) for part in one.ring.split("-")[1:])
            if one.case not in self.taken:
                facts = {"verdict": one.verdict, "users": users(case, more), "said": as_moment(one.said)}
                facts |= {"tier": self.worst[case], "money": self.most[case]}
                self.model.add("verdict", one.author, case, **facts)
                self.taken.add(one.case)
        self.graph.fails = is_cut
        with contextlib.suppress(StoreError):
            mirror.sync_verdicts(book, cast("Database", self.graph), self.latest)
        self.met = self.clock.now
        self.clock.forward(0.001)
        if not is_cut:
            assert mirror.sync_verdicts(book, cast("Database", self.graph), self.latest) == mirror.Synced(0, 0)
            for ring in rings:
                told = [one for one in self.graph.read(self.latest) if one.ring == ring]
                verdict = self.model.case(int(ring.split("-")[1]))["verdict"] or "unsure"
                assert not told or max(told, key=lambda one: one.said).verdict == verdict

    @rule(ring=ring_number, author=person, what=st.sampled_from(["note", "assigned", "closed", "open"]))
    def say(self, ring: int, author: str, what: str) -> None:
        case, book = self._any_case(ring), self._as(author)
        if case is None:
            return
        name = f"C-{self._number(case)}"
        if what == "note":
            book.note(name, "seen")
            self.model.add("note", author, case)
        elif what == "assigned":
            book.assign(name, author)
            self.model.add("assigned", author, case, owner=author)
        else:
            (book.close if what == "closed" else book.reopen)(name)
            self.model.add("state", author, case, state=what)

    @rule(ring=ring_number, author=person, days=st.sampled_from([5, 30, 90]))
    def accept(self, ring: int, author: str, days: int) -> None:
        case, book = self._any_case(ring), self._as(author)
        if case is None:
            return
        until, known = self.clock.now + timedelta(days=days), self.model.case(case)["accepted"]
        if known and (born := self.model.born(int(known[2:]))) and born.facts["until"] >= until:
            with contextlib.suppress(CaseError):
                book.accept(f"C-{self._number(case)}", "fine", until)
                raise AssertionError("accepted twice")
            return
        book.accept(f"C-{self._number(case)}", "fine", until)
        if known:
            self.model.add("withdrawn", author, case, int(known[2:]))
        more, tier, money = self.shown[case]
        facts = {"until": until, "users": users(case, more), "tier": tier, "money": money}
        self.model.add("accepted", author, case, self.model.suppressions() + 1, **facts)

    @rule(key=st.sampled_from(KEYS), author=person, days=st.sampled_from([5, 30, 90]))
    def discount(self, key: tuple[str, str], author: str, days: int) -> None:
        book, until = self._as(author), self.clock.now + timedelta(days=days)
        alive = [
            number
            for number in range(1, self.model.suppressions() + 1)
            if (born := self.model.born(number)) and born.facts.get("key") == key
        ]
        alive = [number for number in alive if self.model.standing(number, self.clock.now) in ("active", "ending", "asked")]
        is_known = any(born.facts["until"] >= until for number in alive if (born := self.model.born(number)))
        try:
            book.discount(*key, "ours", until)
        except CaseError:
            assert is_known
            return
        assert not is_known
        several = len(self.model.authors() | {author}) > 1
        self.model.add("discounted", author, -1, self.model.suppressions() + 1, until=until, key=key, several=several)

    @precondition(lambda self: self.model.suppressions())
    @rule(number=st.integers(0, 9), author=person, how=st.sampled_from(["approve", "withdraw"]))
    def end_or_approve(self, number: int, author: str, how: str) -> None:
        number = number % self.model.suppressions() + 1
        book, born = self._as(author), self.model.born(number)
        standing = self.model.standing(number, self.clock.now) if born else ""
        can = (
            standing == "asked" and born is not None and born.author != author
            if how == "approve"
            else bool(born) and not self.model.ended(number)
        )
        try:
            book.approve(f"S-{number}") if how == "approve" else book.withdraw(f"S-{number}")
        except CaseError:
            assert not can
            return
        assert can
        assert born is not None
        self.model.add("approved" if how == "approve" else "withdrawn", author, born.case, number)

    @rule(author=person)
    def undo(self, author: str) -> None:
        self.clock.forward(0.001)
        book = self._as(author)
        try:
            book.undo()
        except CaseError:
            assert not self.model.undo(author)
            return
        assert self.model.undo(author)

    @rule(days=st.sampled_from([0.5, 3, 20, 80]))
    def later(self, days: float) -> None:
        self.clock.forward(days)

    @rule()
    def reopen_the_file(self) -> None:
        author = self.book.author
        self.book.__exit__(None, None, None)
        self.book = self._opened(author)
        self.model.lapse(self.clock.now)

    @rule(notes=st.integers(0, 3), author=person)
    def kill_a_writer(self, notes: int, author: str) -> None:
        """Another process writes some notes, and dies in the middle of the next transaction."""
        case = self._any_case(0)
        if case is None:
            return
        name = f"C-{self._number(case)}"
        self.book.__exit__(None, None, None)  # what SQLite knows of open files must not be taken into a fork
        child = os.fork()
        if not child:
            with contextlib.suppress(BaseException), Casebook(self.folder / "home", author, self.clock) as book:
                for _ in range(notes):
                    book.note(name, "seen")
                with book.writing() as writer:
                    writer.add("note", book.case(name).name, told={"text": "lost"})
                    os.kill(os.getpid(), signal.SIGKILL)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        self.model.lapse(self.clock.now)
        for _ in range(notes):
            self.model.add("note", author, case)
        self.book = self._opened("ann")

    @invariant()
    def the_book_is_as_the_list_says(self) -> None:
        if not hasattr(self, "book"):
            return
        self.book.lapse_due()
        self.model.lapse(self.clock.now)
        found = {case.name: case for case in self.book.cases()}
        assert list(found) == [f"C-{number:04d}" for number, _ in enumerate(self.model.cases(), 1)]
        for name, ring in zip(found, self.model.cases(), strict=True):
            due = self.model.case(ring)
            assert {field: getattr(found[name], field) for field in due} == due
        now = as_text(self.clock.now)
        due_standings = {
            f"S-{n:04d}": self.model.standing(n, self.clock.now) for n in range(1, self.model.suppressions() + 1) if self.model.born(n)
        }
        assert {one.name: one.standing(now) for one in self.book.suppressions()} == due_standings
        applied = set()
        for name, how in due_standings.items():
            born = self.model.born(int(name[2:]))
            if born is not None and born.kind == "discounted" and how in ("active", "ending"):
                applied.add(born.facts["key"][1])
        assert {key for keys in self.book.discounted_keys().values() for key in keys} == applied
        assert {one.user_id: one.positive for one in self.book.judged_users()} == self.model.labels()
        assert self.book.verify().faults == ()


Week.TestCase.settings = settings(
    max_examples=int(os.environ.get("GRAPHDET_FUZZ", "25")),
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestWeek = Week.TestCase

WRITER = """
import sys
from pathlib import Path
from graphdet.cases.casebook import Casebook
with Casebook(Path(sys.argv[1]), sys.argv[2]) as book:
    for number in range(int(sys.argv[3])):
        book.note("C-1", f"{sys.argv[2]} {number}")
        print(number, flush=True)
"""


def _writer(home: Path, author: str, notes: int) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", WRITER, str(home), author, str(notes)], stdout=subprocess.PIPE, text=True)


def _notes(book: Casebook, author: str) -> list[str]:
    return [entry.told["text"] for entry in book.history("C-0001") if entry.kind == "note" and entry.author == author]


def test_two_who_write_at_once_lose_nothing(tmp_path: Path) -> None:
    with Casebook(tmp_path, "ann") as book:
        book.take_in(made_run("run-1", [MadeRing("ring-a", ("u1", "u2"))]))
        writers = [_writer(tmp_path, author, 40) for author in ("bo", "cy")]
        for number in range(20):
            book.decide("C-1", "confirmed" if number % 2 else "innocent")
        for writer in writers:
            with writer:
                writer.communicate()
            assert writer.returncode == 0
        for author in ("bo", "cy"):
            assert _notes(book, author) == [f"{author} {number}" for number in range(40)]
        assert (book.case("C-1").verdict, book.case("C-1").notes) == ("confirmed", 80)
        assert book.verify().faults == ()


def test_a_writer_that_is_killed_keeps_what_it_told(tmp_path: Path) -> None:
    with Casebook(tmp_path, "ann") as book:
        book.take_in(made_run("run-1", [MadeRing("ring-a", ("u1", "u2"))]))
    for attempt in range(3):
        author = f"bo{attempt}"
        with _writer(tmp_path, author, 100_000) as writer:
            assert writer.stdout is not None
            told = [int(writer.stdout.readline()) for _ in range(1 + 7 * attempt)]
            time.sleep(0.001 * attempt)
            writer.kill()
            told += [int(line) for line in writer.stdout.read().splitlines() if line.strip()]
        with Casebook(tmp_path, "ann") as book:
            kept = _notes(book, author)
            assert kept[: len(told)] == [f"{author} {number}" for number in told]
            assert len(kept) <= len(told) + 1  # kept, and killed before it could say so
            assert book.verify().faults == ()


def test_a_word_from_the_graph_counts_there_too_once_what_stood_before_it_is_taken_back(tmp_path: Path) -> None:
    clock, graph = Clock(), Graph()
    with Casebook(tmp_path, "ann", clock) as book:
        book.take_in(made_run("run-1", [MadeRing("ring-0-0", users(0, 0))]))
        graph.rings["run-1"] = {"ring-0-0"}
        book.decide("C-1", "confirmed")
        assert mirror.sync_verdicts(book, cast("Database", graph), "run-1") == mirror.Synced(0, 1)
        clock.forward(1)
        graph.words.append(Word("word-0", "ring-0-0", "innocent", "bo", "", as_text(clock.now)))
        clock.forward(1)
        book.undo()  # before both meet again
        mirror.sync_verdicts(book, cast("Database", graph), "run-1")
        assert book.case("C-1").verdict == "innocent"
    assert max(graph.words, key=lambda one: one.said).verdict == "innocent"
