"""The part of the composition root that decides: what a picture comes to, and what may be done about it unasked."""

from bot.config import Settings
from bot.memory import Memory
from bot.targets import assessment_settings, size_limits, ttl_limits
from lumen.policies.unasked import Unasked
from lumen.ports.clock import Clock
from lumen.ports.numerics import Numerics
from lumen.use_cases.advice import Advice
from lumen.use_cases.hindsight import Hindsight
from lumen.use_cases.knobs import Knobs
from lumen.use_cases.outlook import Outlooks
from lumen.use_cases.restraints import Restraints
from lumen.use_cases.trust import Trust


def outlooks_of(
    settings: Settings, memory: Memory, numerics: Numerics, knobs: Knobs, restraints: Restraints
) -> Outlooks:
    """How a turn judges, and the end of a countdown."""
    return Outlooks(
        Hindsight(memory.alerts, memory.days, memory.turns, numerics),
        numerics,
        assessment_settings(settings),
        Advice(knobs, ttl_limits(settings), size_limits(settings)),
        restraints,
        memory.proposals,
        memory.alerts,
    )


def trust_of(settings: Settings, clock: Clock, memory: Memory, restraints: Restraints) -> Trust:
    """AUTO_APPLY."""
    unasked = Unasked(settings.automatic_knobs, settings.auto_apply_after, settings.dry_run)
    return Trust(unasked, restraints, memory.proposals, memory.alerts, clock)
