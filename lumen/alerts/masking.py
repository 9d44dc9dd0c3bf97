"""Mask what may be secret or personal in a line of a log, and leave ordinary text readable.

Three nets: names (what stands after `password=`), shapes (addresses, long numbers, keys), and looks: a word that no
language has. A word in doubt is masked; what is wrong stands in the words that are left.
"""

import re
import unicodedata
from itertools import pairwise

MARK = "•••"
#: Characters. Nobody reads more of a line, and one of a megabyte must hold up nothing.
LONGEST = 600


def _these(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PHRASES = _these("mnemonic seed phrase passphrase")
_PASSWORDS = _PHRASES | _these(
    "password passwd passcode pass pwd pw passwort kennwort senha 비밀번호 암호 パスワード 密码"
)
_HEADERS = _these("authorization cookie cookies")
#: Names whose values are nobody's business, wherever they stand in a longer name (`DB_PASSWORD`, `x-csrf-token`).
_SECRETS = (
    _PASSWORDS
    | _HEADERS
    | _these(
        "secret secrets token tokens credential credentials creds auth bearer jwt apikey signature sig otp totp pin"
    )
    | _these("session sessionid sid jsessionid phpsessid csrf xsrf license salt nonce dsn cvv cvc ssn iban passport")
    | _these("email emails mail mails phone mobile tel telephone fax")
    | _these("토큰 인증번호 인증 전화 전화번호 이메일 계좌 주민등록번호")
)
_ENDINGS = ("token", "password", "passwd", "secret", "apikey", "cookie", "sessionid")
#: Names of people and places, as the last word of a name.
_PERSONAL = _these("user username userid login account customer recipient address birthday birth dob card 키")
#: `key` is a secret but in these.
_PLAIN_KEYS = _these("cache primary foreign partition sort routing unknown missing duplicate no the lookup")
#: Values that say what is wrong, and no secret.
_SAYS = (
    _these("none null nil undefined empty missing invalid expired required true false unknown revoked malformed not no")
    | _these("is was are has have had for from in on at to of or and by does did do must should can cannot could with")
    | _these(
        "failed failure error bucket name endpoint jar mismatch incorrect wrong absent denied rejected accepted set"
    )
    | _these(
        "unset reset changed change refresh refreshed rotation rotated length policy policies field parameter header"
    )
    | _these("authentication verification validation check store manager provider service request response type count")
    | _these("limit exceeded found lookup expected unexpected too without after before because during already closed")
    | _these("opened timeout timed ended used")
)

_NAMED = re.compile(
    r"""(?P<name>(?:[^\W_][\w.-]*\ ){0,2}[\w.-]+)(?P<shut>\\?["'`]?)\s{0,3}
        (?P<sep>:=|=>|->|==?|:|\b(?:is|was)\b(?=\s))\s{0,3}
        (?P<value>\\"(?:(?!\\").)*(?:\\"|$) | "(?:\\.|[^"\\])*(?:"|$) | '(?:\\.|[^'\\])*(?:'|$) | `[^`]*(?:`|$)
          | \[[^\]]*(?:\]|$) | \{[^}]*(?:\}|$) | \([^)]*(?:\)|$) | \S+?(?=[;&,]\s?[\w.-]+[=:]|\s|$))""",
    re.VERBOSE,
)
#: `name="DB_PASSWORD" value="…"`, `<password>…<`, a call of something that lets people in.
_ELSEWHERE = (
    re.compile(r"""(?P<name>[\w.-]+)["']?[\s,]+["']?[Vv]alue["']?\s*[=:]\s*(?P<value>"[^"]*"?|'[^']*'?|[^\s,}]+)"""),
    re.compile(r"<(?P<name>[\w:.-]+)[^<>]*>(?P<value>[^<>]+)"),
)
_CALL = re.compile(r"(?i)(?<![^\W_])(?P<name>auth\w*|(?:log|sign)_?in)\((?P<value>[^)]+)")
_OPTION = re.compile(r"""(?<!\S)--?(?P<name>[A-Za-z][\w-]*)\s+(?P<value>"[^"]*"?|'[^']*'?|[^\s-]\S*)""")
_BARE = re.compile(
    r"""(?i)(?<![^\W_])(?P<name>password|passwd|pwd|passphrase|passcode|(?<=[_-])pass|pin|otp|cvv|cvc|secret|token
        |cookie|credentials|비밀번호[는가]?|암호[는가]?
        |(?:api|access|secret|private|account|client|encryption|signing|license)[ _-]key
        |(?:verification|security|confirmation|login|pin|sms|one-time)\ code)
        (?:\ (?:key|code|value))?(?:\ (?:is|was|of|set\ to|changed\ to))?\s+
        (?P<value>"[^"]*"?|'[^']*'?|\S*[^\W_]\S*)""",
    re.VERBOSE,
)
_SCHEME = re.compile(r"(?i)\b(?P<name>bearer|basic|digest|negotiate|apikey)\s+(?P<value>[^\s\"',;]+)")
#: The end of what may belong to a password of several words.
_PHRASE_END = re.compile(r"""[,;|)}\]"']|\s[\w.-]+[=:]|$""")

_PEM = re.compile(r"-----BEGIN[^-]*-----.*?(?:-----END[^-]*-----|\Z)", re.DOTALL)
_AT = re.compile(r"""[^\s"'`<>(),;]+@[^\s"'`<>(),;]+""")
_SHAPES = (  # the host of an address that is quoted; dates and times; IPv4; IPv6 and MAC
    re.compile(r"""(?<=["'`>)])@[\w.-]+\.\w{2,}"""),
    re.compile(
        r"(?<![\w-])(?:\d{4}[-/]\d\d[-/]\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)?"
        r"|\d\d:\d\d:\d\d(?:[.,]\d+)?)(?![\w-])"
    ),
    re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?!\d)(?::\d+)?"),
    re.compile(
        r"(?<![\w:.])(?=[0-9A-Fa-f:.]*[0-9A-Fa-f])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f.]{0,15}(?:%\w+)?(?![\w:])"
    ),
)
_NUMBERS = re.compile(r"(?<![A-Za-z0-9_-])\+?\(?\d+(?:[-. ()/]{1,3}\d+)+(?![A-Za-z0-9_-])")
_RUN = re.compile(r"""[^\s"'`()\[\]{}<>,;|=:&?\\]+""")
_ATOM = re.compile(r"[A-Za-z0-9]+")
_ODD_SIGN = re.compile(r"\w[!$#^*~%]+\w")
_CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_AMOUNT = re.compile(r"(?i)(?:\d{1,5}(?:ms|us|ns|min|sec|[kmgt]i?b|rps|qps|px|th|st|nd|rd|xx|[smhdkbxw]))+")
_TECHNICAL = re.compile(
    r"(?i)(?:utf|http|sha|md|ipv|python|py|u?int|float|base|oauth|tls|line|worker|thread|pool|shard|node|replica|pod|"
    r"step|job|queue|rev|phase|attempt|retry|layer|level|arm|amd|part|chunk|batch|slot|core|psycopg|boto|sqlite|urllib|"
    r"jinja|redis|vertex|gemini)\d{1,4}"
)
#: Letters that follow each letter of the alphabet in words and in names of programs.
_FOLLOW = {
    entry[0]: entry[2:]
    for entry in _these(
        "a-bcdfgiklmnprstuvwxy b-aceijlorsuy c-acdehiklmoprstuy d-abcdefgilmnoprstu "
        "e-abcdefghiklmnopqrstuvwxy f-acdefilorstu g-aeghilnorstu h-aeiorstuy i-abcdefglmnoprstvxz j-aeou "
        "k-aeilsy l-abcdefilmnoprstuvy m-abdeilmnopstu n-abcdefgiklmnoprstuvy o-abcdefgiklmnoprstuvwx "
        "p-acdehiloprstuy q-luws r-abcdefgiklmnoprstuvy s-acdefghiklmnopqrstuvwy t-abcdefghilmnoprstuvwy "
        "u-abcdefgilmnprst v-aeios w-aehinors x-aceipt y-aeilmnpst z-aeiloyz"
    )
}


