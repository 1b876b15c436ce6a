"""One ring of a run → the checkable facts: who did what when, what they share, and what would be expected by chance.

Plain numbers, each of which a person can count again in the log; docs/dossier.md defines every one of them.
"""

from __future__ import annotations

from typing import Any

from graphdet.dossier.goods_and_shops import measure_coattail, measure_sellers, measure_targets, measure_taste
from graphdet.dossier.ratings_and_texts import measure_ratings, measure_texts
from graphdet.dossier.scene import Scene
from graphdet.dossier.shared_things import measure_rotation, measure_shared
from graphdet.dossier.what_and_when import measure_ages, measure_chance, measure_farm, measure_lockstep, measure_timing, measure_what


def measure_facts(scene: Scene) -> dict[str, Any]:
    """All facts of a ring by theme; plain values, times as ISO 8601."""
    return {
        "what": measure_what(scene),
        "lockstep": measure_lockstep(scene),
        "chance": measure_chance(scene),
        "joined": scene.size - len(scene.replay.whole().members),  # by the network, after all else was judged
        "farm": measure_farm(scene),
        "shared": measure_shared(scene),
        "rotation": measure_rotation(scene),
        "timing": measure_timing(scene),
        "script": scene.measured.get("script"),  # an older run does not speak of it
        "taste": measure_taste(scene),
        "ages": measure_ages(scene),
        "ratings": measure_ratings(scene),
        "texts": measure_texts(scene),
        "sellers": measure_sellers(scene),
        "targets": measure_targets(scene),
        "coattail": measure_coattail(scene),
        "scalars": scene.measured["scalars"],
    }
