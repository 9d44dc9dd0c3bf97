"""The whole report, for `/lumen report` and Details: how it is, what changed, what is missing, what to do."""

from collections.abc import Iterator, Sequence

from handlers.blocks.card import Card, Shown
from handlers.blocks.incident import alert_lines
from handlers.blocks.proposal import undo_button
from lumen.model.answers import ChangeOfLate, StatusReadout
from lumen.model.incident import Pinned
from lumen.model.messages import Message, message
from lumen.model.proposal import Knob
from lumen.model.turn import Occasion, Turn, Worth
from lumen.wording.catalogue import Catalogue, change_params, iso, person, word
from lumen.wording.incidents import silence_line
from lumen.wording.report import EXTRA, TurnReport, objective_lines
from lumen.wording.restrictions import held_lines, in_short, unasked_lines
from lumen.wording.scores import span, trend_lines, turn_found, worst_headline

CHANGES_SHOWN = 3
PRIORITIES_SHOWN = 3
#: Rows of the description that stand in the grid at the top.
FIELDS = (
    *("hit_rate", "ttl_seconds", "latency_p95", "error_rate", "memory_ratio"),
    *("cache", "roi", "maturity", "spend", "rhythm"),
)


def report(words: Catalogue, readout: StatusReadout) -> Shown:
    """One card; before the first turn it says when that comes."""
    card, turn = Card(words), readout.turn
    card.header(worst_headline(words, readout.service, readout.worst, turn))
    if turn is None:
        _before_the_first(card, readout)
    else:
        card.context([_when(words, turn)])
        if not readout.worst.is_of_turn:
            card.section(turn_found(words, turn))
    card.titled(message("views.report_alerts"), alert_lines(words, readout.alerts, readout.silences))
    card.lines(list(cautions(words, readout)))
    if turn is None:
        changes(card, words, readout.changes[:CHANGES_SHOWN], readout.pinned)
        return card.shown()
    told = TurnReport(words, words.say, turn)
    rows = told.rows()
    card.grid([(row.name, f"{row.sign} {row.value}".lstrip()) for row in (rows[key] for key in FIELDS)])
    card.titled(message("views.report_why"), why_lines(told))
    card.titled(message("views.report_objectives"), objective_lines(rows, turn.assessment.slo.objectives))
    card.titled(message("budget.title"), (note for row in told.budgets() for note in row.notes or (row.value,)))
    card.titled(message("trend.title"), trend_lines(words, words.say, turn.trends))
    changes(card, words, readout.changes[:CHANGES_SHOWN], readout.pinned)
    card.titled(message("priority.title"), told.worth(readout.priorities))
    card.titled(message("views.report_recommended"), told.advice())
    card.titled(message("views.report_missing"), (f"• *{row.name}*: {row.value}" for row in told.missing()))
    card.context(_footer(words, readout))
    return card.shown()


def cautions(words: Catalogue, readout: StatusReadout, *, brief: bool = False) -> Iterator[str]:
    """What people must not forget: a setting that was lost or set by others, a pin, what they set against changes.

    `brief`: all that they set is one line, among the first.
    """
    pinned = readout.pinned
    if readout.turn is not None and readout.now is not None and readout.is_stale:
        age = words.plain(span(readout.now - readout.turn.snapshot.window.end))
        yield words.say(message("explain.stale", age=age))
    if brief and (said := in_short(words, readout)):
        yield said
    if readout.turn is not None:
        yield from (f"⚠️ {caution}" for caution in TurnReport(words, words.say, readout.turn).cautions())
    if pinned is not None:
        yield words.say(message("views.report_pinned", revision=pinned.revision, since_at=iso(pinned.since)))
        told = (
            *pinned.latest,
            *((message("rollback.offered_later"),) if pinned.taken_out else ()),
            *pinned.differences,
        )
        yield from (f"• {words.say(one)}" for one in told)
    if not brief:
        yield from held_lines(words, readout)
    yield from unasked_lines(words, readout)
    if not brief:
        yield from (words.say(silence_line(silence)) for silence in readout.silences)


