"""What a run says, for people: tables and paragraphs on a terminal, made of text that no id from a log can deface."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console
from rich.text import Text

from graphdet.printable import shown_name
from graphdet.run.folder import Run, RunRing
from graphdet.run.log_clock import UTC_CLOCK, LogClock, clock_of
from graphdet.schema import DEVICE, IP, ITEM, KEY_TYPES, NODE_TYPE, NODE_TYPES, TIERS, USER
from graphdet.schema.wording import numbered
from graphdet.terminal.canvas import NARROW, clean, name, plain_table, print_columns
from graphdet.words.claim_sentences import look_alike_in_words, number_in_words

if TYPE_CHECKING:
    from graphdet.evaluate import Evaluation  # both load much that other screens need not
    from graphdet.events import LogCheck

# Rows that fit on one screen.
MOST = {
    **{node_type.name: node_type.listed for node_type in NODE_TYPES},
    "pair": 6,
    "action": 12,
    "reason": 8,
    "reject": 5,
    "unused": 8,
}
TIER_STYLES = {"alert": "bold red", "review": "yellow", "explained": "green"}

# Columns of the ring table that go where there is no room for all, the least missed first.
SPARED = ("IPs", "devices", "lasted", "coincidence", "at stake", "began", "score", "items", "users", "explained by", "chance")


def show_rings(console: Console, rings: pa.Table, total: int, clock: LogClock = UTC_CLOCK) -> None:
    """The ring table, worst first; `total` is how many there are in all, `clock` the log's."""
    if not rings.num_rows:
        console.print("No rings." if not total else "No rings that were asked for.")
        return
    narrow = console.width < NARROW
    columns: dict[str, Callable[[dict[str, Any]], str | Text]] = {
        "#": lambda ring: str(ring["rank"]),
        "ring": lambda ring: name(ring["ring_id"]),
        "tier": lambda ring: Text(ring["tier"], style=TIER_STYLES[ring["tier"]]),
        "score": lambda ring: f"{ring['score']:.3f}",
        "chance": lambda ring: _chance(ring, narrow),
        "coincidence": lambda ring: number_in_words(ring["q_value"], "chance"),
        "users": lambda ring: f"{ring['size']:,}",
        "items": lambda ring: f"{ring['targets']:,}",
        "devices": lambda ring: f"{ring['devices']:,}",
        "IPs": lambda ring: f"{ring['ips']:,}",
        "began": lambda ring: clock.minute(ring["first_seen"])[: 10 if narrow else None],
        "lasted": lambda ring: _span(ring["first_seen"], ring["last_seen"]),
        "at stake": lambda ring: "" if ring["at_stake"] is None else f"{ring['at_stake']:,.2f}",
        "explained by": lambda ring: ring["explanation"].replace("_", " "),
    }
    rows = rings.to_pylist()
    columns = {heading: cell for heading, cell in columns.items() if any(str(cell(row)) not in ("", "0") for row in rows)}  # says nothing
    titles = {heading: clock.beside(heading) if heading == "began" else heading for heading in columns}
    spared = (*(one for one in SPARED if one != "devices"), "devices") if "items" not in columns else SPARED  # all that such a log tells
    print_columns(
        console,
        {titles[heading]: [cell(row) for row in rows] for heading, cell in columns.items()},
        left=("ring", "tier", titles.get("began", ""), "explained by"),
        ids=("ring",),
        spared=[titles[heading] for heading in spared if heading in titles],
        cut=("explained by",),
    )
    if rings.num_rows < total:
        console.print(f"… {rings.num_rows:,} of {numbered(total, 'ring', 'rings')}", style="dim")


