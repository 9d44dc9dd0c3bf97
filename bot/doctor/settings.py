"""Checks of settings that are valid and yet worth a second thought, freezes and numbers of approvers among them."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from bot.config import Settings
from bot.doctor.check import Check, Findings
from bot.doctor.folded import some
from bot.numerics import missing_statistics
from bot.service_settings import ServiceSettings
from lumen.model.messages import Message, message, with_remedy
from lumen.model.service import ServiceId, names_of
from lumen.policies.freezes import Freezes, frozen_until

#: A freeze that has this long to go is worth a second thought ...
LONG = timedelta(days=60)
#: ... and so are weekly ones that leave less than this of a week, looked at hour by hour.
LEAST_OPEN = timedelta(hours=24)
_HOUR, _WEEK = timedelta(hours=1), timedelta(days=7)


def setting_checks(settings: Settings) -> Sequence[Check]:
    """Everything malformed has stopped the start already; this looks at what is only unwise."""
    found = Findings("setting: ")
    names = names_of(settings.services)
    found.fine("environment", message("doctor.environment_ok", services=some(list(names.values()))))
    _each(found, settings, _prices)
    for place, note in settings.notes:
        found.mend(f"openslo {place}", note, message("setting.slo_left_remedy"))
    missing = missing_statistics()
    if missing:
        found.mend(
            "numerics",
            message("doctor.no_numerics", missing=", ".join(missing)),
            message("effect.no_numerics_remedy"),
        )
    else:
        found.fine("numerics")
    if settings.undo_harmful == "auto":
        found.fine("UNDO_HARMFUL", message("doctor.undo_by_itself"))
    _auto_apply(found, settings)
    _output(found, settings.output_dir)
    if settings.dry_run:
        found.fine("DRY_RUN", message("doctor.dry_run"))
    if settings.disable_auto_optimization:
        found.fine("DISABLE_AUTO_OPTIMIZATION", message("doctor.automation_off"))
    return found.checks


def _prices(found: Findings, own: ServiceSettings, settings: Settings) -> None:
    if own.cache_instance and "cache_cost_per_mb" not in own.model_fields_set:
        # Memorystore is sold in whole GB: the price of a MB is another one than the plan's.
        found.mend("CACHE_COST_PER_MB", *with_remedy("doctor.price", price=own.cache_cost_per_mb))
    else:
        found.fine("CACHE_COST_PER_MB")
    if "api_cost_per_call" in own.model_fields_set:
        found.fine("API_COST_PER_CALL")
    else:
        found.mend("API_COST_PER_CALL", *with_remedy("doctor.call_price", price=own.api_cost_per_call))
    if not own.cache_instance and not settings.is_sandboxed:
        found.fine("CACHE_INSTANCE", message("doctor.no_cache_instance"))


def _each(found: Findings, settings: Settings, look: Callable[[Findings, ServiceSettings, Settings], None]) -> None:
    """Look at what holds for each service; where that differs, a check says for which services it is."""
    names, told = names_of(settings.services), list[tuple[Check, list[str]]]()
    kinds: dict[int, list[ServiceId]] = {}
    for service, own in settings.watched.items():
        kinds.setdefault(id(own), []).append(service)
    for alike in kinds.values():
        of_these = Findings(found.prefix)
        look(of_these, settings.watched[alike[0]], settings)
        for check in of_these.checks:
            whose = next((services for one, services in told if one == check), None)
            if whose is None:
                told.append((check, whose := []))
            whose.extend(names[service] for service in alike)
    for check, services in told:
        of = "" if len(services) == len(names) else f" ({some(services)})"
        found.checks.append(replace(check, name=f"{check.name}{of}"))


def _auto_apply(found: Findings, settings: Settings) -> None:
    names = ", ".join(settings.auto_apply)
    if names and settings.disable_auto_optimization:
        found.mend("AUTO_APPLY", *with_remedy("doctor.auto_apply_idle", names=names))
    elif names:
        code = "doctor.auto_apply_undone" if settings.undo_harmful == "auto" else "doctor.auto_apply"
        minutes = settings.auto_apply_after / timedelta(minutes=1)
        found.fine("AUTO_APPLY", Message(code, {"names": names, "minutes": minutes}))


def _output(found: Findings, directory: str) -> None:
    """Check that this process may write report files there, or in the nearest folder that exists."""
    if not directory:
        return
    path = Path(directory).absolute()
    nearest = next(each for each in (path, *path.parents) if each.exists())
    if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
        found.fine("OUTPUT_DIR", message("doctor.output_ok", directory=str(path)))
    else:
        found.mend(
            "OUTPUT_DIR",
            message("doctor.output_unwritable", directory=str(path), nearest=str(nearest)),
            message("doctor.output_remedy"),
        )


def people_checks(settings: Settings, now: datetime) -> Sequence[Check]:
    """Everything malformed has stopped the start already."""
    found = Findings("setting: ")
    _freezes(found, settings.freezes, now)
    _each(found, settings, _approvals)
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


def _approvals(found: Findings, own: ServiceSettings, settings: Settings) -> None:
    """Count the users of APPROVERS; only Slack knows how many members a group has."""
    who, needed = own.who_may_approve, max(settings.approvals_needed, settings.emergency_approvals_needed)
    if needed <= 1 or who.groups or not who.users:
        return
    if len(who.users) < needed:
        found.mend("APPROVALS_NEEDED", *with_remedy("doctor.too_few_approvers", needed=needed, users=len(who.users)))
    else:
        found.fine("APPROVALS_NEEDED", message("doctor.enough_approvers", needed=needed, users=len(who.users)))
