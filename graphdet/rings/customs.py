"""What honest people who share a thing would do, as chances measured against the log's own habits."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import scipy

from graphdet.arrays import Bool, Float64, Int64
from graphdet.visits.accounts import Accounts

MOSTLY = 0.8  # of guests who would pass for attached: then whom they are exchanged with hardly matters, and attachment tells nothing


def attached_users(accounts: Accounts, own: Int64) -> Bool:
    """(rows,) who keeps to a key: came again, or was nowhere else as often; `own` (users,) all visits to the view of each user."""
    return np.asarray((accounts.visits >= 2) | (2 * accounts.visits >= own[accounts.user]))


def chance_of_attached(users: Int64, attached: Int64, visits: Int64, own: Int64) -> Float64:
    """(n,) chance that so many of the users of a key were attached to it, were users exchanged among all visits of the view; 0 = untold.

    Args:
        users, attached, visits: (n,) of each key, or of several keys as one.
        own: (users of the log,) all visits to the view of each user.
    """
    every = max(int(own.sum()), 1)
    once = own[own <= 2].sum() / every  # one visit of two is as often as elsewhere
    again = (own[own > 2] * (own[own > 2] - 1)).sum() / every
    share = np.minimum(once + again * visits / every, 1.0)
    return np.asarray(np.where(share > MOSTLY, 0.0, scipy.special.bdtrc(attached - 1, users, np.minimum(share, MOSTLY))), np.float64)


def keys_with_so_many(of_key: Int64, users: Iterable[int]) -> list[float]:
    """How many keys of a view would have so many users or more, for each number, as the others tell that are shared: beyond two users a
    geometric law.

    Homes fall off faster than that. Where keys of many are the custom, as in a log of terminals, the numbers hardly fall, and tell nothing.
    """
    shared = of_key[of_key >= 2]
    all_beyond, keys = int((shared - 2).sum()), max(len(shared), 1)
    expected = []
    for number in users:
        beyond = max(all_beyond - (number - 2), 0)  # but for the key itself
        ratio = (beyond + 1) / (beyond + 1 + keys)
        expected.append(float(keys * ratio ** max(number - 2, 0)))
    return expected


def false_discovery(chances: Float64) -> Float64:
    """(n,) expected share of false ones among those at most as likely (Benjamini & Hochberg 1995)."""
    order = np.argsort(chances, kind="stable")
    n = len(chances)
    q = np.empty(n)
    q[order] = np.minimum(np.minimum.accumulate((chances[order] * n / np.arange(1, n + 1))[::-1])[::-1], 1.0)
    return q
