"""A turn as JSON: everything that is stored of it, and why each score is what it is."""

import json
from typing import Any

from lumen.adapters.store.codec import decode, encode
from lumen.model.assessment import Part, Score, ScoreMove
from lumen.model.messages import NoData
from lumen.model.turn import Turn

Json = dict[str, Any]


def turn_json(turn: Turn) -> Json:
    """The stored turn with `why`: of each score its value, bounds, parts with their points, and what moved it."""
    stored: Json = json.loads(encode(turn))
    found = turn.assessment
    moves = {move.score: move for move in turn.moves}
    scores = {"gate": found.gate.score, "slo": found.slo.compliance, "maturity": found.maturity.score}
    stored["why"] = {name: _why(score, moves.get(name)) for name, score in scores.items()}
    return stored


def turn_from(stored: Json) -> Turn:
    """Inverse of `turn_json`. Raises ValueError for anything that is no turn."""
    return decode(Turn, json.dumps({name: value for name, value in stored.items() if name != "why"}))


def _why(score: Score, move: ScoreMove | None) -> Json:
    moved = {part.name: part.points for part in move.parts} if move is not None else {}
    return {
        "score": _number(score.value),
        "at_most": score.most,
        "of_what_is_known": _number(score.of_known),
        "coverage": score.coverage,
        "parts": [_part(score, part, moved.get(part.name)) for part in score.parts],
        "since": None if move is None else move.since.isoformat(),
        "before": None if move is None else move.before,
    }


def _part(score: Score, part: Part, moved: float | None) -> Json:
    return {
        "name": part.name,
        "value": _number(part.value),
        "score": _number(part.score),
        "weight": part.weight,
        "points": score.contribution(part),
        "moved": moved,
    }


def _number(value: float | NoData) -> float | None:
    return None if isinstance(value, NoData) else value
