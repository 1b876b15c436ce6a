"""A ring's scene → the members' ratings against everybody else's, and review texts that are nearly another member's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from graphdet.dossier.scene import Scene
from graphdet.dossier.sums import near_copies

MOST_TEXTS = 300  # review texts of a ring that are compared


def measure_ratings(scene: Scene) -> dict[str, Any] | None:
    """Members' ratings of the items against everybody else's, each item in its time."""
    rating = scene.replay.recorded.rating[scene.replay.small.rows]
    given = scene.inside & ~np.isnan(rating)
    if not given.any():
        return None
    return {
        "ratings": int(given.sum()),
        "mean": float(rating[given].mean()),
        "top": int((rating[given] >= 5).sum()),
        "others": scene.usual["ratings"],
        "others_mean": scene.usual["mean"],
    }


def measure_texts(scene: Scene) -> dict[str, Any] | None:
    """Members' review texts on the targets, and how many of them are nearly another member's."""
    recorded, small = scene.replay.recorded, scene.replay.small
    rows = np.flatnonzero(scene.inside)
    texts = recorded.events["text"].take(pa.array(small.rows[rows])).to_pylist()
    given = [(int(scene.member[row]), text) for row, text in zip(rows.tolist(), texts, strict=True) if text]
    if not given:
        return None
    given = given[:MOST_TEXTS]
    groups = near_copies([text for _, text in given])
    copied = [group for group in groups if len({given[place][0] for place in group}) > 1]
    examples = [given[place][1] for group in copied[:1] for place in group[:3]]
    return {"texts": len(given), "copies": sum(len(group) for group in copied), "examples": [text[:200] for text in examples]}
