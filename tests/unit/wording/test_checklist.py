"""A linguist's checklist, for every message of the catalogue in both languages, whatever its parameters get.

Each failure names the file, the key, what is wrong and what to write instead.
"""

import re
import string
from collections.abc import Iterator, Mapping, Sequence

import pytest

from lumen.model.messages import Message, Param, message
from lumen.wording.catalogue import LOCALES, NAMED, Catalogue, templates
from lumen.wording.english import agreed
from lumen.wording.figures import MINUS
from lumen.wording.korean import resolved

#: Words by their last sound, as a Korean reads them: none, ㄹ, another consonant.
OPEN, LIQUID, CLOSED = "open", "ㄹ", "closed"
SOUNDS = {
    **dict.fromkeys(("캐시", "ion-api", "payment-gateway", "ROI", "P95", "redis", "420초", "버전 2", "worker"), OPEN),
    **dict.fromkeys(("서울", "ion-api-00041", "TTL", "Google", "적중률", "17", "payments-shell"), LIQUID),
    **dict.fromkeys(("값", "트래픽", "Cloud Run", "Slack", "10", "P99 지연", "CDN", "user-login"), CLOSED),
}
FITTING = {
    OPEN: {"는", "가", "를", "와", "로", "라", "라는", "나"},
    LIQUID: {"은", "이", "을", "과", "로", "이라", "이라는", "이나"},
    CLOSED: {"은", "이", "을", "과", "으로", "이라", "이라는", "이나"},
}
PARTICLE = r"(이라는|이라|이나|으로|은|는|이|가|을|를|과|와|로|라는|라|나)(?=[^가-힣]|$)"
#: What a text in quotes of code shows as it is typed or set.
CODE = re.compile(r"`[^`]*`|https?://\S+|<!date[^>]*>")
EVERYWHERE = {
    r"(?<![\w.,)\]-])-\d": f"a minus is {MINUS}: give the parameter a format ({{step:+d}}, {{share:%}})",
    r"\d %(?!\w)": "per cent stands at its number: 73.5%",
    r"\d(?:ms|MB|GB|KB|min)\b": "a space between number and unit: 384 MB, 100 ms",
    r"\{|\}": "a parameter that was not filled in",
}
RULES: Mapping[str, Mapping[str, str]] = {
    "ko": EVERYWHERE
    | {
        r"[은는이가을를과와]\([은는이가을를과와]\)|\([으이]\)[로라나]": "both forms: take a pair of korean.py",
        r"\d ?(?:s|sec|secs|seconds|minutes|min|h|hours|d|days|USD|dollars)\b": "an English unit: 초, 분, 시간, 일, $",
        r"\d (?:초|분|시간|일|개|건|명|배|점|회|번)(?=[^가-힣]|$|[을를이가은는로의]|동안|마다)": "no space: 420초",
        r"당신": "nobody writes this to a colleague: leave it out",
    },
    "en": EVERYWHERE
    | {
        r"[가-힣]": "Korean in an English text",
        r"\d(?:s|m|h|d)\b": "a space between number and unit: 420 s (or `420s` where it is typed)",
        r"(?<!\d of )(?<![\w.,/#–-])1 (?:hours|days|minutes|requests|keys|entries|lines|incidents|slices)\b": "1 hour: "
        "the noun is missing in lumen/wording/english.py",
        r"\d ?(?:sec|secs|hrs|mins)\b": "one way to write units: s, min, h (or in words)",
    },
}
NESTED = message("actuator.traffic_pinned", revision="ion-api-00041")


def fields(template: str) -> dict[str, str]:
    return {name: spec or "" for _, name, spec, _ in string.Formatter().parse(template) if name is not None}