def _before_the_first(card: Card, readout: StatusReadout) -> None:
    if readout.next_turn_at is None:
        card.section(message("views.report_none"))
    else:
        card.section(message("views.report_none_until", next_turn_at=iso(readout.next_turn_at)))


def _when(words: Catalogue, turn: Turn) -> str:
    window = turn.snapshot.window
    return words.say(
        message(
            "views.report_when",
            service=turn.snapshot.service.name,
            region=turn.snapshot.service.region,
            start_at=iso(window.start),
            end_at=iso(window.end),
            turn_id=turn.id,
        )
    ) + (f" · {words.say(EXTRA)}" if turn.occasion is Occasion.ASKED else "")


def why_lines(told: TurnReport) -> Iterator[str]:
    """The reason of the health, what each part gave to the score (the points add up to it), and what moved it."""
    reason, *moved = told.health().notes
    yield reason
    score = told.turn.assessment.gate.score
    given = [(word(told.words, "part", part.name), part.weight, score.contribution(part)) for part in score.parts]
    if given:
        yield " · ".join(
            told.say(message("views.part_no_data", name=name))
            if points is None
            else told.say(message("views.part", name=name, points=points, most=100 * weight))
            for name, weight, points in given
        )
    yield from moved


def changes(card: Card, words: Catalogue, found: Sequence[ChangeOfLate], pinned: Pinned | None) -> None:
    """What was changed of late and what it did, each with its way back at its side."""
    for nth, change in enumerate(found):
        title = [f"*{words.say(message('views.report_changes'))}*"] if nth == 0 else []
        card.lines([*title, change_line(words, change)], undo_button(change.proposal, pinned))


def undoable_card(words: Catalogue, readout: StatusReadout) -> Shown:
    """`/lumen undo` alone: what was changed of late, each with its way back."""
    card = Card(words)
    found = [one for one in readout.changes if undo_button(one.proposal, readout.pinned) is not None]
    card.section(message("command.undo_which" if found else "command.undo_none"))
    changes(card, words, found[:CHANGES_SHOWN], readout.pinned)
    card.section(message("command.undo_remedy"))
    return card.shown()


def change_line(words: Catalogue, change: ChangeOfLate) -> str:
    """What was changed, when and by whom, and the hit rate before and now."""
    proposal = change.proposal
    moved = words.say(
        message(
            "views.change",
            knob=word(words, "knob", proposal.draft.change.knob),
            **change_params(proposal.draft.change),
        )
    )
    when = words.instant(proposal.finished_at) if proposal.finished_at else ""
    by = person(proposal.decision.person) if proposal.decision and proposal.decision.person else ""
    return " · ".join(piece for piece in (moved, when, by, words.say(_effect(words, change))) if piece)


def _effect(words: Catalogue, change: ChangeOfLate) -> Message:
    """What was measured with its interval; until there is such a thing, the shares as they were read."""
    before = words.plain(_share(change.before))
    measured = change.proposal.measured
    if measured is not None:
        state = words.plain(Message(f"word.state_{change.proposal.state}", {}))
        return message("views.change_measured", state=state, reason=words.plain(measured.reason))
    now = words.plain(_share(change.now))
    if change.proposal.draft.change.knob is Knob.TRAFFIC:
        return message("views.change_failures", before=before, now=now)
    if change.now is None:
        return message("views.change_measuring", before=before)
    return message("views.change_effect", before=before, now=now)


def _share(value: float | None) -> Message:
    return message("word.no_data") if value is None else message("views.value_share", value=value)


def worth_lines(told: TurnReport, found: Sequence[Worth]) -> Iterator[str]:
    """What is worth doing, the most urgent first; of many the first ones."""
    shown = found[:PRIORITIES_SHOWN]
    yield from told.worth(shown)
    if len(found) > len(shown):
        yield told.say(message("priority.more", count=len(found) - len(shown)))


def _footer(words: Catalogue, readout: StatusReadout) -> list[str]:
    lines = []
    if readout.open_proposals:
        lines.append(words.say(message("views.report_open", count=len(readout.open_proposals))))
    if readout.next_turn_at is not None:
        lines.append(words.say(message("views.report_next", next_turn_at=iso(readout.next_turn_at))))
    return lines
