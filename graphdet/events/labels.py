"""Labels files → what is known about some users, and when it came to be known; read as logs are read, with an account of every row.

Labels are partial, late and at times wrong: a row may say nothing, name a user whom the log does not, or contradict another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graphdet.arrays import Bool, Int32, Int64
from graphdet.errors import LabelError
from graphdet.events.assembling import canonical_codes
from graphdet.events.canonical import BAD, IGNORED, MISSING
from graphdet.events.collecting import Collector
from graphdet.events.deciding import LEFT_OUT, NO_TIME_READ, OUTSIDE
from graphdet.events.header import map_label_columns
from graphdet.events.log import DEFAULT_LOG, DEFAULT_MACHINE
from graphdet.events.reading import typed_label_columns
from graphdet.events.rejecting import SHOWN_REJECTS, Causes, Rejected, Rejects
from graphdet.events.table import NO_TIME, EventTable, FileReport
from graphdet.events.tally import Watcher, read_files
from graphdet.events.timestamps import UNREADABLE, in_range
from graphdet.schema.wording import numbered
from graphdet.settings import LogSettings, MachineSettings

POSITIVE = frozenset({"1", "1.0", "true", "yes", "fraud", "bad", "banned", "confirmed", "suspected"})
NEGATIVE = frozenset({"0", "0.0", "false", "no", "good", "ok", "normal", "innocent"})
UNSURE = frozenset({"-1", "-1.0", "none", "null", "nan", "<na>", "unsure", "unknown"})  # as is an empty label
_IS_NO_LABEL = "no label: use 1 or fraud, 0 or good, and nothing where unsure"
_NONE, _NEGATIVE, _POSITIVE, _NO_LABEL = -1, 0, 1, -2


@dataclass(frozen=True)
class Labels:
    """What is known about n users.

    Attributes:
        user: (n,) int32 codes, sorted, once each.
        positive: (n,) bool; a user with any positive row is positive.
        known_at: (n,) int64 microseconds since 1970 UTC; a user's last event where the files do not say, `NO_TIME` where there are
            no times.
    """

    user: Int32
    positive: Bool
    known_at: Int64

    def __post_init__(self) -> None:
        if not len(self.user) == len(self.positive) == len(self.known_at):
            raise ValueError(f"labels of {len(self.user)} users need as many verdicts and times")
        if np.any(self.user[1:] <= self.user[:-1]):
            raise ValueError("labelled users must be sorted, once each")

    def __len__(self) -> int:
        return len(self.user)


@dataclass(frozen=True)
class LabelReport:
    """What became of the rows of labels files.

    Attributes:
        files: what became of each file's rows; a duplicate says of a user what an earlier row says.
        rejected: schema: RUN_TABLES["rejected"], ordered by file and line.
        unsure: accepted rows that say nothing: no label, or a word such as unsure.
        users, positive: users of the log that have a label, and how many of them are positive.
        contradicted: those with rows of both kinds, who count as positive.
        unknown: users with a label whom the log does not name.
    """

    files: tuple[FileReport, ...]
    rejected: pa.Table
    unsure: int
    users: int
    positive: int
    contradicted: int
    unknown: int

    @property
    def read(self) -> int:
        return sum(file.read for file in self.files)

    @property
    def accepted(self) -> int:
        return sum(file.accepted for file in self.files)

    @property
    def duplicates(self) -> int:
        return sum(file.duplicates for file in self.files)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: the sums, the counts, each file, and the first rejected rows."""
        return {
            "read": self.read,
            "accepted": self.accepted,
            "rejected": self.rejected.num_rows,
            "duplicates": self.duplicates,
            "unsure": self.unsure,
            "users": self.users,
            "positive": self.positive,
            "contradicted": self.contradicted,
            "unknown": self.unknown,
            "files": [asdict(file) for file in self.files],
            "first_rejects": self.rejected.slice(0, SHOWN_REJECTS).to_pylist(),
        }