def values(name: str, spec: str, locale: str) -> Sequence[Param]:
    """What a parameter may be given, of each kind: by its name a member of the model, by its format a figure."""
    if name in NAMED:
        known = [code.removeprefix(f"{NAMED[name]}_") for code in templates("en") if code.startswith(f"{NAMED[name]}_")]
        return [*known, "ion-api"]
    if name.endswith("_at"):
        return ["2026-11-21T09:00:00+00:00"]
    if name.endswith(("_mention", "_mentions")):
        return ["U1", "S2", "lumen", "cli:kim@naeda.example"]
    if name in ("proposal", "proposal_id"):
        return ["P12", "P10", "P1"]
    if name == "unit":
        return ["s", "MB", ""]
    if spec.endswith("d"):
        return [3, -3, 0, 1, 12000]
    if spec:
        return [0.005, -0.25, 1.5, 0.0, -0.0001, 12.0, 1234.5]
    return [*(SOUNDS if locale == "ko" else ("ion-api", "ion-api-00041", "TTL", "x<y & z>")), 3, NESTED]


def samples(locale: str) -> Iterator[tuple[str, Message]]:
    """Every template of the catalogue, with every value of every parameter at least once."""
    for code, template in templates(locale).items():
        given = {name: values(name, spec, locale) for name, spec in fields(template).items()}
        for turn in range(max(map(len, given.values()), default=1)):
            yield template, Message(code, {name: each[turn % len(each)] for name, each in given.items()})


def wrong(locale: str, found: Message, text: str) -> Iterator[str]:
    bare = CODE.sub("…", text)
    for pattern, instead in RULES[locale].items():
        if problem := re.search(pattern, bare):
            yield f"“{problem[0]}”: {instead}"
    for name, value in found.params.items():
        shown = value if isinstance(value, str) else ""
        is_named = name in NAMED and templates(locale).get(f"{NAMED[name]}_{shown}") != shown
        if is_named and (shown.isupper() or "_" in shown) and re.search(rf"\b{re.escape(shown)}\b", bare):
            yield f"“{shown}”: a name of the code; its word is missing ({NAMED[name]}_{shown})"
        sound = SOUNDS.get(shown)
        for after in re.finditer(rf"{re.escape(shown)}[`”\"'*]*{PARTICLE}", text) if sound and locale == "ko" else ():
            if after[1] not in FITTING[sound or OPEN]:
                yield f"“{after[0]}”: after a parameter write both forms, {{{name}}}을(를)"


@pytest.mark.parametrize("locale", LOCALES)
def test_every_message_with_every_parameter_reads_as_it_should(locale: str) -> None:
    catalogue = Catalogue(locale)
    found: dict[tuple[str, str], str] = {}
    for template, one in samples(locale):
        for text in {catalogue.plain(one), catalogue.say(one)}:
            for problem in wrong(locale, one, text):
                area, name = one.code.split(".")
                key = f"texts/{locale}/{area}.toml {name}: {problem}\n    in: {text}\n    of: {template}"
                found.setdefault((one.code, problem.split(":")[-1]), key)
    assert not found, f"{len(found)} texts to mend:\n" + "\n".join(found.values())


