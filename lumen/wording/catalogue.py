"""The words: a `Message` in, a sentence in the reader's language out.

A code "area.name" stands in `lumen/wording/texts/<locale>/<area>.toml` under `name`, as a `str.format` template of
plain words. What is plain and what is markup is settled here, so that no template has to think of it:

- `name_at`       an instant in ISO 8601, UTC. In Slack the reader's own zone; elsewhere `zone`, named.
- `unit`          the unit of a knob, in the reader's language and with the space that it wants: 420 s, 420초.
- `knob`          the name of a knob, in the reader's language; `severity`, `kind`, `priority` and so on likewise.
- `metric`, `other`  names of metrics, likewise.
- `proposal_id`, `proposal`  the id of a proposal: P12 is shown as #12, which is also what people type.
- `incident`      the id of an incident, shown as it is typed: i7k3f.
- `part`          the name of an objective or of a part of a score, likewise.
- `name_mention`  a Slack user or user group id, or an operator's. In Slack it becomes the name; elsewhere the id.
- `name_mentions` several of them, with spaces between.
- `name_link`     an address.
- a message       is said in the same language, as part of the sentence.
- `state`         a state of a proposal, likewise.
- everything else is escaped in Slack (& < >), the words of the template too.

Small words that several views share: names of enum members, figures, and "no data".
"""

import string
import tomllib
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from lumen.model.alert import short_id
from lumen.model.forecast import confidence_word
from lumen.model.messages import Message, NoData, Param, message
from lumen.model.proposal import LATEST, Change, Expectation, Proposal
from lumen.model.service import OPERATOR, Person
from lumen.wording.english import agreed
from lumen.wording.figures import shown
from lumen.wording.korean import resolved

#: `words.say` for Slack, or `words.plain` for a terminal or a file.
Say = Callable[[Message], str]
LOCALES = ("en", "ko")
TEXTS = Path(__file__).parent / "texts"
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_FORMATTER = string.Formatter()
#: What the words after a value take from it: in English the number, in Korean the particle.
_AGREED = {"en": agreed, "ko": resolved}
#: Parameters that are names from the model, and where their words stand.
NAMED = {
    "knob": "word.knob",
    "state": "word.state",
    "metric": "word.metric",
    "other": "word.metric",
    "part": "assess.name",
    "severity": "incident.severity",
    "kind": "incident.kind",
    "priority": "word.priority",
    "strategy": "word.strategy",
    "health": "word.health",
    "verdict": "word.verdict",
}


def escape(text: str) -> str:
    """Slack's three escapes; everything that people or servers wrote goes through here."""
    return text.translate(_ESCAPES)


def templates(locale: str) -> Mapping[str, str]:
    """Every template of one language by its full code. Raises ValueError for a file that is no flat table of texts."""
    read = {area: _read(locale, area) for area in sorted(_areas(locale))}
    return {f"{area}.{name}": template for area, texts in read.items() for name, template in texts.items()}


def _template(locale: str, code: str) -> str | None:
    """None where there are no words for `code`, which may be any text."""
    area, _, name = code.partition(".")
    return _read(locale, area).get(name) if area in _areas(locale) else None


@cache
def _areas(locale: str) -> frozenset[str]:
    return frozenset(path.stem for path in (TEXTS / locale).glob("*.toml"))


@cache
def _read(locale: str, area: str) -> Mapping[str, str]:
    """One file, when the first of its codes is said: a command says a few of them, and most people one language."""
    texts = tomllib.loads((TEXTS / locale / f"{area}.toml").read_text(encoding="utf-8"))
    for name, template in texts.items():
        if not isinstance(template, str):
            raise ValueError(f"{area}.toml: {name} is no text; the tables are flat, one template a name")
    return texts


