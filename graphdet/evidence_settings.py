"""How users meet, by node type, and how much it says: the settings of `[evidence]` and of each `[view.…]`."""

from __future__ import annotations

import itertools
from copy import copy
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, ValidationInfo, create_model, field_validator

from graphdet.errors import nearest
from graphdet.log_settings import Section
from graphdet.schema import KEY_TYPES, NODE_TYPE, PLACES, NodeType

LONGEST_WINDOW = 500_000.0  # hours; seconds of a log are counted in 32 bits
SHORTEST_WINDOW = 1 / 3600  # a second
MOST_WINDOWS = 8
MOST_EVIDENCE = 300.0  # log10 units: what ten to the power of it can hold

Hours = Annotated[float, Field(gt=0, le=LONGEST_WINDOW)]


class EvidenceSettings(Section):
    """What counts as a meeting of two users, and how much it says (in log10 units)."""

    views: tuple[str, ...] = Field(KEY_TYPES, min_length=1, description="node types at which users meet; how, says [view.…] of each")
    least: float = Field(0.5, ge=0, description="a meeting with less evidence is not counted")
    meetings_most: float = Field(
        5.0, gt=0, description="meetings counted for each visit of the log; where there are more, `least` is raised by halves"
    )
    most: float = Field(4.0, gt=0, le=MOST_EVIDENCE, description="evidence that one meeting may give")
    weak: float = Field(3.0, ge=0, description="a pair with less evidence is dropped")
    intent_prior: float = Field(
        -1.0, le=0, description="log10 chance that a coordinated pair, both after a group's things, meet at a given one"
    )
    draw_seconds: int = Field(
        10, ge=0, description="visits of one user to items that follow each other within so many seconds are one choice"
    )
    stratum_visits: int = Field(2000, ge=1, description="item categories with fewer visits are pooled for the null")
    community_resolution: float = Field(
        3.0, gt=0, description="of the communities of items that stand in for categories where a log has none; higher = more of them"
    )
    homogeneity_least: float = Field(
        0.01, ge=1e-6, le=1e6, description="how alike users' tastes are is read from the log; this is the least that is believed"
    )
    homogeneity_most: float = Field(100.0, ge=1e-6, le=1e6, description="and this the most")

    @field_validator("homogeneity_most")
    @classmethod
    def _not_below_the_least(cls, most: float, info: ValidationInfo) -> float:
        least = info.data.get("homogeneity_least", most)
        if most < least:
            raise ValueError(f"must be at least homogeneity_least (found {most:g} and {least:g})")
        return most

    @field_validator("views")
    @classmethod
    def _known_once(cls, views: tuple[str, ...]) -> tuple[str, ...]:
        for place, name in enumerate(views):
            if name not in KEY_TYPES:
                raise ValueError(f"users meet at no '{name}'{nearest(name, KEY_TYPES) or '.'} There are {', '.join(KEY_TYPES)}")
            if name in views[:place]:
                raise ValueError(f"'{name}' stands there twice")
        return views


class ViewSettings(Section):
    """How users meet at nodes of one type, and what that may say."""

    windows: tuple[Hours, ...] = Field(
        min_length=1, max_length=MOST_WINDOWS, description="hours within which two users meet, shortest first"
    )
    cap: int = Field(ge=1, description="visitors that one visitor is compared with, nearest in time first")
    meetings: float = Field(gt=0, description="nodes at which a coordinated pair is expected to meet")
    most: float = Field(gt=0, description="evidence that all nodes of the type may give a pair; weak views must not make a ring alone")
    share_most: float = Field(gt=0, description="log10 likelihood ratio that they may add to one member of a ring")

    @field_validator("windows")
    @classmethod
    def _ascending(cls, windows: tuple[float, ...]) -> tuple[float, ...]:
        if windows[0] < SHORTEST_WINDOW:
            raise ValueError(f"a window is a second or longer, which is {SHORTEST_WINDOW:.6f} hours")
        if any(after <= before for before, after in itertools.pairwise(windows)):
            raise ValueError("each window must be longer than the one before")
        return windows


class Views(Section):
    """How users meet, by node type."""

    def __getitem__(self, node_type: str) -> ViewSettings:
        settings: ViewSettings = dict(self)[node_type]
        return settings


def _view_of(node_type: NodeType) -> ViewSettings:
    """The settings of one view, of a class whose defaults are the node type's own."""
    place = PLACES[node_type.name]
    own = {"windows": place.windows, "cap": place.cap, "meetings": place.meetings, "most": place.most, "share_most": place.share_most}
    fields: dict[str, Any] = {}
    for name, value in own.items():
        field = copy(ViewSettings.model_fields[name])
        field.default = value
        fields[name] = (field.annotation, field)
    model = create_model(f"{node_type.label}View", __base__=ViewSettings, __doc__=f"How users meet at {node_type.noun.many}.", **fields)
    return model.model_validate({})


if TYPE_CHECKING:
    AllViews = Views
else:  # one section for each node type
    _OF_TYPES = {name: _view_of(NODE_TYPE[name]) for name in KEY_TYPES}
    AllViews = create_model(
        "AllViews", __base__=Views, __doc__=Views.__doc__, **{name: (type(one), one) for name, one in _OF_TYPES.items()}
    )
