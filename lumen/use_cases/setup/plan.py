"""What must be done so that Google Cloud has what is wanted, or nothing of Lumen's any more."""

import asyncio
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from lumen.model.messages import SourceUnavailable, message
from lumen.model.setup import Action, Found, Kind, LeftOut, Plan, Step, Wanted
from lumen.ports.setup import CloudResources
from lumen.use_cases.setup.access import DENIED, by_its_owner
from lumen.use_cases.setup.compare import changed_by_hand, differences, leaves

#: Their history goes with them, so that only `destroy` deletes them.
HISTORY = frozenset({Kind.METRIC})
_REFERENCE = re.compile(r"\$\{([a-z_]+\.[^}]+)\}")

#: By kind: what stands there, or why that cannot be read.
There = Mapping[Kind, Sequence[Found] | SourceUnavailable]


async def read(cloud: CloudResources, kinds: Iterable[Kind], needed: Collection[Kind]) -> There:
    """What stands there; a kind that cannot be read hides no other.

    Of an API that is switched off there is nothing, unless a kind of it is `needed`.
    """
    there: dict[Kind, Sequence[Found] | SourceUnavailable] = {}
    asked = tuple(kinds)
    for kind, found in zip(asked, await asyncio.gather(*(_read(cloud, kind) for kind in asked)), strict=True):
        switched_off = isinstance(found, SourceUnavailable) and found.reason.code == "source.api_disabled"
        if kind in needed or not switched_off:
            there[kind] = found
    return _with_owners(there)


async def _read(cloud: CloudResources, kind: Kind) -> Sequence[Found] | SourceUnavailable:
    try:
        return await cloud.read(kind)
    except SourceUnavailable as error:
        return error


def _with_owners(there: There) -> There:
    """A budget has no room for a mark: it is Lumen's where it tells a topic of Lumen's."""
    own = {found.name for found in _own(there) if found.kind is Kind.TOPIC}
    budgets = there.get(Kind.BUDGET, ())
    if isinstance(budgets, SourceUnavailable):
        return there
    judged = [one if _topic_of(one) in own else replace(one, key="") for one in budgets]
    return {**there, Kind.BUDGET: judged} if Kind.BUDGET in there else there


def _topic_of(budget: Found) -> str:
    return str(budget.body.get("notificationsRule", {}).get("pubsubTopic", ""))


def plan_apply(
    wanted: Sequence[Wanted], left_out: Sequence[LeftOut], there: There, cloud: CloudResources, *, overwrite: bool
) -> Plan:
    """`overwrite`: also what was set by hand, and what somebody else made under the same name."""
    names = names_of(wanted, there)
    steps = list(_unreadable(there, wanted))
    taken: set[str] = set()
    for one in wanted:
        listed = there.get(one.kind, ())
        if isinstance(listed, SourceUnavailable):
            continue
        found = _match(one, listed)
        if found is not None:
            taken.add(found.name)
        settled = resolved(one, names, cloud)
        steps.append(_step(settled, found, overwrite=overwrite))
    gone = [one for one in _own(there) if one.name not in taken and one.kind not in HISTORY]
    return Plan((*steps, *_deletions(gone, there)), tuple(left_out))


def plan_destroy(there: There) -> Plan:
    """All that bears Lumen's mark goes, but what other people's resources use."""
    return Plan((*_unreadable(there), *_deletions(list(_own(there)), there)))


def _unreadable(there: There, wanted: Sequence[Wanted] = ()) -> Iterator[Step]:
    """Of roles in a project, with the commands of whom may give them."""
    for kind, listed in there.items():
        if isinstance(listed, SourceUnavailable):
            given = [Step(Action.CREATE, kind, one.title, one) for one in wanted if one.kind is kind is Kind.ACCESS]
            is_denied = bool(given) and listed.reason.code == DENIED
            remedy = by_its_owner(given) if is_denied else listed.remedy
            yield Step(Action.UNKNOWN, kind, kind.value, notes=(listed.reason, remedy))


