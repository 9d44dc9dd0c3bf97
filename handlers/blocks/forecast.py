"""Hit rate and cost of a month against the TTL, as Slack's own charts, each with its interval."""

from collections.abc import Callable, Iterator, Sequence

from handlers.blocks.chart import Axis, Chart, Series, interval
from lumen.model.forecast import Forecast, Step
from lumen.model.messages import Message, message
from lumen.wording.catalogue import Catalogue

#: Beside the present one; eight points in all.
SHOWN = (60, 120, 300, 600, 1200, 1800, 3600)


def charts(words: Catalogue, forecast: Forecast) -> Iterator[Chart]:
    """The hit rate, and the cost of a month where a call costs anything."""
    steps = [step for step in forecast.steps if step.ttl_seconds in (*SHOWN, forecast.ttl_seconds)]
    axis = Axis(words.plain(message("forecast.axis")), [_label(words, forecast, step) for step in steps])

    def series(name: Message, of: Callable[[float], float]) -> Sequence[Series]:
        ends = [sorted(of(end) for end in forecast.bounds(step)) for step in steps]
        least, likely, most = ([found[at] for found in ends] for at in range(3))
        return interval(words, words.plain(name), least, likely, most)

    hits = series(message("forecast.hit_rate"), lambda uplift: forecast.hit_rate + uplift)
    yield Chart("line", message("forecast.chart_hit_rate"), axis, hits, "%")
    if forecast.call_usd:
        cost = series(message("forecast.cost"), forecast.usd_a_month)
        yield Chart("line", message("forecast.chart_cost"), axis, cost, "$")


def _label(words: Catalogue, forecast: Forecast, step: Step) -> str:
    ttl = step.ttl_seconds
    is_present = ttl == forecast.ttl_seconds
    told = message("forecast.present", ttl_seconds=ttl) if is_present else message("forecast.other", ttl_seconds=ttl)
    return words.plain(told)
