"""What an account's own life tells, and how it is asked: the settings of `[signals.…]`, each declared once."""

from __future__ import annotations

from pydantic import Field

from graphdet.log_settings import Section


class TakeoverSettings(Section):
    """Accounts whose life breaks: somebody else seems to act in them."""

    on: bool = Field(True, description="whether they are looked for; about 3 seconds for a million events")
    q: float = Field(0.1, gt=0, le=1, description="expected share of mistaken accounts among those named")
    hours: float = Field(48.0, gt=0, le=8760, description="hours from the first use of a new device that are looked at together")
    least_sittings: int = Field(3, ge=1, description="sittings that an account must have had before, to have habits that can break")


class SignalSettings(Section):
    """Signals of single accounts."""

    takeovers: TakeoverSettings = TakeoverSettings()
