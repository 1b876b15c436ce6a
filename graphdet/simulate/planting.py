"""Any log as a table → the same log with one ring planted in it, and who and what the ring is.

Two recipes from the literature: a block in the static graph (FRAUDAR's injection) and one whose every target is worked on within a
window (HoloScope's). The background stays as it is, so a real log can be used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from graphdet.errors import MarketError, nearest
from graphdet.simulate.streams import Floats, Longs, mix, stream

Camouflage = Literal["none", "random", "popular", "copied"]
_ITEM_COLUMNS = ("category", "seller_id")


@dataclass(frozen=True)
class Planted:
    """A log with one ring in it.

    Attributes:
        events: background and ring in the columns of the background, in time order where it has times.
        users: ids of the ring's users.
        targets: ids of the ring's targets.
        touched: (users,) distinct targets that each of them touches; the ring can see those with two or more.
    """

    events: pd.DataFrame
    users: tuple[str, ...]
    targets: tuple[str, ...]
    touched: tuple[int, ...]


def plant_ring(
    events: pd.DataFrame,
    *,
    users: int,
    targets: int,
    density: float,
    window: float,
    camouflage: Camouflage,
    noise_events_per_user: float,
    seed: int,
    action: str = "order",
) -> Planted:
    """Plant new users who work on little-known items, each item within one window, and who do other things besides.

    Args:
        events: at least `user_id` and `item_id`; `timestamp` (datetimes; where all are midnight, the ring's are too), `action`,
            `category` and `seller_id` where the log has them. Other columns stay empty for the ring.
        users, targets: size of the ring.
        density: share of user-target pairs that are touched, 0 … 1.
        window: seconds in which one target is worked on.
        camouflage: what the other events are on: nothing, any item, popular items, or the items of one real user each.
        noise_events_per_user: mean number of those other events.
        action: what the ring does.

    Raises:
        MarketError: the log lacks a column or has too few items, or a number is out of bounds.

    Source: Liu, Hooi and Faloutsos (2017), HoloScope, whose injected blocks have bursts in time; the choice of targets among items of at
    most ten events is ours, since those are what a ring is paid to lift.
    """
    rng = stream(seed, "plant")
    _check(events, targets, density, camouflage)
    names = _new_names(users, seed)
    chosen = rng.choice(_quiet_items(events, targets), targets, replace=False)
    pair = np.flatnonzero(rng.random(users * targets) < density)
    user, target = np.divmod(pair, targets)
    offset = None
    if "timestamp" in events:
        first, length = _span(events)
        begin = rng.random(targets) * max(length - window, 0.0)
        offset = first + pd.to_timedelta(begin[target] + rng.random(len(pair)) * min(window, length), unit="s")
    ring = _rows(events, names[user], chosen[target], offset, action)
    other = _noise(events, names, rng.poisson(noise_events_per_user, users), camouflage, rng)
    return _planted(events, [ring, other], names, chosen, user)


def fraudar_block(
    events: pd.DataFrame,
    *,
    users: int,
    targets: int,
    density: float,
    camouflage: Camouflage,
    hijacked: bool,
    seed: int,
    action: str = "order",
) -> Planted:
    """Plant a dense block of the static user-item graph; its times are spread over the whole log.

    Args:
        events, users, targets, density, camouflage, action: as in `plant_ring`; there are as many camouflage events as block events.
        hijacked: the block's users are users of the log with lives of their own, not new ones.

    Raises:
        MarketError: as in `plant_ring`.

    Source: Hooi et al. (2016), FRAUDAR: injected blocks without camouflage, with random or biased camouflage, and with hijacked accounts.
    """
    rng = stream(seed, "block")
    _check(events, targets, density, camouflage)
    known = np.unique(events["user_id"].to_numpy(dtype=str))
    if hijacked and len(known) < users:
        raise MarketError(f"the log has {len(known)} users, too few to hijack {users}; ask for fewer.")
    names = rng.choice(known, users, replace=False) if hijacked else _new_names(users, seed)
    chosen = rng.choice(_quiet_items(events, targets), targets, replace=False)
    pair = np.flatnonzero(rng.random(users * targets) < density)
    user, target = np.divmod(pair, targets)
    offset = None
    if "timestamp" in events:
        first, length = _span(events)
        offset = first + pd.to_timedelta(rng.random(len(pair)) * length, unit="s")
    ring = _rows(events, names[user], chosen[target], offset, action)
    other = _noise(events, names, np.bincount(user, minlength=users), camouflage, rng)
    return _planted(events, [ring, other], names, chosen, user)


def _check(events: pd.DataFrame, targets: int, density: float, camouflage: str) -> None:
    for column in ("user_id", "item_id"):
        if column not in events:
            raise MarketError(f"the log has no column '{column}'; rename its columns (found {', '.join(events.columns)}).")
    if events["item_id"].nunique() < targets:
        raise MarketError(f"the log has {events['item_id'].nunique()} items, too few for {targets} targets.")
    if not 0 < density <= 1:
        raise MarketError(f"density must be in (0, 1] (found {density}).")
    if camouflage not in get_args(Camouflage):
        raise MarketError(
            f"no camouflage '{camouflage}'{nearest(camouflage, get_args(Camouflage)) or '.'} Known: {', '.join(get_args(Camouflage))}."
        )


def _new_names(users: int, seed: int) -> npt.NDArray[np.str_]:
    return np.array([f"n{word:016x}" for word in mix(np.arange(users), seed).tolist()])


def _quiet_items(events: pd.DataFrame, least: int) -> npt.NDArray[np.object_]:
    """Items of at most ten events; where there are too few of those, the quietest."""
    counts = events["item_id"].value_counts().sort_index().sort_values(kind="stable")
    quiet = int((counts <= 10).sum())
    return counts.index.to_numpy(dtype=object)[: max(quiet, least)]


def _span(events: pd.DataFrame) -> tuple[pd.Timestamp, float]:
    first, last = events["timestamp"].min(), events["timestamp"].max()
    return first, (last - first).total_seconds()


def _noise(
    events: pd.DataFrame, names: npt.NDArray[np.generic], counts: Longs, camouflage: Camouflage, rng: np.random.Generator
) -> pd.DataFrame:
    """Other events of the ring's users, at times of the background's events, so that seasons are the log's own."""
    counts = counts * (camouflage != "none")
    total = int(counts.sum())
    owner = np.repeat(np.arange(len(names)), counts)
    items = events["item_id"].dropna()
    row = rng.integers(0, len(items), total)
    if camouflage == "random":
        item = rng.choice(items.unique(), total)
    elif camouflage == "copied":
        model = rng.choice(events["user_id"].unique(), len(names))
        theirs = events.loc[events["item_id"].notna() & events["user_id"].isin(model)].groupby("user_id")["item_id"].agg(list)
        places: Floats = rng.random(total)
        lists = [theirs.get(user, [items.iloc[0]]) for user in model]
        item = np.array(
            [lists[who][int(place * len(lists[who]))] for who, place in zip(owner.tolist(), places.tolist(), strict=True)], dtype=object
        )
    else:
        item = items.to_numpy()[row]
    when = events["timestamp"].iloc[rng.integers(0, len(events), total)].reset_index(drop=True) if "timestamp" in events else None
    action = events["action"].to_numpy()[rng.integers(0, len(events), total)] if "action" in events else "view"
    return _rows(events, names[owner], item, when, action)


def _rows(
    events: pd.DataFrame,
    user: npt.NDArray[np.generic],
    item: npt.NDArray[np.generic],
    time: pd.Series | pd.DatetimeIndex | None,
    action: str | npt.NDArray[np.generic],
) -> pd.DataFrame:
    """Rows in the background's columns; an item keeps its category and seller, and a log of dates gets dates."""
    rows = pd.DataFrame({"user_id": user, "item_id": item})
    if time is not None:
        dates_only = bool((events["timestamp"] == events["timestamp"].dt.normalize()).all())
        rows["timestamp"] = pd.Series(time).dt.normalize().to_numpy() if dates_only else pd.Series(time).to_numpy()
        rows["timestamp"] = rows["timestamp"].astype(events["timestamp"].dtype)
    if "action" in events:
        rows["action"] = action
    for column in _ITEM_COLUMNS:
        if column in events:
            rows[column] = rows["item_id"].map(events.drop_duplicates("item_id").set_index("item_id")[column])
    return rows


def _planted(
    events: pd.DataFrame, added: list[pd.DataFrame], names: npt.NDArray[np.generic], targets: npt.NDArray[np.generic], user: Longs
) -> Planted:
    whole = pd.concat([events, *(rows for rows in added if len(rows))], ignore_index=True)
    if "timestamp" in whole:
        whole = whole.sort_values("timestamp", kind="stable", ignore_index=True)
    touched = np.bincount(user, minlength=len(names))
    return Planted(whole, tuple(map(str, names)), tuple(map(str, targets)), tuple(touched.tolist()))
