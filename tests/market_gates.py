"""Measures of a market's honesty: what detectors that look at no coordination reach on it. Used by test_market_honesty.py."""

from __future__ import annotations

import tempfile
from pathlib import Path

import baselines
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.parquet as pq
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import average_precision_score, roc_auc_score

from graphdet import read_events
from graphdet.simulate import Market
from graphdet.simulate.sessions import ACTION
from graphdet.simulate.writing import log_table


def members(market: Market) -> npt.NDArray[np.bool_]:
    """Which user codes are members of a ring."""
    table = market.truth["members"].to_pandas()
    names = table.loc[table.role == "member", "node_id"]
    return pd.Index(market.ids["user"].to_pandas()).isin(names)


def rings(market: Market) -> list[npt.NDArray[np.int64]]:
    """User codes of each ring."""
    table = market.truth["members"].to_pandas()
    table = table[table.role == "member"]
    codes = pd.Index(market.ids["user"].to_pandas()).get_indexer(table.node_id)
    return [codes[rows] for rows in table.reset_index(drop=True).groupby("ring_id").indices.values()]


def area(truth: npt.NDArray[np.bool_], score: npt.NDArray[np.floating] | pd.Series) -> float:
    """Area under the ROC curve."""
    return float(roc_auc_score(truth, np.asarray(score, dtype=float)))


def either_way(truth: npt.NDArray[np.bool_], score: npt.NDArray[np.floating] | pd.Series) -> float:
    """Area under the ROC curve of the better direction; 0.5 = tells nothing."""
    found = area(truth, score)
    return max(found, 1 - found)


def leaks(market: Market) -> dict[str, float]:
    """AUC of ring membership from what should carry nothing: ids, order of rows, sub-second parts, IP numbers."""
    truth = members(market)
    user = market.columns.user
    log = log_table(market).select(["event_id", "ip", "order_id", "device_id"]).to_pandas()

    def mean(values: npt.NDArray[np.floating] | pd.Series) -> pd.Series:
        return pd.Series(np.asarray(values, dtype=float)).groupby(user).mean().fillna(0.5)

    def number(ids: pd.Series) -> pd.Series:
        return ids.map(lambda name: int(name[1:], 16) / 2.0**64, na_action="ignore").astype(float)

    names = pd.Series(market.ids["user"].to_pandas())
    version_4 = log.ip.where(~log.ip.str.contains(":", na=False))
    octets = version_4.str.split(".", expand=True).astype(float)
    second = market.columns.time // 1_000_000
    # Order of rows inside a second, where a writer that appends rings would show.
    run = np.r_[0, np.cumsum(np.diff(second) != 0)]
    size = np.bincount(run)
    first = np.cumsum(size) - size
    within = (np.arange(len(market)) - first[run]) / np.maximum(size[run] - 1, 1)
    micro = market.columns.time % 1_000_000
    return {
        "user id": either_way(truth, number(names)),
        "user id, last digit": either_way(truth, names.str[-1].map(lambda digit: int(digit, 16))),
        "event ids": either_way(truth, mean(number(log.event_id))),
        "order ids": either_way(truth, mean(number(log.order_id))),
        "device ids": either_way(truth, mean(number(log.device_id))),
        "rows, position within a second": either_way(truth, mean(np.where(size[run] > 1, within, np.nan))),
        "microseconds": either_way(truth, mean(micro)),
        "whole milliseconds": either_way(truth, mean(micro % 1000 == 0)),
        "ip, first octet": either_way(truth, mean(octets[0])),
        "ip, last octet": either_way(truth, mean(octets[3])),
        "ip, number": either_way(truth, mean(octets[0] * 65536 + octets[1] * 256 + octets[2])),
    }


def sizes(market: Market) -> dict[str, float]:
    """AUC of ring membership from account age and from each degree alone."""
    truth = members(market)
    columns = market.columns
    frame = pd.DataFrame({"user": columns.user, "time": columns.time, "item": columns.item, "device": columns.device, "ip": columns.ip})
    groups = frame.groupby("user")
    found = {"first seen": groups.time.min(), "last seen": groups.time.max(), "events": groups.size()}
    found |= {f"{name}s": groups[name].nunique() for name in ("item", "device", "ip")}
    return {name: either_way(truth, values) for name, values in found.items()}


