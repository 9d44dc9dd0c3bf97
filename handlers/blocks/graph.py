"""`/lumen graph`: what moves what, as arrow lines on one screen of a phone."""

from handlers.blocks.card import Card, Shown
from lumen.model.feedback import Feedback
from lumen.model.messages import message
from lumen.wording.catalogue import Catalogue
from lumen.wording.feedback import sections


def graph_card(words: Catalogue, service: str, found: Feedback) -> Shown:
    """Solid arrows first, then dashed ones; what is not drawn yet and why in small print."""
    card = Card(words)
    card.header(message("graph.title", service=service))
    *drawn, (lacking, missing) = sections(found)
    if not found.edges:
        card.section(message("graph.none"))
    for title, lines in drawn:
        card.titled(title, [words.say(line) for line in lines])
    if missing:
        card.context([f"{words.say(lacking)}: {' · '.join(words.say(one) for one in missing)}"])
    if found.edges:
        card.context([words.say(message("graph.legend"))])
    return card.shown()
