"""The end of the calls that nobody has answered: to whom it goes, and that nobody is called any more."""

from dataclasses import replace

from handlers.blocks.card import Card, Shown
from lumen.model.alert import Severity
from lumen.model.incident import CALLS_END, Incident
from lumen.model.messages import Message, Param
from lumen.ports.store import Surface
from lumen.wording.catalogue import Catalogue, iso


def calls_ended_card(words: Catalogue, incident: Incident, oncall: str, escalation: str) -> Shown | None:
    """In the thread of the incident's message; None when nobody need come any more.

    `escalation`: a user group that is called now, once; another name: the pager, which is told; "": nobody.
    """
    if not incident.is_open_page or not incident.is_unanswered or incident.is_hushed:
        return None
    pages = [one.alert for one in incident.alerts if one.alert.severity is Severity.PAGE and not one.alert.closed_at]
    params: dict[str, Param] = {
        "who_mention": escalation,
        "oncall_mention": oncall,
        "calls": CALLS_END,
        "service": incident.service.name,
        "kinds": ", ".join(dict.fromkeys(words.plain(Message(f"incident.kind_{page.kind}", {})) for page in pages)),
        "opened_at": iso(min(page.opened_at for page in pages)),
    }
    code = "group" if escalation.startswith("S") else "pager" if escalation else "nobody"
    card = Card(words)
    card.section(Message(f"escalation.{code}", params))
    return replace(card.shown(), under=Surface(incident.service, "alert", incident.id))
