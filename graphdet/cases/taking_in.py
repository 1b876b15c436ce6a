"""A run → the casebook: which case each ring carries on, which rings open cases, and what acceptances hide."""

from __future__ import annotations

import contextlib
import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from graphdet.cases.accepting import is_covered, why_back, why_doubted
from graphdet.cases.entries import ABSENT, MACHINE, RETURNED, RUN, SEEN, VERDICT, as_text, canonical
from graphdet.cases.open_book import OpenBook, Writer
from graphdet.cases.rows import ACCEPT, CLOSED, DECIDED, DISCOUNT, Case, Group, RingUsers, Suppression, TakenRun
from graphdet.errors import CaseError
from graphdet.run.folder import Run
from graphdet.schema import HOLD, ITEM, NODE_TYPE, TIERS, USER, VERDICTS

NEW, SAME = "new", "same"


@dataclass(frozen=True)
class Carried:
    """What became of a case in a run.

    Attributes:
        case: the case that a ring carries on; None = it opens one.
        lineage: same, grew, shrank, split, merged, returned, new; of a case that has no ring in the run: dormant, left_window, merged.
        kin: other cases in it, or rings of this run that open cases.
    """

    case: str | None
    lineage: str
    kin: tuple[str, ...] = ()


@dataclass(frozen=True)
class Followed:
    """What became of all cases: of each ring of the run (those left out open cases), and of cases without a ring.

    Attributes:
        memory: ring of the run → its case, as they are named then → what the follower wants to be told the next time; None = nothing.
    """

    carried: Mapping[str, Carried]
    absent: Mapping[str, Carried] = field(default_factory=dict)
    memory: Callable[[Mapping[str, str]], str] | None = None


@dataclass(frozen=True)
class Before:
    """What the follower is told: every case by name, and what it wanted to be told again."""

    cases: Mapping[str, Case]
    memory: str | None

    def case_of(self, ring_id: str) -> str | None:
        """The case that had this ring last."""
        return self._last.get(ring_id)

    @cached_property
    def _last(self) -> dict[str, str]:
        return {case.ring_id: case.name for case in sorted(self.cases.values(), key=lambda case: (case.seen, case.name))}


Follow = Callable[[Run, Before], Followed]


def follow_by_id(run: Run, before: Before) -> Followed:
    """A ring of exactly the same users carries its case on; all others are new."""
    known = {ring: before.case_of(ring) for ring in run.rings["ring_id"].to_pylist()}
    return Followed({ring: Carried(case, SAME) for ring, case in known.items() if case is not None})


@dataclass(frozen=True)
class Cost:
    """What a discount cost a run: rings that would stand with its key, the evidence they had from it, and rows that name it."""

    rings: tuple[str, ...] = ()
    evidence: float = 0.0
    rows: int = 0


@dataclass(frozen=True)
class TakenIn:
    """What taking a run in did; `is_new` is false where it had been taken in before, and nothing was changed."""

    run: TakenRun
    case_of: Mapping[str, str]  # ring → case
    opened: tuple[str, ...] = ()
    back: Mapping[str, str] = field(default_factory=dict)  # case whose acceptance ended now, or that was found innocent → why it is back
    is_new: bool = True


