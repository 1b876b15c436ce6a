"""What signals look for: the settings of `[signals.…]`, each declared once with type, default, bounds and one sentence."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from graphdet.log_settings import Section


class TakeoverSettings(Section):
    """Accounts whose life breaks: somebody else seems to act in them."""

    on: bool = Field(True, description="whether they are looked for; about 2 seconds for a million events")
    q: float = Field(0.1, gt=0, le=1, description="expected share of mistaken accounts among those named")
    hours: float = Field(48.0, gt=0, le=8760, description="hours from the first use of a new device that are looked at together")
    least_sittings: int = Field(3, ge=1, description="sittings that an account must have had before, to have habits that can break")
    places: str = Field(
        "",
        description="a CSV of networks (network, latitude, longitude), by which impossible journeys tell, too; beside the settings file",
    )
    columns: bool = Field(False, description="whether models with labels read their scores")


class SequenceSettings(Section):
    """How surprising an account's steps are, for models with labels."""

    model: Literal["none", "trigram", "gru", "lstm"] = Field(
        "none", description="what says so: counts of three steps (a second for a million events), or a network (minutes)"
    )
    labelled: bool = Field(False, description="whether a network learns labels from the steps themselves, for models with labels (minutes)")


class MapSettings(Section):
    """How odd an account's hours and weeks are, for models with labels."""

    columns: bool = Field(False, description="whether they read it; half a second for a million events")
    network: bool = Field(False, description="whether they read how badly a network that learned from others draws an account's hours")


class SeriesSettings(Section):
    """How bursts are found in counts by the hour and by the day."""

    false_share: float = Field(0.01, ge=0, lt=1, description="share of false alarms among the bursts that are told; 0 = look for none")
    rare_share: float = Field(
        0.001, gt=0, le=1, description="share of series of a kind, by the tail of all of them, that may reach as much as a burst"
    )
    least: int = Field(5, ge=2, description="users (of the whole shop: events) that a burst must have")
    excess: float = Field(2.0, ge=1, description="times what is expected that a burst must have")
    most: int = Field(10_000, ge=1, description="bursts that a run keeps, the least likely first")


class SignalSettings(Section):
    """What an account's, an item's or a shop's own life tells."""

    series: SeriesSettings = SeriesSettings()
    takeovers: TakeoverSettings = TakeoverSettings()
    sequences: SequenceSettings = SequenceSettings()
    activity_maps: MapSettings = MapSettings()
