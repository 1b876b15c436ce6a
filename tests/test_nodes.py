"""Node types as data: colours that people can see, and no list of node types anywhere but in schema/nodes.py."""

from __future__ import annotations

import ast
import colorsys
import itertools
import re
from importlib.resources import files
from pathlib import Path

import pytest

import graphdet
from graphdet.schema import KEY_TYPES, NODE_TYPE, NODE_TYPES, NodeType
from graphdet.store.style import contrast, style_sheet

PACKAGE = Path(graphdet.__file__).parent
# The simulator makes a market of people, devices and addresses: it plants what graphdet looks for, and is told nothing by it.
OWN_WORLD = ("simulate", "evaluate")


@pytest.mark.parametrize("node_type", NODE_TYPES, ids=lambda node_type: node_type.name)
def test_colours_can_be_seen_on_either_page_and_are_not_red(node_type: NodeType) -> None:
    """3:1 is what WCAG 2 asks of graphics; captions in Browser stand on the node itself."""
    own = node_type.look.colour
    cards = set(re.findall(r"--card: (#\w+);", files("graphdet.report").joinpath("page.css").read_text(encoding="utf-8")))
    assert {"#fff", "#1a202a"} <= cards
    assert min(contrast(own, "#ffffff"), contrast(own, "#1a202a")) >= 3
    ink = re.search(rf"node\.{node_type.label} \{{ .*text-color-internal: (#\w+);", style_sheet())
    assert ink
    assert contrast(own, ink.group(1)) >= 3.9
    hue = 360 * colorsys.rgb_to_hls(*(int(own[place : place + 2], 16) / 255 for place in (1, 3, 5)))[0]
    assert 20 < hue < 335


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)  # the example that is told everywhere: just too little
    assert contrast("#3A76C8", "#3A76C8") == 1


def test_no_two_types_share_a_name_a_column_or_a_look() -> None:
    for one, other in itertools.combinations(NODE_TYPES, 2):
        for facet in ("name", "column", "label", "key", "noun"):
            assert getattr(one, facet) != getattr(other, facet)
        assert one.look.colour != other.look.colour
        assert one.look.shape != other.look.shape


def collections_of_types(path: Path) -> list[int]:
    """Lines at which a tuple, list, set or dictionary names two or more node types other than users."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        parts = node.keys if isinstance(node, ast.Dict) else node.elts if isinstance(node, ast.Tuple | ast.List | ast.Set) else []
        names = {part.value for part in parts if isinstance(part, ast.Constant)} | {
            part.id.lower() for part in parts if isinstance(part, ast.Name) and part.id.isupper()
        }
        if len(names & set(KEY_TYPES)) > 1:
            found.append(node.lineno)
    return found


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_node_types_are_listed_in_one_place(path: Path) -> None:
    place = path.relative_to(PACKAGE)
    if place.parts[0] not in OWN_WORLD and place.as_posix() not in ("schema/nodes.py", "schema/__init__.py"):
        assert collections_of_types(path) == []


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.js")), ids=lambda path: path.name)
def test_the_page_knows_no_node_types_by_colour(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not any(node_type.look.colour in text for node_type in NODE_TYPES)
    assert not re.search(rf"\b(?:{'|'.join(NODE_TYPE)}): \[", text)


def test_the_document_shows_the_types_as_they_are() -> None:
    head = ["| node | column | label | key | from a user | windows (hours) |", "| --- | --- | --- | --- | --- | --- |"]
    rows = [
        f"| {one.noun.one} | `{one.column}` | `{one.label}` | `{one.key}` | {f'`{one.relation}`' if one.relation else ''} | "
        f"{', '.join(f'{hours:g}' for hours in one.place.windows) if one.place else ''} |"
        for one in NODE_TYPES
    ]
    assert "\n".join([*head, *rows]) in (PACKAGE.parent / "docs" / "neo4j.md").read_text(encoding="utf-8")
