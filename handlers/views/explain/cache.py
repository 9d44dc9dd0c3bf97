"""`/lumen cache`: the five figures against their limits, the direction, and what to do."""

from collections.abc import Iterator

from handlers.catalogue import Catalogue
from handlers.views.card import Shown
from handlers.views.frame import closed, gives, named, opened
from handlers.views.judged import since_before
from handlers.views.report import recommendation_lines, recommended
from handlers.views.words import no_data, word
from lumen.model.assessment import CacheFinding, CacheHealth, Grade
from lumen.model.message import Message, message
from lumen.model.nodata import NoData
from lumen.model.proposal import Knob
from lumen.model.readout import TurnReadout
from lumen.model.snapshot import CacheStats, TtlSetting
from lumen.model.turn import Recommendation, Turn

SIGNS = {
    CacheHealth.OPTIMAL: "🟢",
    CacheHealth.GOOD: "🟢",
    CacheHealth.DEGRADED: "🟡",
    CacheHealth.POOR: "🟡",
    CacheHealth.FAILED: "🔴",
    CacheHealth.NO_DATA: "⚪",
}
GRADE_SIGNS = {Grade.GOOD: "✅", Grade.WATCH: "⚠️", Grade.BAD: "❌"}


def cache_card(words: Catalogue, readout: TurnReadout, turn: Turn) -> Shown:
    """Health, figures, what they were counted from, direction, recommendations."""
    found, seen = turn.assessment.cache, turn.snapshot
    health = words.plain(Message(f"word.cache_{found.health}", {}))
    title = message("explain.cache_header", sign=SIGNS[found.health], service=readout.service.name, health=health)
    card = opened(words, title, readout, turn)
    card.section(found.health_reason, *since_before(words, turn, "cache"))
    figures = [*(_line(words, finding) for finding in found.findings), words.say(gives(turn, "hit_rate"))]
    card.titled(message("explain.cache_figures"), figures)
    if not isinstance(seen.cache, NoData):
        card.section(*_counted(seen.cache))
    if not isinstance(seen.ttl, NoData):
        card.section(_ttl(turn, seen.ttl))
    action = words.plain(Message(f"word.action_{found.action}", {}))
    why = message("explain.cache_action", action=action, reason=words.plain(found.action_reason))
    card.titled(message("explain.cache_direction"), [words.say(why)])
    card.titled(message("explain.recommendations"), _numbered(words, turn))
    missing = [finding.value for finding in found.findings if isinstance(finding.value, NoData)]
    return closed(card, words, missing)


def _line(words: Catalogue, finding: CacheFinding) -> str:
    value, name = finding.value, finding.name
    if isinstance(value, NoData) or finding.grade is None:
        reason = words.plain(value.reason) if isinstance(value, NoData) else ""
        missing = message("explain.cache_finding_missing", sign="⚪", name=named(words, name), reason=reason)
        return words.say(missing)
    return words.say(
        message(
            "explain.cache_finding",
            sign=GRADE_SIGNS[finding.grade],
            shown=words.plain(Message(f"assess.finding_{name}", {"value": value})),
            grade=words.plain(Message(f"advice.grade_{finding.grade}", {})),
            limits=words.plain(Message(f"explain.limits_{name}", {})),
        )
    )


def _counted(cache: CacheStats) -> Iterator[Message]:
    counts: dict[str, int | float] = {
        "hits": cache.hits,
        "misses": cache.misses,
        "evictions": cache.evictions,
        "minutes": cache.seconds / 60,
        "used_mb": cache.used_mb,
    }
    if isinstance(cache.max_mb, NoData):
        yield Message("explain.cache_counts", counts)
    else:
        yield Message("explain.cache_counts_of", {**counts, "max_mb": cache.max_mb})
    source = latency_source(cache)
    if source is not None:
        yield source


def latency_source(cache: CacheStats | NoData) -> Message | None:
    """Who measured the P95 of the cache (mission 3.5); None where nobody did."""
    if isinstance(cache, NoData) or isinstance(cache.p95_ms, NoData):
        return None
    known = cache.p95_source in ("latencystats", "probe")
    return Message(f"explain.p95_{cache.p95_source}", {}) if known else None


def _ttl(turn: Turn, setting: TtlSetting) -> Message:
    code = "default" if setting.is_default else "now" if setting.followed else "not_followed"
    service, ttl_seconds = turn.snapshot.service.name, setting.value_seconds
    return Message(f"command.ttl_{code}", {"service": service, "ttl_seconds": ttl_seconds})


def _numbered(words: Catalogue, turn: Turn) -> Iterator[str]:
    """The most urgent first, of whatever knob; then what the TTL policy says, where that is something else."""
    first, ttl = turn.first, turn.ttl
    yield from recommendation_lines(words, turn, lead="1. ")
    if ttl != first:
        yield f"2. {_said(words, ttl)}"


def _said(words: Catalogue, wanted: Recommendation | NoData) -> str:
    if isinstance(wanted, NoData):
        return no_data(words, wanted)
    reason = f" {words.say(wanted.reasons[0])}" if wanted.reasons else ""
    knob = f"{word(words, 'knob', Knob.TTL)}: " if wanted.change is None else ""  # otherwise it names the knob itself
    return f"{knob}{recommended(words, wanted)}{reason}"
