"""One ring of a run → the codes of the reasons for the suspicion, without the dossier around them: nothing of the ring is taken away."""

from __future__ import annotations

from graphdet.dossier.countable import measure_facts
from graphdet.dossier.reasoning import find_reasons
from graphdet.dossier.scene import set_scene
from graphdet.replay.recorded import Recorded
from graphdet.replay.replaying import Replay
from graphdet.words.reasons import CATALOGUE


def suspicion_codes(recorded: Recorded, ring_id: str) -> list[str]:
    """Those of the ring's dossier, in its order, at a fraction of its cost; what asks for care hangs on more than facts, and is left out.

    Raises:
        NotARun: nothing of the ring grows from what the run recorded.
    """
    facts = measure_facts(set_scene(Replay(recorded, ring_id), ring_id))
    reasons = find_reasons({**facts, "fragile": 0}, [], recorded.clock)
    return list(dict.fromkeys(code for code, _ in reasons if CATALOGUE[code].side == "for"))
