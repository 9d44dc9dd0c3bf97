"""Output of `lumen ttl`, `size`, `cache`, `gate` and `report` for programs: the figures that people are shown."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bot.cli.advice_answers import Last, outcome, verdict_of
from lumen.exporters.cache import cache_figures, grades_of
from lumen.model.answers import GIVEN, TtlReadout, is_stale
from lumen.model.forecast import Forecast, confidence_word, expectation_of
from lumen.model.messages import Message, NoData
from lumen.model.proposal import Expectation, Proposal
from lumen.model.turn import Recommendation, Turn
from lumen.policies.choose import change_of
from lumen.use_cases.advice import SizeReadout, TurnNow
from lumen.wording.catalogue import Catalogue

Json = dict[str, Any]


def ttl_json(answer: TtlReadout, proposal: Proposal | None, locale: str) -> Json:
    """The figures of `print_ttl`."""
    wanted, words = answer.recommendation, Catalogue(locale)
    change = None if isinstance(wanted, NoData) else wanted.change
    return {
        **_head_json(answer),
        "current_ttl_seconds": answer.current_seconds,
        "recommended_ttl_seconds": answer.wanted_seconds
        or (None if isinstance(wanted, NoData) else answer.current_seconds),
        "step_seconds": change.step if change else 0,
        **_judged_json(words, wanted),
        "hit_rate": answer.expected.hit_rate if isinstance(answer.expected, Expectation) else None,
        **_expected_json(words, answer.expected),
        "forecast": _forecast_json(answer.forecast),
        "notes": [message_json(words, note) for note in answer.notes],
        "applied": _change_json(words, proposal),
    }


def _expected_of(turn: Turn) -> Expectation | NoData | None:
    """Of the TTL that the turn recommends."""
    change = change_of(turn.ttl)
    return None if change is None else expectation_of(turn.forecast, change)


def _expected_json(words: Catalogue, expected: Expectation | NoData | None) -> Json:
    """Low, middle and high of a 90 % interval; null for a hold, and where `not_predictable` says why."""
    known = expected if isinstance(expected, Expectation) else None
    return {
        "expected_hit_rate_change": known and list(known.hit_rate_change),
        "expected_calls_change_month": known and known.monthly_calls_change and list(known.monthly_calls_change),
        "expected_stale_usd_month": known and known.monthly_stale_usd,
        "expected_cost_change_usd_month": known and list(known.monthly_cost_change_usd),
        "confidence": known and known.confidence,
        "confidence_word": known and confidence_word(known.confidence),
        "not_predictable": _missing_json(words, expected) if isinstance(expected, NoData) else None,
    }


def _forecast_json(forecast: Forecast | NoData) -> list[Json] | None:
    """Of each TTL that was replayed the hit rate and the cost of a month that come with it."""
    if isinstance(forecast, NoData):
        return None
    return [
        {
            "ttl_seconds": step.ttl_seconds,
            "hit_rate": list(forecast.hit_rates(step)),
            "calls_change_month": list(forecast.calls_a_month(step)),
            "stale_usd_month": forecast.stale_usd_a_month(step),
            "cost_change_usd_month": list(forecast.usd_a_month(step)),
            "is_cheapest": step == forecast.cheapest,
        }
        for step in forecast.steps
    ]


def size_json(answer: SizeReadout, proposal: Proposal | None, locale: str) -> Json:
    """The figures of `print_size`."""
    words = Catalogue(locale)
    return {**size_figures_json(answer, words), "applied": _change_json(words, proposal)}


def size_figures_json(answer: SizeReadout, words: Catalogue) -> Json:
    """Without what became of it."""
    of, advice, grades = answer.figures, answer.advice, answer.grades
    found: Json = {
        **_head_json(answer),
        **_judged_json(words, advice if isinstance(advice, NoData) else advice.recommendation),
    }
    if isinstance(of, NoData) or isinstance(advice, NoData) or grades is None:
        return found
    memory, evictions, hit_rate = (grade.value for grade in grades)
    return {
        **found,
        "current_size_mb": of.size_mb,
        "recommended_size_mb": answer.wanted_mb or of.size_mb,
        "memory": {"used_mb": of.used_mb, "ratio": of.memory_ratio, "grade": memory},
        "evictions": {"per_hour": of.evictions_per_hour, "grade": evictions},
        "hit_rate": {"ratio": of.hit_rate, "grade": hit_rate},
        **_expected_json(words, answer.expected),
        "added_cost_usd_month": advice.added_cost_usd,
        "savings_usd_month": advice.savings_usd,
        "roi_of_ten": None if advice.recommendation.change is None else advice.roi,
    }


def cache_json(turn: Turn, size: SizeReadout, now: datetime, locale: str) -> Json:
    """The figures of `print_cache`, for one service."""
    words, cache, ttl = Catalogue(locale), turn.snapshot.cache, turn.snapshot.ttl
    figures, found = cache_figures(cache, ttl), turn.assessment.cache
    grades = grades_of(figures)
    rows: Json = {}
    for row in found.findings:
        value, grade = row.value, grades[row.name]
        missing = {"value": None, "no_data": _missing_json(words, value)} if isinstance(value, NoData) else None
        rows[row.name] = missing or {"value": value, "grade": grade.value if grade else None}
    rows["p95_ms"]["source"] = None if isinstance(cache, NoData) else cache.p95_source or None
    used, size_mb = (None, None) if isinstance(cache, NoData) else (cache.used_mb, cache.max_mb)
    return {
        **_turn_json(turn, now),
        **rows,
        "used_mb": None if isinstance(used, NoData) else used,
        "size_mb": None if isinstance(size_mb, NoData) else size_mb,
        "health": found.health.value,
        "action": found.action.value,
        "ttl": {**_judged_json(words, turn.ttl), **_expected_json(words, _expected_of(turn))},
        "size": size_figures_json(size, words),
    }


def report_json(last: Last, locale: str) -> list[Json]:
    """The stored turns with why each score is what it is, the size that would be best, and what is worth doing."""
    from bot.reports.as_json import turn_json

    words = Catalogue(locale)
    return [
        {
            **turn_json(each.turn),
            "is_stale": is_stale(each.turn, last.now),
            "health_now": each.worst(last.now).level.value,
            "alerts_now": _alerts_json(words, each),
            "size_advice": size_figures_json(each.size, words),
            "priorities": [
                {
                    "priority": worth.priority.value,
                    "what": message_json(words, worth.what),
                    "impact": message_json(words, worth.impact),
                }
                for worth in each.worth_doing
            ],
            "exit_code": last.health_code(),
        }
        for each in last.found
    ]


def _head_json(answer: TtlReadout | SizeReadout) -> Json:
    return {
        "service": None if answer.service == GIVEN else answer.service.key,
        "measured_at": answer.measured_at.isoformat() if answer.measured_at else None,
        "is_stale": answer.is_stale,
    }


def _turn_json(turn: Turn, now: datetime) -> Json:
    seen = turn.snapshot
    return {"service": seen.service.key, "measured_at": seen.window.end.isoformat(), "is_stale": is_stale(turn, now)}


def _judged_json(words: Catalogue, wanted: Recommendation | NoData) -> Json:
    if isinstance(wanted, NoData):
        nothing = dict.fromkeys(("change", "strategy", "priority"))
        return {**nothing, "reasons": [], "no_data": _missing_json(words, wanted)}
    change = wanted.change
    return {
        "change": None if change is None else {"old": change.old, "new": change.new, "unit": change.unit},
        "strategy": wanted.strategy,
        "priority": wanted.priority.value,
        "reasons": [message_json(words, reason) for reason in wanted.reasons],
    }


def message_json(words: Catalogue, said: Message) -> Json:
    params = {name: message_json(words, one) if isinstance(one, Message) else one for name, one in said.params.items()}
    return {"code": said.code, "params": params, "text": words.plain(said)}


def _missing_json(words: Catalogue, why: NoData) -> Json:
    return {"reason": message_json(words, why.reason), "remedy": message_json(words, why.remedy)}


def _change_json(words: Catalogue, proposal: Proposal | None) -> Json | None:
    if proposal is None:
        return None
    return {"proposal": proposal.id, "state": proposal.state.value, "says": words.plain(outcome(words, proposal))}


def gate_json(last: Last, locale: str) -> list[Json]:
    """The figures of `print_gate`."""
    words, gates = Catalogue(locale), [each.turn.assessment.gate for each in last.found]
    return [
        {
            **_turn_json(each.turn, last.now),
            "verdict": verdict_of(each, last.now).value,
            "health": gate.health.value,
            "health_now": each.worst(last.now).level.value,
            "alerts_now": _alerts_json(words, each),
            "health_reason": message_json(words, gate.health_reason),
            "score": None if isinstance(gate.score.value, NoData) else gate.score.value,
            "at_most": gate.score.most,
            "partial": gate.partial,
        }
        for each, gate in zip(last.found, gates, strict=True)
    ]


def _alerts_json(words: Catalogue, found: TurnNow) -> list[Json]:
    """The alerts that are open now: figures of the last look that found them."""
    return [
        {
            "kind": one.alert.kind.value,
            "severity": one.alert.severity.value,
            "opened_at": one.alert.opened_at.isoformat(),
            "looked_at": (one.alert.looked_at or one.alert.opened_at).isoformat(),
            "reason": message_json(words, one.alert.reason),
            "waits": message_json(words, one.alert.waits) if one.alert.waits else None,
        }
        for one in found.alerts
    ]


def measured_json(turns: Sequence[Turn]) -> list[Json]:
    """The measurements of the caches in the last turns, as they are stored."""
    from lumen.adapters.store.codec import encode

    return [
        {
            "service": snapshot.service.key,
            "window": {"start": snapshot.window.start.isoformat(), "end": snapshot.window.end.isoformat()},
            "cache": json.loads(encode(snapshot.cache)),
            "ttl": json.loads(encode(snapshot.ttl)),
        }
        for snapshot in (turn.snapshot for turn in turns)
    ]
