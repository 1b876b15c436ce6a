"""Made markets read day by day through a window that moves on → how often each ring of each day is put on the right line.

python benchmarks/lineage.py --seeds 301 302 303

A found ring's truth is the planted ring, or the innocent group, that holds more than half of its members; the others are left out. On a day
it is on the right line where that line was never another's, and goes on from an earlier sighting of the same truth or split off from one.
It is rightly new where most of its members were in no earlier sighting of that truth. Two simpler ways are judged by the same rule: the
ring's id, which derives from its members; and the greatest Jaccard index with a ring of the day before, from a half on.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from results_io import markdown_row, write_result

from graphdet.events import read_events
from graphdet.lineage.carrying import carry_on
from graphdet.lineage.line import Line
from graphdet.lineage.sighting import Sighting, Snapshot, take_snapshot
from graphdet.pipeline import detect
from graphdet.settings import Settings
from graphdet.simulate import MarketSettings, preset, simulate
from graphdet.simulate.writing import log_table

DAY = 24 * 60 * 60 * 1_000_000
PRESETS = ("easy", "medium", "hard")
USERS, DAYS, WINDOW, RINGS = 3000, 42, 14, 40.0  # rings per 10,000 users
JACCARD_LEAST = 0.5

Follow = Callable[[Snapshot], dict[str, tuple[str, str]]]  # a day's rings → each one's line, and the line it split from, else empty


def small_market(name: str) -> MarketSettings:
    """A preset at a size that is read in seconds, with more rings than it has, so that there is something to follow."""
    settings = preset(name, users=USERS)  # type: ignore[arg-type]
    rings = settings.rings.model_copy(update={"count": RINGS})
    return settings.model_copy(update={"days": DAYS, "rings": rings})


def read_days(settings: MarketSettings, seed: int) -> tuple[dict[str, frozenset[str]], list[Snapshot]]:
    """The truth's groups, and each day's snapshot from the first full window on."""
    market = simulate(settings, seed)
    table = log_table(market)
    time = pc.cast(table["timestamp"], pa.int64())
    chosen = Settings()
    chosen = chosen.model_copy(update={"gnn": chosen.gnn.model_copy(update={"least_rings": 0})})  # members change with its opinion alone
    found = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.parquet"
        for day in range(WINDOW, DAYS + 1):
            until = market.start + day * DAY
            inside = pc.and_(pc.greater_equal(time, until - WINDOW * DAY), pc.less(time, until))
            pq.write_table(table.filter(inside), path)
            found.append(take_snapshot(detect(read_events([path]), chosen)))
    return truth_of(market.truth), found


def truth_of(tables: Mapping[str, pa.Table]) -> dict[str, frozenset[str]]:
    """Group → its users: planted rings and innocent look-alikes."""
    users: dict[str, set[str]] = defaultdict(set)
    for table, key in (("members", "ring_id"), ("lookalikes", "group_id")):
        for row in tables[table].to_pylist():
            if row["node_type"] == "user":
                users[f"{table} {row[key]}"].add(row["node_id"])
    return {name: frozenset(own) for name, own in users.items()}


def truth_of_ring(ring: Sighting, groups: Mapping[str, frozenset[str]]) -> str:
    """The group that holds more than half of a ring's members, planted rings before innocent groups; else empty."""
    held = {name: len(users.intersection(ring.members)) for name, users in groups.items()}
    best = max(held, key=lambda name: (2 * held[name] > ring.size and name.startswith("members"), held[name], name))
    return best if 2 * held[best] > ring.size else ""


@dataclass
class Judge:
    """Counts ring-days and those on the right line.

    Attributes:
        lines_of: truth → lines that it was seen on.
        truths_of: line → truths that were seen on it.
        seen: truth → users who were in a ring of that truth.
    """

    lines_of: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    truths_of: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    seen: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    counts: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    wrong: list[str] = field(default_factory=list)

    def day(self, snapshot: Snapshot, groups: Mapping[str, frozenset[str]], followed: Mapping[str, tuple[str, str]]) -> None:
        """Judge a day, and then take what it showed for known."""
        told = [(ring, truth_of_ring(ring, groups), *followed[ring.ring_id]) for ring in snapshot.rings]
        for ring, truth, line, parent in told:
            if truth:
                self._count(ring, truth, line, parent)
        for ring, truth, line, _ in told:
            if truth:
                self.lines_of[truth].add(line)
                self.truths_of[line].add(truth)
                self.seen[truth].update(ring.members)

    def _count(self, ring: Sighting, truth: str, line: str, parent: str) -> None:
        known = 2 * len(self.seen[truth].intersection(ring.members)) > ring.size
        goes_on = line in self.lines_of[truth] or parent in self.lines_of[truth]
        right = self.truths_of[line] <= {truth} and (goes_on or not known)
        kind = ("planted ring" if truth.startswith("members") else "innocent group") + (", seen before" if known else ", new")
        own = self.counts[kind]
        own[0] += right
        own[1] += 1
        if not right:
            self.wrong.append(f"{ring.ring_id} {truth} {line} {parent} {sorted(self.truths_of[line])}")


