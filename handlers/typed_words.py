"""Words as people type them: courtesy, full width, Korean, reasons, names; and how answers repeat them.

Pure.
"""

import re
import unicodedata
from collections.abc import Sequence

from handlers.command_table import find

SHARE = "share"
EXISTING = "existing"
ALL = "all"
FOR, BECAUSE, END, ON = "for", "because", "end", "on"
#: Somebody's own words stand in every report while they hold.
_WHY_MAX = 120
#: Of what somebody typed an answer repeats so much.
_GIVEN_MAX = 40
#: Names and ids are shorter.
_NAME_MAX = 120
#: What Koreans and others write for the words that the commands take, and for alerts and scores.
_SAME = {
    other: word
    for word, others in {
        ALL: "전체 모두 전부 everything",
        SHARE: "공유 공유해줘",
        EXISTING: "기존 기존키 기존키도",
        FOR: "동안",
        END: "종료 끝 해제 취소 off stop remove lift",
        ON: "서비스",
        "ttl": "유효시간",
        "size": "크기 캐시크기",
        "availability": "가용성 오류 errors",
        "latency": "지연 지연시간 응답시간",
        "cache": "캐시 적중률",
        "cost": "비용 지출",
        "budget": "예산",
        "roi": "수익률",
        "no_data": "데이터없음 no-data",
        "slo": "목표",
        "maturity": "성숙도",
        "gate": "게이트 점수 종합점수",
    }.items()
    for other in others.split()
}
_BECAUSES = (BECAUSE, "이유", "이유:", "사유", "사유:", "왜냐하면", "since")
#: Politeness and verbs that say nothing of what is meant.
_COURTESY = re.compile(
    r"please|pls|show|tell|give|get|set|change|make|me|us|the|my|latest|[@/]?lumen|루멘|좀|지금|오늘|현재|최근",
    re.IGNORECASE,
)
_REQUEST = re.compile(
    r"(?i:please|pls|now|today|thanks|me|it)|지금|오늘|좀|설정|변경|적용|포함|키도|키까지"
    r"|(?:보여|알려|바꿔|변경해|설정해|설명해|해|확인해|부탁)(?:줘|주세요|줄래|드려요|드립니다)?요?"
)
#: Two words, or one, that mean another two.
_PHRASES = (
    (re.compile(r"\bno data\b|데이터 없음", re.IGNORECASE), "no_data"),
    (re.compile(r"^(?:un-?silence|un-?mute|무음 ?해제|음소거 ?해제|알림 ?켜기)\b", re.IGNORECASE), "silence end"),
)
#: What begins a question.
QUESTION = re.compile(
    r"what('?s)?|how|why|is|are|was|when|where|who|which|does|do|can|should|anything"
    r"|뭐가?|무엇이?|무슨|왜|어때|어떻게|어디|누가|언제|지금|문제"
)


def until_because(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split off the person's own reason, in which no word is a command's."""
    at = next((n for n, word in enumerate(words) if n and word.lower() in _BECAUSES), len(words))
    return list(words[:at]), [BECAUSE, *words[at + 1 :]] if at < len(words) else []


def cleaned(words: Sequence[str]) -> list[str]:
    """The words without courtesy, quotes and full stops, full width as usual; a lone question mark asks for help."""
    text = re.sub("[^ㄱ-ㆎ]+", lambda found: unicodedata.normalize("NFKC", found[0]), " ".join(words))
    for phrase, instead in _PHRASES:
        text = phrase.sub(instead, text)
    head = [word for each in text.strip("`'\"“”‘’ ").split() if (word := each.rstrip("?!.,;:。")) or len(each) > 1]
    head = [word for word in head if word] or (["help"] if words else [])
    while len(head) > 1 and _COURTESY.fullmatch(head[0]) and find(f"{head[0]}{head[1]}") is None:
        head = head[1:]
    while len(head) > 1 and _REQUEST.fullmatch(head[-1]):
        head = head[:-1]
    if head and (assigned := re.fullmatch(r"([^\s=:]+)[=:](\S*)", head[0])) and find(assigned[1]):
        head = [word for word in (assigned[1], assigned[2], *head[1:]) if word]  # ttl=420
    return head


def usual(words: Sequence[str]) -> list[str]:
    """The words as the commands write them: the command's name first, and nothing in Korean."""
    return named_first(words) or [*words[:1], *map(usual_word, words[1:])]


def named_first(head: Sequence[str], after: int = 0) -> list[str]:
    """The command that the words from `after` on begin with, then all the others; [] where they name none."""
    for count in (3, 2, 1):  # 프로세스 내 캐시, roll back, ttl
        entry = find("".join(head[after : after + count])) if len(head) >= after + count else None
        if entry is not None:
            return [entry.name, *map(usual_word, [*head[:after], *head[after + count :]])]
    return []


def verb_last(words: Sequence[str]) -> list[list[str]]:
    """What words may mean whose command stands last or in the middle, as in Korean: 30분 일시중지, ttl 10분 고정."""
    places = [at for at, word in enumerate(words) if at and re.search("[가-힣]", word)]
    return [found for at in reversed(places) if (found := named_first(words, at))]


def usual_word(word: str) -> str:
    """As the commands write it, without the particle that Korean writes onto it."""
    bare = re.sub("(?<=.)[을를은는]$", "", word)
    return _SAME.get(word.lower()) or _SAME.get(bare.lower()) or (bare if bare.isascii() else word)


def reason(rest: Sequence[str]) -> tuple[list[str], str]:
    """Split at `because`: the words before it, and the person's own reason after it."""
    words = [word.lower() for word in rest]
    if BECAUSE not in words:
        return list(rest), ""
    at = words.index(BECAUSE)
    return list(rest[:at]), " ".join(rest[at + 1 :]).strip("\"“”'")[:_WHY_MAX]


def name_of(typed: str) -> str:
    """A name that Lumen did not give, without quotes and without the particle that Korean writes onto it."""
    return re.sub("(?<=[a-z0-9])(?:으로|로)$", "", typed.strip("`'\"“”‘’"))[:_NAME_MAX]


def cut(given: str) -> str:
    """What somebody typed as an answer repeats it: never at length, and not as markup."""
    text = given.replace("`", "'")
    return text if len(text) <= _GIVEN_MAX else f"{text[:_GIVEN_MAX]}…"
