"""One change that Lumen proposed and somebody approved, and everything that became of it."""

from dataclasses import dataclass
from datetime import datetime

from lumen.effects.verdict import EffectVerdict
from lumen.model.proposal import Change
from lumen.verification.judge import Judgement
from lumen.verification.world import World


@dataclass(slots=True)
class Adjustment:
    """`before`: the world just before it. `judgement` is the world's own answer, `verdict` what Lumen said."""

    change: Change
    strategy: str
    at: datetime
    before: World
    verdict: EffectVerdict | None = None
    verdict_at: datetime | None = None
    #: The verdict wants it undone.
    asked_back: bool = False
    undone_at: datetime | None = None
    judgement: Judgement | None = None
