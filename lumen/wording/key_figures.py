"""The four figures by which a service is judged at a glance, each with its sign, its target and its move in a day."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from lumen.model.assessment import Objective
from lumen.model.messages import Message, NoData, message
from lumen.model.snapshot import Spend
from lumen.model.turn import Turn
from lumen.wording.catalogue import Catalogue
from lumen.wording.figures import difference
from lumen.wording.money import spent
from lumen.wording.report import TurnReport
from lumen.wording.scores import VERDICT_SIGNS

#: The objectives among them with their short names; the fourth figure is the month's money.
OBJECTIVES = {
    "cache_hit_rate": "trend.name_hit_rate",
    "latency_p95": "trend.name_p95_ms",
    "error_rate": "trend.name_error_rate",
}
DAY = timedelta(days=1)
#: The turn of a day ago is found although one was made a little late.
NEAR = timedelta(minutes=40)
#: Of the month's budget (0-1).
MUCH_SPENT = 0.8


@dataclass(frozen=True, slots=True)
class KeyFigure:
    """`value` as every other report writes it; `target` and `change` are empty where there is none."""

    sign: str
    name: str
    value: str
    target: str
    change: str


def key_figures(words: Catalogue, turn: Turn, day: tuple[Turn, ...]) -> Iterator[KeyFigure]:
    """`day`: the turns of the last day, among which the one a day before `turn` is what it is compared with."""
    rows = TurnReport(words, words.say, turn).rows()
    end = turn.snapshot.window.end
    past = next((one for one in day if abs(end - one.snapshot.window.end - DAY) <= NEAR), None)
    for name, short in OBJECTIVES.items():
        now, then = (_objective(one, name) for one in (turn, past))
        if now is not None:
            sign, title = VERDICT_SIGNS[now.verdict], words.say(Message(short, {}))
            yield KeyFigure(sign, title, rows[name].value, _target(words, now), _moved(words, name, now, then))
    yield _money(words, turn, past, rows["spend"].name)


def _objective(turn: Turn | None, name: str) -> Objective | None:
    objectives = turn.assessment.slo.objectives if turn is not None else ()
    return next((one for one in objectives if one.name == name), None)


def _target(words: Catalogue, objective: Objective) -> str:
    """Latency's is in milliseconds, and known where it was judged."""
    if objective.name == "latency_p95":
        limit = objective.shown.params.get("threshold_ms")
        return "" if limit is None else words.say(message("views.target_ms", threshold_ms=limit))
    if objective.name == "error_rate":
        return words.say(message("views.target_below", target=1 - objective.target))
    return words.say(message("views.target_above", target=objective.target))


def _moved(words: Catalogue, name: str, now: Objective, then: Objective | None) -> str:
    """In points or milliseconds, as they are shown; nothing where one of both sides is not known."""
    if then is None:
        return ""
    before, after = (_shown(name, one) for one in (then, now))
    if before is None or after is None:
        return ""
    code, digits = {"latency_p95": ("ms", 0), "error_rate": ("share", 2)}.get(name, ("points", 1))
    return words.say(Message(f"views.moved_{code}", {"by": difference(after, before, digits)}))


def _shown(name: str, objective: Objective) -> float | None:
    if isinstance(objective.good_ratio, NoData):
        return None
    if name == "latency_p95":
        value = objective.shown.params.get("value_ms")
        return float(value) if isinstance(value, int | float) else None
    return 100 * (1 - objective.good_ratio if name == "error_rate" else objective.good_ratio)


def _money(words: Catalogue, turn: Turn, past: Turn | None, name: str) -> KeyFigure:
    """Of the month: what is spent of the budget, and how much of that in the last day."""
    now = turn.snapshot.spend
    if isinstance(now, NoData) or isinstance(now.month_to_date_usd, NoData):
        return KeyFigure("⚪", name, words.say(spent(turn)), "", "")
    usd, forecast = now.month_to_date_usd, turn.assessment.rhythm.forecast_usd
    is_much = usd >= MUCH_SPENT * now.budget_usd or (forecast is not None and forecast > now.budget_usd)
    sign = "❌" if usd > now.budget_usd else "⚠️" if is_much else "✅"
    code = "views.money_estimate" if now.is_estimate else "views.money"
    target = words.say(message("views.target_budget", budget_usd=now.budget_usd))
    by_usd = _spent_since(now, past.snapshot.spend if past is not None else None)
    change = "" if by_usd is None else words.say(message("views.moved_money", by_usd=by_usd))
    return KeyFigure(sign, name, words.say(Message(code, {"spent_usd": usd})), target, change)


def _spent_since(now: Spend, then: Spend | NoData | None) -> float | None:
    """None where a side is not known, of another month, or reckoned in another way."""
    if (
        then is None
        or isinstance(then, NoData)
        or (then.is_estimate, then.as_of.month) != (now.is_estimate, now.as_of.month)
    ):
        return None
    if isinstance(now.month_to_date_usd, NoData) or isinstance(then.month_to_date_usd, NoData):
        return None
    return difference(now.month_to_date_usd, then.month_to_date_usd)
