"""Every message and view of Lumen in the states that people meet, and as a phone shows it: plain text, line by line."""

import html
import re
import textwrap
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from handlers.blocks import answers
from handlers.blocks.app_home import fleet_home, home
from handlers.blocks.card import Json, Shown
from handlers.blocks.control import control_card, note_card, reminder_card
from handlers.blocks.digest import digest
from handlers.blocks.emergency import emergency_card
from handlers.blocks.escalation import calls_ended_card
from handlers.blocks.explain_scores import explained
from handlers.blocks.fleet_digest import fleet_digest
from handlers.blocks.graph import graph_card
from handlers.blocks.home import Page, all_card
from handlers.blocks.hourly import hourly
from handlers.blocks.incident import held_card, incident_card, list_card, mention_card
from handlers.blocks.proposal import card
from handlers.blocks.report import report, undoable_card
from handlers.command_types import Subject
from lumen.model.answers import ChangeOfLate, IncidentReadout, TtlReadout
from lumen.model.control import ControlKind
from lumen.model.error_lines import ErrorLine, ErrorLines
from lumen.model.incident import CALLS_END, Mentions, Pinned
from lumen.model.messages import message
from lumen.model.proposal import Proposal, State
from lumen.model.snapshot import TtlSetting
from lumen.wording.catalogue import Catalogue
from tests.snapshots import NOW, SERVICE
from tests.unit.handlers import test_fleet as fleets
from tests.unit.handlers import test_incident_message as incidents
from tests.unit.handlers.test_app_home import ILL, STATUS, WELL
from tests.unit.handlers.test_control_views import ENDS, line
from tests.unit.handlers.test_digest import DAYS
from tests.unit.handlers.test_explained import readout as of_turn
from tests.unit.handlers.test_graph_view import GRAPHS, followed_by
from tests.unit.handlers.test_hourly import STATES, readout, turn_at
from tests.unit.handlers.test_views import KIM, KNOWN, WHEN, countdown, proposal
from tests.unit.handlers.test_why import MONTH, turn

#: Narrow letters in a line of a phone (390 px); a Korean one counts twice.
WIDTH = 44
LOG = "https://console.cloud.google.com/logs"
ERRORS = ErrorLines(
    incidents.BAD, WHEN, incidents.NOW, incidents.NOW, LOG, (ErrorLine("KeyError: 'mentor_profile'", 272),)
)
ROLLED_BACK = message("rollback.note_done", proposal_id="p-7", target=incidents.GOOD)
#: What can be shown, as the values that it is drawn from: tests stretch the names in them.
INCIDENTS: dict[str, IncidentReadout] = {
    "a countdown runs": replace(incidents.READOUT, errors=ERRORS),
    "nobody is asked": replace(incidents.READOUT, proposals=()),
    "somebody must decide": replace(incidents.READOUT, proposals=(incidents.rollback(acts_at=None),)),
    "somebody is on it": replace(incidents.READOUT, incident=incidents.STANDS["page taken"]),
    "rolled back": replace(
        incidents.READOUT,
        incident=replace(incidents.PAGE, notes=(ROLLED_BACK,)),
        proposals=(incidents.rollback(State.APPLIED),),
    ),
    "over": replace(
        incidents.READOUT, incident=incidents.STANDS["over"], proposals=(incidents.rollback(State.APPLIED),)
    ),
}
PINNED = Pinned(incidents.GOOD, NOW - timedelta(hours=1))
MADE = ChangeOfLate(replace(proposal(State.APPLIED), finished_at=NOW), 0.71, 0.78)
HELD = message("policy.held_gaps", slices=7, wanted=12, minutes=5)
REPORTS = {
    **STATES,
    "being applied": readout(open_proposals=(proposal(State.APPLYING),)),
    "applied": readout(changes=(MADE,)),
    "held back": readout(turn=replace(turn_at(NOW), held_back=(HELD,))),
    "pinned": readout(
        open_proposals=(replace(proposal(State.PENDING), draft=replace(proposal(State.PENDING).draft, deploys=True)),),
        pinned=PINNED,
    ),
}


def views(words: Catalogue) -> Iterator[tuple[str, str, Shown]]:
    """The file that a view is written to, its name, and the view."""
    for name, seen in INCIDENTS.items():
        yield "incident", name, incident_card(words, seen, "S0ONCALL", "https://runbooks.example/ion")
    yield from (("incident", name, shown) for name, shown in _calls(words))
    yield from (("report", name, hourly(words, seen)) for name, seen in REPORTS.items())
    yield "report", "details", report(words, REPORTS["applied"])
    yield "report", "undo", undoable_card(words, REPORTS["applied"])
    for state in State:
        yield "card", state.lower().replace("_", " "), card(words, proposal(state, KNOWN))
    yield "card", "some keys held back", card(words, holding_back(proposal(State.PENDING, KNOWN)))
    yield "card", "countdown", card(words, countdown("a", snoozes=(KIM,)))
    yield from (("digest", name, digest(words, seen)) for name, seen in DAYS.items())
    yield from (("fleet", name, shown) for name, shown in _fleets(words))
    for kind in ControlKind:
        yield "control", kind.value, control_card(words, SERVICE, line(kind))
        yield "control", f"{kind.value} ends soon", control_card(words, SERVICE, line(kind), ends_soon=True)
        yield "control", f"{kind.value} has ended", control_card(words, SERVICE, line(kind, ended=ENDS["by somebody"]))
    reminder = reminder_card(words, proposal(State.PENDING))
    ended = note_card(words, SERVICE, line(ControlKind.PAUSE, ended=ENDS["by time"]), ended=True)
    yield from (("control", name, one) for name, one in (("reminder", reminder), ("note", ended)) if one is not None)
    for name, health, may in (("all is well", WELL, True), ("something is wrong", ILL, False)):
        yield (
            "home",
            name,
            Shown("home", tuple(home(words, [STATUS], health=health, may_not=() if may else {SERVICE})["blocks"])),
        )
    yield "home", "many services", Shown("home", tuple(fleet_home(words, fleets.SEEN, fleets.name_of, WELL)["blocks"]))
    yield from (("answers", name, shown) for name, shown in _answers(words))
    yield from (("graph", name, graph_card(words, SERVICE.name, found)) for name, found in GRAPHS.items())
    yield "graph", "on a card", card(words, followed_by(proposal(State.PENDING, KNOWN)))


