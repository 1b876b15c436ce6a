"""The graph database: labels, keys and relationship types of what is written there. Nothing else becomes a label or a type."""

from __future__ import annotations

from dataclasses import dataclass

from graphdet.schema.nodes import ITEM, KEY_TYPES, NODE_TYPE


@dataclass(frozen=True)
class OwnNode:
    """A kind of node that is graphdet's own, beside those of the log: a name, a label and a key as node types have them."""

    name: str
    label: str
    key: str
    meaning: str


RING_NODE = OwnNode("ring", "FraudRing", "ringId", "a suspected ring: a finding, not a verdict")
RUN_NODE = OwnNode("run", "DetectionRun", "runId", "one run that was written to the database")
CASE_NODE = OwnNode("case", "Case", "caseId", "an analyst's decision on a ring, with author and time; never written by a push")
RISK_BANDS = (("RiskLow", 0.0), ("RiskMedium", 0.5), ("RiskHigh", 0.8), ("RiskCritical", 0.95))  # label, least score
VERDICTS = ("confirmed", "innocent", "unsure")
ITEM_RELATIONS = {
    "view": "VIEWED",
    "click": "CLICKED",
    "favourite": "FAVOURITED",
    "cart": "ADDED_TO_CART",
    "order": "PURCHASED",
    "pay": "PAID_FOR",
    "review": "REVIEWED",
    "refund": "REFUNDED",
    "cancel": "CANCELLED",
    "login": "LOGGED_IN_AT",
    "coupon": "USED_COUPON_ON",
    "invite": "INVITED_TO",
    NODE_TYPE[ITEM].verb: NODE_TYPE[ITEM].relation,
}
OTHER_ITEM_RELATION = "ACTED_ON"  # actions with words of their own; the word is the property `action`
KEY_RELATIONS = {name: NODE_TYPE[name].relation for name in KEY_TYPES if name != ITEM}