def show_ring(console: Console, run: Run, ring: RunRing, everything: bool) -> None:
    """One ring on one screen: facts, members, what they share, and the evidence against what chance would give."""
    facts = ring.row
    head = Text(name(ring.id), style="bold")
    head.append(f" · {facts['tier']}", style=TIER_STYLES[facts["tier"]])
    head.append(f" · rank {facts['rank']} of {run.rings.num_rows} · score {facts['score']:.3f}")
    head.append(f" · by coincidence {number_in_words(facts['q_value'], 'chance')}", style="default")
    console.print(head)
    clock = clock_of(run)
    console.print(_sentence(facts, clock))
    console.print(_innocence(facts, told=run.dossiers is not None))
    console.print()
    _show_expectation(console, ring.evidence)
    members = ring.members
    for node_type in NODE_TYPE:
        own = members.filter(pc.field("node_type") == node_type).sort_by([("contribution", "descending"), ("node_id", "ascending")])
        if own.num_rows:
            _show_members(console, node_type, own, own.num_rows if everything else MOST[node_type], clock)
    _show_pairs(console, ring.evidence, ring.evidence.num_rows if everything else MOST["pair"])


def show_end(console: Console, run: Run, folder: Path) -> None:
    """What a finished run tells: the sum of its rows, what was discounted, its rings, and what to do next."""
    show_result(console, run)
    show_next(console, run, folder)


def show_result(console: Console, run: Run) -> None:
    """What a run read, made of it, and found."""
    counts = run.meta["counts"]
    console.print(
        f"Read {numbered(counts['read'], 'row', 'rows')} = {counts['accepted']:,} accepted + {counts['rejected']:,} rejected"
        f" + {numbered(counts['duplicates'], 'duplicate', 'duplicates')}"
    )
    nodes = ", ".join(NODE_TYPE[node_type].noun.counted(count) for node_type, count in counts["nodes"].items())
    console.print(f"Graph: {nodes}")
    for note in run.meta["notes"]:
        console.print(f"Note: {clean(note)}")
    console.print(f"Rings: {tier_counts(run)}", style="bold")
    console.print()
    show_rings(console, run.rings.slice(0, 10), run.rings.num_rows, clock_of(run))


def show_next(console: Console, run: Run, folder: Path) -> None:
    """Where the run is and which commands look into it."""
    quoted = clean(shlex.quote(str(folder)))
    steps = []
    if run.rings.num_rows:
        steps.append((f"graphdet show {quoted} 1", "the worst ring and its evidence"))
        steps.append((f"graphdet rings {quoted}", "all rings"))
    else:
        steps.append(("graphdet check LOGS", "what this log lacks, and what that costs"))
        if run.bursts is not None and run.bursts.num_rows:
            steps.append((f"graphdet bursts {quoted}", "what had more than its season and own level explain"))
        if run.takeovers is not None and run.takeovers.num_rows:
            steps.append((f"graphdet users {quoted}", "accounts that somebody else seems to act in"))
    if run.rejected.num_rows:
        steps.append((f"{quoted}/rejected.parquet", "the rejected rows and why"))
    show_steps(console, folder, steps)


def show_steps(console: Console, folder: Path, steps: Sequence[tuple[str, str]]) -> None:
    """Where a run is, and what may be done with it: a command and its meaning."""
    console.print(f"\nRun folder: {clean(folder)}", style="bold", soft_wrap=True)
    for line in lines_of_steps(steps):
        console.print(line, soft_wrap=True)


def lines_of_steps(steps: Sequence[tuple[str, str]]) -> list[str]:
    """Commands under each other, and what each is for."""
    wide = max((len(step) for step, _ in steps), default=0)
    return [f"  {step:<{wide}}  {meaning}" for step, meaning in steps]


