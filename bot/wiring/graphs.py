"""The use case that draws the feedback graph; it needs nothing but the store, and arithmetic."""

from bot.config import Settings
from bot.service_settings import each
from bot.store import StateStore
from lumen.ports.clock import Numerics
from lumen.use_cases.feedback import FeedbackGraphs


def graphs_of(settings: Settings, store: StateStore, numerics: Numerics) -> FeedbackGraphs:
    """Over what is stored; a call that misses the cache costs API_COST_PER_CALL."""
    kept = store.proposals, store.turns, store.days, store.alerts
    return FeedbackGraphs(*kept, numerics, store.clock, each(settings.watched, lambda one: one.api_cost_per_call))
