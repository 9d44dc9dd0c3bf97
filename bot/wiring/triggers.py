"""Wire the calls from outside: whose tokens are taken, and what a call does."""

from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web
from prometheus_client import CollectorRegistry

from bot.config import Settings
from bot.triggers import TriggerRoutes, counter_of
from bot.wiring.parts import Lumen
from lumen.adapters.google.push import pushed_message
from lumen.adapters.google.tokens import CERTS_URL, CallerTokens, GoogleKeys
from lumen.model.turn import Turn
from lumen.use_cases.triggers import Triggers
from lumen.wording.catalogue import Catalogue


def trigger_routes(
    settings: Settings,
    lumen: Lumen,
    made: Callable[[Sequence[Turn], float], Awaitable[None]],
    registry: CollectorRegistry,
) -> Sequence[web.RouteDef]:
    """Empty where PUBLIC_URL and OIDC_SERVICE_ACCOUNT do not say who may call. `made`: told of the turns of a call."""
    if not settings.takes_triggers:
        return ()
    keys = GoogleKeys(settings.lumen_certs_url or CERTS_URL)
    tokens = CallerTokens(keys, settings.audience, settings.oidc_service_account)
    rounds = lumen.rounds
    triggers = Triggers(lumen.store.inbox, rounds.turn_runner, rounds.beside.taking_news, settings.services)
    words = Catalogue(settings.lumen_locale)
    return TriggerRoutes(triggers, tokens.check, pushed_message, made, words, counter_of(registry)).routes()