def by_lineage() -> Follow:
    lines: tuple[Line, ...] = ()

    def follow(snapshot: Snapshot) -> dict[str, tuple[str, str]]:
        nonlocal lines
        step = carry_on(lines, snapshot)
        lines = step.lines
        parents = {change.line: change.kin[0] for change in step.changes if change.kind == "split"}
        return {ring: (line, parents.get(line, "")) for ring, line in step.line_of.items()}

    return follow


def by_id() -> Follow:
    return lambda snapshot: {ring.ring_id: (ring.ring_id, "") for ring in snapshot.rings}


def by_jaccard() -> Follow:
    yesterday: list[tuple[Sighting, str]] = []

    def follow(snapshot: Snapshot) -> dict[str, tuple[str, str]]:
        nonlocal yesterday
        today = []
        for ring in snapshot.rings:
            own = set(ring.members)
            alike = [(len(own & set(old.members)) / len(own | set(old.members)), line) for old, line in yesterday]
            share, line = max(alike, default=(0.0, ""))
            today.append((ring, line if share >= JACCARD_LEAST else f"{ring.ring_id} {snapshot.end}"))
        yesterday = today
        return {ring.ring_id: (line, "") for ring, line in today}

    return follow


WAYS: dict[str, Callable[[], Follow]] = {"lineage": by_lineage, "ring id": by_id, "Jaccard with the day before": by_jaccard}


def share(counts: Sequence[Sequence[int]]) -> str:
    right, of = (sum(one[place] for one in counts) for place in (0, 1))
    return f"{right / of:.1%} ({right:,} of {of:,})" if of else "none"


def report(rows: Sequence[Mapping[str, Any]]) -> str:
    """A table of ways, and one of markets for the first."""
    lines = [markdown_row(["way", "all ring-days", "planted rings", "innocent groups", "seen before", "new"]), markdown_row(["---"] * 6)]
    for way in WAYS:
        own = [(kind, count) for row in rows if row["way"] == way for kind, count in row["counts"].items()]
        parts = [[count for kind, count in own if word in kind] for word in ("", "planted", "innocent", "seen before", ", new")]
        lines.append(markdown_row([way, *map(share, parts)]))
    lines += ["", markdown_row(["market", "seed", "days", "lines", "right lineage"]), markdown_row(["---"] * 5)]
    for row in rows:
        if row["way"] == "lineage":
            right = share(list(row["counts"].values()))
            lines.append(markdown_row([row["preset"], str(row["seed"]), str(row["days"]), str(row["lines"]), right]))
    return "\n".join([*lines, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--presets", nargs="+", default=PRESETS)
    parser.add_argument("--seeds", type=int, nargs="+", default=[301, 302, 303])
    parser.add_argument("--dry", action="store_true", help="print what went wrong, and write no result")
    options = parser.parse_args()
    rows = []
    for name in options.presets:
        for seed in options.seeds:
            groups, snapshots = read_days(small_market(name), seed)
            for way, begin in WAYS.items():
                judge, follow = Judge(), begin()
                for snapshot in snapshots:
                    judge.day(snapshot, groups, follow(snapshot))
                rows.append(
                    {
                        "preset": name,
                        "seed": seed,
                        "way": way,
                        "days": len(snapshots),
                        "lines": len(judge.truths_of),
                        "counts": dict(judge.counts),
                    }
                )
                print(name, seed, way, share(list(judge.counts.values())), flush=True)
                if options.dry and way == "lineage":
                    print("\n".join(judge.wrong))
    text = report(rows)
    print(text)
    if not options.dry:
        write_result("lineage", {"rows": rows}, text)


if __name__ == "__main__":
    main()