@dataclass(frozen=True)
class _Rows:
    """Accepted rows that say something: canonical user names, and for each row its user, verdict and time, in the order read."""

    names: pa.StringArray
    user: Int32
    positive: Bool
    known_at: Int64 | None
    rejects: Rejects
    duplicates: Int64
    unsure: int


def read_labels(
    paths: Sequence[Path | str],
    events: EventTable,
    settings: LogSettings = DEFAULT_LOG,
    machine: MachineSettings = DEFAULT_MACHINE,
    progress: Watcher | None = None,
) -> tuple[Labels, LabelReport]:
    """Labels of the users of a log, and what became of every row.

    Args:
        paths: files in the formats of logs with the columns `user_id` and `label`, and `known_at` where it is known; or logs with a
            `label` column, whose labelled events speak for their users.
        events: the log; labels of users that it does not name are counted and left out.
        settings: how columns are named, and the zone of times without one, as for the log.
        machine: threads and memory.
        progress: told (stage, rows done, rows in all or None) now and then.

    Raises:
        UnreadableFile: a file is missing, truncated, or not of its kind.
        MissingColumn: a file has no user or no label.
        LabelError: nobody of the log is labelled.
    """
    tell = progress or (lambda stage, done, total: None)
    with read_files(paths, settings, machine, map_label_columns, typed_label_columns, tell) as reading:
        known = pc.index(events.ids["user"], "0").as_py() >= 0  # then 0 is somebody among the labels, too
        rows = _assemble(reading.rows.collector, settings.model_copy(update={"genuine": (*settings.genuine, "0")}) if known else settings)
        reading.rows.rejects, reading.rows.duplicates = rows.rejects, rows.duplicates
        rejected = Rejected(settings.raw_characters)
        files = reading.report(rejected)
    code = pc.index_in(rows.names, value_set=events.ids["user"]).fill_null(MISSING)
    user = np.asarray(code.to_numpy(zero_copy_only=False), np.int32)[rows.user]
    labels, contradicted = _of_users(rows, user, events)
    report = LabelReport(
        files=files,
        rejected=rejected.table(),
        unsure=rows.unsure,
        users=len(labels),
        positive=int(labels.positive.sum()),
        contradicted=contradicted,
        unknown=len(np.unique(rows.user[user < 0])),
    )
    if not len(labels):
        raise LabelError(_why_nobody(report, rows, events))
    return labels, report


def _assemble(collector: Collector, settings: LogSettings) -> _Rows:
    """Verdicts and times of the rows, rejects and duplicates out."""
    nothing = np.full(collector.rows, MISSING, np.int32)
    canonical, codes, _ = canonical_codes(collector, settings)
    user, label = codes.get("user_id", nothing), codes.get("label", nothing)
    words = canonical["label"].names.to_pylist() if "label" in canonical else []
    verdict = np.append(np.array([_verdict(word) for word in words], np.int8), np.int8(_NONE))[np.maximum(label, MISSING)]
    known_at, broken = collector.take("known_at"), collector.take("broken")
    causes = Causes(collector.rows)
    if broken is not None:
        causes.reject("", "not a JSON object", broken != 0)
    causes.reject("user_id", f"longer than {settings.max_id_characters} characters", user == BAD)
    causes.reject("user_id", "no user_id", user == MISSING)
    causes.reject("user_id", LEFT_OUT, user == IGNORED)
    causes.reject("label", _IS_NO_LABEL, (verdict == _NO_LABEL) | (label == BAD))
    if known_at is not None:
        causes.reject("known_at", NO_TIME_READ, known_at == UNREADABLE)
        causes.reject("known_at", OUTSIDE, ~in_range(known_at) & (known_at != NO_TIME))
    rejects = causes.rejects()
    good = np.ones(collector.rows, np.bool_)
    good[rejects.rows] = False
    unsure = good & (verdict == _NONE)
    saying = np.flatnonzero(good & ~unsure)
    first = _first_of_each(user[saying], verdict[saying], None if known_at is None else known_at[saying])
    kept = saying[first]
    return _Rows(
        names=canonical["user_id"].names if "user_id" in canonical else pa.array([], pa.string()),
        user=user[kept],
        positive=verdict[kept] == _POSITIVE,
        known_at=None if known_at is None else known_at[kept],
        rejects=rejects,
        duplicates=np.delete(saying, first),
        unsure=int(unsure.sum()),
    )


