"""The hourly report in one screen of a phone, and the answer to `/lumen status`.

The worst that is true now, one thing to do with its button, four figures, one curve, and why. Everything else is behind
Why and Details (`handlers.blocks.report`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from handlers.blocks.card import Button, Card, Shown
from handlers.blocks.chart import Chart, Series, binned, times
from handlers.blocks.incident import ON_IT, alert_lines
from handlers.blocks.proposal import deciding_buttons, line, undo_button
from handlers.blocks.report import cautions, change_line, report
from lumen.model.alert import Severity
from lumen.model.answers import StatusReadout
from lumen.model.messages import Message, NoData, message
from lumen.model.proposal import Change, Proposal, State
from lumen.model.turn import Occasion, Turn
from lumen.wording.catalogue import Catalogue, change_params, expected_params, iso
from lumen.wording.key_figures import KeyFigure, key_figures
from lumen.wording.report import EXTRA, TurnReport
from lumen.wording.scores import turn_found, worst_headline

WHY = "report.why"
DETAILS = "report.details"
#: Of alerts, of what is missing and of cautions there are so many lines; the others are in the details.
LINES_SHOWN = 2
#: A day by two hours.
STEP, POINTS = timedelta(hours=2), 12
#: What changed since, the figures say themselves while there are fewer.
LEAST_TURNS = 4


def hourly(words: Catalogue, readout: StatusReadout) -> Shown:
    """One card; before the first turn it says when that comes."""
    turn = readout.turn
    if turn is None:
        return report(words, readout)
    card, told = Card(words), TurnReport(words, words.say, turn)
    card.header(worst_headline(words, readout.service, readout.worst, turn))
    card.context([_when(words, turn)])
    alerts = alert_lines(words, readout.alerts, readout.silences)
    found = [] if readout.worst.is_of_turn else [words.say(turn_found(words, turn))]
    missing = [f"⚪ *{row.name}*: {row.value}" for row in told.missing()]
    noted = (*_short(words, missing), *_short(words, list(cautions(words, readout, brief=True))))
    card.lines([*_short(words, alerts), *found, *noted])
    card.lines([_figure(one) for one in key_figures(words, turn, readout.day)])
    _add_change(card, words, readout)
    if not readout.alerts and len(readout.day) >= LEAST_TURNS:  # an incident's message has curves of its own
        card.chart(_curve(words, readout.day))
    card.lines([f"*{words.say(message('views.report_why'))}*: {words.say(turn.assessment.gate.health_reason)}"])
    wanted = next(_actions(words, readout, turn, told))
    card.lines([f"*{words.say(message('views.do_now'))}*: {wanted.said}"])
    card.buttons([*wanted.buttons, *_more(readout, turn)], block_id=f"report:{turn.id}")
    return card.shown()


def _add_change(card: Card, words: Catalogue, readout: StatusReadout) -> None:
    """What was changed last and what it did, with its way back; a harmful one is what to do now."""
    done = {one.proposal.finished_at: one for one in readout.changes if one.proposal.finished_at is not None}
    if readout.alerts or not done:
        return
    change = done[max(done)]
    if change.proposal.state is State.HARMFUL:
        return
    card.lines([change_line(words, change)], undo_button(change.proposal, readout.pinned))


def _when(words: Catalogue, turn: Turn) -> str:
    window = turn.snapshot.window
    told = message("views.hour", start_at=iso(window.start), end_at=iso(window.end))
    pieces = [words.say(told), *([words.say(EXTRA)] if turn.occasion is Occasion.ASKED else [])]
    return " · ".join(pieces)


def _short(words: Catalogue, lines: Sequence[str]) -> list[str]:
    """The first ones, and how many more there are."""
    more = len(lines) - LINES_SHOWN
    return [*lines[:LINES_SHOWN], *([words.say(message("views.more_in_details", count=more))] if more > 0 else [])]


def _figure(one: KeyFigure) -> str:
    target = f" ({one.target})" if one.target else ""
    return f"{one.sign} *{one.name}* {one.value}{target}" + (f" · {one.change}" if one.change else "")


def _curve(words: Catalogue, turns: Sequence[Turn]) -> Chart:
    """Gate and hit rate of the day before the newest turn."""
    end = max(turn.snapshot.window.end for turn in turns).replace(minute=0, second=0, microsecond=0)
    start = end - POINTS * STEP
    axis = times(words, start, STEP, POINTS)

    def values(code: str, of: Sequence[tuple[Turn, float | None]]) -> Series:
        points = ((turn.snapshot.window.start, value) for turn, value in of)
        return Series(words.plain(Message(code, {})), binned(points, start, STEP, POINTS))

    gates = [(turn, _known(turn.assessment.gate.score.value)) for turn in turns]
    hits = [(turn, _hit_rate(turn)) for turn in turns]
    return Chart(
        "line",
        message("views.day_curve"),
        axis,
        (values("views.curve_gate", gates), values("views.curve_hit_rate", hits)),
    )


def _known(value: float | NoData) -> float | None:
    return None if isinstance(value, NoData) else value


def _hit_rate(turn: Turn) -> float | None:
    """In per cent, so that it has the scale of the gate."""
    found = next((one for one in turn.assessment.slo.objectives if one.name == "cache_hit_rate"), None)
    ratio = None if found is None else _known(found.good_ratio)
    return None if ratio is None else 100 * ratio


@dataclass(frozen=True, slots=True)
class _Action:
    """One thing to do, in words (mrkdwn), and what can be pressed for it."""

    said: str
    buttons: tuple[Button, ...] = ()


def _actions(words: Catalogue, readout: StatusReadout, turn: Turn, told: TurnReport) -> Iterator[_Action]:
    """All that could be done, the most urgent first: the first is the advice, and it stands nowhere else."""
    worst = next((one for one in readout.worst.alerts if one.alert.severity is not Severity.NOTICE), None)
    if worst is not None:
        value = f"1 {readout.service.key} {worst.incident}"
        on_it = Button(ON_IT, message("incident.on_it"), value, "primary")
        is_page = worst.alert.severity is Severity.PAGE
        yield _Action(words.say(message("views.do_incident")), (on_it,) if is_page else ())
    for change in readout.changes:
        back = undo_button(change.proposal, readout.pinned)
        if change.proposal.state is State.HARMFUL and back is not None:
            params = change_params(change.proposal.draft.change)
            knob = change.proposal.draft.change.knob.value
            yield _Action(words.say(Message("views.do_undo", {"knob": knob, **params})), (back,))
    for proposal in readout.open_proposals:
        if proposal.state is State.PENDING:
            others = len(readout.open_proposals) - 1
            more = f" {words.say(message('views.do_others', count=others))}" if others else ""
            waits = proposal.draft.deploys and readout.pinned is not None
            more += f" ⚠️ {words.say(message('views.do_unpin_first'))}" if waits else ""
            yield _Action(_asked(words, proposal) + more, () if waits else tuple(deciding_buttons(proposal)))
    for proposal in readout.open_proposals:
        if proposal.state is not State.PENDING:
            yield _Action(line(words, proposal))
    yield from _advice(words, readout, turn)
    if readout.priorities:
        yield _Action(next(told.worth(readout.priorities)))
    yield _Action(words.say(message("views.recommended_hold")))


def _advice(words: Catalogue, readout: StatusReadout, turn: Turn) -> Iterator[_Action]:
    """What the turn advises and nobody is asked about: what holds it back, or why. Nothing once it has been done."""
    wanted = turn.first
    if isinstance(wanted, NoData) or wanted.change is None or _done_since(readout, turn, wanted.change):
        return
    change = _change(wanted.change)
    if turn.held_back:
        yield _Action(words.say(message("views.do_later", change=change, reason=turn.held_back[0])))
    yield _Action(": ".join(words.say(one) for one in (change, *wanted.reasons[:1])))


def _change(change: Change) -> Message:
    return Message("views.change", {"knob": Message(f"word.knob_{change.knob}", {}), **change_params(change)})


def _done_since(readout: StatusReadout, turn: Turn, wanted: Change) -> bool:
    """Whether what the turn advised has been carried out since."""
    return any(
        (made := one.proposal).draft.change.knob is wanted.knob
        and made.finished_at is not None
        and made.finished_at >= turn.started_at
        for one in readout.changes
    )


def _asked(words: Catalogue, proposal: Proposal) -> str:
    """What is asked, and what it would bring; where nobody can tell yet, why it is asked."""
    draft = proposal.draft
    asked = words.say(_change(draft.change))
    if not isinstance(draft.expected, NoData):
        return f"{asked}: {words.say(Message('views.do_expected', expected_params(draft.expected)))}"
    return f"{asked}: {words.say(draft.reasons[0])}" if draft.reasons else asked


def _more(readout: StatusReadout, turn: Turn) -> Iterator[Button]:
    value, score = f"1 {readout.service.key} {turn.id}", turn.assessment.gate.score.value
    why = message("views.button_why") if isinstance(score, NoData) else message("views.button_why_score", score=score)
    yield Button(WHY, why, value)
    yield Button(DETAILS, message("views.button_details"), value, spoken=message("views.spoken_report_details"))
