"""Carry a plan out, one step after the other; what fails holds up only what needs it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from lumen.model.messages import ActuatorFailed, LumenError, SourceUnavailable, with_remedy
from lumen.model.setup import Action, Found, Kind, Outcome, Plan, Step, Wanted
from lumen.ports.setup import CloudResources
from lumen.use_cases.setup.access import DENIED, by_its_owner
from lumen.use_cases.setup.compare import differences, fingerprint, merged
from lumen.use_cases.setup.plan import resolved

_CHANGES = frozenset({Action.CREATE, Action.UPDATE, Action.DELETE})


@dataclass(frozen=True, slots=True)
class Applying:
    """Nothing is tried twice: a second run reads what stands there, and completes it."""

    cloud: CloudResources

    async def carry_out(self, plan: Plan, names: dict[str, str]) -> AsyncIterator[Outcome]:
        """`names`: full names by address; those that Google chooses are added. What cannot be read counts as failed."""
        unknown = {step.kind for step in plan.steps if step.action is Action.UNKNOWN}
        failed: set[str] = set()
        for step in _in_order(plan):
            waits_for = [need for need in _needs(step) if need in failed or Kind(need.partition(".")[0]) in unknown]
            error = None
            if not waits_for:
                error = await self._try(step, names)
            if waits_for or error is not None:
                failed.add(step.address)
            yield Outcome(step, error, waits_for)

    async def _try(self, step: Step, names: dict[str, str]) -> LumenError | None:
        try:
            if step.action is Action.DELETE and step.found is not None:
                await self.cloud.delete(step.found)
            elif step.wanted is not None:
                await self._write(step.wanted, step.found, step, names)
        except (ActuatorFailed, SourceUnavailable) as error:
            is_owners = step.kind is Kind.ACCESS and error.reason.code == DENIED
            return type(error)(error.reason, by_its_owner([step])) if is_owners else error
        return None

    async def _write(self, given: Wanted, found: Found | None, step: Step, names: dict[str, str]) -> None:
        wanted = resolved(given, names, self.cloud)
        applied = fingerprint(wanted.body)
        if found is None:
            names[wanted.address] = await self.cloud.create(wanted.kind, wanted.key, applied, wanted.body)
            return
        found = await self._as_it_stands(found, wanted)
        fields = list(dict.fromkeys(change.path.split(".")[0].split("[")[0] for change in step.changes))
        body = merged(found.body, wanted.body)
        try:
            self.cloud.settled(wanted.kind, body)
        except ValueError:  # somebody has put something else in its place: both do not fit
            body = {**found.body, **{name: wanted.body[name] for name in fields}}
        await self.cloud.update(found, wanted.key, applied, body, fields)

    async def _as_it_stands(self, found: Found, wanted: Wanted) -> Found:
        """Read again, with what others have added since. Raises ActuatorFailed where it is another one than planned."""
        if found.etag:  # then Google compares
            return found
        now = next((one for one in await self.cloud.read(found.kind) if one.name == found.name), None)
        if now is None or differences(now.body, wanted.body) != differences(found.body, wanted.body):
            raise ActuatorFailed(*with_remedy("setup.moved", name=found.name))
        return now


def _needs(step: Step) -> tuple[str, ...]:
    return step.wanted.needs if step.wanted and step.action is not Action.DELETE else ()


def _in_order(plan: Plan) -> list[Step]:
    """What is made and changed comes first, in the order of kinds, then what goes, in the opposite order."""
    kinds = list(Kind)
    steps = [step for step in plan.steps if step.action in _CHANGES]
    made = sorted((s for s in steps if s.action is not Action.DELETE), key=lambda s: kinds.index(s.kind))
    gone = sorted((s for s in steps if s.action is Action.DELETE), key=lambda s: -kinds.index(s.kind))
    return [*made, *gone]
