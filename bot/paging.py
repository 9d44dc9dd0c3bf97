"""The part of the composition root that calls people: silences, mentions, the pager that the settings name."""

from dataclasses import dataclass

from bot.config import Settings
from bot.memory import Memory
from handlers.catalogue import Catalogue
from lumen.pagers.alertmanager import AlertmanagerAlerts
from lumen.pagers.pagerduty import PagerDutyEvents
from lumen.pagers.webhook import WebhookPager
from lumen.ports.calling import Pager
from lumen.ports.clock import Clock
from lumen.ports.faults import FaultPoint
from lumen.use_cases.calling import Calling
from lumen.use_cases.paging import Paging
from lumen.use_cases.silencing import Silencing
from lumen.use_cases.timeline import Timelines


@dataclass(frozen=True, slots=True)
class Called:
    """Who is called, who answers, and of what nobody wants to hear."""

    silencing: Silencing
    calling: Calling
    timelines: Timelines
    #: None where no pager outside of Slack is configured.
    paging: Paging | None


def pager_of(settings: Settings) -> Pager | None:
    """None where no pager is configured."""
    if settings.pager_webhook_url is None:
        return None
    url = settings.pager_webhook_url.get_secret_value()
    if settings.pager_kind == "alertmanager":
        return WebhookPager(url, AlertmanagerAlerts(), must_hear_again=True)
    key = settings.pager_routing_key
    return WebhookPager(url, PagerDutyEvents(key.get_secret_value() if key else ""), must_hear_again=False)


def called_of(settings: Settings, memory: Memory, clock: Clock, fault: FaultPoint) -> Called:
    """All of it, over the store."""
    pager, words = pager_of(settings), Catalogue(settings.lumen_locale)
    silences, anybody = memory.silences, bool(settings.oncall_group)
    return Called(
        silencing=Silencing(silences, memory.alerts, memory.outbox, clock),
        calling=Calling(memory.pages, silences, clock, settings.oncall_repeat, anybody=anybody),
        timelines=Timelines(memory.alerts, memory.audit),
        paging=Paging(memory.pages, silences, memory.leases, clock, pager, words.plain, fault) if pager else None,
    )
