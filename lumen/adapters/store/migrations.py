"""The layouts of the store, one after the other: a script for each step, which one command makes in one go.

A Lumen works with every layout of `SCHEMAS`, so two versions stand side by side on the older one while the newer is
brought out; the step is made when none is left that knows only the older (docs/adr/0017-copies-and-layouts.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lumen.adapters.store import epoch
from lumen.adapters.store.connection import StoreClient
from lumen.adapters.store.scripts import Calls
from lumen.model.service import Person, ServiceId
from lumen.ports.clock import Clock


@dataclass(frozen=True, slots=True)
class Migration:
    """A step to the layout `schema`, by a script that defines `migrate(dry)` (scripts/migrated.lua)."""

    before: str
    schema: str
    script: str


#: In order; none yet.
MIGRATIONS: tuple[Migration, ...] = ()


@dataclass(frozen=True, slots=True)
class Migrated:
    """One step. `values`: how many it changed, or would; None: not known before the steps before it are made."""

    service: ServiceId
    before: str
    schema: str
    values: int | None


async def migrate(
    redis: StoreClient, service: ServiceId, clock: Clock, person: Person | None, steps: Sequence[Migration] = MIGRATIONS
) -> Sequence[Migrated]:
    """Every step that is due; with nobody who makes them, only what they would do.

    Raises StoreUnavailable, OutcomeUnknown.
    """
    found, made = (await epoch.read(redis, service)).schema, list[Migrated]()
    for step in steps:
        if step.before != found:
            continue
        values = None
        if person is not None or not made:
            calls, who = Calls(redis, (step.before,)), person.user_id if person else ""
            dry = "" if person else "1"
            reply = await calls.migrate(step.script, service, dry, step.schema, clock.now().isoformat(), who)
            values = int(reply.values[0])
        made.append(Migrated(service, step.before, step.schema, values))
        found = step.schema
    return made