def masked(line: str) -> str:
    """The line with `MARK` in place of everything that may be secret, personal, or an id."""
    text = unicodedata.normalize("NFKC", line[:LONGEST])
    text = text if text.isascii() else "".join(one for one in text if unicodedata.category(one) != "Cf")
    text = _PEM.sub(MARK, text)
    for pattern in (*_ELSEWHERE, _CALL, _OPTION):
        text = pattern.sub(_value_of, text)
    text = _named(text)
    for pattern in (_BARE, _SCHEME):
        text = pattern.sub(_value_of, text)
    text = _AT.sub(_address, text)
    for shape in _SHAPES:
        text = shape.sub(MARK, text)
    text = _NUMBERS.sub(_number, text)
    text = _RUN.sub(_word, text)
    return re.sub(rf"{MARK}(?:[\s=@.]*{MARK})+", MARK, text)


def _named(text: str) -> str:
    """Without the values of names that are secrets'."""
    done, at = [], 0
    while (found := _NAMED.search(text, at)) is not None:
        end = _end_of_secret(found, text)
        until = found.end("sep") if end is None else found.start("value")
        done.append(text[at:until] if end is None else text[at:until] + MARK)
        at = until if end is None else end
    return "".join(done) + text[at:]


def _end_of_secret(found: re.Match[str], text: str) -> int | None:
    """Where the value of a secret's name ends; None where it is none."""
    words, value = _words(found["name"]), found["value"]
    if not _is_secret(words) or says_what_is_wrong(value) or (words[-1] == "tokens" and value.strip(",;").isdigit()):
        return None
    if value[0] in "\"'`[{\\":
        return found.end()
    if _HEADERS & set(words):
        return len(text)
    may_go_on = bool(_PASSWORDS & set(words)) and value[-1] not in ",;|)}]"
    end = _PHRASE_END.search(text, found.end()) if may_go_on else None
    # `a=b c=d` goes on after the blank, and the parts of a connection string after the semicolon.
    is_phrase = end is not None and (found["sep"] != "=" or end[0] == ";" or bool(_PHRASES & set(words)))
    return end.start() if end is not None and is_phrase else found.end()


