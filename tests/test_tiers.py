"""Facts → tiers: each objection, each look-alike, and that nothing else decides."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from planted_logs import plain_facts, with_facts

from graphdet.judging.conditions import Background
from graphdet.judging.judged_ring import JudgedRing, one_of_each
from graphdet.judging.ring_facts import RingFacts
from graphdet.judging.tiers import Judgement, judge, ring_score
from graphdet.rings.growth import Grown
from graphdet.schema import TIERS
from graphdet.schema.lookalikes import look_alike_names
from graphdet.settings import TierSettings

LOG = Background(days=30.0, users=50_000, timed=True, to_themselves=0.0)
UNTIMED = Background(days=0.0, users=50_000, timed=False, to_themselves=0.1)
SETTINGS = TierSettings()


def verdict(judged: Judgement) -> tuple[str, str]:
    return judged.tier, judged.explanation


def raised(facts: RingFacts, items: int, log: Background) -> list[str]:
    return list(judge(facts, items, log, SETTINGS).raised)


def grown(members: int = 20, strength: float = 200.0) -> Grown:
    codes = np.arange(6, dtype=np.int32)
    return Grown(np.arange(members, dtype=np.int32), np.ones(members), codes, codes, codes, codes, codes, np.ones(6), strength)


PLAIN = plain_facts(grown())
AT_TWO = SETTINGS.loose_two_target_share + 0.01


# People who look at each new deal, whoever sells it, all through the log.
NEW_DEALS: dict[str, float] = {
    "days": SETTINGS.long_share * LOG.days, "apart": 0.01, "hours": 24.0, "top_seller": 0.4, "sellers": 3, "ordered": 0.0, "own_things": 1,
    "refunded": 0.0, "coupons": 0.0,
}  # fmt: skip


def test_a_plain_ring_is_an_alert() -> None:
    assert raised(PLAIN, 6, LOG) == []
    assert verdict(judge(PLAIN, 6, LOG, SETTINGS)) == ("alert", "")


@pytest.mark.parametrize(
    ("objection", "facts", "items"),
    [
        ("weak", with_facts(PLAIN, grown=grown(strength=SETTINGS.alert_strength - 0.1)), 6),
        (
            "weak",
            with_facts(PLAIN, grown=grown(strength=SETTINGS.two_target_strength - 0.1), two_target_share=AT_TWO),
            6,
        ),
        ("small", with_facts(PLAIN, grown=grown(members=SETTINGS.alert_members - 1)), 6),
        ("small", PLAIN, SETTINGS.alert_targets - 1),
        ("among_strangers", with_facts(PLAIN, crowd=SETTINGS.crowd_most + 0.01, two_target_share=AT_TWO), 6),
        (
            "among_strangers",
            with_facts(PLAIN, crowd=SETTINGS.crowd + 0.01, grown=grown(strength=SETTINGS.crowd_strength - 1), two_target_share=AT_TWO),
            6,
        ),
        ("nobody_else", with_facts(PLAIN, of_all=0.25), 6),
        ("sprawling", with_facts(PLAIN, days=29.0, density=0.2, two_target_share=0.7), 6),
        ("like_neighbours", with_facts(PLAIN, **NEW_DEALS), 6),
        ("again_and_again", with_facts(PLAIN, **NEW_DEALS | {"sellers": 0, "top_seller": 0.0}), 6),
        ("like_regulars", with_facts(PLAIN, half_days=SETTINGS.spread_share * LOG.days), 6),
        ("handed_out", with_facts(PLAIN, coupons=SETTINGS.nearly_all, ordered=SETTINGS.few - 0.01, half_days=0.0), 6),
        ("not_devoted", with_facts(PLAIN, dedication=SETTINGS.alert_dedication - 0.01), 6),
    ],
)
def test_each_objection_alone_puts_a_ring_up_for_review(objection: str, facts: RingFacts, items: int) -> None:
    assert raised(facts, items, LOG) == [objection]
    assert verdict(judge(facts, items, LOG, SETTINGS)) == ("review", "")


@pytest.mark.parametrize(
    "otherwise",
    [
        {"days": SETTINGS.long_share * LOG.days - 0.1},
        {"apart": 0.009},
        {"hours": 25.0},
        {"own_things": 2},
        {"top_seller": 0.5},
        {"sellers": 2},
        {"refunded": SETTINGS.few},
        {"coupons": 0.2},
    ],
    ids=lambda otherwise: next(iter(otherwise)),
)
def test_a_campaign_is_no_crowd_of_deal_hunters(otherwise: dict[str, float]) -> None:
    assert raised(with_facts(PLAIN, **NEW_DEALS | otherwise), 6, LOG) == []


@pytest.mark.parametrize(
    "otherwise",
    [
        {"days": SETTINGS.long_share * LOG.days - 0.1},
        {"apart": 0.009},
        {"hours": 25.0},
        {"own_things": 2},
        {"sellers": 1, "top_seller": 0.6},
        {"crowd": SETTINGS.crowd},
        {"one_sitting": float("nan")},
    ],
    ids=lambda otherwise: next(iter(otherwise)),
)
def test_where_no_shops_are_told_who_meets_again_and_again_is_for_review(otherwise: dict[str, float]) -> None:
    company = NEW_DEALS | {"sellers": 0, "top_seller": 0.0}
    assert raised(with_facts(PLAIN, **company), 6, LOG) == ["again_and_again"]
    assert raised(with_facts(PLAIN, **company | otherwise), 6, LOG) == []


def test_who_came_to_many_things_did_not_come_with_their_crowds() -> None:
    crowded = with_facts(PLAIN, crowd=0.95, two_target_share=SETTINGS.loose_two_target_share)
    assert raised(crowded, 6, LOG) == []
    assert "among_strangers" in raised(crowded, 6, UNTIMED)
    assert raised(with_facts(crowded, two_target_share=AT_TWO), 6, LOG) == ["among_strangers"]


def test_who_is_busy_everywhere_may_be_devoted() -> None:
    busy = with_facts(PLAIN, dedication=0.05, attention=SETTINGS.alert_attention)
    assert raised(busy, 6, LOG) == []
    assert raised(with_facts(busy, days=SETTINGS.long_share * LOG.days), 6, LOG) == ["not_devoted"]


def test_who_shares_devices_need_not_be_devoted() -> None:
    assert raised(with_facts(PLAIN, dedication=0.0, own_things=1), 6, LOG) == []
    many = with_facts(PLAIN, grown=grown(members=150), dedication=0.0, own_things=3)
    assert raised(many, 6, LOG) == ["not_devoted"]  # some are families
    assert raised(with_facts(many, own_things=4), 6, LOG) == []


def test_a_slow_ring_whose_members_meet_is_not_sprawling() -> None:
    assert raised(with_facts(PLAIN, days=29.0, density=0.2, two_target_share=0.5), 6, LOG) == []
    assert raised(with_facts(PLAIN, days=29.0, density=0.5, two_target_share=0.7), 6, LOG) == []
    assert raised(with_facts(PLAIN, days=20.0, density=0.2, two_target_share=0.7), 6, LOG) == []


def test_without_times_a_loose_group_is_an_alert_only_where_it_comes_back_and_back() -> None:
    loose = with_facts(PLAIN, days=0.0, density=0.2)
    assert raised(loose, 6, LOG) == []
    assert raised(loose, 6, UNTIMED) == ["taste_alone"]
    assert raised(with_facts(loose, density=SETTINGS.loose_density), 6, UNTIMED) == []
    assert raised(with_facts(loose, repeats=SETTINGS.repeats), 6, UNTIMED) == []
    alone = with_facts(loose, outsiders_per_member=SETTINGS.exclusive)
    assert raised(alone, 6, UNTIMED) == []
    custom = replace(UNTIMED, to_themselves=SETTINGS.exclusive_users + 0.01)
    assert raised(alone, 6, custom) == ["taste_alone"]


def test_a_network_is_shared_by_more_than_would_use_it_by_accident() -> None:
    for members, users, chance in itertools.product((2, 3, 4, 12), (30, 300), (1e-9, 0.999e-3, 1e-3, 0.5)):
        facts = with_facts(PLAIN, place_share=members / 20, place_users=users, place_chance=chance)
        explained = judge(facts, 6, LOG, SETTINGS).explanation == "shared_network"
        assert explained == (members >= 3 and chance < SETTINGS.network_chance and users >= 3 * members)


def test_many_are_too_many_only_of_a_log_that_has_few_more() -> None:
    many = grown(members=SETTINGS.many_members)
    assert raised(with_facts(PLAIN, grown=many), 6, LOG) == []
    assert raised(with_facts(PLAIN, grown=many), 6, replace(LOG, users=SETTINGS.many_members * 9)) == ["too_many"]
    assert raised(with_facts(PLAIN, grown=grown(SETTINGS.many_members - 1)), 6, replace(LOG, users=2000)) == []


def test_a_farm_may_be_all_who_were_there() -> None:
    assert raised(with_facts(PLAIN, of_all=0.24), 6, LOG) == []
    assert raised(with_facts(PLAIN, of_all=1.0, own_kinds=2), 6, LOG) == []


def test_targets_are_others_only_where_no_times_tell_who_came_at_once() -> None:
    popular = with_facts(PLAIN, outsiders_per_member=SETTINGS.alert_outsiders + 0.01)
    assert raised(popular, 6, LOG) == []
    assert raised(popular, 6, UNTIMED) == ["targets_of_others"]


def test_one_sitting_is_a_ring_s_where_it_shares_devices() -> None:
    once = with_facts(PLAIN, one_sitting=0.5)
    assert raised(once, 6, LOG) == ["one_sitting"]
    assert raised(with_facts(once, own_things=1), 6, LOG) == []
    assert raised(with_facts(once, device_share=SETTINGS.few), 6, LOG) == []
    readers = with_facts(once, grown=grown(members=150), own_things=3)
    assert raised(readers, 6, LOG) == ["one_sitting"]  # some are families
    assert raised(with_facts(readers, own_things=4), 6, LOG) == []


def test_on_bare_dates_a_list_is_each_on_one_day_at_several_shops() -> None:
    once = with_facts(PLAIN, one_day=0.5, sellers=3, top_seller=0.49)
    assert raised(once, 6, LOG) == ["one_day"]
    assert raised(with_facts(once, one_day=0.49), 6, LOG) == []
    assert raised(with_facts(once, top_seller=0.5), 6, LOG) == []
    assert raised(with_facts(once, sellers=2), 6, LOG) == []
    assert raised(with_facts(once, own_things=1), 6, LOG) == []


def test_a_crew_at_one_shop_keeps_to_its_days_and_at_several_to_its_hand() -> None:
    regulars = with_facts(PLAIN, half_days=8.0)
    assert raised(with_facts(regulars, half_days=1.7), 6, LOG) == []
    assert raised(with_facts(regulars, top_seller=SETTINGS.nearly_all - 0.01), 6, LOG) == []


def test_a_crowd_s_visitors_are_at_one_or_two_of_its_things() -> None:
    crowd = with_facts(PLAIN, crowd=0.5, rush=2.5, two_target_share=SETTINGS.loose_two_target_share + 0.01)
    assert judge(crowd, 6, LOG, SETTINGS).explanation == "flash_sale"
    many = with_facts(crowd, two_target_share=SETTINGS.loose_two_target_share)
    assert judge(many, 6, LOG, SETTINGS).tier == "alert"
    on_phones = with_facts(crowd, device_share=SETTINGS.few)
    assert judge(on_phones, 6, LOG, SETTINGS).tier == "alert"
    assert judge(with_facts(on_phones, crowd=0.95), 6, LOG, SETTINGS).tier == "alert"


FEW = grown(members=6)
INNOCENT = {
    "household": with_facts(PLAIN, grown=FEW, place_share=0.9),
    "reseller": with_facts(PLAIN, grown=FEW, address_share=0.6, ordered=0.9, days=25.0),
    "staff_device": with_facts(PLAIN, device_share=0.8, place_share=0.6, refunded=0.3),
    "shared_network": with_facts(PLAIN, place_share=0.5, place_users=100, place_chance=1e-6),
    "group_buy": with_facts(PLAIN, top_seller=0.3, sellers=5, ordered=0.8, apart=0.1, address_share=0.3),
    "sold_together": with_facts(PLAIN, one_sitting=0.9, together=0.5),
    "flash_sale": with_facts(PLAIN, crowd=0.9, rush=2.5, two_target_share=0.8),
    "fan_club": with_facts(PLAIN, taste=1.3, seller_taste=1.5),
}


@pytest.mark.parametrize("name", look_alike_names())
def test_each_innocent_group_is_explained_by_its_own_name(name: str) -> None:
    assert verdict(judge(INNOCENT[name], 6, LOG, SETTINGS)) == ("explained", name)


def test_a_device_farm_is_no_household_and_no_staff() -> None:
    farm = with_facts(PLAIN, device_share=0.9, place_share=0.2, refunded=0.05, own_things=8)
    assert verdict(judge(farm, 6, LOG, SETTINGS)) == ("alert", "")


def test_scores_follow_tiers_first_and_strength_then() -> None:
    scores = [ring_score(tier, strength) for tier in reversed(TIERS) for strength in (0.0, 10.0, 1000.0)]
    assert scores == sorted(scores)
    assert scores[0] >= 0
    assert scores[-1] <= 1


def test_of_rings_with_the_same_members_the_first_is_kept() -> None:
    one, other, small = (
        JudgedRing(with_facts(PLAIN, grown=grown(members, strength)), 0.1, 0.1, "alert", "", score, "alert")
        for members, strength, score in ((20, 200.0, 0.9), (20, 100.0, 0.8), (19, 50.0, 0.7))
    )
    assert one_of_each([one, other, small]) == [one, small]
