"""Who shares what → every group that is looked at for a farm, with the chance of it by honest custom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graphdet.arrays import Int32, Int64, check_sorted
from graphdet.rings.closeness import find_closest, log_chance
from graphdet.rings.cores import most_members
from graphdet.rings.customs import chance_of_attached, keys_with_so_many
from graphdet.rings.sharers import LEAST, Sharers
from graphdet.visits.visits import DAY, UNTIMED, Visits

MINUTE = 60
LEAST_CHANCE = 1e-300
LEAST_ALIKE = 5  # accounts that share things of two kinds, where they keep to no time


@dataclass(frozen=True)
class Closeness:
    """Why a group is unlikely.

    Attributes:
        accounts: at its keys, in all.
        inside: of these in one window.
        share: chance that an honest one keeps to that window; 1 where any time would do, and the number alone is unlikely.
        by_number: the chance of that.
    """

    accounts: int
    inside: int
    share: float
    by_number: float = 1.0

    def of_those_left(self, inside: int) -> Closeness:
        """The same with fewer accounts inside, the others gone from the log."""
        if inside >= self.inside:
            return self
        gone = self.inside - inside
        return Closeness(self.accounts - gone, inside, self.share, self.by_number ** (inside / self.inside))

    @property
    def log_chance(self) -> float:
        """log10."""
        if self.share < 1:
            return log_chance(self.accounts, self.inside, self.share)
        return float(np.log10(max(self.by_number, LEAST_CHANCE)))


@dataclass(frozen=True)
class FarmTest:
    """One group: `key` where it is one key's (numbered over all views), `group` where it is that of several; `chance` by honest custom."""

    group: int
    key: int
    members: Int32
    start: int
    end: int
    closeness: Closeness
    chance: float

    def __post_init__(self) -> None:
        check_sorted("members", self.members)


def all_tests(sharers: Sequence[Sharers], group: Int32, visits: Visits) -> list[FarmTest]:
    """Every key by itself, every group by its keys of one view, where these are several, and by its keys of several views.

    Args:
        sharers: of each view.
        group: (keys of all views,) see `group_of_keys`.
        visits: of the log.
    """
    grain = DAY if not (visits.time % DAY).any() else MINUTE
    found: list[FarmTest] = []
    for one in sharers:
        if not one.chosen.any():
            continue
        of_key = group[one.view.first_key : one.view.first_key + one.view.keys]
        keys = np.where(one.chosen, np.arange(one.view.keys), -1)
        several = np.bincount(of_key[one.chosen]) > 1
        groups = np.where(one.chosen, np.where(several[np.where(one.chosen, of_key, 0)], of_key, -1), -1)
        found += _by_time(one, keys, of_key, grain, one.view.first_key)
        found += _by_time(one, groups, of_key, grain, None)
    return found + _by_number(sharers, group, visits)


def _by_time(one: Sharers, label: Int64, of_key: Int32, grain: int, first_key: int | None) -> list[FarmTest]:
    """A test of each label of keys (−1 = none), which is the key itself where `first_key` is given."""
    accounts = one.accounts
    mine = label[accounts.key]
    rows = np.flatnonzero(mine >= 0)
    if not len(rows):
        return []
    labels, place = np.unique(mine[rows], return_inverse=True)
    both, of_row = np.unique(place * len(one.own) + accounts.user[rows], return_inverse=True)  # one for each label and user
    user, of = (both % len(one.own)).astype(np.int32), both // len(one.own)
    first, low = np.full(len(both), UNTIMED, np.int32), np.full(len(both), np.iinfo(np.int64).max)
    last, high = np.zeros(len(both), np.int32), np.zeros(len(both), np.int64)
    np.minimum.at(first, of_row, accounts.first[rows])
    np.minimum.at(low, of_row, np.searchsorted(one.times, accounts.first[rows]))  # visits of the view before the first here
    np.maximum.at(last, of_row, accounts.last[rows])
    np.maximum.at(high, of_row, np.searchsorted(one.times, accounts.last[rows], side="right"))  # and up to the last
    visits = np.bincount(of_row, accounts.visits[rows], len(both)).astype(np.int32)
    attached = np.bincount(of_row, one.attached[rows], len(both)) > 0
    users = np.bincount(of, minlength=len(labels))
    in_all = np.bincount(of, visits, len(labels))
    by_chance = chance_of_attached(users, np.bincount(of, attached, len(labels)).astype(np.int64), in_all, one.own)
    kept = np.flatnonzero(attached)
    offset = np.searchsorted(of[kept], np.arange(len(labels) + 1))
    start = np.searchsorted(of, np.arange(len(labels) + 1))
    total = np.full(len(labels), int(one.own.sum()))
    closest = find_closest(offset, users, first[kept], last[kept], visits[kept], low[kept], high[kept], total, grain, LEAST)
    found = []
    for number, name in enumerate(labels.tolist()):
        rows = np.arange(start[number], start[number + 1])  # attached or not
        within = (first[rows] >= closest.start[number]) & (last[rows] <= closest.end[number])
        found.append(
            FarmTest(
                group=int(of_key[name]) if first_key is not None else name,
                key=name + first_key if first_key is not None else -1,
                members=user[rows[within]],
                start=int(closest.start[number]),
                end=int(closest.end[number]),
                closeness=Closeness(int(users[number]), int(closest.inside[number]), float(closest.share[number])),
                chance=float(max(10.0 ** closest.log_chance[number], by_chance[number], LEAST_CHANCE)),
            )
        )
    return found


def _by_number(sharers: Sequence[Sharers], group: Int32, visits: Visits) -> list[FarmTest]:
    """A test of each group whose accounts share keys of two views: no likelier than the likelier of the two."""
    shared: dict[int, list[tuple[float, int, Int32, int]]] = {}  # group → chance, view, accounts that keep to it, accounts in all
    for view, one in enumerate(sharers):
        users = one.accounts.of_key
        keys = np.flatnonzero(one.chosen & (users >= LEAST_ALIKE) & (users <= most_members(visits.users)))
        number = np.bincount(one.accounts.key[one.attached], minlength=one.view.keys)[keys].astype(np.int64)
        in_all = np.bincount(one.accounts.key, one.accounts.visits, one.view.keys)[keys]
        by_chance = chance_of_attached(users[keys], number, in_all, one.own)
        by_custom = (np.array(keys_with_so_many(users, users[keys].tolist())) / int(one.chosen.sum())).tolist()
        for key, custom, chance_there in zip(keys.tolist(), by_custom, by_chance.tolist(), strict=True):
            rows = np.arange(one.accounts.offset[key], one.accounts.offset[key + 1])
            own = np.sort(one.accounts.user[rows[one.attached[rows]]])
            entry = (max(custom, chance_there, LEAST_CHANCE), view, own, int(users[key]))
            shared.setdefault(int(group[key + one.view.first_key]), []).append(entry)
    found = []
    for name, entries in sorted(shared.items()):
        best = min(entries, key=lambda entry: (entry[0], entry[1]))
        for chance, view, own, users_there in sorted(entries, key=lambda entry: (entry[0], entry[1], -len(entry[2]))):
            members = np.intersect1d(best[2], own, assume_unique=True)
            if view != best[1] and len(members) >= LEAST_ALIKE:
                likelier = min(max(chance, best[0]), 1.0)
                closeness = Closeness(max(best[3], users_there), len(members), 1.0, likelier)
                found.append(FarmTest(name, -1, members, 0, int(visits.time.max(initial=0)), closeness, likelier))
                break
    return found