class Catalogue:
    """Speaks one language. `zone`: the readers', for what Slack cannot show in each reader's own."""

    def __init__(self, locale: str, zone: ZoneInfo | None = None) -> None:
        if locale not in LOCALES:
            raise ValueError(f"no texts in {locale!r}; there are {', '.join(LOCALES)}")
        self.locale = locale
        self._zone = zone or ZoneInfo("UTC")

    def say(self, wanted: Message) -> str:
        """Slack mrkdwn. What the store has in words of another version of Lumen reads as that, and fails nothing."""
        return self._fill(wanted, slack=True)

    def plain(self, wanted: Message) -> str:
        """For terminals, files, headers, buttons and alt texts: nothing escaped, no Slack markup."""
        return self._fill(wanted, slack=False)

    def has(self, code: str) -> bool:
        """Whether there are words for `code`."""
        return _template(self.locale, code) is not None

    def instant(self, at: datetime) -> str:
        """A moment in Slack's own notation: shown in the reader's zone, in UTC where that cannot be."""
        fallback = at.strftime("%Y-%m-%d %H:%M UTC")
        return f"<!date^{int(at.timestamp())}^{{date_num}} {{time}}|{fallback}>"

    def local(self, at: datetime) -> datetime:
        """`at` in the zone of the readers."""
        return at.astimezone(self._zone)

    def _fill(self, wanted: Message, *, slack: bool) -> str:
        template = _template(self.locale, wanted.code)
        try:
            if template is not None:
                return self._filled(template, wanted.params, slack=slack)
        except (KeyError, ValueError, TypeError):  # its values have other names, or are of another kind
            pass
        return self._filled(_read(self.locale, "state")["other_words"], {"code": wanted.code}, slack=slack)

    def _filled(self, template: str, params: Mapping[str, Param], *, slack: bool) -> str:
        pieces = list[str]()
        for literal, field, spec, conversion in _FORMATTER.parse(template):
            words = escape(literal) if slack else literal
            pieces.append(_AGREED[self.locale](words, "".join(pieces)))
            if field == "unit":
                pieces[-1] = pieces[-1].removesuffix(" ")
                pieces.append(self._unit(str(params[field])))
            elif field is not None:
                pieces.append(self._said(field, params[field], spec or "", conversion, slack=slack))
        return "".join(pieces)

    def _unit(self, unit: str) -> str:
        """With the space before it that it wants: `420 s`, `420초`; a count has neither."""
        word = _template(self.locale, f"word.unit_{unit}")
        word = unit if word is None else word
        return f" {word}" if word and word.isascii() else word

    def _said(self, name: str, value: Param, spec: str, conversion: str | None, *, slack: bool) -> str:
        if isinstance(value, Message):
            return self._fill(value, slack=slack)
        if name == "reason" and self.has(str(value)):
            return ""  # the key that an earlier Lumen has stored here: without its values there are no words for it
        return self._value(name, value, spec, conversion, slack=slack)

    def _value(self, name: str, value: str | int | float, spec: str, conversion: str | None, *, slack: bool) -> str:
        if name.endswith("_at"):
            at = datetime.fromisoformat(str(value))
            return self.instant(at) if slack else at.astimezone(self._zone).strftime("%Y-%m-%d %H:%M %Z")
        if name.endswith("_mention"):
            return mention(str(value)) if slack else str(value).removeprefix(OPERATOR)
        if name.endswith("_mentions"):
            return ", ".join(mention(one) if slack else one.removeprefix(OPERATOR) for one in str(value).split())
        if name in _IDS:
            return _IDS[name](str(value))
        if name.endswith("_link"):
            return f"<{value}>" if slack else str(value)
        if name in NAMED:
            named = _template(self.locale, f"{NAMED[name]}_{value}")
            value = value if named is None else named
        converted = _FORMATTER.convert_field(value, conversion) if conversion else value
        told = shown(converted, spec)
        return escape(told) if slack else told


def _incident(incident_id: str) -> str:
    """The long id of the store as people read it; what somebody typed as it is."""
    return short_id(incident_id) if ":" in incident_id else escape(incident_id)


