"""Log files → what a run would make of them: counts, coverage, what is missing and what that costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from graphdet.events.key_accounts import KeyAccounts, count_accounts
from graphdet.events.log import DEFAULT_LOG, DEFAULT_MACHINE, read_log
from graphdet.events.notes import shown_time
from graphdet.events.rejecting import SHOWN_REJECTS
from graphdet.events.table import NO_TIME, EventTable, FileReport, TimeResolution
from graphdet.schema import ACTIONS, NODE_TYPE
from graphdet.settings import LogSettings, MachineSettings


@dataclass(frozen=True)
class LogCheck:
    """What a log holds.

    Attributes:
        files: what became of each file's rows.
        read, accepted, rejected, duplicates: rows in all; read = accepted + rejected + duplicates.
        events: accepted rows of event files (`accepted` counts catalogue rows too).
        columns: our column → events that have a value.
        actions: action word → events, commonest first.
        unknown_actions: those that no part of the program knows.
        nodes: node type → how many the log names.
        accounts: node type → how many accounts its nodes have, for devices and the like.
        first, last: ISO 8601 in the log's own zone; None where no event has a time.
        sample_times: three of the times between these, as they were read.
        resolution: "instant", "day" or "none".
        notes: what is missing and what that costs, a sentence each.
        reasons: "column: reason" → rejected rows, commonest first.
        first_rejects: the first rejected rows: file, line, column, reason, raw.
    """

    files: tuple[FileReport, ...]
    read: int
    accepted: int
    rejected: int
    duplicates: int
    events: int
    columns: dict[str, int]
    actions: dict[str, int]
    unknown_actions: tuple[str, ...]
    nodes: dict[str, int]
    accounts: dict[str, KeyAccounts]
    first: str | None
    last: str | None
    sample_times: tuple[str, ...]
    resolution: TimeResolution
    notes: tuple[str, ...]
    reasons: dict[str, int]
    first_rejects: tuple[dict[str, Any], ...]

    def as_dict(self) -> dict[str, Any]:
        """The same in plain lists, dicts, strings and numbers, ready for JSON."""
        return asdict(self)


def check_logs(
    paths: Sequence[Path | str],
    settings: LogSettings = DEFAULT_LOG,
    machine: MachineSettings = DEFAULT_MACHINE,
    progress: Callable[[str, int, int | None], None] | None = None,
) -> LogCheck:
    """Read logs as a run would and tell what they hold; arguments and errors as in `read_events`, but a log without events is no error."""
    table = read_log(paths, settings, machine, progress)
    report = table.report
    actions = np.bincount(table.action[table.action >= 0], minlength=len(table.actions))
    by_count = sorted(zip(table.actions, actions.tolist(), strict=True), key=lambda pair: (-pair[1], pair[0]))
    columns, reasons = report.rejected["column"].to_pylist(), report.rejected["reason"].to_pylist()
    causes = Counter(f"{column}: {reason}" if column else reason for column, reason in zip(columns, reasons, strict=True))
    times = table.time[table.time != NO_TIME] if table.time is not None else np.zeros(0, np.int64)
    return LogCheck(
        files=report.files,
        read=report.read,
        accepted=report.accepted,
        rejected=report.rejected.num_rows,
        duplicates=report.duplicates,
        events=len(table),
        columns=_coverage(table),
        actions=dict(by_count),
        unknown_actions=tuple(word for word in table.actions if word not in ACTIONS),
        nodes={node_type: len(ids) for node_type, ids in table.ids.items()},
        accounts=count_accounts(table),
        first=shown_time(int(times[0]), settings.timezone) if len(times) else None,
        last=shown_time(int(times[-1]), settings.timezone) if len(times) else None,
        sample_times=tuple(shown_time(int(times[len(times) * part // 4]), settings.timezone) for part in (1, 2, 3)) if len(times) else (),
        resolution=table.resolution,
        notes=report.notes,
        reasons=dict(sorted(causes.items(), key=lambda pair: (-pair[1], pair[0]))),
        first_rejects=tuple(report.rejected.slice(0, SHOWN_REJECTS).to_pylist()),
    )


def _coverage(table: EventTable) -> dict[str, int]:
    found = {NODE_TYPE[node_type].column: int(np.sum(codes >= 0)) for node_type, codes in table.codes.items()}
    found["action"] = int(np.sum(table.action >= 0))
    if table.categories:
        items = table.codes["item"]
        found["category"] = int(np.sum(table.item_category[items[items >= 0]] >= 0))
    if table.time is not None:
        found["timestamp"] = int(np.sum(table.time != NO_TIME))
    for name, values in (("amount", table.amount), ("rating", table.rating)):
        if values is not None:
            found[name] = int(np.sum(~np.isnan(values)))
    return {column: count for column, count in found.items() if count}
