"""The feedback graph in words: an edge, a chain of them, and what a card says of such a change."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from lumen.model.feedback import COST, HIT_RATE, By, Edge, Feedback
from lumen.model.messages import Message, message
from lumen.model.proposal import FOLLOWS

#: Which heading an edge stands under.
_MEASURED = (By.VERDICTS, By.REPLAY)


def follows(chain: Sequence[Edge]) -> tuple[Message, ...]:
    """The line on a card that says what usually follows such a change; nothing for an empty chain."""
    if not chain:
        return ()
    return (message(FOLLOWS, chain=_linked([_source(chain[0]), *_short(chain)]), rests_on=_rests_on(chain[0])),)


def sections(found: Feedback) -> Iterator[tuple[Message, Sequence[Message]]]:
    """Headings with their lines: what is measured, what arithmetic says, what only goes together, what is lacking."""
    measured = [chain for chain in found.chains if chain[0].by in _MEASURED]
    coincides = [_line(chain[0]) for chain in found.chains if chain[0].by is By.COINCIDES]
    identities = [one for one in found.edges if one.by is By.IDENTITY]
    beside = [_line(one) for one in found.edges if one.by is By.REGRESSION]
    by_arithmetic = [_linked([_source(identities[0]), *map(_bare, identities)])] if identities else []
    yield message("graph.measured"), [_linked([_line(chain[0]), *map(_bare, chain[1:])]) for chain in measured]
    yield message("graph.by_arithmetic"), by_arithmetic
    yield message("graph.together"), [*coincides, *beside]
    yield message("graph.lacking"), found.lacking


def label(edge: Edge) -> Message:
    """The label of an arrow: by how much, with its interval, and on what that rests."""
    return message("graph.label", step=_step(edge), moved=_interval(edge), rests_on=_rests_on(edge))


def _line(edge: Edge) -> Message:
    source, moved, rests_on = _source(edge), _interval(edge), _rests_on(edge)
    if not edge.is_clear:
        return message("graph.unclear", source=source, other=edge.target, moved=moved, rests_on=rests_on)
    arrow = "⇢" if edge.is_dashed else "→"
    return message("graph.edge", source=source, arrow=arrow, metric=edge.target, moved=moved, rests_on=rests_on)


def _short(chain: Sequence[Edge]) -> Iterator[Message]:
    """The first with a plus-minus, of where the next such change will lie; the others follow from it."""
    first = chain[0]
    low = first.low if first.next_low is None else first.next_low
    high = first.high if first.next_high is None else first.next_high
    scale = 100 if first.target == HIT_RATE else 1
    half = {"half": scale * (high - low) / 2}
    code = "graph.plus_minus_points" if first.target == HIT_RATE else "graph.plus_minus"
    yield Message(code, {"what": _bare(first), **half})
    yield from map(_bare, chain[1:])


def _linked(pieces: Sequence[Message]) -> Message:
    """`a → b → c`."""
    told = pieces[0]
    for _, right in pairwise(pieces):
        told = message("graph.link", left=told, right=right)
    return told


def _source(edge: Edge) -> Message:
    if edge.is_of_knob:
        return message("graph.knob", knob=edge.source, step=_step(edge))
    return message("graph.metric", metric=edge.source, moved=_step(edge))


def _bare(edge: Edge) -> Message:
    """`hit rate +5.1 points`."""
    return message("graph.metric", metric=edge.target, moved=_amount(edge.target, edge.effect))


def _step(edge: Edge) -> Message:
    if edge.is_of_knob:
        return message("graph.step", step=round(edge.step), unit=edge.unit)
    return _amount(edge.source, edge.step)


def _amount(metric: str, value: float) -> Message:
    if metric == HIT_RATE:
        return message("graph.points", points=100 * value)
    return message("graph.usd", usd=value) if metric == COST else message("graph.share", share=value)


def _interval(edge: Edge) -> Message:
    """`+5.1 points (+4.8 to +5.4)`; what arithmetic says has none of its own."""
    amount, (low, high) = _amount(edge.target, edge.effect), (edge.low, edge.high)
    if edge.by is By.IDENTITY:
        return amount
    if edge.target == HIT_RATE:
        return message("graph.interval_points", amount=amount, low=100 * low, high=100 * high)
    return message("graph.interval_usd" if edge.target == COST else "graph.interval", amount=amount, low=low, high=high)


def _rests_on(edge: Edge) -> Message:
    return message(f"graph.rests_on_{edge.by}", count=edge.rests_on)
