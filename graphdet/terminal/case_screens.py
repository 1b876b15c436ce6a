"""The casebook on a terminal: cases in a table, one case with its history, suppressions and what they hid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console

from graphdet.cases.entries import RUN, SEEN, Entry
from graphdet.cases.rows import ACCEPT, Case, Hid, MemberWord, Suppression
from graphdet.schema.wording import Language, filled
from graphdet.terminal.canvas import clean, name, plain_table, print_columns
from graphdet.words.casework import entry_in_words, standing_in_words, story_in_words, word
from graphdet.words.interface import label

LONGEST_SHOWN = 300  # characters of what people wrote, in a line of history


def show_cases(console: Console, cases: Sequence[Case], language: Language) -> None:
    """One line a case."""
    headings = [word(code, language) for code in ("case", "state", "verdict", "became", "tier", "members", "at_stake", "owner", "ring")]
    rows = []
    for case in cases:
        stake = "" if case.at_stake is None else f"{case.at_stake:,.0f}"
        facts = (word(case.tier, language), f"{case.size:,}", stake, clean(case.owner, 20), name(case.ring_id))
        rows.append((case.name, word(case.state, language), _verdict(case, language), _became(case, language), *facts))
    columns = {heading: [row[place] for row in rows] for place, heading in enumerate(headings)}
    spared = [headings[place] for place in (7, 3, 6, 5, 4)]
    print_columns(console, columns, left=[*headings[:5], *headings[7:]], ids=(headings[0], headings[8]), spared=spared, cut=headings[2:3])


def _verdict(case: Case, language: Language) -> str:
    story = f" ({story_in_words(case.story, language)})" if case.story else ""
    return word(case.verdict, language) + story


def _became(case: Case, language: Language) -> str:
    if case.back:
        return word(f"back_{case.back}", language)
    if case.hidden:
        return filled(word("hidden_by", language), name=case.hidden)
    return word(case.lineage, language)


def show_case(
    console: Console,
    case: Case,
    users: Sequence[str],
    words: Sequence[MemberWord],
    history: Sequence[Entry],
    undone: set[int],
    language: Language,
) -> None:
    """All that is known of one case."""
    show_cases(console, [case], language)
    console.print()
    console.print(filled(word("seen_runs", language), runs=f"{case.runs:,}", first=case.opened[:10], last=case.seen[:10]))
    if case.next_step:
        console.print(label("told_of", language, what=word("next_step", language), told=clean(case.next_step)))
    said = {one.user_id: word(one.verdict, language) for one in words}
    told = [clean(user) + (f" ({said[user]})" if user in said else "") for user in users]
    console.print(label("told_of", language, what=word("accounts", language), told=", ".join(told)))
    console.print()
    show_history(console, history, undone, language)


def show_history(console: Console, history: Sequence[Entry], undone: set[int], language: Language) -> None:
    """One line an entry, oldest first."""
    for entry in history:
        told = entry.told
        subject = entry.case or (told.get("run", "") if entry.kind == RUN else entry.suppression)
        line = clean(entry_in_words(entry.kind, told, entry.suppression, language), LONGEST_SHOWN)
        gone = f" [{word('undone', language)}]" if entry.number in undone else ""
        author = "" if entry.kind == SEEN else clean(entry.author, 20)
        console.print(
            f"{entry.number:>6}  {entry.time[:16].replace('T', ' ')} UTC  {clean(subject, 24):<8}  {author:<12}  {line}{gone}",
            soft_wrap=True,
        )


def show_suppressions(
    console: Console, found: Sequence[Suppression], hid: Mapping[str, Sequence[Hid]], now: str, language: Language
) -> None:
    """One line each: what it is about, until when, how it stands and what it hid."""
    headings = [word(code, language) for code in ("suppression", "about", "until", "stands", "hid", "owner", "reason")]
    table = plain_table(headings, left=headings, ids=(headings[-1],))
    table.columns[0].min_width = 6
    for one in found:
        about = one.case_name if one.kind == ACCEPT else f"{one.node_type} {name(one.node_id, 40)}"
        last = hid.get(one.name, ())
        rings = filled(word("hid_rings", language), rings=f"{last[-1].count:,}") if last else ""
        facts = (one.until[:10], standing_in_words(one.standing(now), language), rings, clean(one.author, 20), clean(one.reason, 60))
        what = f"{word(one.kind, language)} {about}"
        table.columns[1].min_width = max(table.columns[1].min_width or 0, len(what))  # what may be copied is not cut
        table.add_row(one.name, what, *facts)
    console.print(table)
