"""What a user would write instead, in an afternoon: shared devices and co-purchase with pandas and networkx.

python benchmarks/pandas_recipe.py LOG.parquet…
"""

from __future__ import annotations

import sys

import networkx as nx
import pandas as pd


def find_groups(paths: list[str]) -> list[set[str]]:
    """Components of users who share a rare device, or who bought two or more of the same items on the same days."""
    log = pd.concat([pd.read_parquet(path, columns=["timestamp", "user_id", "item_id", "device_id", "action"]) for path in paths])
    graph: nx.Graph[str] = nx.Graph()

    devices = log[["user_id", "device_id"]].dropna().drop_duplicates()
    rare = devices.groupby("device_id")["user_id"].transform("size").between(2, 20)
    pairs = devices[rare].merge(devices[rare], on="device_id")
    graph.add_edges_from(pairs.loc[pairs["user_id_x"] < pairs["user_id_y"], ["user_id_x", "user_id_y"]].itertuples(index=False, name=None))

    orders = log.loc[log["action"].isin(["order", "pay", "review"]), ["user_id", "item_id", "timestamp"]].dropna()
    orders = orders.assign(day=orders["timestamp"].dt.floor("D")).drop(columns="timestamp").drop_duplicates()
    crowd = orders.groupby(["item_id", "day"])["user_id"].transform("size")
    orders = orders[crowd.between(2, 100)]
    pairs = orders.merge(orders, on=["item_id", "day"])
    pairs = pairs[pairs["user_id_x"] < pairs["user_id_y"]].drop_duplicates(["user_id_x", "user_id_y", "item_id"])
    together = pairs.groupby(["user_id_x", "user_id_y"]).size()
    graph.add_edges_from(together[together >= 2].index)
    return [group for group in nx.connected_components(graph) if len(group) >= 5]


if __name__ == "__main__":
    print(f"{len(find_groups(sys.argv[1:])):,} groups")
