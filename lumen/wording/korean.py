"""Korean particles: which form follows a word goes by the word's last sound.

Templates write both forms, `{service}을(를)`, and the catalogue says one. Latin words and digits are taken as they are
read aloud in Korean: `TTL을`, `ion-api를`, `#12를`, `420초로`.
"""

import html
import re

#: Each pair as templates write it: after a consonant, after a vowel.
_FORMS = {
    "을(를)": ("을", "를"),
    "은(는)": ("은", "는"),
    "이(가)": ("이", "가"),
    "과(와)": ("과", "와"),
    "와(과)": ("과", "와"),
    "(으)로": ("으로", "로"),
    "(이)": ("이", ""),
}
_MARK = re.compile("|".join(re.escape(mark) for mark in _FORMS))
#: What is not spoken: Slack's markup, quotes and brackets, and what stands in brackets.
_ASIDE = re.compile(r"\([^()]*\)$")
_UNSPOKEN = " \t\n`'\"“”‘’*_~>)]}.,;:!?…"
_MONEY = re.compile(r"\$[\d.,]*\d$")
#: Of the letters' names only these end in a consonant: 엘, 엠, 엔, 알.
_SPELLED = frozenset("lmnr")
#: Digits, by the name of the last one: 영, 일, 삼, 육, 칠, 팔.
_DIGITS = frozenset("013678")
_FIRST, _LAST, _FINALS, _RIEUL = 0xAC00, 0xD7A3, 28, 8


def resolved(template: str, before: str) -> str:
    """The words of a template that follow `before`, with each pair of forms made one."""
    told = ""
    at = 0
    for mark in _MARK.finditer(template):
        told += template[at : mark.start()]
        told += particle(before + told, mark[0])
        at = mark.end()
    return told + template[at:]


def particle(before: str, mark: str) -> str:
    """The form of `mark` that follows `before`."""
    closed, liquid = _ending(before)
    after_consonant, after_vowel = _FORMS[mark]
    return after_consonant if closed and not (liquid and mark == "(으)로") else after_vowel


def _ending(before: str) -> tuple[bool, bool]:
    """Whether the last sound is a consonant, and whether that is ㄹ."""
    text = html.unescape(before).rstrip(_UNSPOKEN.replace(")", ""))
    text = _ASIDE.sub("", text).rstrip(_UNSPOKEN)
    last = text[-1:]
    if _FIRST <= ord(last or " ") <= _LAST:
        final = (ord(last) - _FIRST) % _FINALS
        return final > 0, final == _RIEUL
    if _MONEY.search(text):
        return False, False  # $5 is read 5달러
    if last.isascii() and last.isdigit():
        return last in _DIGITS, last in "178"
    found = re.search(r"[A-Za-z]+$", text)
    return _latin(found[0]) if found else (False, False)


def _latin(word: str) -> tuple[bool, bool]:
    """As a Korean reads it: abbreviations letter by letter, other words by their last sound in English."""
    lower = word.lower()
    if word.isupper() or not re.search("[aeiouy]", lower):
        return lower[-1] in _SPELLED, lower[-1] in "lr"
    if found := re.search("(l|m|n|ng)e?$", lower):
        return True, found[1] == "l"
    return bool(re.search("(?<![aeiouy])(([aiou]|oo|ou)(ck|[kptb])|e[kptb])$", lower)), False
