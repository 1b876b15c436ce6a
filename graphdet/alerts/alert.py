"""One alert: what became of one suspected ring since it was last told of. The same change has the same key, however often it is told."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from graphdet.alert_settings import CHANGE_KINDS, ChangeKind
from graphdet.schema import TIERS

FORMAT = 1
MOST_NAMED = 1000  # members of a ring that an alert names; the run folder has all
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Alert:
    """What receivers are told.

    Attributes:
        key: of line, change and how many changes of the line were told before: a repeat has the same.
        kind: the foremost change: appeared (for the first time), rose or fell (in tier), returned (after its end was told), split (off
            from a ring that was told of), merged (took such a ring in, or was itself taken in), grew, gained (money), ended.
        changes: all that changed, foremost first.
        line: the ring's name through all looks.
        case: its name in the casebook; empty where there is none.
        verdict: innocent, where its case was found so and this alert contradicts that; else empty.
        moment: of the events at which it was seen, in microseconds since 1970 UTC.
        ring_id, tier, size, money, first_seen, last_seen: as it is, or was when it was last found.
        was_tier, was_size, was_money: when it was last told of; None where it was not.
        chance, explanation: share of such groups that were rings, and the innocent story that fits; None and empty where not known.
        members: by contribution, at most `MOST_NAMED`.
        came, went: since it was last told of, as many at the most.
        kin: lines that it split from, took in, or was taken in by.
        end: of one that ended: dormant, or left_window, which is no sign of innocence.
    """

    key: str
    kind: ChangeKind
    changes: tuple[ChangeKind, ...]
    line: str
    moment: int
    ring_id: str
    tier: str
    size: int
    money: float | None
    first_seen: int | None
    last_seen: int | None
    members: tuple[str, ...]
    came: tuple[str, ...] = ()
    went: tuple[str, ...] = ()
    kin: tuple[str, ...] = ()
    was_tier: str | None = None
    was_size: int | None = None
    was_money: float | None = None
    chance: float | None = None
    explanation: str = ""
    end: str = ""
    case: str = ""
    verdict: str = ""

    def __post_init__(self) -> None:
        if self.kind not in CHANGE_KINDS or self.kind != self.changes[0] or self.tier not in TIERS:
            raise ValueError(f"no alert: {self.kind}, {self.changes}, {self.tier}")

    @property
    def time(self) -> datetime:
        return EPOCH + timedelta(microseconds=self.moment)

    def as_dict(self, *, names: bool = True) -> dict[str, Any]:
        """As receivers have it: times in ISO 8601; without the ids of users where they are not to be told."""
        told: dict[str, Any] = {"format": FORMAT, **asdict(self)}
        told |= {name: iso(told[name]) for name in ("moment", "first_seen", "last_seen")}
        told["came_count"], told["went_count"] = len(self.came), len(self.went)
        if not names:
            for name in ("members", "came", "went"):
                del told[name]
        return told

    def as_text(self) -> str:
        """For the outbox; `from_text` reads it."""
        return json.dumps(asdict(self), ensure_ascii=True, separators=(",", ":"))

    @staticmethod
    def from_text(text: str) -> Alert:
        """What `as_text` wrote."""
        told: dict[str, Any] = json.loads(text)
        told |= {name: tuple(told[name]) for name in ("changes", "members", "came", "went", "kin")}
        return Alert(**told)


def key_of(line: str, kind: ChangeKind, before: int) -> str:
    """The key of a change; `before`: changes of the line that were told before it, so that the third rise is another one than the first."""
    return "alert-" + hashlib.sha256(f"{line} {kind} {before}".encode()).hexdigest()[:32]


def iso(moment: int | None) -> str | None:
    """Microseconds since 1970 → ISO 8601, UTC."""
    return None if moment is None else (EPOCH + timedelta(microseconds=moment)).isoformat()