class TakingIn(OpenBook):
    """The casebook as far as it takes runs in."""

    def take_in(
        self,
        run: Run,
        follow: Follow = follow_by_id,
        *,
        folder: Path | None = None,
        discounts: Sequence[Suppression] = (),
        costs: Mapping[str, Cost] | None = None,
    ) -> TakenIn:
        """Carry cases on through a run; the same run twice changes nothing.

        Args:
            run: with all of its rings.
            follow: says which ring carries on which case; called while no other can write.
            folder: where the run lies.
            discounts: that it was computed under; none told = those that the run itself tells of.
            costs: name of a discount → what it cost; as with `discounts`.

        Raises:
            CaseError: `follow` gives two rings one case, or names a case that is none.
        """
        with self.writing() as writer:
            known = self.tables.get(TakenRun, run.id)
            if known is not None:
                return TakenIn(known, self.cases_of_run(run.id), is_new=False)
            before = Before({case.name: case for case in self.cases()}, self.recall("lineage"))
            followed = follow(run, before)
            _require_one_each(followed, before)
            nodes = _nodes_of(run)
            named = self._name(run, followed, before)
            hidden, back = self._accepted(run, nodes, named, before)
            back |= {case: ("", why) for case, why in self._doubted(run, nodes, named, hidden, before).items()}
            memory = followed.memory(named) if followed.memory else None
            told_costs = {one.name: (costs or {}).get(one.name, Cost()) for one in discounts} or self._costs_of(run)
            taken = self._told_of(run, folder, told_costs, hidden, memory)
            writer.add(RUN, told=taken)
            self._see(writer, run, followed, nodes, named, hidden)
            for case, gone in sorted(followed.absent.items()):
                kin = sorted(named.get(name, name) for name in gone.kin)
                writer.add(ABSENT, case, told={"run": run.id, "lineage": gone.lineage, "kin": kin})
            for case, (suppression, why) in sorted(back.items()):
                writer.add(RETURNED, case, suppression, {"why": why, "run": run.id}, MACHINE)
            if memory is not None:
                query = "INSERT INTO memory VALUES ('lineage', ?) ON CONFLICT (name) DO UPDATE SET document = excluded.document"
                self._connection.execute(query, (memory,))
            opened = tuple(sorted(set(named.values()) - set(before.cases)))
            row = self.tables.get(TakenRun, run.id)
            assert row is not None  # just written
            return TakenIn(row, named, opened, {case: why for case, (_, why) in back.items()})

    def _name(self, run: Run, followed: Followed, before: Before) -> dict[str, str]:
        """Ring → its case; those of new rings are numbered in the order of the run."""
        named, number = {}, len(before.cases)
        for ring in run.rings.sort_by("rank")["ring_id"].to_pylist():
            carried = followed.carried.get(ring)
            if carried is None or carried.case is None:
                number += 1
            named[ring] = f"C-{number:04d}" if carried is None or carried.case is None else carried.case
        return named

    def _accepted(
        self, run: Run, nodes: Mapping[str, Mapping[str, list[str]]], named: Mapping[str, str], before: Before
    ) -> tuple[dict[str, str], dict[str, tuple[str, str]]]:
        """Ring → the acceptance that hides it; and case → its acceptance that ends now, and why."""
        hidden: dict[str, str] = {}
        back: dict[str, tuple[str, str]] = {}
        rows = run.rings.to_pylist()
        with_user: dict[str, set[str]] = defaultdict(set)  # user → rings
        for ring, own in nodes.items():
            for user in own.get(USER, ()):
                with_user[user].add(ring)
        for one in [one for one in self.suppressions() if one.kind == ACCEPT and one.applies(self.now)]:
            group = self.tables.get(Group, one.group_digest)
            people, goods = (set(group.ids(USER)), set(group.ids(ITEM))) if group else (set(), set())
            met = set().union(*(with_user.get(user, ()) for user in people))  # no other ring can be made of them
            for row in rows:
                if row["ring_id"] not in met and named[row["ring_id"]] != one.case_name:
                    continue
                own = nodes[row["ring_id"]]
                is_its_case = named[row["ring_id"]] == one.case_name
                if not is_its_case and not is_covered(own.get(USER, ()), own.get(ITEM, ()), people, goods):
                    continue
                why = why_back(one, people, own.get(USER, ()), row["tier"], row["at_stake"])
                if not why:
                    hidden.setdefault(row["ring_id"], one.name)
                elif is_its_case:
                    back[one.case_name] = (one.name, why)
        return hidden, back

    def _doubted(
        self,
        run: Run,
        nodes: Mapping[str, Mapping[str, list[str]]],
        named: Mapping[str, str],
        hidden: Mapping[str, str],
        before: Before,
    ) -> dict[str, str]:
        """Case that was found innocent and waits for nobody → why its ring of this run contradicts that."""
        found: dict[str, str] = {}
        columns = (run.rings[name].to_pylist() for name in ("ring_id", "tier", "at_stake"))
        for ring, tier, at_stake in zip(*columns, strict=True):
            case = before.cases.get(named[ring])
            if case is None or case.verdict != VERDICTS[1] or case.state not in (DECIDED, CLOSED) or case.accepted or ring in hidden:
                continue
            judged = self.tables.get(RingUsers, case.verdict_ring)
            members = self.group(judged.group_digest).ids(USER) if judged else nodes[ring].get(USER, ())
            if why := why_doubted(self._known_when_judged(case), members, nodes[ring].get(USER, ()), tier, at_stake):
                found[case.name] = why
        return found

    def _known_when_judged(self, case: Case) -> tuple[str, float | None]:
        """The worst tier in which whoever judged a case could know it, and the most money: rings waver between tiers, and sums."""
        words = [one for one in self.history(case.name) if one.kind == VERDICT and one.told.get("said", one.time) == case.verdict_time]
        seen = self.sightings(case.name)
        known = [one for one in seen if words and one.entry < words[-1].number] or seen
        told = [one.at_stake for one in known if one.at_stake is not None]
        return min((one.tier for one in known), key=TIERS.index), max(told, default=None)

    def _told_of(
        self,
        run: Run,
        folder: Path | None,
        costs: Mapping[str, Cost],
        hidden: Mapping[str, str],
        memory: str | None,
    ) -> dict[str, Any]:
        hid = {name: asdict(cost) for name, cost in costs.items()}
        for ring, name in sorted(hidden.items()):
            hid.setdefault(name, {"rings": [], "evidence": 0.0, "rows": 0})["rings"].append(ring)
        background = run.meta.get("background") or {}
        start = background.get("start")
        span = ("", "") if start is None else tuple(_moment(start / 1e6 + seconds) for seconds in (0, background["seconds"]))
        return {
            "run": run.id,
            "folder": self._as_kept(folder),
            "events": run.meta["counts"]["accepted"],
            "first_event": span[0],
            "last_event": span[1],
            "rings": run.rings.num_rows,
            "applied": list(costs),
            "hid": {name: {**told, "rings": list(told["rings"])} for name, told in hid.items()},
            "memory": "" if memory is None else hashlib.sha256(memory.encode()).hexdigest(),
        }

    def _costs_of(self, run: Run) -> dict[str, Cost]:
        """What the run tells of discounts of this casebook: it may come from anybody, and what is no cost says nothing."""
        known = {one.name for one in self.suppressions() if one.kind == DISCOUNT}
        found = {}
        told = run.meta.get("suppressions")
        for one in told if isinstance(told, list) else ():
            with contextlib.suppress(KeyError, TypeError, ValueError, OverflowError):
                rings, evidence, rows = tuple(map(str, one["rings"])), float(one["evidence"]), int(one["rows"])
                if one["name"] in known and math.isfinite(evidence) and 0 <= rows < 2**53:
                    found[str(one["name"])] = Cost(rings, evidence, rows)
        return found

    def _as_kept(self, folder: Path | None) -> str:
        """Within the home folder where it lies there, so that the home may be moved."""
        if folder is None:
            return ""
        whole, home = folder.resolve(), self.home.resolve()
        return str(whole.relative_to(home) if whole.is_relative_to(home) else whole).encode("utf-8", "replace").decode()

    def folder_of(self, run: TakenRun) -> Path:
        """Where a run lies, as far as it was told."""
        return self.home / run.folder

    def _see(
        self,
        writer: Writer,
        run: Run,
        followed: Followed,
        nodes: Mapping[str, Mapping[str, list[str]]],
        named: Mapping[str, str],
        hidden: Mapping[str, str],
    ) -> None:
        told_now, held = set[str](), _held_in(run)
        for row in run.rings.sort_by("rank").to_pylist():
            ring, case = row["ring_id"], named[row["ring_id"]]
            carried = followed.carried.get(ring, Carried(None, NEW))
            group, weak = _digest_of(nodes[ring]), _digest_of(held[ring]) if ring in held else ""
            told = {
                "run": run.id,
                "ring": ring,
                "lineage": carried.lineage,
                "kin": sorted(named.get(name, name) for name in carried.kin),
                **{name: row[name] for name in ("rank", "tier", "explanation", "score", "size", "at_stake", "chance")},
                "standing": row["standing"] or "",
                **{name: _moment(row[name].timestamp()) if row[name] else "" for name in ("first_seen", "last_seen")},
                "group": group,
                "held": weak,
                "hidden": hidden.get(ring, ""),
                "back": "",
            }
            for digest, name, own in ((group, "nodes", nodes[ring]), (weak, "held_nodes", held.get(ring))):
                if digest and digest not in told_now and self.tables.get(Group, digest) is None:
                    told[name] = own
                told_now.add(digest)
            writer.add(SEEN, case, told=told)