def numbered(proposal_id: str) -> str:
    """P12 as people read it: #12."""
    return f"#{proposal_id[1:]}" if proposal_id[:1] == "P" and proposal_id[1:].isdecimal() else proposal_id


_IDS = {"proposal_id": numbered, "proposal": numbered, "incident": _incident}


def mention(slack_id: str) -> str:
    """`<@U…>` for a person, `<!subteam^S…>` for a group. Slack does not know an operator: the account as it is."""
    if slack_id in ("lumen", "timer"):
        return "Lumen"
    if slack_id.startswith(OPERATOR):
        return f"`{escape(slack_id.removeprefix(OPERATOR))}`"
    return f"<!subteam^{slack_id}>" if slack_id.startswith("S") else f"<@{slack_id}>"


def word(words: Catalogue, kind: str, name: str) -> str:
    """The word for a member of an enum or a named part: `word.<kind>_<name>`, or the name itself, made readable."""
    code = f"word.{kind}_{name}"
    return words.say(Message(code, {})) if words.has(code) else escape(name.replace("_", " "))


def person(who: Person) -> str:
    """A mention; Slack shows the name of today, not the one that was stored."""
    return mention(who.user_id)


def figure(words: Catalogue, value: float | NoData | None, code: str) -> str:
    """`value` through the template `code` (its parameter is `value`), or the words for "no data"."""
    if value is None or isinstance(value, NoData):
        return words.say(message("word.no_data"))
    return words.say(Message(code, {"value": value}))


def no_data(words: Catalogue, missing: NoData) -> str:
    """The reason why there is nothing, and how to mend it."""
    return f"{words.say(missing.reason)} {words.say(missing.remedy)}"


def iso(at: datetime) -> str:
    """An instant as a parameter of a message."""
    return at.isoformat()


def change_params(change: Change) -> dict[str, Param]:
    """Old, new and, between numbers, the step of a change, as parameters."""
    step: dict[str, Param] = {} if change.step is None else {"step": change.step}
    return {"old": _named(change.old), "new": _named(change.new), "unit": change.unit, **step}


def held_params(change: Change) -> dict[str, Param]:
    """The share of the keys that keep the old value, and that."""
    return {"share": change.held_permille / 1000, "old": change.old, "unit": change.unit}


def _named(value: str | int) -> Param:
    return Message("word.newest_revision", {}) if value == LATEST else value


def expected_params(expected: Expectation) -> dict[str, Param]:
    """Values for templates on an expectation: hit rates as ratios, their change in points, calls and cost of a month;
    `change` is the two in short.
    """
    low, middle, high = expected.hit_rate_change
    low_usd, middle_usd, high_usd = expected.monthly_cost_change_usd
    few, calls, many = map(round, expected.monthly_calls_change or (0, 0, 0))
    usd: dict[str, Param] = {"low_usd": low_usd, "middle_usd": middle_usd, "high_usd": high_usd}
    known = "views.calls_and_cost" if expected.monthly_calls_change else "views.cost_alone"
    return {
        **usd,
        "few_calls": few,
        "calls": calls,
        "many_calls": many,
        "stale_usd": expected.monthly_stale_usd,
        "change": Message(known, {**usd, "calls": calls}),
        "before": expected.hit_rate,
        "after": expected.hit_rate + middle,
        "low": 100 * low,
        "middle": 100 * middle,
        "high": 100 * high,
        "confidence": expected.confidence,
        "confidence_word": Message(f"predict.{confidence_word(expected.confidence)}", {}),
    }


def expected_parts(expected: Expectation) -> tuple[str, ...]:
    """Names of the lines that tell of it: what is not known, or makes no difference, has none."""
    calls = ("calls",) if expected.monthly_calls_change else ()
    return ("hit_rate", *calls, "cost", *(("stale",) if expected.monthly_stale_usd else ()), "confidence")


def value_of(proposal: Proposal) -> str:
    """The value of a proposal's button: version, service key, id, mark. A click is decided from the store alone."""
    return f"2 {proposal.draft.service.key} {proposal.id} {proposal.mark}"
