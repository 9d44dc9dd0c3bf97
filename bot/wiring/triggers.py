"""Wire the calls and messages from outside: whose tokens are taken, and what each does."""

from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web
from prometheus_client import Counter

from bot.config import Settings
from bot.triggers import TriggerRoutes
from bot.wiring.parts import Lumen
from bot.wiring.work import Work
from lumen.adapters.google.push import pushed_message
from lumen.adapters.google.tokens import CERTS_URL, CallerTokens, GoogleKeys
from lumen.model.turn import Turn
from lumen.use_cases.shards import ByDuty, Shards
from lumen.use_cases.triggers import Triggers
from lumen.wording.catalogue import Catalogue


def triggers_of(settings: Settings, lumen: Lumen, do: ByDuty, work: Work | None) -> Triggers:
    """`do`: the work of some services, by schedule. `work` None: no workers are set."""
    shards = None if work is None else Shards(lumen.store.claims, settings.services, do, work.dispatch)
    rounds = lumen.rounds
    return Triggers(lumen.store.inbox, rounds.turn_runner, rounds.beside.taking_news, settings.services, shards)


def trigger_routes(
    settings: Settings,
    triggers: Triggers,
    made: Callable[[Sequence[Turn], float], Awaitable[None]],
    calls: Counter,
) -> Sequence[web.RouteDef]:
    """Empty where PUBLIC_URL and OIDC_SERVICE_ACCOUNT do not say who may call. `made`: told of the turns of a call.

    `calls`: counts them.
    """
    if not settings.takes_triggers:
        return ()
    keys = GoogleKeys(settings.lumen_certs_url or CERTS_URL)
    tokens = CallerTokens(keys, settings.audience, settings.oidc_service_account)
    words = Catalogue(settings.lumen_locale)
    return TriggerRoutes(triggers, tokens.check, pushed_message, made, words, calls).routes()
