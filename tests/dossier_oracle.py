"""A ring's facts counted again from the raw log with pandas, from the definitions of docs/dossier.md alone.

Nothing of graphdet's is used here. Given are the raw log in plain columns, the ring's members, and the time of each item target.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import combinations, product
from typing import Any, TypeVar

import networkx as nx
import numpy as np
import pandas as pd
from scipy.stats import beta, binom

Found = TypeVar("Found")
DAY = pd.Timedelta(days=1)
# Kinds of things that members may share, with the columns that name them.
SHARED = (
    *(("device", "device_id"), ("ip", "ip"), ("payment", "payment_id"), ("address", "address_id")),
    *(("text_group", "text_group"), ("image_group", "image_group")),
)


class Oracle:
    """The log, and one ring in it."""

    def __init__(self, log: pd.DataFrame, members: set[str], windows: list[dict[str, Any]]) -> None:
        self.log = log
        self.members = members
        self.windows = {window["id"]: window for window in windows if window["type"] == "item"}
        self.users = log["user_id"].nunique()
        self.own = log[log["user_id"].isin(members)]
        self.inside = self.own[self._in_time(self.own)]
        first = self.inside.groupby(["user_id", "item_id"])["timestamp"].min()
        self.first = first.reset_index()
        self.start, self.end = ring_time(self.first["timestamp"].tolist())
        self.came = self.first[self.first["timestamp"].between(self.start, self.end)]
        came = set(zip(self.came["user_id"], self.came["item_id"], strict=True))
        pairs = zip(self.inside["user_id"], self.inside["item_id"], strict=True)
        self.meant = self.inside[[pair in came for pair in pairs]]
        self.until = self.meant["timestamp"].max()
        others = log[~log["user_id"].isin(members)]
        self.beside = others[others["timestamp"].between(self.start, self.until)]
        self.seen = log.groupby("user_id")["timestamp"].min()

    def _in_time(self, rows: pd.DataFrame) -> pd.Series:
        start = rows["item_id"].map({name: pd.Timestamp(window["start"], unit="us", tz="UTC") for name, window in self.windows.items()})
        end = rows["item_id"].map({name: pd.Timestamp(window["end"], unit="us", tz="UTC") for name, window in self.windows.items()})
        return rows["item_id"].isin(self.windows.keys()) & (rows["timestamp"] >= start) & (rows["timestamp"] <= end)

    def visitors(self) -> dict[str, int]:
        """Distinct users of the whole log at each target in its time."""
        there = self.log[self._in_time(self.log)]
        return {name: there.loc[there["item_id"] == name, "user_id"].nunique() for name in self.windows}

    def what(self) -> dict[str, Any]:
        """Shares are of pairs of a user and an item; others' are of theirs in the ring's time, with any items."""
        inside = self.inside
        chosen = {
            "order": inside["action"] == "order",
            "pay": inside["action"] == "pay",
            "back": inside["action"].isin(["refund", "cancel"]),
        }
        worth = {
            name: rows["amount"].abs().sum() if name == "back" else rows["amount"].sum()
            for name, rows in ((name, inside[rows]) for name, rows in chosen.items())
            if "amount" in inside
        }
        done = {"ordered": ("order", "pay"), "returned": ("refund", "cancel"), "coupon": ("coupon",)}
        mine, theirs = (share_with(rows, done) for rows in (inside, self.beside))
        return {
            "members": len(self.members),
            "items": len(self.windows),
            "events": len(inside),
            "all_events": len(self.own),
            "actions": inside["action"].value_counts().to_dict(),
            "amount": self.bought(inside)["amount"].sum() if "amount" in inside else None,
            "at_stake": sum(entry["inflated_amount"] for entry in self.stakes().values()) if "amount" in inside else None,
            "orders": chosen["order"].sum(),
            "payments": chosen["pay"].sum(),
            "returns": chosen["back"].sum(),
            "order_amount": worth.get("order"),
            "payment_amount": worth.get("pay"),
            "return_amount": worth.get("back"),
            "dealings": mine["pairs"],
            "ordered_share": mine["ordered"] / mine["pairs"],
            "rated_share": mine["rated"] / mine["pairs"],
            "returned_share": mine["returned"] / mine["pairs"],
            "coupon_share": mine["coupon"] / mine["pairs"],
            "others_dealings": theirs["pairs"],
            "others_ordered": theirs["ordered"],
            "others_rated": theirs["rated"],
            "others_returned": theirs["returned"],
            "others_coupons": theirs["coupon"],
            "first": iso(self.start),
            "last": iso(self.end),
            "until": iso(self.until),
            "days": (self.end - self.start) / DAY,
            "strays": len(inside) - len(self.meant),
        }

    def bought(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Orders; payments in a log whose orders have no amounts; where it has neither, whatever gives nothing back."""
        priced = self.log.dropna(subset=["amount"]) if "amount" in self.log else self.log
        verb = next((word for known in (priced, self.log) for word in ("order", "pay") if (known["action"] == word).any()), None)
        return rows[rows["action"] == verb] if verb else rows[~rows["action"].isin(["refund", "cancel"])]

    def stakes(self) -> dict[str, dict[str, Any]]:
        """Of each item, members' purchases in its time beyond those of as many ordinary users, and what these are worth."""
        there = self.bought(self.log[self._in_time(self.log)])
        mine = there["user_id"].isin(self.members)
        found = {}
        for name in self.windows:
            own, others = there[mine & (there["item_id"] == name)], (~mine & (there["item_id"] == name)).sum()
            expected = len(self.members) * others / (self.users - len(self.members))
            inflated = max(len(own) - expected, 0)
            amount = own["amount"].sum() if "amount" in own else None
            worth = None if amount is None else amount * inflated / max(len(own), 1)
            found[name] = {"orders": len(own), "expected": expected, "inflated": inflated, "amount": amount, "inflated_amount": worth}
        return found

    def lockstep(self) -> dict[str, Any] | None:
        """At least how many items: where members there surprise most, as a Poisson count of so many against so many expected."""
        touched = self.inside.groupby("user_id")["item_id"].nunique()
        chance = [count / self.users for count in self.visitors().values()]
        surprise = {}
        for least in range(2, len(chance) + 1):
            hit, expected = int((touched >= least).sum()), self.users * at_least(chance, least)
            if hit < 2:
                break
            surprise[least] = hit * np.log(hit / max(expected, 1e-300)) - (hit - expected)
        if not surprise:
            return None
        least = max(surprise, key=lambda one: surprise[one])
        spread = self.came.groupby("item_id")["timestamp"].agg(["min", "max", "count"])
        wide = (spread["max"] - spread["min"])[spread["count"] > 1] / pd.Timedelta(hours=1)
        hits = int(touched.sum())
        return {
            "least": least,
            "members": int((touched >= least).sum()),
            "items": len(self.windows),
            "expected": self.users * at_least(chance, least),
            "hours": wide.median(),
            "hits": hits,
            "expected_hits": len(self.members) * sum(chance),
            "density": hits / (len(self.members) * len(self.windows)),
        }

    def shared(self) -> dict[tuple[str, str], dict[str, Any]]:
        found = {}
        for kind, column in SHARED:
            if column not in self.log:
                continue
            members = self.own.groupby(column)["user_id"].nunique()
            users = self.log.groupby(column)["user_id"].nunique()
            for name, count in members[members >= 2].items():
                expected = len(self.members) * users[name] / self.users
                found[kind, str(name)] = {"members": count, "users": users[name], "expected": expected}
        return found

    def shared_counts(self) -> dict[str, int]:
        return {kind: int((self.own.groupby(column)["user_id"].nunique() >= 2).sum()) for kind, column in SHARED if column in self.log}

    def on_devices(self) -> tuple[int, int]:
        """Members on devices of three or more of them, and those devices."""
        if "device_id" not in self.log:
            return 0, 0
        members = self.own.groupby("device_id")["user_id"].nunique()
        often = members[members >= 3].index
        return self.own.loc[self.own["device_id"].isin(often), "user_id"].nunique(), len(often)

    def rotation(self) -> dict[str, int] | None:
        if "device_id" not in self.log or "ip" not in self.log:
            return None
        inside, beside = (rows.dropna(subset=["device_id", "ip"]) for rows in (self.meant, self.beside))
        members = inside.groupby("device_id")["user_id"].nunique()
        on = inside[inside["device_id"].isin(members[members >= 3].index)]
        if not len(on):
            return None
        counts = {"pairs": on.groupby(["device_id", "ip"]).ngroups, "others_pairs": beside.groupby(["device_id", "ip"]).ngroups}
        counts |= {"devices": on["device_id"].nunique(), "others_devices": beside["device_id"].nunique()}
        return {**counts, "ips": on["ip"].nunique(), "events": len(on)}

    def others_on_devices(self) -> int | None:
        """Of everybody else in the log, who uses a device with three users or more."""
        if "device_id" not in self.log:
            return None
        users = self.log.groupby("device_id")["user_id"].nunique()
        on = self.log[self.log["device_id"].isin(users[users >= 3].index)]["user_id"]
        return len(set(on) - self.members)

    def timing(self) -> dict[str, Any]:
        close, expected, pairs = 0, 0.0, 0
        for _, times in self.came.groupby("item_id")["timestamp"]:
            close += sum(abs(one - other) <= pd.Timedelta(seconds=60) for one, other in combinations(times, 2))
            count = len(times) * (len(times) - 1) // 2
            span = (times.max() - times.min()) / pd.Timedelta(seconds=1)
            share = min(60 / span, 1) if span else 1.0
            expected += count * (1 - (1 - share) ** 2)
            pairs += count
        hours = self.log["timestamp"].dt.hour.value_counts().reindex(range(24), fill_value=0)
        sums = [sum(hours[(begin + step) % 24] for step in range(6)) for begin in range(24)]
        quiet = int(np.argmin(sums))
        gaps = np.diff(np.sort(self.came["timestamp"].to_numpy())).astype("timedelta64[us]").astype(float)
        gaps = gaps[gaps > 0]
        if (self.log["timestamp"].dt.minute == 0).all():  # bare dates, a midnight of some zone
            close, expected, pairs, gaps = 0, 0.0, 0, gaps[:0]
        middle = np.median(gaps) if len(gaps) else 0.0
        return {
            "same_minute": close,
            "same_minute_expected": expected,
            "same_minute_of": pairs,
            "quiet_from": quiet,
            "quiet_share": 0.0
            if (self.log["timestamp"].dt.minute == 0).all()
            else ((self.meant["timestamp"].dt.hour - quiet) % 24 < 6).mean(),
            "quiet_usual": ((self.beside["timestamp"].dt.hour - quiet) % 24 < 6).mean() if len(self.beside) else None,
            "gaps": len(gaps),
            "gap_minutes": middle / 6e7,
            "gap_share": (np.abs(gaps - middle) <= 0.1 * middle).mean() if len(gaps) else 0.0,
        }

    def script(self) -> dict[str, Any] | None:
        """Of the ways to deeds at the targets the one that surprises most, each read step by step."""
        way = once(self.log, "ways", lambda: ways_in(self.log))
        if way is None:
            return None
        user = self.log["user_id"].reindex(way.index)
        mine, others = way[way.index.isin(self.inside.index)], way[~user.isin(self.members)]
        if not len(mine):
            return None
        deeds = user[mine.index].value_counts()
        found = []
        for steps, count in user[mine.index].groupby(mine).nunique().items():
            share = ((others == steps).sum() + 1) / (len(others) + 1)
            expected = sum(1 - (1 - share) ** many for many in deeds)
            surprise = count * np.log(count / expected) - (count - expected) if count > expected else 0.0
            found.append((surprise, {"steps": steps, "members": count, "expected": expected, "others": (others == steps).sum()}))
        most = max(surprise for surprise, _ in found)
        told = min((told for surprise, told in found if surprise >= most - 1e-9), key=lambda told: str(told["steps"]))
        alone = binom.sf(told["members"] - 1, len(deeds), min(told["expected"] / len(deeds), 1))
        of = {"of": len(deeds), "ways": mine.nunique(), "others_of": len(others)}
        return {**told, **of, "chance": min(alone * mine.nunique(), 1.0)}

    def bursts(self) -> dict[str, tuple[int, float]]:
        """Of each target: events in its busiest 24 hours from the first event on with members there, and the mean of all others."""
        start = self.log["timestamp"].min()
        bins = int((self.log["timestamp"].max() - start) / DAY) + 1
        found = {}
        for name in self.windows:
            count = ((self.log.loc[self.log["item_id"] == name, "timestamp"] - start) // DAY).value_counts()
            there = self.meant.loc[self.meant["item_id"] == name, "timestamp"]
            if not len(there):
                continue
            peak = int(count[((there - start) // DAY).unique()].max())
            found[name] = (peak, float((count.sum() - peak) / (bins - 1)))
        return found

    def taste(self) -> dict[str, Any]:
        items = self.own.dropna(subset=["item_id"])
        everybody = self.log.dropna(subset=["item_id"])
        there = self.log[self._in_time(self.log)]
        found = {
            "dedication": len(self.inside) / len(items),
            "item_events": len(items),
            "others_events": len(there) - len(self.inside),
            "others_item_events": len(everybody) - len(items),
        }
        came, novel = self._novel(self.meant, self.own)
        theirs, new = self._novel(self.beside, self.log)
        return found | {"novel": novel, "novel_of": came, "others_novel": new, "others_novel_of": theirs}

    def _novel(self, rows: pd.DataFrame, log: pd.DataFrame) -> tuple[int, int]:
        """Pairs of a user and a kind of items among the rows, and how many of them the user touched at no time but the ring's."""
        other = log[~log["timestamp"].between(self.start, self.until)].dropna(subset=["category"])
        elsewhere = set(zip(other["user_id"], other["category"], strict=True))
        rows = rows.dropna(subset=["category"])
        came = set(zip(rows["user_id"], rows["category"], strict=True))
        return len(came), len(came - elsewhere)

    def ages(self) -> dict[str, Any]:
        own, others = ((self.start - self.seen[list(users)]) / DAY for users in (self.members, set(self.beside["user_id"])))
        return {
            "new": int((own <= 1).sum()),
            "aged": int((own >= 14).sum()),
            "median_days": own.clip(lower=0).median(),
            "others": len(others),
            "others_new": int((others <= 1).sum()),
            "others_aged": int((others >= 14).sum()),
        }

    def ratings(self) -> dict[str, Any] | None:
        if "rating" not in self.log or not self.inside["rating"].notna().any():
            return None
        given = self.inside["rating"].dropna()
        there = self.log[self._in_time(self.log)]
        others = there[~there["user_id"].isin(self.members)]["rating"].dropna()
        return {
            "ratings": len(given),
            "mean": given.mean(),
            "top": int((given >= 5).sum()),
            "others": len(others),
            "others_mean": others.mean() if len(others) else None,
        }

    def sellers(self) -> dict[str, dict[str, Any]]:
        if "seller_id" not in self.log:
            return {}
        shop = self.inside.dropna(subset=["seller_id"]).groupby("item_id")["seller_id"].first()
        rows = pd.DataFrame(self.stakes()).T.astype(float)
        found = {}
        for seller in shop.unique():
            own = rows.loc[shop[shop == seller].index]
            found[seller] = {
                "items": len(own),
                **own.sum(min_count=1).to_dict(),
                "share": own["orders"].sum() / max(rows["orders"].sum(), 1),
            }
        return found

    def coattail(self) -> dict[str, Any] | None:
        members = self.inside.groupby("item_id")["user_id"].nunique().reindex(list(self.windows), fill_value=0)
        users = pd.Series(self.visitors())
        share = members / users
        hot, own = set(share[(share <= 0.2) & (users >= 30)].index), set(share[share >= 0.5].index)
        if not hot or not own:
            return None
        by_user = self.inside.groupby("user_id")["item_id"].agg(set)
        both = sum(bool(items & hot) and bool(items & own) for items in by_user)
        return {"members": both, "hot": len(hot), "own": len(own), "users": int(users[list(hot)].max())}

    def targets(self) -> dict[str, dict[str, Any]]:
        users = self.visitors()
        members, events = self.inside.groupby("item_id")["user_id"].nunique(), self.inside.groupby("item_id").size()
        return {name: {"members": members.get(name, 0), "users": users[name], "events": events.get(name, 0)} for name in self.windows}

    def tastes(self, end: int) -> dict[str, float | None]:
        """log10 of members' events, that are not the ring's nor on its days, at items of the targets' kind, over everybody's share of such.

        `end` is the second of the last visit.
        """
        rows = self.log.dropna(subset=["item_id"])
        day = (self.own["timestamp"] - self.log["timestamp"].min()) // DAY
        days = end // 86_400 + 1
        busy = day[self.inside.index].value_counts()
        busy = set(busy[busy > 0.5 * len(self.inside) / days].index) | campaign_days(
            sorted(whole(at, self.log) for at in self.inside["timestamp"]), days
        )
        other = self.own[~day.isin(busy)].drop(self.inside.index, errors="ignore").dropna(subset=["item_id"])
        found: dict[str, float | None] = {}
        for name, column in (("taste", "category"), ("seller_taste", "seller_id")):
            if column not in self.log:
                found[name] = None
                continue
            last = column == "seller_id"
            known = rows.dropna(subset=[column])
            kind = known.drop_duplicates("item_id", keep="last" if last else "first").set_index("item_id")[column]
            wanted = set(kind.reindex(list(self.windows)).dropna())
            usual = rows["item_id"].map(kind).isin(wanted).mean()
            came = int(other["item_id"].map(kind).isin(wanted).sum())
            found[name] = float(np.log10((came + 1) / (len(other) * usual + 1)))
        return found

    def deals(self, end: int) -> dict[str, float | None]:
        """`apart`: that as many moments would lie as close together, by Beta(n − 1, 2); `hours` of the middle half of events at an item."""
        at = self.inside["timestamp"].map(lambda moment: whole(moment, self.log)).groupby(self.inside["item_id"])
        middle, half = at.median(), at.quantile(0.75) - at.quantile(0.25)
        span = (middle.max() - middle.min()) / end
        return {
            "apart": float(beta.cdf(span, len(middle) - 1, 2)) if len(middle) > 1 else None,
            "hours": float(half.median()) / 3600 if len(middle) else None,
        }

    def habits(self, end: int) -> dict[str, float | None]:
        """What the tiers are judged by, as far as it is plain counting."""
        inside, size = self.inside, len(self.members)
        pairs = inside.groupby(["user_id", "item_id"])
        found: dict[str, float | None] = {}
        for name, words in (("ordered", ("order", "pay")), ("refunded", ("refund", "cancel")), ("coupons", ("coupon",))):
            found[name] = inside[inside["action"].isin(words)].groupby(["user_id", "item_id"]).ngroups / pairs.ngroups
        if "device_id" in self.log:
            members = inside.groupby("device_id")["user_id"].nunique()
            found["device_share"] = inside.loc[inside["device_id"].isin(members[members >= 3].index), "user_id"].nunique() / size
        if "address_id" in self.log:
            found["address_share"] = self.own.dropna(subset=["address_id"]).groupby("address_id")["user_id"].nunique().max() / size
            found["address_share"] = 0 if np.isnan(found["address_share"]) else found["address_share"]
        on_network, found["place_users"], found["place_chance"] = self.network()
        found["place_share"] = on_network / size
        for name, column in (("device_share", "device_id"), ("address_share", "address_id")):
            if column not in self.log:
                found[name] = 0
        if "seller_id" in self.log:
            shop = (
                self.log.dropna(subset=["seller_id", "item_id"]).drop_duplicates("item_id", keep="last").set_index("item_id")["seller_id"]
            )
            found["sellers"] = shop.reindex(list(self.windows)).nunique()
            touched = self.first["item_id"].map(shop).value_counts()
            found["top_seller"] = touched.max() / len(self.first)
        else:
            found["sellers"] = found["top_seller"] = 0
        touched = self.first.groupby("user_id").size().reindex(list(self.members), fill_value=0)
        return found | {
            "dedication": len(inside) / self.own["item_id"].notna().sum(),
            "density": len(self.first) / (size * len(self.windows)),
            "days": (self.end - self.start) / DAY,
            **self.deals(end),
            "two_target_share": (touched <= 2).mean(),
            "repeats": None,
        }

    def texts(self) -> dict[str, int] | None:
        """Of the first 300 texts inside, those that share 70 % of three-character pieces with another member's, through others or not."""
        if "text" not in self.log:
            return None
        rows = self.inside.sort_values("timestamp", kind="stable")
        rows = rows[rows["text"].notna() & (rows["text"] != "")].head(300)
        if not len(rows):
            return None
        graph: nx.Graph[int] = nx.Graph()
        graph.add_nodes_from(range(len(rows)))
        pieces = [three(text) for text in rows["text"]]
        graph.add_edges_from(
            (one, other)
            for one, other in combinations(range(len(rows)), 2)
            if 10 * len(pieces[one] & pieces[other]) >= 7 * len(pieces[one] | pieces[other])
        )
        users = rows["user_id"].tolist()
        groups = [group for group in nx.connected_components(graph) if len({users[place] for place in group}) > 1]
        return {"texts": len(rows), "copies": sum(len(group) for group in groups)}

    def shared_devices(self) -> dict[str, int]:
        """Of each member the devices that three or more members use."""
        if "device_id" not in self.log:
            return dict.fromkeys(self.members, 0)
        members = self.own.groupby("device_id")["user_id"].nunique()
        on = self.own[self.own["device_id"].isin(members[members >= 3].index)]
        return on.groupby("user_id")["device_id"].nunique().reindex(list(self.members), fill_value=0).to_dict()  # type: ignore[no-any-return]

    def visits_at(self, item: str) -> list[tuple[str, int]]:
        """User and second of each visit; a return within 24 hours of the visit before is no visit of its own; times are whole seconds."""
        return once(self.log, f"visits at {item}", lambda: visits_at(self.log, item))

    def time_of(self, window: dict[str, Any]) -> tuple[int, int]:
        start = self.log["timestamp"].min()
        low, high = ((pd.Timestamp(window[key], unit="us", tz="UTC") - start) // pd.Timedelta(seconds=1) for key in ("start", "end"))
        return low, high

    def company(self, end: int) -> dict[str, float]:
        """`crowd`, `rush` and `outsiders_per_member`: who else was at each target, beyond what its other times would give."""
        crowd, rush, outsiders = [], [], []
        for name, window in self.windows.items():
            visits, (low, high) = self.visits_at(name), self.time_of(window)
            mine = [second for user, second in visits if user in self.members and low <= second <= high]
            others = [second for user, second in visits if user not in self.members]
            present = sum(user in self.members and abs(at - second) <= 1800 for at, (user, second) in product(mine, visits))
            strangers = sum(abs(at - second) <= 1800 for at, second in product(mine, others))
            long = high - low + 1 + 3600
            rate = sum(not low - 1800 <= second <= high + 1800 for second in others) / max(end + 1 - long, long)
            usual = len(mine) * rate * 3600
            beyond = max(strangers - usual, 0)
            crowd.append(beyond / max(present + beyond, 1))
            rush.append(np.log10((strangers + 1) / (usual + 1)))
            there = sum(low <= second <= high for second in others) - rate * (high - low + 1)
            outsiders.append(max(there, 0) / len({user for user, second in visits if user in self.members and low <= second <= high}))
        return {"crowd": np.mean(crowd), "rush": np.mean(rush), "outsiders_per_member": np.median(outsiders)}

    def sittings(self) -> dict[str, float | None]:
        """`one_sitting`, and `together`: other targets within an hour of a visit to one, of outsiders over those of members; or of dates
        `one_day`, and `half_days`: the fewest days that hold half of the members' visits to each visit's target."""
        mine, others = [], []
        for name, window in self.windows.items():
            low, high = self.time_of(window)
            for user, second in self.visits_at(name):
                if user not in self.members:
                    others.append((name, user, second))
                elif low <= second <= high:
                    mine.append((name, user, second))
        at: dict[str, list[int]] = {}
        for _, user, second in mine:
            at.setdefault(user, []).append(second)
        if ((self.log["timestamp"] - self.log["timestamp"].min()) % DAY == pd.Timedelta(0)).all():  # bare dates
            days = [sorted(second // 86_400 for other, _, second in mine if other == name) for name, _, _ in mine]
            half = [min(last - first for first, last in zip(own, own[(len(own) - 1) // 2 :], strict=False)) + 1 for own in days]
            once = np.mean([max(seconds) == min(seconds) for seconds in at.values()])
            return {"one_sitting": None, "one_day": once, "together": None, "half_days": np.mean(half)}
        own, foreign = (sum(others_at_once(visit, visits) for visit in visits) for visits in (mine, others))
        return {
            "one_sitting": np.mean([max(seconds) - min(seconds) <= 3600 for seconds in at.values()]),
            "one_day": None,
            "together": foreign / (len(others) + 1) / (own / len(mine)) if own else 0.0,
            "half_days": None,
        }

    def newcomers(self) -> float:
        """`new_beyond`: members first seen between the day before the ring began and its last, less the share of all users who were."""
        start = self.log["timestamp"].min()
        first = (self.log.groupby("user_id")["timestamp"].min() - start) // DAY
        begin, end = ((moment - start) // DAY for moment in (self.inside["timestamp"].min() - DAY, self.inside["timestamp"].max()))
        new = first.between(begin, end)
        return float(new[list(self.members)].mean() - new.mean())

    def of_all(self) -> float:
        """Of the days that users were about, from the ring's first to its last, how many are members'."""
        start = self.log["timestamp"].min()
        begin, end = ((moment - start) // DAY for moment in (self.inside["timestamp"].min(), self.inside["timestamp"].max()))
        about = self.log.assign(day=(self.log["timestamp"] - start) // DAY)[["user_id", "day"]].drop_duplicates()
        about = about[about["day"].between(begin, end)]
        return float(about["user_id"].isin(self.members).mean())

    def network(self) -> tuple[int, int, float]:
        """Members on the network that they have in common, its users in all, and the binomial chance of so many."""
        if "ip" not in self.log:
            return 0, 0, 1.0
        outside = self.own.drop(self.inside.index).dropna(subset=["ip"])
        users, members = self.log.groupby("ip")["user_id"].nunique(), outside.groupby("ip")["user_id"].nunique().sort_index()
        networks = outside.groupby("user_id")["ip"].nunique().reindex(list(self.members), fill_value=0)
        found = []
        for name, count in members.items():
            on_it = (1 - (1 - users[name] / users.sum()) ** networks).mean()
            chance = min(float(len(members) * binom.sf(count - 1, len(self.members), on_it)), 1.0)
            found.append((chance if count >= 3 else 2.0, -count, name, (int(count), int(users[name]), chance)))
        return min(found)[3] if found else (0, 0, 1.0)


ONCE: dict[tuple[int, str], tuple[pd.DataFrame, Any]] = {}  # by a log's id; the log is held, so that no other one has it


def once(log: pd.DataFrame, what: str, count: Callable[[], Found]) -> Found:
    """What is counted of a whole log, whichever ring is asked about."""
    if (id(log), what) not in ONCE:
        ONCE[id(log), what] = log, count()
    found: Found = ONCE[id(log), what][1]
    return found


def ways_in(log: pd.DataFrame) -> pd.Series | None:
    """Row → the way to it, of everybody's deeds. None where there are no deeds, or only bare dates."""
    deed = next((word for word in ("order", "pay", "review") if (log["action"] == word).any()), None)
    if deed is None or ((log["timestamp"] - log["timestamp"].min()) % DAY == pd.Timedelta(0)).all():  # bare dates
        return None
    ways: dict[Any, str] = {}
    for _, rows in log.sort_values("timestamp", kind="stable").groupby("user_id"):
        steps = list(zip(rows.index, rows["action"], rows["item_id"], rows["timestamp"], strict=True))
        for place, (name, action, item, _) in enumerate(steps):
            if action == deed and isinstance(item, str) and (way := way_to(steps, place)):
                ways[name] = f"{way}{deed}"
    return pd.Series(ways, dtype=object)


def visits_at(log: pd.DataFrame, item: str) -> list[tuple[str, int]]:
    start, visits, last = log["timestamp"].min(), [], dict[str, int]()
    rows = log[log["item_id"] == item]
    for user, second in zip(rows["user_id"], (rows["timestamp"] - start) // pd.Timedelta(seconds=1), strict=True):
        if user not in last or second - last[user] > 86_400:
            visits.append((str(user), int(second)))
            last[user] = second
    return sorted(visits)


def way_to(steps: list[tuple[Any, str, Any, pd.Timestamp]], place: int) -> str:
    """The four steps or fewer before a deed, within half an hour each of the next, in words; empty where there is none."""
    told = ""
    for at in range(place - 1, max(place - 5, -1), -1):
        gap = int((steps[at + 1][3] - steps[at][3]) // pd.Timedelta(seconds=1))
        if gap >= 1800:
            break
        action = steps[at][1] if isinstance(steps[at][1], str) else "none"
        pace = next(f"{low}–{high} s" for low, high in ((0, 10), (10, 60), (60, 600), (600, 1800)) if low <= gap < high)
        other = isinstance(steps[at][2], str) and steps[at][2] != steps[place][2]
        told = f"{'view' if action == 'click' else action}{'+' if other else ''} · {pace} · {told}"
    return told


def campaign_days(seconds: list[int], days: int) -> set[int]:
    """Days from one before to three after the middle nine tenths of these moments, where they are less than half of all."""
    if not seconds:
        return set()
    first, last = (int(np.quantile(seconds, share) // 86_400) for share in (0.05, 0.95))
    within = set(range(first - 1, last + 4))
    return within if 2 * len(within) < days else set()


def ring_time(times: list[pd.Timestamp]) -> tuple[pd.Timestamp, pd.Timestamp]:
    """Of all stretches that hold all of the times but one in twenty (none of fewer than eight), the shortest, and what lies near it."""
    times = sorted(times)
    spared = max(len(times) // 20, 1) if len(times) >= 8 else 0
    kept = len(times) - spared
    low = min(range(spared + 1), key=lambda place: times[place + kept - 1] - times[place])
    inside = times[low : low + kept]
    reach = max(DAY, (inside[-1] - inside[0]) / 2)
    for later in times[low + kept :]:
        if later - inside[-1] > reach:
            break
        inside.append(later)
    for earlier in times[:low][::-1]:
        if inside[0] - earlier > reach:
            break
        inside.insert(0, earlier)
    return inside[0], inside[-1]


def share_with(rows: pd.DataFrame, done: dict[str, tuple[str, ...]]) -> dict[str, int]:
    """Pairs of a user and an item, and how many of them saw each of these actions, or a rating."""
    rows = rows.dropna(subset=["item_id"])
    found = {"pairs": rows.groupby(["user_id", "item_id"]).ngroups}
    for name, words in done.items():
        found[name] = rows[rows["action"].isin(words)].groupby(["user_id", "item_id"]).ngroups
    rated = rows.dropna(subset=["rating"]) if "rating" in rows else rows[:0]
    return found | {"rated": rated.groupby(["user_id", "item_id"]).ngroups}


def others_at_once(visit: tuple[str, str, int], visits: list[tuple[str, str, int]]) -> int:
    """Other items that a visit's user came to within an hour of it."""
    name, user, at = visit
    return len({other for other, who, second in visits if who == user and other != name and abs(second - at) <= 3600})


def whole(moment: pd.Timestamp, log: pd.DataFrame) -> int:
    """Whole seconds since the log's first event."""
    return int((moment - log["timestamp"].min()) // pd.Timedelta(seconds=1))


def three(text: str) -> set[str]:
    """All runs of three letters and digits; a shorter text is one piece."""
    plain = re.sub(r"[\W_]", "", text.lower())
    return {plain[place : place + 3] for place in range(max(len(plain) - 2, 1))}


def iso(moment: pd.Timestamp) -> str:
    return moment.floor("s").strftime("%Y-%m-%dT%H:%M:%SZ")


def at_least(chance: list[float], least: int) -> float:
    """Chance that `least` or more of independent events happen, by the obvious recursion."""
    ways = [1.0] + [0.0] * len(chance)
    for one in chance:
        ways = [ways[0] * (1 - one)] + [ways[n] * (1 - one) + ways[n - 1] * one for n in range(1, len(ways))]
    return sum(ways[least:])