def _require_one_each(followed: Followed, before: Before) -> None:
    named = Counter(one.case for one in followed.carried.values() if one.case is not None)
    twice = next((name for name, times in named.items() if times > 1 or name in followed.absent), None)
    if twice:
        raise CaseError(f"{twice} is carried on twice by one run; a case has one ring in each run.")
    unknown = next((name for name in [*named, *followed.absent] if name not in before.cases), None)
    if unknown:
        raise CaseError(f"no case '{unknown}' that a run could carry on.")


def _nodes_of(run: Run) -> dict[str, dict[str, list[str]]]:
    """Ring → node type → ids, sorted."""
    found: dict[str, dict[str, list[str]]] = {ring: defaultdict(list) for ring in run.rings["ring_id"].to_pylist()}
    columns = (run.members[name].to_pylist() for name in ("ring_id", "node_type", "node_id"))
    for ring, node_type, node_id in zip(*columns, strict=True):
        if node_type in NODE_TYPE:
            found[ring][node_type].append(node_id)
    return {ring: {node_type: sorted(ids) for node_type, ids in sorted(own.items())} for ring, own in found.items()}


def _held_in(run: Run) -> dict[str, dict[str, list[str]]]:
    """Ring → its members who are to be held; a run of an older graphdet tells of no ring."""
    users = run.members.filter(pc.is_valid(run.members["standing"]))
    found: dict[str, list[str]] = {ring: [] for ring in users["ring_id"].unique().to_pylist()}
    held = users.filter(pc.equal(users["standing"], HOLD))
    for ring, user in zip(held["ring_id"].to_pylist(), held["node_id"].to_pylist(), strict=True):
        found[ring].append(user)
    return {ring: {USER: sorted(own)} for ring, own in found.items()}


def _digest_of(nodes: Mapping[str, Sequence[str]]) -> str:
    return hashlib.sha256(canonical(nodes).encode()).hexdigest()


def _moment(seconds: float) -> str:
    return as_text(datetime.fromtimestamp(seconds, UTC))