def _own(there: There) -> Iterator[Found]:
    for listed in there.values():
        if not isinstance(listed, SourceUnavailable):
            yield from (found for found in listed if found.key)


def _match(wanted: Wanted, listed: Sequence[Found]) -> Found | None:
    """Lumen's own; else the one that is in the way, by its name or by what people know it as."""
    own = (found for found in listed if found.key == wanted.key and wanted.name in ("", found.name))
    named = (found for found in listed if not found.key and wanted.name and found.name == wanted.name)
    titled = (found for found in listed if not found.key and not wanted.name and found.title == wanted.title)
    return next(own, None) or next(named, None) or next(titled, None)


def _step(wanted: Wanted, found: Found | None, *, overwrite: bool) -> Step:
    if found is None:
        return Step(Action.CREATE, wanted.kind, wanted.title, wanted, changes=tuple(leaves(wanted.body)))
    changes = differences(found.body, wanted.body)
    notes = _by_others(wanted, found, differs=bool(changes))
    action = Action.NOTHING
    if notes and not overwrite:
        action, notes = Action.KEEP, (*notes, message("setup.stays"))
    elif changes or (not found.key and (overwrite or found.ownerless)):
        action = Action.UPDATE
    return Step(action, wanted.kind, wanted.title, wanted, found, changes, notes)


def _by_others(wanted: Wanted, found: Found, *, differs: bool) -> tuple[Any, ...]:
    """Why it is not Lumen's to change."""
    if not differs or found.ownerless:
        return ()
    if not found.key:
        return (message("setup.foreign", name=found.name),)
    if not found.applied:
        return (message("setup.no_mark", name=found.name),)
    by_hand = changed_by_hand(found.body, wanted.body, found.applied)
    return (message("setup.by_hand", name=found.name),) if by_hand else ()


def _deletions(gone: Sequence[Found], there: There) -> Iterator[Step]:
    for found in sorted(gone, key=lambda one: list(Kind).index(one.kind), reverse=True):
        users = [user.name for user in _others(there) if _uses(user, found)]
        if users:
            notes = (message("setup.in_use", name=found.name, users=", ".join(users)),)
            yield Step(Action.KEEP, found.kind, found.title, found=found, notes=notes)
        else:
            lost = (message("setup.history_goes"),) if found.kind in HISTORY else ()
            yield Step(Action.DELETE, found.kind, found.title, found=found, notes=lost)


def _others(there: There) -> Iterator[Found]:
    for listed in there.values():
        if not isinstance(listed, SourceUnavailable):
            yield from (found for found in listed if not found.key)


def _uses(user: Found, used: Found) -> bool:
    """Whether its body names the other one: in full, or as filters name metrics and uptime checks."""
    told = used.name.partition("/metricDescriptors/")[2] or used.name
    told = told.rpartition("/")[2] if used.kind is Kind.UPTIME_CHECK else told
    return re.search(re.escape(told) + r"(?![\w/.-])", json.dumps(user.body)) is not None


# Names that Google chooses


def names_of(wanted: Sequence[Wanted], there: There) -> dict[str, str]:
    """Full names by address, as far as they are known before anything is made."""
    names = {one.address: one.name for one in wanted if one.name}
    for one in wanted:
        listed = there.get(one.kind, ())
        found = None if isinstance(listed, SourceUnavailable) else _match(one, listed)
        if found is not None:
            names[one.address] = found.name
    return names


def resolved(wanted: Wanted, names: Mapping[str, str], cloud: CloudResources) -> Wanted:
    """With the names that are known by now, as the API would give it back."""
    body = cloud.settled(wanted.kind, _resolved(wanted.body, names))
    return replace(wanted, body=body)


def _resolved(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {name: _resolved(one, names) for name, one in value.items()}
    if isinstance(value, list):
        return [_resolved(one, names) for one in value]
    if isinstance(value, str):
        return _REFERENCE.sub(lambda found: names.get(found[1], found[0]), value)
    return value
