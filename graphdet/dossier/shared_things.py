"""A ring's scene → devices, IPs and the like that several members used, and how the ring moved between addresses."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphdet.arrays import distinct_counts, distinct_values
from graphdet.dossier.scene import Scene
from graphdet.schema import DEVICE, IP, SHARED_TYPES

SHARED_DEVICE = 3  # members on one device that make it a shared one


def measure_shared(scene: Scene) -> dict[str, Any]:
    """Things of the shared types that two or more members used, in all their events."""
    recorded, small = scene.replay.recorded, scene.replay.small
    crowded = recorded.crowded
    rows = []
    on_devices = np.zeros(scene.size, np.bool_)
    counts = {}
    of_three = 0
    for view in small.visits.views:
        if view.name not in SHARED_TYPES:
            continue
        code = small.events.codes[view.name].astype(np.int64)
        pair = distinct_values(code[code >= 0] << 32 | scene.member[code >= 0])
        keys, members = distinct_counts(pair >> 32)
        counts[view.name] = int((members >= 2).sum())
        if view.name == DEVICE:
            often = keys[members >= SHARED_DEVICE]
            of_three = len(often)
            on_devices[(pair & 0xFFFFFFFF)[np.isin(pair >> 32, often)]] = True
        key_ids = small.key_ids[view.first_key + keys]
        users = recorded.key_users[view.name][key_ids]
        for place in np.flatnonzero(members >= 2).tolist():
            key_id = recorded.ids[view.name][int(key_ids[place])].as_py()
            expected, dense = float(scene.size * users[place] / scene.users), bool(crowded[view.name][key_ids[place]])
            counted = {"members": int(members[place]), "users": int(users[place])}
            rows.append({"type": view.name, "id": key_id, **counted, "expected": expected, "crowded": dense})
    rows.sort(key=lambda row: (-row["members"] / max(row["users"], 1) * row["members"], row["type"], row["id"]))
    others = {"others": scene.usual["everybody"], "others_on_devices": scene.usual["on_devices"]}
    return {"counts": counts, "on_devices": int(on_devices.sum()), "devices_of_three": of_three, **others, "keys": rows}


def measure_rotation(scene: Scene) -> dict[str, Any] | None:
    """How many addresses the ring's events on shared devices came from."""
    codes = scene.replay.small.events.codes
    if DEVICE not in codes or IP not in codes:
        return None
    device, ip = codes[DEVICE].astype(np.int64), codes[IP]
    inside = scene.meant & (device >= 0) & (ip >= 0)
    pair = np.unique(device[inside] << 32 | scene.member[inside])
    keys, members = np.unique(pair >> 32, return_counts=True)
    shared = keys[members >= SHARED_DEVICE]
    on = inside & np.isin(device, shared)
    if not on.any():
        return None
    seen = len(np.unique(device[on] << 32 | ip[on]))
    others = {"others_devices": scene.usual.get("devices"), "others_pairs": scene.usual.get("addresses")}
    return {"devices": len(shared), "ips": len(np.unique(ip[on])), "pairs": seen, "events": int(on.sum()), **others}
