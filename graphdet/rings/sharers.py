"""Visits → who shares what: keys that are mostly used by accounts which keep to them, and which of these keys are one group's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from graphdet.arrays import Bool, Int32, Int64
from graphdet.rings.cores import most_members
from graphdet.rings.customs import attached_users
from graphdet.schema import NODE_TYPE
from graphdet.visits.accounts import Accounts, accounts_of
from graphdet.visits.visits import View, Visits

LEAST = 3  # accounts that a group has at the least; two may be a couple


@dataclass(frozen=True)
class Sharers:
    """The accounts of one view's keys.

    Attributes:
        view: of devices, payment instruments, or whatever belongs to a few.
        accounts: of each key.
        attached: (rows of `accounts`,) who keeps to the key.
        times: (visits of the view,) when they were, sorted.
        own: (users,) visits of each user to the view.
        chosen: (keys,) which keys are mostly used by accounts that keep to them, three or more.
    """

    view: View
    accounts: Accounts
    attached: Bool
    times: Int32
    own: Int64
    chosen: Bool


def read_sharers(visits: Visits) -> list[Sharers]:
    """Of each view whose things belong to a person or a home. O(visits)."""
    found = []
    for view in visits.views:
        if not NODE_TYPE[view.name].personal:
            continue
        accounts = accounts_of(visits, view)
        of_view = slice(visits.offset[view.first_key], visits.offset[view.first_key + view.keys])
        own = np.bincount(visits.user[of_view], minlength=visits.users)
        attached = attached_users(accounts, own)
        number = np.bincount(accounts.key[attached], minlength=view.keys)
        users = accounts.of_key
        found.append(
            Sharers(
                view=view,
                accounts=accounts,
                attached=attached,
                times=np.sort(visits.time[of_view]),
                own=own,
                chosen=(number >= LEAST) & (2 * number >= users),
            )
        )
    return found


def group_of_keys(sharers: list[Sharers], visits: Visits) -> Int32:
    """(keys,) which keys of all views are one group's, −1 where they are none's.

    Two keys are where they have most of the accounts of the smaller one in common. A network joins keys whose accounts mostly use it, where
    hardly anybody else does. A key of more accounts than a ring can have joins nothing: it may be a kind of thing, such as a browser.
    """
    group = np.full(visits.keys, -1, np.int32)
    most = most_members(visits.users)
    chosen = [np.flatnonzero(one.chosen & (one.accounts.of_key <= most)) + one.view.first_key for one in sharers]
    large = [np.flatnonzero(one.chosen & (one.accounts.of_key > most)) + one.view.first_key for one in sharers]
    keys, alone = (np.concatenate([*own, np.zeros(0, np.int64)]) for own in (chosen, large))
    group[alone] = np.arange(len(alone))
    if not len(keys):
        return group
    keeps = _incidence([(one.view, one.accounts, one.attached) for one in sharers], visits)[:, keys]
    size = np.diff(keeps.indptr)
    common = (keeps.T @ keeps).tocoo()
    near = (common.data >= 2) & (2 * common.data >= np.minimum(size[common.row], size[common.col]))
    networks = _incidence([(view, found, np.ones(len(found.user), np.bool_)) for view, found in _networks(visits)], visits)
    used = _networks_of_groups(keeps, networks)
    own = np.unique(used.col)
    row, col = np.r_[common.row[near], used.row], np.r_[common.col[near], len(keys) + np.searchsorted(own, used.col)]
    nodes = len(keys) + len(own)
    edges = scipy.sparse.coo_array((np.ones(len(row)), (row, col)), shape=(nodes, nodes))
    _, label = scipy.sparse.csgraph.connected_components(edges, directed=False)
    group[np.concatenate([keys, own])] = len(alone) + label
    return group


def _networks_of_groups(keeps: scipy.sparse.csc_array, networks: scipy.sparse.csc_array) -> scipy.sparse.coo_array:
    """(keys, networks) 1 where most of a key's accounts use a network of which they, and those of other such keys, are most users."""
    size, users = np.diff(keeps.indptr), np.diff(networks.indptr)
    across = (keeps.T @ networks).tocoo()
    near = (across.data >= 2) & (2 * across.data >= size[across.row])
    joins = scipy.sparse.coo_array((np.ones(near.sum(), np.int32), (across.row[near], across.col[near])), shape=across.shape).tocsc()
    theirs = np.asarray(networks.multiply((keeps @ joins) > 0).sum(0)).ravel()
    kept = (2 * theirs >= users)[joins.tocoo().col]
    found = joins.tocoo()
    return scipy.sparse.coo_array((found.data[kept], (found.row[kept], found.col[kept])), shape=found.shape)


def _networks(visits: Visits) -> list[tuple[View, Accounts]]:
    """Views of what many share, as an office its address on the net."""
    return [(view, accounts_of(visits, view)) for view in visits.views if NODE_TYPE[view.name].shared and not NODE_TYPE[view.name].personal]


def _incidence(parts: list[tuple[View, Accounts, Bool]], visits: Visits) -> scipy.sparse.csc_array:
    """(users, keys of all views) 1 where an account of the chosen rows is at the key."""
    user = np.concatenate([accounts.user[rows] for _, accounts, rows in parts] or [np.zeros(0, np.int32)])
    key = np.concatenate([accounts.key[rows] + view.first_key for view, accounts, rows in parts] or [np.zeros(0, np.int64)])
    return scipy.sparse.coo_array((np.ones(len(user), np.int32), (user, key)), shape=(visits.users, visits.keys)).tocsc()
