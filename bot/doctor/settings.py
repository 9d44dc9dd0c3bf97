"""Settings that are valid and yet worth a second thought."""

import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from bot.config import Settings
from bot.doctor.checks import Check, Findings
from bot.numerics import can_draw, missing_statistics
from lumen.model.message import Message, message


def setting_checks(settings: Settings) -> Sequence[Check]:
    """Everything malformed has stopped the start already; this looks at what is only unwise."""
    found = Findings("setting: ")
    found.fine("environment", message("doctor.environment_ok", services=", ".join(settings.service_name)))
    default_price = type(settings).model_fields["cache_cost_per_mb"].default
    if settings.cache_instance and settings.cache_cost_per_mb == default_price:
        # Memorystore is sold in whole GB: the price of a MB is another one than the plan's.
        found.mend(
            "CACHE_COST_PER_MB",
            message("doctor.price", price=settings.cache_cost_per_mb),
            message("doctor.price_remedy"),
        )
    else:
        found.fine("CACHE_COST_PER_MB")
    if not settings.cache_instance and not settings.is_sandboxed:
        found.fine("CACHE_INSTANCE", message("doctor.no_cache_instance"))
    missing = missing_statistics()
    if missing:
        found.mend(
            "numerics",
            message("doctor.no_numerics", missing=", ".join(missing)),
            message("effect.no_numerics_remedy"),
        )
    else:
        found.fine("numerics")
    found.fine("charts", None if can_draw() else message("doctor.no_charts"))
    if settings.undo_harmful == "auto":
        found.fine("UNDO_HARMFUL", message("doctor.undo_by_itself"))
    _auto_apply(found, settings)
    _output(found, settings.output_dir)
    if settings.dry_run:
        found.fine("DRY_RUN", message("doctor.dry_run"))
    if settings.disable_auto_optimization:
        found.fine("DISABLE_AUTO_OPTIMIZATION", message("doctor.automation_off"))
    return found.checks


def _auto_apply(found: Findings, settings: Settings) -> None:
    names = ", ".join(settings.auto_apply)
    if names and settings.disable_auto_optimization:
        found.mend(
            "AUTO_APPLY", message("doctor.auto_apply_idle", names=names), message("doctor.auto_apply_idle_remedy")
        )
    elif names:
        code = "doctor.auto_apply_undone" if settings.undo_harmful == "auto" else "doctor.auto_apply"
        minutes = settings.auto_apply_after / timedelta(minutes=1)
        found.fine("AUTO_APPLY", Message(code, {"names": names, "minutes": minutes}))


def _output(found: Findings, directory: str) -> None:
    """Where report files go: there, or in the nearest folder that is, this process may write."""
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
