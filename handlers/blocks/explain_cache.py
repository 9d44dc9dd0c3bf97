"""`/lumen cache`: the five figures against their limits, the direction, and what to do.

`/lumen roi`: what the cache saves against what it costs, and how far that is from the target.
"""

from collections.abc import Iterator

from handlers.blocks.card import Shown, closed, opened
from lumen.model.answers import TurnReadout
from lumen.model.assessment import ROI_PASS, ROI_WARN, RoiAssessment
from lumen.model.messages import Message, NoData, message
from lumen.model.proposal import Knob
from lumen.model.snapshot import CacheStats
from lumen.model.turn import Turn
from lumen.wording.catalogue import Catalogue, figure
from lumen.wording.report import CACHE_SIGNS, Row, TurnReport, recommended_in_short, ttl_now
from lumen.wording.scores import VERDICT_SIGNS, gives, latency_source, since_before


def cache_card(words: Catalogue, readout: TurnReadout, turn: Turn) -> Shown:
    """Health, figures, what they were counted from, direction, recommendations."""
    found, seen = turn.assessment.cache, turn.snapshot
    health = words.plain(Message(f"word.cache_{found.health}", {}))
    title = message("explain.cache_header", sign=CACHE_SIGNS[found.health], service=readout.service.name, health=health)
    card = opened(words, title, readout, turn)
    card.section(found.health_reason, *since_before(words, turn, "cache"))
    rows = TurnReport(words, words.say, turn).rows()
    figures = [*(_line(words, rows[one.name]) for one in found.findings), words.say(gives(turn, "hit_rate"))]
    card.titled(message("explain.cache_figures"), figures)
    if not isinstance(seen.cache, NoData):
        card.section(*_counted(seen.cache))
    if not isinstance(seen.ttl, NoData):
        card.section(ttl_now(readout.service.name, seen.ttl))
    action = words.plain(Message(f"word.action_{found.action}", {}))
    why = message("explain.cache_action", action=action, reason=words.plain(found.action_reason))
    card.titled(message("explain.cache_direction"), [words.say(why)])
    card.titled(message("explain.recommendations"), _numbered(words, turn))
    return closed(card, words, [finding.value for finding in found.findings])


def _line(words: Catalogue, row: Row) -> str:
    """A figure against its limits; one without data says why."""
    if row.verdict:
        limits = words.say(Message(f"explain.limits_{row.key}", {}))
        return f"{row.sign} {row.name}: {row.told} ({limits})"
    return f"{row.sign} {row.name}: {' '.join((f'{row.value}.', *row.notes))}"


def _counted(cache: CacheStats) -> Iterator[Message]:
    figures = {"hits": cache.hits, "misses": cache.misses, "evictions": cache.evictions, "used_mb": cache.used_mb}
    counts = {name: value for name, value in figures.items() if not isinstance(value, NoData)}
    counts["minutes"] = cache.seconds / 60
    if len(counts) <= len(figures):
        pass  # the row of what is missing says why
    elif isinstance(cache.max_mb, NoData):
        yield Message("explain.cache_counts", counts)
    else:
        yield Message("explain.cache_counts_of", {**counts, "max_mb": cache.max_mb})
    source = latency_source(cache)
    if source is not None:
        yield source


def _numbered(words: Catalogue, turn: Turn) -> Iterator[str]:
    """The most urgent first, of whatever knob; then what the TTL policy says, where that is something else."""
    first, ttl = turn.first, turn.ttl
    advice, *reasons = TurnReport(words, words.say, turn).advice()
    yield from (f"1. {advice}", *reasons)
    if ttl != first:
        yield f"2. {recommended_in_short(words, words.say, Knob.TTL, ttl)}"


def roi_card(words: Catalogue, readout: TurnReadout, turn: Turn) -> Shown:
    """The figures, the formula with what was measured in it, the target."""
    roi = turn.assessment.roi
    card = opened(words, _title(words, readout, roi), readout, turn)
    if not isinstance(roi.roi, NoData):
        card.section(*(one for one in (roi.shown, roi.assumed) if one is not None))
    card.fields(
        [
            (message("explain.roi_savings"), figure(words, roi.savings_usd, "explain.cost_usd")),
            (message("explain.roi_cost"), figure(words, roi.cost_usd, "explain.cost_usd")),
            (message("explain.roi_return"), figure(words, roi.roi, "views.value_share")),
            (message("explain.roi_score"), _score(words, roi)),
        ]
    )
    card.lines(list(_target(words, roi)))
    card.section(*since_before(words, turn, "roi"), gives(turn, "roi"))
    return closed(card, words, [roi.roi], message("explain.roi_prices"))


def _title(words: Catalogue, readout: TurnReadout, roi: RoiAssessment) -> Message:
    sign, service = VERDICT_SIGNS[roi.verdict], readout.service.name
    if isinstance(roi.roi, NoData):
        return message("explain.roi_header_none", sign=sign, service=service)
    verdict = words.plain(Message(f"word.verdict_{roi.verdict}", {}))
    return message("explain.roi_header", sign=sign, service=service, roi=roi.roi, verdict=verdict)


def _score(words: Catalogue, roi: RoiAssessment) -> str:
    if isinstance(roi.score, NoData):
        return words.say(message("word.no_data"))
    return words.say(message("why.score", score=roi.score))


def _target(words: Catalogue, roi: RoiAssessment) -> Iterator[str]:
    yield words.say(message("explain.roi_rule", pass_from=ROI_PASS, warn_from=ROI_WARN))
    if not isinstance(roi.roi, NoData) and not isinstance(roi.savings_usd, NoData) and roi.roi <= ROI_PASS:
        needed = (1 + ROI_PASS) * roi.cost_usd
        yield words.say(message("explain.roi_needed", needed_usd=needed, savings_usd=roi.savings_usd))
