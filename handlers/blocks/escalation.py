"""The end of the calls that nobody has answered: to whom it goes, and that nobody is called any more."""

from dataclasses import replace

from handlers.blocks.card import Card, Shown
from lumen.model.incident import CALLS_END, Incident
from lumen.model.messages import Message, Param
from lumen.ports.store import Surface
from lumen.wording.catalogue import Catalogue
from lumen.wording.incident_message import called_for


def calls_ended_card(words: Catalogue, incident: Incident, oncall: str, escalation: str) -> Shown | None:
    """In the thread of the incident's message; None when nobody need come any more.

    `escalation`: a user group that is called now, once; another name: the pager, which is told; "": nobody.
    """
    if not incident.wants_somebody or not incident.is_unanswered:
        return None
    params: dict[str, Param] = {
        "who_mention": escalation,
        "oncall_mention": oncall,
        "calls": CALLS_END,
        **called_for(words, incident),
    }
    code = "group" if escalation.startswith("S") else "pager" if escalation else "nobody"
    card = Card(words)
    card.section(Message(f"escalation.{code}", params))
    return replace(card.shown(), under=Surface(incident.service, "alert", incident.id))
