"""What differs between two runs, on a terminal: a sum, a table of rings, what each change means, and where settings and logs differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.text import Text

from graphdet.lineage.carrying import Change
from graphdet.lineage.comparing import Difference, is_change
from graphdet.lineage.sighting import Sighting
from graphdet.run.log_clock import LogClock
from graphdet.schema.wording import Language, filled
from graphdet.terminal.canvas import clean, name, print_columns
from graphdet.terminal.screens import TIER_STYLES
from graphdet.words.interface import label
from graphdet.words.lineage_words import SENTENCES, change_in_words, difference, sum_in_words

MOST_CHANGES = 20


def show_difference(
    console: Console,
    found: Difference,
    runs: Sequence[tuple[str, LogClock]],
    language: Language,
    *,
    everything: bool,
    members: bool,
) -> None:
    """All of it; rings that do not differ only where `everything` is asked for, and who came and went where `members` are."""
    for (run, clock), (first, last) in zip(runs, found.spans, strict=True):
        not_told = difference("not_told", language)
        span = {"first": clock.minute(first) or not_told, "last": clock.named(last) if last else not_told}
        console.print(difference("span", language, run=clean(run), **span), soft_wrap=True)
    if not found.changes:
        console.print(difference("no_rings", language), style="bold")
    else:
        sums = sum_in_words(Counter(change.kind for change in found.changes), language)
        console.print(sums, style="bold")
        changes = [one for one in found.changes if everything or is_change(one)]
        show_changes(console, changes, found.ring_of, language, everything=everything, members=members)
        if not found.differs:
            console.print(difference("none", language))
    _show_origins(console, found, language)


def show_changes(
    console: Console,
    changes: Sequence[Change],
    ring_of: Mapping[str, str],
    language: Language,
    *,
    everything: bool = False,
    members: bool = False,
) -> None:
    """A table of changes, and a sentence for each; `ring_of`: line → the ring that bears it."""
    shown = list(changes if everything else changes[:MOST_CHANGES])
    if not shown:
        return
    headings = {
        key: difference(key, language) for key in ("change", "ring", "was", "tier_heading", "users", "came", "went", "money_heading")
    }
    left = {headings[key] for key in ("change", "ring", "was", "tier_heading")}
    rows = [_cells(change, language) for change in shown]
    columns = {heading: [row[place] for row in rows] for place, heading in enumerate(headings.values())}
    spared = [headings[key] for key in ("money_heading", "went", "came", "tier_heading")]
    console.print()
    print_columns(console, columns, left=left, ids=(headings["ring"], headings["was"]), spared=spared)
    console.print()
    for change in shown:
        console.print(f"· {change_sentence(change, ring_of, language)}", soft_wrap=True)
        if members and change.before and change.after and (change.came or change.went):
            console.print(f"    {_members(change, language)}", soft_wrap=True)
    if len(shown) < len(changes):
        console.print(difference("more", language, count=len(changes) - len(shown)), style="dim")


def change_sentence(change: Change, ring_of: Mapping[str, str], language: Language) -> str:
    """What became of a ring, and whether its tier and money did change."""
    before, after = change.before, change.after
    ring = after or before
    assert ring is not None
    key: str = "taken" if change.kind == "merged" and after is None else change.kind
    key = "unchanged" if key == "same" and not change.came and not change.went else key

    def rings(lines: Sequence[str]) -> str:
        return ", ".join(name(ring_of.get(line, line)) for line in lines)

    told = [
        filled(
            SENTENCES[key].to(language),
            ring=name(ring.ring_id),
            users=f"{ring.size:,}",
            before=f"{before.size if before else 0:,}",
            was=name(before.ring_id) if before else "",
            came=f"{len(change.came):,}",
            went=f"{len(change.went):,}",
            kin=rings(change.kin),
        )
    ]
    if before is not None and after is not None and before.tier != after.tier:
        told.append(difference("tier", language, before=label(before.tier, language), after=label(after.tier, language)))
    if before is not None and after is not None and _money(before) != _money(after):
        unknown = difference("not_told", language)
        told.append(difference("money", language, before=_money(before) or unknown, after=_money(after) or unknown))
    if change.parted:
        told.append(difference("parted", language, rings=rings(change.parted)))
    return ("" if language == "zh" else " ").join(told)


def _cells(change: Change, language: Language) -> list[str | Text]:
    before, after = change.before, change.after
    sides = [side for side in (before, after) if side is not None]
    tiers = dict.fromkeys(label(side.tier, language) for side in sides)
    return [
        change_in_words(change.kind, language),
        name(after.ring_id) if after else "",
        name(before.ring_id) if before and (after is None or before.ring_id != after.ring_id) else "",
        Text(" → ".join(tiers), style=TIER_STYLES[sides[-1].tier]),
        _both([f"{side.size:,}" for side in sides]),
        f"{len(change.came):,}" if before and after else "",
        f"{len(change.went):,}" if before and after else "",
        _both([_money(side) for side in sides]),
    ]


def _members(change: Change, language: Language) -> str:
    nobody = difference("nobody", language)
    came, went = (", ".join(map(name, users)) or nobody for users in (change.came, change.went))
    return difference("members", language, came=came, went=went)


def _both(values: list[str]) -> str:
    return " → ".join(dict.fromkeys(values))


def _money(ring: Sighting) -> str:
    return "" if ring.money is None else f"{ring.money:,.2f}"


def _show_origins(console: Console, found: Difference, language: Language) -> None:
    """What else may have made the difference."""
    lines = [] if found.logs else [difference("logs", language)]
    if found.versions[0] != found.versions[1]:
        lines.append(difference("versions", language, before=clean(found.versions[0]), after=clean(found.versions[1])))
    if found.settings:
        lines.append(difference("settings", language))
        lines += [f"  {clean(key)} = {clean(before, 60)} → {clean(after, 60)}" for key, (before, after) in found.settings.items()]
    if lines:
        console.print()
    for line in lines:
        console.print(line, soft_wrap=True)
