"""`/lumen size`, `l1` and `instances` alone: how it stands, how far it may be turned, what would be proposed."""

from handlers.catalogue import Catalogue
from handlers.views.card import Card, Shown
from handlers.views.report import recommended
from handlers.views.words import no_data
from lumen.model.message import message
from lumen.model.nodata import NoData
from lumen.model.readout import KnobReadout


def knob_card(words: Catalogue, name: str, readout: KnobReadout) -> Shown:
    """`name` is the command that proposes another value."""
    card = Card(words)
    service = readout.service.name
    if isinstance(readout.value, NoData):
        card.section(message("command.knob_unknown", knob=readout.knob.value, service=service))
        card.lines([no_data(words, readout.value)])
    else:
        value, unit = readout.value, readout.unit
        card.section(message("command.knob_now", knob=readout.knob.value, service=service, value=value, unit=unit))
    if readout.wanted is None:
        card.section(message("command.knob_hold", knob=readout.knob.value))
    else:
        card.lines([recommended(words, readout.wanted), *(f"• {words.say(r)}" for r in readout.wanted.reasons)])
    if readout.lowest is not None and readout.highest is not None:
        lowest, highest, unit = readout.lowest, readout.highest, readout.unit
        card.context([words.say(message("command.knob_hint", name=name, lowest=lowest, highest=highest, unit=unit))])
    return card.shown()
