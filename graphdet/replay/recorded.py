"""A run's dossier tables → the same in codes: what rings' members did, who came to their targets, and what the whole log tells of both."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graphdet.arrays import Bool, Float32, Float64, Int32, Int64, check_array, stretches
from graphdet.errors import NotARun, RunError, SettingsError
from graphdet.events import NO_TIME
from graphdet.run.folder import Run, RunRing
from graphdet.run.log_clock import LogClock
from graphdet.schema import KEY_TYPES, NODE_TYPE
from graphdet.settings import Settings, parse_settings

HOUR = 3_600_000_000  # microseconds

NONE = np.int32(-1)
DOSSIER_FORMAT = 4  # of run folders; older ones lack counts that base rates are made of


def sorted_ids(*columns: pa.ChunkedArray) -> pa.StringArray:
    """Distinct ids of some columns, sorted by their UTF-8 bytes."""
    found = pc.unique(pa.concat_arrays([part.combine_chunks() if isinstance(part, pa.ChunkedArray) else part for part in columns]))
    found = found.drop_null()
    return found.take(pc.sort_indices(found))


def codes_of(column: pa.ChunkedArray, ids: pa.StringArray) -> Int32:
    """(rows,) int32 positions in `ids`, −1 for null."""
    return np.asarray(pc.fill_null(pc.index_in(column, value_set=ids), -1).to_numpy(), np.int32)


@dataclass(frozen=True)
class RecordedVisits:
    """v visits of a run's table `visits`, by (key, time).

    Attributes:
        key: (v,) int64, numbered over all views.
        user: (v,) int32 code.
        second: (v,) int32 since the log's first event.
        told: (v,) bool, of which the run recorded what follows but for `draw`: those at targets.
        user_visits: (v,) int64, all visits of the user in the whole log.
        near: (v,) int32, the user's visits to the key's group within the shortest window around, itself among them.
        elsewhen: (v,) int32, the others of those.
        draw: (v,) int32, visits of one number are one choice of their user, −1 where a visit is one by itself.
        public: (v,) float32, at an item the share of a rush just then that is more than any ring has.
        log_hours: (v,) float32, at an item in a rush log10 of the user's share of all visits to items just then.
        keys, users: how many there are.
    """

    key: Int64
    user: Int32
    second: Int32
    told: Bool
    user_visits: Int64
    near: Int32
    elsewhen: Int32
    draw: Int32
    public: Float32
    log_hours: Float32
    keys: int
    users: int

    def __post_init__(self) -> None:
        visits = len(self.key)
        check_array("key", self.key, np.int64, visits, 0, self.keys - 1)
        check_array("user", self.user, np.int32, visits, 0, self.users - 1)
        check_array("second", self.second, np.int32, visits, 0)
        check_array("told", self.told, np.bool_, visits)
        check_array("user_visits", self.user_visits, np.int64, visits, 1)
        check_array("near", self.near, np.int32, visits, 1)
        check_array("elsewhen", self.elsewhen, np.int32, visits, 0)
        check_array("draw", self.draw, np.int32, visits, -1)
        check_array("public", self.public, np.float32, visits, 0, 1)
        check_array("log_hours", self.log_hours, np.float32, visits, most=0)
        if (np.diff(self.key << 31 | self.second) < 0).any():
            raise ValueError("visits must be sorted by key and time")

    def __len__(self) -> int:
        return len(self.key)


class Recorded:
    """A run's dossier tables in codes; made once, asked for each ring.

    Raises:
        RunError: the run was made without them.
    """

    def __init__(self, run: Run) -> None:
        if run.meta["format"] < DOSSIER_FORMAT:
            raise RunError("this run holds no dossiers that can be read (an older graphdet made it); run `graphdet run` on the logs again.")
        if run.events is None or run.keys is None or run.visits is None or run.dossiers is None:
            raise RunError("this run holds no dossiers (an older graphdet made it); run `graphdet run` on the logs again.")
        self.run = run
        self.events, self.keys = run.events, run.keys
        if run.meta.get("background") is None:
            raise NotARun("damaged run: run.json lacks the background of its dossiers; run `graphdet run` again.")
        self.background: dict[str, Any] = run.meta["background"]
        try:
            self.settings: Settings = parse_settings(run.meta["settings"], "run.json")
        except SettingsError:
            raise RunError("this run was made by a graphdet with other settings; run `graphdet run` on the logs again.") from None
        self.measured = dict(zip(run.dossiers["ring_id"].to_pylist(), run.dossiers["measured"].to_pylist(), strict=True))
        self.users = sorted_ids(self.events["user_id"], run.visits["user_id"])
        self.event_user = codes_of(self.events["user_id"], self.users)
        self.time = _micros(self.events["timestamp"])
        self.start = self.background["start"]
        self.ids: dict[str, pa.StringArray] = {}
        self.event_code: dict[str, Int32] = {}
        self.key_users: dict[str, Int64] = {}
        kinds = self.keys["node_type"]
        for name in KEY_TYPES:
            known = self.keys.filter(pc.equal(kinds, name))
            if known.num_rows:
                self.ids[name] = known["node_id"].combine_chunks()
                self.event_code[name] = codes_of(self.events[NODE_TYPE[name].column], self.ids[name])
                self.key_users[name] = known["users"].to_numpy()
        self.actions = tuple(sorted_ids(self.events["action"]).to_pylist())
        self.action = codes_of(self.events["action"], pa.array(self.actions, pa.string())).astype(np.int16)
        self.amount = self.events["amount"].to_numpy()
        self._check_background()
        self._order_events()
        self._number_keys()
        self.visits = self._read_visits(run.visits)
        self._order_visits()

    def _check_background(self) -> None:
        """What run.json says of the whole log must have room for what the tables hold."""
        told, views = self.background, [entry["name"] for entry in self.background["views"]]
        grown = not all(json.loads(one).get("farm") for one in self.measured.values())
        wrong = {
            "views of other keys": len(set(views)) != len(views) or not set(self.ids) <= set(views),
            "fewer users than its tables": told["users"] < max([len(self.users), *(int(users.max()) for users in self.key_users.values())]),
            "fewer users of addresses than its keys": told["users_of_ips"] < int(self.key_users.get("ip", np.zeros(0)).sum()),
            "fewer visits than a user of its tables": told["visits"] < (pc.max(self.run.tables["visits"]["user_visits"]).as_py() or 0),
            "no strengths of its rings": grown and not told["found_strengths"],
            "events before its first": self.start is not None and bool((self.time[self.time != NO_TIME] < self.start).any()),
            "visits after its end": bool(pc.any(pc.greater(self.run.tables["visits"]["second"], told["seconds"])).as_py()),
            "histories of another length": set(pc.unique(pc.list_value_length(self.keys["history"].drop_null())).to_pylist())
            - {told["seconds"] // told["history_seconds"] + 1},
        }
        for what in (what for what, found in wrong.items() if found):
            raise NotARun(f"damaged run: its background has {what}; run `graphdet run` again.")

    def _order_events(self) -> None:
        events = self.events.num_rows
        check_array("users of events", self.event_user, np.int32, events, 0, len(self.users) - 1)
        check_array("amount", self.amount, np.float64, events)
        for name, users in self.key_users.items():
            check_array(f"users of {name}", users, np.int64, len(self.ids[name]), 1)
        self._by_user = np.lexsort((np.arange(len(self.event_user)), self.event_user))
        self._user_start = np.searchsorted(self.event_user[self._by_user], np.arange(len(self.users) + 1))

    def _number_keys(self) -> None:
        """Views that have keys, and the first of each, numbered over all of them."""
        present = [entry for entry in self.background["views"] if entry["name"] in self.ids]
        self.views = {entry["name"]: tuple(entry["windows"]) for entry in present}
        self.homogeneity = {entry["name"]: entry["homogeneity"] for entry in present}
        first = np.cumsum([0] + [len(self.ids[name]) for name in self.views]).tolist()
        self.first_key = dict(zip(self.views, first, strict=False))
        self._all_keys: int = first[-1]

    def _read_visits(self, table: pa.Table) -> RecordedVisits:
        """Those to keys of the table `keys`: it names what kept events name, and of a member with very many not all are kept."""
        key = np.full(table.num_rows, -1, np.int64)
        for name, first in self.first_key.items():
            own = pc.equal(table["node_type"], name).to_numpy()
            code = codes_of(table["node_id"].filter(pa.array(own)), self.ids[name]).astype(np.int64)
            key[own] = np.where(code >= 0, code + first, -1)
        second = table["second"].to_numpy()
        order = np.lexsort((np.arange(len(key)), second, key))
        order = order[key[order] >= 0]
        return RecordedVisits(
            key=key[order],
            user=codes_of(table["user_id"], self.users)[order],
            second=second[order],
            told=table["near"].is_valid().to_numpy()[order],
            user_visits=pc.fill_null(table["user_visits"], 1).to_numpy()[order],
            near=pc.fill_null(table["near"], 1).to_numpy()[order],
            elsewhen=pc.fill_null(table["elsewhen"], 0).to_numpy()[order],
            draw=pc.fill_null(table["draw"], -1).to_numpy()[order],
            public=pc.fill_null(table["public"], 0).to_numpy()[order],
            log_hours=pc.fill_null(table["log_hours"], 0).to_numpy()[order],
            keys=self._all_keys,
            users=len(self.users),
        )

    def _order_visits(self) -> None:
        self._key_start = np.searchsorted(self.visits.key, np.arange(self._all_keys + 1))
        self._visits_by_user = np.lexsort((np.arange(len(self.visits)), self.visits.user))
        self._visit_user_start = np.searchsorted(self.visits.user[self._visits_by_user], np.arange(len(self.users) + 1))

    @cached_property
    def category_share(self) -> Float64:
        """(categories + 1,) share of each in the log's item events; the first place is for none."""
        own = self.keys.filter(pc.equal(self.keys["node_type"], "category"))
        shares = dict(zip(own["node_id"].to_pylist(), pc.fill_null(own["share"], 0.0).to_pylist(), strict=True))
        return np.array([0.0, *(shares.get(name, 0.0) for name in self.item_category[0])])

    @cached_property
    def item_category(self) -> tuple[tuple[str, ...], Int32]:
        """Category names, sorted, and the category of each item."""
        if "item" not in self.ids:
            return (), np.zeros(0, np.int32)
        names = sorted_ids(self.events["category"])
        category = np.full(len(self.ids["item"]), NONE)
        item = self.event_code["item"]
        category[item[item >= 0]] = codes_of(self.events["category"], names)[item >= 0]
        return tuple(names.to_pylist()), category

    @cached_property
    def clock(self) -> LogClock:
        """By which times are shown."""
        return LogClock(self.settings.log.timezone, self.bare_dates)

    @cached_property
    def bare_dates(self) -> bool:
        """Whether times are dates alone: nothing is known of what happened within a day. Summer time makes two midnights of one."""
        known = self.time[self.time != NO_TIME]
        return len(np.unique(known % (24 * HOUR))) <= 2 and not np.any(known % HOUR)

    @cached_property
    def has_amounts(self) -> bool:
        """Whether any event has an amount."""
        return bool((~np.isnan(self.amount)).any())

    @cached_property
    def event_columns(self) -> list[str]:
        """Columns of `events` that hold anything."""
        return [name for name in self.events.column_names if self.events[name].null_count < self.events.num_rows]

    @cached_property
    def crowded(self) -> dict[str, Bool]:
        """Node type → which of `ids` are crowded."""
        kinds, crowded = self.keys["node_type"], self.keys["crowded"]
        return {name: crowded.filter(pc.equal(kinds, name)).to_numpy() for name in self.ids}

    @cached_property
    def rating(self) -> Float64:
        """(events,) stars, NaN where none."""
        return np.asarray(self.events["rating"].to_numpy(), np.float64)

    @cached_property
    def _items(self) -> dict[str, dict[str, Any]]:
        """Items that have a history (targets) or a rating, by id."""
        own = self.keys.filter(pc.equal(self.keys["node_type"], "item")).select(["node_id", "ratings", "rating", "history"])
        return {row["node_id"]: row for row in own.filter(pc.or_(own["history"].is_valid(), own["ratings"].is_valid())).to_pylist()}

    def history_of(self, item: str) -> list[int]:
        """A target's events in the whole log by `history_seconds`; empty without times."""
        return self._items.get(item, {}).get("history") or []

    @cached_property
    def seller_share(self) -> Float64:
        """(sellers,) share of each in the log's item events."""
        own = self.keys.filter(pc.equal(self.keys["node_type"], "seller"))
        return np.asarray(pc.fill_null(own["share"], 0.0).to_numpy(), np.float64)

    @cached_property
    def _members(self) -> dict[str, Int32]:
        """Ring → its users, sorted."""
        table = self.run.members.filter(pc.equal(self.run.members["node_type"], "user"))
        codes, names = codes_of(table["node_id"], self.users), table["ring_id"].combine_chunks().dictionary_encode()
        of = names.indices.to_numpy()
        order = np.lexsort((codes, of))
        bounds = np.searchsorted(of[order], np.arange(len(names.dictionary) + 1))
        return {name: codes[order[bounds[n] : bounds[n + 1]]] for n, name in enumerate(names.dictionary.to_pylist())}

    @cached_property
    def _strengths(self) -> dict[str, float]:
        return dict(zip(self.run.rings["ring_id"].to_pylist(), self.run.rings["strength"].to_pylist(), strict=True))

    def strength_of(self, ring_id: str) -> float:
        """The ring's strength."""
        return self._strengths[ring_id]

    def members_of(self, ring_id: str) -> Int32:
        """The ring's users, sorted."""
        return self._members[ring_id]

    def rings(self, most: int) -> list[RunRing]:
        """The worst rings with their members, but without evidence: filtering that for each of hundreds of rings takes seconds."""
        table = self.run.members
        names = table["ring_id"].combine_chunks().dictionary_encode()
        of = names.indices.to_numpy()
        order = np.argsort(of, kind="stable")
        bounds = np.searchsorted(of[order], np.arange(len(names.dictionary) + 1))
        place = {name: n for n, name in enumerate(names.dictionary.to_pylist())}
        nothing = self.run.evidence.schema.empty_table()
        found = []
        for facts in self.run.rings.sort_by("rank").slice(0, most).to_pylist():
            own = place[facts["ring_id"]]
            found.append(RunRing(facts, table.take(pa.array(order[bounds[own] : bounds[own + 1]])), nothing))
        return found

    def rows_of(self, members: Int32) -> Int64:
        """The members' kept events, in order of time."""
        return np.sort(self._by_user[stretches(self._user_start, members)])

    def visits_of(self, users: Int32) -> Int64:
        """The users' visits."""
        return self._visits_by_user[stretches(self._visit_user_start, users)]

    def visits_at(self, keys: Int64) -> Int64:
        """Everybody's visits to some keys, by key and time."""
        return stretches(self._key_start, keys)

    def seconds(self, rows: Int64) -> Int64:
        """Seconds since the log's first event; −1 for an event without a time in a log that has times."""
        if self.start is None:
            return np.zeros(len(rows), np.int64)
        return np.where(self.time[rows] == NO_TIME, -1, (self.time[rows] - self.start) // 1_000_000)


def _micros(column: pa.ChunkedArray) -> Int64:
    values = column.cast(pa.int64())
    return np.asarray(pc.fill_null(values, int(NO_TIME)).to_numpy(), np.int64)
