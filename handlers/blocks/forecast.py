"""Hit rate and cost of a month against the TTL, as Slack's own charts, each with its interval."""

from collections.abc import Callable, Iterator, Sequence

from handlers.blocks.chart import Axis, Chart, Series, interval
from lumen.model.forecast import Forecast, Step
from lumen.model.messages import Message, NoData, message
from lumen.model.proposal import Change, Knob, Value
from lumen.wording.catalogue import Catalogue, expected_params

#: Beside the present one and the cheapest.
SHOWN = (60, 120, 300, 600, 1200, 1800, 3600)


def charts(words: Catalogue, forecast: Forecast) -> Iterator[Chart]:
    """The hit rate, and the cost of a month where a call costs anything."""
    drawn = (*SHOWN, forecast.ttl_seconds, forecast.cheapest.ttl_seconds)
    steps = [step for step in forecast.steps if step.ttl_seconds in drawn]
    axis = Axis(words.plain(message("forecast.axis")), [_label(words, forecast, step) for step in steps])

    def series(name: Message, of: Callable[[Step], Sequence[float]]) -> Sequence[Series]:
        ends = [of(step) for step in steps]
        least, likely, most = ([found[at] for found in ends] for at in range(3))
        return interval(words, words.plain(name), least, likely, most)

    hits = series(message("forecast.hit_rate"), forecast.hit_rates)
    yield Chart("line", message("forecast.chart_hit_rate"), axis, hits, "%")
    if forecast.call_usd:
        cost = series(message("forecast.cost"), forecast.usd_a_month)
        yield Chart("line", message("forecast.chart_cost"), axis, cost, "$")


def cheapest(forecast: Forecast) -> Message:
    """The TTL that costs least, in calls and for the age of answers; and what it does to both."""
    best, unpriced = forecast.cheapest, "" if forecast.stale_usd else "_unpriced"
    if best.ttl_seconds == forecast.ttl_seconds:
        return message("forecast.cheapest_now", ttl_seconds=best.ttl_seconds)
    calls, usd = round(forecast.calls_a_month(best)[1]), forecast.usd_a_month(best)[1]
    params = {"ttl_seconds": best.ttl_seconds, "calls": calls, "usd": usd}
    return Message(f"forecast.cheapest{unpriced}", params)


def _label(words: Catalogue, forecast: Forecast, step: Step) -> str:
    ttl = step.ttl_seconds
    is_cheapest = ttl == forecast.cheapest.ttl_seconds
    code = "present" if ttl == forecast.ttl_seconds else "best" if is_cheapest else "other"
    return words.plain(Message(f"forecast.{code}", {"ttl_seconds": ttl}))


def size_lines(words: Catalogue, size_mb: Value | NoData, forecast: Forecast | NoData | None) -> list[str]:
    """A line for each size that was replayed, or why nobody can say; nothing where no turn asked."""
    if forecast is None or not isinstance(size_mb, int):
        return []
    if isinstance(forecast, NoData):
        return [words.say(forecast.reason)]
    if isinstance(forecast.sizes, NoData):
        return [words.say(forecast.sizes.reason)]
    lines = []
    for one in forecast.sizes:
        expected = forecast.of_size(Change(Knob.CACHE_SIZE, size_mb, one.size_mb, "MB"))
        if one.size_mb != size_mb and not isinstance(expected, NoData):
            told = words.say(Message("views.expected_short", expected_params(expected)))
            lines.append(f"• {one.size_mb} MB: {told}")
    return lines
