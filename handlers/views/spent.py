"""The month's money where it is more than one figure: of several services, or only known to be at least so much."""

from collections.abc import Iterator

from handlers.views.words import iso
from lumen.model.message import Message, message
from lumen.model.nodata import NoData
from lumen.model.snapshot import ServiceSpend, Spend


def parts(spend: Spend | NoData) -> Iterator[Message]:
    """A line for each service; none where there is but one, or none was told."""
    if isinstance(spend, NoData) or len(spend.parts) < 2:
        return
    for part in spend.parts:
        usd = part.month_to_date_usd
        if isinstance(usd, NoData):
            yield message("explain.budget_part_unknown", service=part.service)
        else:
            yield message("explain.budget_part", service=part.service, spent_usd=usd)


def at_least(spend: Spend | NoData) -> Message | None:
    """What is known of a month whose sum is not."""
    if isinstance(spend, NoData) or not isinstance(spend.month_to_date_usd, NoData) or not spend.known_usd:
        return None
    at = iso(spend.as_of)
    return message("explain.budget_at_least", spent_usd=spend.known_usd, budget_usd=spend.budget_usd, as_of_at=at)


def own_part(spend: Spend | NoData, service: str) -> ServiceSpend | None:
    """The service's own part, where others have parts too."""
    if isinstance(spend, NoData) or len(spend.parts) < 2:
        return None
    return next((part for part in spend.parts if part.service == service), None)