def show_check(console: Console, found: LogCheck) -> None:
    """What a log holds: files, coverage of columns, actions, time span, what is missing and what that costs, the first rejects."""
    table = plain_table(("file", "format", "read", "accepted", "rejected", "duplicates"), left=("file", "format"), long=("file",))
    for file in found.files:
        counts = (file.read, file.accepted, file.rejected, file.duplicates)
        table.add_row(clean(file.path), file.format, *(f"{count:,}" for count in counts))
    if len(found.files) > 1:
        table.add_row("all", "", *(f"{count:,}" for count in (found.read, found.accepted, found.rejected, found.duplicates)))
    console.print(table)
    for file in found.files:
        if file.unused_columns:
            unused = ", ".join(name(shown_name(column)) for column in file.unused_columns[: MOST["unused"]])
            more = len(file.unused_columns) - MOST["unused"]
            console.print(f"Unused columns of {clean(file.path, 60)}: {unused}{_others(more)}")
    for note in found.notes:
        console.print(f"Note: {clean(note)}")
    console.print()
    if not found.events:
        console.print("No events: nothing here can be run.", style="bold")
    table = plain_table(("column", "events", "share", "values"), left=("column",))
    nodes = {NODE_TYPE[node_type].column: count for node_type, count in found.nodes.items()}
    for column, count in found.columns.items():
        table.add_row(column, f"{count:,}", f"{count / max(found.events, 1):.1%}", f"{nodes[column]:,}" if column in nodes else "")
    console.print(table)
    console.print()
    if found.actions:
        shown = [f"{name(word)} {count:,}" for word, count in list(found.actions.items())[: MOST["action"]]]
        more = len(found.actions) - len(shown)
        console.print(f"Actions: {', '.join(shown)}{_others(more)}")
    _show_accounts(console, found)
    if found.first is not None:
        moments = [str(moment)[: 10 if found.resolution == "day" else None] for moment in (found.first, *found.sample_times, found.last)]
        bare = ", bare dates" if found.resolution == "day" else ""
        console.print(f"Times: {moments[0]} to {moments[-1]}{bare}; between them {', '.join(moments[1:-1])}")
    if found.rejected:
        console.print(f"\nRejected rows ({found.rejected:,})", style="bold")
        table = plain_table(("rows", "why"), left=("why",), long=("why",))
        for reason, count in list(found.reasons.items())[: MOST["reason"]]:
            table.add_row(f"{count:,}", clean(reason, 80))
        console.print(table)
        console.print()
        table = plain_table(("file", "line", "column", "reason", "row"), left=("column",), long=("file", "reason", "row"))
        for row in found.first_rejects[: MOST["reject"]]:
            line = "" if row["line"] is None else f"{row['line']:,}"
            table.add_row(clean(Path(row["file"]).name, 20), line, name(row["column"]), clean(row["reason"], 40), clean(row["raw"], 60))
        console.print(table)


def _show_accounts(console: Console, found: LogCheck) -> None:
    """How many devices and the like have how many accounts, where any has two; and those with most."""
    shared = {node_type: own for node_type, own in found.accounts.items() if own.most}
    if not shared:
        return
    table = plain_table(("accounts on one", "1", "2", "3–4", "5–9", "10 or more", "most"), left=("accounts on one",), long=("most",))
    for node_type, own in shared.items():
        most = ", ".join(f"{name(key, 20)} {users:,}" for key, users in own.most)
        table.add_row(NODE_TYPE[node_type].noun.one, *(f"{keys:,}" for keys in own.keys), most)
    console.print(table)
    console.print()


def show_evaluation(console: Console, figures: Evaluation) -> None:
    """How a run compares with the truth: members, rings and false alarms; shares are blank where there is nothing to count."""
    alerts = f"{figures.alerts:,} {plural('alert', figures.alerts)} over {numbered(figures.alerted_users, 'user', 'users')}"
    console.print(f"{alerts}, {figures.review:,} for review, {figures.explained:,} explained")
    console.print(
        f"Truth: {numbered(figures.members, 'member', 'members')}, {figures.detectable:,} "
        f"of them detectable (touched two targets or more)\n"
    )
    table = plain_table(("over alerts", "all", "detectable"), left=("over alerts",))
    table.add_row("member precision", _share(figures.precision), "")
    table.add_row("member recall", _share(figures.recall), _share(figures.detectable_recall))
    table.add_row("member F1", _share(figures.f1), _share(figures.detectable_f1))
    table.add_row("ring precision", _share(figures.ring_precision), _share(figures.detectable_ring_precision))
    table.add_row("ring recall", _share(figures.ring_recall), _share(figures.detectable_ring_recall))
    console.print(table)
    if figures.by_kind:
        console.print()
        table = plain_table(("ring kind", "rings", "ring recall", "member recall", "detectable"), left=("ring kind",))
        for kind, recall in figures.by_kind.items():
            shares = (recall.ring_recall, recall.member_recall, recall.detectable_recall)
            table.add_row(clean(kind).replace("_", " "), f"{recall.rings:,}", *(_share(share) for share in shares))
        console.print(table)
    if figures.lookalikes:
        console.print()
        table = plain_table(("innocent look-alike", "groups", "alerted", "explained", "rightly"), left=("innocent look-alike",))
        for kind, look in figures.lookalikes.items():
            counts = (look.groups, look.groups_alerted, look.explained, look.explained_right)
            table.add_row(clean(kind).replace("_", " "), *(f"{count:,}" for count in counts))
        console.print(table)
    if figures.ranking:
        console.print()
        table = plain_table(("score ranking", "nodes", "in rings", "AUROC", "AUPRC"), left=("score ranking",))
        for node_type, ranking in figures.ranking.items():
            sizes = (f"{ranking.nodes:,}", f"{ranking.positives:,}")
            table.add_row(NODE_TYPE[node_type].noun.one, *sizes, _share(ranking.auroc), _share(ranking.auprc))
        console.print(table)


