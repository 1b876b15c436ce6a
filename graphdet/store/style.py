"""Labels and relationship types of the model → a style sheet (GRASS) for Neo4j Browser.

A label without a rule of its own gets a random colour that overrides others, so every label has one; later rules win, so the
risk bands come last.
"""

from __future__ import annotations

from graphdet.schema import NODE_TYPES, NodeType
from graphdet.store.kinds import BANDS, LABELS, RELATION_KINDS

_GREY = ("#A5ABB6", "#9AA1AC", "#FFFFFF", 40, "{id}")
_INKS = ("#FFFFFF", "#1B1E24")  # of a caption on a node: the one that stands out more


def contrast(one: str, other: str) -> float:
    """How well a colour stands out against another, from 1 (not at all) to 21, as WCAG 2 counts it."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _of_type(node_type: NodeType) -> tuple[str, str, str, int, str]:
    """A node type's colour, a darker border, the ink that reads best on it, its size and its id. Browser draws circles alone."""
    colour = node_type.look.colour
    border = "#" + "".join(f"{int(int(colour[place : place + 2], 16) * 0.75):02X}" for place in (1, 3, 5))
    ink = max(_INKS, key=lambda ink: contrast(ink, colour))
    return colour, border, ink, node_type.look.size, "{caption}"


# label: colour, border, text, diameter, caption
_NODES = {
    **{node_type.label: _of_type(node_type) for node_type in NODE_TYPES},
    "FraudRing": ("#604A0E", "#423204", "#FFFFFF", 80, "{tier} {caption}"),
    "DetectionRun": ("#ECB5C9", "#DA7298", "#2A2C34", 65, "{runId}"),
    "Case": ("#569480", "#447666", "#FFFFFF", 65, "{status} {author}"),
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
_RELATIONS = {
    "MEMBER_OF": ("#B00020", 3, "{standing} {role}"),
    "GAINS_FROM": ("#B8860B", 8, "gains from {orders} orders"),
    "COORDINATED_WITH": ("#F36924", 2, "{meetings} meetings"),
    "FOUND_IN": ("#DA7298", 1, "<type>"),
}

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