def _words(name: str) -> list[str]:
    """Of `userPassword`, `x-api-key` or `JWT_SECRET`, in small letters."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+", name)]


def _is_secret(words: list[str]) -> bool:
    if not words:
        return False
    if words[-1] == "key":
        return len(words) > 1 and words[-2] not in _PLAIN_KEYS
    return words[-1] in _PERSONAL or any(word in _SECRETS or word.endswith(_ENDINGS) for word in words)


def says_what_is_wrong(value: str) -> bool:
    """Whether a value is a word of the message rather than a secret (`token: expired`)."""
    return value.strip("\"'`.,;:!?()[]{}\\").lower() in _SAYS or value.startswith(MARK)


def _value_of(found: re.Match[str]) -> str:
    """Without what follows the name of a secret after a blank, a bracket, or another name."""
    name, value = found["name"], found["value"]
    is_login = found.re is _OPTION and name in ("p", "u") and not value.replace(":", "").isdigit()
    if not (is_login or found.re in (_BARE, _SCHEME, _CALL) or _is_secret(_words(name))) or says_what_is_wrong(value):
        return found[0]
    start, end = (at - found.start() for at in found.span("value"))
    return found[0][:start] + MARK + found[0][end:]


def _address(found: re.Match[str]) -> str:
    """A mail address, or who logs in at a URL, whose scheme and host stay readable where they can be told from it."""
    scheme, there, rest = found[0].partition("://")
    if not there:
        return MARK
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    who, at, _ = authority.rpartition("@")
    is_plain = at and "@" not in who and rest.count("@") == 1
    return f"{scheme}://{MARK}@{rest[len(who) + 1 :]}" if is_plain else f"{scheme}://{MARK}"


def _number(found: re.Match[str]) -> str:
    """A card, a phone, an account: many digits with something between them."""
    digits = sum(one.isdigit() for one in found[0])
    least = 6 if found[0][0] in "+(" else 9 if " " in found[0] else 7
    return MARK if digits >= least else found[0]


def _word(found: re.Match[str]) -> str:
    run = found[0]
    if _is_ordinary(run):
        return run
    parts = run.split("/")
    kept = [part for part in parts if _is_ordinary(part)]
    if len(parts) < 2 or 2 * sum(map(len, kept)) < len(run) - len(parts) + 1:
        return MARK
    return "/".join(part if _is_ordinary(part) else MARK for part in parts)


def _is_ordinary(run: str) -> bool:
    """Whether it looks like words, names made of words, and small numbers."""
    if not _ATOM.search(run):
        return True
    if _ODD_SIGN.search(run) or len(run) > 120:
        return False
    atoms = _ATOM.findall(run)
    numbered = sum(any(one.isdigit() for one in atom) for atom in atoms)
    if len(atoms) >= 4 and 2 * numbered >= len(atoms) and len(run) >= 10:
        return False
    return all(map(_is_word, atoms)) and sum(map(_oddities, atoms)) <= 3


def _is_word(atom: str) -> bool:
    if atom.isdigit():
        return len(atom) <= 5
    if not atom.isalpha():
        return len(atom) <= 3 or bool(_AMOUNT.fullmatch(atom) or _TECHNICAL.fullmatch(atom))
    words = _CAMEL.findall(atom)
    if len(atom) <= 4:
        return True
    is_hex = len(atom) >= 8 and set(atom.lower()) <= set("abcdef")
    return not is_hex and 3 * len(words) <= len(atom) and max(map(len, words)) <= 20 and _oddities(atom) <= 1


def _oddities(atom: str) -> int:
    """Neighbouring letters that no word has beside each other."""
    small = [word.lower() for word in _CAMEL.findall(atom)]
    return sum(second not in _FOLLOW[first] for word in small for first, second in pairwise(word))
