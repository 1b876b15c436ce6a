"""What became of the rows of labels files, in lines for people."""

from __future__ import annotations

from graphdet.events import LabelReport
from graphdet.schema.wording import numbered
from graphdet.terminal import clean
from graphdet.terminal.screens import plural

MOST_REJECTS = 3


def about_labels(report: LabelReport) -> list[str]:
    """The sum of the rows, whom they label, and the first that were rejected."""
    rejected = report.rejected.num_rows
    doubled = numbered(report.duplicates, "duplicate", "duplicates")
    lines = [
        f"labels: read {numbered(report.read, 'row', 'rows')} = {report.accepted:,} accepted + {rejected:,} rejected + {doubled}",
        f"labels: {_users(report.users)} of this log, {report.positive:,} of them positive",
    ]
    if report.unsure:
        lines.append(f"labels: {report.unsure:,} accepted {plural('row', report.unsure)} without a verdict")
    if report.unknown:
        lines.append(f"labels: {_users(report.unknown)} whom this log does not name, left out")
    if report.contradicted:
        lines.append(f"labels: {_users(report.contradicted)} with labels of both kinds, taken as positive")
    for row in report.rejected.slice(0, MOST_REJECTS).to_pylist():
        where = f"{clean(row['file'])}, line {row['line']}" + (f", {clean(row['column'])}" if row["column"] else "")
        lines.append(f"labels: rejected {where}: {row['reason']} (found {clean(row['raw'], 60)})")
    if rejected > MOST_REJECTS:
        lines.append(f"labels: … and {numbered(rejected - MOST_REJECTS, 'more rejected row', 'more rejected rows')}; --json lists some")
    return lines


def _users(count: int) -> str:
    return f"{count:,} {plural('user', count)}"
