"""Ring facts → tier and innocent explanation.

Only rings that the permutation supports come here; one is an `alert` where no innocent explanation covers it. Explanations are tested in
order of `RULES`; each is a plain question about the ring's facts that an analyst can check.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scipy.special import bdtrc

from graphdet.judging.ring_facts import RingFacts
from graphdet.schema import TIERS
from graphdet.settings import TierSettings


@dataclass(frozen=True)
class Setting:
    """What a ring is judged against: its log."""

    days: float  # from the first to the last event; 0 where it has no times
    users: int
    timed: bool
    to_themselves: float  # share of users in groups that have their targets to themselves; asked for where there are no times


def judge(facts: RingFacts, targets: int, log: Setting, settings: TierSettings) -> tuple[str, str]:
    """(tier, explanation) of a ring that the permuted logs support.

    Args:
        facts: of the ring.
        targets: its item targets; all targets where the log has no items.
        log: the log that it was found in.
        settings: thresholds.
    """
    for explanation, fits in RULES.items():
        if fits(facts, log, settings):
            return "explained", explanation
    return ("review" if doubts(facts, targets, log, settings) else "alert"), ""


def doubts(facts: RingFacts, targets: int, log: Setting, settings: TierSettings) -> list[str]:
    """What keeps a ring that no innocent explanation covers from being an alert; empty for an alert."""
    # Among strangers a group stands out by strength alone, and as a minority not even by that.
    among_strangers = facts.surroundings.crowd > settings.crowd and (
        facts.surroundings.crowd > settings.crowd_most or facts.grown.strength < settings.crowd_strength
    )
    # Groups of one taste, linked by whoever belongs to two of them: all through the log, and hardly anybody at more than two targets.
    loose = facts.devotion.density < settings.loose_density and facts.devotion.two_target_share > settings.loose_two_target_share
    # Who likes the same is often at the same things. Without times nothing tells more but that all are at all, that they come back and
    # back, or that nobody else comes there, in a log where that is no custom.
    to_itself = has_targets_to_itself(facts, settings) and log.to_themselves <= settings.exclusive_users
    taste_alone = (
        not (log.timed or to_itself) and facts.devotion.density < settings.loose_density and facts.devotion.repeats < settings.repeats
    )
    # Who is busy everywhere may do a ring's work beside it, but a campaign ends.
    attentive = facts.devotion.attention >= settings.alert_attention and facts.presence.days < settings.long_share * log.days
    found = {
        "weak": facts.grown.strength < strength_needed(facts.devotion.two_target_share, settings),
        "small": facts.size < settings.alert_members or targets < settings.alert_targets,
        "among_strangers": among_strangers,
        "sprawling": loose and facts.presence.days > settings.loose_share * log.days,
        "taste_alone": taste_alone,
        "targets_of_others": facts.surroundings.outsiders_per_member > settings.alert_outsiders,
        # Who gives a sliver of his time to the targets, on devices of his own, is rather one of many with the same interests.
        "not_devoted": facts.devotion.dedication < settings.alert_dedication and not attentive and facts.sharing.own_things == 0,
    }
    return [name for name, holds in found.items() if holds]


def has_targets_to_itself(facts: RingFacts, settings: TierSettings) -> bool:
    """Whether hardly anybody else comes to half of its item targets."""
    return facts.surroundings.outsiders_per_member <= settings.exclusive


def strength_needed(two_target_share: float, settings: TierSettings) -> float:
    """For an alert: more where most members were at two targets only, since pairs of things are in fashion together, too."""
    return settings.two_target_strength if two_target_share > settings.loose_two_target_share else settings.alert_strength


def ring_score(tier: str, strength: float) -> float:
    """0 … 1: each tier has its third, alerts the upper one; within it, stronger is higher."""
    third = len(TIERS) - 1 - TIERS.index(tier)
    return float((third + strength / (strength + 100.0)) / len(TIERS))


def _household(facts: RingFacts, log: Setting, settings: TierSettings) -> bool:
    """A few people with one delivery address or one home network."""
    return facts.size <= settings.household_members and max(facts.sharing.address_share, facts.sharing.place_share) >= settings.nearly_all


def _staff(facts: RingFacts, log: Setting, settings: TierSettings) -> bool:
    """Many on shared devices and one network at other times too, on one shop's goods, and test orders that are cancelled."""
    together = min(facts.sharing.device_share, facts.sharing.place_share) >= 0.3
    return together and facts.dealings.top_seller >= 0.65 and facts.dealings.refunded >= 0.15


