"""What people set against Lumen by settings: freezes that are over or hardly end, approvals that nobody can give."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.config import Settings
from bot.doctor.checks import Check, Findings
from lumen.model.message import message
from lumen.policies.freezes import Freezes, frozen_until

#: A freeze that has this long to go is worth a second thought ...
LONG = timedelta(days=60)
#: ... and so are weekly ones that leave less than this of a week, looked at hour by hour.
LEAST_OPEN = timedelta(hours=24)
_HOUR, _WEEK = timedelta(hours=1), timedelta(days=7)


def people_checks(settings: Settings, now: datetime) -> Sequence[Check]:
    """Everything malformed has stopped the start already."""
    found = Findings("setting: ")
    _freezes(found, settings.freezes, now)
    _approvals(found, settings)
    return found.checks


def _freezes(found: Findings, freezes: Freezes, now: datetime) -> None:
    if not freezes.windows and not freezes.weekly:
        return
    until = frozen_until(freezes.windows, freezes.weekly, now)
    if freezes.weekly and _open_in_a_week(freezes, now) < LEAST_OPEN:
        found.mend("FREEZE", message("doctor.freeze_whole_week"), message("doctor.freeze_remedy"))
    elif until is not None and until - now > LONG:
        found.mend("FREEZE", message("doctor.freeze_long", until_at=until.isoformat()), message("doctor.freeze_remedy"))
    elif until is not None:
        found.fine("FREEZE", message("doctor.frozen", until_at=until.isoformat()))
    elif not freezes.weekly and all(window.end <= now for window in freezes.windows):
        last = max(window.end for window in freezes.windows)
        found.mend("FREEZE", message("doctor.freeze_over", until_at=last.isoformat()), message("doctor.freeze_remedy"))
    else:
        found.fine("FREEZE", message("doctor.not_frozen"))


def _open_in_a_week(freezes: Freezes, now: datetime) -> timedelta:
    hours = (now + n * _HOUR for n in range(_WEEK // _HOUR))
    return sum((_HOUR for hour in hours if frozen_until((), freezes.weekly, hour) is None), timedelta())


def _approvals(found: Findings, settings: Settings) -> None:
    """How many members a group has is Slack's to say; users are counted here."""
    who, needed = settings.who_may_approve, max(settings.approvals_needed, settings.emergency_approvals_needed)
    if needed <= 1 or who.groups or not who.users:
        return
    if len(who.users) < needed:
        found.mend(
            "APPROVALS_NEEDED",
            message("doctor.too_few_approvers", needed=needed, users=len(who.users)),
            message("doctor.too_few_approvers_remedy"),
        )
    else:
        found.fine("APPROVALS_NEEDED", message("doctor.enough_approvers", needed=needed, users=len(who.users)))
