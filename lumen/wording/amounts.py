"""Amounts as people write them in English and Korean: durations, sizes and numbers of things.

`7m`, `7 min`, `1.5h`, `1h30`, `an hour and a half`, `420초`, `1시간 반`, `이틀`, `４２０`, `2GB`, `4천 개`. Pure.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction

#: Longer texts are no amounts.
_LONGEST_TEXT = 60
_MINUTE, _HOUR, _DAY, _WEEK = 60, 3600, 86_400, 604_800
#: Ten thousand years are as long as any more.
_AGES = Fraction(3_650_000 * _DAY)


def _units(*named: tuple[int | Fraction, str]) -> dict[str, Fraction]:
    return {name: Fraction(worth) for worth, names in named for name in names.split()}


#: In seconds.
TIME = _units(
    (Fraction(1, 1000), "ms millisecond milliseconds 밀리초"),
    (1, "s sec secs second seconds 초"),
    (_MINUTE, "m min mins minute minutes 분"),
    (_HOUR, "h hr hrs hour hours 시간"),
    (_DAY, "d day days 일"),
    (_WEEK, "w week weeks wk wks 주 주일"),
    (30 * _DAY, "month months 달 개월"),
)
#: In MB.
SIZE = _units(
    (Fraction(1, 1024**2), "b byte bytes 바이트"),
    (Fraction(1, 1024), "k kb kib 킬로바이트"),
    (1, "m mb mib mbyte mbytes megabyte megabytes 메가 메가바이트"),
    (1024, "g gb gib gbyte gbytes gigabyte gigabytes 기가 기가바이트"),
    (1024**2, "t tb tib terabyte terabytes 테라 테라바이트"),
)
#: Things; what they are called says nothing.
_THINGS = ("", "개", "대", "건", "entry", "entries", "item", "items", "instance", "instances", "항목")
COUNT = _units(
    *((worth, f"{many}{thing}") for many, worth in (("k", 1000), ("천", 1000), ("만", 10_000)) for thing in _THINGS),
    (1, " ".join(_THINGS)),
)
#: `1h30` is an hour and thirty minutes.
_BELOW = {Fraction(_WEEK): _DAY, Fraction(_DAY): _HOUR, Fraction(_HOUR): _MINUTE, Fraction(_MINUTE): 1}
_HALF = Fraction(1, 2)
_ENGLISH = (
    "a an one two three four five six seven eight nine ten eleven twelve fifteen twenty thirty forty forty-five sixty"
)
_NATIVE = "한 두 세 네 다섯 여섯 일곱 여덟 아홉 열"
_SINO = "일이삼사오육칠팔구"
_NUMBERS: Mapping[str, Fraction] = {
    **dict(
        zip(_ENGLISH.split(), map(Fraction, (1, 1, *range(1, 13), 15, 20, 30, 40, 45, 60)), strict=True),
    ),
    **{word: Fraction(n) for n, word in enumerate(_NATIVE.split(), 1)},
    **dict.fromkeys(("zero", "none", "no", "영"), Fraction(0)),
    **dict.fromkeys(("half", "half a", "half an", "a half", "반"), _HALF),
}
#: Days have names of their own in Korean.
_DAYS = {"하루": 1, "이틀": 2, "사흘": 3, "나흘": 4, "닷새": 5, "열흘": 10}
#: Says nothing of the amount.
_FILLERS = re.compile(
    r"(?:\s|\b(?:to|for|by|about|of|and|the|next|in)\b|[=&]"
    r"|으로|로(?![가-힣])|하고|동안|정도|약|간(?![가-힣])|만(?!\s*개|[가-힣]))+"
)
_SEPARATED = re.compile(r"[0-9]{1,3}(?:[,_][0-9]{3})+(?:\.[0-9]+)?(?![0-9])")
_DIGITS = re.compile(r"[0-9]+(?:\.[0-9]+|,[0-9]{1,2}(?![0-9]))?|\.[0-9]+")
_SPOKEN = re.compile(f"([{_SINO}]?)십([{_SINO}]?)|([{_SINO}])(?=분|초|일|시간|주|개월|기가|메가|천|만)")


@dataclass(frozen=True, slots=True)
class Amount:
    """A number of the unit that was asked for. `had_unit`: whether whoever wrote it named one."""

    value: Fraction
    had_unit: bool

    @property
    def whole(self) -> int | None:
        """None for a part of one."""
        return int(self.value) if self.value.denominator == 1 else None


def plain(text: str) -> str:
    """Full-width letters and digits as usual ones, without case; minus signs as hyphens."""
    return re.sub("[−–—]", "-", unicodedata.normalize("NFKC", text)).casefold().strip()


def amount(text: str, units: Mapping[str, Fraction]) -> Amount | None:
    """How much `text` says, in what `units` count as 1; a number alone counts as it is. None where it says nothing."""
    left = plain(text)
    if len(left) > _LONGEST_TEXT:
        return None
    sign = -1 if left.startswith("-") else 1
    left = left.removeprefix("-")
    total, last, parts = Fraction(0), None, 0
    while left := _without_filler(left):
        is_figure = left[0] in "0123456789."
        number, left = _number(left)
        if number is None:
            return None
        unit, left = _unit(left, units)
        if unit is None and last is not None and number == _HALF:
            unit = last  # 1시간 반, an hour and a half
        elif unit is None and units is TIME and last is not None and number * _BELOW.get(last, last) < last:
            unit = Fraction(_BELOW[last])
        elif parts and (unit is None or last is None or unit >= last):
            return None
        elif unit is None and not is_figure and units is not COUNT:
            return None  # "a" is no amount
        total += number * (unit or 1)
        last, parts = unit, parts + 1
    return Amount(sign * total, last is not None) if parts else None


def duration(text: str) -> timedelta | None:
    """`90m`, `2 hours`, `1시간 반`, `이틀`, also none or less. None for anything else, and for a number alone."""
    found = amount(text, TIME)
    if found is None or not found.had_unit:
        return None
    return timedelta(seconds=float(min(max(found.value, -_AGES), _AGES)))


def _without_filler(text: str) -> str:
    found = _FILLERS.match(text)
    return text[found.end() :] if found else text


def _number(text: str) -> tuple[Fraction | None, str]:
    """The number at the beginning and the rest; a day's own name leaves the unit to be read."""
    for name, days in _DAYS.items():
        if text.startswith(name):
            return Fraction(days), f"d{text[len(name) :]}"
    if found := _SEPARATED.match(text):
        return Fraction(found[0].replace(",", "").replace("_", "")), text[found.end() :].lstrip()
    if found := _DIGITS.match(text):
        return Fraction(found[0].replace(",", ".")), text[found.end() :].lstrip()
    if found := _SPOKEN.match(text):
        tens, ones, one = (_SINO.find(each) + 1 if each else 0 for each in found.groups())
        return Fraction(one or 10 * (tens or 1) + ones), text[found.end() :].lstrip()
    for word in sorted(_NUMBERS, key=len, reverse=True):
        if text.startswith(word) and not re.match("[a-z-]", text[len(word) :] if word.isascii() else ""):
            return _NUMBERS[word], text[len(word) :].lstrip()
    return None, text


def _unit(text: str, units: Mapping[str, Fraction]) -> tuple[Fraction | None, str]:
    found = re.match(r"[a-z]+|[가-힣]+", text)
    word = found[0] if found else ""
    if word in units and word:
        return units[word], text[len(word) :]
    # Korean writes particles onto the unit: 420초로, 30분간.
    for name in sorted(units, key=len, reverse=True):
        if name and not name.isascii() and word.startswith(name):
            return units[name], text[len(name) :]
    return None, text