def test_korean_writes_both_forms_after_every_parameter_that_may_end_in_any_sound() -> None:
    fixed = r"\{\w+:\+?(?:\$|%|price)\}"  # read 달러 and 퍼센트
    one_form = re.compile(
        rf"(?!{fixed})(\{{\w+(?::[^}}]*)?\}}[`”\"’'*]*)(을|를|은|는|이|가|과|와|로|으로)(?=[ .,:;…?!]|$)"
    )
    found = [f"ko {code}: {one[0]}" for code, text in templates("ko").items() for one in one_form.finditer(text)]
    assert found == [], "write {name}을(를), 은(는), 이(가), 과(와), (으)로"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("값", "값을 값은 값이 값과 값으로 값이라는"),
        ("캐시", "캐시를 캐시는 캐시가 캐시와 캐시로 캐시라는"),
        ("서울", "서울을 서울은 서울이 서울과 서울로 서울이라는"),
        ("TTL", "TTL을 TTL은 TTL이 TTL과 TTL로 TTL이라는"),
        ("ROI", "ROI를 ROI는 ROI가 ROI와 ROI로 ROI라는"),
        ("ion-api", "ion-api를 ion-api는 ion-api가 ion-api와 ion-api로 ion-api라는"),
        ("ion-api-00042-dvt", "ion-api-00042-dvt를 ion-api-00042-dvt는 ion-api-00042-dvt가 "
         "ion-api-00042-dvt와 ion-api-00042-dvt로 ion-api-00042-dvt라는"),
        ("#12", "#12를 #12는 #12가 #12와 #12로 #12라는"),
        ("#10", "#10을 #10은 #10이 #10과 #10으로 #10이라는"),
        ("#8", "#8을 #8은 #8이 #8과 #8로 #8이라는"),
        ("Slack", "Slack을 Slack은 Slack이 Slack과 Slack으로 Slack이라는"),
        ("canary", "canary를 canary는 canary가 canary와 canary로 canary라는"),
        ("$3.00", "$3.00를 $3.00는 $3.00가 $3.00와 $3.00로 $3.00라는"),
        ("73.5%", "73.5%를 73.5%는 73.5%가 73.5%와 73.5%로 73.5%라는"),
        ("캐시(redis-10)", "캐시(redis-10)를 캐시(redis-10)는 캐시(redis-10)가 캐시(redis-10)와 캐시(redis-10)로 "
         "캐시(redis-10)라는"),
        ("`ttl`", "`ttl`을 `ttl`은 `ttl`이 `ttl`과 `ttl`로 `ttl`이라는"),
        ("“값 & <b>”", "“값 & <b>”를 “값 & <b>”는 “값 & <b>”가 “값 & <b>”와 “값 & <b>”로 “값 & <b>”라는"),
        ("", "를 는 가 와 로 라는"),
    ],
)  # fmt: skip
def test_a_particle_goes_by_the_last_sound(words: str, expected: str) -> None:
    marks = ("을(를)", "은(는)", "이(가)", "과(와)", "(으)로", "(이)라는")
    assert " ".join(words + resolved(mark, words) for mark in marks) == expected
    escaped = words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert [resolved(mark, escaped) for mark in marks] == [resolved(mark, words) for mark in marks]


#: What only Lumen says, and the word that must stand beside it in the same text ("" where nothing helps).
JARGON = {
    "en": {r"\bgate\b": "score", "entropy": "disorder", "coherence": "follow|of 1", r"\bturns?\b(?! \()": "",
           "resonant|dissonant|chaotic": "follow|0 CHAOTIC"},
    "ko": {"게이트": "점수", "엔트로피": "무질서", "공명|불협화|혼돈": "수요", r"(?<!스)턴(?!스)": ""},
}  # fmt: skip


@pytest.mark.parametrize("locale", LOCALES)
def test_no_word_of_lumens_own_stands_without_its_meaning(locale: str) -> None:
    found = []
    for code, template in templates(locale).items():
        bare = re.sub(r"`[^`]*`|\{[^}]*\}", "", template)
        for jargon, beside in JARGON[locale].items():
            is_told = beside and re.search(beside, bare)
            if re.search(jargon, bare, re.IGNORECASE) and not is_told and code != "source.several_servers":
                found.append(
                    f"texts/{locale} {code}: “{jargon}” needs “{beside or 'another word'}” beside it: {template}"
                )
    assert found == []
    assert [code for code, text in templates(locale).items() if "{turn_id}" in text] == []


@pytest.mark.parametrize(
    ("before", "template", "expected"),
    [
        ("1", " hours without", " hour without"),
        ("11", " hours", " hours"),
        ("0.1", " requests", " requests"),
        ("1", " misses", " miss"),
        ("1", " entries in", " entry in"),
        ("1", " people", " person"),
        ("1 of 1", " incidents", " incidents"),
        ("for 1", " open proposals", " open proposal"),
        ("1", " hoursglass", " hoursglass"),
        ("P1", " services", " services"),
    ],
)
def test_an_english_noun_goes_by_its_number(before: str, template: str, expected: str) -> None:
    assert agreed(template, before) == expected
