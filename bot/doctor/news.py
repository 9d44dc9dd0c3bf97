"""The notifications of the budget: whether they can be read, and whether they are of the budget that is meant."""

from bot.assembly import Examined
from bot.doctor.checks import Findings
from bot.measuring import BUDGET_NAME
from lumen.model.billed import BudgetNotice, in_another_currency
from lumen.model.errors import SourceUnavailable
from lumen.model.message import Message, message
from lumen.model.nodata import NoData
from lumen.use_cases.billing import foreign

NAME = "budget's notifications"


async def look_at_news(found: Findings, examined: Examined, project: str) -> None:
    """One of those that wait is read and given back: to be allowed to read is all that Lumen needs."""
    if examined.news is None:
        found.fine(NAME, message("doctor.news_unread"))
        return
    try:
        notice = await examined.news.peek()
    except SourceUnavailable as error:
        found.mend(NAME, error.reason, error.remedy)
        return
    if notice is None:
        found.fine(NAME, message("doctor.news_none", subscription=examined.news.name))
    elif isinstance(notice, NoData):
        found.part(NAME, notice)
    else:
        own_id = await examined.budgets.own_id(project)
        wrong = foreign(notice, own_id, BUDGET_NAME, examined.news.name) or in_another_currency(notice)
        if wrong is None:
            found.fine(NAME, _says(notice))
        else:
            found.part(NAME, wrong)


def _says(notice: BudgetNotice) -> Message:
    at = notice.published_at.isoformat()
    return message("doctor.news_ok", name=notice.budget_name, spent_usd=notice.cost, published_at=at)
