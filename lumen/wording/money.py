"""The month's money where it is more than one figure: billed or estimated, of several services, at least so much."""

from collections.abc import Iterator

from lumen.model.messages import Message, NoData, message
from lumen.model.snapshot import ServiceSpend, Spend
from lumen.wording.catalogue import iso


def beside(spend: Spend | NoData) -> Iterator[Message]:
    """What stands beside the month's sum: what is known where there is none, who says it, and each service's part."""
    if isinstance(spend, NoData):
        return
    least = at_least(spend)
    if least is not None:
        yield least
    at, estimate = iso(spend.as_of), spend.estimate_usd
    if isinstance(estimate, NoData):
        yield message("explain.budget_billed_alone", as_of_at=at)
    elif estimate is not None:
        yield message("explain.budget_billed", as_of_at=at, estimate_usd=estimate)
    for part in spend.parts if len(spend.parts) > 1 else ():
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
