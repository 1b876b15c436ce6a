"""A labels file → what is known about some users, and when it came to be known; and its parts for learning, calibrating and judging.

Labels are partial, late and at times wrong. Parts go forward in time, and a ring's members never lie in two parts: a model that has seen
half a ring would be praised for knowing the other half.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from graphdet.arrays import Bool, Int32, Int64
from graphdet.errors import LabelError
from graphdet.events import NO_TIME, EventTable

POSITIVE = frozenset({"1", "1.0", "true", "yes", "fraud", "bad", "banned", "confirmed", "suspected"})
NEGATIVE = frozenset({"0", "0.0", "false", "no", "good", "ok", "normal", "innocent"})
UNKNOWN = frozenset({"", "-1", "none", "nan", "<na>", "unsure", "unknown"})
PARTS = (
    0.6,
    0.8,
)  # of the positive labels, as they came to be known: up to here for learning, to here for calibrating, the rest for judging


@dataclass(frozen=True)
class Labels:
    """What is known about n users.

    Attributes:
        user: (n,) int32 codes, sorted, once each.
        positive: (n,) bool; a user with any positive event or line is positive.
        known_at: (n,) int64 microseconds since 1970 UTC; a user's last event where the file does not say, `NO_TIME` where there are
            no times.
    """

    user: Int32
    positive: Bool
    known_at: Int64

    def __len__(self) -> int:
        return len(self.user)


@dataclass(frozen=True)
class Parts:
    """Positions in `Labels` to learn from, to calibrate on and to judge by, each in order of time and later than the one before;
    a ring lies in one of them."""

    learn: Int64
    calibrate: Int64
    judge: Int64


def read_labels(path: Path, events: EventTable) -> Labels:
    """Labels of the users of a log.

    Args:
        path: CSV, TSV, JSON lines or Parquet with the columns `user_id` and `label`, and `known_at` where it is known; or a log with a
            `label` column, whose labelled events speak for their users.
        events: the log; labels of users that it does not name are left out.

    Raises:
        LabelError: the file cannot be read, lacks a column, holds a word that is no label, or labels nobody of the log.
    """
    table = _read(path)
    missing = {"user_id", "label"} - set(table.columns)
    if missing:
        raise LabelError(f"{path}: has no column {min(missing)!r} (found {', '.join(map(str, table.columns))}).")
    word = table["label"].astype("string").fillna("").str.strip().str.lower()
    odd = ~word.isin(POSITIVE | NEGATIVE | UNKNOWN)
    if odd.any():
        row = int(np.flatnonzero(odd)[0])
        raise LabelError(f"{path}, row {row + 1}: {word.iloc[row]!r} is no label; use 1 or fraud, 0 or good, and nothing where unsure.")
    code = pc.index_in(pa.array(table["user_id"].astype("string"), pa.string()), value_set=events.ids["user"]).fill_null(-1)
    user = np.asarray(code.to_numpy(zero_copy_only=False), np.int32)
    chosen = (user >= 0) & word.isin(POSITIVE | NEGATIVE).to_numpy(bool)
    if not chosen.any():
        raise LabelError(f"{path}: labels no user of this log; compare its user_id with the log's.")
    positive = word.isin(POSITIVE).to_numpy(bool)[chosen]
    known = _known_at(table, path, events, user)[chosen]
    order = np.lexsort((known, ~positive, user[chosen]))  # of a user's lines the first positive one, else the first
    users, first = np.unique(user[chosen][order], return_index=True)
    return Labels(users.astype(np.int32), positive[order][first], known[order][first])


def part_labels(labels: Labels, rings: Sequence[Int32]) -> Parts:
    """Labels parted forward in time. A ring is known when half of its members are; of rings that overlap, a user goes with the first,
    and stays out where most of another ring's members lie in another part.

    Raises:
        LabelError: a part has no positive or no negative label.
    """
    group = np.arange(len(labels))
    members = [np.flatnonzero(np.isin(labels.user, ring)) for ring in rings]
    for number, own in reversed(list(enumerate(members))):
        group[own] = len(labels) + number
    moment = labels.known_at.copy()
    for number in range(len(members)):
        own = np.flatnonzero(group == len(labels) + number)
        moment[own] = np.sort(labels.known_at[own])[(len(own) - 1) // 2] if len(own) else 0
    in_time = np.lexsort((group, moment))
    begins = np.flatnonzero(np.diff(group[in_time], prepend=-1))
    positives = np.add.reduceat(labels.positive[in_time], begins, dtype=np.int64) if len(begins) else np.zeros(0, np.int64)
    part = np.searchsorted(PARTS, (np.cumsum(positives) - positives) / max(positives.sum(), 1), side="right")
    part = np.repeat(part, np.diff(begins, append=len(labels)))[np.argsort(in_time)]
    kept = np.ones(len(labels), np.bool_)
    for own in members:
        kept[own[part[own] != np.bincount(part[own], minlength=3).argmax()]] = False
    found = [in_time[(kept & (part == number))[in_time]] for number in range(3)]
    for name, own in zip(("learning", "calibrating", "judging"), found, strict=True):
        share = labels.positive[own]
        if not share.any() or share.all():
            raise LabelError(
                f"the labels leave {int(share.sum())} positive and {int((~share).sum())} negative users for {name}; more labels are needed."
            )
    return Parts(*found)


def _read(path: Path) -> pd.DataFrame:
    name = path.name.lower()
    try:
        if name.endswith((".parquet", ".pq")):
            return pd.read_parquet(path)
        if name.endswith((".jsonl", ".ndjson", ".json", ".jsonl.gz")):
            return pd.read_json(path, lines=True, dtype=False)
        return pd.read_csv(path, sep="\t" if ".tsv" in name else ",", dtype="string", keep_default_na=False)
    except FileNotFoundError:
        raise LabelError(f"{path}: no such labels file.") from None
    except (OSError, ValueError, pa.ArrowException) as error:
        raise LabelError(f"{path}: cannot be read as labels ({str(error).splitlines()[0]}).") from None


def _known_at(table: pd.DataFrame, path: Path, events: EventTable, user: Int32) -> Int64:
    if "known_at" in table.columns:
        try:
            moments = pd.to_datetime(table["known_at"].replace("", None), utc=True, format="mixed")
        except (ValueError, TypeError) as error:
            raise LabelError(f"{path}: known_at is no time ({str(error).splitlines()[0]}).") from None
        micros = moments.astype("datetime64[us, UTC]").astype("int64").to_numpy(copy=True)
        micros[moments.isna().to_numpy()] = NO_TIME
        return np.asarray(micros, np.int64)
    last = np.full(events.count("user"), NO_TIME)
    if events.time is not None:
        np.maximum.at(last, events.codes["user"], events.time)
    return last[user]