def _reseller(facts: RingFacts, log: Setting, settings: TierSettings) -> bool:
    """A few accounts that have goods sent to one address all through the log, and hardly look around before."""
    few_accounts = facts.size <= settings.household_members + 2 and facts.sharing.address_share >= 0.5
    return few_accounts and facts.dealings.ordered >= 0.8 and facts.presence.days >= settings.long_share * log.days


def _colleagues(facts: RingFacts, log: Setting, settings: TierSettings) -> bool:
    """Own devices, but one address to deliver to and one network that they use at other times, too."""
    return (
        facts.sharing.address_share >= settings.nearly_all
        and facts.sharing.place_share >= 0.5
        and facts.sharing.device_share < settings.few
    )


def _group_buy(facts: RingFacts, log: Setting, settings: TierSettings) -> bool:
    """Neighbours: deals of many shops all through the log, or to one pick-up address; nobody returns the goods or collects coupons."""
    nobody_gains = facts.dealings.top_seller < 0.5 and facts.dealings.sellers >= 3
    honest = facts.dealings.ordered >= 0.5 and facts.dealings.refunded < settings.few and facts.dealings.coupons < 0.2
    lasting = facts.presence.days >= settings.long_share * log.days or facts.sharing.address_share >= 0.5
    apart = facts.sharing.own_things <= 1 and facts.sharing.device_share < settings.few and not _colleagues(facts, log, settings)
    return nobody_gains and honest and lasting and apart


def _shared_network(facts: RingFacts, log: Setting, settings: TierSettings) -> bool:
    """Many more of them than of everybody use, at other times, too, one network that others use as well: a campus, an office."""
    members = round(facts.sharing.place_share * facts.size)
    by_chance = float(bdtrc(members - 1, facts.size, facts.sharing.place_users / log.users)) if members else 1.0
    many = members >= 3 and facts.sharing.place_share >= 0.12 and facts.sharing.place_users >= 6 * members
    return many and by_chance < settings.network_chance and facts.sharing.device_share < settings.few


def _flash_sale(facts: RingFacts, log: Setting, settings: TierSettings) -> bool:
    """Strangers rushed in at the same half hours, many more than usual: something brought everybody."""
    return facts.surroundings.crowd >= 0.4 and facts.surroundings.rush >= settings.rush


def _fan_club(facts: RingFacts, log: Setting, settings: TierSettings) -> bool:
    """The same people come for the same kind of things, and to the same shops, on other days, too."""
    needed = settings.fan_taste if facts.presence.days < settings.long_share * log.days else 0.85 * settings.fan_taste
    tastes = [taste for taste in (facts.tastes.taste, facts.tastes.seller_taste) if taste == taste]  # NaN where the log cannot tell
    return bool(tastes) and max(tastes) >= needed and min(tastes) >= 0.55 * needed and facts.sharing.device_share < settings.few


RULES: dict[str, Callable[[RingFacts, Setting, TierSettings], bool]] = {
    "household": _household,
    "reseller": _reseller,
    "staff_device": _staff,
    "group_buy": _group_buy,
    "shared_network": lambda facts, log, settings: _colleagues(facts, log, settings) or _shared_network(facts, log, settings),
    "flash_sale": _flash_sale,
    "fan_club": _fan_club,
}