def tier_counts(run: Run) -> str:
    """'3 alert, 1 review, 2 explained'."""
    tiers = run.rings["tier"].to_pylist()
    return ", ".join(f"{tiers.count(tier)} {tier}" for tier in TIERS)


def _others(count: int) -> str:
    return f" and {numbered(count, 'other', 'others')}" if count > 0 else ""


def plural(word: str, count: int) -> str:
    """'1 cell', '2 cells'; '2 addresses'."""
    return word if count == 1 else word + ("es" if word.endswith("s") and word != "IPs" else "s")


def _sentence(facts: dict[str, Any], clock: LogClock) -> str:
    sentence = f"{numbered(facts['size'], 'user', 'users')} acted together on {NODE_TYPE[ITEM].noun.counted(facts['targets'])}"
    shared = [NODE_TYPE[kind].noun.counted(facts[key]) for key, kind in (("devices", DEVICE), ("ips", IP)) if facts[key]]
    if shared:
        sentence += f" and share {' and '.join(shared)}"
    if facts["first_seen"] is not None:
        lasted = _span(facts["first_seen"], facts["last_seen"])
        sentence += f", from {clock.minute(facts['first_seen'])} to {clock.beside(clock.minute(facts['last_seen']))} ({lasted})"
    parts = [
        f"Evidence {facts['strength']:.1f} (log10 likelihood ratio against independent users)",
        f"{facts['density']:.0%} of user-item pairs are there",
        f"{facts['dedication']:.0%} of the members' item events fall on these items",
    ]
    if facts["amount"] is not None:
        stake = "" if facts["at_stake"] is None else f", {facts['at_stake']:,.2f} of it at stake"
        parts.append(f"orders worth {facts['amount']:,.2f}{stake}")
    return f"{sentence}.\n{'; '.join(parts)}."


def _innocence(facts: dict[str, Any], *, told: bool) -> str:
    """What the tier says about innocent explanations; `told`: the run holds what they are weighed by."""
    fits = f"{facts['explanation'].replace('_', ' ')} ({look_alike_in_words(facts['explanation'], 'en')})" if facts["explanation"] else ""
    if facts["tier"] == "explained":
        return f"Explained by: {fits}."
    if facts["tier"] == "review":
        return "For a person to review; `graphdet show` without --all says why it is no alert."
    if fits:
        return f"Weighed and not enough: {fits}."
    if not told:
        return "Innocent explanations were not looked at: this run has no dossier tables; `graphdet run` on the logs again makes them."
    return "No innocent explanation fits."


def _show_expectation(console: Console, evidence: pa.Table) -> None:
    """By view: how often two members met at a key, and how often independent users would have."""
    if not evidence.num_rows:
        return
    table = plain_table(("shared", "keys", "meetings", "expected", "evidence"), left=("shared",))
    for view in KEY_TYPES:
        own = evidence.filter(pc.field("view") == view)
        if own.num_rows:
            expected = pc.sum(own["expected"]).as_py()
            table.add_row(
                NODE_TYPE[view].noun.one,
                f"{pc.count_distinct(own['key']).as_py():,}",
                f"{own.num_rows:,}",
                "" if expected is None else _small(expected),
                f"{pc.sum(own['evidence']).as_py():,.1f}",
            )
    console.print("Evidence: meetings of two members at one key, against what independent users would have", style="bold")
    console.print(table)
    console.print()


