"""Look-alikes and objections as data: they judge as plain rules do, their words hold, and one object is all that another one takes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted_logs import with_facts
from test_tiers import INNOCENT, LOG, PLAIN, UNTIMED, grown

from graphdet.dossier.tried import MOST_TOLD, claim_as_dict, in_order, missed_in_words, parts_of, passed_in_words, sentence, spared_in_words
from graphdet.judging.conditions import Background, Weighed, ring_numbers, weigh
from graphdet.judging.ring_facts import RingFacts
from graphdet.judging.tiers import has_targets_to_itself, judge, reach_verdict, reach_verdicts
from graphdet.schema.claims import FACTS, Bar, Claim, Condition
from graphdet.schema.lookalikes import LOOK_ALIKES, right_for
from graphdet.schema.objections import OBJECTIONS
from graphdet.schema.wording import Wording
from graphdet.settings import TierSettings
from graphdet.words.claim_sentences import condition_in_words, number_in_words

CLAIMS: tuple[Claim, ...] = (*LOOK_ALIKES, *OBJECTIONS)

# The rules as they would be written without data: slow to change, quick to read.

Rule = Callable[[Any, Background, TierSettings], bool]


def _household(facts: Any, log: Background, bars: TierSettings) -> bool:
    return facts.size <= bars.household_members and max(facts.address_share, facts.place_share) >= bars.nearly_all


def _staff(facts: Any, log: Background, bars: TierSettings) -> bool:
    return min(facts.device_share, facts.place_share) >= 0.3 and facts.top_seller >= 0.65 and facts.refunded >= 0.15


def _reseller(facts: Any, log: Background, bars: TierSettings) -> bool:
    few_accounts = facts.size <= bars.household_members + 2 and facts.address_share >= 0.5
    return few_accounts and facts.ordered >= 0.8 and facts.days >= bars.long_share * log.days


def _colleagues(facts: Any, log: Background, bars: TierSettings) -> bool:
    return facts.address_share >= bars.nearly_all and facts.place_share >= 0.5 and facts.device_share < bars.few


def _neighbourly(facts: Any, log: Background, bars: TierSettings) -> bool:
    nobody_gains = facts.top_seller < 0.5 and facts.sellers >= 3
    honest = facts.ordered >= 0.5 and facts.refunded < bars.few and facts.coupons < 0.2
    return nobody_gains and honest and facts.own_things <= 1 and facts.device_share < bars.few


def _following(facts: Any, log: Background, bars: TierSettings) -> bool:
    shops = facts.top_seller < 0.5 and facts.sellers >= 3
    return shops and _honest(facts, bars) and facts.days >= bars.long_share * log.days


def _honest(facts: Any, bars: TierSettings) -> bool:
    return facts.refunded < bars.few and facts.coupons < 0.2 and facts.own_things <= 1 and facts.device_share < bars.few


def _throughout(facts: Any) -> bool:
    return facts.apart >= 0.01 and facts.hours <= 24


def _group_buy(facts: Any, log: Background, bars: TierSettings) -> bool:
    lasting = _throughout(facts) and facts.address_share >= bars.few
    return _neighbourly(facts, log, bars) and (lasting or facts.address_share >= 0.5) and not _colleagues(facts, log, bars)


def _shared_network(facts: Any, log: Background, bars: TierSettings) -> bool:
    members = round(facts.place_share * facts.size)
    many = members >= 3 and facts.place_share >= 0.12 and facts.place_users >= 3 * members
    network = many and facts.place_chance < bars.network_chance and facts.device_share < bars.few
    return _colleagues(facts, log, bars) or network


def _sold_together(facts: Any, log: Background, bars: TierSettings) -> bool:
    apart = facts.own_things <= 0 and facts.device_share < bars.few
    return facts.one_sitting >= 0.5 and facts.together >= bars.few and apart


def _flash_sale(facts: Any, log: Background, bars: TierSettings) -> bool:
    at_few = facts.two_target_share > bars.loose_two_target_share
    return facts.crowd >= 0.4 and facts.rush >= bars.rush and at_few and facts.device_share < bars.few


def _fan_club(facts: Any, log: Background, bars: TierSettings) -> bool:
    needed = bars.fan_taste if facts.days < bars.long_share * log.days else 0.65 * bars.fan_taste
    tastes = [taste for taste in (facts.taste, facts.seller_taste) if taste == taste]
    return bool(tastes) and max(tastes) >= needed and facts.device_share < bars.few


PLAIN_RULES: dict[str, Rule] = {
    "household": _household,
    "reseller": _reseller,
    "staff_device": _staff,
    "group_buy": _group_buy,
    "shared_network": _shared_network,
    "sold_together": _sold_together,
    "flash_sale": _flash_sale,
    "fan_club": _fan_club,
}


def plain_needed(facts: Any, bars: TierSettings) -> float:
    if facts.own_kinds >= 2:
        return 0.0
    return bars.two_target_strength if facts.two_target_share > bars.loose_two_target_share else bars.alert_strength


def plain_objections(facts: Any, targets: int, log: Background, bars: TierSettings) -> list[str]:
    strength = facts.strength
    loose = facts.density < bars.loose_density and facts.two_target_share > bars.loose_two_target_share
    to_itself = facts.outsiders_per_member <= bars.exclusive and log.to_themselves <= bars.exclusive_users
    attentive = facts.attention >= bars.alert_attention and facts.days < bars.long_share * log.days
    found = {
        "weak": strength < plain_needed(facts, bars),
        "small": facts.size < bars.alert_members or (targets < bars.alert_targets and not facts.own_kinds),
        "one_kind": facts.own_kinds == 1 and targets < bars.alert_targets,
        "too_many": facts.size >= bars.many_members and facts.size / log.users > bars.alert_share,
        "nobody_else": facts.of_all >= 0.25 and not facts.own_kinds,
        "one_sitting": facts.one_sitting >= 0.5 and facts.own_things <= 0.02 * facts.size and facts.device_share < bars.few,
        "one_day": (
            facts.one_day >= 0.5
            and facts.sellers >= 3
            and facts.top_seller < 0.5
            and facts.own_things <= 0.02 * facts.size
            and facts.device_share < bars.few
        ),
        "like_neighbours": _throughout(facts) and (_neighbourly(facts, log, bars) or _following(facts, log, bars)),
        "again_and_again": (
            facts.sellers < 1
            and facts.crowd < bars.crowd
            and facts.one_sitting >= 0
            and _honest(facts, bars)
            and _throughout(facts)
            and facts.days >= bars.long_share * log.days
        ),
        "like_regulars": facts.top_seller >= bars.nearly_all and facts.half_days >= bars.spread_share * log.days,
        "handed_out": (
            min(facts.top_seller, facts.coupons) >= bars.nearly_all
            and facts.ordered < bars.few
            and facts.half_days < bars.spread_share * log.days
        ),
        "among_strangers": (
            facts.crowd > bars.crowd
            and (facts.two_target_share > bars.loose_two_target_share or not log.timed)
            and (facts.crowd > bars.crowd_most or strength < bars.crowd_strength)
            and facts.device_share < bars.few
        ),
        "sprawling": loose and facts.days > bars.loose_share * log.days,
        "taste_alone": not (log.timed or to_itself) and facts.density < bars.loose_density and facts.repeats < bars.repeats,
        "targets_of_others": not log.timed and facts.outsiders_per_member > bars.alert_outsiders,
        "not_devoted": facts.dedication < bars.alert_dedication and not attentive and facts.own_things <= 0.02 * facts.size,
    }
    return [name for name, raised in found.items() if raised]


# Numbers at every bar, a little to both sides of it, and anywhere.


def near(*bars: float, low: float = 0.0, high: float = 1.0) -> st.SearchStrategy[float]:
    sides = [side for bar in bars for side in (bar, math.nextafter(bar, -math.inf), math.nextafter(bar, math.inf), bar - 0.1, bar + 0.1)]
    return st.sampled_from(sides) | st.floats(low, high)


SHARE = near(0.12, 0.15, 0.2, 0.25, 0.3, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.8).map(lambda share: min(max(share, 0.0), 1.0))
TASTE = near(0.9, 0.65 * 0.9, low=-1.0, high=2.0) | st.just(math.nan)
SETTINGS = st.builds(
    TierSettings,
    fan_taste=st.sampled_from([0.9, 0.7, 0.0, -0.4]),
    crowd=st.sampled_from([0.4, 0.7]),
    long_share=st.sampled_from([0.4, 0.37, 1.0]),
    household_members=st.integers(2, 9),
    network_chance=st.sampled_from([1e-5, 0.01, 0.9]),
    alert_targets=st.integers(0, 4),
    alert_share=st.sampled_from([0.03, 0.001]),
    many_members=st.sampled_from([10, 300]),
)
LOGS = st.builds(
    Background,
    days=st.sampled_from([0.0, 30.0, 31.7]),
    users=st.integers(400, 50_000),
    timed=st.booleans(),
    to_themselves=near(0.5),
)
# From a ring that one rule judges, some of its facts changed: else hardly any would come near a rule of many conditions.
FACTS_DRAWN = st.builds(
    lambda ring, changes: with_facts(ring, **changes),
    st.sampled_from([PLAIN, *INNOCENT.values()]),
    st.fixed_dictionaries({}, optional={
        "grown": st.builds(grown, st.integers(2, 40), near(20.0, 40.0, 60.0, high=100.0)),
        "density": SHARE, "two_target_share": SHARE, "dedication": SHARE,
        "attention": near(2.5, high=5.0) | st.just(math.nan), "repeats": near(2.0, high=4.0) | st.just(math.nan),
        "taste": TASTE, "seller_taste": TASTE, "own_things": st.integers(0, 2), "own_kinds": st.integers(0, 3),
        "sellers": st.integers(0, 4), "top_seller": SHARE,
        "crowd": SHARE, "outsiders_per_member": near(0.1, 1.5, high=3.0), "rush": near(1.6, high=3.0),
        "apart": near(0.01) | st.just(math.nan), "hours": near(24.0, high=48.0) | st.just(math.nan),
        "days": near(0.0, 12.0, 24.0, 0.37 * 31.7, 0.8 * 31.7, high=32.0), "ordered": SHARE, "refunded": SHARE, "coupons": SHARE,
        "device_share": SHARE, "address_share": SHARE, "place_share": SHARE, "place_users": st.integers(0, 400),
        "place_chance": near(1e-5, 0.01, 0.9), "one_sitting": SHARE | st.just(math.nan), "one_day": SHARE | st.just(math.nan),
        "together": SHARE | st.just(math.nan),
        "half_days": near(0.0, 0.06 * 30.0, 0.06 * 31.7, high=9.0) | st.just(math.nan),
    }),
)  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(facts=FACTS_DRAWN, targets=st.integers(0, 8), log=LOGS, bars=SETTINGS)
def test_data_judges_as_plain_rules_do(facts: RingFacts, targets: int, log: Background, bars: TierSettings) -> None:
    same_as_plain(facts, targets, log, bars)


def same_as_plain(facts: RingFacts, targets: int, log: Background, bars: TierSettings) -> None:
    judged = judge(facts, targets, log, bars)
    plain = SimpleNamespace(**facts.scalars(), size=facts.size, strength=facts.grown.strength)
    fits = [name for name, rule in PLAIN_RULES.items() if rule(plain, log, bars)]
    raised = plain_objections(plain, targets, log, bars)
    assert [one.claim.name for one in judged.look_alikes if one.holds] == fits
    assert list(judged.raised) == raised
    assert (judged.tier, judged.explanation) == (("explained", fits[0]) if fits else ("review" if raised else "alert", ""))
    assert reach_verdict(facts, targets, log, bars) == judged.verdict
    assert reach_verdicts([facts, PLAIN], [targets, 6], log, bars)[0] == judged.verdict
    assert judged.strength_needed() == plain_needed(plain, bars)
    assert has_targets_to_itself(facts, bars) == (plain.outsiders_per_member <= bars.exclusive)


MADE_OF = {"home_share": "address_share", "desk_share": "place_share", "best_taste": "taste"}


@pytest.mark.parametrize("log", [LOG, UNTIMED], ids=["timed", "untimed"])
def test_at_every_bar_data_judges_as_plain_rules_do(log: Background) -> None:
    """From each ring that one rule judges: every fact at each of its bars, and next to it on both sides."""
    bars = TierSettings()
    for ring in (PLAIN, *INNOCENT.values(), with_facts(INNOCENT["group_buy"], days=2.0, address_share=0.6)):
        judged = judge(ring, 6, log, bars)
        for checked in (checked for one in (*judged.look_alikes, *judged.objections) for checked in one.checked.values()):
            name = MADE_OF.get(checked.condition.fact, checked.condition.fact)
            for value in (math.nextafter(checked.bar, -math.inf), checked.bar, math.nextafter(checked.bar, math.inf)):
                if name in ring.scalars():
                    same_as_plain(with_facts(ring, **{name: value}), 6, log, bars)
                elif name == "strength":
                    same_as_plain(with_facts(ring, grown=grown(ring.size, value)), 6, log, bars)


def test_numbers_are_those_that_facts_are_declared_for() -> None:
    assert set(ring_numbers(PLAIN, 6, LOG)) == set(FACTS)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_a_claim_names_settings_that_exist_and_says_why_other_numbers_stand(claim: Claim) -> None:
    for condition in (condition for way in (*claim.ways, claim.unless) for condition in way):
        assert not condition.bar.setting or condition.bar.setting in TierSettings.model_fields
        assert condition.bar.setting or condition.bar.why


def test_what_does_not_fit_together_is_refused() -> None:
    with pytest.raises(ValueError, match="no such fact"):
        Condition("sise", "at least", Bar("few"))
    with pytest.raises(ValueError, match="needs its reason"):
        Bar(number=0.3)
    with pytest.raises(ValueError, match="a setting or a number"):
        Bar("few", number=0.3, why="both")
    with pytest.raises(ValueError, match="different numbers"):
        Wording("{size} people", "{members} 人")
    with pytest.raises(ValueError, match="facts that do not exist"):
        replace(OBJECTIONS[0], sentence=Wording("{sise} people", "{sise} 人"))


# Words.


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_a_claim_has_words_in_both_languages(claim: Claim) -> None:
    weighed = weigh(claim, ring_numbers(PLAIN, 6, LOG), TierSettings())
    for english, chinese in ((sentence(weighed, "en"), sentence(weighed, "zh")), (claim.short.en, claim.short.zh)):
        assert re.search(r"[\u4e00-\u9fff]", chinese)
        assert not re.search(r"[\u4e00-\u9fff]", english)
        assert "{" not in english + chinese
    for text in (claim.sentence.en, claim.sentence.zh):
        assert not re.search(r"fraud|criminal|guilty|cheat|culprit|scam|欺诈|诈骗|罪|骗", text.lower()), text


@pytest.mark.parametrize("log", [LOG, UNTIMED], ids=["timed", "untimed"])
@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_what_does_not_hold_is_not_claimed(claim: Claim, log: Background) -> None:
    for ring in (PLAIN, *INNOCENT.values()):
        weighed = weigh(claim, ring_numbers(with_facts(ring, half_days=math.nan), 6, log), TierSettings())
        told = claim_as_dict(weighed)
        assert (told["en"] == sentence(weighed, "en")) == weighed.holds
        assert (told["zh"] == sentence(weighed, "zh")) == weighed.holds
        assert told["en"]
        assert "–" not in told["en"] + told["zh"]


def test_a_number_is_told_apart_from_the_bar_that_it_misses() -> None:
    nearly = Condition("address_share", "at least", Bar("nearly_all"))
    assert condition_in_words(nearly, 0.36, 0.7, "en") == "36% with one delivery address (at least 70%)"
    assert condition_in_words(nearly, 0.36, 0.7, "zh") == "36% 使用同一收货地址（至少 70%）"
    assert condition_in_words(nearly, 0.699, 0.7, "en") == "69.9% with one delivery address (at least 70.0%)"
    assert condition_in_words(nearly, 0.7, 0.7, "en") == "70% with one delivery address (at least 70%)"
    lasting = Condition("days", "at least", Bar("long_share", of="log_days"))
    assert condition_in_words(lasting, 11.96, 12.0, "en") == "goes on for 11.96 days (at least 12)"
    taste = Condition("best_taste", "at least", Bar("fan_taste"))
    assert condition_in_words(taste, math.nan, 1.0, "en").endswith("? times as often as everybody (not measured in this log)")
    assert [number_in_words(chance, "chance") for chance in (0.16, 1e-5, 1e-40)] == ["16%", "1/100,000", "<1/1,000,000,000"]
    assert number_in_words(1.0, "times") == "10"


def weighed(name: str, facts: RingFacts, log: Background = LOG) -> Weighed:
    judged = judge(facts, 6, log, TierSettings())
    return next(one for one in (*judged.look_alikes, *judged.objections) if one.claim.name == name)


def test_what_does_not_fit_names_the_bars_that_it_misses() -> None:
    assert missed_in_words(weighed("household", PLAIN), "en") == (
        "20 members (at most 6); 5% with one address or, apart from this, one network (at least 70%)"
    )
    network = with_facts(PLAIN, place_share=0.45, place_users=20, place_chance=1e-6, device_share=0.4)
    assert (
        missed_in_words(weighed("shared_network", network), "en")
        == "20 users on their network (at least 27); 40% on shared devices (less than 25%)"
    )
    cut = missed_in_words(weighed("group_buy", with_facts(PLAIN, ordered=0.1)), "en")
    assert cut.count(";") == MOST_TOLD
    assert cut.endswith("and 2 more") or cut.count("(") == MOST_TOLD + 1
    colleagues = with_facts(PLAIN, top_seller=0.3, sellers=5, ordered=0.8, days=25.0, address_share=0.9, place_share=0.6)
    assert missed_in_words(weighed("group_buy", colleagues), "en").startswith("but 90% with one delivery address (at least 70%); 60%")
    assert weighed("shared_network", colleagues).holds
    assert missed_in_words(weighed("household", with_facts(PLAIN, grown=grown(6), place_share=0.9)), "en") == ""
    assert missed_in_words(weighed("household", PLAIN), "en", most=1) == "20 members (at most 6); and 1 more"


def test_what_holds_names_the_bars_that_it_passes() -> None:
    crowd = weighed("among_strangers", with_facts(PLAIN, crowd=0.95, two_target_share=0.6))
    harder = "95% of the visitors around members' visits are strangers beyond the usual (more than 60%)"  # of two bars of one fact
    assert (
        passed_in_words(crowd, "en")
        == f"{harder}; 60% of members came to no more than two items (more than 55%); 0% on shared devices (less than 25%)"
    )
    assert passed_in_words(weighed("household", PLAIN), "en") == ""


def test_an_alert_tells_how_far_it_is_from_review() -> None:
    told = spared_in_words(judge(PLAIN, 6, LOG, TierSettings()).objections, "en")
    for bar in ("evidence 200 (at least 20)", "20 members (at least 5)", "6 targets (at least 3)", "is here (at least 20%)"):
        assert bar in told
    first, *rest = told.split("; ")
    assert spared_in_words(judge(PLAIN, 6, LOG, TierSettings()).objections, "en", 1) == f"{first}; and {len(rest)} more"
    busy = with_facts(PLAIN, dedication=0.05, attention=4.0)
    assert "as in 4 ordinary visits (at least 2.5)" in spared_in_words([weighed("not_devoted", busy)], "en")


def test_the_chosen_one_comes_first_then_what_else_holds() -> None:
    both = with_facts(PLAIN, grown=grown(6), place_share=0.9, crowd=0.9, rush=2.5, two_target_share=0.8, place_users=200, place_chance=1e-6)
    judged = judge(both, 6, LOG, TierSettings())
    assert [one.claim.name for one in in_order(judged.look_alikes, judged.explanation)][:3] == ["household", "shared_network", "flash_sale"]


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_parts_of_a_claim_are_all_of_it(claim: Claim) -> None:
    parts = parts_of(claim)
    shared = {condition for condition, part in parts if part == "all"}
    for number, way in enumerate(claim.ways, 1):
        assert shared | {condition for condition, part in parts if part == str(number)} == set(way)
    assert {condition for condition, part in parts if part == "unless"} == set(claim.unless)


# Made groups.


def test_every_made_kind_is_explained_by_some_look_alike() -> None:
    right = right_for()
    assert right["bulk_office"] == {"shared_network", "group_buy", "reseller"}
    assert right["staff"] == {"staff_device"}
    assert right["campus_class"] == {"shared_network", "group_buy"}
    assert set(right) == {
        "household", "second_hand", "campus", "campus_class", "carrier", "cafe", "bulk_office", "fan_club", "subscription", "group_buy",
        "flash_sale", "reseller", "staff",
    }  # fmt: skip