def _fleets(words: Catalogue) -> Iterator[tuple[str, Shown]]:
    yield from ((f"digest: {name}", fleet_digest(words, seen, fleets.name_of)) for name, seen in fleets.FLEETS.items())
    yield "status all", all_card(words, fleets.SEEN, fleets.name_of, Page(1, "team=payments"))
    yield "approvals", answers.approvals_of_all(words, [fleets.waiting(1), fleets.waiting(2)], fleets.name_of)


def holding_back(made: Proposal) -> Proposal:
    """The same with a control."""
    return replace(made, draft=replace(made.draft, change=replace(made.draft.change, held_permille=100)))


def _calls(words: Catalogue) -> Iterator[tuple[str, Shown]]:
    page, unanswered = incidents.PAGE, replace(incidents.PAGE, mentions=Mentions(CALLS_END, incidents.NOW))
    found = {name: mention_card(words, page, "S0ONCALL", number, 3) for name, number in (("a call", 0), ("another", 2))}
    for escalation in ("S0SECOND", "pager", ""):
        found[f"calls end: {escalation or 'nobody'}"] = calls_ended_card(words, unanswered, "S0ONCALL", escalation)
    yield from ((name, one) for name, one in found.items() if one is not None)


def _answers(words: Catalogue) -> Iterator[tuple[str, Shown]]:
    calm, held = STATES["calm"], STATES["held"]
    yield "help", answers.help_card(words, (60, 3600), "#ion")
    yield "a typo", answers.misspelt(words, "statsu", "status")
    yield "ttl", answers.ttl_card(words, TtlReadout(SERVICE, TtlSetting(300, 1, None, None), turn(MONTH).ttl))
    yield "proposed", answers.proposed(words, proposal(State.PENDING), "r")
    yield "proposed already", answers.proposed(words, proposal(State.PENDING), "another")
    yield "approvals", answers.approvals_card(words, [proposal(State.PENDING, KNOWN), countdown("a")])
    yield "history", answers.history_card(words, ())
    yield "emergency", emergency_card(words, calm, 300)
    yield "override", held_card(words, held)
    yield "silences", list_card(words, held.silences)
    yield from ((f"why {subject}", explained(words, subject, of_turn(turn(MONTH)))) for subject in Subject)


def as_read(shown: Shown) -> list[str]:
    """What a person reads on a phone, line by line; buttons in brackets, the first choice with a star."""
    return [line for block in shown.blocks for line in _lines(block)]


def _lines(block: Json) -> Iterator[str]:
    kind = block["type"]
    if kind == "data_visualization":
        names = ", ".join(series["name"] for series in block["chart"]["series"])
        yield from _wrapped(f"[chart: {block['title']}: {names}]")
    elif kind in ("actions", "context_actions"):
        yield from _wrapped(" ".join(map(_pressable, block["elements"])))
    elif kind == "table":
        yield from (" | ".join(plain(_cell(cell)) for cell in row) for row in block["rows"])
    elif kind == "divider":
        yield "-" * WIDTH
    else:
        sign = {"header": "# ", "context": "  "}.get(kind, "")
        texts = [*([block["text"]] if "text" in block else []), *block.get("fields", ()), *block.get("elements", ())]
        for text in texts:
            for line in plain(text["text"]).splitlines():
                yield from _wrapped(sign + line)
        if "accessory" in block:
            yield _pressable(block["accessory"])


def _cell(cell: Json) -> str:
    parts = [one for part in cell.get("elements", ()) for one in part["elements"]]
    return str(cell.get("text") or "".join(one.get("text", "") for one in parts))


def _pressable(element: Json) -> str:
    if element["type"] == "overflow":
        return f"[… {' / '.join(one['text']['text'] for one in element['options'])}]"
    label = element.get("text") or element["placeholder"]
    star = "*" if element.get("style") == "primary" else "!" if element.get("style") == "danger" else ""
    asks = "" if "confirm" not in element else " ?"
    return f"[{star}{plain(label['text'])}{asks}]"


def plain(text: str) -> str:
    """Mrkdwn as it is read: dates by their fallback, mentions by id, links by their words."""
    text = re.sub(r"<!date\^[^|>]*\|([^>]*)>", r"\1", text)
    text = re.sub(r"<!subteam\^(\w+)[^>]*>", r"@\1", text)
    text = re.sub(r"<@(\w+)>", r"@\1", text)
    return html.unescape(re.sub(r"<([^|<>]+)\|([^>]+)>", r"\2", text))


def _wrapped(line: str) -> list[str]:
    """At the width of a phone. A wide letter is two columns: it is wrapped with a filler that is taken out again."""
    filled = "".join(letter + ("\0" if unicodedata.east_asian_width(letter) in "WF" else "") for letter in line)
    found = textwrap.wrap(filled, WIDTH, subsequent_indent="    ", break_on_hyphens=False, drop_whitespace=True)
    return [one.replace("\0", "") for one in found] or [""]
