"""Visits → draws: what one user does at items at one go is one choice, however many rows tell of it.

The lines of an order, a page that shows six things, a mail whose links are opened one after the other, a page with its pictures, one thing
under three ids: each row looks like a choice of its own, and whoever makes the same choice seems to agree in three, six, twenty things.
So visits of one user that follow each other within seconds are one draw: it counts once, whatever it holds, and the null exchanges draws.
Bare dates tell no seconds. There items stand for one choice that come together for everybody, on one day of each visitor: a bundle.
"""

from __future__ import annotations

import numpy as np
import scipy

from graphdet.arrays import Bool, Int32, Int64

ALONE = -1  # a visit that is a draw of its own
TOGETHER = 0.8  # share of the visits of each of two items that come with one to the other, from which on they are a bundle
LEAST_VISITS = 3  # of an item that may be part of a bundle
MOST_AT_ONCE = 100  # items in one draw that may tell of bundles; who opens more copies the whole shop


def draws_by_time(user: Int32, time: Int32, gap: int) -> Int32:
    """(v,) draw of each visit to items, `ALONE` or numbered by user and time: visits of one user no more than `gap` seconds apart."""
    order = np.argsort(user.astype(np.int64) << 32 | time)  # equal ones are one draw, whatever their order
    who, when = user[order], time[order].astype(np.int64)
    return _numbered(order, (who[1:] == who[:-1]) & (np.diff(when) <= gap))


def draws_by_bundle(user: Int32, time: Int32, bundle: Int32) -> Int32:
    """The same where times are bare dates: visits of one user on one day to one bundle; `bundle` (v,) of each visit's item, −1 for none."""
    order = np.lexsort((bundle, time, user))
    who, when, what = user[order], time[order], bundle[order]
    return _numbered(order, (who[1:] == who[:-1]) & (when[1:] == when[:-1]) & (what[1:] == what[:-1]) & (what[1:] >= 0))


def bundles_of(item: Int32, occasion: Int64, items: int) -> Int32:
    """(items,) number of each item's bundle, −1 where it is in none: items that nearly all their visitors visit on one occasion.

    Args:
        item: (v,) of each visit.
        occasion: (v,) what is at one go has one number: a draw, or a user's day.
        items: how many there are.
    """
    visits = np.bincount(item, minlength=items)
    _, occasion = np.unique(occasion, return_inverse=True)
    at_once = np.bincount(occasion)[occasion]
    told = (at_once >= 2) & (at_once <= MOST_AT_ONCE) & (visits[item] >= LEAST_VISITS)
    places, shape = (occasion[told], item[told]), (int(occasion.max(initial=-1)) + 1, items)
    shown = scipy.sparse.csr_matrix((np.ones(int(told.sum()), np.int32), places), shape=shape)
    shown.data[:] = 1
    common = scipy.sparse.coo_matrix(scipy.sparse.csr_matrix(shown.T @ shown))
    whole = common.data >= TOGETHER * np.maximum(visits[common.row], visits[common.col])
    whole &= common.row != common.col
    together = scipy.sparse.csr_matrix((np.ones(int(whole.sum()), np.int8), (common.row[whole], common.col[whole])), shape=(items, items))
    count, label = scipy.sparse.csgraph.connected_components(together, directed=False)
    several = np.bincount(label, minlength=count) > 1
    return np.where(several, np.cumsum(several) - 1, -1)[label].astype(np.int32)


def renumbered(draw: Int32) -> Int32:
    """The same draws, those that are there numbered from 0."""
    known, number = np.unique(draw, return_inverse=True)
    return (number - np.count_nonzero(known < 0)).astype(np.int32)


def _numbered(order: Int64, joined: Bool) -> Int32:
    """Draws of visits in an order in which each may be joined with the one before; singles are `ALONE`."""
    start = np.r_[True, ~joined][: len(order)]
    number = np.cumsum(start) - 1
    several = np.bincount(number) > 1 if len(order) else start
    draw = np.empty(len(order), np.int32)
    draw[order] = np.where(several, np.cumsum(several) - 1, ALONE)[number] if len(order) else number
    return draw