def _verdict(word: str) -> int:
    if word in POSITIVE:
        return _POSITIVE
    if word in NEGATIVE:
        return _NEGATIVE
    return _NONE if word in UNSURE else _NO_LABEL


def _first_of_each(*columns: npt.NDArray[Any] | None) -> Int64:
    """Positions of the first of all rows that are alike, ascending."""
    given = [column for column in columns if column is not None]
    order = np.lexsort(given)  # stable: of equal rows the first comes first
    new = np.zeros(len(order), np.bool_)
    new[:1] = True
    for column in given:
        new[1:] |= column[order][1:] != column[order][:-1]
    return np.sort(order[new])


def _of_users(rows: _Rows, user: Int32, events: EventTable) -> tuple[Labels, int]:
    """One label for each user of the log: the first positive row, else the first one; and how many users have rows of both kinds."""
    here = user >= 0
    user, positive = user[here], rows.positive[here]
    known_at = _last_events(events)[user] if rows.known_at is None else rows.known_at[here]
    order = np.lexsort((known_at, ~positive, user))
    users, first = np.unique(user[order], return_index=True)
    both = np.intersect1d(user[positive], user[~positive])
    return Labels(users.astype(np.int32), positive[order][first], known_at[order][first]), len(both)


def _last_events(events: EventTable) -> Int64:
    """(users,) the time of each user's last event, `NO_TIME` where none is known."""
    last = np.full(events.count("user"), NO_TIME)
    if events.time is not None:
        np.maximum.at(last, events.codes["user"], events.time)
    return last


def labels_of(names: Sequence[str], positive: Sequence[bool], events: EventTable) -> Labels:
    """What is known of users by their ids, once each, since their last event; those whom the log does not name are left out."""
    code = np.asarray(pc.index_in(pa.array(names, pa.string()), value_set=events.ids["user"]).fill_null(MISSING).to_numpy(), np.int32)
    order = np.argsort(code, kind="stable")
    order = order[code[order] >= 0]
    return Labels(code[order], np.asarray(positive, np.bool_)[order], _last_events(events)[code[order]])


def joined_labels(first: Labels, second: Labels) -> Labels:
    """All of the first, and the second's of other users."""
    more = ~np.isin(second.user, first.user)
    user = np.concatenate([first.user, second.user[more]])
    order = np.argsort(user)
    positive, known_at = ([getattr(first, name), getattr(second, name)[more]] for name in ("positive", "known_at"))
    return Labels(user[order], np.concatenate(positive)[order], np.concatenate(known_at)[order])


def _why_nobody(report: LabelReport, rows: _Rows, events: EventTable) -> str:
    names = ", ".join(file.path for file in report.files[:3]) + (", …" if len(report.files) > 3 else "")
    if report.unknown:
        theirs, ours = rows.names[int(rows.user[0])].as_py(), events.ids["user"][0].as_py()
        return (
            f"{names}: labels {numbered(report.unknown, 'user', 'users')}, none of them in this log; compare its user_id "
            f"(such as {theirs[:40]!r}) with the log's (such as {ours[:40]!r})."
        )
    read = numbered(report.read, "row", "rows")
    if report.rejected.num_rows:
        first = report.rejected.slice(0, 1).to_pylist()[0]
        where = f"line {first['line']}" + (f", {first['column']}" if first["column"] else "")
        return f"{names}: no label in {read}; the first is rejected ({where}: {first['reason']}; found {first['raw'][:60]!r})."
    return f"{names}: no label in {read}; write 1 or fraud, 0 or good in the column label."
