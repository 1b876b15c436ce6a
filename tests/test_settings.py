"""Settings: what names something is checked against what exists, and no number is taken that is none."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import pytest

from graphdet.errors import SettingsError, UnknownSetting
from graphdet.events import check_logs
from graphdet.schema import KEY_TYPES, PLACES
from graphdet.settings import LogSettings, Settings, _names, load_settings, parse_settings, settings_as_toml


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[evidence]\nviews = ['itme']", "evidence.views = ['itme']: users meet at no 'itme'; did you mean 'item'?"),
        ("[evidence]\nviews = ['user']", "evidence.views = ['user']: users meet at no 'user'"),
        ("[evidence]\nviews = []", "evidence.views = []"),
        ("[evidence]\nviews = ['ip', 'item', 'ip']", "'ip' stands there twice"),
        ("[view.item]\nwindows = []", "view.item.windows = []"),
        ("[view.item]\nwindows = [24.0, -1.0]", "view.item.windows.1 = -1.0: must be more than 0"),
        ("[view.item]\nwindows = [0.0]", "view.item.windows.0 = 0.0: must be more than 0"),
        ("[view.item]\nwindows = [nan]", "view.item.windows.0 = nan: must be a number, and nan and inf are none"),
        ("[view.item]\nwindows = [inf]", "view.item.windows.0 = inf: must be a number, and nan and inf are none"),
        ("[view.item]\nwindows = [168.0, 24.0]", "each window must be longer than the one before"),
        ("[view.item]\nwindows = [1e7]", "must be at most 500,000"),
        ("[view.ip]\nmost = nan", "view.ip.most = nan: must be a number, and nan and inf are none"),
        ("[rings]\nslack = inf", "rings.slack = inf: must be a number, and nan and inf are none"),
        ("[view.item]\nwindows = [1e-6, 1.0]", "a window is a second or longer, which is 0.000278 hours"),
        ("[view.item]\nwindows = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]", "must have at most 8 values (found 9)"),
        ("[rings]\nslack = 1e308", "rings.slack = 1e+308: must be at most 500,000"),
        ("[rings]\nleast_members = 9223372036854775807", "must be at most 1,000,000,000 (found 9.22e+18)"),
        ("[rings]\nlevels = [4.0, 1e308]", "must be at most 1,000,000,000 (found 1e+308)"),
        ("[rings]\njoin = -1e12", "must be at least -1,000,000,000 (found -1e+12)"),
        ("[evidence]\nhomogeneity_least = 200.0", "must be at least homogeneity_least (found 100 and 200)"),
        ("[view.item]\ncap = 0", "view.item.cap = 0: must be at least 1"),
        ("[log]\nsample = 50", 'log.sample = 50: must be at most 1. `graphdet settings` says of it: "share of users to keep, '),
        ("[log]\nsample = 50", "(default 1.0)."),
        ("[log]\nday_first = 'yes'", "log.day_first = 'yes': must be true or false. "),
        ("[log]\nfold = ['cas']", "log.fold.0 = 'cas': must be 'case', 'spaces', 'float' or 'encoding'; did you mean 'case'? "),
        ("[log]\ntimestamp_format = ['%Y', 3]", "log.timestamp_format.1 = 3: must be a text. "),
        ("[log]\ncolumns = 5", "log.columns = 5: must be a table, in { }. "),
        ("log = 3", "log = 3: must be a table, with a line for each setting."),
        ("[rings]\nleast_members = true", "rings.least_members = true: must be a whole number. "),
        ("[alerts.sinks.ours]\npath = 'x'", 'alerts.sinks.ours.kind: is missing. `graphdet settings` says of it: "what it is: file, '),
        ("[alerts.sinks.'a b']\nkind = 'file'\npath = 'x'", "'a b' is no name of a sink; it has letters"),
    ],
)
def test_values_that_mean_nothing_are_refused(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path / "mine.toml")
    assert str(caught.value).startswith(f"{tmp_path / 'mine.toml'}: ")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


WRONG = (
    None,
    True,
    -1,
    2.5,
    1e300,
    10**400,
    math.nan,
    "nonsense",
    [],
    ["nonsense"],
    [2.5],
    {},
    {"nonsense": 3},
    {"nonsense": {"nonsense": 3}},
)


def test_whatever_stands_in_place_of_a_setting_is_refused_in_our_words() -> None:
    """Not in those of the library that checks them, which people who mend a settings file never asked for."""
    refused: list[tuple[str, str]] = []
    for section, name in _names(Settings):
        for value in WRONG if "*" not in section else ():
            table: dict[str, Any] = {name: value}
            for part in reversed(section.split(".") if section else []):
                table = {part: table}
            try:
                parse_settings(table, "mine.toml")
            except UnknownSetting:
                continue
            except SettingsError as error:
                refused.append((f"{section}.{name}".lstrip("."), str(error)))
    for name, line in refused:
        assert re.match(rf"mine\.toml: {re.escape(name)}\b", line)
        ours, _, _ = line.partition("`graphdet settings`")
        assert not re.search(r"(?i)input|valid |value error|required|pydantic|\.\.", ours)
    assert len(refused) > 1000


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"evidence": {"item_cap": 3}}, "[evidence] has no setting 'item_cap'; did you mean [view.item] cap?"),
        ({"evidence": {"device_windows": [24.0]}}, "did you mean [view.device] windows?"),
        ({"evidence": {"ip_most": 1.0}}, "did you mean [view.ip] most?"),
        ({"rings": {"seller_share_most": 1.0}}, "did you mean [view.seller] share_most?"),
        ({"view": {"itme": {}}}, "[view] has no setting 'itme'; did you mean 'item'?"),
        ({"view": {"item": {"capp": 3}}}, "[view.item] has no setting 'capp'; did you mean 'cap'?"),
        ({"evidence": {"permutations": 3}}, "did you mean [rings] permutations?"),
        ({"seeed": 3}, "there is no setting 'seeed'; did you mean 'seed'?"),
        ({"zone": "UTC"}, "there is no setting 'zone'; did you mean [log] timezone?"),
        ({"watch": 3}, "there is no setting 'watch'. `graphdet settings`"),  # nothing is like it: no path of an alert's sink
        ({"watch": {"hours": 3}}, "there is no section [watch]; there are [alerts], [drift], [evidence], "),
        ({"series": {"on": True}}, "there is no section [series]; did you mean [signals.series]?"),
        ({"lgo": {"timezone": "UTC"}}, "there is no section [lgo]; there are "),
        ({"evidense": {}}, "there is no section [evidense]; did you mean [evidence]?"),
        ({"rings": {"qqqqq": 3}}, "[rings] has no setting 'qqqqq'. `graphdet settings`"),
    ],
)
def test_an_unknown_setting_is_told_with_the_nearest_that_exists(table: dict[str, object], says: str) -> None:
    with pytest.raises(UnknownSetting) as caught:
        parse_settings(table, "mine.toml")
    assert says in str(caught.value)


def test_views_have_the_defaults_of_their_node_types_and_take_what_a_file_says() -> None:
    settings = parse_settings({"view": {"ip": {"cap": 7}}}, "mine.toml")
    for name in KEY_TYPES:
        own, place = settings.view[name], PLACES[name]
        assert (own.windows, own.meetings, own.most, own.share_most) == (place.windows, place.meetings, place.most, place.share_most)
        assert own.cap == (7 if name == "ip" else place.cap)


def test_a_file_of_all_settings_says_each_sentence_once_and_loads_again(tmp_path: Path) -> None:
    changed = parse_settings({"seed": 5, "view": {"device": {"windows": [2.5]}}, "log": {"actions": {"buy": "order"}}}, "mine.toml")
    text = settings_as_toml(changed)
    (tmp_path / "all.toml").write_text(text, encoding="utf-8")
    assert load_settings(tmp_path / "all.toml") == changed != Settings()
    assert text.count("visitors that one visitor is compared with") == 1
    assert all(f"[view.{name}]" in text for name in KEY_TYPES)


def test_an_action_that_nothing_knows_is_told_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("user_id,item_id,action\nu,a,buy\n", encoding="utf-8")
    assert check_logs([tmp_path / "log.csv"], LogSettings(actions={"buy": "Order"})).actions == {"order": 1}
    with pytest.raises(SettingsError, match=r"\[log.actions\]: there is no action 'ordr'; did you mean 'order'\? Actions: view, click"):
        check_logs([tmp_path / "log.csv"], LogSettings(actions={"buy": "ordr"}))
