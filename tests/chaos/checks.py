"""What must hold after clicks and faults, judged from outside: Slack's messages, the audit, the store, the cache.

Each check yields a sentence for each violation. Evidence is data, so that the checks themselves can be tried.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from lumen.model.messages import Message
from lumen.model.proposal import State
from lumen.wording.catalogue import Catalogue, templates

#: Service time after which what was read before the data went may no longer be acted on.
STALE = timedelta(minutes=15)
APPROVALS = {State.APPROVED, State.APPROVED_BY_TIMER}


@dataclass(frozen=True, slots=True)
class Click:
    """One press. `unsaid`: neither acked nor answered with Slack's own error."""

    who: str
    proposal: str
    acked: bool
    unsaid: bool = False


@dataclass(frozen=True, slots=True)
class Setting:
    """The TTL setting as it stood in the cache at some moment. `mark`: the proposal; what was set back says so too."""

    value: int
    version: int
    mark: str

    @property
    def proposal(self) -> str:
        return self.mark.removesuffix(":back")

    @property
    def is_back(self) -> bool:
        return self.mark != self.proposal


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that was seen of one run."""

    clicks: Sequence[Click]
    #: Each entry's fields as the stream has them.
    audit: Sequence[Mapping[str, str]]
    #: State by proposal, as stored at the end.
    stored: Mapping[str, str]
    #: First lines that each proposal's card ever had, oldest first; the last one is what it ends with.
    shown: Mapping[str, Sequence[str]]
    #: Messages of the channel by surface, at the end.
    copies: Mapping[str, int]
    #: Ephemeral messages: to whom, and all their words; answers to `commands` (acked ones, by person) among them.
    told: Sequence[tuple[str, str]]
    commands: Mapping[str, int]
    #: Different ones, oldest first.
    settings: Sequence[Setting]
    #: Revisions that were made by nobody but Lumen.
    revisions: int
    #: Service time in which the metrics of requests could not be read.
    blind: Sequence[tuple[datetime, datetime]] = ()
    #: How often Slack delivered a click: each delivery may be answered, with the same words.
    deliveries: int = 1
    #: Whether the cache lost what it held.
    cache_lost: bool = False
    audit_is_whole: bool = True
    #: Bots that ended although nobody ended them.
    ended: Sequence[str] = ()
    #: Whether a new wish was proposed, approved and applied after the fault, by the bots that were there.
    recovered: bool = True


def one_decision(seen: Evidence) -> Iterator[str]:
    for proposal, count in Counter(e["proposal"] for e in _events(seen, "decided")).items():
        if count > 1:
            yield f"{proposal} was decided {count} times"
    for proposal, stands in seen.stored.items():
        decided = [e["detail"] for e in _events(seen, "decided") if e["proposal"] == proposal]
        if not decided and stands not in {State.PENDING, State.ABANDONED}:
            yield f"{proposal} is {stands}, and nobody decided it"


def no_effect_without_a_decision(seen: Evidence) -> Iterator[str]:
    approved = _approved(seen)
    for proposal, count in Counter(
        e["proposal"] for e in _events(seen, "advanced") if e["detail"] == State.APPLIED
    ).items():
        if proposal not in approved:
            yield f"{proposal} was applied, and nobody approved it"
        if count > 1:
            yield f"{proposal} was applied {count} times"
    for setting in seen.settings:
        if setting.proposal not in approved:
            yield f"the cache was set to {setting.value} by {setting.proposal}, which nobody approved"
    tries = {e["proposal"] for e in _events(seen, "advanced") if e["detail"] == State.APPLYING}
    failed = {p for p in tries if seen.stored.get(p) == State.FAILED}
    # A change that failed half-way is set back.
    if seen.revisions > len(tries & approved) + len(failed):
        yield f"{seen.revisions} revisions were made for {len(tries & approved)} approved changes"


def at_most_one_effect(seen: Evidence) -> Iterator[str]:
    changes = {e["proposal"]: json.loads(e["data"])["change"] for e in _events(seen, "proposed")}
    for setting, count in Counter((s.mark, s.value) for s in seen.settings).items():
        if count > 1:
            yield f"{setting} was set {count} times"
    for each in seen.settings:
        meant = changes.get(each.proposal, {}).get("old" if each.is_back else "new")
        if each.value != meant:
            yield f"{each.mark} set {each.value}, and stood for {meant}"
        if each.is_back and seen.stored.get(each.proposal) != State.FAILED:
            yield f"{each.proposal} was set back, and is {seen.stored.get(each.proposal)}"
    for before, after in zip(seen.settings, seen.settings[1:], strict=False):
        # What is set back at once may be seen only then.
        steps = {1, 2} if after.is_back and before.proposal != after.proposal else {1}
        if after.version - before.version not in steps and not seen.cache_lost:
            yield f"the setting went from {before} to {after}"


def confirmations_are_stored(seen: Evidence) -> Iterator[str]:
    decided = Counter((e["actor"], e["detail"]) for e in _events(seen, "decided"))
    told = Counter((who, state) for who, words in seen.told for state in _confirmed(words))
    for (who, state), count in told.items():
        if count > decided[who, state] * seen.deliveries:
            yield f"{who} was told {count} times that it is {state}, and decided so {decided[who, state]} times"
    for proposal, headers in seen.shown.items():
        reached = {State.PENDING.value, *(e["detail"] for e in seen.audit if e["proposal"] == proposal)}
        for header in headers:
            if (says := _state(header)) is not None and says not in reached:
                yield f"the card of {proposal} said {says} ({header!r}), which the audit does not know"


def cards_end_true(seen: Evidence) -> Iterator[str]:
    for proposal in _untrue_cards(seen):
        yield f"the card of {proposal} says {seen.shown[proposal][-1]!r}, and it is {seen.stored.get(proposal)}"


def _untrue_cards(seen: Evidence) -> set[str]:
    last = {proposal: _state(headers[-1]) for proposal, headers in seen.shown.items()}
    return {proposal for proposal, says in last.items() if says not in {None, seen.stored.get(proposal)}}


def clicks_are_answered(seen: Evidence) -> Iterator[str]:
    """Each has its answer, or its card is true; what never arrived shows Slack's own error."""
    for click in seen.clicks:
        if click.unsaid:
            yield f"a click of {click.who} on {click.proposal} had neither an acknowledgement nor Slack's error"
    for who, missing in unanswered(seen).items():
        for proposal in {c.proposal for c in seen.clicks if c.who == who and c.acked} & _untrue_cards(seen):
            yield f"{missing} clicks of {who} have no answer, and the card of {proposal} is not true"