def tabular_features(market: Market) -> pd.DataFrame:
    """What a careful analyst tabulates about each user without looking at anybody else."""
    columns = market.columns
    frame = pd.DataFrame(
        {
            "user": columns.user,
            "time": columns.time / 3.6e9,
            "item": columns.item,
            "device": columns.device,
            "ip": columns.ip,
            "action": columns.action,
            "amount": columns.amount,
            "rating": np.where(columns.rating > 0, columns.rating, np.nan),
            "address": columns.address,
            "payment": columns.payment,
        }
    )
    known = frame.item >= 0
    frame["category"] = np.where(known, market.item_category[frame.item], -1)
    frame["seller"] = np.where(known, market.item_seller[frame.item], -1)
    groups = frame.groupby("user")
    features = pd.DataFrame({"events": groups.size()})
    for name in ("item", "device", "ip", "category", "seller", "address", "payment"):
        features[f"{name}s"] = groups[name].nunique()
        features[f"{name}s a event"] = features[f"{name}s"] / features.events
    for name in ("click", "view", "favourite", "cart", "order", "pay", "review", "refund", "cancel", "coupon", "login"):
        count = (frame.action == ACTION[name]).groupby(frame.user).sum()
        features[name], features[f"{name} share"] = count, count / features.events
    features["buy per look"] = features.order / (features.click + features.view + 1)
    hour = frame.time % 24
    features["first"], features["last"], features["middle"] = groups.time.min(), groups.time.max(), groups.time.median()
    features["span"] = features["last"] - features["first"]
    features["days"] = (frame.time // 24).groupby(frame.user).nunique()
    features["events a day"] = features.events / features.days
    features["busiest day"] = frame.groupby(["user", frame.time // 24]).size().groupby("user").max() / features.events
    features["night"] = (hour < 6).groupby(frame.user).mean()
    features["hour"], features["hour spread"] = hour.groupby(frame.user).mean(), hour.groupby(frame.user).std()
    gap = groups.time.diff()
    features["gap"], features["gap spread"] = gap.groupby(frame.user).median(), gap.groupby(frame.user).std()
    for name in ("amount", "rating"):
        features[f"mean {name}"], features[f"{name} spread"], features[f"max {name}"] = (
            groups[name].mean(),
            groups[name].std(),
            groups[name].max(),
        )
    popularity = np.log(np.bincount(columns.item[columns.item >= 0], minlength=len(market.item_category)) + 1.0)
    frame["popularity"] = np.where(known, popularity[frame.item], np.nan)
    features["popularity"] = frame.popularity.groupby(frame.user).mean()
    features["bought popularity"] = frame.popularity.where(frame.action == ACTION["order"]).groupby(frame.user).mean()
    top = frame[known].groupby(["user", "category"]).size().groupby("user").max() / features.events
    features["top category"] = top
    features["top seller"] = frame[known].groupby(["user", "seller"]).size().groupby("user").max() / features.events
    return features


def tree_precision(market: Market, folds: int = 3) -> float:
    """Area under the precision-recall curve of boosted trees on the tabular features, on rings that they have not seen.

    A user of several rings is judged by the trees that know none of them, and is left out of their training.
    """
    rng = np.random.default_rng(0)
    features, truth, groups = tabular_features(market), members(market), rings(market)
    fold = rng.integers(0, folds, len(truth))
    held_rings = rng.permutation(len(groups)) % folds
    for number, ring in enumerate(groups):
        fold[ring] = held_rings[number]
    score = np.zeros(len(truth))
    for held in range(folds):
        training = fold != held
        for number in np.flatnonzero(held_rings == held):
            training[groups[number]] = False
        model = HistGradientBoostingClassifier(max_iter=120, learning_rate=0.08, random_state=0)
        model.fit(features[training], truth[training])
        score[fold == held] = model.predict_proba(features[fold == held])[:, 1]
    return float(average_precision_score(truth, score))


def rings_in_device_components(market: Market) -> float:
    """Share of rings that some component of shared devices matches with Jaccard above one half, at the cap that suits best."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.parquet"
        pq.write_table(log_table(market).select(["event_id", "timestamp", "user_id", "device_id"]), path)
        events = read_events([path])
    codes = pd.Index(events.ids["user"].to_pandas()).get_indexer(market.ids["user"].to_pandas())
    truth = [set(codes[ring].tolist()) for ring in rings(market)]
    best = 0
    for most_users in (3, 6, 20, len(codes)):
        groups = [set(group.tolist()) for group in baselines.shared_device(events, most_users=most_users).groups]
        owner = {user: number for number, group in enumerate(groups) for user in group}
        matched = 0
        for ring in truth:
            near = {owner[user] for user in ring if user in owner}
            matched += any(len(ring & groups[number]) / len(ring | groups[number]) > 0.5 for number in near)
        best = max(best, matched)
    return best / len(truth)


def fraudar_f1(user: npt.NDArray[np.int32], item: npt.NDArray[np.int32], truth: npt.NDArray[np.bool_], blocks: int) -> float:
    """F1 of the users in FRAUDAR's first k blocks of the static graph, at the k that suits best."""
    pairs = np.unique(np.stack([user, item]), axis=1)
    found, _ = baselines.fraudar_blocks(pairs[0], pairs[1], len(truth), int(item.max()) + 1, blocks)
    flagged = np.zeros(len(truth), dtype=bool)
    best = 0.0
    for block in found:
        flagged[block] = True
        best = max(best, 2 * float((flagged & truth).sum()) / float(flagged.sum() + truth.sum()))
    return best
