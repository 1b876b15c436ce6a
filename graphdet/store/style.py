"""Labels and relationship types of the model → a style sheet (GRASS) for Neo4j Browser.

A label without a rule of its own gets a random colour that overrides others, so every label has one; later rules win, so the
risk bands come last.
"""

from __future__ import annotations

from graphdet.store.kinds import BANDS, LABELS, RELATION_KINDS

_GREY = ("#A5ABB6", "#9AA1AC", "#FFFFFF", 40, "{id}")
# label: colour, border, text, diameter, caption
_NODES = {
    "User": ("#4C8EDA", "#2870C2", "#FFFFFF", 50, "{userId}"),
    "Item": ("#D9C8AE", "#C0A378", "#2A2C34", 40, "{itemId}"),
    "Device": ("#8DCC93", "#5DB665", "#2A2C34", 40, "{deviceId}"),
    "IP": ("#57C7E3", "#23B3D7", "#2A2C34", 40, "{ipAddress}"),
    "Seller": ("#F6C667", "#D7A013", "#2A2C34", 50, "{sellerId}"),
    "Payment": ("#C990C0", "#B261A5", "#FFFFFF", 40, "{paymentId}"),
    "Address": ("#A5ABB6", "#9AA1AC", "#FFFFFF", 40, "{addressId}"),
    "FraudRing": ("#604A0E", "#423204", "#FFFFFF", 80, "{ringId}"),
    "DetectionRun": ("#ECB5C9", "#DA7298", "#2A2C34", 65, "{runId}"),
    "Case": ("#569480", "#447666", "#FFFFFF", 65, "{status}"),
    "GraphdetPush": (*_GREY[:4], "{runId}"),
    "GraphdetJournal": (*_GREY[:4], "{entry}"),
    "GraphdetLock": (*_GREY[:4], "{name}"),
}
# band: colour, border, text, diameter; captions stay those of the node's type
_BANDS = {
    "RiskLow": ("#FFE08A", "#D7A013", "#2A2C34", 50),
    "RiskMedium": ("#F79767", "#F36924", "#FFFFFF", 50),
    "RiskHigh": ("#F16667", "#EB2728", "#FFFFFF", 50),
    "RiskCritical": ("#B00020", "#7A0016", "#FFFFFF", 50),
}
_RELATIONS = {"MEMBER_OF": ("#B00020", 3, "{role}"), "COORDINATED_WITH": ("#F36924", 2, "{evidence}"), "FOUND_IN": ("#DA7298", 1, "<type>")}

_NODE = (
    "node { diameter: 50px; color: #A5ABB6; border-color: #9AA1AC; border-width: 2px; "
    'text-color-internal: #FFFFFF; font-size: 10px; caption: "{id}"; }'
)
_RELATION = (
    "relationship { color: #A5ABB6; shaft-width: 1px; font-size: 8px; padding: 3px; text-color-external: #000000; "
    'text-color-internal: #FFFFFF; caption: "<type>"; }'
)


def style_sheet() -> str:
    """The sheet, in the order that the rules must have."""
    lines = [_NODE, _RELATION]
    for label in LABELS:
        if label in BANDS:
            colour, border, text, diameter = _BANDS[label]
            caption = ""
        else:
            colour, border, text, diameter, words = _NODES[label]
            caption = f' caption: "{words}";'
        lines.append(
            f"node.{label} {{ color: {colour}; border-color: {border}; text-color-internal: {text}; diameter: {diameter}px;{caption} }}"
        )
    for kind in dict.fromkeys(kind.type for kind in RELATION_KINDS.values()):
        colour, width, caption = _RELATIONS.get(kind, ("#A5ABB6", 2, "<type>"))
        lines.append(f'relationship.{kind} {{ color: {colour}; shaft-width: {width}px; caption: "{caption}"; }}')
    lines.append('relationship.ABOUT { color: #447666; shaft-width: 2px; caption: "<type>"; }')
    return "\n".join(lines) + "\n"