def _show_members(console: Console, node_type: str, members: pa.Table, most: int, clock: LogClock) -> None:
    title = {USER: "Members", ITEM: "Targets"}.get(node_type, f"Shared {NODE_TYPE[node_type].noun.many}")
    console.print(f"{title} ({members.num_rows:,})", style="bold")
    kind, times = NODE_TYPE[node_type].noun.one, (clock.beside("first seen"), clock.beside("last seen"))
    long = len("2025-03-31") if console.width < NARROW else None
    columns: dict[str, Callable[[dict[str, Any]], str]] = {
        kind: lambda member: name(member["node_id"]),
        "role": lambda member: str(member["role"]),
        "evidence": lambda member: f"{member['contribution']:.1f}",
        "events": lambda member: f"{member['events']:,}",
        times[0]: lambda member: clock.minute(member["first_seen"])[:long],
        times[1]: lambda member: clock.minute(member["last_seen"])[:long],
    }
    if node_type != USER:
        del columns["role"]  # the title says it
    rows = members.slice(0, most).to_pylist()
    cells = {heading: [cell(member) for member in rows] for heading, cell in columns.items()}
    print_columns(console, cells, left=(kind, "role", *times), ids=(kind,), spared=(times[1], "events", times[0]))
    _show_rest(console, members.num_rows - most)


def _show_pairs(console: Console, evidence: pa.Table, most: int) -> None:
    if not evidence.num_rows:
        return
    console.print(f"Strongest of {numbered(evidence.num_rows, 'meeting', 'meetings')}", style="bold")
    columns: dict[str, Callable[[dict[str, Any]], str]] = {
        "user": lambda pair: name(pair["user_a"]),
        "and user": lambda pair: name(pair["user_b"]),
        "at": lambda pair: NODE_TYPE[pair["view"]].noun.one,
        "key": lambda pair: name(pair["key"]),
        "evidence": lambda pair: f"{pair['evidence']:.1f}",
        "events": lambda pair: f"{pair['events']:,}",
        "expected": lambda pair: "" if pair["expected"] is None else _small(pair["expected"]),
        "apart": lambda pair: "" if pair["seconds_apart"] is None else _duration(timedelta(seconds=pair["seconds_apart"])),
    }
    order = [("evidence", "descending"), ("expected", "ascending"), ("user_a", "ascending"), ("user_b", "ascending"), ("key", "ascending")]
    rows = evidence.sort_by(order).slice(0, most).to_pylist()
    ids = ("user", "and user", "key")
    cells = {heading: [cell(pair) for pair in rows] for heading, cell in columns.items()}
    print_columns(console, cells, left=(*ids, "at"), ids=ids, spared=("events", "expected", "apart"))
    _show_rest(console, evidence.num_rows - most)


def _show_rest(console: Console, more: int) -> None:
    console.print(f"… and {more:,} more (--all)\n" if more > 0 else "", style="dim")


def _span(first: datetime | None, last: datetime | None) -> str:
    return "" if first is None or last is None else _duration(last - first)


def _duration(span: timedelta) -> str:
    """The two largest units: '3 d 4 h', '2 h 10 min', '5 min', '40 s'."""
    seconds = round(span.total_seconds())
    if seconds < 60:
        return f"{seconds} s"
    parts: list[str] = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size or parts:
            parts.append(f"{seconds // size} {unit}" if seconds // size else "")
            seconds %= size
    return " ".join(part for part in parts[:2] if part)


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _chance(ring: Mapping[str, Any], narrow: bool) -> str:
    """'98% (87–100)': of such groups, so many were rings; blank where an older graphdet made the run."""
    between = "" if narrow or ring["chance"] is None else f" ({100 * ring['chance_low']:.0f}–{100 * ring['chance_high']:.0f})"
    return "" if ring["chance"] is None else f"{ring['chance']:.0%}{between}"


def _small(value: float) -> str:
    """Two digits that count: '0.012', '3e-07', '41'."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"