def unanswered(seen: Evidence) -> Counter[str]:
    """How many clicks, by person, have no final answer of their own."""
    owed = Counter(dict(seen.commands))
    owed.update(click.who for click in seen.clicks if click.acked)
    owed.subtract(who for who, words in seen.told if not is_preliminary(words))
    return +owed


def no_double_posts(seen: Evidence) -> Iterator[str]:
    for surface, count in seen.copies.items():
        if count > 1:
            yield f"{surface} stands {count} times"


def nothing_automatic_on_missing_data(seen: Evidence) -> Iterator[str]:
    for entry in filter(is_automatic, seen.audit):
        at = datetime.fromisoformat(entry["at"])
        if any(begin + STALE < at < end for begin, end in seen.blind):
            yield f"{entry['event']} {entry['proposal']} {entry['detail']} by itself at {at}, without data"


def is_automatic(entry: Mapping[str, str]) -> bool:
    """Whether a line of the audit tells of a deed, or a proposal, of Lumen's own."""
    if entry["event"] == "proposed":
        return bool(json.loads(entry["data"])["origin"] == "policy")
    return entry["event"] == "decided" and entry["detail"] == State.APPROVED_BY_TIMER


def the_audit_is_whole(seen: Evidence) -> Iterator[str]:
    if not seen.audit_is_whole:
        yield "`lumen audit verify` does not prove the audit"
    known = {e["proposal"] for e in _events(seen, "proposed")}
    for proposal in seen.stored.keys() - known:
        yield f"{proposal} is stored, and the audit does not know it"


def it_recovers_by_itself(seen: Evidence) -> Iterator[str]:
    for name in seen.ended:
        yield f"the bot {name} ended by itself"
    if not seen.recovered:
        yield "a new wish cannot be carried out after the fault"


CHECKS: tuple[Callable[[Evidence], Iterator[str]], ...] = (
    one_decision,
    no_effect_without_a_decision,
    at_most_one_effect,
    confirmations_are_stored,
    cards_end_true,
    clicks_are_answered,
    no_double_posts,
    nothing_automatic_on_missing_data,
    the_audit_is_whole,
    it_recovers_by_itself,
)


def violations(seen: Evidence) -> list[str]:
    return [f"{check.__name__}: {sentence}" for check in CHECKS for sentence in check(seen)]


def is_preliminary(words: str) -> bool:
    """Whether an answer says that another one follows."""
    waits = [_said(locale, "click_outcome_unknown") for locale in ("en", "ko")]
    waits += [templates(locale)["command.working"] for locale in ("en", "ko")]
    return any(one in words for one in waits)


def _events(seen: Evidence, event: str) -> list[Mapping[str, str]]:
    return [entry for entry in seen.audit if entry["event"] == event]


def _approved(seen: Evidence) -> set[str]:
    return {e["proposal"] for e in _events(seen, "decided") if e["detail"] in APPROVALS}


def _confirmed(words: str) -> Iterator[str]:
    """The decision that an answer confirms to whoever clicked."""
    for locale in ("en", "ko"):
        if _said(locale, "click_approved") in words:
            yield State.APPROVED.value
        if _said(locale, "click_rejected") in words:
            yield State.REJECTED.value


@cache
def _said(locale: str, code: str) -> str:
    """The first sentence, by which it is known."""
    text = Catalogue(locale).plain(Message(f"slack.{code}", {}))
    return text.split(". ")[0]


@cache
def _words_of_states() -> Mapping[str, str]:
    words = Catalogue("en")
    return {words.plain(Message(f"word.state_{state}", {})): state.value for state in State}


def _state(header: str) -> str | None:
    """The state that a card's first line names; None where it names none."""
    return _words_of_states().get(header.rpartition("· ")[2].strip())
