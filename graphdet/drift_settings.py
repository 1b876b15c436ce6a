"""How far a shop may move from its usual before somebody is told: the settings of `[drift]`, declared once as all others are."""

from __future__ import annotations

from pydantic import Field

from graphdet.log_settings import Section


class DriftSettings(Section):
    """How far what a watch sees may move from the days before. It changes no result; it tells, and asks for a fresh model."""

    days: int = Field(7, ge=1, le=90, description="days before, whose mean is the usual")
    least_events: int = Field(1000, ge=1, description="events that a day needs to be judged, or to be part of the usual")
    stability_most: float = Field(
        0.25, gt=0, description="population stability index of a feature or of the scores: 0.1 is a slight shift, 0.25 another population"
    )
    unknown_most: float = Field(0.1, gt=0, le=1, description="share by which values of a column may be missing more often than usual")
    rate_factor: float = Field(3.0, gt=1, description="times that events per minute may be more, or less, than usual")
    hubs_most: float = Field(
        0.1, gt=0, le=1, description="share of a day's events that the ten busiest keys of a type may have beyond the usual"
    )
    alerts_factor: float = Field(3.0, gt=1, description="times that rings may be told of more often, or less, than usual")
    alerts_least: int = Field(5, ge=1, description="rings that must have been told of, in the day or as usual, for that to be judged")
