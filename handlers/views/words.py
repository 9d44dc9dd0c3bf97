"""Small words that several views share: names of enum members, figures, and "no data"."""

from datetime import datetime

from handlers.catalogue import Catalogue, escape, mention
from lumen.model.message import Message, message
from lumen.model.nodata import NoData
from lumen.model.proposal import Change, Proposal
from lumen.model.service import Person


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
    """Why there is nothing, and how to mend it."""
    return f"{words.say(missing.reason)} {words.say(missing.remedy)}"


def iso(at: datetime) -> str:
    """An instant as a parameter of a message."""
    return at.isoformat()


def change_params(change: Change) -> dict[str, str | int]:
    """Old, new and, between numbers, the step of a change, as parameters."""
    step = {} if change.step is None else {"step": change.step}
    return {"old": change.old, "new": change.new, "unit": change.unit, **step}


def value_of(proposal: Proposal) -> str:
    """What a button of a proposal carries: version, service key and id; a click is decided from the store alone."""
    return f"1 {proposal.draft.service.key} {proposal.id}"
