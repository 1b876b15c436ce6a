"""Dates in the words and marks of many languages → the same in English words and plain digits, which the patterns of times know.

Months, weekdays and clocks of German, French, Spanish, Portuguese, Italian, Dutch, the Nordic languages, Polish, Czech, Turkish, Russian,
Japanese, Korean and Chinese numerals. A word that none of them has stays, so that its text is no time.
"""

from __future__ import annotations

import re
import unicodedata

_ENGLISH_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_MONTHS = (
    "januar januari jänner janvier janv enero ene janeiro gennaio gen stycznia styczeń sty ledna ocak oca январь января янв",
    "februar februari feber février févr fév febrero fevereiro fev febbraio lutego luty lut února şubat şub февраль февраля фев",
    "märz mär mrz mars marts marzo março maart mrt marca marzec března mart март марта мар",
    "april avril avr abril abr aprile kwietnia kwiecień kwi dubna nisan nis апрель апреля апр",
    "mai maj mayo maio maggio mag mei maja května mayıs май мая",
    "juni juin junio junho giugno giu czerwca czerwiec cze června haziran haz июнь июня июн",
    "juli juillet juil julio julho luglio lug lipca lipiec lip července temmuz tem июль июля июл",
    "augusti august août agosto ago augustus sierpnia sierpień sie srpna ağustos ağu август августа авг",
    "septembre septiembre setembro set settembre wrzesień września wrz září eylül eyl сентябрь сентября сен сент septiembre",
    "oktober okt octobre octubre outubro out ottobre ott października październik paź října ekim eki октябрь октября окт",
    "november novembre noviembre novembro listopada listopadu kasım kas ноябрь ноября ноя",
    "dezember dez décembre déc diciembre dic dezembro dicembre desember des grudnia grudzień gru prosince aralık ara декабрь декабря дек",
)
_WEEKDAYS = (
    "montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag mo di mi do fr sa so "
    "lundi mardi mercredi jeudi vendredi samedi dimanche lun mer jeu ven sam dim "
    "lunes martes miércoles jueves viernes sábado domingo mié jue vie sáb dom "
    "segunda terça quarta quinta sexta feira seg ter qua qui sex "
    "lunedì martedì mercoledì giovedì venerdì sabato domenica gio sab "
    "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag "
    "poniedziałek wtorek środa czwartek piątek sobota niedziela "
    "понедельник вторник среда четверг пятница суббота воскресенье пн вт ср чт пт сб вс "
    "mon tue tues wed wednes thu thur thurs fri sat satur sun monday tuesday wednesday thursday friday saturday sunday"
)
_FILLING = "de del di den der le el the of à às um as alle ore kl uhr klo las ч г года r o om"  # words that only stand between others
_ENGLISH = {
    *("january february march april may june july august september october november december sept".split()),  # noqa: SIM905
    *("am pm a p m z t utc gmt at of st nd rd th".split()),  # noqa: SIM905
    *_ENGLISH_MONTHS,
}
_WORD = re.compile(r"[^\W\d_]+")
_CLOCK_OF_LETTERS = re.compile(r"(\d{1,2})\s?(?:h|uur)\s?(\d{2})?(?:\s?(?:m|min)\s?(?:(\d{2})\s?(?:s|sec)?)?)?(?![\w:])")
_ORDINAL = re.compile(r"(?<!\d)(\d{1,2})(?:er|re|e|:e)?\.?(?=\s|-|/)")  # 1er, 13.
_KOREAN = str.maketrans({"년": "年", "월": "月", "일": "日", "시": "时", "분": "分", "초": "秒"})
_EASTERN_WEEKDAY = re.compile(
    r"[(]?(?:[月火水木金土日天]曜日?|[월화수목금토일]요일)[)]?|[(][月火水木金土日天一二三四五六월화수목금토일][)]"
)
_NUMERAL = re.compile(r"(?<![期周週拜])[〇零一二三四五六七八九十]+")
_DIGITS = {sign: place for place, sign in enumerate("〇一二三四五六七八九")} | {"零": 0}


def _bare(text: str) -> str:
    """Latin and Cyrillic letters without their accents."""
    return "".join(one for one in unicodedata.normalize("NFD", text) if not unicodedata.combining(one))


_MONTH = {_bare(name): _ENGLISH_MONTHS[place] for place, names in enumerate(_MONTHS) for name in names.split()}
_LEFT_OUT = frozenset(_bare(word) for word in (*_WEEKDAYS.split(), *_FILLING.split()))


def in_english(text: str) -> str:
    """A text in small letters and plain signs, words that patterns know; as it is where it has these already."""
    if all(word in _ENGLISH for word in _WORD.findall(text)) or len(text) > 60:
        return text
    text = _CLOCK_OF_LETTERS.sub(lambda found: f"{found[1]}:{found[2] or '00'}" + (f":{found[3]}" if found[3] else ""), _bare(text))
    if any(word in _MONTH for word in _WORD.findall(text)):
        text = _ORDINAL.sub(r"\1", text)
    words = [_MONTH.get(word, "" if word in _LEFT_OUT else word) for word in _WORD.findall(text)]
    if not any(word in _ENGLISH_MONTHS for word in words) and not any(word in _LEFT_OUT for word in _WORD.findall(text)):
        return text
    rest = iter(_WORD.sub("\0", text).split("\0"))
    told = next(rest) + "".join(word + after for word, after in zip(words, rest, strict=False)) if words else text
    return " ".join(told.replace("()", " ").replace(" .", " ").replace(" ,", ",").split()).strip(" ,.")


def in_plain_signs(text: str) -> str:
    """Digits of any script and signs of full width as those of ASCII; Korean and Japanese marks and numerals as Chinese dates have them."""
    text = unicodedata.normalize("NFKC", text)
    text = "".join(str(unicodedata.decimal(one)) if one.isdecimal() else one for one in text)
    text = _EASTERN_WEEKDAY.sub(" ", text)
    for theirs, chinese in (("오전", "上午"), ("오후", "下午"), ("午前", "上午"), ("午後", "下午")):
        text = text.replace(theirs, chinese)
    if "년" in text or "시" in text:
        text = text.translate(_KOREAN)
    if "年" in text or "月" in text:
        text = _NUMERAL.sub(lambda found: _numeral(found[0]), text)
    return text


def _numeral(signs: str) -> str:
    """二〇二五 is 2025, 三十一 is 31."""
    if "十" not in signs:
        return "".join(str(_DIGITS[sign]) for sign in signs)
    tens, _, ones = signs.partition("十")
    if "十" in ones or len(tens) > 1 or len(ones) > 1:
        return signs
    return str((_DIGITS[tens] if tens else 1) * 10 + (_DIGITS[ones] if ones else 0))
