"""Values that count as missing, and ids that look alike → a sentence each, for people."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

import pyarrow as pa

from graphdet.events.deciding import LEFT_OUT, LeftOut
from graphdet.events.likeness import ROUNDED, alike
from graphdet.events.opening import Source
from graphdet.events.placeholders import Placeholder
from graphdet.schema import NODE_TYPE
from graphdet.schema.wording import numbered

_SHOWN = 3
_LIKE = {
    "case": "differ only in case",
    "spaces": "differ only in spaces",
    "float": "differ only in a point and noughts",
    "encoding": "look as if they were encoded twice",
}
_ALONE = {"encoding": "looks as if it were encoded twice"}  # the only way that one name tells by itself


def about_left_out(left_out: LeftOut, sources: Sequence[Source]) -> list[str]:
    """What counts as missing although something stands there, the gravest first."""
    found = []
    for column, count in left_out.unreadable.items():
        example = next((form.unreadable for source in sources if (form := source.numbers.get(column)) and form.unreadable), "")
        shown = f" (such as {example[:40]!r})" if example else ""
        settle = "; [log] decimal settles 1,250" if column in ("amount", "rating") else ""
        found.append(
            f"{column}: {numbered(count, 'value', 'values')} cannot be read{shown} and {'counts' if count == 1 else 'count'} "
            f"as missing{settle}."
        )
    if left_out.zero_times:
        found.append(f"timestamp: 0 on {numbered(left_out.zero_times, 'row', 'rows')} counts as missing, as all other times are real.")
    if left_out.no_days:
        found.append(
            f"timestamp: {numbered(left_out.no_days, 'row has', 'rows have')} a time that programs write for none, "
            "such as 9999-12-31; it counts as missing."
        )
    for one in left_out.suspicious:
        rounded = re.match(ROUNDED, one.name)
        found.append(
            f"{one.column}: {one.name[:40]!r} looks {'rounded by a spreadsheet' if rounded else 'like a placeholder'} and stands on "
            f"{numbered(one.rows, 'row', 'rows')} ({one.share:.1%}); it counts as missing. "
            f"{'Export the column as text.' if rounded else '[log] genuine keeps it.'}"
        )
    found += _listed(left_out.placeholders, "stand for none known and count as missing", "; [log] genuine keeps what is an id")
    found += _listed(left_out.ignored, LEFT_OUT)
    if left_out.read_as:
        shown = ", ".join(f"{theirs[:40]} as {ours}" for theirs, ours in sorted(left_out.read_as.items())[:6])
        more = ", …" if len(left_out.read_as) > 6 else ""
        found.append(f"actions are read by their usual words: {shown}{more}; [log.actions] says otherwise.")
    if left_out.agreeing:
        found.append(
            f"rows that agree in all that is read, and differ in other columns: {left_out.agreeing:,}; they are kept (quantities)."
        )
    return found


def _listed(names: Sequence[Placeholder], what: str, else_: str = "") -> list[str]:
    of_column: dict[str, list[Placeholder]] = defaultdict(list)
    for one in names:
        of_column[one.column].append(one)
    found = []
    for column, own in sorted(of_column.items()):
        own.sort(key=lambda one: (-one.rows, one.name))
        shown = ", ".join(one.name[:40] for one in own[:_SHOWN]) + (", …" if len(own) > _SHOWN else "")
        share = sum(one.share for one in own)
        found.append(f"{column}: {shown} {what} ({numbered(sum(one.rows for one in own), 'row', 'rows')}, {share:.1%}){else_}.")
    return found


def about_ids(ids: Mapping[str, pa.StringArray]) -> list[str]:
    """Ids that may be one: which, an example, and what makes them one."""
    found = []
    for name, own in ids.items():
        if name == "ip":
            continue
        for way, count, one, other in alike(own):
            column = NODE_TYPE[name].column
            if way == "rounded":
                found.append(
                    f"{column}: {numbered(count, 'id looks', 'ids look')} rounded by a spreadsheet "
                    f"(such as {one[:40]}); export the column as text."
                )
            else:
                shown, beside = _where_they_differ(one, other)
                called = f"id {_ALONE[way]}" if count == 1 else f"ids {_LIKE[way]}"
                found.append(f'{column}: {count:,} {called}, such as {shown!r} and {beside!r}; [log] fold = ["{way}"] makes them one.')
    return found


def _where_they_differ(one: str, other: str) -> tuple[str, str]:
    """Both in forty characters, of long ones from shortly before they differ."""
    same = next((place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    start = max(same - 20, 0) if max(len(one), len(other)) > 40 else 0
    mark = "…" if start else ""
    return mark + one[start : start + 40], mark + other[start : start + 40]
