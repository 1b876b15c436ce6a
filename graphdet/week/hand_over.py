"""The casebook's verdicts → a list of accounts for those who act on them, with what each is on it for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphdet.cases.casebook import Casebook
from graphdet.cases.entries import days_after
from graphdet.cases.rows import USUAL_DAYS, Case, Group, MemberWord, RingUsers
from graphdet.errors import CaseError
from graphdet.printable import as_json
from graphdet.schema import ACT, HOLD, USER, VERDICTS
from graphdet.spreadsheets import write_csv, write_workbook
from graphdet.whole import whole_file, why

if TYPE_CHECKING:
    from graphdet.week.judged_rings import JudgedRings, ToldOf

COLUMNS = (
    "user_id",
    "case",
    "ring_id",
    "verdict",
    "decided",
    "author",
    "until",
    "reasons",
    "contribution",
    "role",
    "standing",
    "tier",
    "tier_now",
    "run_id",
)
CONFIRMED = VERDICTS[0]

Row = dict[str, Any]


def account_rows(
    book: Casebook,
    verdicts: Sequence[str] = VERDICTS[:1],
    cases: Sequence[str] = (),
    *,
    reasons: bool = True,
    told_of: ToldOf | None = None,
) -> list[Row]:
    """Accounts that were judged so, by case and then by contribution, the largest first.

    A ring stands for the members whom it had when it was judged; a word on a member goes before the word on their ring. `standing` says
    whom to hold, since their part is weak and nobody said anything of them; empty where no run told. Reasons and
    contribution come from the run that was judged, and are empty where its folder is gone. `tier` is of that run, too; `tier_now` is that
    in which the case was last seen, so that whoever acts sees where later days changed the picture.

    Args:
        book: open.
        verdicts: confirmed, innocent, unsure.
        cases: only these, by name; none = all.
        reasons: look them up, and contributions; both stay empty otherwise.
        told_of: what pages of rings told already, where some were made; the reasons of each other ring take some hundredths of a second,
            and of each run with such a ring some seconds a million events.

    Raises:
        UnknownCase: no such case.
    """
    chosen = [book.case(name) for name in cases] if cases else book.cases()
    facts = None
    if reasons:
        from graphdet.week.judged_rings import JudgedRings  # brings along all that dossiers are made by

        facts = JudgedRings(book, told_of)
    return [row for case in chosen for row in _rows_of(book, case, verdicts, facts)]


def still_to_act_on(rows: Sequence[Row], now: str) -> list[Row]:
    """Without accounts of confirmed rings that have been at rest since `USUAL_DAYS`: their ring has to be confirmed anew.

    Args:
        rows: from `account_rows`.
        now: as entries of the casebook tell times.
    """
    return [row for row in rows if not row["until"] or row["until"] >= now[:10]]


def under_other_names(book: Casebook, rows: Sequence[Row]) -> list[Row]:
    """The same rows with pseudonyms, in an order that tells nothing of ids.

    A ring's id is left out: it is a digest of its members' ids, so that whoever has a list of accounts could try small groups of them.
    """
    names = book.pseudonyms({row["user_id"] for row in rows})
    own = [{**row, "user_id": names[row["user_id"]], "ring_id": ""} for row in rows]
    return sorted(own, key=lambda row: (row["case"], -(row["contribution"] or 0.0), row["user_id"]))


def write_accounts(rows: Sequence[Row], path: Path, form: str) -> None:
    """Write them; what stands at `path` already is not touched.

    Args:
        rows: from `account_rows`.
        path: a file.
        form: csv, jsonl or xlsx.

    Raises:
        CaseError: something stands there already, or it cannot be written.
    """
    if path.exists():
        raise CaseError(f"{path}: exists already; choose another --out.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as partial:
            WRITERS[form](rows, partial)
    except OSError as error:
        raise CaseError(f"{path}: cannot be written ({why(error)}); choose another --out.") from None


def _rows_of(book: Casebook, case: Case, verdicts: Sequence[str], facts: JudgedRings | None) -> Iterator[Row]:
    words = {word.user_id: word for word in book.member_words(case.name)}
    ring = case.verdict_ring or case.ring_id
    users = {*(_users_of(book, ring) or book.users_of(case)), *words} if case.verdict in verdicts else words.keys()
    judged = [user for user in sorted(users) if (words[user].verdict if user in words else case.verdict) in verdicts]
    if not judged:
        return
    seen = [one for one in book.sightings(case.name) if one.ring_id == ring]
    held = book.held_members(case)
    contributions, reasons = facts.of(seen[-1].run_id, ring) if seen and facts else ({}, "")
    rows: list[Row] = []
    for user in judged:
        word = words.get(user)
        contribution, role = contributions.get(user, (None, ""))
        rows.append(
            {
                "user_id": user,
                "case": case.name,
                "ring_id": ring,
                "verdict": word.verdict if word else case.verdict,
                "decided": (word.time if word else case.verdict_time)[:19].replace("T", " "),
                "author": word.author if word else case.verdict_author,
                "until": _until(case, word),
                "reasons": reasons,
                "contribution": None if contribution is None else round(contribution, 3),
                "role": role,
                "standing": "" if held is None else HOLD if user in held and word is None else ACT,
                "tier": seen[-1].tier if seen else case.tier,
                "tier_now": case.tier,
                "run_id": seen[-1].run_id if seen else "",
            }
        )
    yield from sorted(rows, key=lambda row: (-(row["contribution"] or 0.0), row["user_id"]))


def _until(case: Case, word: MemberWord | None) -> str:
    """The last day on which an account may be acted on: so long after it or its ring was confirmed, or its ring was last seen to act."""
    if (word or case).verdict != CONFIRMED:
        return ""
    said = [one.time for one in (word,) if one] + [case.verdict_time] * (case.verdict == CONFIRMED)
    return days_after(max(*said, case.last_seen), USUAL_DAYS)[:10]


def _users_of(book: Casebook, ring: str) -> tuple[str, ...]:
    with book.reading():
        known = book.tables.get(RingUsers, ring)
        group = book.tables.get(Group, known.group_digest) if known else None
    return group.ids(USER) if group else ()


def _write_json_lines(rows: Sequence[Row], path: Path) -> None:
    path.write_text("".join(as_json(row).replace("\n", "") + "\n" for row in rows), encoding="utf-8")


def _write_xlsx(rows: Sequence[Row], path: Path) -> None:
    write_workbook(path, {"accounts": rows}, COLUMNS)


WRITERS: dict[str, Callable[[Sequence[Row], Path], None]] = {
    "csv": lambda rows, path: write_csv(path, rows, COLUMNS),
    "jsonl": _write_json_lines,
    "xlsx": _write_xlsx,
}
